"""Rich text (RTF 1.9.1), as far as it carries objects, fields and a template.

Readers skip control words that they do not know, wherever they stand, so hexadecimal data may be riddled with them.
Nobody who means well does that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    rb"\\(?P<word>[a-zA-Z]{1,64})(?P<number>-?\d{0,10}) ?|\\'(?P<hex>[0-9a-fA-F]{2})|\\(?P<symbol>[^a-zA-Z])"
    rb"|(?P<brace>[{}])|(?P<text>[^\\{}]+)",
    re.DOTALL,
)
_DESTINATIONS = frozenset({b"objdata", b"fldinst", b"template", b"objclass", b"pict", b"fonttbl", b"stylesheet"})
_MOST_TOKENS = 3_000_000
_MOST_DEPTH = 2_000
_MOST_OBJECTS = 500
_HEX = re.compile(rb"[^0-9a-fA-F]+")


@dataclass
class Object:
    """`update`: the reader is to load it before it is shown. `odd`: what its data was riddled with."""

    data: bytes = b""
    update: bool = False
    odd: tuple[str, ...] = ()


@dataclass
class Text:
    """`header` is how the file begins, up to the first thing that is no letter or digit."""

    header: str = ""
    objects: list[Object] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    template: str = ""


@dataclass
class _Group:
    destination: bytes = b""
    ignorable: bool = False  # \* was just read


def read(data: bytes) -> Text:
    """Everything of interest in one pass."""
    return _Reader(data).read()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._found = Text()
        self._stack = [_Group()]
        self._depth = 0  # beyond what the stack holds
        self._hex: list[bytes] = []
        self._odd: dict[str, None] = {}
        self._field: list[str] = []
        self._template: list[str] = []
        self._update = False

    def read(self) -> Text:
        header = re.match(rb"\{\\[a-zA-Z]{0,20}\d{0,6}", self._data)
        self._found.header = header[0].decode() if header else ""
        at = 0
        for _ in range(_MOST_TOKENS):
            match = _TOKEN.match(self._data, at)
            if match is None:
                break
            at = match.end()
            if match["brace"]:
                self._brace(match["brace"] == b"{")
            elif match["word"]:
                at += self._word(match["word"], match["number"], at)
            elif match["hex"]:
                self._put(bytes.fromhex(match["hex"].decode()), escaped=True)
            elif match["symbol"]:
                self._symbol(match["symbol"])
            else:
                self._put(match["text"])
        self._close(_Group(b"objdata"))
        return self._found

    @property
    def _group(self) -> _Group:
        return self._stack[-1]

    def _brace(self, opens: bool) -> None:
        if opens:
            if len(self._stack) >= _MOST_DEPTH:
                self._depth += 1
                return
            if self._group.destination == b"objdata" and self._hex:
                self._odd.setdefault("a group")
            self._stack.append(_Group(self._group.destination))
        elif self._depth:
            self._depth -= 1
        elif len(self._stack) > 1:
            group = self._stack.pop()
            if group.destination != self._group.destination:
                self._close(group)

    def _word(self, word: bytes, number: bytes, at: int) -> int:
        """Handle a control word; how many bytes behind it are not text."""
        ignorable, self._group.ignorable = self._group.ignorable, False
        if word == b"bin":
            return self._binary(number, at)
        if word in _DESTINATIONS:
            self._group.destination = word
            if word == b"objdata":
                self._hex, self._odd = [], {}
        elif word in {b"objupdate", b"objautlink"}:
            self._update = self._update or word == b"objupdate"
        elif ignorable and self._group.destination != b"fldinst":
            if self._group.destination == b"objdata":
                self._odd.setdefault(f"\\*\\{word.decode()[:20]}")
            self._group.destination = b"skipped"
        elif self._group.destination == b"objdata":
            self._odd.setdefault(f"\\{word.decode()[:20]}")
        elif word == b"u" and number and self._group.destination == b"fldinst":
            self._field.append(chr(int(number) & 0xFFFF))
        return 0

    def _binary(self, number: bytes, at: int) -> int:
        length = max(0, int(number or b"0"))
        if self._group.destination == b"objdata":
            self._hex.append(self._data[at : at + length].hex().encode())
            if not length:
                self._odd.setdefault("\\bin0")
        return length

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self._group.ignorable = True
        elif self._group.destination == b"objdata" and symbol not in b"\r\n":
            self._odd.setdefault(f"\\{symbol.decode('latin-1')}")
        elif symbol in b"\\{}":
            self._put(symbol, escaped=True)

    def _put(self, text: bytes, *, escaped: bool = False) -> None:
        match self._group.destination:
            case b"objdata":
                if escaped or re.search(rb"[^0-9a-fA-F\s\0]", text):
                    self._odd.setdefault("other characters")
                if not escaped:
                    self._hex.append(_HEX.sub(b"", text))
            case b"fldinst":
                self._field.append(text.decode("cp1252", "replace"))
            case b"template":
                self._template.append(text.decode("cp1252", "replace"))

    def _close(self, group: _Group) -> None:
        if group.destination == b"objdata" and self._hex and len(self._found.objects) < _MOST_OBJECTS:
            digits = b"".join(self._hex)
            data = bytes.fromhex(digits[: len(digits) // 2 * 2].decode())
            self._found.objects.append(Object(data, self._update, tuple(self._odd)[:10]))
            self._hex, self._odd, self._update = [], {}, False
        elif group.destination == b"fldinst" and self._field:
            self._found.fields.append("".join(self._field).replace("\r", "").replace("\n", "")[:4_000])
            self._field = []
        elif group.destination == b"template" and self._template:
            self._found.template = "".join(self._template).strip()[:2_000]
