"""The archives that libarchive reads: cabinets, LHA, cpio, xar, and what is rare."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Output, Subject
from lazaretto.analysis.unpackers import _libarchive
from lazaretto.analysis.unpackers._unpacking import MOST_OUTPUT, Unpacking

_FORMATS = {"cab": "cab", "lha": "lha", "cpio": "cpio", "xar": "xar", "warc": "warc"}

ENGINE = Engine(
    name="unpack-others",
    version="1",
    module="lazaretto.analysis.unpackers.others",
    wants=lambda kind: kind.name in _FORMATS,
    sees="the files in cabinets, LHA, cpio and xar archives",
    loads=_libarchive.LOADS,
    seconds=30.0,
    output=MOST_OUTPUT,
    essential=True,
)


def examine(subject: Subject) -> Iterator[Output]:
    unpacking = Unpacking(subject)
    yield from _libarchive.members(subject.data, unpacking, formats=_FORMATS[subject.kind.name])
    yield from unpacking.end()
