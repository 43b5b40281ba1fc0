"""What is worth showing of an ELF file."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Fact, Output, short
from lazaretto.analysis.programs.elf.image import Elf
from lazaretto.analysis.programs.elflayout import DYNAMIC, INTERPRETER, RELOCATABLE
from lazaretto.analysis.programs.origin import languages
from lazaretto.analysis.programs.parsed import text

MOST_SHOWN = 40


def facts(elf: Elf) -> Iterator[Output]:
    if made := languages(elf.data):
        yield Fact(name="made with", value=made)
    if compiler := elf.section(".comment"):
        texts = dict.fromkeys(part.decode("latin-1") for part in compiler[:4_000].split(b"\0") if part)
        yield Fact(name="compiler", value=tuple(short(one, 120) for one in list(texts)[:8]))
    if identity := elf.section(".note.gnu.build-id"):
        yield Fact(name="build id", value=identity[16:48].hex())
    yield from _linking(elf)
    yield from _sections(elf)
    if elf.layout.kind == RELOCATABLE:
        yield from _module(elf)


def _linking(elf: Elf) -> Iterator[Output]:
    if elf.interpreter:
        yield Fact(name="interpreter", value=short(elf.interpreter))
    if elf.layout.segments and not elf.layout.has(DYNAMIC) and not elf.layout.has(INTERPRETER):
        yield Fact(name="linked", value="statically: everything that it needs is inside")
    for kind, name in (("NEEDED", "libraries"), ("RPATH", "library path"), ("RUNPATH", "library path")):
        if values := [value for tag, value in elf.dynamic if tag == kind]:
            yield Fact(name=name, value=tuple(short(value, 120) for value in values[:MOST_SHOWN]))
    if elf.exports:
        yield Fact(name="exports", value=tuple(short(name, 80) for name in sorted(elf.exports)[:MOST_SHOWN]))


def _sections(elf: Elf) -> Iterator[Output]:
    if elf.parsed is None or not elf.layout.sections:
        return
    names = [text(section, "name") for section, _ in zip(elf.parsed.sections, range(1_000), strict=False)]
    yield Fact(name="sections", value=tuple(short(name, 40) for name in names[:MOST_SHOWN] if name))
    if elf.layout.segments:
        yield Fact(name="symbols", value="there" if ".symtab" in names else "removed")
    if ".debug_info" in names or ".zdebug_info" in names:
        yield Fact(name="debug information", value=True)


def _module(elf: Elf) -> Iterator[Output]:
    """A kernel module's own account: `key=value`, each ended by a zero."""
    told = [part.decode("latin-1") for part in elf.section(".modinfo")[:16_000].split(b"\0") if b"=" in part]
    if told:
        yield Fact(name="kernel module", value=tuple(short(one, 120) for one in told[:MOST_SHOWN]))
