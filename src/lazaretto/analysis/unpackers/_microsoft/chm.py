"""Compiled help: its directory, and the section that LZX packs.

Source: M. Russotto, "Microsoft's HTML Help (.chm) format"; the names of the parts are those of the format.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from lazaretto.analysis.unpackers._disk.volume import numbers
from lazaretto.analysis.unpackers._microsoft import lzx
from lazaretto.analysis.unpackers._microsoft.huffman import Broken

MOST_FILES = 100_000
MOST_INTERVAL = 64 << 20  # bytes unpacked at once
MOST_KEPT = 64 << 20
SECONDS = 40.0  # for unpacking
_HEAD, _LISTING = 0x60, b"PMGL"
_STORAGE = "::DataSpace/Storage/"
_TABLE = "/Transform/{7FC28940-9D31-11D0-9B27-00A0C91E9C7C}/InstanceData/ResetTable"


class Unreadable(Exception):
    """Why a file, or the whole help, cannot be read; `data` is what could be."""

    def __init__(self, why: str, data: bytes = b"") -> None:
        super().__init__(why)
        self.data = data


@dataclass(frozen=True)
class Entry:
    """A file: its name, and where it is in which section, in bytes."""

    name: str
    section: int
    at: int
    size: int


@dataclass
class Help:
    """The whole file. `entries` are in the order of the directory; the own parts of the format are among them."""

    data: bytes
    content: int
    entries: dict[str, Entry]
    packed: dict[int, Packed] = field(default_factory=dict)

    def read(self, entry: Entry) -> bytes:
        """The bytes of a file. Raises `Unreadable`."""
        if not entry.section:
            found = self.plain(entry)
            if len(found) < entry.size:
                raise Unreadable("it lies beyond the end of the file", found)
            return found
        if entry.section not in self.packed:
            self.packed[entry.section] = self._section(entry.section)
        return self.packed[entry.section].read(entry.at, entry.size)

    def plain(self, entry: Entry | None) -> bytes:
        if entry is None:
            return b""
        start = self.content + entry.at
        return self.data[start : start + entry.size]

    def _section(self, number: int) -> Packed:
        name = _section_names(self.plain(self.entries.get("::DataSpace/NameList"))).get(number, "")
        before = _STORAGE + name
        control = self.plain(self.entries.get(f"{before}/ControlData"))
        table = self.plain(self.entries.get(before + _TABLE))
        if control[4:8] != b"LZXC" or len(table) < 48:
            raise Unreadable("it is packed in a way that is not known here, or the tables for it are missing")
        version, interval, window = numbers("<III", control, 8)
        unit = lzx.FRAME if version >= 2 else 1
        count, width, first = numbers("<III", table, 4)
        size, _, block = numbers("<QQQ", table, 16)
        if block != lzx.FRAME or width != 8:
            raise Unreadable("its tables are damaged")
        places = table[first : first + 8 * min(count, len(table) // 8)]
        return Packed(
            self.plain(self.entries.get(f"{before}/Content")),
            tuple(numbers("<Q", places, at)[0] for at in range(0, len(places) - 7, 8)),
            size,
            max(1, interval * unit // lzx.FRAME),
            (window * unit).bit_length() - 1,
        )


@dataclass
class Packed:
    """A packed section: `places` of its frames of 32 KiB, of which `apart` at a time are packed by themselves."""

    data: bytes
    places: tuple[int, ...]
    size: int
    apart: int
    bits: int
    kept: dict[int, bytes] = field(default_factory=dict)
    spent: float = 0.0

    def read(self, at: int, size: int) -> bytes:
        """Raises `Unreadable` where not all of it is there."""
        step = self.apart * lzx.FRAME
        pieces = []
        end = min(at + size, self.size)
        for number in range(at // step, -(-end // step)):
            start = number * step
            try:
                piece = self._interval(number)
            except Broken as broken:
                pieces.append(broken.data[max(0, at - start) : max(0, end - start)])
                raise Unreadable(f"it is damaged: {broken}", b"".join(pieces)) from broken
            pieces.append(piece[max(0, at - start) : end - start])
        found = b"".join(pieces)
        if len(found) < size:
            raise Unreadable("it lies beyond the end of what is packed", found)
        return found

    def _interval(self, number: int) -> bytes:
        if number not in self.kept:
            began = time.monotonic()
            if self.spent > SECONDS:
                raise Broken("unpacking all of it takes too long")
            while self.kept and sum(map(len, self.kept.values())) > MOST_KEPT:
                del self.kept[next(iter(self.kept))]
            try:
                self.kept[number] = self._unpacked(number)
            finally:
                self.spent += time.monotonic() - began
        return self.kept[number]

    def _unpacked(self, number: int) -> bytes:
        first, last = number * self.apart, (number + 1) * self.apart
        if first >= len(self.places):
            raise Broken("it lies beyond the end of what is packed")
        start = self.places[first]
        end = self.places[last] if last < len(self.places) else len(self.data)
        size = min(self.apart * lzx.FRAME, self.size - first * lzx.FRAME)
        if size > MOST_INTERVAL:
            raise Broken("too much is packed in one piece")
        return lzx.unpacked(self.data[start:end], size, self.bits, start=first * lzx.FRAME)


def opened(data: bytes) -> Help:
    """The help with its directory. Raises `Unreadable`."""
    start, length = numbers("<QQ", data, 0x48)
    (content,) = numbers("<Q", data, 0x58)
    if numbers("<I", data, 8)[0] < _HEAD:
        content = start + length  # as version 2 has it
    if data[start : start + 4] != b"ITSP":
        raise Unreadable("its directory is missing")
    head, _, chunk = numbers("<III", data, start + 8)
    if not 64 <= chunk <= 1 << 20:
        raise Unreadable("its directory is damaged")
    entries: dict[str, Entry] = {}
    # Every piece of the list is read, also one that no other leads to.
    for at in range(start + head, min(start + length, len(data)), chunk):
        for entry in _entries(data[at : at + chunk]):
            if len(entries) >= MOST_FILES:
                break
            name = entry.name
            while name in entries and entries[name] != entry:
                name += "'"
            entries[name] = entry
    return Help(data, content, entries)


def _entries(chunk: bytes) -> Iterator[Entry]:
    if chunk[:4] != _LISTING:
        return
    (free,) = numbers("<I", chunk, 4)
    at, end = 20, max(0, len(chunk) - free)
    while at < end:
        length, at = _number(chunk, at)
        name = chunk[at : at + length].decode("utf-8", "replace")
        section, at = _number(chunk, at + length)
        place, at = _number(chunk, at)
        size, at = _number(chunk, at)
        if at <= end and name:
            yield Entry(name, section, place, size)


def _number(chunk: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the highest first, and where it ends. Beyond the end there are zeros."""
    value = 0
    for _ in range(9):
        byte = chunk[at] if at < len(chunk) else 0
        at += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value, at


def _section_names(listing: bytes) -> dict[int, str]:
    (count,) = numbers("<H", listing, 2)
    at, found = 4, {}
    for number in range(min(count, 64)):
        (length,) = numbers("<H", listing, at)
        found[number] = listing[at + 2 : at + 2 + 2 * length].decode("utf-16-le", "replace")
        at += 4 + 2 * length
    return found
