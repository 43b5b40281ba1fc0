"""UDF, as on discs and in images that Windows makes. Source: ECMA-167 and OSTA UDF 2.01.

The plain partition and the metadata partition are known; a virtual one (of write-once discs) and a sparable one are
read as if they were plain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lazaretto.analysis.unpackers._disk.found import Found, Unreadable, Walk
from lazaretto.analysis.unpackers._disk.volume import Volume, numbers

_MOST_EXTENTS = 4_096
_MOST_FOLDER = 4 << 20
_MAIN, _PARTITION, _LOGICAL, _ENDING = 2, 5, 6, 8
_FILE_SET, _IDENTIFIER, _FILE, _EXTENDED_FILE = 256, 257, 261, 266


@dataclass
class _Disc:
    volume: Volume
    block: int
    starts: dict[int, int] = field(default_factory=dict)  # of each partition by its number, in blocks
    maps: list[tuple[str, int]] = field(default_factory=list)  # kind and partition number, by reference
    metadata: list[tuple[int, int, int]] = field(default_factory=list)  # extents of the metadata partition

    def read(self, partition: int, place: int, size: int) -> bytes:
        kind, number = self.maps[partition] if partition < len(self.maps) else ("plain", partition)
        if kind != "metadata" or not self.metadata:
            return self.volume.read((self.starts.get(number, 0) + place) * self.block, size)
        at = place * self.block
        for reference, start, length in self.metadata:
            if at < length:
                return self.read(reference, start + at // self.block, min(size, length - at))
            at -= length
        return b""


def files(volume: Volume) -> Iterator[Found] | None:
    """All files; None where this is no UDF disc."""
    for block in (2048, 512, 4096):
        for anchor in (256, volume.size // block - 257, volume.size // block - 1):
            head = volume.read(anchor * block, 512)
            if _tag(head) == _MAIN:
                size, place = numbers("<II", head, 16)
                return _disc(_Disc(volume, block), place, size)
    return None


def _tag(data: bytes) -> int:
    """The number of the descriptor there; -1 where its check sum is wrong."""
    right = len(data) >= 16 and sum(data[:4] + data[5:16]) & 0xFF == data[4]
    return numbers("<H", data)[0] if right else -1


def _disc(disc: _Disc, place: int, size: int) -> Iterator[Found]:
    root: tuple[int, int] | None = None
    for number in range(min(size // disc.block, 64)):
        head = disc.volume.read((place + number) * disc.block, disc.block)
        if _tag(head) == _PARTITION:
            disc.starts[numbers("<H", head, 22)[0]] = numbers("<I", head, 188)[0]
        elif _tag(head) == _LOGICAL:
            _, at, reference = numbers("<IIH", head, 248)
            root = (reference, at)
            _maps(disc, head)
        elif _tag(head) == _ENDING:
            break
    if root is None:
        return
    file_set = disc.read(*root, disc.block)
    if _tag(file_set) == _FILE_SET:
        _, at, reference = numbers("<IIH", file_set, 400)
        yield from _folder(disc, Walk(), (reference, at), "", 0)


def _maps(disc: _Disc, head: bytes) -> None:
    count, at = numbers("<I", head, 268)[0], 440
    for _ in range(min(count, 8)):
        kind, length = numbers("<BB", head, at)
        if kind == 1:
            disc.maps.append(("plain", numbers("<H", head, at + 4)[0]))
        elif kind == 2 and head[at + 5 : at + 28].startswith(b"*UDF Metadata Partition"):
            disc.maps.append(("metadata", numbers("<H", head, at + 38)[0]))
            own = len(disc.maps) - 1
            plain = next((n for n, (what, _) in enumerate(disc.maps) if what == "plain"), own)
            disc.metadata = _Entry(disc, plain, numbers("<I", head, at + 40)[0]).extents
        else:
            disc.maps.append(("plain", numbers("<H", head, at + 38)[0]))
        at += max(length, 6)


class _Entry:
    """The entry of a file or folder: its size, and where its content is."""

    def __init__(self, disc: _Disc, partition: int, place: int) -> None:
        self.disc = disc
        self.data = disc.read(partition, place, disc.block)
        tag = _tag(self.data)
        self.valid = tag in {_FILE, _EXTENDED_FILE}
        self.size = numbers("<Q", self.data, 56)[0]
        self.flags = numbers("<H", self.data, 34)[0]
        lengths = 208 if tag == _EXTENDED_FILE else 168
        extended, allocated = numbers("<II", self.data, lengths)
        start = lengths + 8 + extended
        self.inline = self.data[start : start + allocated]
        self.extents = [] if self.is_inline else list(self._extents(partition, self.inline))

    @property
    def is_inline(self) -> bool:
        """The content is in the entry itself."""
        return self.flags & 7 == 3

    def _extents(self, partition: int, table: bytes) -> Iterator[tuple[int, int, int]]:
        """Partition, block, bytes; the table may go on elsewhere."""
        step = {0: 8, 1: 16, 2: 20}.get(self.flags & 7, 8)
        for _ in range(16):
            onward: tuple[int, int, int] | None = None
            for at in range(0, min(len(table), _MOST_EXTENTS * step) - step + 1, step):
                (length,) = numbers("<I", table, at)
                (place,) = numbers("<I", table, at + (12 if step == 20 else 4))
                reference = numbers("<H", table, at + 8)[0] if step == 16 else partition
                kind, length = length >> 30, length & 0x3FFFFFFF
                if not length:
                    return
                if kind == 3:
                    onward = (reference, place, length)
                    break
                yield (reference, place, length) if kind == 0 else (-1, 0, length)
            if onward is None:
                return
            block = self.disc.read(*onward)
            table = block[24 : 24 + numbers("<I", block, 20)[0]]

    def content(self, most: int | None = None) -> bytes:
        size = self.size if most is None else min(self.size, most)
        if self.is_inline:
            return self.inline[:size]
        pieces, got = [], 0
        for reference, place, length in self.extents:
            take = min(length, size - got)
            if take <= 0:
                break
            piece = bytes(take) if reference < 0 else self.disc.read(reference, place, take)
            pieces.append(piece)
            got += take
        return b"".join(pieces)

    def checked(self) -> bytes:
        if not self.valid:
            raise Unreadable("its entry is damaged")
        return self.content()


def _folder(disc: _Disc, walk: Walk, at: tuple[int, int], path: str, depth: int) -> Iterator[Found]:
    entry = _Entry(disc, *at)
    if not entry.valid or not walk.enter(at, depth):
        return
    listing = entry.content(_MOST_FOLDER)
    start = 0
    while start + 38 <= len(listing) and walk.step():
        if numbers("<H", listing, start)[0] != _IDENTIFIER:
            return
        flags, named = numbers("<BB", listing, start + 18)
        _, block, reference = numbers("<IIH", listing, start + 20)
        (own,) = numbers("<H", listing, start + 36)
        name = _name(listing[start + 38 + own : start + 38 + own + named])
        start += (38 + own + named + 3) & ~3
        if flags & 0x0C:  # deleted, or the folder above
            continue
        if flags & 2:
            yield from _folder(disc, walk, (reference, block), f"{path}{name}/", depth + 1)
        else:
            file = _Entry(disc, reference, block)
            yield Found(path + name, file.size, file.checked, bool(flags & 1))


def _name(raw: bytes) -> str:
    if raw[:1] == b"\x10":
        return raw[1:].decode("utf-16-be", "replace")
    return raw[1:].decode("latin-1")
