"""The packing of ARJ: LZ77 with Huffman codes in blocks (as LHA's -lh6-), and the simpler one of its method 4.

Source: H. Okumura's ar002, and "ARJ archive file format" (technote of ARJ 2.85).
"""

from __future__ import annotations

from collections.abc import Callable

_LITERALS, _SHORTEST = 256, 3
_CODES, _POSITIONS, _LENGTHS = 510, 17, 19


class Broken(Exception):
    """The packed bytes make no sense, or end too early; `data` is what came before."""

    def __init__(self, why: str, data: bytes) -> None:
        super().__init__(why)
        self.data = data


class _Bits:
    """Bits of some bytes, the highest first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._held = 0
        self._count = 0

    def take(self, count: int) -> int:
        while self._count < count:
            if self._at >= len(self._data):
                raise EOFError("it ends too early")
            self._held = (self._held & 0xFFFFFF) << 8 | self._data[self._at]
            self._at += 1
            self._count += 8
        self._count -= count
        return self._held >> self._count & ((1 << count) - 1)


class _Tree:
    """A Huffman code by the lengths of its codes; `only` is the one symbol of a code that has no bits."""

    def __init__(self, lengths: list[int], only: int = -1) -> None:
        self._only = only
        self._symbols: dict[tuple[int, int], int] = {}
        code = 0
        for length in range(1, 17):
            for symbol, own in enumerate(lengths):
                if own == length:
                    self._symbols[length, code] = symbol
                    code += 1
            code <<= 1

    def read(self, bits: _Bits) -> int:
        if self._only >= 0:
            return self._only
        code = 0
        for length in range(1, 17):
            code = code << 1 | bits.take(1)
            if (symbol := self._symbols.get((length, code))) is not None:
                return symbol
        raise ValueError("a code that is none")


def unpacked(packed: bytes, size: int, *, simple: bool = False) -> bytes:
    """The bytes, `size` of them. Raises `Broken`."""
    out = bytearray()
    bits = _Bits(packed)
    step = _simple(bits) if simple else _blocks(bits)
    try:
        while len(out) < size:
            length, value = step()
            if not length:
                out.append(value)
                continue
            start = len(out) - value - 1
            if start < 0:
                raise ValueError("it points before its own begin")
            for at in range(start, start + length):
                out.append(out[at])
    except (EOFError, ValueError) as error:
        raise Broken(str(error), bytes(out)) from error
    return bytes(out[:size])


def _blocks(bits: _Bits) -> Callable[[], tuple[int, int]]:
    """Reads one step: (0, byte), or length and distance."""
    left = 0
    codes = places = _Tree([])

    def step() -> tuple[int, int]:
        nonlocal left, codes, places
        if not left:
            left = bits.take(16) or 1 << 16
            codes = _code_tree(bits, _short_tree(bits, _LENGTHS, gap=3))
            places = _short_tree(bits, _POSITIONS)
        left -= 1
        code = codes.read(bits)
        if code < _LITERALS:
            return 0, code
        place = places.read(bits)
        return code - _LITERALS + _SHORTEST, (1 << place - 1) + bits.take(place - 1) if place > 1 else place

    return step


def _short_tree(bits: _Bits, most: int, gap: int = -1) -> _Tree:
    """A code of few symbols: each length in three bits or more; after `gap` of them a number of zeros."""
    count = bits.take(5)
    if not count:
        return _Tree([], bits.take(5))
    lengths: list[int] = []
    while len(lengths) < count:
        length = bits.take(3)
        while length >= 7 and bits.take(1):
            length += 1
            if length > 16:
                raise ValueError("a code that is too long")
        lengths.append(length)
        if len(lengths) == gap:
            lengths += [0] * bits.take(2)
    return _Tree(lengths[:most])


def _code_tree(bits: _Bits, short: _Tree) -> _Tree:
    count = bits.take(9)
    if not count:
        return _Tree([], bits.take(9))
    lengths: list[int] = []
    while len(lengths) < count:
        length = short.read(bits)
        if length > 2:
            lengths.append(length - 2)
        else:
            lengths += [0] * (1 if not length else bits.take(4) + 3 if length == 1 else bits.take(9) + 20)
    return _Tree(lengths[:_CODES])


def _simple(bits: _Bits) -> Callable[[], tuple[int, int]]:
    """The steps of method 4: lengths and distances in bits whose number comes first, in ones."""

    def number(first: int, last: int) -> int:
        more, width = 0, first
        while width < last and bits.take(1):
            more += 1 << width
            width += 1
        return more + (bits.take(width) if width else 0)

    def step() -> tuple[int, int]:
        length = number(0, 7)
        return (length - 1 + _SHORTEST, number(9, 13)) if length else (0, bits.take(8))

    return step
