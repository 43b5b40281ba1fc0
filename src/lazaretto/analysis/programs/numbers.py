"""Numbers at an offset. Beyond the end of the bytes they are 0: no field read here means anything by being 0."""

from __future__ import annotations

import struct


def u16(data: bytes, at: int, order: str = "<") -> int:
    return _number(data, at, 2, order)


def u32(data: bytes, at: int, order: str = "<") -> int:
    return _number(data, at, 4, order)


def u64(data: bytes, at: int, order: str = "<") -> int:
    return _number(data, at, 8, order)


def _number(data: bytes, at: int, size: int, order: str) -> int:
    if at < 0 or at + size > len(data):
        return 0
    value: int = struct.unpack_from(f"{order}{'HIQ'[size // 4]}", data, at)[0]
    return value


def text_until_zero(data: bytes, at: int, most: int) -> str:
    """The bytes from there to the next zero, at most `most`, each a character."""
    if at < 0 or at >= len(data):
        return ""
    return data[at : at + most].split(b"\0", 1)[0].decode("latin-1")
