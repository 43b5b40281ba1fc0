"""Programs packed with UPX: the program inside, as a part of the file."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Finding, Output, Shortfall, Subject
from lazaretto.analysis.formats.types import FileType
from lazaretto.analysis.programs.elflayout import elf_layout
from lazaretto.analysis.programs.pelayout import layout
from lazaretto.analysis.programs.room import Room
from lazaretto.analysis.programs.upx import (
    NotUnpacked,
    elf_pack,
    has_pe_names,
    pe_header,
    unpacked_elf,
    unpacked_pe,
)

_KINDS = frozenset({"pe-exe", "pe-dll", "pe-driver", "pe-foreign", "pe-dotnet", "elf-exe", "elf-so", "elf-foreign"})
NAME = "unpacked program"


def _wants(kind: FileType) -> bool:
    return kind.name in _KINDS


ENGINE = Engine(
    name="upx",
    version="1",
    module="lazaretto.analysis.unpackers.upx",
    wants=_wants,
    sees="the program inside one that is packed with UPX, also where the packer's marks were removed",
    loads=("lzma", "zlib"),
    seconds=45.0,
    output=128 << 20,
)


def examine(subject: Subject) -> Iterator[Output]:
    room = Room.of(subject.options)
    try:
        yield from _pe(subject.data, room)
        yield from _elf(subject.data, room)
    except NotUnpacked as error:
        yield Shortfall(reason=f"the packed program inside was not unpacked: {error}")


def _pe(data: bytes, room: Room) -> Iterator[Output]:
    found = layout(data)
    if found is None:
        return
    header, named = pe_header(data, found), has_pe_names(found)
    if header is None:
        if named:
            yield Finding(id="upx-marks-removed", detail="the packer's header is missing")
            yield Shortfall(reason="the packed program inside was not unpacked: the packer's header is missing")
        return
    yield Finding(id="upx-packed")
    if not named:
        yield Finding(id="upx-marks-removed", detail="the sections have other names")
    yield room.member(NAME, unpacked_pe(data, found, header), "decoded")


def _elf(data: bytes, room: Room) -> Iterator[Output]:
    found = elf_layout(data)
    pack = elf_pack(data, found) if found else None
    if found is None or pack is None:
        return
    yield Finding(id="upx-packed")
    if not pack.marked:
        yield Finding(id="upx-marks-removed", detail="the packer's mark is missing")
    yield room.member(NAME, unpacked_elf(data, found, pack), "decoded")
