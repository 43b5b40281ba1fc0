"""Linux programs written byte by byte, for tests of what looks at them. They do nothing."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

READ, WRITE, EXECUTE = 4, 2, 1
LOAD, INTERPRETER = 1, 3
_HEADER, _ROW = 64, 56


@dataclass(frozen=True)
class Segment:
    """A segment that follows the others in the file. `kind` 1 is loaded, 3 names the loader."""

    content: bytes
    flags: int = READ | EXECUTE
    kind: int = LOAD


def elf(
    segments: Sequence[Segment] = (Segment(b"\x31\xc0\xc3".ljust(64, b"\x90")),),
    *,
    entry: int | None = None,
    machine: int = 62,
    sections: bool = True,
    kind: int = 2,
    overlay: bytes = b"",
) -> bytes:
    """A 64-bit little endian ELF file, loaded at 0x400000; the entry is the begin of the first segment's content
    unless it is said. The table of sections has one empty entry and names nothing."""
    base, at = 0x400000, _HEADER + _ROW * len(segments)
    rows, body = b"", b""
    first = 0
    for segment in segments:
        place = at + len(body)
        first = first or base + place
        rows += struct.pack("<IIQQQQQQ", segment.kind, segment.flags, place, base + place, base + place,
                            len(segment.content), len(segment.content), 1)  # fmt: skip
        body += segment.content
    end = at + len(body)
    table = bytes(64) if sections else b""
    head = b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", kind, machine, 1, first if entry is None else entry, _HEADER, end if sections else 0, 0,
        _HEADER, _ROW, len(segments), 64 if sections else 0, 1 if sections else 0, 0,
    )  # fmt: skip
    return head + rows + body + table + overlay
