"""Archives that a program carries behind itself or among its resources: self-extracting archives, launchers.

The archive is cut out whole and is a part of the program; what is in it is for the unpacker of its kind.
"""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Member, Output, Subject
from lazaretto.analysis.formats.types import FileType
from lazaretto.analysis.programs.elflayout import elf_layout
from lazaretto.analysis.programs.installers import ARCHIVES, archive_at, carrier, pyinstaller_at
from lazaretto.analysis.programs.pe.image import image_of
from lazaretto.analysis.programs.pelayout import RESOURCES, layout
from lazaretto.analysis.programs.rebase import zip_at
from lazaretto.analysis.programs.room import Room

KINDS = frozenset({
    "pe-exe", "pe-dll", "pe-driver", "pe-dotnet", "pe-foreign", "elf-exe", "elf-so", "elf-foreign", "mach-o", "dos-exe",
})  # fmt: skip
MOST_RESOURCES = 64
LEAST = 64  # bytes
_UNKNOWN = 0x40  # where a search begins in programs whose end is not known
OTHERS = frozenset({"Nullsoft installer", "Inno Setup installer", "PyInstaller archive"})  # opened elsewhere


def _wants(kind: FileType) -> bool:
    return kind.name in KINDS


ENGINE = Engine(
    name="self-extracting",
    version="1",
    module="lazaretto.analysis.unpackers.self_extracting",
    wants=_wants,
    sees="archives behind a program or among its resources (zip, 7z, rar, cab, msi and others)",
    loads=("lief",),
    seconds=15.0,
    output=256 << 20,
)


def examine(subject: Subject) -> Iterator[Output]:

    room = Room.of(subject.options)
    yield from _behind(subject.data, room)
    yield from _resources(subject, room)


def _behind(data: bytes, room: Room) -> Iterator[Output]:
    start, end = _overlay(data)
    found = layout(data)
    if end - start < 22 or pyinstaller_at(data) >= 0 or (found and carrier(data, found) in OTHERS):
        return
    kind, at = archive_at(data, start) if start > _UNKNOWN else ("", -1)
    zipped = zip_at(data, start, end)
    if zipped and kind in {"", "zip"}:
        yield room.member("archive behind the program.zip", zipped[1], "overlay")
    elif kind and end - at >= LEAST:
        yield room.member(f"archive behind the program.{kind}", data[at:end], "overlay")


def _overlay(data: bytes) -> tuple[int, int]:
    """What follows the program, without signatures."""
    size = len(data)
    if found := layout(data):
        start = found.end(size)
        where, length = found.certificates(size)
        return start, where if where >= start and where + length + 16 >= size else size
    if elf := elf_layout(data):
        return min(elf.end(), size), size
    # of other programs the end is not known: only archives that are found by their own end
    return min(_UNKNOWN, size), size


def _resources(subject: Subject, room: Room) -> Iterator[Output]:
    import lief  # noqa: PLC0415  only in the cage

    found = layout(subject.data)
    if found is None or not found.directory(RESOURCES)[0]:
        return
    lief.logging.disable()
    image = image_of(subject.data, subject.name)
    members: list[Member] = []
    for resource in image.resources if image else ():
        kind = next((kind for kind, mark in ARCHIVES if resource.data.startswith(mark)), "")
        if kind and len(resource.data) >= LEAST and len(members) < MOST_RESOURCES:
            members.append(room.member(f"resource {resource.kind}-{resource.name}.{kind}", resource.data, "resource"))
    yield from members
