"""Windows images: resources, the table that finds them by their SHA-1, and the folders of each image.

Source: Microsoft, "Windows Imaging File Format (WIM)"; what that leaves out, from wimlib's documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lazaretto.analysis.unpackers._disk.found import Found, Unreadable, Walk
from lazaretto.analysis.unpackers._disk.volume import numbers
from lazaretto.analysis.unpackers._microsoft import lzx, xpress
from lazaretto.analysis.unpackers._microsoft.huffman import Broken

MOST_METADATA = 64 << 20
_XPRESS, _LZX, _LZMS = 0x20000, 0x40000, 0x80000
_METADATA, _COMPRESSED, _SPANNED, _SOLID = 2, 4, 8, 16
_FOLDER, _HIDDEN, _REPARSE = 0x10, 0x02, 0x400
_ENTRY, _RECORD, _NONE = 102, 50, bytes(20)


@dataclass(frozen=True)
class Resource:
    """Bytes somewhere in the file; sizes in bytes."""

    flags: int
    packed: int
    at: int
    size: int
    part: int = 1


class Image:
    """The whole file. Raises `Unreadable` where it is no image that can be read at all."""

    def __init__(self, data: bytes) -> None:
        if data[:8] != b"MSWIM\0\0\0" or len(data) < 208:
            raise Unreadable("it is made to be sent through a pipe, which is not read here, or its header is damaged")
        self.data = data
        self.flags, self.chunk = numbers("<II", data, 16)
        self.part, self.parts = numbers("<HH", data, 40)
        self.chunk = self.chunk or 32_768
        if not 4096 <= self.chunk <= 1 << 26 or self.chunk & self.chunk - 1:
            raise Unreadable("its header is damaged")
        if _resource(data, 48).flags & _COMPRESSED and self.flags & _LZMS:
            raise Unreadable("it is packed with LZMS, which is not read here")
        table = self.read(_resource(data, 48), MOST_METADATA)
        self.folders: list[Resource] = []
        self.resources: dict[bytes, Resource] = {}
        self._told: set[tuple[str, bytes]] = set()
        for at in range(0, len(table) - _RECORD + 1, _RECORD):
            part = numbers("<H", table, at + 24)[0]
            found = _resource(table, at, part)
            if found.flags & _METADATA:
                self.folders.append(found)
            elif found.size:
                self.resources[table[at + 30 : at + 50]] = found

    def read(self, one: Resource, most: int) -> bytes:
        """The bytes of a resource. Raises `Unreadable`."""
        if one.size > most:
            raise Unreadable("it is larger than may be unpacked")
        if one.part not in {0, self.part} or one.flags & _SPANNED:
            raise Unreadable("it is in another part of an image that is in several files")
        if one.flags & _SOLID:
            raise Unreadable("it is packed together with others, which is not read here")
        raw = self.data[one.at : one.at + one.packed]
        if not one.flags & _COMPRESSED:
            if len(raw) < one.size:
                raise Unreadable("it lies beyond the end of the file")
            return raw[: one.size]
        return self._unpacked(raw, one.size)

    def _unpacked(self, raw: bytes, size: int) -> bytes:
        count = -(-size // self.chunk)
        width = 8 if size >= 1 << 32 else 4
        first = (count - 1) * width
        if first > len(raw):
            raise Unreadable("its list of pieces is damaged")
        places = [0, *numbers(f"<{count - 1}{'Q' if width == 8 else 'I'}", raw), len(raw) - first]
        pieces = []
        for number in range(count):
            packed = raw[first + places[number] : first + places[number + 1]]
            pieces.append(self._piece(packed, min(self.chunk, size - number * self.chunk)))
        return b"".join(pieces)

    def _piece(self, packed: bytes, size: int) -> bytes:
        if len(packed) == size:
            return packed
        try:
            if self.flags & _LZX and self.chunk <= 1 << 21:
                return lzx.unpacked(packed, size, max(15, self.chunk.bit_length() - 1), image=True)
            if self.flags & _XPRESS and self.chunk <= 1 << 16:
                return xpress.unpacked(packed, size)
        except Broken as broken:
            raise Unreadable(f"it is damaged: {broken}") from broken
        raise Unreadable("it is packed with LZMS, which is not read here" if self.flags & _LZMS else
                         "it is packed in a way that is not known here")  # fmt: skip

    def files(self, folders: Resource) -> Iterator[Found]:
        """All files of one image, and their other streams; what an earlier image has under the same name is left out.

        Raises `Unreadable`.
        """
        metadata = self.read(folders, MOST_METADATA)
        root = -(-max(8, numbers("<I", metadata)[0]) // 8) * 8
        (children,) = numbers("<Q", metadata, root + 16)
        yield from self._folder(metadata, children, "", Walk(), 0)

    def _folder(self, metadata: bytes, at: int, path: str, walk: Walk, depth: int) -> Iterator[Found]:
        if not at or not walk.enter(at, depth):
            return
        while walk.step():
            length, attributes = numbers("<QI", metadata, at)
            if length < _ENTRY or at + length > len(metadata):
                return
            (children,) = numbers("<Q", metadata, at + 16)
            streams, _, long = numbers("<HHH", metadata, at + 96)
            name = path + metadata[at + _ENTRY : at + _ENTRY + long].decode("utf-16-le", "replace")
            hashes = {"": metadata[at + 64 : at + 84]}
            at = -(-(at + length) // 8) * 8
            for _ in range(streams):
                (size,), (letters,) = numbers("<Q", metadata, at), numbers("<H", metadata, at + 36)
                if size < 38:
                    break
                of = metadata[at + 38 : at + 38 + letters].decode("utf-16-le", "replace")
                if (stream := metadata[at + 16 : at + 36]) != _NONE:
                    hashes[of] = stream
                at = -(-(at + size) // 8) * 8
            for of, sha1 in hashes.items():
                yield from self._stream(f"{name}:{of}" if of else name, sha1, attributes)
            if attributes & _FOLDER and not attributes & _REPARSE:
                yield from self._folder(metadata, children, f"{name}/", walk, depth + 1)

    def _stream(self, name: str, sha1: bytes, attributes: int) -> Iterator[Found]:
        if (name, sha1) in self._told:
            return
        self._told.add((name, sha1))
        if sha1.strip(b"\0") == b"":
            if not attributes & (_FOLDER | _REPARSE):
                yield Found(name, 0, bytes)
            return
        one = self.resources.get(sha1)
        hidden = bool(attributes & _HIDDEN)
        if one is None:
            yield Found(name, 0, _missing, hidden)
        else:
            yield Found(name, one.size, lambda: self.read(one, one.size), hidden)


def _missing() -> bytes:
    raise Unreadable("its content is not in this file")


def _resource(data: bytes, at: int, part: int = 0) -> Resource:
    packed, place, size = numbers("<QQQ", data, at)
    return Resource(packed >> 56, packed & (1 << 56) - 1, place, size, part)
