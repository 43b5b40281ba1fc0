"""Raw images of disks: the boot sector says so, or the super block of a file system.

Sources: Microsoft "FAT32 File System Specification"; the Linux kernel's `fs/`; UEFI 2.10, chapter 5; Apple, TN1150 and
"Apple File System Reference".
"""

from __future__ import annotations

import struct

from lazaretto.analysis.formats.types import FileType, of


def disk(data: bytes) -> FileType | None:  # noqa: PLR0911 (one return a file system reads best)
    """A disk or a file system as it is, or None."""
    if data[510:512] == b"\x55\xaa":
        if data[3:11] in {b"NTFS    ", b"EXFAT   "} or data[512:520] == b"EFI PART" or _fat(data) or _mbr(data):
            return of("disk")
        return None
    if len(data) > 2048 and data[1080:1082] == b"\x53\xef" and data[1084:1086] in {b"\1\0", b"\2\0", b"\0\0"}:
        return of("disk", "ext")
    if data[0x10040:0x10048] == b"_BHRfS_M":
        return of("disk", "btrfs")
    if data[:2] == b"ER" and data[512:514] == b"PM":
        return of("disk")
    if data[1024:1028] in {b"H+\0\4", b"HX\0\5"}:
        return of("disk", "hfs")
    if data[32:36] == b"NXSB":
        return of("disk", "apfs")
    return of("disk", "xfs") if data[:4] == b"XFSB" else None


def _fat(data: bytes) -> bool:
    sector, cluster, reserved, tables = struct.unpack_from("<HBHB", data, 11)
    sensible = sector in {512, 1024, 2048, 4096} and cluster in {1, 2, 4, 8, 16, 32, 64, 128}
    return data[:1] in {b"\xeb", b"\xe9"} and sensible and bool(reserved) and tables in {1, 2}


def _mbr(data: bytes) -> bool:
    """A table of partitions: each entry is empty or begins behind the table, and one at least is there."""
    entries = [data[at : at + 16] for at in range(446, 510, 16)]
    used = [entry for entry in entries if any(entry)]
    return bool(used) and all(
        entry[0] in {0, 0x80} and entry[4] and all(struct.unpack("<II", entry[8:])) for entry in used
    )
