"""What a disk is divided into: MBR with logical partitions, GPT, Apple's map, or one file system on the whole."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.unpackers._disk.volume import Part, Volume, numbers

_MOST = 64
_EXTENDED = {0x05, 0x0F, 0x85}


def partitions(disk: Volume) -> Iterator[tuple[str, Volume]]:
    """A name, empty for the whole disk, and the volume, for each place where a file system may be."""
    yield "", disk
    head = disk.read(0, 1024)
    if head[512:514] == b"PM":
        divided = _apple(disk)
    elif head[510:512] == b"\x55\xaa":
        divided = _gpt(disk) if head[512:520] == b"EFI PART" else _mbr(disk)
    else:
        return
    for number, (start, size) in enumerate(divided, 1):
        if number > _MOST:
            return
        if 0 < start < disk.size:
            yield f"partition {number}", Part(disk, start, min(size, disk.size - start))


_NOT_OPENED = (
    (32, b"NXSB", "APFS"),
    (1024, b"BD", "HFS"),
    (1080, b"\x53\xef", "such an ext file system"),
    (0x10040, b"_BHRfS_M", "btrfs"),
    (0, b"XFSB", "XFS"),
    (0, b"LUKS\xba\xbe", "an encrypted partition of Linux"),
    (3, b"-FVE-FS-", "an encrypted partition of Windows"),
)


def not_opened(volume: Volume) -> str:
    """The name of a file system that nothing here opens; empty if there is none of these."""
    for at, mark, name in _NOT_OPENED:
        if volume.read(at, len(mark)) == mark:
            return name
    return ""


def _mbr(disk: Volume) -> Iterator[tuple[int, int]]:
    extended = 0
    for kind, start, size in _entries(disk.read(0, 512)):
        if kind in _EXTENDED:
            extended = start
        else:
            yield start * 512, size * 512
    at, seen = extended, set[int]()
    while at and at not in seen and len(seen) < _MOST:
        seen.add(at)
        following = 0
        for kind, start, size in _entries(disk.read(at * 512, 512)):
            if kind in _EXTENDED:
                following = extended + start
            else:
                yield (at + start) * 512, size * 512
        at = following


def _entries(sector: bytes) -> Iterator[tuple[int, int, int]]:
    if sector[510:512] != b"\x55\xaa":
        return
    for at in range(446, 510, 16):
        kind, (start, size) = sector[at + 4], numbers("<II", sector, at + 8)
        if kind and size:
            yield kind, start, size


def _gpt(disk: Volume) -> Iterator[tuple[int, int]]:
    header = disk.read(512, 92)
    table, count, size = numbers("<QII", header, 72)
    for number in range(min(count, _MOST)):
        entry = disk.read(table * 512 + number * size, 48)
        first, last = numbers("<QQ", entry, 32)
        if any(entry[:16]) and last >= first:
            yield first * 512, (last - first + 1) * 512


def _apple(disk: Volume) -> Iterator[tuple[int, int]]:
    """Apple's map: one entry a block. Source: "Inside Macintosh: Devices", chapter 3."""
    (count,) = numbers(">I", disk.read(512, 8), 4)
    for number in range(min(count, _MOST)):
        entry = disk.read(512 + 512 * number, 80)
        start, size = numbers(">II", entry, 8)
        kind = entry[48:80].rstrip(b"\0")
        if entry[:2] == b"PM" and size and kind not in {b"Apple_partition_map", b"Apple_Free"}:
            yield start * 512, size * 512
