"""The functions of Basic that need nothing but their arguments. Each gives a value, or None where it cannot."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from lazaretto.analysis.documents.basic.values import (
    LONGEST,
    MOST_ITEMS,
    NOTHING,
    Array,
    Text,
    Unknown,
    Value,
    number_of,
    origin_of,
    text_of,
    truth,
    whole,
)

CONSTANTS: dict[str, Value] = {
    "vbcrlf": Text("\r\n"), "vbnewline": Text("\r\n"), "vbcr": Text("\r"), "vblf": Text("\n"), "vbtab": Text("\t"),
    "vbnullstring": Text(""), "vbnullchar": Text("\0"), "vbunicode": 64, "vbfromunicode": 128, "vbuppercase": 1,
    "vblowercase": 2, "vbhide": 0, "vbnormalfocus": 1, "vbminimizedfocus": 2, "vbbinarycompare": 0, "vbtextcompare": 1,
    "vbmethod": 1, "vbget": 2, "empty": None, "null": None, "nothing": None, "vbdirectory": 16, "vbhidden": 2,
    "vbsystem": 4, "vbnormal": 0, "cr": Text("\r"),
}  # fmt: skip

# What a quotation mark, a line's end or a tab is written as by everybody.
_ORDINARY_CODES = frozenset({0, 9, 10, 11, 12, 13, 32, 34, 39, 44, 160})

_Function = Callable[[Sequence[Value]], Value]


def call(name: str, arguments: Sequence[Value]) -> tuple[Value] | None:
    """The value in a tuple; None if there is no such function. What cannot be computed is unknown."""
    function = _TABLE.get(name)
    if function is None:
        return None
    try:
        return (function(arguments),)
    except (IndexError, TypeError, ValueError, OverflowError, ZeroDivisionError):
        return (Unknown(origin_of(*arguments)),)


def _t(arguments: Sequence[Value], place: int) -> Text:
    found = text_of(arguments[place])
    if found is None:
        raise ValueError
    return found


def _n(arguments: Sequence[Value], place: int, default: int | None = None) -> int:
    if default is not None and (place >= len(arguments) or isinstance(arguments[place], Unknown)):
        return default
    found = whole(arguments[place])
    if found is None:
        raise ValueError
    return found


def _chr(a: Sequence[Value]) -> Value:
    code = _n(a, 0) & 0xFFFF
    return Text(chr(code) if not 0xD800 <= code < 0xE000 else "?", made=code not in _ORDINARY_CODES)


def _asc(a: Sequence[Value]) -> Value:
    return ord(_t(a, 0)[0])


def _mid(a: Sequence[Value]) -> Value:
    text, begin = _t(a, 0), _n(a, 1)
    if begin < 1:
        raise ValueError
    length = _n(a, 2, LONGEST)
    return _cut(text, text[begin - 1 : begin - 1 + max(0, length)])


def _cut(text: Text, part: str) -> Text:
    return Text(part, made=text.made)


def _replace(a: Sequence[Value]) -> Value:
    text, old, new = _t(a, 0), _t(a, 1), _t(a, 2)
    if not old or len(text) * max(1, len(new)) > LONGEST * 4:
        return text
    changed = text.replace(old, new) if old in text else _ignoring_case(text, old, new, a)
    # Fillers are taken out all over a hidden text; a place-holder is put in once.
    hidden = text.count(old) >= 3 and not new and old not in {" ", "\n", "\r", "\r\n", "\t", '"', "'", ",", "."}
    return Text(changed, made=text.made or new.made or hidden)


def _ignoring_case(text: str, old: str, new: str, a: Sequence[Value]) -> str:
    if len(a) < 6 or whole(a[5]) != 1:
        return text
    out, at = [], 0
    small, wanted = text.lower(), old.lower()
    while (place := small.find(wanted, at)) >= 0:
        out += [text[at:place], new]
        at = place + len(old)
    return "".join([*out, text[at:]])


def _split(a: Sequence[Value]) -> Value:
    text = _t(a, 0)
    by = _t(a, 1) if len(a) > 1 and not isinstance(a[1], Unknown) else Text(" ")
    pieces = text.split(by, MOST_ITEMS) if by else [text]
    return Array([Text(piece, made=text.made) for piece in pieces])


def _join(a: Sequence[Value]) -> Value:
    if not isinstance(a[0], Array):
        raise TypeError
    between = _t(a, 1) if len(a) > 1 and not isinstance(a[1], Unknown) else Text(" ")
    texts = [text_of(item) for item in a[0].items]
    if any(text is None for text in texts):
        raise ValueError
    known = [text for text in texts if text is not None]
    whole_text = between.join(known)
    many = len(known) >= 5 and not between and len(whole_text) <= 4 * len(known)
    return Text(whole_text, made=many or any(text.made for text in known))


def _string(a: Sequence[Value]) -> Value:
    count = min(_n(a, 0), LONGEST)
    what = a[1]
    char = what[:1] if isinstance(what, Text) else chr(_n(a, 1) & 0xFFFF)
    return Text(char * count)


def _strconv(a: Sequence[Value]) -> Value:
    mode = _n(a, 1)
    if isinstance(a[0], Array):
        numbers = [whole(item) for item in a[0].items]
        if mode == 64 and all(n is not None and 0 <= n < 256 for n in numbers):
            return Text(bytes(n or 0 for n in numbers).decode("cp1252", "replace"), made=True)
        raise ValueError
    text = _t(a, 0)
    if mode == 128:
        return Array(list(text.encode("cp1252", "replace")))
    if mode in {1, 2}:
        return Text(text.upper() if mode == 1 else text.lower(), made=text.made)
    return text


def _instr(a: Sequence[Value]) -> Value:
    begin = 1
    if len(a) > 2 and not isinstance(a[0], Text):
        begin, a = _n(a, 0), a[1:]
    text, wanted = _t(a, 0), _t(a, 1)
    if len(a) > 2 and whole(a[2]) == 1:
        text, wanted = Text(text.lower()), Text(wanted.lower())
    return text.find(wanted, max(0, begin - 1)) + 1


def _val(a: Sequence[Value]) -> Value:
    text = _t(a, 0).replace(" ", "")
    if text[:2].lower() in {"&h", "&o"}:
        digits = "0123456789abcdef" if text[1] in "hH" else "01234567"
        kept = _leading(text[2:].lower(), digits)
        return int(kept, len(digits)) if kept else 0
    kept = _leading(text, "+-.0123456789")
    found = number_of(Text(kept)) if kept else 0
    return found if found is not None else 0


def _leading(text: str, allowed: str) -> str:
    end = 0
    while end < min(len(text), 40) and text[end] in allowed:
        end += 1
    return text[:end]


def _number(a: Sequence[Value]) -> int | float:
    found = number_of(a[0])
    if found is None:
        raise ValueError
    return found


def _to_byte(a: Sequence[Value]) -> Value:
    found = _n(a, 0)
    if not 0 <= found <= 255:
        raise OverflowError
    return found


def _bound(a: Sequence[Value], *, upper: bool) -> Value:
    if isinstance(a[0], Array):
        return len(a[0].items) - 1 if upper else 0
    raise TypeError


def _iif(a: Sequence[Value]) -> Value:
    known = truth(a[0])
    if known is None:
        raise ValueError
    return a[1] if known else a[2]


def _reversed(a: Sequence[Value]) -> Value:
    text = _t(a, 0)
    return Text(text[::-1], made=text.made or len(text) > 3)


def _changed(change: Callable[[str], str]) -> _Function:
    def function(a: Sequence[Value]) -> Value:
        text = _t(a, 0)
        return Text(change(text), made=text.made)

    return function


_TABLE: dict[str, _Function] = {
    "chr": _chr, "chrw": _chr, "chrb": _chr, "asc": _asc, "ascw": _asc, "ascb": _asc, "mid": _mid, "midb": _mid,
    "left": lambda a: _cut(_t(a, 0), _t(a, 0)[: max(0, _n(a, 1))]),
    "right": lambda a: _cut(_t(a, 0), _t(a, 0)[-_n(a, 1) :] if _n(a, 1) > 0 else ""),
    "len": lambda a: len(_t(a, 0)), "lenb": lambda a: len(_t(a, 0)) * 2, "strreverse": _reversed,
    "replace": _replace, "split": _split, "join": _join,
    "ucase": _changed(str.upper), "lcase": _changed(str.lower), "trim": _changed(lambda s: s.strip(" ")),
    "ltrim": _changed(lambda s: s.lstrip(" ")), "rtrim": _changed(lambda s: s.rstrip(" ")),
    "space": lambda a: Text(" " * min(_n(a, 0), LONGEST)), "string": _string,
    "hex": lambda a: Text(f"{_n(a, 0) & 0xFFFFFFFF:X}"), "oct": lambda a: Text(f"{_n(a, 0) & 0xFFFFFFFF:o}"),
    "cstr": lambda a: _t(a, 0), "cint": lambda a: _n(a, 0), "clng": lambda a: _n(a, 0), "clnglng": lambda a: _n(a, 0),
    "clngptr": lambda a: _n(a, 0), "cbyte": _to_byte, "cdbl": _number, "csng": _number, "cdec": _number,
    "ccur": _number, "cvar": lambda a: a[0], "cbool": lambda a: bool(_number(a)), "val": _val,
    "abs": lambda a: abs(_number(a)), "int": lambda a: math.floor(_number(a)), "fix": lambda a: math.trunc(_number(a)),
    "sgn": lambda a: (_number(a) > 0) - (_number(a) < 0), "sqr": lambda a: math.sqrt(_number(a)),
    "exp": lambda a: math.exp(_number(a)), "log": lambda a: math.log(_number(a)), "round": lambda a: round(_number(a)),
    "sin": lambda a: math.sin(_number(a)), "cos": lambda a: math.cos(_number(a)), "tan": lambda a: math.tan(_number(a)),
    "atn": lambda a: math.atan(_number(a)), "strconv": _strconv, "instr": _instr,
    "instrrev": lambda a: _t(a, 0).rfind(_t(a, 1)) + 1, "array": lambda a: Array(list(a)[:MOST_ITEMS]),
    "ubound": lambda a: _bound(a, upper=True), "lbound": lambda a: _bound(a, upper=False), "iif": _iif,
    "choose": lambda a: a[_n(a, 0)] if _n(a, 0) >= 1 else NOTHING, "isempty": lambda a: a[0] is None,
    "isarray": lambda a: isinstance(a[0], Array), "format": lambda a: _t(a, 0) if len(a) == 1 else NOTHING,
    "str": lambda a: Text(f" {_t(a, 0)}"), "strcomp": lambda a: (_t(a, 0) > _t(a, 1)) - (_t(a, 0) < _t(a, 1)),
}  # fmt: skip
