"""The shape of an ELF file: what packers, infectors and forgers leave in headers and segments."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lazaretto.analysis.engine import Finding, Output, short
from lazaretto.analysis.programs.elf.image import Elf
from lazaretto.analysis.programs.elflayout import EXECUTE, PROGRAM, RELOCATABLE, SHARED, WRITE
from lazaretto.analysis.programs.measure import PACKED, entropy

LARGE_CODE = 16 << 10  # bytes of code in which disorder means something
_WRITABLE = re.compile(r"^(?:/tmp|/var/tmp|/dev/shm|/run/user|/run/shm|/var/lock)(?:/|$)")
# Where loaders of Linux, BSD and Android systems and of package managers with folders of their own are.
_LOADERS = re.compile(
    r"^(?:/usr)?/lib(?:exec|32|64|x32)?/|^/system/|^/apex/|^/nix/store/|^/gnu/store/|^/home/linuxbrew/|^/opt/|^/usr/"
    r"|^/tools/lib|^/compat/|^/emul/"
)


def shape(elf: Elf) -> Iterator[Output]:
    yield from _headers(elf)
    if elf.layout.kind != RELOCATABLE:
        yield from _segments(elf)
        yield from _entry(elf)
        yield from _loading(elf)


def _headers(elf: Elf) -> Iterator[Output]:
    layout = elf.layout
    end = layout.section_table + layout.section_size * layout.sections
    if layout.segments and not layout.sections:
        yield Finding(id="elf-no-sections")
    elif layout.sections and layout.section_size not in {40, 64}:
        yield Finding(id="elf-contradicting-headers", detail=f"entries of {layout.section_size} bytes")
    elif layout.sections and end > len(elf.data):
        missing = max((one.offset + one.size for one in layout.loads), default=0) > len(elf.data)
        problem = "elf-incomplete" if missing else "elf-contradicting-headers"
        yield Finding(id=problem, detail="the table of its sections lies beyond the end")


def _segments(elf: Elf) -> Iterator[Output]:
    for segment in elf.layout.loads:
        if not segment.flags & EXECUTE:
            continue
        if segment.flags & WRITE:
            yield Finding(id="elf-writable-code", detail=f"{segment.memory:,} bytes at {segment.address:#x}")
        code = elf.data[segment.offset : segment.offset + segment.size]
        if len(code) >= LARGE_CODE and (bits := entropy(code)) >= PACKED:
            yield Finding(id="elf-packed", detail=f"{len(code):,} bytes of code, {bits:.1f} bits a byte")


def _entry(elf: Elf) -> Iterator[Output]:
    layout = elf.layout
    if not layout.entry or not layout.loads or layout.kind not in {PROGRAM, SHARED}:
        return
    segment = layout.segment_of(layout.entry)
    if segment is None or not segment.flags & EXECUTE:
        if elf.interpreter or layout.kind == PROGRAM:
            yield Finding(id="elf-entry-outside-code", detail=f"{layout.entry:#x}")
    elif elf.parsed is not None and layout.sections and elf.interpreter:
        section = elf.parsed.section_from_virtual_address(layout.entry)
        if section is None:
            yield Finding(id="elf-entry-outside-sections", detail=f"{layout.entry:#x}")
    for address in elf.constructors:
        place = layout.segment_of(address)
        if address and (place is None or not place.flags & EXECUTE):
            yield Finding(id="elf-constructor-outside-code", detail=f"{address:#x}")


def _loading(elf: Elf) -> Iterator[Output]:
    loader = elf.interpreter
    if _WRITABLE.match(loader) or (loader and not loader.startswith("/")):
        yield Finding(id="elf-loader-anyone-can-replace", detail=short(loader))
    elif loader and not _LOADERS.match(loader):
        yield Finding(id="elf-odd-loader", detail=short(loader))
    for kind, value in elf.dynamic:
        if kind == "SONAME":
            continue
        for path in value.split(":")[:64] if kind != "NEEDED" else [value]:
            if _WRITABLE.match(path):
                yield Finding(id="elf-library-anyone-can-replace", detail=short(path))
