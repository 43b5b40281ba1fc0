"""A message as the engines see it, read from EML (RFC 5322, MIME) or MSG."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.header import decode_header

from lazaretto.analysis.charsets import known

MOST_HEADERS = 500
_MOST_VALUE = 8_000  # characters of a header that are looked at
_MOST_ADDRESSES = 200
_COMMENT = re.compile(r"\([^()]{0,500}\)")


@dataclass(frozen=True)
class Address:
    """A person as a header names them."""

    shown: str  # the name that a mail program shows
    mail: str  # the whole address, as it stands

    @property
    def domain(self) -> str:
        """Lower case; empty where there is none."""
        return self.mail.rpartition("@")[2].lower().strip(" .") if "@" in self.mail else ""


@dataclass(frozen=True)
class Body:
    """One rendering of the text. `html`: marked up."""

    text: str
    html: bool


@dataclass(frozen=True)
class Attachment:
    """A file that came along. `inline`: shown within the text, as pictures are. `message`: a mail itself."""

    name: str
    data: bytes
    inline: bool = False
    message: bool = False


@dataclass(frozen=True)
class Message:
    """Header fields in their order, top first; names lower case, values without folding and not yet decoded."""

    headers: tuple[tuple[str, str], ...]
    bodies: tuple[Body, ...]
    attachments: tuple[Attachment, ...]
    problems: tuple[str, ...] = ()  # what could not be read

    def all(self, name: str) -> list[str]:
        """The values of every field of this name, top first."""
        return [value for known, value in self.headers if known == name]

    def first(self, name: str) -> str:
        """The value of the topmost field of this name; empty if there is none."""
        return next(iter(self.all(name)), "")

    def addresses(self, *names: str) -> list[Address]:
        """The people in these fields."""
        values = [value[:_MOST_VALUE] for name in names for value in self.all(name)]
        return [one for value in values for one in addresses(value)][:_MOST_ADDRESSES]

    @property
    def subject(self) -> str:
        """Decoded."""
        return decoded(self.first("subject"))

    @property
    def text(self) -> str:
        """All plain renderings, one after the other."""
        return "\n".join(body.text for body in self.bodies if not body.html)


def addresses(value: str) -> list[Address]:
    """The people in a field's value, as a mail program would show them.

    Not by the library's function: its releases differ in what they make of a value that is not well-formed, and a
    sender's tricks are just that.
    """
    found = []
    for one in _apart(value):
        before, bracket, after = one.rpartition("<")
        mail = after.partition(">")[0] if bracket else _COMMENT.sub("", one)
        shown = decoded(_unquoted(before)) if bracket else ""
        if mail.strip() or shown:
            found.append(Address(shown, mail.strip().strip('"')))
    return found


def _apart(value: str) -> list[str]:
    """At the commas that are not quoted."""
    parts, part, quoted = [], "", False
    escaped = False
    for letter in value:
        if letter == '"' and not escaped:
            quoted = not quoted
        escaped = letter == "\\" and not escaped
        if letter in ",;" and not quoted:
            parts.append(part)
            part = ""
        else:
            part += letter
    return [one.strip() for one in [*parts, part] if one.strip()][:_MOST_ADDRESSES]


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == '"' == text[-1]:
        text = text[1:-1]
    return text.replace('\\"', '"').replace("\\\\", "\\")


def decoded(value: str) -> str:
    """A header's text with its encoded words (RFC 2047) read; what cannot be read stays as it is."""
    if "=?" not in value:
        return value
    try:
        parts = decode_header(value[:_MOST_VALUE])
        return "".join(
            part if isinstance(part, str) else part.decode(_charset(encoding), "replace") for part, encoding in parts
        )
    except (ValueError, LookupError, UnicodeError):
        return value


def _charset(name: str | None) -> str:
    return known(name, "latin-1") if name else "latin-1"


def as_text(data: bytes, charset: str | None) -> str:
    """Bytes in a character set that somebody claims; UTF-8 or Latin-1 where it does not exist."""
    for name in (charset, "utf-8"):
        try:
            if name:
                return data.decode(name)
        except (LookupError, UnicodeError, ValueError):
            continue
    return data.decode("latin-1")
