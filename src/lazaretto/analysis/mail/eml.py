"""RFC 5322 and MIME, read with the parser of Python's library, whose oldest policy takes whatever comes."""

from __future__ import annotations

import binascii
import email
import email.generator  # asked for when it is needed, and then it cannot be loaded any more
import re
from collections.abc import Iterator
from email import policy
from email.message import Message as Part
from typing import Any

from lazaretto.analysis.mail.message import MOST_HEADERS, Attachment, Body, Message, as_text, decoded
from lazaretto.analysis.mail.tnef import attachments_of

MOST_PARTS = 1_000
_MOST_DEPTH = 30
_FOLD = re.compile(r"[\r\n]+[ \t]*")


def read_eml(data: bytes) -> Message:
    """The message. Never raises for what is in the bytes: a part that cannot be decoded is a problem of the message."""
    root: Part[Any, Any] = email.message_from_bytes(data.lstrip(b"\r\n"), policy=policy.compat32)
    headers = tuple((name.lower(), _FOLD.sub(" ", str(value))) for name, value in root.items()[:MOST_HEADERS])
    bodies: list[Body] = []
    attachments: list[Attachment] = []
    problems: list[str] = []
    for number, part in enumerate(_leaves(root, 0)):
        if number >= MOST_PARTS:
            problems.append(f"it has more than {MOST_PARTS} parts")
            break
        _take(part, bodies, attachments, problems)
    return Message(headers, tuple(bodies), tuple(attachments), tuple(dict.fromkeys(problems)))


def _leaves(part: Part[Any, Any], depth: int) -> Iterator[Part[Any, Any]]:
    """Parts that have a content of their own; a message inside a message is one of them."""
    content = part.get_payload()
    if part.get_content_type() == "message/rfc822" or not isinstance(content, list):
        yield part
    elif depth < _MOST_DEPTH:
        for inner in content:
            if isinstance(inner, str):
                continue
            yield from _leaves(inner, depth + 1)
    else:
        yield part


def _take(part: Part[Any, Any], bodies: list[Body], attachments: list[Attachment], problems: list[str]) -> None:
    kind = part.get_content_type()
    name = _name(part)
    disposition = str(part.get("content-disposition", "")).strip().lower()
    if kind == "message/rfc822":
        inner = part.get_payload()
        first = inner[0] if isinstance(inner, list) and inner else part
        whole = _content(part) if first is part or isinstance(first, str) else first.as_bytes(policy=policy.compat32)
        attachments.append(Attachment(name or "message.eml", whole, message=True))
        return
    try:
        data = _content(part)
    except (ValueError, LookupError, binascii.Error):
        problems.append(f"a part ({kind}) cannot be decoded")
        return
    if kind in {"text/plain", "text/html"} and not name and not disposition.startswith("attachment"):
        bodies.append(Body(as_text(data, part.get_content_charset()), html=kind == "text/html"))
    elif kind.startswith("multipart/"):
        problems.append("its parts are nested too deep")
    elif kind == "application/ms-tnef" or name.lower() == "winmail.dat":
        attachments.append(Attachment(name or "winmail.dat", data))
        attachments.extend(attachments_of(data))
    elif data or name:
        inline = disposition.startswith("inline") or (part.get("content-id") is not None and kind.startswith("image/"))
        attachments.append(Attachment(name or _plain_name(kind), data, inline=inline))


def _content(part: Part[Any, Any]) -> bytes:
    content = part.get_payload(decode=True)
    if isinstance(content, bytes):
        return content
    return part.as_bytes(policy=policy.compat32)


def _name(part: Part[Any, Any]) -> str:
    try:
        name = part.get_filename("") or ""
    except (ValueError, LookupError, TypeError):
        name = ""
    return decoded(_FOLD.sub("", str(name))).replace("\\", "/").rpartition("/")[2].strip()


def _plain_name(kind: str) -> str:
    main, _, sub = kind.partition("/")
    known = {"html": "html", "plain": "txt", "calendar": "ics", "jpeg": "jpg", "png": "png", "gif": "gif", "pdf": "pdf"}
    return f"{main}.{known.get(sub, 'bin')}"
