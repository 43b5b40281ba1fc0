"""LZFSE and LZVN, the packing of newer disk images of Apple's. Source: Apple's reference implementation (BSD licence).

A stream of blocks: literals, lengths, and distances of repetitions, each coded by finite states (a kind of
arithmetic coding), whose bits are read backwards; or LZVN, where they are bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

_STATES = (64, 64, 256, 1024)  # of the codes of literal counts, lengths, distances, literals
_SYMBOLS = (20, 20, 64, 256)
_BITS = tuple(range(16))
_COUNT_BITS = (0,) * 16 + (2, 3, 5, 8)
_COUNT_BASE = (*_BITS, 16, 20, 28, 60)
_LENGTH_BITS = (0,) * 16 + (3, 5, 8, 11)
_LENGTH_BASE = (*_BITS, 16, 24, 56, 312)
_DISTANCE_BITS = tuple(symbol // 4 for symbol in range(64))
_DISTANCE_BASE = tuple(sum(1 << bits for bits in _DISTANCE_BITS[:symbol]) for symbol in range(64))
_MOST_LITERALS, _MOST_MATCHES = 40_000, 10_000


def unpacked(packed: bytes, size: int) -> bytes:
    """At most `size` bytes. Raises `ValueError` where they make no sense."""
    out, at = bytearray(), 0
    try:
        while len(out) < size:
            mark = packed[at : at + 4]
            if mark == b"bvx$":
                break
            if mark == b"bvx-":
                (count,) = struct.unpack_from("<I", packed, at + 4)
                out += packed[at + 8 : at + 8 + count]
                at += 8 + count
            elif mark == b"bvxn":
                count, length = struct.unpack_from("<II", packed, at + 4)
                _lzvn(packed[at + 12 : at + 12 + length], min(size, len(out) + count), out)
                at += 12 + length
            elif mark == b"bvx2":
                at = _block(packed, at, out, size)
            else:
                raise ValueError("a block of no known kind")
    except (struct.error, IndexError) as error:
        raise ValueError("it ends too early") from error
    return bytes(out[:size])


@dataclass(frozen=True)
class _Head:
    """What stands before a block: how much there is of all, and the states in which its codes begin."""

    end: int
    literals: int
    literal_bytes: int
    literal_spare: int
    literal_states: tuple[int, ...]
    matches: int
    match_bytes: int
    match_spare: int
    match_states: tuple[int, ...]
    frequencies: tuple[Sequence[int], ...]


def _head(data: bytes, at: int) -> _Head:
    first, second, third = struct.unpack_from("<QQQ", data, at + 8)
    end = at + (third & 0xFFFFFFFF)
    return _Head(
        end=end,
        literals=first & 0xFFFFF,
        literal_bytes=first >> 20 & 0xFFFFF,
        matches=first >> 40 & 0xFFFFF,
        literal_spare=(first >> 60 & 7) - 7,
        literal_states=tuple(second >> shift & 0x3FF for shift in (0, 10, 20, 30)),
        match_bytes=second >> 40 & 0xFFFFF,
        match_spare=(second >> 60 & 7) - 7,
        match_states=tuple(third >> shift & 0x3FF for shift in (32, 42, 52)),
        frequencies=_apart(_frequencies(data[at + 32 : end])),
    )


def _apart(frequencies: Sequence[int]) -> tuple[Sequence[int], ...]:
    found, at = [], 0
    for count in _SYMBOLS:
        found.append(frequencies[at : at + count])
        at += count
    return tuple(found)


def _frequencies(data: bytes) -> list[int]:
    """360 numbers in a code of 2, 3, 5, 8 or 14 bits, the lowest bit first. None at all: all are zero."""
    bits, count = int.from_bytes(data, "little"), 8 * len(data)
    found: list[int] = []
    while len(found) < sum(_SYMBOLS):
        if count <= 0:
            return [*found, *[0] * (sum(_SYMBOLS) - len(found))]
        low = bits & 31
        if low & 3 in {0, 2}:
            used, value = 2, (low & 3) // 2
        elif low & 7 in {1, 5}:
            used, value = 3, 2 + (low & 7 == 5)
        elif low & 15 == 7:
            used, value = 8, 8 + (bits >> 4 & 15)
        elif low & 15 == 15:
            used, value = 14, 24 + (bits >> 4 & 0x3FF)
        else:  # 3, 11, 19, 27
            used, value = 5, 4 + (low >> 3)
        found.append(value)
        bits >>= used
        count -= used
    return found


def _symbols(frequencies: Sequence[int], states: int) -> list[tuple[int, int, int]]:
    """For each state: symbol, bits to read, and what is added to them for the next state."""
    found: list[tuple[int, int, int]] = []
    for symbol, times in enumerate(frequencies):
        if not times:
            continue
        if len(found) + times > states:
            raise ValueError("a code of more states than there are")
        bits = states.bit_length() - times.bit_length()
        turn = (2 * states >> bits) - times
        for number in range(times):
            if number < turn:
                found.append((symbol, bits, (times + number << bits) - states))
            else:
                found.append((symbol, bits - 1, number - turn << bits - 1))
    return found


class _Backwards:
    """Bits of some bytes from their end; `spare` (0 to -7) of the last byte are not used."""

    def __init__(self, data: bytes, spare: int) -> None:
        self._bits = int.from_bytes(data, "little")
        self._left = 8 * len(data) + spare
        self._held = self._count = 0

    def take(self, count: int) -> int:
        if self._count < count:
            more = min(1024, self._left)
            if more + self._count < count:
                raise ValueError("it ends too early")
            self._left -= more
            self._held = self._held << more | self._bits >> self._left & (1 << more) - 1
            self._count += more
        self._count -= count
        value = self._held >> self._count
        self._held &= (1 << self._count) - 1
        return value


def _block(data: bytes, at: int, out: bytearray, size: int) -> int:
    head = _head(data, at)
    if head.literals > _MOST_LITERALS or head.matches > _MOST_MATCHES or not -7 <= head.literal_spare <= 0:
        raise ValueError("its head makes no sense")
    middle = head.end + head.literal_bytes
    literals = _literals(head, data[head.end : middle])
    codes = [_symbols(one, states) for one, states in zip(head.frequencies, _STATES, strict=True)]
    bits = _Backwards(data[middle : middle + head.match_bytes], head.match_spare)
    take = bits.take
    count_state, length_state, distance_state = head.match_states
    used, distance = 0, -1
    for _ in range(head.matches):
        symbol, wanted, base = codes[0][count_state]
        count_state = base + take(wanted)
        count = _COUNT_BASE[symbol] + take(_COUNT_BITS[symbol])
        symbol, wanted, base = codes[1][length_state]
        length_state = base + take(wanted)
        length = _LENGTH_BASE[symbol] + take(_LENGTH_BITS[symbol])
        symbol, wanted, base = codes[2][distance_state]
        distance_state = base + take(wanted)
        distance = _DISTANCE_BASE[symbol] + take(_DISTANCE_BITS[symbol]) or distance
        out += literals[used : used + count]
        used += count
        _repeat(out, distance, length)
        if len(out) >= size:
            break
    return middle + head.match_bytes


def _literals(head: _Head, data: bytes) -> bytes:
    code = _symbols(head.frequencies[3], _STATES[3])
    take = _Backwards(data, head.literal_spare).take
    states = list(head.literal_states)
    out = bytearray()
    for number in range(head.literals):
        symbol, wanted, base = code[states[number & 3]]
        states[number & 3] = base + take(wanted)
        out.append(symbol)
    return bytes(out)


def _repeat(out: bytearray, distance: int, length: int) -> None:
    if not length:
        return
    start = len(out) - distance
    if distance <= 0 or start < 0:
        raise ValueError("it points before its own begin")
    piece = out[start : start + length]
    out += (piece * (length // len(piece) + 1))[:length]


def _lzvn(data: bytes, size: int, out: bytearray) -> None:
    at, distance = 0, 0
    while len(out) < size:
        head = data[at]
        count = length = 0
        if head == 0x06:
            return
        if head in {0x0E, 0x16}:
            at += 1
            continue
        if head >= 0xF0:
            length = head & 15 or data[at + 1] + 16
            at += 1 if head & 15 else 2
        elif head >= 0xE0:
            count = head & 15 or data[at + 1] + 16
            at += 1 if head & 15 else 2
        elif 0xA0 <= head < 0xC0:
            low = data[at + 1] | data[at + 2] << 8
            count, length, distance = head >> 3 & 3, ((head & 7) << 2 | low & 3) + 3, low >> 2
            at += 3
        elif 0x70 <= head < 0x80 or 0xD0 <= head < 0xE0 or (head < 0x40 and head & 0xC7 == 0x06):
            raise ValueError("a code that is none")
        else:
            count, length = head >> 6, (head >> 3 & 7) + 3
            if head & 7 == 6:
                at += 1  # the distance before
            elif head & 7 == 7:
                distance = data[at + 1] | data[at + 2] << 8
                at += 3
            else:
                distance = (head & 7) << 8 | data[at + 1]
                at += 2
        out += data[at : at + count]
        at += count
        _repeat(out, distance, length)
