"""Metadata of .NET assemblies: ECMA-335, partition II, chapters 22 (tables), 24 (layout), 25.3.3 (header).

Reads a table's rows as numbers when they are asked for, at most MOST_ROWS of each. Wrong numbers give rows that are not
there, never an exception.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lazaretto.analysis.programs.numbers import text_until_zero, u16, u32, u64
from lazaretto.analysis.programs.pelayout import MANAGED, Layout

MOST_ROWS = 60_000
MOST_TEXTS = 60_000
MOST_TEXT = 4 << 20  # characters

MODULE, TYPE_REF, TYPE_DEF, METHOD_DEF, MEMBER_REF, MODULE_REF, IMPL_MAP = 0x00, 0x01, 0x02, 0x06, 0x0A, 0x1A, 0x1C
ASSEMBLY, ASSEMBLY_REF, RESOURCE = 0x20, 0x23, 0x28

# Coded indices: bits of the tag, tables by tag.
_CODED: Mapping[str, tuple[int, tuple[int, ...]]] = {
    "type": (2, (0x02, 0x01, 0x1B)),
    "constant": (2, (0x04, 0x08, 0x17)),
    "attribute": (5, (0x06, 0x04, 0x01, 0x02, 0x08, 0x09, 0x0A, 0x00, 0x0E, 0x17, 0x14, 0x11, 0x1A, 0x1B, 0x20, 0x23,
                      0x26, 0x27, 0x28, 0x2A, 0x2C, 0x2B)),
    "marshal": (1, (0x04, 0x08)),
    "security": (2, (0x02, 0x06, 0x20)),
    "parent": (3, (0x02, 0x01, 0x1A, 0x06, 0x1B)),
    "semantics": (1, (0x14, 0x17)),
    "method": (1, (0x06, 0x0A)),
    "forwarded": (1, (0x04, 0x06)),
    "implementation": (2, (0x26, 0x23, 0x27)),
    "constructor": (3, (0x06, 0x0A)),
    "scope": (2, (0x00, 0x1A, 0x23, 0x01)),
    "owner": (1, (0x02, 0x06)),
}  # fmt: skip

# Columns of each table: 2 and 4 are numbers of that many bytes, S, G, B go into heaps (strings, GUIDs, blobs), tNN is a
# row of table NN, other words are coded indices.
_TABLES: Mapping[int, str] = {
    0x00: "2 S G G G", 0x01: "scope S S", 0x02: "4 S S type t04 t06", 0x03: "t04", 0x04: "2 S B", 0x05: "t06",
    0x06: "4 2 2 S B t08", 0x07: "t08", 0x08: "2 2 S", 0x09: "t02 type", 0x0A: "parent S B", 0x0B: "2 constant B",
    0x0C: "attribute constructor B", 0x0D: "marshal B", 0x0E: "2 security B", 0x0F: "2 4 t02", 0x10: "4 t04",
    0x11: "B", 0x12: "t02 t14", 0x13: "t14", 0x14: "2 S type", 0x15: "t02 t17", 0x16: "t17", 0x17: "2 S B",
    0x18: "2 t06 semantics", 0x19: "t02 method method", 0x1A: "S", 0x1B: "B", 0x1C: "2 forwarded S t1a",
    0x1D: "4 t04", 0x1E: "4 4", 0x1F: "4", 0x20: "4 2 2 2 2 4 B S S", 0x21: "4", 0x22: "4 4 4",
    0x23: "2 2 2 2 4 B S S B", 0x24: "4 t23", 0x25: "4 4 4 t23", 0x26: "4 S B", 0x27: "4 4 S S implementation",
    0x28: "4 4 S implementation", 0x29: "t02 t02", 0x2A: "2 2 owner S", 0x2B: "method B", 0x2C: "t2a type",
}  # fmt: skip


@dataclass(frozen=True)
class Metadata:
    """Tables and heaps of one assembly. `resources` are offset and size of the embedded ones in the file."""

    data: bytes
    version: str
    flags: int
    resources: tuple[int, int]
    streams: Mapping[str, bytes]
    rows_of: Mapping[int, int]
    _places: Mapping[int, tuple[int, tuple[int, ...]]] = field(repr=False)

    def rows(self, table: int) -> Iterator[tuple[int, ...]]:
        """The table's rows, each its columns."""
        start, widths = self._places.get(table, (0, ()))
        step, tables = sum(widths), self.streams.get("#~", b"")
        for number in range(min(self.rows_of.get(table, 0), MOST_ROWS)):
            at = start + number * step
            if at + step > len(tables):
                return
            row = []
            for width in widths:
                row.append(u16(tables, at) if width == 2 else u32(tables, at))
                at += width
            yield tuple(row)

    def row(self, table: int, number: int) -> tuple[int, ...]:
        """One row by its number (from 1); empty if it is not there."""
        start, widths = self._places.get(table, (0, ()))
        at, tables = start + (number - 1) * sum(widths), self.streams.get("#~", b"")
        if not 1 <= number <= self.rows_of.get(table, 0) or at + sum(widths) > len(tables):
            return ()
        row = []
        for width in widths:
            row.append(u16(tables, at) if width == 2 else u32(tables, at))
            at += width
        return tuple(row)

    def string(self, at: int) -> str:
        """A name of the heap of strings."""
        raw = text_until_zero(self.streams.get("#Strings", b""), at, 1_024)
        return raw.encode("latin-1").decode("utf-8", "replace")

    def blob(self, at: int) -> bytes:
        heap = self.streams.get("#Blob", b"")
        size, start = _length(heap, at)
        return heap[start : start + size]

    def texts(self) -> Iterator[str]:
        """The literals that its code uses."""
        heap = self.streams.get("#US", b"")
        at = 1
        for _ in range(MOST_TEXTS):
            if at >= len(heap):
                return
            size, start = _length(heap, at)
            if size > 1:
                yield heap[start : start + min(size - 1, 2 * MOST_TEXT)].decode("utf-16-le", "replace")
            at = start + size


def metadata(data: bytes, layout: Layout) -> Metadata | None:
    """The metadata of an assembly; None where they cannot be found."""
    header = layout.offset(layout.directory(MANAGED)[0])
    if header is None:
        return None
    root = layout.offset(u32(data, header + 8))
    if root is None or u32(data, root) != 0x424A5342:
        return None
    length = min(u32(data, root + 12), 256)
    streams = dict(_streams(data, root, root + 16 + length))
    tables = streams.get("#~") or streams.get("#-")
    if tables is None:
        return None
    streams["#~"] = tables
    counts, places = _tables(tables)
    kept = layout.offset(u32(data, header + 24)) or 0
    return Metadata(
        data=data,
        version=text_until_zero(data, root + 16, length),
        flags=u32(data, header + 16),
        resources=(kept, u32(data, header + 28)),
        streams=streams,
        rows_of=counts,
        _places=places,
    )


def _streams(data: bytes, root: int, at: int) -> Iterator[tuple[str, bytes]]:
    count = u16(data, at + 2)
    at += 4
    seen: set[str] = set()
    for _ in range(min(count, 16)):
        offset, size = u32(data, at), u32(data, at + 4)
        name = text_until_zero(data, at + 8, 32)
        if name and name not in seen:  # some protections add heaps of the same name; the first one counts
            seen.add(name)
            yield name, data[root + offset : root + offset + size]
        at += 8 + (len(name) // 4 + 1) * 4


def _tables(tables: bytes) -> tuple[dict[int, int], dict[int, tuple[int, tuple[int, ...]]]]:
    """Rows of each table, and where it begins with the widths of its columns."""
    heaps = tables[6] if len(tables) > 6 else 0
    valid = u64(tables, 8)
    at = 24
    counts: dict[int, int] = {}
    for number in range(64):
        if valid >> number & 1:
            counts[number] = u32(tables, at)
            at += 4
    at += 4 if heaps & 0x40 else 0
    places: dict[int, tuple[int, tuple[int, ...]]] = {}
    for number in sorted(counts):
        if number not in _TABLES:
            break
        widths = tuple(_width(column, heaps, counts) for column in _TABLES[number].split())
        places[number] = (at, widths)
        at += sum(widths) * counts[number]
    return counts, places


def _width(column: str, heaps: int, counts: Mapping[int, int]) -> int:
    if column in {"2", "4"}:
        return int(column)
    if column in {"S", "G", "B"}:
        return 4 if heaps >> "SGB".index(column) & 1 else 2
    if column in _CODED:
        bits, tables = _CODED[column]
        return 4 if max(counts.get(table, 0) for table in tables) >= 1 << (16 - bits) else 2
    return 4 if counts.get(int(column[1:], 16), 0) >= 1 << 16 else 2


def _length(heap: bytes, at: int) -> tuple[int, int]:
    """A compressed length and where what it counts begins (II.23.2)."""
    if not 0 <= at < len(heap):
        return 0, len(heap)
    first = heap[at]
    if first < 0x80:
        return first, at + 1
    if first < 0xC0:
        return (first & 0x3F) << 8 | u16(heap, at, ">") & 0xFF, at + 2
    return u32(heap, at, ">") & 0x1FFFFFFF, at + 4
