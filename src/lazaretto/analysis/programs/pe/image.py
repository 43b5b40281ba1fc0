"""A PE file as all sides see it: bytes, layout, what LIEF read of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lazaretto.analysis.programs.parsed import text
from lazaretto.analysis.programs.pelayout import EXPORTS, MANAGED, Layout, layout

MOST_IMPORTS, MOST_EXPORTS, MOST_RESOURCES, MOST_DEPTH = 20_000, 20_000, 2_000, 6


@dataclass(frozen=True)
class Import:
    """A function asked for; a number in place of a name is `#number`."""

    library: str
    name: str


@dataclass(frozen=True)
class Resource:
    """A leaf of the resource tree. `kind` is the name or number of its type."""

    kind: str
    name: str
    data: bytes


@dataclass(frozen=True)
class Image:
    """`parsed` is LIEF's binary; None where it could not make one."""

    data: bytes
    name: str
    layout: Layout
    parsed: Any

    @property
    def is_managed(self) -> bool:
        return self.layout.directory(MANAGED)[0] != 0

    @property
    def is_driver(self) -> bool:
        return self.layout.subsystem == 1

    @property
    def is_firmware(self) -> bool:
        """Whether it runs before any system, as a boot loader: a table handed to it has all functions there are."""
        return self.layout.subsystem in range(10, 14)

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(self._imports())

    def _imports(self) -> Iterator[Import]:
        if self.parsed is None:
            return
        number = 0
        for library in (*self.parsed.imports, *self.parsed.delay_imports):
            for entry in library.entries:
                number += 1
                if number > MOST_IMPORTS:
                    return
                yield Import(
                    text(library, "name").lower(), f"#{entry.ordinal}" if entry.is_ordinal else text(entry, "name")
                )

    @property
    def libraries(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.library for one in self.imports))

    @cached_property
    def exports(self) -> tuple[tuple[str, str], ...]:
        """Name and, where another library has the function, `LIBRARY.NAME`."""
        if self.parsed is None or not self.layout.directory(EXPORTS)[0] or self.parsed.get_export() is None:
            return ()
        found = []
        for entry, _ in zip(self.parsed.get_export().entries, range(MOST_EXPORTS), strict=False):
            forward = entry.forward_information
            there = f"{text(forward, 'library')}.{text(forward, 'function')}" if entry.is_forwarded and forward else ""
            found.append((text(entry, "name"), there))
        return tuple(found)

    @property
    def export_name(self) -> str:
        """How the library calls itself."""
        table = self.parsed.get_export() if self.parsed is not None else None
        return text(table, "name") if table is not None else ""

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        if self.parsed is None or not self.parsed.has_resources or self.parsed.resources is None:
            return ()
        return tuple(_leaves(self.parsed.resources))

    @cached_property
    def version(self) -> dict[str, str]:
        """The first table of the version information: CompanyName, OriginalFilename, ..."""
        try:
            tables = list(self.parsed.resources_manager.version)[:4] if self.resources else []
            for table in tables:
                for child in list(table.string_file_info.children)[:4]:
                    return {text(entry, "key"): text(entry, "value")[:400] for entry in list(child.entries)[:64]}
        except (AttributeError, UnicodeDecodeError, RuntimeError):
            pass
        return {}

    @property
    def overlay(self) -> tuple[int, int]:
        """Offset and size of what follows the image, without the table of signatures."""
        start, end = self.layout.end(len(self.data)), len(self.data)
        where, length = self.layout.certificates(end)
        if where >= start and where + length + 16 >= end:
            end = where
        return start, max(0, end - start)


def _leaves(root: Any) -> Iterator[Resource]:
    waiting: list[tuple[Any, tuple[str, ...]]] = [(root, ())]
    seen = 0
    while waiting and seen < MOST_RESOURCES:
        node, path = waiting.pop()
        seen += 1
        if node.is_data:
            kind, name = (*path, "", "")[:2]
            yield Resource(kind, name, bytes(node.content))
        elif len(path) < MOST_DEPTH:
            children = list(node.childs)[:MOST_RESOURCES]
            waiting += [(child, (*path, _label(child))) for child in reversed(children)]


def _label(node: Any) -> str:
    return text(node, "name") if node.has_name else str(node.id)


def image_of(data: bytes, name: str) -> Image | None:
    """The image; None where not even the headers are there."""
    import lief  # noqa: PLC0415  only in the cage

    found = layout(data)
    if found is None:
        return None
    wanted = lief.PE.ParserConfig()
    wanted.parse_reloc = False
    wanted.parse_exceptions = False
    wanted.parse_arm64x_binary = False
    return Image(data, name, found, lief.PE.parse(data, wanted))
