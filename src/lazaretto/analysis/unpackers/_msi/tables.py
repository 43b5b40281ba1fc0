"""The tables of an installer's database, read from its streams. Layout as in Wine's `dlls/msi/table.c`, `string.c`."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lazaretto.analysis.charsets import known

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._"
_MOST_STRINGS, _MOST_ROWS, _MOST_COLUMNS = 200_000, 20_000, 4_096

Value = str | int
Row = dict[str, Value]


def plain_name(name: str) -> str:
    """A stream's name as the database means it; tables begin with `!`. Two letters are packed into one character."""
    found = []
    for character in name:
        code = ord(character)
        if 0x3800 <= code < 0x4800:
            found += [_ALPHABET[code - 0x3800 & 63], _ALPHABET[code - 0x3800 >> 6]]
        elif 0x4800 <= code < 0x4840:
            found.append(_ALPHABET[code - 0x4800])
        else:
            found.append("!" if code == 0x4840 else character)
    return "".join(found)


@dataclass(frozen=True)
class _Column:
    name: str
    kind: int

    @property
    def is_text(self) -> bool:
        return bool(self.kind & 0x0800) and (self.kind & 0x0FFF) != 0x0900

    def width(self, reference: int) -> int:
        """Bytes; `reference` is the width of a reference to a text."""
        if self.kind & 0x0800:
            return reference if self.is_text else 2  # a stream is only marked as there
        return 2 if self.kind & 0xFF <= 2 else 4


_COLUMNS = (_Column("Table", 0x0D40), _Column("Number", 0x0502), _Column("Name", 0x0D40), _Column("Type", 0x0502))


class Database:
    """`stream` gives the content of the table's stream of that name, empty if there is none."""

    def __init__(self, stream: Callable[[str], bytes]) -> None:
        self._stream = stream
        pool = stream("!_StringPool")
        self._wide = len(pool) >= 4 and bool(pool[3] & 0x80)
        page = struct.unpack_from("<H", pool)[0] if len(pool) >= 2 else 0
        self._texts = list(_texts(pool, stream("!_StringData"), _encoding(page)))
        self._tables: dict[str, list[_Column]] = {}
        for row in self._rows("!_Columns", _COLUMNS):
            columns = self._tables.setdefault(str(row["Table"]), [])
            if len(columns) < _MOST_COLUMNS:
                columns.append(_Column(str(row["Name"]), int(row["Type"])))

    def rows(self, table: str) -> Iterator[Row]:
        """The rows of a table; none where it is not there."""
        columns = self._tables.get(table)
        if columns:
            yield from self._rows(f"!{table}", columns)

    def _rows(self, stream: str, columns: list[_Column] | tuple[_Column, ...]) -> Iterator[Row]:
        """A table is kept column by column."""
        data = self._stream(stream)
        reference = 3 if self._wide else 2
        widths = [column.width(reference) for column in columns]
        count = len(data) // sum(widths)
        starts = [count * sum(widths[:place]) for place in range(len(widths))]
        for number in range(min(count, _MOST_ROWS)):
            yield {
                column.name: self._value(column, data[start + number * width : start + (number + 1) * width])
                for column, start, width in zip(columns, starts, widths, strict=True)
            }

    def _value(self, column: _Column, raw: bytes) -> Value:
        number = int.from_bytes(raw, "little")
        if column.is_text:
            return self._texts[number] if number < len(self._texts) else ""
        if column.kind & 0x0800 or not number:
            return number
        return number - (1 << 8 * len(raw) - 1)  # kept so that zero is free to mean nothing


def _texts(pool: bytes, data: bytes, encoding: str) -> Iterator[str]:
    """All texts by their number; number 0 is the empty one."""
    yield ""
    at, place = 4, 0
    for _ in range(_MOST_STRINGS):
        if at + 4 > len(pool):
            return
        length, uses = struct.unpack_from("<HH", pool, at)
        at += 4
        if not length and uses and at + 4 <= len(pool):  # a long one: the length is in the next entry
            length = struct.unpack_from("<I", pool, at)[0]
            at += 4
        yield data[place : place + length].decode(encoding, "replace")
        place += length


def _encoding(page: int) -> str:
    return known({0: "latin-1", 65001: "utf-8"}.get(page, f"cp{page}"), "latin-1")
