"""Bytes that can be read anywhere: a file's, or those that a virtual disk's map puts together."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

MOST_READ = 640 << 20  # bytes at once


class Volume(Protocol):
    """A disk or a part of one. What lies beyond its end is not there; what was never written is zero."""

    @property
    def size(self) -> int: ...

    def read(self, at: int, size: int) -> bytes: ...


@dataclass(frozen=True)
class Flat:
    """A part of some bytes as they are."""

    data: bytes
    start: int = 0
    length: int = -1

    @property
    def size(self) -> int:
        most = max(0, len(self.data) - self.start)
        return most if self.length < 0 else min(most, self.length)

    def read(self, at: int, size: int) -> bytes:
        if at < 0 or size <= 0:
            return b""
        return self.data[self.start + at : self.start + min(at + size, self.size)]


@dataclass(frozen=True)
class Part:
    """A part of another volume."""

    whole: Volume
    start: int
    size: int

    def read(self, at: int, size: int) -> bytes:
        if at < 0 or at >= self.size:
            return b""
        return self.whole.read(self.start + at, min(size, self.size - at))


@dataclass(frozen=True)
class Blocks:
    """A volume of blocks of one size, each of which `block` gives by its number; None where it was never written."""

    size: int
    block_size: int
    block: Callable[[int], bytes | None]

    def read(self, at: int, size: int) -> bytes:
        if at < 0 or at >= self.size:
            return b""
        size = min(size, self.size - at, MOST_READ)
        pieces = []
        while size > 0:
            number, within = divmod(at, self.block_size)
            length = min(size, self.block_size - within)
            block = self.block(number)
            piece = b"" if block is None else block[within : within + length]
            pieces.append(piece + bytes(length - len(piece)))
            at, size = at + length, size - length
        return b"".join(pieces)


def numbers(layout: str, data: bytes, at: int = 0) -> tuple[int, ...]:
    """The numbers there; zeros where the bytes end."""
    size = struct.calcsize(layout)
    if at < 0:
        return struct.unpack(layout, bytes(size))
    return struct.unpack(layout, data[at : at + size].ljust(size, b"\0"))
