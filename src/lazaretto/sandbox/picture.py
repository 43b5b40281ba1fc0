"""Screens of guests as PNG files.

The guest sends what its display's memory holds; everything about it is hostile, so sizes are checked before use.
"""

from __future__ import annotations

import struct
import zlib

MOST_PIXELS = 4096 * 2304
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_of_bgrx(pixels: bytes, width: int, height: int) -> bytes:
    """A PNG (8-bit RGB) of `width` x `height` pixels of four bytes each: blue, green, red, unused; rows without gaps.

    Raises `ValueError` when the sizes do not belong together or the picture is larger than any display of ours.
    """
    if not (width > 0 and height > 0 and width * height <= MOST_PIXELS):
        raise ValueError(f"a screen of {width} x {height} pixels is not one of ours")
    if len(pixels) != width * height * 4:
        raise ValueError(f"{len(pixels)} bytes are not {width} x {height} pixels of four bytes")
    packed = bytearray(width * height * 3)
    packed[0::3], packed[1::3], packed[2::3] = pixels[2::4], pixels[1::4], pixels[0::4]
    row = width * 3
    rows = b"".join(b"\0" + packed[start : start + row] for start in range(0, len(packed), row))  # 0: no filter
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
