"""Installers of Inno Setup: the texts of their script, and the programs that they would write.

Files that are no programs are looked at together, as one part of the installer.
"""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Fact, Member, Output, Shortfall, Subject, short
from lazaretto.analysis.formats.types import FileType
from lazaretto.analysis.programs.hidden import plain_programs
from lazaretto.analysis.programs.inno import chunks, script, texts, version
from lazaretto.analysis.programs.installers import inno_at
from lazaretto.analysis.programs.pelayout import layout
from lazaretto.analysis.programs.room import Room


def _wants(kind: FileType) -> bool:
    return kind.name in {"pe-exe", "pe-foreign"}


ENGINE = Engine(
    name="inno",
    version="1",
    module="lazaretto.analysis.unpackers.inno",
    wants=_wants,
    sees="programs inside installers made with Inno Setup, and the texts of their script",
    loads=("bz2", "encodings.utf_16_le", "lzma", "zlib"),
    seconds=45.0,
    output=256 << 20,
)


def examine(subject: Subject) -> Iterator[Output]:
    found = layout(subject.data)
    at = inno_at(subject.data)
    # the line stands in Inno's own programs, too: an installer has it behind its image
    if found is None or at < found.end(len(subject.data)):
        return
    yield Fact(name="installer", value=short(f"Inno Setup {version(subject.data, at)}", 80))
    shown = "\n".join(texts(script(subject.data, at)))
    if shown:
        yield Member(name="texts of the installer's script", data=shown.encode(), relation="decoded")
    yield from _programs(subject, Room.of(subject.options))


def _programs(subject: Subject, room: Room) -> Iterator[Output]:
    opened = 0
    for chunk in chunks(subject.data):
        if not chunk.data:
            yield Member(name=f"data at {chunk.offset:#x}", closed="encrypted or damaged")
            continue
        opened += 1
        for program in plain_programs(chunk.data, start=0):
            yield room.member(f"program at {program.offset:#x} of the data", program.data)
        yield room.member(f"data at {chunk.offset:#x}", chunk.data, "decoded")
    if not opened:
        yield Shortfall(reason="the installer was not opened: its data were not found or could not be unpacked")
