"""Virtual disks: VHD, VHDX, VMDK (sparse and stream-optimized), QCOW2, DMG. A disk that builds on another is not one.

Sources: Microsoft "Virtual Hard Disk Image Format"; [MS-VHDX]; VMware "Virtual Disk Format 5.0"; QEMU's
docs/interop/qcow2.
"""

from __future__ import annotations

import uuid
import zlib

from lazaretto.analysis.unpackers._disk.udif import Encrypted, Unusable, udif
from lazaretto.analysis.unpackers._disk.volume import Blocks, Flat, Volume, numbers

_MOST_BLOCK = 256 << 20
_MOST_DISK = 64 << 40


class NotReadable(Exception):
    """The virtual disk is damaged, or builds on another file; the text says which."""


class Locked(NotReadable):
    """It is encrypted as a whole."""


def opened(data: bytes) -> Volume:
    """The disk inside; the bytes themselves where they are no virtual disk. Raises `NotReadable`."""
    if data[:8] == b"vhdxfile":
        return _vhdx(data)
    if data[:4] == b"KDMV":
        return _vmdk(data)
    if data[:4] == b"QFI\xfb":
        return _qcow(data)
    try:
        if (found := udif(data)) is not None:
            return found
    except Encrypted as error:
        raise Locked(str(error)) from error
    except Unusable as error:
        raise NotReadable(str(error)) from error
    for footer in (len(data) - 512, len(data) - 511, 0):
        if footer >= 0 and data[footer : footer + 8] == b"conectix":
            return _vhd(data, footer)
    return Flat(data)


def _vhd(data: bytes, footer: int) -> Volume:
    header, size, kind = (numbers(layout, data, footer + at)[0] for layout, at in ((">Q", 16), (">Q", 48), (">I", 60)))
    if kind == 2:
        return Flat(data, 0, min(size, footer) if footer else size)
    if kind != 3 or data[header : header + 8] != b"cxsparse":
        raise NotReadable("it builds on another disk" if kind == 4 else "its header is damaged")
    (table,) = numbers(">Q", data, header + 16)
    entries, block = numbers(">II", data, header + 28)
    _sensible(block, size)
    bitmap = (block // 512 // 8 + 511) & ~511

    def one(number: int) -> bytes | None:
        (sector,) = numbers(">I", data, table + 4 * number)
        if number >= entries or sector == 0xFFFFFFFF or not sector:
            return None
        at = sector * 512 + bitmap
        return data[at : at + block]

    return Blocks(size, block, one)


_REGION_BAT = uuid.UUID("2dc27766-f623-4200-9d64-115e9bfd4a08")
_REGION_METADATA = uuid.UUID("8b7ca206-4790-4b9a-b8fe-575f050f886e")
_FILE_PARAMETERS = uuid.UUID("caa16737-fa36-4d43-b3b6-33f0aa44e76b")
_DISK_SIZE = uuid.UUID("2fa54224-cd1b-4876-b211-5dbed83bf4b8")
_SECTOR_SIZE = uuid.UUID("8141bf1d-a96f-4709-ba47-f233a8faab5f")


def _vhdx(data: bytes) -> Volume:
    regions = _regions(data, 192 << 10) or _regions(data, 256 << 10)
    table, metadata = regions.get(_REGION_BAT, 0), regions.get(_REGION_METADATA, 0)
    table_of_items = _guids(data, metadata, b"metadata", first=32, count_at=10, place="<I")
    items = {guid: metadata + place for guid, place in table_of_items.items()}
    if not table or not metadata or not {_FILE_PARAMETERS, _DISK_SIZE, _SECTOR_SIZE} <= items.keys():
        raise NotReadable("its tables are damaged")
    block, flags = numbers("<II", data, items[_FILE_PARAMETERS])
    (size,) = numbers("<Q", data, items[_DISK_SIZE])
    (sector,) = numbers("<I", data, items[_SECTOR_SIZE])
    if flags & 2:
        raise NotReadable("it builds on another disk")
    _sensible(block, size)
    ratio = max(1, (sector << 23) // block)

    def one(number: int) -> bytes | None:
        (entry,) = numbers("<Q", data, table + 8 * (number + number // ratio))
        at = (entry >> 20) << 20
        return data[at : at + block] if entry & 7 in {6, 7} and at else None

    return Blocks(size, block, one)


def _regions(data: bytes, at: int) -> dict[uuid.UUID, int]:
    return _guids(data, at, b"regi", first=16, count_at=8)


def _guids(data: bytes, at: int, mark: bytes, *, first: int, count_at: int, place: str = "<Q") -> dict[uuid.UUID, int]:
    """Where each thing of a table of things with ids is. `first`, `count_at`: of its entries, of their number."""
    if not at or data[at : at + len(mark)] != mark:
        return {}
    (count,) = numbers("<H", data, at + count_at)
    found = {}
    for number in range(min(count, 2048)):
        entry = data[at + first + 32 * number : at + first + 32 * number + 32]
        if len(entry) == 32:
            found[uuid.UUID(bytes_le=entry[:16])] = numbers(place, entry, 16)[0]
    return found


def _vmdk(data: bytes) -> Volume:
    header = data[:512]
    if numbers("<Q", header, 56)[0] == 0xFFFFFFFFFFFFFFFF:  # made as a stream: the header is repeated at the end
        at = data.rfind(b"KDMV")
        header = data[at : at + 512]
    flags, capacity, grain = numbers("<IQQ", header, 8)
    (per_table,) = numbers("<I", header, 44)
    (directory,) = numbers("<Q", header, 56)
    grain *= 512
    _sensible(grain, capacity * 512)
    if not per_table or per_table > 1 << 20:
        raise NotReadable("its header is damaged")

    def one(number: int) -> bytes | None:
        (table,) = numbers("<I", data, directory * 512 + 4 * (number // per_table))
        (sector,) = numbers("<I", data, table * 512 + 4 * (number % per_table)) if table else (0,)
        if sector < 2:
            return None
        at = sector * 512
        if not flags & 0x10000:
            return data[at : at + grain]
        (size,) = numbers("<I", data, at + 8)
        return _inflated(data[at + 12 : at + 12 + size], grain, 15)

    return Blocks(capacity * 512, grain, one)


def _qcow(data: bytes) -> Volume:
    version, backing = numbers(">IQ", data, 4)
    bits, size, crypt, first_count, first = numbers(">IQIIQ", data, 20)
    if not 9 <= bits <= 22 or version not in {2, 3}:
        raise NotReadable("its header is damaged")
    if backing or crypt:
        raise NotReadable("it builds on another disk" if backing else "it is encrypted")
    cluster = 1 << bits
    _sensible(cluster, size)

    def one(number: int) -> bytes | None:
        above, below = divmod(number, cluster // 8)
        table = numbers(">Q", data, first + 8 * above)[0] & 0x00FFFFFFFFFFFE00
        (entry,) = numbers(">Q", data, table + 8 * below) if table and above < first_count else (0,)
        if entry >> 62 & 1:
            shift = 62 - (bits - 8)
            at, sectors = entry & ((1 << shift) - 1), (entry >> shift & ((1 << bits - 8) - 1)) + 1
            return _inflated(data[at : at + sectors * 512], cluster, -12)
        at = entry & 0x00FFFFFFFFFFFE00
        return data[at : at + cluster] if at and not entry & 1 else None

    return Blocks(size, cluster, one)


def _inflated(packed: bytes, size: int, bits: int) -> bytes:
    try:
        return zlib.decompressobj(bits).decompress(packed, size)
    except zlib.error:
        return b""


def _sensible(block: int, size: int) -> None:
    if not 512 <= block <= _MOST_BLOCK or not 0 < size <= _MOST_DISK:
        raise NotReadable("its sizes make no sense")
