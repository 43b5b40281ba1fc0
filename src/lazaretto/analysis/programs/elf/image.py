"""An ELF file as all sides see it: bytes, layout, what LIEF read of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lazaretto.analysis.programs.elflayout import ElfLayout, elf_layout

MOST_SYMBOLS = 50_000
LARGE = 48 << 20  # bytes; beyond, relocations are left unread


@dataclass(frozen=True)
class Elf:
    """`parsed` is LIEF's binary; None where it could not make one."""

    data: bytes
    name: str
    layout: ElfLayout
    parsed: Any

    @cached_property
    def imports(self) -> frozenset[str]:
        """Names of the functions that it asks its libraries for."""
        return frozenset(self._symbols(imported=True))

    @cached_property
    def exports(self) -> frozenset[str]:
        return frozenset(self._symbols(imported=False))

    def _symbols(self, *, imported: bool) -> list[str]:
        if self.parsed is None:
            return []
        found = self.parsed.imported_symbols if imported else self.parsed.exported_symbols
        return [str(symbol.name) for symbol, _ in zip(found, range(MOST_SYMBOLS), strict=False) if symbol.name]

    @cached_property
    def dynamic(self) -> tuple[tuple[str, str], ...]:
        """Entries of the dynamic section that are texts: NEEDED, RPATH, RUNPATH, SONAME."""
        if self.parsed is None:
            return ()
        found = []
        for entry, _ in zip(self.parsed.dynamic_entries, range(4_096), strict=False):
            kind = str(entry.tag).rpartition(".")[2]
            if kind in {"NEEDED", "RPATH", "RUNPATH", "SONAME"}:
                value = entry.name if kind in {"NEEDED", "SONAME"} else getattr(entry, kind.lower())
                found.append((kind, str(value)))
        return tuple(found)

    @property
    def interpreter(self) -> str:
        return str(self.parsed.interpreter) if self.parsed is not None and self.parsed.has_interpreter else ""

    @cached_property
    def constructors(self) -> tuple[int, ...]:
        """Addresses that are called before the program begins."""
        import lief  # noqa: PLC0415  only in the cage

        if self.parsed is None or len(self.data) > LARGE:
            return ()
        array = self.parsed.get(lief.ELF.DynamicEntry.TAG.INIT_ARRAY)
        found = self.parsed.get_relocated_dynamic_array(array.tag) if array is not None else []
        return tuple(int(one) for one in list(found)[:4_096])

    def section(self, name: str) -> bytes:
        """The content of the section of that name; empty if there is none."""
        found = self.parsed.get_section(name) if self.parsed is not None else None
        return bytes(found.content) if found is not None else b""


def elf_of(data: bytes, name: str) -> Elf | None:
    """The image; None where not even the header is there."""
    import lief  # noqa: PLC0415  only in the cage

    found = elf_layout(data)
    if found is None:
        return None
    wanted = lief.ELF.ParserConfig()
    wanted.parse_symtab_symbols = False
    wanted.parse_symbol_versions = False
    wanted.parse_overlay = False
    wanted.parse_relocations = len(data) <= LARGE
    return Elf(data, name, found, lief.ELF.parse(data, wanted))
