"""winmail.dat: Transport Neutral Encapsulation Format, [MS-OXTNEF].

A stream of attributes: level (1 byte), id (4), length (4), data, checksum (2), all little endian. An attachment begins
with attAttachRenddata; its title, data and properties follow.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from lazaretto.analysis.mail.message import Attachment, Body
from lazaretto.analysis.mail.rtf import decompressed

SIGNATURE = b"\x78\x9f\x3e\x22"
_MOST_ATTRIBUTES = 5_000
_MOST_PROPERTIES = 2_000
_TITLE, _DATA, _BEGIN, _PROPERTIES, _OF_MESSAGE = 0x018010, 0x06800F, 0x069002, 0x069005, 0x069003
# Properties ([MS-OXPROPS]) and the types whose values have a fixed size ([MS-OXCDATA] 2.11.1).
_LONG_NAME, _NAME, _ATTACHED, _RTF, _HTML, _PLAIN = 0x3707, 0x3704, 0x3701, 0x1009, 0x1013, 0x1000
_FIXED = {
    0x0002: 4,
    0x0003: 4,
    0x0004: 4,
    0x0005: 8,
    0x0006: 8,
    0x0007: 8,
    0x000A: 4,
    0x000B: 4,
    0x0014: 8,
    0x0040: 8,
    0x0048: 16,
}
_COUNTED = {0x000D, 0x001E, 0x001F, 0x0102}


@dataclass
class _Open:
    """An attachment of which more may come."""

    name: str = ""
    data: bytes = b""


def attachments_of(data: bytes) -> list[Attachment]:
    """The files in it; bodies that only it has are files too. Nothing where it is no TNEF; what follows a damage is
    left out."""
    found = [Attachment(one.name or "attachment.bin", one.data) for one in _opened(data) if one.data]
    for number, body in enumerate(bodies_of(data)):
        found.append(Attachment(f"winmail-{number}.{'html' if body.html else 'txt'}", body.text.encode(), inline=True))
    return found


def bodies_of(data: bytes) -> list[Body]:
    """Texts of the message that are kept in its properties."""
    bodies = []
    for identifier, value in _attributes(data):
        if identifier == _OF_MESSAGE:
            for tag, kind, content in _properties(value):
                if tag == _HTML:
                    bodies.append(Body(content.decode("utf-8", "replace"), html=True))
                elif tag == _RTF:
                    bodies.append(Body(decompressed(content).decode("latin-1"), html=False))
                elif tag == _PLAIN:
                    bodies.append(Body(_string(kind, content), html=False))
    return [body for body in bodies if body.text.strip()]


def _opened(data: bytes) -> list[_Open]:
    found: list[_Open] = []
    for identifier, value in _attributes(data):
        if identifier == _BEGIN:
            found.append(_Open())
        elif found and identifier == _TITLE:
            found[-1].name = value.split(b"\0")[0].decode("latin-1")
        elif found and identifier == _DATA:
            found[-1].data = value
        elif found and identifier == _PROPERTIES:
            _more(found[-1], value)
    return found


def _more(one: _Open, value: bytes) -> None:
    for tag, kind, content in _properties(value):
        if tag == _LONG_NAME or (tag == _NAME and not one.name):
            one.name = _string(kind, content) or one.name
        elif tag == _ATTACHED and not one.data:
            # an embedded object begins with the 16 bytes of its interface's name
            one.data = content[16:] if kind == 0x000D else content


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    if data[:4] != SIGNATURE:
        return
    at = 6  # after the signature and the key
    for _ in range(_MOST_ATTRIBUTES):
        if at + 9 > len(data):
            return
        _, identifier, length = struct.unpack_from("<BII", data, at)
        at += 9
        if length > len(data) - at:
            return
        yield identifier & 0xFFFFFF, data[at : at + length]
        at += length + 2


def _properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Number, type and value of each property, [MS-OXTNEF] 2.1.3.4; ends at the first that is not understood."""
    if len(data) < 4:
        return
    at = 4
    for _ in range(min(struct.unpack_from("<I", data)[0], _MOST_PROPERTIES)):
        if at + 4 > len(data):
            return
        kind, tag = struct.unpack_from("<HH", data, at)
        at += 4
        if tag >= 0x8000:  # a named one: 16 bytes of a set's name, then a number or a name
            at = _after_name(data, at)
        many = kind & 0x1000
        kind &= 0xFFF
        count = 1
        if many or kind in _COUNTED:
            if at + 4 > len(data):
                return
            count = struct.unpack_from("<I", data, at)[0]
            at += 4
        for _value in range(min(count, _MOST_PROPERTIES)):
            size = _FIXED.get(kind, -1)
            if kind in _COUNTED:
                if at + 4 > len(data):
                    return
                size = struct.unpack_from("<I", data, at)[0]
                at += 4
            if size < 0 or size > len(data) - at:
                return
            yield tag, kind, data[at : at + size]
            at += size + -size % 4


def _after_name(data: bytes, at: int) -> int:
    at += 16
    if at + 8 > len(data):
        return len(data)
    by_name, value = struct.unpack_from("<II", data, at)
    at += 8
    return at + value + -value % 4 if by_name == 1 else at


def _string(kind: int, content: bytes) -> str:
    text = content.decode("utf-16-le", "replace") if kind == 0x001F else content.decode("latin-1")
    return text.split("\0")[0]
