"""Bytes of no known kind: programs that lie in them as they are or under a simple key, such as in dumps of memory."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Finding, Member, Output, Subject
from lazaretto.analysis.formats.types import FileType
from lazaretto.analysis.programs.hidden import MOST_FOUND, Hidden, masked_programs, plain_programs, under_key


def _wants(kind: FileType) -> bool:
    return kind.name == "data"


ENGINE = Engine(
    name="raw",
    version="1",
    module="lazaretto.analysis.engines.raw",
    wants=_wants,
    sees="programs in bytes of no known kind, as they are or under a simple key",
    loads=("lazaretto.analysis.programs.hidden",),
    seconds=15.0,
    output=256 << 20,
)


def examine(subject: Subject) -> Iterator[Output]:
    left = MOST_FOUND
    for found in (*_hidden(subject.data), *plain_programs(subject.data, start=0)):
        left -= 1
        if left < 0:
            return
        name = "raw-hides-program" if found.key else "raw-carries-program"
        key = f", key {found.key.hex()}" if found.key else ""
        yield Finding(id=name, detail=f"{len(found.data):,} bytes at {found.offset:#x}{key}")
        yield Member(name=f"program at {found.offset:#x}", data=found.data, relation="embedded")


def _hidden(data: bytes) -> Iterator[Hidden]:
    whole = under_key(data)
    if whole:
        yield whole
    for found in masked_programs(data):
        if not whole or found.offset:
            yield found
