"""What an ELF file carries: programs, data behind its end."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lazaretto.analysis.engine import Fact, Finding, Member, Output
from lazaretto.analysis.programs.elf.image import Elf
from lazaretto.analysis.programs.hidden import masked_programs, plain_programs, under_key
from lazaretto.analysis.programs.installers import archive_at, pyinstaller_at
from lazaretto.analysis.programs.measure import entropy, looks_encrypted

MOST_MEMBERS, MOST_SCRIPTS = 16, 4
LINES = 3  # a script of fewer is no more than a hint at a shell
_SCRIPT = re.compile(rb"#! ?/(?:usr/)?bin/(?:env )?(?:ba|da|z|k)?sh[ \n][\t\n\r\x20-\x7e]{40,65536}")


def carried(elf: Elf) -> Iterator[Output]:
    left = MOST_MEMBERS
    for output in (*_programs(elf), *_hidden(elf), *_scripts(elf), *_behind(elf)):
        left -= isinstance(output, Member)
        if left >= 0 or not isinstance(output, Member):
            yield output


def _programs(elf: Elf) -> Iterator[Output]:
    for found in plain_programs(elf.data, start=64):
        yield Finding(id="elf-carries-program", detail=f"{len(found.data):,} bytes at {found.offset:#x}")
        yield Member(name=f"program at {found.offset:#x}", data=found.data, relation="embedded")


def _hidden(elf: Elf) -> Iterator[Output]:
    end = elf.layout.end()
    pieces = [elf.data[end:]] if len(elf.data) - end >= 0x200 else []
    for name in (".data", ".rodata", ".data.rel.ro"):
        pieces.append(elf.section(name))
    for hidden in (*masked_programs(elf.data), *(found for piece in pieces if (found := under_key(piece)))):
        yield Finding(id="elf-hides-program", detail=f"{len(hidden.data):,} bytes, key {hidden.key.hex()}")
        yield Member(name=f"program under {hidden.key.hex()}", data=hidden.data, relation="embedded")


def _scripts(elf: Elf) -> Iterator[Output]:
    """Whole shell scripts among its texts, each up to the zero that ends it."""
    for match, _ in zip(_SCRIPT.finditer(elf.data, 64), range(MOST_SCRIPTS), strict=False):
        if match.group().count(b"\n") >= LINES:
            yield Finding(id="elf-carries-script", detail=f"{len(match.group()):,} bytes at {match.start():#x}")
            yield Member(name=f"script at {match.start():#x}", data=match.group(), relation="decoded")


def _behind(elf: Elf) -> Iterator[Output]:
    end = elf.layout.end()
    behind = elf.data[end:] if elf.layout.segments else b""
    if not behind.strip(b"\0"):
        return
    yield Fact(name="behind the program", value=f"{len(behind):,} bytes from {end:#x}")
    if archive_at(elf.data, end)[0] or pyinstaller_at(elf.data) >= 0:
        return
    if looks_encrypted(behind):
        yield Finding(id="elf-disordered-end", detail=f"{len(behind):,} bytes, {entropy(behind):.2f} bits a byte")
