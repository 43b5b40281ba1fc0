"""exFAT, as large memory sticks have it. Source: Microsoft, "exFAT file system specification"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from lazaretto.analysis.unpackers._disk.found import Found, Walk
from lazaretto.analysis.unpackers._disk.volume import Volume, numbers

_FILE, _STREAM, _NAME = 0x85, 0xC0, 0xC1
_HIDDEN, _FOLDER, _IN_ONE_PIECE = 0x02, 0x10, 0x02
_MOST_FOLDER = 4 << 20  # bytes of one folder's entries


@dataclass(frozen=True)
class _Exfat:
    volume: Volume
    table: bytes
    cluster: int  # bytes
    data: int  # where cluster 2 is
    clusters: int

    def content(self, first: int, size: int, flags: int) -> bytes:
        """`flags`: whether the clusters follow each other, so that the table says nothing of them."""
        if first < 2:
            return b""
        if flags & _IN_ONE_PIECE:
            return self.volume.read(self.data + (first - 2) * self.cluster, size)
        pieces, at = [], first
        for _ in range(min(-(-size // self.cluster), self.clusters)):
            if not 2 <= at < self.clusters + 2:
                break
            pieces.append(self.volume.read(self.data + (at - 2) * self.cluster, self.cluster))
            (at,) = numbers("<I", self.table, 4 * at)
        return b"".join(pieces)[:size]


def files(volume: Volume) -> Iterator[Found] | None:
    """All files; None where this is no exFAT."""
    boot = volume.read(0, 512)
    table, length, data, clusters, root = numbers("<IIIII", boot, 80)
    sector, per_cluster = numbers("<BB", boot, 108)
    if boot[3:11] != b"EXFAT   " or not 9 <= sector <= 12 or sector + per_cluster > 25:
        return None
    chains = volume.read(table << sector, min(length << sector, 4 * clusters + 8))
    exfat = _Exfat(volume, chains, 1 << sector + per_cluster, data << sector, clusters)
    return _folder(exfat, exfat.content(root, _MOST_FOLDER, 0), "", 0, Walk())


def _folder(exfat: _Exfat, listing: bytes, path: str, depth: int, walk: Walk) -> Iterator[Found]:
    at = 0
    while at + 32 <= len(listing) and listing[at]:
        entry = listing[at : at + 32]
        at += 32
        if entry[0] != _FILE:
            continue
        if not walk.step():
            return
        more = listing[at : at + 32 * entry[1]]
        at += len(more) // 32 * 32
        parts = [more[one : one + 32] for one in range(0, len(more) - 31, 32)]
        streams = [part for part in parts if part[0] == _STREAM]
        if not streams:
            continue
        flags, letters = streams[0][1], streams[0][3]
        name = b"".join(part[2:] for part in parts if part[0] == _NAME)[: 2 * letters].decode("utf-16-le", "replace")
        (first,), (size,) = numbers("<I", streams[0], 20), numbers("<Q", streams[0], 24)
        if not entry[4] & _FOLDER:
            read = partial(exfat.content, first, size, flags)
            yield Found(path + name, size, read, bool(entry[4] & _HIDDEN))
        elif walk.enter(first, depth):
            below = exfat.content(first, min(size, _MOST_FOLDER), flags)
            yield from _folder(exfat, below, f"{path}{name}/", depth + 1, walk)
