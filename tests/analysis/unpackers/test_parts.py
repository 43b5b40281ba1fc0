"""Archives in several files: told of, and put together where all lie beside each other."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Iterator

import py7zr
import pytest
import rars

from lazaretto.analysis.cage.host import Cage
from lazaretto.analysis.discovery import all_engines
from lazaretto.analysis.examine import Examiner
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.rulefiles import default_folder
from lazaretto.analysis.tree import Node
from lazaretto.analysis.volumes import together
from lazaretto.testing import archives
from lazaretto.testing.opened import open_with

NOISE = random.Random(1).randbytes(5000)
FILES = {"run.sh": b"#!/bin/sh\necho hello\n", "noise": NOISE}
MEANINGS = load_meanings(default_folder())


def sevenzip() -> bytes:
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w") as archive:
        for name, data in FILES.items():
            archive.writestr(data, name)
    return buffer.getvalue()


def rar() -> bytes:
    builder = rars.RarBuilder()
    builder.add_bytes(NOISE, "noise")
    return bytes(builder.to_bytes())


def last_zip() -> bytes:
    data = bytearray(archives.zipped(FILES))
    struct.pack_into("<H", data, data.rindex(b"PK\5\6") + 4, 2)
    return bytes(data)


def cabinet(flags: int) -> bytes:
    data = bytearray(archives.cabinet(FILES))
    data[30] |= flags
    return bytes(data)


# The head of a main archive header: flags for a volume; the check sums are not looked at.
RAR3 = b"Rar!\x1a\x07\x00\0\0\x73\x01\x01\x0d\0" + bytes(6)
RAR5 = b"Rar!\x1a\x07\x01\0" + bytes(4) + b"\x04\x01\x00\x03\x02" + bytes(8)


@pytest.mark.parametrize(
    ("name", "data", "detail"),
    [
        ("a.7z.002", NOISE, "part 2, by its name"),
        ("a.z03", NOISE, "part 3, by its name"),
        ("a.zip", last_zip(), "the last of 3 parts"),
        ("a.z01", b"PK\x07\x08" + archives.zipped(FILES)[:2000], "the first part"),
        ("a.part1.rar", RAR3, "the first part"),
        ("a.part3.rar", RAR5, "part 3"),
        ("a.cab", cabinet(2), "others follow"),
    ],
)
def test_parts_are_told_of(name: str, data: bytes, detail: str) -> None:
    opened = open_with("parts", data, name)
    assert opened.details("archive-part") == [detail]
    assert opened.short


def test_a_first_part_says_how_much_is_missing() -> None:
    whole = sevenzip()  # holds the time, so its size is not always the same
    opened = open_with("parts", whole[:2000], "a.7z.001")
    assert opened.details("archive-part") == [f"the first 2,000 of {len(whole):,} bytes"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.7z", sevenzip()),
        ("a.zip", archives.zipped(FILES)),
        ("a.rar", rar()),
        ("a.cab", cabinet(0)),
        ("a.bin", NOISE),
    ],
)
def test_whole_ones_are_not(name: str, data: bytes) -> None:
    opened = open_with("parts", data, name)
    assert not opened.findings
    assert not opened.short


def test_damage_ends_in_outputs() -> None:
    for kind, data in (("zip", last_zip()), ("rar", RAR5), ("rar", RAR3), ("7z", sevenzip()), ("cab", cabinet(3))):
        for size in range(0, 60, 3):
            open_with("parts", data[:size], "a.7z.001", kind=kind)


def test_pieces_by_their_names() -> None:
    assert together(["a.002", "b", "a.001"]) == {"a": (2, 0)}
    assert together(["a.001", "a.003"]) == {}
    assert together(["a.001"]) == {}
    assert together(["a.001", "a.002", "a"]) == {}


@pytest.fixture(scope="module")
def examiner() -> Iterator[Examiner]:
    engines = [one for one in all_engines() if one.name.startswith("unpack-") or one.name == "parts"]
    with Cage() as cage:
        yield Examiner(cage, MEANINGS, engines=engines)


def short(node: Node) -> list[str]:
    return [text for one in node.walk() for text in one.not_done]


@pytest.mark.parametrize("make", [sevenzip, lambda: archives.zipped(FILES)])
def test_pieces_in_one_archive_are_put_together(examiner: Examiner, make: object) -> None:
    data = make()  # type: ignore[operator]
    pieces = {
        f"x.{number + 1:03}": data[number * 2000 : number * 2000 + 2000] for number in range(-(-len(data) // 2000))
    }
    tree = examiner(archives.zipped(pieces), "a.zip")
    paths = {one.path: one for one in tree.walk()}
    assert paths["x", "run.sh"].kind.name == "shell"
    assert "put together" in paths["x.002",].closed
    assert not short(tree)


def test_a_piece_that_is_missing_is_said(examiner: Examiner) -> None:
    data = sevenzip()
    tree = examiner(archives.zipped({"x.7z.001": data[:2000], "x.7z.003": data[4000:]}), "a.zip")
    assert ("x.7z",) not in {one.path for one in tree.walk()}
    assert {"archive-part"} <= {one.id for node in tree.walk() for one in node.evidence}
    assert short(tree)


def test_names_that_say_what_is_not_so_hide_nothing(examiner: Examiner) -> None:
    tree = examiner(archives.zipped({"x.001": FILES["run.sh"], "x.002": archives.zipped(FILES)}), "a.zip")
    paths = {one.path for one in tree.walk() if not one.closed}
    assert {("x.001",), ("x.002",), ("x.002", "run.sh")} <= paths
