"""An ELF file as all sides see it: bytes, layout, what LIEF read of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lazaretto.analysis.programs.elflayout import DYNAMIC, INTERPRETER, ElfLayout, elf_layout
from lazaretto.analysis.programs.numbers import text_until_zero, u32, u64
from lazaretto.analysis.programs.parsed import text

MOST_SYMBOLS, MOST_DYNAMIC = 50_000, 4_096
_STRTAB, _TEXTS = 5, {1: "NEEDED", 14: "SONAME", 15: "RPATH", 29: "RUNPATH"}
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
        names = (text(symbol, "name") for symbol, _ in zip(found, range(MOST_SYMBOLS), strict=False))
        return [name for name in names if name]

    @cached_property
    def dynamic(self) -> tuple[tuple[str, str], ...]:
        """Entries of the dynamic section that are texts: NEEDED, SONAME, RPATH, RUNPATH."""
        layout = self.layout
        segment = next((one for one in layout.segments if one.kind == DYNAMIC), None)
        if segment is None:
            return ()
        step = 16 if layout.wide else 8
        word = u64 if layout.wide else u32
        places = range(segment.offset, segment.offset + min(segment.size, MOST_DYNAMIC * step), step)
        entries = [(word(self.data, at, layout.order), word(self.data, at + step // 2, layout.order)) for at in places]
        texts = next((value for tag, value in entries if tag == _STRTAB), 0)
        loaded = layout.segment_of(texts)
        if loaded is None:
            return ()
        start = texts - loaded.address + loaded.offset
        return tuple(
            (_TEXTS[tag], text_until_zero(self.data, start + value, 4_096)) for tag, value in entries if tag in _TEXTS
        )

    @property
    def interpreter(self) -> str:
        """The program that loads it, as it names it."""
        segment = next((one for one in self.layout.segments if one.kind == INTERPRETER), None)
        return text_until_zero(self.data, segment.offset, min(segment.size, 4_096)) if segment else ""

    @cached_property
    def constructors(self) -> tuple[int, ...]:
        """Addresses that are called before the program begins."""
        import lief  # noqa: PLC0415  only in the cage

        if self.parsed is None or len(self.data) > LARGE:
            return ()
        tag = lief.ELF.DynamicEntry.TAG.INIT_ARRAY
        if not self.parsed.has(tag):
            return ()
        return tuple(int(one) for one in list(self.parsed.get_relocated_dynamic_array(tag))[:4_096])

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
