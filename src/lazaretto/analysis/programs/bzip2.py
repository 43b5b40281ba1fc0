"""bzip2 as installers of NSIS have it: without the marks, check sums and random blocks of the usual kind.

The usual library refuses it. Source: NSIS' own `Source/bzip2` (zlib licence), and J. Seward's bzip2.
"""

from __future__ import annotations

import re
import struct

_BLOCK, _END = 0x31, 0x17
_MOST_BLOCK, _GROUP, _MOST_SELECTORS, _MOST_LENGTH = 900_000, 50, 18_002, 20
_RUN = re.compile(rb"(.)\1\1\1(.)", re.DOTALL)


class Broken(Exception):
    """The bytes make no sense, or end too early."""


def unpacked(packed: bytes, most: int) -> bytes:
    """The bytes, at most `most`. Raises `Broken`."""
    bits = _Bits(packed)
    out = bytearray()
    try:
        while len(out) < most and (mark := bits.take(8)) != _END:
            if mark != _BLOCK:
                raise Broken("a block of no known kind")
            out += _RUN.sub(lambda run: run[1] * (4 + run[2][0]), _block(bits))
    except IndexError as error:
        raise Broken("it ends too early") from error
    return bytes(out[:most])


class _Bits:
    """Bits of some bytes, the highest first."""

    def __init__(self, data: bytes) -> None:
        padded = data + bytes(-len(data) % 4 + 8)  # the end may be looked beyond, not used
        self.words = struct.unpack(f">{len(padded) // 4}I", padded)
        self.next = self.held = self.count = 0

    def take(self, count: int) -> int:
        """A number of so many bits, at most 24."""
        if self.count < count:
            self.held = (self.held & (1 << self.count) - 1) << 32 | self.words[self.next]
            self.next += 1
            self.count += 32
        self.count -= count
        return self.held >> self.count & (1 << count) - 1


def _block(bits: _Bits) -> bytes:
    """One block, its sorting undone."""
    origin = bits.take(24)
    used = bits.take(16)
    letters = [
        16 * high + low
        for high in range(16)
        if used >> 15 - high & 1
        for row in [bits.take(16)]
        for low in range(16)
        if row >> 15 - low & 1
    ]
    groups, count = bits.take(3), bits.take(15)
    if not letters or not 2 <= groups <= 6 or not 0 < count <= _MOST_SELECTORS:
        raise Broken("the head of a block makes no sense")
    selectors = _selectors(bits, groups, count)
    tables = [_table(_lengths(bits, len(letters) + 2)) for _ in range(groups)]
    sorted_ = _symbols(bits, [tables[number] for number in selectors], bytes(letters))
    if origin >= len(sorted_):
        raise Broken("the head of a block makes no sense")
    order = sorted(range(len(sorted_)), key=sorted_.__getitem__)
    found = bytearray()
    at = order[origin]
    for _ in range(len(sorted_)):
        found.append(sorted_[at])
        at = order[at]
    return bytes(found)


def _selectors(bits: _Bits, groups: int, count: int) -> list[int]:
    recent = list(range(groups))
    found = []
    for _ in range(count):
        place = 0
        while bits.take(1):
            place += 1
        recent.insert(0, recent.pop(place))
        found.append(recent[0])
    return found


def _lengths(bits: _Bits, count: int) -> list[int]:
    found, length = [], bits.take(5)
    for _ in range(count):
        while True:
            if not 1 <= length <= _MOST_LENGTH:
                raise Broken("a code that is too long")
            if not bits.take(1):
                break
            length += -1 if bits.take(1) else 1
        found.append(length)
    return found


def _table(lengths: list[int]) -> tuple[list[int], int]:
    """For each value of the next `width` bits: `symbol << 5 | bits of its code`; -1 for none."""
    width = max(lengths)
    found: list[int] = []
    for length in range(1, width + 1):
        for symbol, own in enumerate(lengths):
            if own == length:
                found += [symbol << 5 | length] * (1 << width - length)
    return found[: 1 << width] + [-1] * ((1 << width) - len(found)), width


def _symbols(bits: _Bits, tables: list[tuple[list[int], int]], letters: bytes) -> bytes:
    """The letters of a block: runs of the one in front, or one from further behind, which then comes to the front."""
    recent = list(letters)
    end = len(letters) + 1
    out = bytearray()
    words, following, held, count = bits.words, bits.next, bits.held, bits.count
    run, weight = 0, 1
    for table, width in tables:
        mask = (1 << width) - 1
        for _ in range(_GROUP):
            if count < width:
                held = (held & 0xFFFFF) << 32 | words[following]
                following += 1
                count += 32
            entry = table[held >> count - width & mask]
            if entry < 0:
                raise Broken("a code that is none")
            count -= entry & 31
            symbol = entry >> 5
            if symbol < 2:
                run += weight << symbol
                weight <<= 1
                if run > _MOST_BLOCK:
                    raise Broken("a block that is too long")
                continue
            if run:
                out += bytes([recent[0]]) * run
                run, weight = 0, 1
            if len(out) > _MOST_BLOCK:
                raise Broken("a block that is too long")
            if symbol == end:
                bits.next, bits.held, bits.count = following, held, count
                return bytes(out)
            letter = recent.pop(symbol - 1)
            recent.insert(0, letter)
            out.append(letter)
    raise Broken("a block without an end")
