"""VBA projects ([MS-OVBA]): the source of each module, and what of its compiled form can be told.

The source is kept compressed behind the compiled code in the module's stream. Office runs the compiled code where it
was made by the same version, so a document may show one source and run another: see `foreign_literals`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from lazaretto.analysis.charsets import known
from lazaretto.analysis.documents.compound import Compound, lowered

_MOST_MODULES = 2_000
_MOST_SOURCE = 16 << 20  # bytes of one module, unpacked
_CODE_PAGES = {10000: "mac_roman", 65001: "utf-8", 0: "cp1252", 936: "gbk"}


@dataclass(frozen=True)
class Module:
    """`document`: it belongs to a document or sheet, so its events are the document's. `compiled` is the code before
    the source, as it lies in the stream."""

    name: str
    source: str
    document: bool = False
    compiled: bytes = b""
    form: bool = False


def decompress(data: bytes, most: int = _MOST_SOURCE) -> bytes:
    """The container of 2.4.1, as far as it is well-formed. Raises `ValueError` if it is none at all."""
    if data[:1] != b"\x01":
        raise ValueError("no compressed container")
    out = bytearray()
    at = 1
    while at + 2 <= len(data) and len(out) < most:
        header = struct.unpack_from("<H", data, at)[0]
        if header >> 12 & 7 != 3:
            break
        end = min(at + (header & 0xFFF) + 3, len(data))
        at += 2
        if header & 0x8000:
            _chunk(data, at, end, out)
        else:
            out += data[at : at + 4096]
            end = at + 4096
        at = end
    if not out:
        raise ValueError("an empty container")
    return bytes(out[:most])


def _chunk(data: bytes, at: int, end: int, out: bytearray) -> None:
    """Literals and copies of one chunk of at most 4096 bytes."""
    begin = len(out)
    while at < end and len(out) - begin < 4096:
        flags = data[at]
        at += 1
        for bit in range(8):
            if at >= end:
                return
            if not flags >> bit & 1:
                out.append(data[at])
                at += 1
                continue
            if at + 2 > end:
                return
            token = struct.unpack_from("<H", data, at)[0]
            at += 2
            bits = max((len(out) - begin - 1).bit_length(), 4)
            length = (token & 0xFFFF >> bits) + 3
            offset = (token >> 16 - bits) + 1
            if offset > len(out) - begin:
                return
            for _ in range(min(length, 4096 - (len(out) - begin))):
                out.append(out[-offset])


def projects(file: Compound) -> Iterator[tuple[tuple[str, ...], tuple[Module, ...]]]:
    """Every storage that holds a project, with its modules."""
    for path in file.streams:
        if path and path[-1].lower() == "dir" and len(path) >= 2:
            storage = path[:-1]
            modules = _modules(file, storage)
            if modules:
                yield storage, modules


def loose_modules(file: Compound, known: set[tuple[str, ...]]) -> tuple[Module, ...]:
    """Modules in streams that no project names, found by their compressed source."""
    found: list[Module] = []
    for path, data in file.streams.items():
        if lowered(path[:-1]) in known or len(found) >= _MOST_MODULES:
            continue
        at = data.find(b"\0Attribut")  # a source begins so, with nothing compressed yet
        if at >= 3 and data[at - 3] == 1:
            source = _text(data[at - 3 :], "cp1252")
            if source:
                found.append(Module(path[-1], source, compiled=data[: at - 3]))
    return tuple(found)


@dataclass
class _Listed:
    stream: str = ""
    offset: int = 0
    document: bool = False


def _modules(file: Compound, storage: tuple[str, ...]) -> tuple[Module, ...]:
    try:
        listing = decompress(file.streams[(*storage, *_own(file, storage))])
    except (ValueError, KeyError):
        return ()
    page, listed = _dir(listing)
    streams = {path[-1].lower(): data for path, data in file.streams.items() if path[:-1] == storage}
    found = []
    for module in listed[:_MOST_MODULES]:
        data = streams.get(module.stream.lower())
        if data is None:
            continue
        source = _text(data[module.offset :], page)
        form = (*storage[:-1], module.stream, "f") in file.streams
        found.append(Module(module.stream, source, module.document, data[: module.offset], form))
    return tuple(found)


def _own(file: Compound, storage: tuple[str, ...]) -> tuple[str, ...]:
    return next((path[-1:] for path in file.streams if path[:-1] == storage and path[-1].lower() == "dir"), ("dir",))


def _text(data: bytes, page: str) -> str:
    try:
        return decompress(data).decode(page, "replace").replace("\r\n", "\n").replace("\r", "\n")
    except ValueError:
        return ""


def _dir(data: bytes) -> tuple[str, list[_Listed]]:
    """Code page and modules of the `dir` stream (2.3.4.2): records of number, length and data."""
    page = "cp1252"
    found: list[_Listed] = []
    at = 0
    while at + 6 <= len(data):
        number, length = struct.unpack_from("<HI", data, at)
        body = data[at + 6 : at + 6 + length]
        if number == 0x09:  # PROJECTVERSION says 4 and has 6
            length, body = 6, b""
        at += 6 + length
        if number == 0x03 and len(body) == 2:
            page = _page(struct.unpack("<H", body)[0])
        elif number == 0x19:
            found.append(_Listed(stream=body.decode(page, "replace")))
        elif found and number == 0x1A:
            found[-1].stream = body.decode(page, "replace")
        elif found and number == 0x32:
            found[-1].stream = body.decode("utf-16-le", "replace") or found[-1].stream
        elif found and number == 0x31 and len(body) == 4:
            found[-1].offset = struct.unpack("<I", body)[0]
        elif found and number == 0x22:
            found[-1].document = True
    return page, found


def _page(number: int) -> str:
    return known(_CODE_PAGES.get(number, f"cp{number}"), "cp1252")


_LITERAL = re.compile(rb"\xb9\x00(..)", re.DOTALL)  # the instruction LitStr of VBA 6 and 7, then the length
_CODE_LIKE = re.compile(rb"[\x20-\x7e]{8,}\Z")


def foreign_literals(module: Module) -> tuple[str, ...]:
    """Texts that the compiled code has and the source has not. Office writes both together, so there are none in a
    module that it saved; where there are, what runs is not what is shown."""
    source = module.source.replace('""', '"')
    found: list[str] = []
    for match in _LITERAL.finditer(module.compiled):
        length = struct.unpack("<H", match[1])[0]
        text = module.compiled[match.end() : match.end() + length]
        if 8 <= length <= 4_000 and len(text) == length and _CODE_LIKE.match(text):
            plain = text.decode("ascii")
            if plain not in source and plain not in found:
                found.append(plain)
    return tuple(found[:100])


def exported(name: str, source: str) -> bytes:
    """The source as the editor of macros exports it: with the line by which a reader knows what it is. Without it the
    text could be taken for VBScript, and what it does be counted twice."""
    head = (
        "" if source.lstrip().lower().startswith(("attribute vb_", "version ")) else f'Attribute VB_Name = "{name}"\n'
    )
    return (head + source).encode()
