"""What an expression of a script is worth without running it.

Plain values are themselves: str, int, float, bool, None, list, dict, bytes. What is known only in part is a `Text` with
HOLE where the unknown is; what is not known is a `Thing` with the path by which the script reaches it
(`child_process.exec`, `wscript.shell`). `Text`, `Blob` and `Thing` remember where they came from.

Origins: `net` (was fetched), `input` (a visitor of the web page sent it), `environment`, `file`, `random`; and how it was
made: `base64`, `hex`, `compressed`, `characters`, `reversed`, `rotated`, `xor`, `replaced`, `joined`, `encrypted`.
"""

# ruff: noqa: E501  a row of a table is one line

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Value = Any
"""str, int, float, bool, None, bytes, list, dict, Thing or Closure."""

HOLE = "\ue000"  # stands for a piece of text that is not known: a private character, so that no script means it
MOST_TEXT = 8 << 20  # characters or bytes of one value
MOST_ITEMS = 1 << 20  # items of one list
NOWHERE: frozenset[str] = frozenset()
DECODED = frozenset({"base64", "hex", "compressed", "characters", "reversed", "rotated", "xor", "encrypted"})
"""Origins that say: this text was hidden and made readable."""


class Text(str):
    """A string that remembers its origins."""

    origins: frozenset[str]
    __slots__ = ("origins",)

    def __new__(cls, text: str, origins: Iterable[str] = ()) -> Text:
        made = super().__new__(cls, text)
        made.origins = frozenset(origins)
        return made


class Blob(bytes):
    """Bytes that remember their origins."""

    origins: frozenset[str]

    def __new__(cls, data: bytes, origins: Iterable[str] = ()) -> Blob:
        made = super().__new__(cls, data)
        made.origins = frozenset(origins)
        return made


@dataclass(frozen=True, slots=True)
class Thing:
    """Something of the world that is not computed: a module, an object, a function, what a call gave back."""

    path: str
    origins: frozenset[str] = NOWHERE


UNKNOWN = Thing("")


def origins(value: Value, depth: int = 3) -> frozenset[str]:
    """Where a value came from, lists and tables looked into as far as `depth`."""
    if isinstance(value, Text | Blob | Thing):
        return value.origins
    if depth and isinstance(value, list):
        return frozenset().union(*(origins(item, depth - 1) for item in value[:64]))
    if depth and isinstance(value, dict):
        return frozenset().union(*(origins(item, depth - 1) for item in list(value.values())[:64]))
    return NOWHERE


def known(value: Value) -> bool:
    """Whether a value is known in full."""
    if isinstance(value, str):
        return HOLE not in value
    if isinstance(value, list):
        return all(known(item) for item in value[:4096])
    return not isinstance(value, Thing) and not callable(value)


def marked(value: Value, *how: str) -> Value:
    """The value with these origins beside its own."""
    more = origins(value) | set(how)
    if not more:
        return value
    if isinstance(value, str):
        return Text(value, more)
    if isinstance(value, bytes | bytearray):
        return Blob(bytes(value), more)
    if isinstance(value, Thing):
        return Thing(value.path, more)
    return value


def too_large(value: Value) -> bool:
    if isinstance(value, str | bytes):
        return len(value) > MOST_TEXT
    return isinstance(value, list) and len(value) > MOST_ITEMS
