import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazaretto.sandbox.picture import MOST_PIXELS, png_of_bgrx


def read_png(data: bytes) -> tuple[int, int, list[bytes]]:
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, size = 8, b"", (0, 0)
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(name + body)
        if name == b"IHDR":
            size = struct.unpack_from(">II", body)
        if name == b"IDAT":
            packed += body
        at += 12 + length
    rows = zlib.decompress(packed)
    pitch = 1 + 3 * size[0]
    return size[0], size[1], [rows[n * pitch : (n + 1) * pitch] for n in range(size[1])]


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_every_pixel_keeps_its_colours(width: int, height: int, data: st.DataObject) -> None:
    pixels = data.draw(st.binary(min_size=width * height * 4, max_size=width * height * 4))
    found_width, found_height, rows = read_png(png_of_bgrx(pixels, width, height))
    assert (found_width, found_height) == (width, height)
    for y, row in enumerate(rows):
        assert row[0] == 0
        for x in range(width):
            blue, green, red = pixels[4 * (y * width + x) : 4 * (y * width + x) + 3]
            assert tuple(row[1 + 3 * x : 4 + 3 * x]) == (red, green, blue)


@pytest.mark.parametrize(
    ("size", "width", "height"),
    [(0, 0, 0), (4, 1, 2), (8, 1, 1), (4, -1, -1), (4, 1, 0), (0, MOST_PIXELS, 2)],
)
def test_sizes_that_do_not_belong_together_are_refused(size: int, width: int, height: int) -> None:
    with pytest.raises(ValueError, match="pixels"):
        png_of_bgrx(bytes(size), width, height)
