"""Archives that a Windows program carries behind its own end: self-extracting ones, and installers' data."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Output, Subject
from lazaretto.analysis.formats.installers import image_end
from lazaretto.analysis.unpackers._unpacking import MOST_OUTPUT, Unpacking

_SUFFIXES = {"carries-7z": "7z", "carries-rar": "rar", "carries-zip": "zip", "carries-cab": "cab"}
_MARKS = {"7z": b"7z\xbc\xaf\x27\x1c", "rar": b"Rar!\x1a\x07", "zip": b"PK\x03\x04", "cab": b"MSCF\0\0\0\0"}

ENGINE = Engine(
    name="unpack-carried",
    version="1",
    module="lazaretto.analysis.unpackers.carried",
    wants=lambda kind: any(trait in _SUFFIXES for trait in kind.traits),
    sees="archives that a program carries behind its own end",
    output=MOST_OUTPUT,
    essential=True,
)


def examine(subject: Subject) -> Iterator[Output]:
    unpacking = Unpacking(subject)
    data = subject.data
    end = image_end(data, int.from_bytes(data[60:64], "little"))
    for suffix in (_SUFFIXES[trait] for trait in subject.kind.traits if trait in _SUFFIXES):
        start = data.find(_MARKS[suffix], end)
        if start < 0:
            continue
        if len(data) - start > unpacking.left:
            yield from unpacking.too_much(f"carried.{suffix}", len(data) - start)
        else:
            yield from unpacking.member(f"carried.{suffix}", data[start:], relation="embedded")
    yield from unpacking.end()
