"""What is worth showing of a PE file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

from lazaretto.analysis.engine import Fact, Output, short
from lazaretto.analysis.programs.measure import entropy
from lazaretto.analysis.programs.origin import languages
from lazaretto.analysis.programs.pe.image import Image
from lazaretto.analysis.programs.pe.rich import rich_header
from lazaretto.analysis.programs.pelayout import EXECUTE, READ, WRITE, Section

MOST_SHOWN = 40
_VERSION = {
    "CompanyName": "company", "ProductName": "product", "FileDescription": "description",
    "OriginalFilename": "original name", "InternalName": "internal name", "FileVersion": "file version",
    "LegalCopyright": "copyright",
}  # fmt: skip


def facts(image: Image) -> Iterator[Output]:
    yield from _headers(image)
    yield from _imports(image)
    for key, name in _VERSION.items():
        if value := image.version.get(key, "").strip():
            yield Fact(name=name, value=short(value))
    if image.exports:
        yield Fact(name="exports", value=tuple(short(name, 80) for name, _ in image.exports[:MOST_SHOWN]))
        yield Fact(name="calls itself", value=short(image.export_name))
    if image.resources:
        kinds = dict.fromkeys(f"{_KINDS.get(one.kind, one.kind)}" for one in image.resources)
        yield Fact(name="resources", value=tuple(short(kind, 40) for kind in list(kinds)[:MOST_SHOWN]))
    start, size = image.overlay
    if size:
        yield Fact(name="behind the image", value=f"{size:,} bytes from {start:#x}")


def _headers(image: Image) -> Iterator[Output]:
    layout = image.layout
    if layout.stamp:
        yield Fact(name="compiled", value=datetime.fromtimestamp(layout.stamp, UTC).isoformat())
    if layout.sections:
        yield Fact(name="sections", value=tuple(_section(image.data, one) for one in layout.sections[:MOST_SHOWN]))
    if made := languages(image.data):
        yield Fact(name="made with", value=made)
    if rich := rich_header(image.data, layout.lfanew):
        yield Fact(name="rich hash", value=hashlib.md5(rich.plain, usedforsecurity=False).hexdigest())
    if image.parsed is not None and image.parsed.codeview_pdb is not None:
        yield Fact(name="debug file", value=short(str(image.parsed.codeview_pdb.filename)))
    if image.parsed is not None and image.parsed.has_tls and len(image.parsed.tls.callbacks):
        yield Fact(name="TLS callbacks", value=len(image.parsed.tls.callbacks))


def _imports(image: Image) -> Iterator[Output]:
    import lief  # noqa: PLC0415  only in the cage

    if not image.imports:
        return
    if not image.is_managed:
        yield Fact(name="imphash", value=lief.PE.get_imphash(image.parsed, lief.PE.IMPHASH_MODE.PEFILE))
    yield Fact(name="libraries", value=tuple(short(name, 80) for name in image.libraries[:MOST_SHOWN]))


def _section(data: bytes, section: Section) -> str:
    letters = "".join(letter for letter, flag in (("r", READ), ("w", WRITE), ("x", EXECUTE)) if section.flags & flag)
    bits = entropy(data[section.offset : section.offset + section.size])
    return f"{section.name!a} {letters} {section.size:,} of {section.virtual:,} bytes, {bits:.1f} bits a byte"


_KINDS = {
    "1": "cursor", "2": "bitmap", "3": "icon", "4": "menu", "5": "dialog", "6": "strings", "9": "accelerators",
    "10": "data", "11": "messages", "12": "cursors", "14": "icons", "16": "version", "23": "html", "24": "manifest",
}  # fmt: skip
