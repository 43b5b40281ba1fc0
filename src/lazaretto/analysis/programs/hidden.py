"""Programs that lie inside other bytes: as they are, or under a repeating key (exclusive or).

Two ways to find a key without trying any. Neighbouring bytes that are combined with one and the same byte keep their
difference, so a known text is found under every key of one byte in a single search. And headers of programs have runs
of zeros, where a longer key shows itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lazaretto.analysis.programs.elflayout import elf_extent
from lazaretto.analysis.programs.pelayout import extent

MOST_SEARCHED = 32 << 20  # bytes
MOST_FOUND = 16
MOST_KEY = 16  # bytes of a repeating key
STUB = b"This program "  # what linkers write into the part for DOS, behind "MZ"
_BACK = 0x180  # how far before the stub's text "MZ" may be
_HEAD = 0x10000


@dataclass(frozen=True)
class Hidden:
    """A program in other bytes. `key` is empty where it lies there as it is."""

    offset: int
    data: bytes
    key: bytes = b""


def plain_programs(data: bytes, start: int = 1) -> Iterator[Hidden]:
    """Whole PE and ELF files that begin at `start` or later, none inside another."""
    end = 0
    found = 0
    for match in re.finditer(rb"This program |\x7fELF[\x01\x02][\x01\x02]\x01", data[:MOST_SEARCHED]):
        at = match.start()
        if at < end or found >= MOST_FOUND:
            continue
        if match.group()[:1] == b"T":
            begin, size = _before(data, at, max(start, end))
        else:
            begin, size = at, elf_extent(data, at) if at >= start else 0
        if size:
            found += 1
            end = begin + size
            yield Hidden(begin, data[begin:end])


def _before(data: bytes, at: int, least: int) -> tuple[int, int]:
    place = at
    for _ in range(8):
        place = data.rfind(b"MZ", max(least, at - _BACK), place)
        if place < 0:
            return 0, 0
        if size := extent(data, place):
            return place, size
    return 0, 0


def masked_programs(data: bytes) -> Iterator[Hidden]:
    """PE files that are hidden anywhere under one byte as key."""
    searched = data[:MOST_SEARCHED]
    differences = _combined(searched[:-1], searched[1:])
    wanted = _combined(STUB[:-1], STUB[1:])
    at, found = differences.find(wanted), 0
    while at >= 0 and found < MOST_FOUND:
        key = searched[at] ^ STUB[0]
        if key:
            begin = max(0, at - _BACK)
            window = unmask(searched[begin:], bytes([key]))
            place, size = _before(window, at - begin, 0)
            if size:
                found += 1
                yield Hidden(begin + place, window[place : place + size], bytes([key]))
                at += size
        at = differences.find(wanted, at + 1)


def under_key(data: bytes) -> Hidden | None:
    """The program that these bytes are from their first one on under a repeating key of at most MOST_KEY bytes."""
    if len(data) < 0x200 or data[:2] == b"MZ" or data[:4] == b"\x7fELF":
        return None
    return _pe_under_key(data) or _elf_under_key(data)


def _pe_under_key(data: bytes) -> Hidden | None:
    # 0x1c to 0x3b of the DOS header are reserved and zero: twice the longest key
    zeros = data[0x1C:0x3C]
    for length in range(1, MOST_KEY + 1):
        if any(zeros[place] != zeros[place - length] for place in range(length, len(zeros))):
            continue
        key = bytes(zeros[(place - 0x1C) % length] for place in range(length))
        head = unmask(data[:_HEAD], key)
        if (
            any(key)
            and head[:2] == b"MZ"
            and head[(new := int.from_bytes(head[0x3C:0x40], "little")) : new + 4] == b"PE\0\0"
        ):
            return Hidden(0, unmask(data, key), key)
    return None


def _elf_under_key(data: bytes) -> Hidden | None:
    # 8 to 15 of the identification are zero: keys of up to eight bytes
    zeros = data[8:16]
    for length in (1, 2, 4, 8):
        key = bytes(zeros[(place - 8) % length] for place in range(length))
        head = unmask(data[:64], key)
        if any(key) and head[:4] == b"\x7fELF" and head[4] in {1, 2} and head[5] in {1, 2} and not any(head[8:16]):
            return Hidden(0, unmask(data, key), key)
    return None


def unmask(data: bytes, key: bytes) -> bytes:
    """The bytes combined with a key that repeats."""
    if len(key) == 1:
        return data.translate(bytes(byte ^ key[0] for byte in range(256)))
    return _combined(data, (key * (len(data) // len(key) + 1))[: len(data)])


def _combined(a: bytes, b: bytes) -> bytes:
    return (int.from_bytes(a, "little") ^ int.from_bytes(b, "little")).to_bytes(len(a), "little")
