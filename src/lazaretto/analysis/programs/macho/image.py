"""A Mach-O program, and the programs of a universal file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lazaretto.analysis.engine import Member
from lazaretto.analysis.programs.numbers import u32, u64
from lazaretto.analysis.programs.parsed import text

MOST_SLICES, MOST_SYMBOLS, MOST_PARTS = 16, 50_000, 512
_FAT, _FAT_64 = 0xCAFEBABE, 0xCAFEBABF
_PROCESSORS = {7: "i386", 0x01000007: "x86-64", 12: "arm", 0x0100000C: "arm64", 0x0200000C: "arm64_32", 18: "ppc",
               0x01000012: "ppc64"}  # fmt: skip


@dataclass(frozen=True)
class MachO:
    """`parsed` is LIEF's binary."""

    data: bytes
    parsed: Any

    @property
    def imports(self) -> frozenset[str]:
        return frozenset(text(one, "name") for one in _some(self.parsed.imported_symbols, MOST_SYMBOLS))

    @property
    def libraries(self) -> tuple[str, ...]:
        return tuple(text(one, "name") for one in _some(self.parsed.libraries, MOST_PARTS))

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(text(one, "path") for one in _some(self.parsed.rpaths, MOST_PARTS))


def macho_of(data: bytes) -> MachO | None:
    """The program; None where LIEF cannot read it."""
    import lief  # noqa: PLC0415  only in the cage

    fat = lief.MachO.parse(data, lief.MachO.ParserConfig.quick)
    if fat is None or not fat.size:
        return None
    return MachO(data, fat.at(0))


def slices(data: bytes) -> list[Member]:
    """The programs of a universal file; none if it is not one. Its numbers are big endian."""
    magic = u32(data, 0, ">")
    if magic not in {_FAT, _FAT_64}:
        return []
    found = []
    step = 32 if magic == _FAT_64 else 20
    for number in range(min(u32(data, 4, ">"), MOST_SLICES)):
        at = 8 + step * number
        processor = u32(data, at, ">")
        if magic == _FAT_64:
            offset, size = u64(data, at + 8, ">"), u64(data, at + 16, ">")
        else:
            offset, size = u32(data, at + 8, ">"), u32(data, at + 12, ">")
        name = _PROCESSORS.get(processor & 0xFFFFFFFF, f"processor {processor}")
        if offset < 8 + step or offset + size > len(data) or not size:
            found.append(Member(name=name, closed="damaged: it lies beyond the end of the file"))
        else:
            found.append(Member(name=name, data=data[offset : offset + size]))
    return found


def _some(values: Iterable[Any], most: int) -> list[Any]:
    return [value for value, _ in zip(values, range(most), strict=False)]
