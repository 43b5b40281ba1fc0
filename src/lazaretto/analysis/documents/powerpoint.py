"""The binary PowerPoint format ([MS-PPT]), as far as it carries objects: they lie compressed in one stream."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

_OBJECT = 0x1011  # ExOleObjStg, VbaProjectStg
_MOST_RECORDS = 200_000
_MOST_OBJECT = 64 << 20


def objects(stream: bytes) -> Iterator[bytes]:
    """The compound files in a `PowerPoint Document` stream: embedded objects and the VBA project."""
    at = 0
    for _ in range(_MOST_RECORDS):
        if at + 8 > len(stream):
            return
        head, kind, length = struct.unpack_from("<HHI", stream, at)
        at += 8
        if head & 0x0F == 0x0F:  # a container: its records follow
            continue
        if kind == _OBJECT:
            body = stream[at : at + length]
            yield _inflated(body[4:]) if head >> 4 == 1 else body
        at += length


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _MOST_OBJECT)
    except zlib.error:
        return b""
