"""Decompressors for NRV2B, NRV2D and NRV2E, the formats of the UCL library, in the three ways in which bits are stored.

A stream is bits and bytes mixed: a 1 bit announces a literal byte, a 0 bit a copy from `distance` bytes back. Bits are
taken from words of 32, 16 or 8 bits, the highest first, and each word lies in the stream where its first bit is needed.
"""

from __future__ import annotations

from collections.abc import Callable

END = 0xFFFFFFFF
Bit = Callable[[], int]


class Damaged(Exception):
    """The stream is not one, or says more than it may."""


class _Stream:
    """Bits and bytes of one packed stream."""

    def __init__(self, packed: bytes, width: int) -> None:
        self._packed = packed
        self._width = width
        self._at = 0
        self._word = 0
        self._left = 0

    def bit(self) -> int:
        if not self._left:
            step = self._width // 8
            word = self._packed[self._at : self._at + step]
            if len(word) < step:
                raise Damaged
            self._at += step
            self._word = int.from_bytes(word, "little")
            self._left = self._width
        self._left -= 1
        return self._word >> self._left & 1

    def byte(self) -> int:
        try:
            byte = self._packed[self._at]
        except IndexError:
            raise Damaged from None
        self._at += 1
        return byte


def nrv2b(packed: bytes, size: int, width: int = 32) -> bytes:
    """Unpack to at most `size` bytes."""
    stream, out = _Stream(packed, width), bytearray()
    bit, byte = stream.bit, stream.byte
    last = 1
    while len(out) <= size:
        while bit():
            out.append(byte())
        distance = _grown(bit, size)
        if distance == 2:
            distance = last
        else:
            distance = (distance - 3) * 256 + byte()
            if distance == END:
                return bytes(out)
            distance += 1
            last = distance
        length = bit() * 2 + bit()
        if not length:
            length = _length(bit, size) + 2
        _copy(out, distance, length + 1 + (distance > 0xD00), size)
    raise Damaged


def nrv2d(packed: bytes, size: int, width: int = 32) -> bytes:
    """Unpack to at most `size` bytes."""
    return _later(packed, size, width, _length_2d)


def nrv2e(packed: bytes, size: int, width: int = 32) -> bytes:
    """Unpack to at most `size` bytes."""
    return _later(packed, size, width, _length_2e)


def _later(packed: bytes, size: int, width: int, length_of: Callable[[Bit, int, int], int]) -> bytes:
    """2D and 2E share distances: their lowest bit is the first of the length."""
    stream, out = _Stream(packed, width), bytearray()
    bit, byte = stream.bit, stream.byte
    last = 1
    while len(out) <= size:
        while bit():
            out.append(byte())
        distance = _grown_by_two(bit, size)
        if distance == 2:
            distance, first = last, bit()
        else:
            distance = (distance - 3) * 256 + byte()
            if distance == END:
                return bytes(out)
            first = ~distance & 1
            distance = (distance >> 1) + 1
            last = distance
        length = length_of(bit, first, size)
        _copy(out, distance, length + 1 + (distance > 0x500), size)
    raise Damaged


def _length_2d(bit: Bit, first: int, size: int) -> int:
    return (first * 2 + bit()) or _length(bit, size) + 2


def _length_2e(bit: Bit, first: int, size: int) -> int:
    if first:
        return 1 + bit()
    if bit():
        return 3 + bit()
    return _length(bit, size) + 3


def _grown(bit: Bit, size: int) -> int:
    value = 1
    while True:
        value = value * 2 + bit()
        if bit():
            return value
        _bounded(value, size)


def _grown_by_two(bit: Bit, size: int) -> int:
    value = 1
    while True:
        value = value * 2 + bit()
        if bit():
            return value
        value = (value - 1) * 2 + bit()
        _bounded(value, size)


def _length(bit: Bit, size: int) -> int:
    value = 1
    while True:
        value = value * 2 + bit()
        if bit():
            return value
        _bounded(value, size)


def _bounded(value: int, size: int) -> None:
    """Distances have at most 24 bits beside the last byte; the mark of the end has them all."""
    if value > max(size, 1 << 26):
        raise Damaged


def _copy(out: bytearray, distance: int, length: int, size: int) -> None:
    """From `distance` bytes back; what is copied may overlap what is written."""
    if distance > len(out) or len(out) + length > size:
        raise Damaged
    start = len(out) - distance
    if distance >= length:
        out += out[start : start + length]
        return
    pattern = bytes(out[start:])
    out += (pattern * (length // distance + 1))[:length]
