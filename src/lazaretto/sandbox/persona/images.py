"""Pictures as bytes: PNG charts, and JPEG "photographs" that are composed in the frequency domain.

A JPEG here has, for each 8x8 block, only the mean and the two lowest waves. That is what a soft landscape looks like,
it needs no cosine transform, and every reader of baseline JPEG (ITU-T T.81) opens it.
"""

from __future__ import annotations

import math
import random
import struct
import zlib

# Symbols of the table for the waves; codes of both tables all have one length, in the order of the symbols.
_AC_SYMBOLS = [0x00, *(run << 4 | size for run in (0, 1) for size in range(1, 11))]  # end of block, (run, size)


def png(width: int, height: int, rng: random.Random) -> bytes:
    """A bar chart of random figures as an 8-bit palette PNG."""
    count = rng.randrange(6, 14)
    tops = [rng.randrange(height // 8, height - 20) for _ in range(count)]
    slot = width // count
    rows = []
    for y in range(height):
        row = bytearray(width + 1)  # the filter byte 0, then the pixels
        for index, top in enumerate(tops):
            if y > top and y < height - 10:
                left = 1 + index * slot + slot // 5
                row[left : left + slot * 3 // 5] = bytes([1 + index % 3]) * (slot * 3 // 5)
        if y == height - 10:
            row[1:] = bytes([4]) * width
        rows.append(bytes(row))
    palette = bytes([255, 255, 255, *rng.randbytes(9), 40, 40, 40])
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"PLTE", palette), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def jpeg(width: int, height: int, rng: random.Random, taken: str) -> bytes:
    """A landscape of sky, hills and a sun; `taken` ("2024:06:01 10:11:12") goes into a comment, as scanners do."""
    across, down = (width + 7) // 8, (height + 7) // 8
    pixels = _landscape(across, down, rng)
    bits = _Bits()
    before = [0, 0, 0]
    for y in range(down):
        for x in range(across):
            for part in range(3):
                mean = pixels[y][x][part]
                right = pixels[y][min(x + 1, across - 1)][part] - mean
                below = pixels[min(y + 1, down - 1)][x][part] - mean
                _block(bits, round(mean) - before[part], -round(right * 0.35), -round(below * 0.35))
                before[part] = round(mean)
    quantum = b"\x00" + bytes([8, 8, 8] + [16] * 61)
    frame = struct.pack(">BHHB", 8, down * 8, across * 8, 3) + b"".join(bytes([n, 0x11, 0]) for n in (1, 2, 3))
    scan = b"\x03" + b"".join(bytes([n, 0x00]) for n in (1, 2, 3)) + b"\x00\x3f\x00"
    segments = [
        (0xE0, b"JFIF\x00\x01\x02\x00\x00\x48\x00\x48\x00\x00"),
        (0xFE, f"taken {taken}".encode()),
        (0xDB, quantum),
        (0xC0, frame),
        (0xC4, b"\x00" + _lengths(4, 12) + bytes(range(12))),
        (0xC4, b"\x10" + _lengths(5, len(_AC_SYMBOLS)) + bytes(_AC_SYMBOLS)),
        (0xDA, scan),
    ]
    head = b"\xff\xd8" + b"".join(
        bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data for marker, data in segments
    )
    return head + bits.finished() + b"\xff\xd9"


def _lengths(bits: int, count: int) -> bytes:
    return bytes(count if length == bits else 0 for length in range(1, 17))


def _landscape(across: int, down: int, rng: random.Random) -> list[list[tuple[float, float, float]]]:
    """The mean of each block as (luma, blue, red), already centred on 0."""
    horizon = [down * rng.uniform(0.35, 0.5), down * rng.uniform(0.55, 0.75)]
    waves = [(rng.uniform(2, 7), rng.uniform(0.03, 0.12), rng.uniform(0, 6)) for _ in range(2)]
    sun = (rng.uniform(0.15, 0.85) * across, rng.uniform(0.1, 0.25) * down, rng.uniform(2, 5))
    blue, green = rng.uniform(15, 45), rng.uniform(-40, -12)
    rows = []
    for y in range(down):
        row = []
        for x in range(across):
            hills = [horizon[i] + waves[i][0] * math.sin(x * waves[i][1] + waves[i][2]) for i in range(2)]
            if y > hills[1]:
                pixel = (-60 + rng.uniform(-6, 6), -10.0, green / 2)
            elif y > hills[0]:
                pixel = (-20 + rng.uniform(-4, 4), -8.0, green)
            else:
                pixel = (20 + 60 * y / down, blue * (1 - y / down), -10.0)
                if math.hypot(x - sun[0], y - sun[1]) < sun[2]:
                    pixel = (110.0, -50.0, 20.0)
            row.append(pixel)
        rows.append(row)
    return rows


def _block(bits: _Bits, mean: int, right: int, below: int) -> None:
    size = abs(mean).bit_length()
    bits.put(size, 4)
    bits.number(mean, size)
    run = 0
    for value in (right, below):  # the first two coefficients in zigzag order
        if value == 0:
            run += 1
            continue
        size = abs(value).bit_length()
        bits.put(_AC_SYMBOLS.index(run << 4 | size), 5)
        bits.number(value, size)
        run = 0
    bits.put(0, 5)


class _Bits:
    """The entropy-coded bytes: most significant bit first, 0xFF followed by 0x00."""

    def __init__(self) -> None:
        self._out = bytearray()
        self._held = 0
        self._count = 0

    def put(self, value: int, count: int) -> None:
        self._held = self._held << count | value
        self._count += count
        while self._count >= 8:
            self._count -= 8
            byte = self._held >> self._count & 0xFF
            self._held &= (1 << self._count) - 1
            self._out.append(byte)
            if byte == 0xFF:
                self._out.append(0)

    def number(self, value: int, size: int) -> None:
        """A value in T.81's form: negative ones as their one's complement."""
        if size:
            self.put(value if value > 0 else value + (1 << size) - 1, size)

    def finished(self) -> bytes:
        if self._count:
            self.put((1 << (8 - self._count)) - 1, 8 - self._count)
        return bytes(self._out)
