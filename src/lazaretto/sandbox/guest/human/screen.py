"""The memory of the display: Xvfb with -fbdir keeps it in a file in the format of X window dumps (XWDFile.h)."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

_STRIDE_X, _STRIDE_Y = 16, 12


class Screen:
    """A display whose pixels can be read at any time without asking the X server."""

    def __init__(self, path: str) -> None:
        with Path(path).open("rb") as file:
            self._memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        fields = struct.unpack(">25I", self._memory[:100])
        header, self.width, self.height, bits, self.pitch, colours = (fields[n] for n in (0, 4, 5, 11, 12, 19))
        if bits != 32:
            raise ValueError(f"{bits} bits a pixel")
        self._begin = header + colours * 12

    def row(self, y: int, left: int, right: int) -> bytes:
        """Pixels of one row."""
        start = self._begin + y * self.pitch
        return self._memory[start + 4 * left : start + 4 * right]

    def sample(self) -> bytes:
        """One byte (green) of every few pixels, to see whether the screen changed."""
        step = 4 * _STRIDE_X
        return b"".join(
            self._memory[start + 1 : start + 4 * self.width : step]
            for start in range(self._begin, self._begin + self.height * self.pitch, self.pitch * _STRIDE_Y)
        )

    def pixels(self) -> bytes:
        """The whole picture, rows without gaps."""
        width = 4 * self.width
        if width == self.pitch:
            return self._memory[self._begin : self._begin + self.pitch * self.height]
        starts = range(self._begin, self._begin + self.height * self.pitch, self.pitch)
        return b"".join(self._memory[start : start + width] for start in starts)
