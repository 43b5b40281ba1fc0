"""Sigma's strings: wildcards, their escaping, and whether a text fits.

Specification 2.0, "String Wildcard" and "Escaping": `*` stands for any characters, `?` for a single one. A backslash
before `*`, `?` or another backslash makes it plain; before anything else it is itself.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from typing import NamedTuple

from lazaretto.analysis.sigma.model import ANY_DASH, ANY_ONE, ANY_RUN, Parts

DASHES = "-/\u2013\u2014\u2015"
_WILD = {"*": ANY_RUN, "?": ANY_ONE}
_SWITCH = re.compile(r"\B[-/]\b")  # a dash that begins a word: the first of -param-name, not the second


def parse(text: str) -> Parts:
    """The parts of a string as it is written in a rule."""
    parts: list[str | int] = []
    plain: list[str] = []
    at = 0
    while at < len(text):
        character = text[at]
        following = text[at + 1 : at + 2]
        if character == "\\" and following and following in "*?\\":
            plain.append(following)
            at += 2
            continue
        if character in _WILD:
            if plain:
                parts.append("".join(plain))
                plain = []
            parts.append(_WILD[character])
        else:
            plain.append(character)
        at += 1
    if plain:
        parts.append("".join(plain))
    return joined(parts)


def joined(parts: list[str | int] | Parts) -> Parts:
    """The same without empty texts, with neighbouring texts as one and runs of `*` as one."""
    found: list[str | int] = []
    for part in parts:
        if part == "":
            continue
        last = found[-1] if found else None
        if isinstance(part, str) and isinstance(last, str):
            found[-1] = last + part
        elif part != ANY_RUN or last != ANY_RUN:
            found.append(part)
    return tuple(found)


def folded(parts: Parts) -> Parts:
    """In lower case."""
    return tuple(part.lower() if isinstance(part, str) else part for part in parts)


def any_dash(parts: Parts) -> Parts:
    """Each dash that begins a word as any dash (modifier `windash`)."""
    found: list[str | int] = []
    for part in parts:
        if not isinstance(part, str):
            found.append(part)
            continue
        at = 0
        for dash in _SWITCH.finditer(part):
            found += [part[at : dash.start()], ANY_DASH]
            at = dash.end()
        found.append(part[at:])
    return joined(found)


def longest_text(parts: Parts) -> str:
    """The longest text that every fitting value has in it."""
    return max((part for part in parts if isinstance(part, str)), key=len, default="")


def is_plain(parts: Parts) -> bool:
    """Whether it has no wildcards."""
    return all(isinstance(part, str) for part in parts)


class Shape(enum.Enum):
    """Patterns that a method of text answers."""

    EQUAL = "text"
    START = "text*"
    END = "*text"
    INSIDE = "*text*"


class Simple(NamedTuple):
    shape: Shape
    text: str


def simple(parts: Parts) -> Simple | None:
    """The pattern as one of these shapes, if it is one."""
    starts, ends = parts[:1] == (ANY_RUN,), parts[-1:] == (ANY_RUN,) and len(parts) > 1
    text = parts[starts : len(parts) - ends]
    if not is_plain(text):
        return None
    shape = {(False, False): Shape.EQUAL, (False, True): Shape.START, (True, False): Shape.END}.get((starts, ends))
    return Simple(shape or Shape.INSIDE, "".join(map(str, text)))


def matcher(parts: Parts) -> Callable[[str], bool]:
    """A function that says whether a whole text fits; its time grows with the length of the text, never faster."""
    plain = simple(parts)
    if plain is not None:
        return _of_shape(plain)
    segments = [_Segment(one) for one in _segments(parts)]
    if len(segments) == 1:
        return segments[0].equals
    first, *middle, last = segments
    return _Pattern(first, middle, last).fits


def _of_shape(plain: Simple) -> Callable[[str], bool]:
    wanted = plain.text
    if plain.shape is Shape.EQUAL:
        return lambda text: text == wanted
    if plain.shape is Shape.START:
        return lambda text: text.startswith(wanted)
    if plain.shape is Shape.END:
        return lambda text: text.endswith(wanted)
    return lambda text: wanted in text


def _segments(parts: Parts) -> list[list[str | int]]:
    """The parts between the `*`."""
    segments: list[list[str | int]] = [[]]
    for part in parts:
        if isinstance(part, int) and part == ANY_RUN:
            segments.append([])
        else:
            segments[-1].append(part)
    return segments


class _Segment:
    """A run of text and single wildcards: always as many characters."""

    def __init__(self, parts: list[str | int]) -> None:
        self.length = sum(len(part) if isinstance(part, str) else 1 for part in parts)
        self.text = "".join(part for part in parts if isinstance(part, str)) if is_plain(tuple(parts)) else None
        self._regex = None if self.text is not None else re.compile("".join(map(_single, parts)), re.DOTALL)

    def find(self, text: str, start: int, end: int) -> int:
        """Where it first is between these places; -1 if nowhere."""
        if self.text is not None:
            return text.find(self.text, start, end)
        assert self._regex is not None
        found = self._regex.search(text, start, end)
        return found.start() if found else -1

    def at(self, text: str, start: int) -> bool:
        """Whether it is at this place."""
        if self.text is not None:
            return text.startswith(self.text, start)
        assert self._regex is not None
        return self._regex.match(text, start) is not None

    def equals(self, text: str) -> bool:
        return len(text) == self.length and self.at(text, 0)


def _single(part: str | int) -> str:
    if isinstance(part, str):
        return re.escape(part)
    return f"[{re.escape(DASHES)}]" if part == ANY_DASH else "."


class _Pattern:
    """Segments with anything between them. The first place where each fits is always as good as a later one."""

    def __init__(self, first: _Segment, middle: list[_Segment], last: _Segment) -> None:
        self._first, self._middle, self._last = first, middle, last
        self._least = first.length + last.length

    def fits(self, text: str) -> bool:
        end = len(text) - self._last.length
        if len(text) < self._least or not self._first.at(text, 0) or not self._last.at(text, end):
            return False
        at = self._first.length
        for segment in self._middle:
            found = segment.find(text, at, end)
            if found < 0:
                return False
            at = found + segment.length
        return True
