"""FAT12, FAT16 and FAT32 with long names. Source: Microsoft "FAT32 File System Specification" 1.03."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from lazaretto.analysis.unpackers._disk.found import MOST_DEPTH, MOST_FILES, Found
from lazaretto.analysis.unpackers._disk.volume import Volume, numbers

_LONG, _LABEL, _FOLDER, _HIDDEN = 0x0F, 0x08, 0x10, 0x02
_MOST_FOLDER = 4 << 20  # bytes of one folder's entries


@dataclass(frozen=True)
class _Fat:
    volume: Volume
    table: bytes
    bits: int
    cluster: int  # bytes
    data: int  # where cluster 2 is
    clusters: int

    def chain(self, first: int, most: int) -> Iterator[int]:
        """The clusters of a file, at most so many; a loop ends with the number of clusters there are."""
        at = first
        for _ in range(min(most, self.clusters)):
            if not 2 <= at < self.clusters + 2:
                return
            yield at
            at = self._next(at)

    def _next(self, at: int) -> int:
        if self.bits == 32:
            return numbers("<I", self.table, 4 * at)[0] & 0x0FFFFFFF
        if self.bits == 16:
            return numbers("<H", self.table, 2 * at)[0]
        pair = numbers("<H", self.table, at * 3 // 2)[0]
        return pair >> 4 if at & 1 else pair & 0xFFF

    def content(self, first: int, size: int) -> bytes:
        wanted = -(-size // self.cluster)
        pieces = (
            self.volume.read(self.data + (at - 2) * self.cluster, self.cluster) for at in self.chain(first, wanted)
        )
        return b"".join(pieces)[:size]


def files(volume: Volume) -> Iterator[Found] | None:
    """All files; None where this is no FAT."""
    boot = volume.read(0, 512)
    sector, per_cluster, reserved, tables, entries, few = numbers("<HBHBHH", boot, 11)
    (per_table,) = numbers("<H", boot, 22)
    many, per_table32, _, _, root = numbers("<IIHHI", boot, 32)
    per_table = per_table or per_table32
    if boot[510:512] != b"\x55\xaa" or boot[:1] not in {b"\xeb", b"\xe9"} or boot[3:11] == b"NTFS    ":
        return None
    if (
        sector not in {512, 1024, 2048, 4096}
        or per_cluster not in {1, 2, 4, 8, 16, 32, 64, 128}
        or tables not in {1, 2}
    ):
        return None
    if not reserved or not per_table:
        return None
    folder = reserved + tables * per_table
    data = folder + -(-entries * 32 // sector)
    clusters = max(0, ((few or many) - data) // per_cluster)
    bits = 12 if clusters < 4085 else 16 if clusters < 65525 else 32
    table = volume.read(reserved * sector, min(per_table * sector, (clusters + 2) * 4 + 4))
    fat = _Fat(volume, table, bits, per_cluster * sector, data * sector, clusters)
    first = fat.content(root, _MOST_FOLDER) if not entries else volume.read(folder * sector, entries * 32)
    return _folder(fat, first, "", 0, [MOST_FILES])


def _folder(fat: _Fat, listing: bytes, path: str, depth: int, left: list[int]) -> Iterator[Found]:
    long: dict[int, str] = {}
    for at in range(0, len(listing) - 31, 32):
        entry = listing[at : at + 32]
        if entry[0] == 0 or left[0] <= 0:
            return
        attributes = entry[11]
        if attributes == _LONG and entry[0] != 0xE5:
            long[entry[0] & 0x3F] = (entry[1:11] + entry[14:26] + entry[28:32]).decode("utf-16-le", "replace")
            continue
        name = _name(entry, long)
        long = {}
        if entry[0] in {0xE5, 0x2E} or attributes & _LABEL:
            continue
        left[0] -= 1
        first = numbers("<H", entry, 20)[0] << 16 | numbers("<H", entry, 26)[0]
        first &= 0xFFFFFFFF if fat.bits == 32 else 0xFFFF
        (size,) = numbers("<I", entry, 28)
        if not attributes & _FOLDER:
            yield Found(path + name, size, partial(fat.content, first, size), bool(attributes & _HIDDEN))
        elif depth < MOST_DEPTH:
            yield from _folder(fat, fat.content(first, _MOST_FOLDER), f"{path}{name}/", depth + 1, left)


def _name(entry: bytes, long: dict[int, str]) -> str:
    if long:
        return "".join(long[number] for number in sorted(long)).partition("\0")[0].rstrip("\uffff")
    stem, extension = (part.decode("cp437").rstrip() for part in (entry[:8], entry[8:11]))
    stem = stem.lower() if entry[12] & 0x08 else stem  # as Windows marks short names in lower case
    extension = extension.lower() if entry[12] & 0x10 else extension
    return f"{stem}.{extension}" if extension else stem
