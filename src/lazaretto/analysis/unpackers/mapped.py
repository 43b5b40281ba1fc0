"""Windows programs that were taken from memory are turned back into files, so that the other engines can read them."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Output, Subject
from lazaretto.analysis.formats.types import FileType
from lazaretto.analysis.programs.mapped import as_file, is_mapped
from lazaretto.analysis.programs.pelayout import layout
from lazaretto.analysis.programs.room import Room


def _wants(kind: FileType) -> bool:
    return kind.name.startswith("pe-")


ENGINE = Engine(
    name="mapped",
    version="1",
    module="lazaretto.analysis.unpackers.mapped",
    wants=_wants,
    sees="Windows programs in the layout that they have in memory",
    seconds=10.0,
    output=256 << 20,
)


def examine(subject: Subject) -> Iterator[Output]:
    found = layout(subject.data)
    if found is not None and is_mapped(subject.data, found):
        yield Room.of(subject.options).member("program as a file", as_file(subject.data, found), "decoded")
