"""Installers of NSIS: the files that they would write, and the texts of their script."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Fact, Member, Output, Shortfall, Subject, short
from lazaretto.analysis.formats.types import FileType
from lazaretto.analysis.programs.installers import nsis_at
from lazaretto.analysis.programs.nsis import Installer, Unreadable, installer
from lazaretto.analysis.programs.pelayout import layout
from lazaretto.analysis.programs.room import Room


def _wants(kind: FileType) -> bool:
    return kind.name in {"pe-exe", "pe-foreign"}


ENGINE = Engine(
    name="nsis",
    version="1",
    module="lazaretto.analysis.unpackers.nsis",
    wants=_wants,
    sees="what installers made with NSIS carry and where they put it",
    loads=("encodings.utf_16_le", "lzma", "zlib"),
    seconds=60.0,  # bzip2 gives a megabyte a second
    output=256 << 20,
    essential=True,
)


def examine(subject: Subject) -> Iterator[Output]:
    found = layout(subject.data)
    at = nsis_at(subject.data, found.end(len(subject.data))) if found else -1
    if at < 0:
        return
    yield Fact(name="installer", value="Nullsoft (NSIS)")
    try:
        opened = installer(subject.data, at)
    except Unreadable as error:
        yield Shortfall(reason=f"the installer was not opened: {error}")
        return
    yield from _contents(opened, Room.of(subject.options))


def _contents(opened: Installer, room: Room) -> Iterator[Output]:
    texts = "\n".join(opened.texts())
    if texts:
        yield Member(name="texts of the installer's script", data=texts.encode(), relation="decoded")
    for packed in opened.files():
        try:
            yield room.member(packed.name, opened.read(packed.at))
        except Unreadable as error:
            yield Member(name=short(packed.name, 200), closed=f"damaged: {error}")
