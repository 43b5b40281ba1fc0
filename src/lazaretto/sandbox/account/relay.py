"""Reader of the lines that Wine's +relay channel writes (dlls/ntdll/relay.c, dlls/ntdll/unix/debug.c).

    [seconds.millis:][pid:]tid:Call MODULE.Function(arg,arg L"text",...) ret=address
    [seconds.millis:][pid:]tid:Ret  MODULE.Function() retval=value ret=address

Numbers are hexadecimal without a prefix. An argument that points to a string shows the string after the number, or in
its place, as wine_dbgstr_an/wn do: in quotes, with L before it for UTF-16, escaped like C (`\\n`, `\\"`, `\\\\`,
`\\xHHHH` for what is not ASCII), with `...` after the closing quote where it was cut. Text of a sample can hold
anything, a `) ret=` too: strings are read as strings.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from lazaretto.sandbox.account.text import clean

MAX_ARGUMENTS: Final = 24

_LINE = re.compile(
    r"(?:\s*\d+\.\d+:)?(?:([0-9a-f]{4,8}):)?([0-9a-f]{4,8}):(Call|Ret ) ?([^\s(]{1,64})\.([^.\s(]{1,512})\("
)
_ARGUMENT = re.compile(r'\s*([^,"()]*?)\s*(L?"(?:[^"\\]|\\.)*"?(?:\.\.\.)?)?\s*(,|\)|$)', re.DOTALL)
_RETURNED = re.compile(r"\) retval=([0-9a-f]{1,16})")
_TAIL = re.compile(r"ret=([0-9a-f]{1,16})\s*$")
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2,4})|([0-7]{3})|(.))", re.DOTALL)
_SIMPLE: Final = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b"}


class Argument(NamedTuple):
    """A number, a string or both (a pointer and what it points to)."""

    number: int | None
    text: str | None

    def __str__(self) -> str:
        if self.text is not None:
            return self.text
        return "?" if self.number is None else f"{self.number:#x}"


class Line(NamedTuple):
    """One call (`value` is None) or one return. `module` is lower case without ".dll"; 0 where the line says nothing."""

    windows_pid: int
    windows_tid: int
    returned: bool
    module: str
    function: str
    arguments: tuple[Argument, ...]
    value: int | None
    caller: int  # where the call returns to


def parse(text: str) -> Line | None:
    """The call or return in one line; None for any other line."""
    head = match(text)
    if head is None:
        return None
    pid, tid, what, module, function = head.groups()
    windows_pid = int(pid, 16) if pid else 0
    if what == "Ret ":
        value = returned(text, head.end())
        return Line(windows_pid, int(tid, 16), True, module.lower(), function, (), value, caller(text))
    return Line(
        windows_pid, int(tid, 16), False, module.lower(), function, arguments(text, head.end()), None, caller(text)
    )


def match(text: str) -> re.Match[str] | None:
    """The line up to its opening parenthesis; groups: pid or None, tid, "Call" or "Ret ", module, function."""
    return _LINE.match(text)


def caller(text: str) -> int:
    """The address to which the call of a line returns; 0 where the line was cut before it."""
    at = text.rfind("ret=")  # the last one: everything before it may be text of the sample
    tail = _TAIL.match(text, at) if at >= 0 else None
    return int(tail.group(1), 16) if tail is not None else 0


def returned(text: str, position: int) -> int | None:
    """The value in a return; `position` is after the opening parenthesis."""
    found = _RETURNED.match(text, position)
    return int(found.group(1), 16) if found is not None else None


def arguments(text: str, position: int) -> tuple[Argument, ...]:
    """The arguments of a call; `position` is after the opening parenthesis. At most `MAX_ARGUMENTS`."""
    found: list[Argument] = []
    end = len(text)
    while position < end and len(found) < MAX_ARGUMENTS:
        part = _ARGUMENT.match(text, position)
        if part is None:
            break
        number, quoted, stop = part.groups()
        position = part.end()
        if number or quoted is not None:
            found.append(Argument(_number(number), None if quoted is None else unquote(quoted)))
        if stop != ",":
            break
    return tuple(found)


def _number(text: str) -> int | None:
    try:
        return int(text[:16], 16) if text else None
    except ValueError:
        return None


def unquote(quoted: str) -> str:
    """The text of a debug string `L"..."`, with "…" at the end where Wine cut it."""
    cut = quoted.endswith("...")
    inner = quoted.removesuffix("...").removeprefix("L").removeprefix('"').removesuffix('"')
    if "\\" in inner:
        inner = _ESCAPE.sub(_unescape, inner)
        if any("\ud800" <= char <= "\udfff" for char in inner):
            inner = inner.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return clean(inner + ("…" if cut else ""))


def _unescape(match: re.Match[str]) -> str:
    wide, octal, char = match.groups()
    if wide is not None:
        return chr(int(wide, 16))
    if octal is not None:
        return chr(int(octal, 8))
    return _SIMPLE.get(char, char)
