"""Outlook's MSG: a compound file with a stream for each property, [MS-OXMSG]. Properties by number: [MS-OXPROPS]."""

from __future__ import annotations

import importlib
import io
import re
import struct
from collections.abc import Sequence
from email.message import EmailMessage
from email.parser import HeaderParser
from email.policy import compat32
from typing import Any

from lazaretto.analysis.mail.message import MOST_HEADERS, Attachment, Body, Message
from lazaretto.analysis.mail.rtf import decompressed

_MOST_ATTACHMENTS = 500
_MOST_STREAM = 64 << 20  # bytes
_MOST_DEPTH = 6
_EMBEDDED = "__substg1.0_3701000D"
_SUBJECT, _HEADERS, _SENDER_NAME, _SENDER_MAIL, _SENDER_SMTP, _PLAIN, _RTF, _HTML = (
    "0037", "007D", "0C1A", "0C1F", "5D01", "1000", "1009", "1013",
)  # fmt: skip
_TO, _CC = "0E04", "0E03"
_ATTACH_DATA, _ATTACH_LONG, _ATTACH_SHORT, _ATTACH_ID, _SHOWN = "3701", "3707", "3704", "3712", "3001"


def read_msg(data: bytes) -> Message:
    """The message, as far as its compound file can be read; what it lacks is among its problems."""
    ole: Any = importlib.import_module("olefile")  # only in the cage; it has no types
    whole = data + bytes(-len(data) % 512)  # a file that was cut is read up to there
    try:
        with ole.OleFileIO(io.BytesIO(whole)) as file:
            return _Reader(file).message((), 0)
    except (OSError, ValueError, IndexError, struct.error) as error:  # olefile's own errors are of OSError
        return Message(headers=(), bodies=(), attachments=(), problems=(f"the container is damaged ({error})",))


class _Reader:
    """The properties of one compound file."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._entries = file.listdir(streams=True, storages=True)[:20_000]

    def message(self, below: tuple[str, ...], depth: int) -> Message:
        """The message in this storage."""
        problems: list[str] = []
        attachments = self._attachments(below, depth, problems)
        return Message(
            headers=tuple(self._headers(below)[:MOST_HEADERS]),
            bodies=tuple(self._bodies(below)),
            attachments=tuple(attachments),
            problems=tuple(problems),
        )

    def _headers(self, below: tuple[str, ...]) -> list[tuple[str, str]]:
        """Those of the transport, as they came, where they are kept; else what the properties say."""
        kept = self._text(below, _HEADERS)
        if kept:
            parsed = HeaderParser(policy=compat32).parsestr(re.sub(r"^Microsoft Mail.*\r?\n", "", kept))
            found = [(name.lower(), re.sub(r"[\r\n]+[ \t]*", " ", str(value))) for name, value in parsed.items()]
            if found:
                return found
        mail = self._text(below, _SENDER_SMTP) or self._text(below, _SENDER_MAIL)
        shown = self._text(below, _SENDER_NAME).replace('"', "'")
        return [
            (name, value)
            for name, value in (
                ("from", f'"{shown}" <{mail}>' if "@" in mail else shown),
                ("to", self._text(below, _TO)),
                ("cc", self._text(below, _CC)),
                ("subject", self._text(below, _SUBJECT)),
            )
            if value
        ]

    def _bodies(self, below: tuple[str, ...]) -> list[Body]:
        bodies = []
        if plain := self._text(below, _PLAIN):
            bodies.append(Body(plain, html=False))
        html = self._bytes(below, f"{_HTML}0102").decode("utf-8", "replace") or self._text(below, _HTML)
        if html:
            bodies.append(Body(html, html=True))
        rtf = decompressed(self._bytes(below, f"{_RTF}0102"))
        if rtf and not bodies:
            bodies.append(Body(_plain_of_rtf(rtf), html=b"\\fromhtml" in rtf[:500]))
        return bodies

    def _attachments(self, below: tuple[str, ...], depth: int, problems: list[str]) -> list[Attachment]:
        found = []
        storages = [
            entry[-1] for entry in self._entries
            if tuple(entry[:-1]) == below and entry[-1].startswith("__attach_version1.0_")
        ]  # fmt: skip
        for storage in storages[:_MOST_ATTACHMENTS]:
            here = (*below, storage)
            name = self._text(here, _ATTACH_LONG) or self._text(here, _ATTACH_SHORT) or self._text(here, _SHOWN)
            if self._file.exists([*here, _EMBEDDED]):
                if depth >= _MOST_DEPTH:
                    problems.append("messages are nested too deep in it")
                    continue
                inner = self.message((*here, _EMBEDDED), depth + 1)
                found.append(
                    Attachment(_with_extension(name or inner.subject or "message"), rendered(inner), message=True)
                )
            elif data := self._bytes(here, f"{_ATTACH_DATA}0102"):
                found.append(Attachment(name or "attachment.bin", data, inline=bool(self._text(here, _ATTACH_ID))))
        if len(storages) > _MOST_ATTACHMENTS:
            problems.append(f"it has more than {_MOST_ATTACHMENTS} attachments")
        return found

    def _text(self, below: tuple[str, ...], number: str) -> str:
        wide = self._bytes(below, f"{number}001F")
        if wide:
            return wide.decode("utf-16-le", "replace").rstrip("\0")
        return self._bytes(below, f"{number}001E").decode("latin-1").rstrip("\0")

    def _bytes(self, below: Sequence[str], name: str) -> bytes:
        path = [*below, f"__substg1.0_{name}"]
        try:
            if not self._file.exists(path):
                return b""
            with self._file.openstream(path) as stream:
                content: bytes = stream.read(_MOST_STREAM)
                return content
        except (OSError, ValueError, IndexError, struct.error):
            return b""


def rendered(message: Message) -> bytes:
    """The same message in MIME: a message inside another is no compound file of its own."""
    made = EmailMessage()
    texts = [body for body in message.bodies if not body.html] + [body for body in message.bodies if body.html]
    lines = [
        f"{name.title()}: {_line(value)}"
        for name, value in message.headers
        if not name.startswith(("content-", "mime-version"))
    ]
    for body in texts[:1]:
        made.set_content(body.text, subtype="html" if body.html else "plain", cte="base64")
    for body in texts[1:2]:
        made.add_alternative(body.text, subtype="html" if body.html else "plain", cte="base64")
    for one in message.attachments:
        made.add_attachment(
            one.data, maintype="application", subtype="octet-stream", filename=_line(one.name) or "attachment"
        )
    head = "\r\n".join(lines).encode("utf-8", "replace")
    return head + b"\r\n" + made.as_bytes() if lines else made.as_bytes()


def _line(value: str) -> str:
    return "".join(letter for letter in value if letter.isprintable())[:900]


def _with_extension(name: str) -> str:
    return name if name.lower().endswith(".eml") else f"{name}.eml"


_RTF_TAG = re.compile(
    rb"\\\*?\\htmltag[0-9]* ?|\\htmlrtf0? ?|\\'([0-9a-fA-F]{2})|\\(par|line)\b ?|\\[a-z]+-?[0-9]* ?|[{}]"
)


def _plain_of_rtf(rtf: bytes) -> str:
    """The text without its marking; of HTML that was wrapped in RTF ([MS-OXRTFEX]) roughly the HTML."""

    def instead(found: re.Match[bytes]) -> bytes:
        if found[1]:
            return bytes([int(found[1], 16)])
        return b"\n" if found[2] else b""

    return _RTF_TAG.sub(instead, rtf[: 4 << 20]).decode("latin-1")
