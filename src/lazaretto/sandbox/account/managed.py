"""Reader of what `mono --trace` writes (mono/mini/trace.c): calls of managed methods.

[0x7f3c...: 0.00123 0] ENTER:c Namespace.Class:Method (type,type)(this:0x..[Native.C d], [STRING:0x..:text], 42, )
[0x7f3c...: 0.00125 0] LEAVE:c Namespace.Class:Method (type,type)result=42
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from lazaretto.sandbox.account.text import clean

_ENTER = re.compile(
    r"\[(?:0x)?([0-9a-f]+): +[0-9.,]+ +\d+\] ENTER:.? ?(?:\([^)]*\) )?"
    r"([^\s:(]{1,256}):([^\s(]{1,256}) \(([^)]*)\)\((.*)",
    re.DOTALL,
)
_ANY = re.compile(r"\[(?:0x)?[0-9a-f]+: +[0-9.,]+ +\d+\] (ENTER|LEAVE):")
_PART = re.compile(
    r"\[STRING:(?:null|(?:0x)?[0-9a-f]+:(.*?))\](?=, |\)|$)|\[INT32:[^:\]]*:(-?\d+)\]|\[TYPE:([^\]]*)\]"
    r"|(this:\[STRING[^\]]*\]|this:\S+?\[[^\]]*\]|this:\S+|value:\S+|VALUERET:\S+)(?=, |\)|$)|([^,\s)][^,)]*)",
    re.DOTALL,
)
MAX_ARGUMENTS: Final = 16


class ManagedCall(NamedTuple):
    module: str  # lower case: system.io.file
    function: str
    arguments: tuple[str, ...]


def is_trace(line: str) -> bool:
    """Whether the line is of the tracer and not of the program."""
    return _ANY.match(line) is not None


def parse(line: str) -> ManagedCall | None:
    """The call in a line, None for a return or for any other line."""
    match = _ENTER.match(line)
    if match is None:
        return None
    _, kind, method, _, rest = match.groups()
    return ManagedCall(clean(kind.lower(), 256), clean(method, 256), _arguments(rest.rstrip().removesuffix(")")))


def _arguments(text: str) -> tuple[str, ...]:
    found: list[str] = []
    for part in _PART.finditer(text):
        string, number, kind, this, other = part.groups()
        if this is not None:
            continue
        value = next((v for v in (string, number, kind, other) if v is not None), "null")
        found.append(clean(value.strip(), 1024))
        if len(found) >= MAX_ARGUMENTS:
            break
    return tuple(found)
