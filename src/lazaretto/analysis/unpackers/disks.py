"""Disc and disk images (ISO, raw, VHD, VHDX, VMDK, QCOW2, DMG), and the file systems on them: FAT, exFAT, NTFS, HFS+,
ext, ISO 9660, UDF, squashfs."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lazaretto.analysis.engine import Engine, Fact, Output, Shortfall, Subject
from lazaretto.analysis.unpackers._disk.found import hidden_program
from lazaretto.analysis.unpackers._unpacking import MOST_MEMBERS, MOST_OUTPUT, Unpacking

if TYPE_CHECKING:
    from lazaretto.analysis.unpackers._disk.found import Found
    from lazaretto.analysis.unpackers._disk.volume import Volume

_NAME = "lazaretto.analysis.unpackers._disk"
_PARTS = ("exfat", "ext", "fat", "hfs", "iso", "ntfs", "partitions", "squashfs", "udf", "udif", "virtual")

ENGINE = Engine(
    name="unpack-disk",
    version="1",
    module="lazaretto.analysis.unpackers.disks",
    wants=lambda kind: kind.name in {"iso", "vhd", "dmg", "disk", "squashfs"},
    sees="the files in images of discs and disks, hidden ones too",
    loads=("backports.zstd", "plistlib", "pyexpat", *(f"{_NAME}.{part}" for part in _PARTS)),
    seconds=30.0,
    output=MOST_OUTPUT,
    essential=True,
)


def examine(subject: Subject) -> Iterator[Output]:
    from lazaretto.analysis.unpackers._disk.partitions import not_opened, partitions  # noqa: PLC0415  only in the cage
    from lazaretto.analysis.unpackers._disk.udif import Udif  # noqa: PLC0415
    from lazaretto.analysis.unpackers._disk.virtual import Locked, NotReadable, opened  # noqa: PLC0415

    unpacking = Unpacking(subject)
    try:
        disk = opened(subject.data)
    except Locked:
        yield from unpacking.encrypted("(the disk)")
        yield from unpacking.end()
        return
    except NotReadable as error:
        yield from unpacking.damaged("(the disk)", str(error))
        yield from unpacking.end()
        return
    known: list[str] = []
    unknown: list[str] = []
    for name, volume in partitions(disk):
        told: set[tuple[str, int]] = set()
        before = len(known)
        for system, found in _systems(volume):
            known.append(f"{system} on {name or 'the whole'}")
            yield from _files(found, f"{name}/" if name else "", unpacking, told)
        if len(known) == before and (closed := not_opened(volume)):
            unknown.append(closed)
        if known and not name:
            break  # a file system on the whole disk leaves no place for partitions
    if known:
        yield Fact(name="file systems", value=tuple(known))
    for closed in dict.fromkeys(unknown):
        yield Shortfall(reason=f"what is inside was not looked at: nothing here opens {closed}")
    if not known and not unknown:
        yield Shortfall(reason="no file system that is known here is on the image")
    if isinstance(disk, Udif) and disk.damaged:
        unpacking.torn(disk.damaged)
    yield from unpacking.end()


def _systems(volume: Volume) -> Iterator[tuple[str, Iterator[Found]]]:
    """The file systems of a volume. A disc may have two, to be read by old and by new programs: each shows its own.

    And whoever wants to hide one puts the mark of another before it: so all are asked.
    """
    from lazaretto.analysis.unpackers._disk import exfat, ext, fat, hfs, iso, ntfs, squashfs, udf  # noqa: PLC0415  only in the cage

    for name, system in {
        "NTFS": ntfs,
        "HFS+": hfs,
        "ext": ext,
        "squashfs": squashfs,
        "exFAT": exfat,
        "FAT": fat,
        "ISO 9660": iso,
        "UDF": udf,
    }.items():
        if (found := system.files(volume)) is not None:
            yield name, found


def _files(found: Iterator[Found], before: str, unpacking: Unpacking, told: set[tuple[str, int]]) -> Iterator[Output]:
    """`told`: names and check sums of what another file system of the same disc has shown already."""
    from lazaretto.analysis.unpackers._disk.found import Unreadable  # noqa: PLC0415  only in the cage

    for number, one in enumerate(found):
        if unpacking.full or number > 4 * MOST_MEMBERS:
            return
        if one.size > unpacking.left:
            yield from unpacking.too_much(before + one.name, one.size)
            return
        try:
            data = one.read()
        except Unreadable as error:
            yield from unpacking.damaged(before + one.name, str(error))
            continue
        if (same := (one.name.lower(), zlib.crc32(data))) in told:
            continue
        told.add(same)
        if hidden_program(one, data):
            yield from unpacking.once("data-hidden-program", one.name)
        if len(data) < one.size:
            yield from unpacking.damaged(before + one.name, "it lies beyond the end of the image", data)
        else:
            yield from unpacking.member(before + one.name, data)
