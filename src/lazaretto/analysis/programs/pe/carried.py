"""What a PE file carries: programs, resources without order, data behind the image."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from lazaretto.analysis.engine import Fact, Finding, Member, Output
from lazaretto.analysis.programs.hidden import Hidden, masked_programs, plain_programs, under_key
from lazaretto.analysis.programs.installers import carrier
from lazaretto.analysis.programs.measure import entropy, looks_encrypted
from lazaretto.analysis.programs.pe.image import Image
from lazaretto.analysis.programs.pelayout import CODE, extent

MOST_MEMBERS = 24
MOST_TEXTS = 8
# Pictures, menus, texts: what the system itself draws. The rest is the program's own data.
_DRAWN = frozenset({"1", "2", "3", "4", "5", "6", "7", "8", "9", "11", "12", "14", "16", "17", "21", "22", "23", "24"})
_AS_TEXT = re.compile(rb"TV[opqr][A-Za-z0-9+/]{509,}={0,2}")


def carried(image: Image) -> Iterator[Output]:
    left = MOST_MEMBERS
    for output in (*_programs(image), *_masked(image), *_texts(image), *_disorder(image)):
        left -= isinstance(output, Member)
        if left >= 0 or not isinstance(output, Member):
            yield output


def _programs(image: Image) -> Iterator[Output]:
    """Programs that lie there as they are."""
    start, _ = image.overlay
    for found in plain_programs(image.data, start=max(image.layout.headers, 0x40)):
        inside = found.offset < start
        where = "inside" if inside else "behind the image"
        yield Finding(id="pe-carries-program", detail=f"{len(found.data):,} bytes, {where}, at {found.offset:#x}")
        yield Member(name=f"program at {found.offset:#x}", data=found.data, relation="embedded")


def _masked(image: Image) -> Iterator[Output]:
    seen: set[int] = set()
    start, size = image.overlay
    starts = [(one.offset, one.size) for one in image.layout.sections if one.size and not one.flags & CODE]
    pieces = [image.data[at : at + length] for at, length in (*starts, (start, size)) if length >= 0x200]
    pieces += [one.data for one in image.resources if one.kind not in _DRAWN]
    for hidden in (*masked_programs(image.data), *(found for piece in pieces if (found := under_key(piece)))):
        if (mark := hash(hidden.data[:0x400])) not in seen:
            seen.add(mark)
            yield from _told(hidden)


def _told(hidden: Hidden) -> Iterator[Output]:
    yield Finding(id="pe-hides-program", detail=f"{len(hidden.data):,} bytes, key {hidden.key.hex()}")
    yield Member(name=f"program under {hidden.key.hex()}", data=hidden.data, relation="embedded")


def _texts(image: Image) -> Iterator[Output]:
    """Programs written out in letters (Base64)."""
    for match, _ in zip(_AS_TEXT.finditer(image.data), range(MOST_TEXTS), strict=False):
        try:
            data = base64.b64decode(match.group()[: len(match.group()) // 4 * 4])
        except binascii.Error:
            continue
        if extent(data, 0):
            yield Finding(id="pe-program-as-text", detail=f"{len(data):,} bytes at {match.start():#x}")
            yield Member(name=f"program as text at {match.start():#x}", data=data, relation="embedded")


def _disorder(image: Image) -> Iterator[Output]:
    for resource in image.resources:
        if resource.kind not in _DRAWN and looks_encrypted(resource.data):
            bits = entropy(resource.data)
            detail = f"{resource.kind}/{resource.name}: {len(resource.data):,} bytes, {bits:.2f} bits a byte"
            yield Finding(id="pe-disordered-resource", detail=detail)
    start, size = image.overlay
    behind = image.data[start : start + size]
    if kind := carrier(image.data, image.layout):
        yield Fact(name="carries", value=kind)
    elif looks_encrypted(behind):
        yield Finding(id="pe-disordered-end", detail=f"{size:,} bytes, {entropy(behind):.2f} bits a byte")
