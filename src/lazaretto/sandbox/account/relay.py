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
_PREFIX: Final = 48  # the longest time, pid and tid before a call

_ARGUMENT = re.compile(r'\s*([^,"()]*?)\s*(L?"(?:[^"\\]|\\.)*"?(?:\.\.\.)?)?\s*(,|\)|$)', re.DOTALL)
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
    """One call (`value` is None) or one return. `module` is in lower case; 0 where the line says nothing."""

    windows_pid: int
    windows_tid: int
    returned: bool
    module: str
    function: str
    arguments: tuple[Argument, ...]
    value: int | None
    caller: int  # where the call returns to


class Head(NamedTuple):
    """The line up to its opening parenthesis; `end` is the position after it."""

    windows_pid: int
    windows_tid: int
    returned: bool
    module: str  # as written
    function: str
    end: int


def head(text: str) -> Head | None:
    """The head of a call or return; None for any other line. Written for speed: every line goes through here."""
    at = text.find(":Call ", 0, _PREFIX)
    if at >= 0:
        returned, start = False, at + 6
    else:
        at = text.find(":Ret  ", 0, _PREFIX)
        if at < 0:
            return None
        returned, start = True, at + 6
    end = text.find("(", start)
    module, dot, function = text[start:end].rpartition(".")
    if end < 0 or not dot or not module or not function or len(module) > 64 or len(function) > 512 or " " in module:
        return None
    words = text[:at].split(":")
    try:
        tid = int(words[-1], 16)
        pid = int(words[-2], 16) if len(words) > 1 and "." not in words[-2] else 0
    except ValueError:
        return None
    return Head(pid, tid, returned, module, function, end + 1)


def parse(text: str) -> Line | None:
    """The call or return in one line; None for any other line."""
    begin = head(text)
    if begin is None:
        return None
    pid, tid, is_return, module, function, end = begin
    if is_return:
        return Line(pid, tid, True, module.lower(), function, (), returned(text, end), caller(text))
    return Line(pid, tid, False, module.lower(), function, arguments(text, end), None, caller(text))


def caller(text: str) -> int:
    """The address to which the call of a line returns; 0 where the line was cut before it."""
    at = text.rfind("ret=")  # the last one: everything before it may be text of the sample
    return (_number(text[at + 4 :].strip()) or 0) if at >= 0 else 0


def returned(text: str, position: int) -> int | None:
    """The value in a return; `position` is after the opening parenthesis."""
    if not text.startswith(") retval=", position):
        return None
    return _number(text[position + 9 : position + 26].partition(" ")[0])


def arguments(text: str, position: int) -> tuple[Argument, ...]:
    """The arguments of a call; `position` is after the opening parenthesis. At most `MAX_ARGUMENTS`."""
    found: list[Argument] = []
    end = len(text)
    if '"' not in text:
        last = text.rfind(")")
        words = text[position : last if last >= position else end].split(",")[:MAX_ARGUMENTS]
        return tuple(Argument(_number(word.strip()), None) for word in words if word)
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
        return int(text, 16) if 0 < len(text) <= 16 and text.isalnum() else None
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
