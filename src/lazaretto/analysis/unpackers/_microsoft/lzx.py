"""LZX: the packing of compiled help and of Windows images.

Source: [MS-PATCH] "LZX DELTA Compression and Decompression"; Microsoft, "LZX Data Compression Format" (Cabinet SDK);
the variety of Windows images as wimlib's documentation has it. Bits come in words of 16, the highest bit first.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from lazaretto.analysis.unpackers._microsoft.huffman import Broken, table

FRAME = 32_768  # bytes of output after which the bits begin at a whole word again
_VERBATIM, _ALIGNED, _RAW = 1, 2, 3
_LENGTHS, _SHORTEST = 249, 2
_CALLS_UNTIL = 12_000_000  # Windows images treat each chunk as if it were a program of this size
_SLOTS = {15: 30, 16: 32, 17: 34, 18: 36, 19: 38, 20: 42, 21: 50}
_EXTRA = tuple(0 if slot < 4 else min(17, slot // 2 - 1) for slot in range(50))
_BASE = tuple(sum(1 << bits for bits in _EXTRA[:slot]) for slot in range(50))


def unpacked(packed: bytes, size: int, bits: int, *, image: bool = False, start: int = 0) -> bytes:
    """`size` bytes, from a state in which nothing was before.

    `bits`: of the window, 15 to 21. `image`: as Windows images have it, in one piece. `start`: how much came before,
    which only the addresses of calls are counted from. Raises `Broken`.
    """
    if bits not in _SLOTS:
        raise Broken("a window of no known size")
    stream = _Stream(packed, 256 + 8 * _SLOTS[bits], image=image, wide=bits > 15)
    try:
        calls = _CALLS_UNTIL if image else stream.begin()
        while len(stream.out) < size:
            if not stream.left:
                stream.block()
            stream.run(min(size, len(stream.out) // FRAME * FRAME + FRAME) if not image else size)
    except (IndexError, ValueError, struct.error, Broken) as error:
        raise Broken(str(error) if isinstance(error, Broken) else "it ends too early", bytes(stream.out)) from error
    del stream.out[size:]
    return _with_calls(stream.out, calls, start, max(1, size) if image else FRAME)


@dataclass
class _Stream:
    packed: bytes
    symbols: int  # of the main code
    image: bool
    wide: bool
    out: bytearray = field(default_factory=bytearray)
    left: int = 0  # bytes of this block
    kind: int = 0
    before: tuple[int, int, int] = (1, 1, 1)  # the last distances

    def __post_init__(self) -> None:
        even = self.packed + bytes(len(self.packed) % 2 + 8)  # the end may be looked beyond, not used
        self._words = struct.unpack(f"<{len(even) // 2}H", even[: len(even) // 2 * 2])
        self._next = 0
        self._held = 0
        self._count = 0
        self._main = [0] * self.symbols
        self._long = [0] * _LENGTHS
        self._tables = (table([]), table([]), table([]))

    def take(self, count: int) -> int:
        """A number of so many bits, at most 17."""
        while self._count < count:
            self._held = (self._held & 0x1FFFF) << 16 | self._words[self._next]
            self._next += 1
            self._count += 16
        self._count -= count
        return self._held >> self._count & (1 << count) - 1

    def _symbol(self, code: tuple[list[int], int]) -> int:
        entries, width = code
        while self._count < width:
            self._held = (self._held & 0x1FFFF) << 16 | self._words[self._next]
            self._next += 1
            self._count += 16
        entry = entries[self._held >> self._count - width & (1 << width) - 1]
        if entry & 31 > width:
            raise Broken("a code that is none")
        self._count -= entry & 31
        return entry >> 5

    def begin(self) -> int:
        """Up to where the addresses of calls are changed; 0 for not at all."""
        return self.take(16) << 16 | self.take(16) if self.take(1) else 0

    def block(self) -> None:
        """The head of a block with its codes."""
        self.kind = self.take(3)
        if self.image:
            self.left = FRAME if self.take(1) else self.take(16)
            if self.wide and self.left != FRAME:
                self.left = self.left << 8 | self.take(8)
        else:
            self.left = self.take(16) << 8 | self.take(8)
        if not self.left:
            raise Broken("a block of nothing")
        if self.kind == _RAW:
            # to the next whole word, and where it is there already one word further
            self._seek((16 * self._next - self._count) // 16 * 2 + 2)
            at = self._next * 2
            first, second, third = struct.unpack_from("<III", self.packed, at)
            self.before = (first, second, third)
            self._seek(at + 12)
        elif self.kind in {_VERBATIM, _ALIGNED}:
            aligned = table([self.take(3) for _ in range(8)] if self.kind == _ALIGNED else [])
            self._lengths(self._main, 0, 256)
            self._lengths(self._main, 256, self.symbols)
            self._lengths(self._long, 0, _LENGTHS)
            self._tables = (table(self._main), table(self._long), aligned)
        else:
            raise Broken("a block of no known kind")

    def _seek(self, at: int) -> None:
        """To a byte; it is even."""
        self._next, self._held, self._count = at // 2, 0, 0

    def _lengths(self, lengths: list[int], at: int, end: int) -> None:
        """Changes to the lengths of a code, themselves in a code."""
        small = table([self.take(4) for _ in range(20)])
        while at < end:
            symbol = self._symbol(small)
            if symbol < 17:
                lengths[at] = (lengths[at] - symbol) % 17
                at += 1
                continue
            if symbol == 17:
                times, value = 4 + self.take(4), 0
            elif symbol == 18:
                times, value = 20 + self.take(5), 0
            else:
                times = 4 + self.take(1)
                value = (lengths[at] - self._symbol(small)) % 17
            times = min(times, end - at)
            lengths[at : at + times] = [value] * times
            at += times

    def run(self, end: int) -> None:
        """Unpack up to the end of the block, or until there are `end` bytes, where the bits begin at a word again."""
        until = min(end, len(self.out) + self.left)
        first = len(self.out)
        if self.kind == _RAW:
            at = self._next * 2
            self.out += self.packed[at : at + until - first]
            if len(self.out) < until:
                raise Broken("it ends too early")
            self.left -= until - first
            at += until - first
            # what of a block follows in the next frame begins at an even place, as frames have an even size
            self._seek(at + at % 2)
            return
        self._symbols(until)
        self.left -= len(self.out) - first
        if self.left < 0:
            raise Broken("it repeats beyond the end of a block")
        if len(self.out) >= end:
            self._seek((16 * self._next - self._count + 15) // 16 * 2)

    def _symbols(self, until: int) -> None:  # noqa: PLR0912, PLR0915  the inner loop: calls would double its time
        """The symbols of a packed block, until there are so many bytes."""
        out, words, following, held, count = self.out, self._words, self._next, self._held, self._count
        (main, main_width), (long, long_width), (low, low_width) = self._tables
        main_mask, long_mask, low_mask = (1 << main_width) - 1, (1 << long_width) - 1, (1 << low_width) - 1
        aligned = self.kind == _ALIGNED
        first, second, third = self.before
        append = out.append
        done = len(out)
        while done < until:
            if count < 16:
                held = (held & 0xFFFF) << 32 | words[following] << 16 | words[following + 1]
                following += 2
                count += 32
            entry = main[held >> count - main_width & main_mask]
            count -= entry & 31
            symbol = entry >> 5
            if symbol < 256:
                if entry == 31:
                    raise Broken("a code that is none")
                append(symbol)
                done += 1
                continue
            length = (symbol & 7) + _SHORTEST
            slot = symbol - 256 >> 3
            if length == 7 + _SHORTEST:
                if count < 16:
                    held = (held & 0xFFFF) << 32 | words[following] << 16 | words[following + 1]
                    following += 2
                    count += 32
                entry = long[held >> count - long_width & long_mask]
                if entry == 31:
                    raise Broken("a code that is none")
                count -= entry & 31
                length += entry >> 5
            if slot > 2:
                extra = _EXTRA[slot]
                distance = _BASE[slot] - 2
                if count < 24:  # at most 17 bits, of which three may be 7 in their code
                    held = (held & 0xFFFFFF) << 32 | words[following] << 16 | words[following + 1]
                    following += 2
                    count += 32
                if aligned and extra >= 3:
                    count -= extra - 3
                    distance += (held >> count & (1 << extra - 3) - 1) << 3
                    entry = low[held >> count - low_width & low_mask]
                    if entry == 31:
                        raise Broken("a code that is none")
                    count -= entry & 31
                    distance += entry >> 5
                elif extra:
                    count -= extra
                    distance += held >> count & (1 << extra) - 1
                first, second, third = distance, first, second
            elif slot == 1:
                first, second = second, first
            elif slot == 2:
                first, third = third, first
            start = done - first
            if start < 0 or not first:
                raise Broken("it points before its own begin")
            if first >= length:
                out += out[start : start + length]
            else:
                out += (out[start:] * (length // first + 1))[:length]
            done += length
        self._next, self._held, self._count = following, held, count
        self.before = (first, second, third)


def _with_calls(out: bytearray, until: int, start: int, step: int) -> bytes:
    """The addresses of calls (byte E8), which packing made absolute, are made relative again, in pieces of `step`."""
    if not until:
        return bytes(out)
    for frame in range(0, min(len(out), FRAME * FRAME), step):
        end = min(frame + step, len(out)) - 10
        at = out.find(0xE8, frame, max(frame, end))
        while at >= 0:
            place = start + at
            (absolute,) = struct.unpack_from("<i", out, at + 1)
            if -place <= absolute < until:
                relative = absolute - place if absolute >= 0 else absolute + until
                struct.pack_into("<I", out, at + 1, relative & 0xFFFFFFFF)
            at = out.find(0xE8, at + 5, max(frame, end))
    return bytes(out)
