"""ADC, the oldest packing of Apple's disk images: literals, and repetitions with two or three bytes of head."""

from __future__ import annotations


def unpacked(packed: bytes, size: int) -> bytes:
    """At most `size` bytes. Raises `ValueError`, and `IndexError` where it ends within a head."""
    out, at = bytearray(), 0
    while at < len(packed) and len(out) < size:
        head = packed[at]
        if head & 0x80:
            count = (head & 0x7F) + 1
            out += packed[at + 1 : at + 1 + count]
            at += 1 + count
            continue
        if head & 0x40:
            count, distance = (head & 0x3F) + 4, (packed[at + 1] << 8 | packed[at + 2]) + 1
            at += 3
        else:
            count, distance = (head >> 2 & 0x0F) + 3, ((head & 3) << 8 | packed[at + 1]) + 1
            at += 2
        start = len(out) - distance
        if start < 0:
            raise ValueError("it points before its own begin")
        piece = out[start : start + count]
        out += (piece * (count // len(piece) + 1))[:count]
    return bytes(out[:size])
