"""The Rich header: which of Microsoft's tools made the parts of a program, under a key that is also a checksum.

It is not documented by its maker; the layout here is the one that its readers agree on: `DanS`, three empty words and
pairs of (tool, count), all combined with the key, then `Rich` and the key in the clear, between the DOS stub and `PE`.
"""

from __future__ import annotations

from dataclasses import dataclass

from lazaretto.analysis.programs.numbers import u32

_BEGIN = 0x536E6144  # DanS


@dataclass(frozen=True)
class Rich:
    """`plain` are the words without the key; `right`: the key is the checksum of what it stands for."""

    plain: bytes
    right: bool


def rich_header(data: bytes, lfanew: int) -> Rich | None:
    """The Rich header of a PE file; None if it has none."""
    end = data.rfind(b"Rich", 0x40, min(lfanew, 0x1000))
    if end < 0 or end % 4:
        return None
    key = u32(data, end + 4)
    begin = next((at for at in range(end - 4, 0x3F, -4) if u32(data, at) ^ key == _BEGIN), 0)
    if not begin:
        return None
    words = [u32(data, at) ^ key for at in range(begin, end, 4)]
    plain = b"".join(word.to_bytes(4, "little") for word in words)
    return Rich(plain, _checksum(data, begin, words[4:]) == key)


def _checksum(data: bytes, begin: int, words: list[int]) -> int:
    """The offset, plus each byte before (but e_lfanew) turned by its place, plus each tool turned by its count."""
    total = begin
    for place in range(begin):
        if not 0x3C <= place < 0x40:
            total += _turned(data[place], place)
    for tool, count in zip(words[::2], words[1::2], strict=False):
        total += _turned(tool, count)
    return total & 0xFFFFFFFF


def _turned(value: int, by: int) -> int:
    by &= 31
    return (value << by | value >> (32 - by)) & 0xFFFFFFFF
