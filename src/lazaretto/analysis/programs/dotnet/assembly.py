"""An assembly in the words of its language: names, calls to other libraries, resources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from lazaretto.analysis.programs.dotnet import metadata as tables
from lazaretto.analysis.programs.dotnet.metadata import Metadata
from lazaretto.analysis.programs.numbers import u32

MOST_RESOURCES = 2_000
_PARENT_TYPE_REF = 1


@dataclass(frozen=True)
class Call:
    """A member of another assembly that the code uses. `signature` is its blob (II.23.2.1)."""

    type: str
    name: str
    signature: bytes


@dataclass(frozen=True)
class Assembly:
    meta: Metadata

    @property
    def name(self) -> str:
        row = self.meta.row(tables.ASSEMBLY, 1)
        return self.meta.string(row[7]) if row else ""

    @property
    def version(self) -> str:
        row = self.meta.row(tables.ASSEMBLY, 1)
        return ".".join(str(part) for part in row[1:5])

    @property
    def module_id(self) -> str:
        row, heap = self.meta.row(tables.MODULE, 1), self.meta.streams.get("#GUID", b"")
        return heap[(row[2] - 1) * 16 : row[2] * 16].hex() if row and row[2] else ""

    @cached_property
    def references(self) -> tuple[str, ...]:
        return tuple(self.meta.string(row[6]) for row in self.meta.rows(tables.ASSEMBLY_REF))

    @cached_property
    def invoked(self) -> tuple[tuple[str, str], ...]:
        """Library and function of what it calls outside of .NET."""
        found = []
        for row in self.meta.rows(tables.IMPL_MAP):
            library = self.meta.row(tables.MODULE_REF, row[3])
            found.append((self.meta.string(library[0]).lower() if library else "", self.meta.string(row[2])))
        return tuple(found)

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        found = []
        for parent, name, signature in (row[:3] for row in self.meta.rows(tables.MEMBER_REF)):
            owner = self.meta.row(tables.TYPE_REF, parent >> 3) if parent & 7 == _PARENT_TYPE_REF else ()
            kind = f"{self.meta.string(owner[2])}.{self.meta.string(owner[1])}" if owner else ""
            found.append(Call(kind, self.meta.string(name), self.meta.blob(signature)))
        return tuple(found)

    def names(self) -> Iterator[str]:
        """Names of its own types and methods that its author chose; those of compilers have angle brackets."""
        for table, column in ((tables.TYPE_DEF, 1), (tables.METHOD_DEF, 3)):
            for row in self.meta.rows(table):
                name = self.meta.string(row[column])
                if not name.startswith(("<", ".")) and "<" not in name:
                    yield name

    def type_names(self) -> list[str]:
        found = (self.meta.string(row[1]) for row in self.meta.rows(tables.TYPE_DEF))
        return [name for name in found if "<" not in name]

    def resources(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of what is embedded."""
        start, size = self.meta.resources
        for row, _ in zip(self.meta.rows(tables.RESOURCE), range(MOST_RESOURCES), strict=False):
            if row[3]:  # it lies in another file
                continue
            at = start + row[0]
            length = u32(self.meta.data, at)
            if start and row[0] + 4 + length <= size:
                yield self.meta.string(row[2]), self.meta.data[at + 4 : at + 4 + length]
