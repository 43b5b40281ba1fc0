"""Installers of the Nullsoft Scriptable Install System: what they carry and where they put it.

Layout after NSIS' own `Source/exehead/fileform.h` (zlib/libpng licence): a first header, a compressed header with
pages, sections, instructions and texts, and the files, compressed one by one or all in one stream (`solid`).
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lazaretto.analysis.programs import bzip2
from lazaretto.analysis.programs.numbers import u16, u32, u64

MOST_HEADER, MOST_FILE, MOST_STREAM = 32 << 20, 128 << 20, 240 << 20  # bytes, unpacked
MOST_INSTRUCTIONS, MOST_TEXTS, MOST_TEXT = 200_000, 20_000, 2_000
_COMPRESSED = 0x80000000
_SET_FOLDER, _EXTRACT, _INSTRUCTION = 11, 20, 28  # opcodes, bytes of an instruction
_ENTRIES, _STRINGS = 2, 3  # blocks

_VARIABLES = {20: "$CMDLINE", 21: "$INSTDIR", 22: "$OUTDIR", 23: "$EXEDIR", 24: "$LANGUAGE", 25: "$TEMP",
              26: "$PLUGINSDIR", 27: "$EXEPATH", 28: "$EXEFILE", 29: "$HWNDPARENT"}  # fmt: skip


class Unreadable(Exception):
    """Why the installer cannot be opened, in words."""


@dataclass(frozen=True)
class Packed:
    """A file that the installer writes: name with folder, and where it lies in the data."""

    name: str
    at: int


@dataclass(frozen=True)
class Installer:
    """`header` is unpacked. `read` gives a file's bytes by its place in the data."""

    header: bytes
    read: Callable[[int], bytes]

    @property
    def wide(self) -> bool:
        """Of 64 bits: offsets of blocks have eight bytes, the upper four all zero."""
        return len(self.header) >= 100 and all(u32(self.header, 8 + 12 * block) == 0 for block in range(8))

    def block(self, number: int) -> tuple[int, int]:
        """Offset and count of one of the eight blocks."""
        if self.wide:
            return u64(self.header, 4 + 12 * number), u32(self.header, 12 + 12 * number)
        return u32(self.header, 4 + 8 * number), u32(self.header, 8 + 8 * number)

    @property
    def unicode(self) -> bool:
        """Texts are UTF-16: the first one is empty, so that its end has two zeros."""
        return u16(self.header, self.block(_STRINGS)[0]) == 0 and len(self.header) > self.block(_STRINGS)[0]

    def files(self) -> Iterator[Packed]:
        start, count = self.block(_ENTRIES)
        folder = "$INSTDIR"
        seen: set[int] = set()
        for number in range(min(count, MOST_INSTRUCTIONS)):
            at = start + number * _INSTRUCTION
            if at + _INSTRUCTION > len(self.header):
                return
            code = u32(self.header, at)
            if code == _SET_FOLDER and u32(self.header, at + 8):
                folder = self.text(u32(self.header, at + 4)) or folder
            elif code == _EXTRACT and (place := u32(self.header, at + 12)) not in seen:
                seen.add(place)
                name = self.text(u32(self.header, at + 8))
                yield Packed(name if name.startswith("$") else f"{folder}\\{name}", place)

    def text(self, at: int) -> str:
        """A text by its place, variables by name."""
        start = self.block(_STRINGS)[0] + at * (2 if self.unicode else 1)
        return (_wide_text if self.unicode else _narrow_text)(self.header, start)[0]

    def texts(self) -> Iterator[str]:
        """All texts of the installer's script."""
        start = self.block(_STRINGS)[0]
        following = [offset for offset, _ in map(self.block, range(8)) if offset > start]
        raw = self.header[start : min(following, default=len(self.header))]
        at, end, step = start, start + len(raw), 2 if self.unicode else 1
        for _ in range(MOST_TEXTS):
            if at >= end:
                return
            text, at = (_wide_text if self.unicode else _narrow_text)(self.header, at)
            shown = "".join(letter if letter.isprintable() else " " for letter in text).strip()
            at += step
            if len(shown) > 2:
                yield shown


def _narrow_text(data: bytes, at: int) -> tuple[str, int]:
    """The text and where it ends. Codes 1 to 4 (version 3) and 252 to 255 (version 2) take two bytes more."""
    out: list[str] = []
    end = min(len(data), at + MOST_TEXT)
    while at < end and data[at]:
        code = data[at]
        if code <= 4 or code >= 252:
            value = (u16(data, at + 1) & 0x7F) | (u16(data, at + 1) >> 1 & 0x3F80)
            out.append(_variable(code in {3, 253}, value))
            at += 3
        else:
            out.append(chr(code))
            at += 1
    return "".join(out), at


def _wide_text(data: bytes, at: int) -> tuple[str, int]:
    out: list[str] = []
    end = min(len(data) - 1, at + 2 * MOST_TEXT)
    while at < end and (code := u16(data, at)):
        if code <= 4 or 0xE000 <= code <= 0xE003:
            value = u16(data, at + 2)
            value = (value & 0x7F) | (value >> 1 & 0x3F80)
            out.append(_variable(code in {3, 0xE001}, value))
            at += 4
        else:
            out.append(chr(code) if not 0xD800 <= code < 0xE000 else "?")
            at += 2
    return "".join(out), at


def _variable(known: bool, value: int) -> str:
    return _VARIABLES.get(value, f"$_{value}_") if known else "$_"


def installer(data: bytes, at: int) -> Installer:
    """The installer whose first header begins at `at`. Raises `Unreadable`."""
    header, following = u32(data, at + 20), u32(data, at + 24)
    body = data[at + 28 : at + following] if following > 28 else data[at + 28 :]
    if header > MOST_HEADER or not body:
        raise Unreadable("its header is larger than any installer's")
    first = u32(body, 0)
    if first == header:
        return Installer(body[4 : 4 + header], lambda place: _single(body, 4 + header + place))
    # a solid stream's first bytes may look like a length
    alone = not (_is_lzma(body) or _is_lzma(body[1:])) and (_is_bzip2(body[4:]) or not _is_bzip2(body))
    if alone and first & _COMPRESSED and (length := first & ~_COMPRESSED) <= len(body):
        unpacked = unpack(body[4 : 4 + length], MOST_HEADER)
        return Installer(unpacked, lambda place: _single(body, 4 + length + place))
    return _solid(body, header)


def _solid(body: bytes, header: int) -> Installer:
    stream = unpack(body, MOST_STREAM)
    if u32(stream, 0) != header:
        raise Unreadable("its data are packed in a way that is not known here")
    data = stream[4 + header :]

    def read(place: int) -> bytes:
        length = u32(data, place) & ~_COMPRESSED
        return data[place + 4 : place + 4 + length]

    return Installer(stream[4 : 4 + header], read)


def _single(body: bytes, at: int) -> bytes:
    """A file that is packed by itself, or not packed."""
    size = u32(body, at)
    length = size & ~_COMPRESSED
    if at < 0 or at + 4 + length > len(body):
        raise Unreadable("a file lies beyond the end")
    packed = body[at + 4 : at + 4 + length]
    return unpack(packed, MOST_FILE) if size & _COMPRESSED else packed


def unpack(packed: bytes, most: int) -> bytes:
    """What LZMA, bzip2 or deflate makes of it, as far as it is whole. Raises `Unreadable`."""
    if _is_lzma(packed):
        return _unlzma(packed, most)
    if packed[:1] in {b"\0", b"\1"} and _is_lzma(packed[1:]):
        return _unlzma(packed[1:], most)  # the filter for jumps is not undone: only code would look different
    if _is_bzip2(packed):
        return _unbzip2(packed, most)
    try:
        return zlib.decompressobj(-15).decompress(packed, most)
    except zlib.error as error:
        raise Unreadable(f"it is damaged or packed in a way that is not known here ({error})") from error


def _unbzip2(packed: bytes, most: int) -> bytes:
    try:
        return bzip2.unpacked(packed, most)
    except bzip2.Broken as broken:
        raise Unreadable(f"it is damaged ({broken})") from broken


def _is_bzip2(packed: bytes) -> bool:
    """A block, whose first number is below 900,000."""
    return packed[:1] == b"1" and len(packed) > 1 and packed[1] < 14


def _is_lzma(packed: bytes) -> bool:
    """Properties 5d, a dictionary of whole 64 KiB, a stream that begins with a zero."""
    return len(packed) > 6 and packed[:3] == b"\x5d\0\0" and packed[5] == 0 and not packed[6] & 0x80


def _unlzma(packed: bytes, most: int) -> bytes:
    wanted = {
        "id": lzma.FILTER_LZMA1, "dict_size": max(4096, min(u32(packed, 1), 256 << 20)), "lc": 3, "lp": 0, "pb": 2,
    }  # fmt: skip
    try:
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[wanted]).decompress(packed[5:], most)
    except (lzma.LZMAError, ValueError) as error:
        raise Unreadable(f"it is damaged ({error})") from error
