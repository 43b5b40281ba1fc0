"""What the sandbox brought back from memory counts with the file that ran."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lazaretto.analysis.behaviours import default_folder
from lazaretto.analysis.cage.host import Cage
from lazaretto.analysis.engines import pe as pe_engine
from lazaretto.analysis.engines import raw
from lazaretto.analysis.examine import Examiner
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.identify import identify
from lazaretto.analysis.memory import with_memory
from lazaretto.analysis.runs import Ran
from lazaretto.analysis.tree import Node
from lazaretto.domain.detonation import Artifact, Detonation, Guest
from lazaretto.domain.trace import Ending, Trace
from lazaretto.testing.windows_files import pe

SAMPLE = b"#!/bin/sh\necho hi\n"
INNER = pe(imports={"kernel32.dll": ["OpenProcess", "VirtualAllocEx", "WriteProcessMemory", "CreateRemoteThread"]})


@pytest.fixture(scope="module")
def examiner() -> Iterator[Examiner]:
    with Cage(at_once=2) as cage:
        yield Examiner(cage, load_meanings(default_folder()), engines=(pe_engine.ENGINE, raw.ENGINE))


def ran(out: Path, *regions: bytes, path: tuple[str, ...] = (), below: str = "") -> Ran:
    artifacts = [Artifact(kind="dropped", name="x", sha256="00", size=1, path="artifacts/none")]
    for number, data in enumerate(regions):
        digest = hashlib.sha256(data).hexdigest()
        file = out / below / "memory" / f"{digest}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        artifacts.append(
            Artifact(kind="memory", name=f"9-{number}000", sha256=digest, size=len(data), path=f"memory/{digest}.bin")
        )
    detonation = Detonation(
        trace=Trace(profile="linux", ending=Ending.EXITED), guest=Guest(profile="linux", image="1"), engine_version="1",
        artifacts=tuple(artifacts),
    )  # fmt: skip
    return Ran(path=path, name="a", kind=identify(SAMPLE, "a"), detonation=detonation, out=below)


def tree_of(examiner: Examiner, data: bytes = SAMPLE) -> Node:
    return examiner(data, "a.sh")


def test_regions_become_parts_and_are_looked_at(examiner: Examiner, tmp_path: Path) -> None:
    tree = with_memory(examiner, tree_of(examiner), [ran(tmp_path, b"\x90" * 500, INNER)], tmp_path)
    code, program = tree.children
    assert (code.relation, program.relation) == ("memory", "memory")
    assert code.evidence == ()
    assert {one.id for one in program.evidence} == {"memory-program", "pe-can-injection"}
    assert all(one.where == "memory 9-1000" for one in program.evidence)
    assert list(tree.own()) == [tree, code, program]


def test_the_same_region_twice_is_one_part(examiner: Examiner, tmp_path: Path) -> None:
    tree = with_memory(examiner, tree_of(examiner), [ran(tmp_path, INNER, INNER)], tmp_path)
    assert len(tree.children) == 1


def test_a_region_that_is_the_file_itself_is_no_finding(examiner: Examiner, tmp_path: Path) -> None:
    tree = with_memory(examiner, tree_of(examiner, INNER), [ran(tmp_path, INNER)], tmp_path)
    assert tree.children[0].same_as == ()
    assert tree.children[0].evidence == ()


def test_regions_that_are_gone_are_left_out(examiner: Examiner, tmp_path: Path) -> None:
    one = ran(tmp_path, INNER)
    for file in (tmp_path / "memory").iterdir():
        file.unlink()
    tree = tree_of(examiner)
    assert with_memory(examiner, tree, [one], tmp_path) == tree
