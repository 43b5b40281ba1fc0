"""Tables for canonical Huffman codes, which LZX and XPRESS share.

A table has one entry for each value of the next `width` bits: `symbol << 5 | bits of its code`.
"""

from __future__ import annotations

from collections.abc import Sequence


class Broken(Exception):
    """The packed bytes make no sense, or end too early; `data` is what came before."""

    def __init__(self, why: str, data: bytes = b"") -> None:
        super().__init__(why)
        self.data = data


def table(lengths: Sequence[int]) -> tuple[list[int], int]:
    """The table and its width; `lengths` has the bits of each symbol's code, 0 (no code) to 16.

    A code that is not used up is filled with entries that give no symbol (of 31 bits), as nobody may send them.
    """
    width = max(lengths, default=0)
    if not width:
        return [31], 0
    found: list[int] = []
    ordered: dict[int, list[int]] = {}
    for symbol, length in enumerate(lengths):
        if length:
            ordered.setdefault(length, []).append(symbol)
    for length in sorted(ordered):
        times = 1 << width - length
        for symbol in ordered[length]:
            found += [symbol << 5 | length] * times
    if len(found) > 1 << width:
        raise Broken("a code of more symbols than it has room for")
    return found + [31] * ((1 << width) - len(found)), width
