"""What tests of engines that read documents share: run `examine` directly, and sort what it says."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from lazaretto.analysis.engine import Fact, Finding, Indicator, Member, Output, Shortfall, Subject
from lazaretto.analysis.identify import identify

Examine = Callable[[Subject], Iterator[Output]]


def look(examine: Examine, data: bytes, name: str = "", options: Mapping[str, Any] | None = None) -> list[Output]:
    """All outputs about these bytes."""
    return list(examine(Subject(data=data, name=name, kind=identify(data, name), options=options or {})))


def ids(outputs: list[Output]) -> set[str]:
    return {output.id for output in outputs if isinstance(output, Finding)}


def details(outputs: list[Output], name: str) -> list[str]:
    return [output.detail for output in outputs if isinstance(output, Finding) and output.id == name]


def members(outputs: list[Output]) -> dict[str, Member]:
    return {output.name: output for output in outputs if isinstance(output, Member)}


def facts(outputs: list[Output]) -> dict[str, object]:
    return {output.name: output.value for output in outputs if isinstance(output, Fact)}


def indicators(outputs: list[Output], kind: str) -> set[str]:
    return {output.value for output in outputs if isinstance(output, Indicator) and output.kind == kind}


def shortfalls(outputs: list[Output]) -> list[str]:
    return [output.reason for output in outputs if isinstance(output, Shortfall)]


# --- documents ------------------------------------------------------------------------------------------------------

PROGRAM = b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0\x64\x86" + bytes(200)
"""Bytes that begin as a Windows program does."""


def zipped(members: Mapping[str, bytes | str]) -> bytes:
    """A ZIP file with these members, always the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name, (2024, 5, 6, 9, 30, 0)), content)
    return out.getvalue()


_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def word(
    parts: Mapping[str, bytes | str] | None = None, relations: Sequence[tuple[str, str]] = (), body: str = ""
) -> bytes:
    """A Word document: further parts, external relationships (kind and target), XML of its body."""
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    listed = "".join(
        f'<Relationship Id="r{number}" Type="{_KINDS}/{kind}" Target="{escape(target)}" TargetMode="External"/>'
        for number, (kind, target) in enumerate(relations)
    )
    return zipped(
        {
            "[Content_Types].xml": "<Types/>",
            "word/document.xml": f'<w:document xmlns:w="{space}"><w:body>{body}</w:body></w:document>',
            "word/_rels/document.xml.rels": f"<Relationships>{listed}</Relationships>",
            **(parts or {}),
        }
    )


def packaged(name: str, data: bytes, *, sized: bool = True) -> bytes:
    """A file as the packager keeps it, with or without its size before it."""
    text = name.encode("cp1252") + b"\0"
    body = b"\x02\0" + text + b"C:\\" + text + struct.pack("<HHI", 0, 3, len(text)) + text
    body += struct.pack("<I", len(data)) + data
    return (struct.pack("<I", len(body)) if sized else b"") + body


def object1(name: str, data: bytes) -> bytes:
    """An embedded OLE 1 object ([MS-OLEDS] 2.2.5), as RTF keeps it."""
    text = name.encode("ascii") + b"\0"
    head = struct.pack("<III", 0x501, 2, len(text)) + text + struct.pack("<II", 0, 0)
    return head + struct.pack("<I", len(data)) + data
