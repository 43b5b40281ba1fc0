"""PE files as they lie in memory: every section at its address instead of its place in the file."""

from __future__ import annotations

import struct

from lazaretto.analysis.programs.numbers import u16
from lazaretto.analysis.programs.pelayout import Layout


def is_mapped(data: bytes, found: Layout) -> bool:
    """Whether the bytes lie as in memory: between the headers and the first address is nothing, though by the headers
    the first section would be there, and at the address there is something."""
    sections = [one for one in found.sections if one.span]
    if not sections:
        return False
    first = sections[0]
    moved = [one for one in sections if one.size and one.offset != one.address]
    if not moved or first.address <= found.headers or first.address >= len(data):
        return False
    empty = not data[found.headers : min(first.address, len(data))].strip(b"\0")
    filled = any(data[one.address : one.address + 512].strip(b"\0") for one in sections)
    in_file = [one for one in moved if one.offset < first.address]
    return empty and filled and bool(in_file)


def as_file(data: bytes, found: Layout) -> bytes:
    """The same with a table of sections that says where they are."""
    out = bytearray(data)
    table = found.lfanew + 24 + u16(data, found.lfanew + 20)
    for number, section in enumerate(found.sections):
        at = table + 40 * number
        if at + 40 > len(out):
            break
        there = max(0, min(section.span, len(data) - section.address))
        struct.pack_into("<II", out, at + 16, there, section.address if there else 0)
    # signatures are not loaded, so what the directory says of them is not there
    certificates = found.lfanew + 24 + (112 if found.wide else 96) + 8 * 4
    if certificates + 8 <= min(table, len(out)):
        struct.pack_into("<II", out, certificates, 0, 0)
    return bytes(out)
