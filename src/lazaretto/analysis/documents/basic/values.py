"""Values of Basic as far as they are known.

A text remembers whether it was put together in a way that hides it (`made`): from character codes, backwards, out of
pieces. Joining plain texts does not hide them: every program does that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LONGEST = 1 << 20  # characters of a text
UNKNOWN_PART = "…"  # stands in a text for what is not known of it
MOST_ITEMS = 200_000  # of an array


class Text(str):
    """A text; `made` once it was hidden, `pieces` how many literals it was joined from so far."""

    made: bool
    pieces: int

    def __new__(cls, value: str, *, made: bool = False, pieces: int = 1) -> Text:
        self = super().__new__(cls, value[:LONGEST])
        self.made = made
        self.pieces = pieces
        return self


@dataclass(frozen=True, slots=True)
class Unknown:
    """`origin` says where it would come from: document, environment, network, file, or nothing."""

    origin: str = ""


@dataclass(slots=True)
class Thing:
    """An object of the machine, by what it was asked for: `wscript.shell`, `activedocument.variables`."""

    name: str
    state: dict[str, Value] = field(default_factory=dict)
    made: bool = False


@dataclass(slots=True)
class Array:
    items: list[Value]


Value = Text | int | float | bool | Unknown | Thing | Array | None  # None is Empty

NOTHING = Unknown()
_SHORT = 4  # characters a piece has at most, on average, if a text is said to be cut up
_MANY = 5


def text_of(value: Value) -> Text | None:
    """The value as a text; None if that is not known."""
    if isinstance(value, Text):
        return value
    if value is None:
        return Text("", pieces=0)
    if isinstance(value, bool):
        return Text("True" if value else "False")
    if isinstance(value, int):
        return Text(str(value)) if abs(value) < 10**300 else None
    if isinstance(value, float):
        return Text(f"{value:.15g}")
    return None


def number_of(value: Value) -> int | float | None:
    if isinstance(value, bool):
        return -1 if value else 0
    if isinstance(value, int | float):
        return value
    if value is None:
        return 0
    if isinstance(value, Text):
        return _number_in(value)
    return None


def _number_in(text: str) -> int | float | None:
    plain = text.strip()[:40]
    if plain[:2].lower() in {"&h", "&o"}:
        try:
            return int(plain[2:].rstrip("&"), 16 if plain[1] in "hH" else 8)
        except ValueError:
            return None
    try:
        return int(plain)
    except ValueError:
        pass
    try:
        found = float(plain)
    except ValueError:
        return None
    return found if abs(found) < 1e300 else None


def whole(value: Value) -> int | None:
    """As a whole number, rounded as Basic does."""
    found = number_of(value)
    if found is None or abs(found) > 1e15:
        return None
    return round(found)


def truth(value: Value) -> bool | None:
    found = number_of(value)
    return None if found is None else bool(found)


def joined(parts: list[Text]) -> Text:
    """Texts one after the other; many short ones are a text that was cut up to be hidden."""
    whole_text = Text("".join(parts))
    pieces = sum(part.pieces for part in parts if part)
    cut_up = pieces >= _MANY and 0 < len(whole_text) <= pieces * _SHORT and whole_text.isascii()
    made = any(part.made for part in parts) or (cut_up and any(c.isalpha() for c in whole_text))
    return Text(whole_text, made=made, pieces=pieces)


def origin_of(*values: Value) -> str:
    """Where what is unknown in these values comes from."""
    for value in values:
        if isinstance(value, Unknown) and value.origin:
            return value.origin
        if isinstance(value, Thing):
            return origin_of_name(value.name)
    return ""


_DOCUMENT = (
    "activedocument", "thisdocument", "thisworkbook", "activeworkbook", "activesheet", "sheets", "worksheets", "range",
    "cells", "userform", "activepresentation", "selection", "thiscomponent", "me", "activecell", "evaluate",
)  # fmt: skip


def origin_of_name(name: str) -> str:
    first = name.split(".", maxsplit=1)[0]
    if first.startswith(_DOCUMENT) or name.endswith((".text", ".caption", ".tag", ".controltiptext")):
        return "document"
    if "xmlhttp" in name or "winhttp" in name:
        return "network"
    return ""
