"""OLE compound files ([MS-CFB]): storages and streams, as far as they can be read.

Tolerant where Office is: a broken chain gives what came before the break. Every entry of the directory is read, also
those that no storage names, for what is not linked can still be found by others.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_NONE = 0xFFFFFFFF
_MOST_ENTRIES = 20_000
_MOST_DEPTH = 40
_MOST_BYTES = 256 << 20  # of all streams together
_STORAGE, _STREAM, _ROOT = 1, 2, 5


@dataclass(frozen=True)
class Compound:
    """Streams by path, and the class ids of the storages that have one (text form, lower case); `()` is the root."""

    streams: Mapping[tuple[str, ...], bytes]
    classes: Mapping[tuple[str, ...], str] = field(default_factory=dict)

    def find(self, *names: str) -> bytes | None:
        """The stream of this path; letters' case does not matter."""
        wanted = tuple(name.lower() for name in names)
        return next((data for path, data in self.streams.items() if lowered(path) == wanted), None)

    def below(self, prefix: tuple[str, ...]) -> Compound:
        """What is in one storage, as a compound file of its own."""
        size = len(prefix)
        return Compound(
            {path[size:]: data for path, data in self.streams.items() if path[:size] == prefix and len(path) > size},
            {path[size:]: clsid for path, clsid in self.classes.items() if path[:size] == prefix},
        )


def lowered(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.lower() for name in path)


def read(data: bytes) -> Compound | None:
    """All streams of a compound file; None if it is none."""
    if data[:8] != MAGIC or len(data) < 512:
        return None
    shift, mini_shift = struct.unpack_from("<HH", data, 30)
    if shift not in {9, 12} or mini_shift != 6:
        return None
    return _Reader(data, 1 << shift).read()


@dataclass
class _Entry:
    name: str
    kind: int
    left: int
    right: int
    child: int
    clsid: str
    start: int
    size: int


class _Reader:
    def __init__(self, data: bytes, size: int) -> None:
        self._data = data
        self._size = size
        self._sectors = len(data) // size + 1
        self._left = _MOST_BYTES
        directory, cutoff, mini, mini_count = struct.unpack_from("<I4xIII", data, 48)
        self._cutoff = cutoff
        self._fat = self._table(self._fat_sectors())
        self._entries = self._directory(self._chain(directory))
        self._mini = self._table(self._chain(mini)[: min(mini_count, self._sectors)])
        root = next((entry for entry in self._entries if entry.kind == _ROOT), None)
        self._ministream = self._joined(root.start, min(root.size, len(data))) if root else b""

    def read(self) -> Compound:
        streams: dict[tuple[str, ...], bytes] = {}
        classes: dict[tuple[str, ...], str] = {}
        paths = self._paths()
        for number, entry in enumerate(self._entries):
            path = paths.get(number)
            if path is None:
                path = ("(not linked)", f"{number} {entry.name}")
            if entry.kind == _STREAM:
                streams.setdefault(path, self._stream(entry))
            elif entry.kind in {_STORAGE, _ROOT} and entry.clsid:
                classes.setdefault(path if entry.kind == _STORAGE else (), entry.clsid)
        return Compound(streams, classes)

    def _paths(self) -> dict[int, tuple[str, ...]]:
        """Paths of the entries that can be reached from the root, each once."""
        if not self._entries:
            return {}
        found: dict[int, tuple[str, ...]] = {0: ()}
        waiting: list[tuple[int, tuple[str, ...]]] = (
            [(self._entries[0].child, ())] if self._entries[0].child != _NONE else []
        )
        while waiting:
            number, parent = waiting.pop()
            if number in found or number >= len(self._entries) or len(parent) > _MOST_DEPTH:
                continue
            entry = self._entries[number]
            path: tuple[str, ...] = (*parent, entry.name)
            found[number] = path
            waiting += [(entry.left, parent), (entry.right, parent)]
            if entry.kind == _STORAGE:
                waiting.append((entry.child, path))
        return found

    def _directory(self, sectors: list[int]) -> list[_Entry]:
        entries = []
        for sector in sectors:
            block = self._sector(sector)
            for at in range(0, len(block) - 127, 128):
                entries.append(_entry(block[at : at + 128]))
                if len(entries) >= _MOST_ENTRIES:
                    return entries
        return entries

    def _stream(self, entry: _Entry) -> bytes:
        size = min(entry.size, len(self._data), self._left)
        small = entry.size < self._cutoff
        found = self._mini_stream(entry.start, size) if small else self._joined(entry.start, size)
        self._left -= len(found)
        return found

    def _joined(self, start: int, size: int) -> bytes:
        return b"".join(self._sector(n) for n in self._chain(start, -(-size // self._size)))[:size]

    def _mini_stream(self, start: int, size: int) -> bytes:
        parts = []
        number = start
        for _ in range(-(-size // 64)):
            if number >= len(self._mini) or number * 64 >= len(self._ministream):
                break
            parts.append(self._ministream[number * 64 : number * 64 + 64])
            number = self._mini[number]
        return b"".join(parts)[:size]

    def _chain(self, start: int, most: int | None = None) -> list[int]:
        """Numbers of a chain's sectors; it ends where it comes back to itself or leaves the file."""
        found: list[int] = []
        seen: set[int] = set()
        number = start
        while number < min(len(self._fat), self._sectors) and number not in seen:
            if most is not None and len(found) >= most:
                break
            seen.add(number)
            found.append(number)
            number = self._fat[number]
        return found

    def _fat_sectors(self) -> list[int]:
        found = [number for number in struct.unpack_from("<109I", self._data, 76) if number < self._sectors]
        more, count = struct.unpack_from("<II", self._data, 68)
        seen: set[int] = set()
        while more < self._sectors and more not in seen and len(seen) < min(count, self._sectors):
            seen.add(more)
            block = self._sector(more)
            numbers = struct.unpack(f"<{len(block) // 4}I", block[: len(block) // 4 * 4])
            found += [number for number in numbers[: self._size // 4 - 1] if number < self._sectors]
            more = numbers[-1] if len(numbers) == self._size // 4 else _NONE
        return found[: self._sectors]

    def _table(self, sectors: list[int]) -> list[int]:
        joined = b"".join(self._sector(number) for number in sectors)
        return list(struct.unpack(f"<{len(joined) // 4}I", joined[: len(joined) // 4 * 4]))

    def _sector(self, number: int) -> bytes:
        return self._data[(number + 1) * self._size : (number + 2) * self._size]


def _entry(block: bytes) -> _Entry:
    length, kind = struct.unpack_from("<HB", block, 64)
    left, right, child = struct.unpack_from("<III", block, 68)
    start, size = struct.unpack_from("<II", block, 116)
    clsid = "" if block[80:96] == bytes(16) else str(uuid.UUID(bytes_le=block[80:96]))
    name = block[: max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
    return _Entry(name, kind, left, right, child, clsid, start, size)
