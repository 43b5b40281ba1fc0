"""Cutting an archive out of a file that begins with something else.

ZIP archives count their offsets from the begin of the file or from their own, as the tool that joined them liked
(PKWARE, APPNOTE.TXT, 4.3.12 and 4.3.16). Cut out, all are made to count from the archive's begin.
"""

from __future__ import annotations

import struct

from lazaretto.analysis.programs.installers import ZIP_END
from lazaretto.analysis.programs.numbers import u16, u32

_ENTRY = b"PK\x01\x02"
_LONGEST_COMMENT = 0xFFFF + 22


def zip_at(data: bytes, start: int, end: int) -> tuple[int, bytes] | None:
    """Where the ZIP archive begins that ends at `end` or shortly before, not before `start`; and its bytes."""
    last = data.rfind(ZIP_END, max(start, end - _LONGEST_COMMENT), end)
    if last < 0 or last + 22 > end:
        return None
    size, offset = u32(data, last + 12), u32(data, last + 16)
    directory = last - size
    if directory < start or data[directory : directory + 4] != _ENTRY:
        return None
    # offsets that count from the file's begin are right as they are
    prefix = directory - offset
    begin = prefix if prefix > 0 else _first_local(data, directory, last)
    if begin < start or data[begin : begin + 2] != b"PK":
        return None
    finish = min(end, last + 22 + u16(data, last + 20))
    return begin, _counted_from(data[begin:finish], begin if prefix <= 0 else 0, directory - begin, last - begin)


def _first_local(data: bytes, directory: int, last: int) -> int:
    return min((u32(data, at + 42) for at in _entries(data, directory, last)), default=-1)


def _entries(data: bytes, at: int, last: int) -> list[int]:
    found: list[int] = []
    while at + 46 <= last and data[at : at + 4] == _ENTRY and len(found) < 0xFFFF:
        found.append(at)
        at += 46 + u16(data, at + 28) + u16(data, at + 30) + u16(data, at + 32)
    return found


def _counted_from(archive: bytes, less: int, directory: int, last: int) -> bytes:
    if not less:
        return archive
    changed = bytearray(archive)
    for at in _entries(archive, directory, last):
        struct.pack_into("<I", changed, at + 42, max(0, u32(archive, at + 42) - less))
    struct.pack_into("<I", changed, last + 16, max(0, u32(archive, last + 16) - less))
    return bytes(changed)
