"""Objects that documents carry: OLE 1 and OLE 2 objects, packages, links, equations.

Formats: [MS-OLEDS] 2.2 and 2.3; the packager's own structure, which is documented nowhere and known from what it
writes; MTEF 3 for equations, published by its maker.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from lazaretto.analysis.documents import compound
from lazaretto.analysis.documents.compound import Compound

EQUATION = "0002ce02-0000-0000-c000-000000000046"
_MOST_OBJECTS = 500


@dataclass(frozen=True)
class Carried:
    """A file inside an object. `packaged`: a user's own file, which a double click opens as it would in a folder."""

    name: str
    data: bytes
    packaged: bool = False


@dataclass(frozen=True)
class Object1:
    """An OLE 1 object, as RTF keeps them. `linked` is the file or address of one that is only linked."""

    name: str
    topic: str
    data: bytes
    linked: bool


def object1(data: bytes) -> Object1 | None:
    """[MS-OLEDS] 2.2.4 and 2.2.5: the object in an RTF file's `objdata`; None if it is none."""
    if len(data) < 12:
        return None
    kind = struct.unpack_from("<I", data, 4)[0]
    if kind not in {1, 2}:
        return None
    texts: list[str] = []
    at = 8
    for _ in range(3):
        if at + 4 > len(data):
            return None
        length = struct.unpack_from("<I", data, at)[0]
        if length > len(data) - at - 4:
            return None
        texts.append(data[at + 4 : at + 4 + length].split(b"\0")[0].decode("cp1252", "replace"))
        at += 4 + length
    if kind == 1:
        return Object1(texts[0], texts[1], b"", linked=True)
    size = struct.unpack_from("<I", data, at)[0] if at + 4 <= len(data) else 0
    return Object1(texts[0], texts[1], data[at + 4 : at + 4 + size], linked=False)


def package(data: bytes, *, sized: bool = True) -> Carried | None:
    """The file in a packager's data: `\\1Ole10Native` begins with its size, an OLE 1 object does not."""
    at = 4 if sized else 0
    if data[at : at + 2] != b"\x02\0":
        return None
    at += 2
    texts = []
    for _ in range(2):  # the name that is shown, and where the file came from
        end = data.find(b"\0", at, at + 1024)
        if end < 0:
            return None
        texts.append(data[at:end].decode("cp1252", "replace"))
        at = end + 1
    if at + 8 > len(data):
        return None
    length = struct.unpack_from("<I", data, at + 4)[0]  # of the path to a temporary copy, after two flags
    at += 8 + length
    if length > 1024 or at + 4 > len(data):
        return None
    size = struct.unpack_from("<I", data, at)[0]
    content = data[at + 4 : at + 4 + size]
    name = re.split(r"[\\/]", texts[0] or texts[1])[-1]
    return Carried(name or "package", content, packaged=True) if content else None


def carried(file: Compound, name: str) -> Iterator[Carried]:
    """The files in an OLE 2 object: packages, documents kept as they are, other data in native form."""
    for path, data in list(file.streams.items())[:_MOST_OBJECTS]:
        last = path[-1].lower()
        if last == "\x01ole10native":
            found = package(data)
            if found:
                yield found
            elif not _is_equation(file, path[:-1]) and len(data) > 4:
                yield Carried(f"{name} native data", data[4:])
        elif last == "package" and data[:2] == b"PK":
            yield Carried(f"{name} document", data)
        elif last in {"contents", "ole10itemname"} and data[:4] in {b"%PDF", b"PK\x03\x04", b"MZ\x90\0"}:
            yield Carried(f"{name} contents", data)


def links(file: Compound) -> tuple[str, ...]:
    """Addresses to which the object is linked: what `\\1Ole` says of its moniker ([MS-OLEDS] 2.3.3)."""
    found: list[str] = []
    for path, data in file.streams.items():
        if path[-1].lower() == "\x01ole":
            found += addresses(data)
    return tuple(dict.fromkeys(found))[:50]


_NARROW = re.compile(rb"(?:[a-z]{2,12}:(?:/|\\|[a-z\-]{2,12}:)|\\\\[\w.\-@]+\\)[\x21-\x7e]{2,2000}", re.IGNORECASE)
_WIDE = re.compile(
    rb"(?:(?:[a-z]\0){2,12}:\0(?:/\0|\\\0|(?:[a-z\-]\0){2,12}:\0)|\\\0\\\0(?:[\w.\-@]\0)+\\\0)(?:[\x21-\x7e]\0){2,2000}",
    re.IGNORECASE,
)


def addresses(data: bytes) -> list[str]:
    """Addresses and network paths in binary data, narrow or UTF-16."""
    narrow = [match[0].decode("ascii") for match in _NARROW.finditer(data[: 1 << 16])]
    return narrow + [match[0].decode("utf-16-le") for match in _WIDE.finditer(data[: 1 << 16])]


def _is_equation(file: Compound, path: tuple[str, ...]) -> bool:
    return file.classes.get(path) == EQUATION


def equation_trick(file: Compound) -> str:
    """Why an equation in this object would break the old equation editor; empty if it would not.

    The editor copies a font's name into 40 bytes without looking at its length, and its own objects keep the equation
    in `Equation Native`, never as native data of OLE 1.
    """
    for path, data in file.streams.items():
        last = path[-1].lower()
        if last == "equation native" and (reason := mtef(data)):
            return reason
        if last == "\x01ole10native" and _is_equation(file, path[:-1]):
            return mtef(data) or "an equation whose data is kept as only other programs keep theirs"
    return ""


_LONGEST_FONT = 40


def mtef(data: bytes) -> str:  # noqa: PLR0911  one return a kind of record
    """What is wrong with an equation's data: a header of 28 bytes, five bytes of MTEF, records."""
    begin = 28 if data[:4] == b"\x1c\0\0\0" else 4
    if data[begin : begin + 1] not in {b"\x02", b"\x03"}:
        return ""
    at = begin + 5
    for _ in range(200):
        tag = data[at : at + 1]
        if not tag:
            return ""
        kind = tag[0] & 0x0F
        if kind == 8:  # FONT: tag, typeface, style, a name that ends with zero
            end = data.find(b"\0", at + 3, at + 3 + 4096)
            length = (end if end >= 0 else len(data)) - at - 3
            if length > _LONGEST_FONT:
                return f"an equation whose font has a name of {length} bytes"
            at += 4 + length
        elif kind in {10, 11, 12, 13, 14}:  # sizes without data
            at += 1
        elif kind == 5:  # MATRIX: rows and columns drive a loop over a buffer of eight bytes
            rows, columns = (*data[at + 4 : at + 6], 0, 0)[:2]
            if max(rows, columns) > 32:
                return f"an equation with a matrix of {rows} by {columns}"
            return ""
        else:
            # Lines and templates nest with options; fonts that break the editor stand before them or within the first.
            at += 1 if kind in {0, 1} and not tag[0] & 0xF0 else 2
            if kind not in {0, 1, 9}:
                return ""
    return ""


def read_object(data: bytes) -> Compound | None:
    """An OLE 2 object; None if the bytes are none."""
    return compound.read(data)
