"""The layout of a PE file: headers, sections, where it ends. Microsoft, "PE Format".

Reads what Windows' loader would, however broken the rest is; nothing here raises on hostile bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from lazaretto.analysis.programs.numbers import u16, u32, u64

MOST_SECTIONS = 96  # Windows' loader refuses more

CODE, EXECUTE, READ, WRITE, DISCARDABLE = 0x20, 0x20000000, 0x40000000, 0x80000000, 0x02000000
EXPORTS, IMPORTS, RESOURCES, CERTIFICATES, DEBUG, TLS, MANAGED = 0, 1, 2, 4, 6, 9, 14


@dataclass(frozen=True)
class Section:
    """Offsets and sizes in bytes; `address` is relative to the image's base."""

    name: str
    address: int
    virtual: int
    offset: int
    size: int
    flags: int

    @property
    def span(self) -> int:
        """Bytes that it takes in memory."""
        return max(self.virtual, self.size)


@dataclass(frozen=True)
class Layout:
    """A PE file that begins at the first byte."""

    machine: int
    wide: bool
    entry: int
    base: int
    stamp: int
    subsystem: int
    flags: int
    image_size: int
    headers: int
    alignment: int
    lfanew: int
    symbols: int  # where the table of symbols and its strings end, if it has one, else 0
    directories: tuple[tuple[int, int], ...]
    sections: tuple[Section, ...]

    @property
    def is_library(self) -> bool:
        return bool(self.flags & 0x2000)

    def directory(self, number: int) -> tuple[int, int]:
        """Address (for certificates: offset in the file) and size; zeros where there is none."""
        return self.directories[number] if number < len(self.directories) else (0, 0)

    def section_of(self, address: int) -> Section | None:
        return next((one for one in self.sections if one.address <= address < one.address + one.span), None)

    def offset(self, address: int) -> int | None:
        """Where in the file the byte at this relative address is; None where it is not in the file."""
        section = self.section_of(address)
        if section is None:
            return address if address < self.headers else None
        inside = address - section.address
        return section.offset + inside if inside < section.size else None

    def end(self, size: int) -> int:
        """Where the image and its symbols end in a file of `size` bytes: what lies behind is nobody's."""
        ends = [min(one.offset + one.size, size) for one in self.sections if one.size and one.offset < size]
        ends += [self.symbols] if self.symbols <= size else []
        return max([min(self.headers, size), *ends])

    def certificates(self, size: int) -> tuple[int, int]:
        """Offset and size of the table of signatures, as far as it lies in the file."""
        at, length = self.directory(CERTIFICATES)
        return (at, min(length, size - at)) if 0 < at < size and length else (0, 0)


def layout(data: bytes, at: int = 0) -> Layout | None:
    """The layout of the PE file that begins at `at`; None if none does."""
    if data[at : at + 2] != b"MZ" or at + 0x40 > len(data):
        return None
    lfanew = u32(data, at + 0x3C)
    new = at + lfanew
    if lfanew > 0x10000 or data[new : new + 4] != b"PE\0\0" or new + 0x58 > len(data):
        return None
    optional = new + 24
    wide = u16(data, optional) == 0x20B
    first = optional + (112 if wide else 96)
    number = min(u32(data, first - 4), 16)
    return Layout(
        machine=u16(data, new + 4),
        wide=wide,
        entry=u32(data, optional + 16),
        base=u64(data, optional + 24) if wide else u32(data, optional + 28),
        stamp=u32(data, new + 8),
        subsystem=u16(data, optional + 68),
        flags=u16(data, new + 22),
        image_size=u32(data, optional + 56),
        headers=u32(data, optional + 60),
        alignment=max(u32(data, optional + 32), 1),
        lfanew=lfanew,
        symbols=_symbols_end(data, at, u32(data, new + 12), u32(data, new + 16)),
        directories=tuple((u32(data, first + 8 * one), u32(data, first + 8 * one + 4)) for one in range(number)),
        sections=tuple(_sections(data, optional + u16(data, new + 20), u16(data, new + 6))),
    )


def _symbols_end(data: bytes, base: int, start: int, count: int) -> int:
    """COFF symbols are 18 bytes each; behind them a table of strings that begins with its size."""
    strings = start + 18 * count
    if not start or not count or base + strings + 4 > len(data):
        return 0
    return strings + max(u32(data, base + strings), 4)


def _sections(data: bytes, table: int, count: int) -> list[Section]:
    found = []
    for number in range(min(count, MOST_SECTIONS)):
        at = table + 40 * number
        if at + 40 > len(data):
            break
        # the loader rounds offsets down to 512
        offset = u32(data, at + 20) & ~0x1FF
        found.append(
            Section(
                name=data[at : at + 8].rstrip(b"\0").decode("latin-1"),
                address=u32(data, at + 12),
                virtual=u32(data, at + 8),
                offset=offset,
                size=u32(data, at + 16) if offset or u32(data, at + 20) else 0,
                flags=u32(data, at + 36),
            )
        )
    return found


def extent(data: bytes, at: int) -> int:
    """How many bytes from `at` belong to the PE file that begins there, its signatures too; 0 if none does.

    For files inside other files: a file that says it is longer than what is left is not one.
    """
    found = layout(data, at)
    if found is None or not found.sections:
        return 0
    left = len(data) - at
    if any(one.offset + one.size > left for one in found.sections if one.size):
        return 0
    end = found.end(left)
    where, length = found.directory(CERTIFICATES)
    return where + length if end <= where <= end + 16 and where + length <= left else end
