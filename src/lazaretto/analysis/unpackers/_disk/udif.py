"""Apple's disk images (DMG): a trailer, a property list with tables of pieces, and the pieces, each packed by itself.

Source: the structures as Apple's open `DiskImages` and dmg2img have them. Numbers have their highest byte first.
"""

from __future__ import annotations

import bz2
import lzma
import plistlib
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.parsers.expat import ExpatError

from lazaretto.analysis.unpackers._disk import adc, lzfse
from lazaretto.analysis.unpackers._disk.volume import MOST_READ, numbers

_SECTOR = 512
_MOST_LIST, _MOST_PIECES, _MOST_PIECE = 32 << 20, 1_000_000, 16 << 20
_KEPT = 12  # unpacked pieces
_ZERO, _RAW, _IGNORED = 0, 1, 2
_ENCRYPTED = (b"encrcdsa", b"cdsaencr")


class Unusable(Exception):
    """Why the image cannot be read."""


class Encrypted(Unusable):
    """It is locked with a password."""


@dataclass(frozen=True)
class _Piece:
    """Sectors of the disk, and bytes of the file that hold them."""

    start: int
    count: int
    kind: int
    at: int
    packed: int


@dataclass
class Udif:
    """A disk made of pieces; what no piece holds is zero. `damaged` says that some could not be unpacked."""

    data: bytes
    pieces: list[_Piece]
    size: int
    damaged: str = ""
    _kept: dict[_Piece, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._starts = [piece.start for piece in self.pieces]

    def read(self, at: int, size: int) -> bytes:
        if at < 0 or at >= self.size:
            return b""
        size = min(size, self.size - at, MOST_READ)
        end = at + size
        found = []
        while at < end:
            number = bisect_right(self._starts, at // _SECTOR) - 1
            piece = self.pieces[number] if number >= 0 else None
            if piece is None or at >= (piece.start + piece.count) * _SECTOR:
                following = self._starts[number + 1] * _SECTOR if number + 1 < len(self._starts) else end
                length = min(end, following) - at
                found.append(bytes(length))
            else:
                within = at - piece.start * _SECTOR
                length = min(end - at, piece.count * _SECTOR - within)
                found.append(self._part(piece, within, length).ljust(length, b"\0"))
            at += length
        return b"".join(found)

    def _part(self, piece: _Piece, within: int, length: int) -> bytes:
        if piece.kind in {_ZERO, _IGNORED}:
            return b""
        if piece.kind == _RAW:
            start = piece.at + within
            return self.data[start : min(start + length, piece.at + piece.packed)]
        if piece not in self._kept:
            if len(self._kept) >= _KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[piece] = self._unpacked(piece)
        return self._kept[piece][within : within + length]

    def _unpacked(self, piece: _Piece) -> bytes:
        size = piece.count * _SECTOR
        if size > _MOST_PIECE:
            self.damaged = self.damaged or "a piece of it is larger than any that programs make"
            return b""
        try:
            return _PACKINGS[piece.kind](self.data[piece.at : piece.at + piece.packed], size)
        except (KeyError, ValueError, EOFError, OSError, IndexError, zlib.error, lzma.LZMAError) as error:
            self.damaged = self.damaged or f"a piece at byte {piece.at:,} could not be unpacked ({error})"
            return b""


_PACKINGS: dict[int, Callable[[bytes, int], bytes]] = {
    0x80000004: adc.unpacked,
    0x80000005: lambda packed, size: zlib.decompressobj().decompress(packed, size),
    0x80000006: lambda packed, size: bz2.BZ2Decompressor().decompress(packed, size),
    0x80000007: lzfse.unpacked,
    0x80000008: lambda packed, size: lzma.LZMADecompressor().decompress(packed, size),
}
_HELD = frozenset({_ZERO, _RAW, _IGNORED, *_PACKINGS})


def udif(data: bytes) -> Udif | None:
    """The disk; None where this is no such image. Raises `Unusable`."""
    if data[:8] in _ENCRYPTED or data[-8:] in _ENCRYPTED:
        raise Encrypted("it is encrypted")
    trailer = data[-512:]
    if trailer[:4] != b"koly":
        return None
    (fork,) = numbers(">Q", trailer, 24)
    segment, segments = numbers(">II", trailer, 56)
    listing, length = numbers(">QQ", trailer, 216)
    (sectors,) = numbers(">Q", trailer, 492)
    if segments > 1:
        raise Unusable(f"it is part {segment} of an image in {segments} files")
    pieces = sorted(_pieces(data[listing : listing + min(length, _MOST_LIST)], fork), key=lambda piece: piece.start)
    if not pieces:
        raise Unusable("its list of pieces is missing or damaged")
    last = max(piece.start + piece.count for piece in pieces)
    return Udif(data, pieces, max(last, min(sectors, last)) * _SECTOR)


def _pieces(listing: bytes, fork: int) -> Iterator[_Piece]:
    try:
        tables = plistlib.loads(listing, fmt=plistlib.FMT_XML)["resource-fork"]["blkx"]
        tables = [bytes(one["Data"]) for one in tables]
    except (ExpatError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise Unusable("its list of pieces is missing or damaged") from error
    given = 0
    for table in tables:
        if table[:4] != b"mish":
            continue
        first, _, before = numbers(">QQQ", table, 8)
        (count,) = numbers(">I", table, 200)
        for at in range(204, min(len(table) - 39, 204 + 40 * count), 40):
            kind, _, start, sectors, place, packed = numbers(">IIQQQQ", table, at)
            given += 1
            if given > _MOST_PIECES:
                return
            if sectors and kind in _HELD and first + start + sectors < 1 << 40:
                yield _Piece(first + start, sectors, kind, fork + before + place, packed)
