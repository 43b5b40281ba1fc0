"""Makes mails for tests: MIME from parts, Outlook's MSG ([MS-OXMSG]), winmail.dat ([MS-OXTNEF])."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from email.message import EmailMessage

from lazaretto.testing.vba import Tree, compound

FROM = "Anna Berg <anna@firma-berg.example.com>"


def mail(
    headers: Mapping[str, str] | None = None,
    *,
    text: str = "See you tomorrow.",
    html: str = "",
    files: Sequence[tuple[str, bytes]] = (),
    top: str = "",
) -> bytes:
    """A message. `headers` come beside From, To, Subject, Date, or in their place; `top` are lines put before all."""
    made = EmailMessage()
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    for name, data in files:
        made.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    known = {
        "From": FROM,
        "To": "bert@kunde.example.org",
        "Subject": "Tomorrow",
        "Date": "Mon, 5 Jan 2026 09:00:00 +0100",
    }
    lines = [f"{name}: {value}" for name, value in {**known, **(headers or {})}.items() if value]
    return top.encode() + "\r\n".join(lines).encode() + b"\r\n" + made.as_bytes()


def msg(
    properties: Mapping[str, str | bytes], attachments: Sequence[Mapping[str, str | bytes | Mapping[str, object]]] = ()
) -> bytes:
    """An Outlook message. Properties by their number in hexadecimal: texts are stored as Unicode, bytes as binary; the
    property 3701 of an attachment may be the tree of another message."""
    return compound(message_tree(properties, attachments))


def message_tree(
    properties: Mapping[str, str | bytes], attachments: Sequence[Mapping[str, str | bytes | Mapping[str, object]]] = ()
) -> Tree:
    """The storages and streams of a message."""
    tree: dict[str, bytes | Tree] = {"__properties_version1.0": bytes(32), **_streams(properties)}
    for number, one in enumerate(attachments):
        inner: dict[str, bytes | Tree] = {"__properties_version1.0": bytes(8)}
        for name, value in one.items():
            if isinstance(value, str | bytes):
                inner.update(_streams({name: value}))
            else:
                inner[f"__substg1.0_{name}000D"] = value  # type: ignore[assignment]  # a tree
        tree[f"__attach_version1.0_#{number:08X}"] = inner
    return tree


def _streams(properties: Mapping[str, str | bytes]) -> dict[str, bytes]:
    return {
        f"__substg1.0_{name}{'001F' if isinstance(value, str) else '0102'}": value.encode("utf-16-le")
        if isinstance(value, str)
        else value
        for name, value in properties.items()
    }


def tnef(files: Sequence[tuple[str, bytes]], html: str = "") -> bytes:
    """winmail.dat with these files, each with a long name among its properties."""
    out = struct.pack("<IH", 0x223E9F78, 1)
    if html:
        out += _attribute(1, 0x00069003, _properties([(0x1013, 0x0102, html.encode())]))
    for name, data in files:
        out += _attribute(2, 0x00069002, bytes(14))
        out += _attribute(2, 0x00018010, b"short.dat\0")
        out += _attribute(2, 0x0006800F, data)
        out += _attribute(2, 0x00069005, _properties([(0x3707, 0x001F, f"{name}\0".encode("utf-16-le"))]))
    return out


def _attribute(level: int, identifier: int, data: bytes) -> bytes:
    return struct.pack("<BII", level, identifier, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def _properties(properties: Sequence[tuple[int, int, bytes]]) -> bytes:
    out = struct.pack("<I", len(properties) + 2)
    out += struct.pack("<HHI", 0x0003, 0x3705, 1)  # a number, PidTagAttachMethod
    out += struct.pack("<HH", 0x0003, 0x8001) + bytes(16) + struct.pack("<III", 0, 7, 5)  # a named one
    for tag, kind, value in properties:
        out += struct.pack("<HHII", kind, tag, 1, len(value)) + value + bytes(-len(value) % 4)
    return out
