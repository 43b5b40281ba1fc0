"""The shape of a PE file: what packers, protectors and forgers leave in headers and sections."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

from lazaretto.analysis.engine import Finding, Output
from lazaretto.analysis.programs.measure import PACKED, entropy
from lazaretto.analysis.programs.pe.image import Image
from lazaretto.analysis.programs.pe.rich import rich_header
from lazaretto.analysis.programs.pelayout import DISCARDABLE, EXECUTE, WRITE, Section

FEW_IMPORTS = 12
SMALL = 4 << 10  # bytes of code in which disorder means nothing
ROOM = 64 << 10  # bytes of empty memory that is more than a table
_OLDEST, _NEWEST = 694_224_000, 4_102_444_800  # 1992 (the format is not older), 2100


def shape(image: Image) -> Iterator[Output]:
    yield from _sections(image)
    yield from _entry(image)
    yield from _headers(image)


def _sections(image: Image) -> Iterator[Output]:
    for section in image.layout.sections:
        if section.flags & EXECUTE and section.flags & WRITE and not section.flags & DISCARDABLE:
            yield Finding(id="pe-writable-code", detail=repr(section.name))
        if section.flags & EXECUTE and not section.size and section.virtual >= ROOM:
            yield Finding(id="pe-room-for-code", detail=f"{section.name!r}, {section.virtual:,} bytes")
        if any(not 0x20 <= ord(letter) < 0x7F for letter in section.name):
            yield Finding(id="pe-odd-section-name", detail=ascii(section.name))
        if not image.is_managed:
            yield from _code(image, section)


def _code(image: Image, section: Section) -> Iterator[Output]:
    data = image.data[section.offset : section.offset + section.size]
    if not section.flags & EXECUTE or len(data) < SMALL or (bits := entropy(data)) < PACKED:
        return
    few = len(image.imports) <= FEW_IMPORTS and image.parsed is not None
    detail = f"{section.name!r}: {bits:.1f} bits a byte, {len(image.imports)} functions asked for"
    yield Finding(id="pe-packed" if few else "pe-disordered-code", detail=detail)


def _entry(image: Image) -> Iterator[Output]:
    layout = image.layout
    if image.is_managed or not layout.sections:
        return
    place = layout.section_of(layout.entry)
    if layout.entry and (place is None or not place.flags & EXECUTE):
        where = f"in {place.name!r}" if place else "in no section"
        yield Finding(id="pe-entry-outside-code", detail=f"{layout.entry:#x}, {where}")
    for callback in _callbacks(image):
        place = layout.section_of(callback - layout.base)
        if place is None or not place.flags & EXECUTE:
            yield Finding(id="pe-callback-outside-code", detail=f"{callback:#x}")


def _callbacks(image: Image) -> list[int]:
    if image.parsed is None or not image.parsed.has_tls:
        return []
    return [int(one) for one in list(image.parsed.tls.callbacks)[:16] if one]


def _headers(image: Image) -> Iterator[Output]:
    layout = image.layout
    missing = max((one.offset + one.size for one in layout.sections if one.size), default=0) - len(image.data)
    if missing > 0:
        yield Finding(id="pe-incomplete", detail=f"{missing:,} bytes are missing")
    if problem := _contradiction(image):
        yield Finding(id="pe-contradicting-headers", detail=problem)
    if layout.stamp and not _OLDEST <= layout.stamp <= _NEWEST:
        yield Finding(id="pe-odd-time", detail=datetime.fromtimestamp(layout.stamp, UTC).isoformat())
    rich = rich_header(image.data, layout.lfanew)
    if rich is not None and not rich.right:
        yield Finding(id="pe-forged-maker-mark")


def _contradiction(image: Image) -> str:
    layout = image.layout
    if not layout.sections:
        return "it has no sections"
    used = [one for one in layout.sections if one.span]
    for before, after in pairwise(used):
        if after.address < before.address:
            return "sections are not in order"
        if after.address < before.address + min(before.virtual or before.size, before.span):
            return f"{before.name!r} and {after.name!r} lie in the same memory"
    return ""
