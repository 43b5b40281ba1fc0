"""Installers of Inno Setup: the texts of their script, and the programs in their data.

Behind a line that names the version is a block (checksum, stored size, whether it is packed; then pieces of 4,096
bytes, each after its checksum) with the script. Files lie in chunks that begin with a mark of their own, in most
installers all in one. Where one file ends and the next begins is said in tables that are laid out differently in every
version; they are not read here: programs are cut out of the unpacked data by their own headers, other files stay in it.
"""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from lazaretto.analysis.programs.installers import INNO
from lazaretto.analysis.programs.numbers import u32

CHUNK = b"zlb\x1a"
MOST_CHUNKS = 64
MOST_HEADER, MOST_DATA = 32 << 20, 192 << 20  # bytes, unpacked
MOST_TEXTS, MOST_TEXT = 4_000, 2_000
_PIECE = 4_096
_WIDE = re.compile(rb"(?:[\x20-\x7e]\0){5,2000}")
_NARROW = re.compile(rb"[\x20-\x7e]{6,2000}")


@dataclass(frozen=True)
class Chunk:
    """Unpacked data of files, one after the other; empty where it could not be unpacked."""

    offset: int
    data: bytes


def version(data: bytes, at: int) -> str:
    """What the installer says of its version: `6.2.0` and the like."""
    return data[at + len(INNO) : at + 64].split(b")", 1)[0].decode("latin-1")[:32]


def script(data: bytes, at: int) -> bytes:
    """The first block behind the version, unpacked; empty where it cannot be."""
    start = at + 64
    size, packed = u32(data, start + 4), data[start + 8 : start + 9]
    stored = data[start + 9 : start + 9 + min(size, MOST_HEADER)]
    pieces = [stored[place + 4 : place + 4 + _PIECE] for place in range(0, len(stored), _PIECE + 4)]
    joined = b"".join(pieces)
    return _unlzma1(joined, MOST_HEADER) or _inflated(joined, MOST_HEADER) if packed == b"\1" else joined


def texts(unpacked: bytes) -> Iterator[str]:
    """Texts of the script: names, folders, commands, addresses."""
    seen: set[str] = set()
    for pattern, coding in ((_WIDE, "utf-16-le"), (_NARROW, "latin-1")):
        for match, _ in zip(pattern.finditer(unpacked), range(MOST_TEXTS), strict=False):
            text = match.group().decode(coding)
            if text not in seen:
                seen.add(text)
                yield text[:MOST_TEXT]


def chunks(data: bytes) -> Iterator[Chunk]:
    """The chunks of files."""
    at, left = data.find(CHUNK), MOST_DATA
    for _ in range(MOST_CHUNKS):
        if at < 0 or left <= 0:
            return
        following = data.find(CHUNK, at + 4)
        packed = data[at + 4 : following if following > 0 else len(data)]
        unpacked = _unpacked(packed, left)
        left -= len(unpacked)
        yield Chunk(at, unpacked)
        at = following


def _unpacked(packed: bytes, most: int) -> bytes:
    """Which method was used says the script's header; here the one that gives something is right."""
    if packed[:3] == b"BZh":
        try:
            return bz2.BZ2Decompressor().decompress(packed, most)
        except OSError:
            return b""
    return _inflated(packed, most) or _unlzma2(packed, most) or _unlzma1(packed, most)


def _unlzma2(packed: bytes, most: int) -> bytes:
    """One byte that says the size of the dictionary, then LZMA2."""
    if not packed or packed[0] > 40:
        return b""
    wide = min((2 | packed[0] & 1) << (packed[0] // 2 + 11), 256 << 20)
    return _raw(packed[1:], most, {"id": lzma.FILTER_LZMA2, "dict_size": max(4096, wide)})


def _unlzma1(packed: bytes, most: int) -> bytes:
    """Five bytes of properties, then LZMA."""
    if len(packed) < 6 or packed[0] >= 225:
        return b""
    rest, lc = divmod(packed[0], 9)
    pb, lp = divmod(rest, 5)
    wide = max(4096, min(u32(packed, 1), 256 << 20))
    return _raw(packed[5:], most, {"id": lzma.FILTER_LZMA1, "dict_size": wide, "lc": lc, "lp": lp, "pb": pb})


def _raw(packed: bytes, most: int, wanted: dict[str, int]) -> bytes:
    """As much as can be unpacked: what follows a stream is not its own."""
    out = bytearray()
    try:
        unpacker = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[wanted])
        out += unpacker.decompress(packed, min(most, 1 << 20))
        while not unpacker.eof and len(out) < most:
            more = unpacker.decompress(b"", min(most - len(out), 4 << 20))
            if not more:
                break
            out += more
    except (lzma.LZMAError, ValueError, EOFError):
        pass
    return bytes(out) if len(out) > 64 else b""


def _inflated(packed: bytes, most: int) -> bytes:
    if packed[:1] != b"\x78":
        return b""
    try:
        return zlib.decompressobj().decompress(packed, most)
    except zlib.error:
        return b""
