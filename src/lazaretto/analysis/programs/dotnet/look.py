"""Facts of an assembly, its names, and what lies in its resources and texts."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
import zlib
from collections.abc import Iterator

from lazaretto.analysis.engine import Fact, Finding, Member, Output, short
from lazaretto.analysis.programs.dotnet.assembly import Assembly
from lazaretto.analysis.programs.hidden import under_key
from lazaretto.analysis.programs.measure import entropy, looks_encrypted
from lazaretto.analysis.programs.pelayout import extent

MOST_SHOWN, MOST_MEMBERS = 40, 16
MOST_INFLATED = 64 << 20
FEW_NAMES = 20
_LONG_TEXT = re.compile(r"[A-Za-z0-9+/]{1024,}={0,2}\Z")
_PICTURES = (b"\x89PNG\r\n", b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xe1", b"GIF89a")


def names(assembly: Assembly) -> Iterator[Output]:
    found = list(assembly.names())
    unreadable = [name for name in found if _unreadable(name)]
    if len(found) >= FEW_NAMES and len(unreadable) * 3 >= len(found):
        share = 100 * len(unreadable) // len(found)
        yield Finding(
            id="dotnet-unreadable-names", detail=f"{share} % of {len(found)}, such as {ascii(unreadable[0])[:60]}"
        )
    types = assembly.type_names()
    little = [name for name in types if len(name) <= 2]
    if len(types) >= FEW_NAMES and len(little) * 10 >= len(types) * 7:
        yield Finding(id="dotnet-meaningless-names", detail=f"{len(little)} of {len(types)} types")


def _unreadable(name: str) -> bool:
    """Characters that are controls, invisible, unassigned or of private use cannot have been typed by a programmer."""
    return any(unicodedata.category(letter)[0] in "CZ" for letter in name[:64])


def contents(assembly: Assembly) -> Iterator[Output]:
    members = 0
    for output in (*_resources(assembly), *_texts(assembly)):
        members += isinstance(output, Member)
        if members <= MOST_MEMBERS or not isinstance(output, Member):
            yield output


def _resources(assembly: Assembly) -> Iterator[Output]:
    for name, data in assembly.resources():
        if hidden := under_key(data):
            detail = f"{short(name, 80)}: {len(data):,} bytes, key {hidden.key.hex()}"
            yield Finding(id="dotnet-hides-program", detail=detail)
            yield Member(name=name, data=hidden.data, relation="embedded")
        elif (inflated := _inflated(data)) and extent(inflated, 0):
            yield Finding(id="dotnet-carries-packed-program", detail=f"{short(name, 80)}: {len(inflated):,} bytes")
            yield Member(name=name, data=inflated, relation="embedded")
        elif looks_encrypted(data) and not any(mark in data for mark in _PICTURES):
            detail = f"{short(name, 80)}: {len(data):,} bytes, {entropy(data):.2f} bits a byte"
            yield Finding(id="dotnet-disordered-resource", detail=detail)


def _texts(assembly: Assembly) -> Iterator[Output]:
    for text in assembly.meta.texts():
        if len(text) < 1024 or not _LONG_TEXT.match(text):
            continue
        try:
            data = base64.b64decode(text[: len(text) // 4 * 4])
        except binascii.Error:
            continue
        data = _inflated(data) or data
        hidden = under_key(data)
        if extent(data, 0) or hidden:
            yield Finding(id="dotnet-program-as-text", detail=f"{len(text):,} characters")
            yield Member(name="program as text", data=hidden.data if hidden else data, relation="embedded")


def _inflated(data: bytes) -> bytes:
    """What gzip, zlib or bare deflate makes of it; empty if it is none of them or what it gives is no program."""
    for window in (31, 15, -15):
        if window == 31 and data[:2] != b"\x1f\x8b":
            continue
        unpacker = zlib.decompressobj(window)
        try:
            if unpacker.decompress(data[:4_096], 64)[:2] != b"MZ":
                continue
            return zlib.decompressobj(window).decompress(data, MOST_INFLATED)
        except zlib.error:
            continue
    return b""


def facts(assembly: Assembly) -> Iterator[Output]:
    yield Fact(name="assembly", value=short(f"{assembly.name} {assembly.version}"))
    yield Fact(name="runtime", value=short(assembly.meta.version, 40))
    if assembly.module_id:
        yield Fact(name="module id", value=assembly.module_id)
    if assembly.references:
        yield Fact(name="uses", value=tuple(short(name, 80) for name in assembly.references[:MOST_SHOWN]))
    if assembly.invoked:
        shown = [short(f"{library}: {function}", 120) for library, function in assembly.invoked[:MOST_SHOWN]]
        yield Fact(name="calls outside .NET", value=tuple(shown))
    resources = [f"{short(name, 80)} ({len(data):,} bytes)" for name, data in assembly.resources()]
    if resources:
        yield Fact(name="embedded resources", value=tuple(resources[:MOST_SHOWN]))
    yield Fact(name="native code beside it", value=not assembly.meta.flags & 1)
