"""Tokens of Basic. A line that is continued, comments and spaces are gone; a line's end is a token of its own."""

from __future__ import annotations

import re
from typing import NamedTuple

MOST_TOKENS = 400_000

_PATTERN = re.compile(
    r"""(?P<skip>[ \t\xa0]+(?:_[ \t]*\n[ \t]*)?|'[^\n]*|(?i:(?<![\w.])rem(?=[ \t\n])[^\n]*))
    |(?P<end>\n|:(?!=))
    |(?P<string>"(?:[^"\n]|"")*"?)
    |(?P<number>&[Hh][0-9A-Fa-f]+&?|&[Oo][0-7]+&?|(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?[%@!^]?)
    |(?P<date>\#[\d/:\ \-.APMapm]{3,40}\#)
    |(?P<name>[^\W\d]\w*[$%@]?|\[[^\]\n]{0,200}\])
    |(?P<op>:=|<=|>=|<>|=<|=>|><|[-+*/\\^&=<>().,;!#?@{}|~`$%])
    |(?P<junk>.)""",
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """`kind` is end, string, number, name, date or op; `text` of a name is lower case without a type's sign, of a
    string what it says. `start` and `end` are places in the source."""

    kind: str
    text: str
    start: int
    end: int


def tokens(source: str) -> list[Token]:
    """At most `MOST_TOKENS`, the last of which is an end."""
    found: list[Token] = []
    for match in _PATTERN.finditer(source):
        kind = match.lastgroup or ""
        if kind in {"skip", "junk"}:
            continue
        text = match[0]
        if kind == "name":
            text = text.strip("[]").rstrip("$%@").lower()
        elif kind == "string":
            text = (text[1:-1] if len(text) > 1 and text.endswith('"') else text[1:]).replace('""', '"')
        found.append(Token(kind, text, match.start(), match.end()))
        if len(found) >= MOST_TOKENS:
            break
    found.append(Token("end", "", len(source), len(source)))
    return found
