"""What a report was made of, kept beside it, so that it can be made again when the rules have changed.

    material.json            the tree as the engines saw it (findings by id), which files ran and how
    trace.jsonl              the account of the run; of a file inside: inside/SHA-256/trace.jsonl

Together they are all that `assemble` is given except the rules themselves: no byte of the sample is needed, no engine
runs again, no machine is started. What an engine would see otherwise in a newer version is therefore not in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from lazaretto.analysis.findings import Meanings
from lazaretto.analysis.formats.types import FileType
from lazaretto.analysis.report import write_whole
from lazaretto.analysis.runs import Ran
from lazaretto.analysis.tree import Node
from lazaretto.domain.detonation import Artifact, Detonation, Guest
from lazaretto.domain.errors import ReportError
from lazaretto.domain.trace import Trace, trace_from_lines

MATERIAL_VERSION = 1
MATERIAL_FILE = "material.json"
TRACE_FILE = "trace.jsonl"


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run without its account, which lies in `out`. `guest` is None where the sandbox gave no account."""

    path: tuple[str, ...]
    name: str
    kind: FileType
    out: str = ""
    error: str = ""
    code: str = ""
    guest: Guest | None = None
    engine_version: str = ""
    events: int = 0  # of the account: another number of them is another account
    artifacts: tuple[Artifact, ...] = ()
    stages: dict[str, float] = {}


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """What `assemble` was given."""

    material_version: int = MATERIAL_VERSION
    file: str
    tree: Node
    ran: tuple[Kept, ...] = ()
    not_run: tuple[str, ...] = ()
    catalogued: tuple[str, ...] = ()  # ids of findings whose meaning was the catalogue's; others came with their texts


_decoder = msgspec.json.Decoder(Material)


def material_of(file: str, tree: Node, ran: Iterable[Ran], meanings: Meanings, *, not_run: tuple[str, ...]) -> Material:
    """The material of an analysis."""
    found = {finding.id for node in tree.walk() for finding in node.evidence}
    return Material(
        file=file,
        tree=tree,
        ran=tuple(_kept(one) for one in ran),
        not_run=not_run,
        catalogued=tuple(sorted(found & meanings.by_id.keys())),
    )


def write_material(material: Material, folder: Path) -> Path:
    """Writes `material.json` into the folder, whole or not at all; its path."""
    return write_whole(folder / MATERIAL_FILE, msgspec.json.encode(material) + b"\n")


def read_material(folder: Path) -> Material:
    """The material in a report's folder. Raises `ReportError`."""
    path = folder / MATERIAL_FILE
    try:
        material = _decoder.decode(path.read_bytes())
    except OSError as error:
        raise ReportError(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReportError(f"{path}: not the material of a report: {error}") from error
    if material.material_version > MATERIAL_VERSION:
        known = f"this program knows {MATERIAL_VERSION}"
        raise ReportError(f"{path}: material of version {material.material_version}, {known}")
    return material


def runs_of(material: Material, folder: Path) -> tuple[Ran, ...]:
    """The runs with their accounts, as `assemble` takes them. Raises `ReportError`."""
    return tuple(_with_account(kept, folder) for kept in material.ran)


def read_trace(folder: Path) -> Trace:
    """The account that lies in a folder. Raises `ReportError`."""
    path = folder / TRACE_FILE
    try:
        with path.open("rb") as lines:
            return trace_from_lines(line.rstrip(b"\n") for line in lines)
    except OSError as error:
        raise ReportError(f"{path}: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ReportError(f"{path}: not an account: {error}") from error


def below(folder: Path, name: str) -> Path:
    """A folder or file that a stored report names, below the report's own folder. Raises `ReportError`."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ReportError(f"{name} does not lie in the folder of the report")
    return path


def _kept(ran: Ran) -> Kept:
    run = ran.detonation
    bare = Kept(path=ran.path, name=ran.name, kind=ran.kind, out=ran.out, error=ran.error, code=ran.code)
    if run is None:
        return bare
    return msgspec.structs.replace(
        bare,
        guest=run.guest,
        engine_version=run.engine_version,
        events=len(run.trace.events),
        artifacts=run.artifacts,
        stages=run.stages,
    )


def _with_account(kept: Kept, folder: Path) -> Ran:
    bare = Ran(path=kept.path, name=kept.name, kind=kept.kind, out=kept.out, error=kept.error, code=kept.code)
    if kept.guest is None:
        return bare
    place = below(folder, kept.out)
    trace = read_trace(place)
    if len(trace.events) != kept.events:
        raise ReportError(f"{place / TRACE_FILE}: {len(trace.events)} events, the report was made of {kept.events}")
    run = Detonation(
        trace=trace,
        guest=kept.guest,
        engine_version=kept.engine_version,
        artifacts=kept.artifacts,
        stages=kept.stages,
    )
    return msgspec.structs.replace(bare, detonation=run)
