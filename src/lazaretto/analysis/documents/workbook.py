"""Records of binary workbooks ([MS-XLS]) and what both formats of Excel say of links to other programs."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from lazaretto.analysis.documents.markup import elements

_MOST_RECORDS = 500_000


def records(stream: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Place, number and body of each record of a `Workbook` stream."""
    at = 0
    for _ in range(_MOST_RECORDS):
        if at + 4 > len(stream):
            return
        number, length = struct.unpack_from("<HH", stream, at)
        yield at, number, stream[at + 4 : at + 4 + length]
        at += 4 + length


def conversations(stream: bytes) -> Iterator[str]:
    """Server and topic of links that are kept up over DDE: a SUPBOOK (2.4.271) with a name that \\3 divides."""
    for _, number, body in records(stream):
        if number != 0x01AE or len(body) < 6:
            continue
        count, wide = struct.unpack_from("<HB", body, 2)
        text = (
            body[5 : 5 + count * 2].decode("utf-16-le", "replace") if wide & 1 else body[5 : 5 + count].decode("cp1252")
        )
        if "\x03" in text and not text.startswith(("\x01", "\x02")):
            yield text.replace("\x03", " ", 1)


def conversations_xml(data: bytes) -> Iterator[str]:
    """The same in an external link of a package (ECMA-376, 18.14.4)."""
    for element in elements(data):
        if element.name == "ddeLink":
            yield f"{element.attributes.get('ddeService', '')} {element.attributes.get('ddeTopic', '')}"
