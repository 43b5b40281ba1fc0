"""Operators over values, as the languages mean them where they differ. Whatever cannot be computed is unknown."""

from __future__ import annotations

import re
from typing import Any

from lazaretto.analysis.scripting.values import (
    HOLE,
    MOST_ITEMS,
    MOST_TEXT,
    UNKNOWN,
    Blob,
    Text,
    Thing,
    Value,
    marked,
    origins,
    too_large,
)

_NO = {"javascript": "null", "php": "", "powershell": "", "vbscript": "", "python": "None"}


def to_text(value: Value, language: str = "") -> str:  # noqa: PLR0911
    """As text; what is unknown becomes a hole that remembers its origins."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return Text(value.decode("latin-1"), origins(value))
    if isinstance(value, bool):
        word = str(value)
        return word.lower() if language == "javascript" else word
    if value is None:
        return _NO.get(language, "")
    if isinstance(value, int):
        return str(value) if -(1 << 64) < value < (1 << 64) else HOLE
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1 << 53 else repr(value)
    if isinstance(value, list):
        return joined(value, " " if language in {"powershell", "shell", "batch"} else ",", language)
    return Text(HOLE, value.origins if isinstance(value, Thing) else ())


def joined(values: list[Value], between: str, language: str = "") -> str:
    """The texts of these values with `between` in between."""
    texts = [to_text(value, language) for value in values]
    if sum(map(len, texts)) + len(between) * len(texts) > MOST_TEXT:
        return HOLE
    from_where = frozenset().union(*(text.origins for text in texts if isinstance(text, Text)))
    whole = between.join(texts)
    return Text(whole, from_where) if from_where else whole


def number(value: Value) -> int | float | None:
    """As a number, or None."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and len(value) < 40 and (text := value.strip()):
        try:
            return (
                int(text, 0) if re.match(r"[+-]?(0[xob]|[1-9]|0$)", text.lower()) and "." not in text else float(text)
            )
        except ValueError:
            return None
    return None


def truth(value: Value) -> bool | None:
    """Whether it holds; None where that is not known."""
    if isinstance(value, Thing) or (isinstance(value, str) and HOLE in value):
        return None
    return bool(value) if not callable(value) else True


def binary(op: str, left: Value, right: Value, language: str) -> Value:  # noqa: PLR0911
    """`left op right`."""
    made = _ARITHMETIC.get(op)
    if op == "concat" or (op == "+" and _is_concatenation(left, right, language)):
        return _concatenated(left, right, language)
    if op == "+" and isinstance(left, list):
        return [*left, *(right if isinstance(right, list) else [right])]
    if op == "+" and isinstance(left, bytes) and isinstance(right, bytes):
        return Blob(bytes(left) + bytes(right), origins(left) | origins(right))
    if op == "*" and isinstance(left, str | bytes | list) and isinstance(right, int):
        return _repeated(left, right)
    if op == "%" and isinstance(left, str) and language == "python":
        return _percent(left, right)
    if op in _COMPARISONS:
        return _compared(op, left, right, language)
    if op == "in" and isinstance(right, str | list | dict) and not isinstance(left, Thing):
        return left in right
    if made is None:
        return Thing("", origins(left) | origins(right))
    a, b = number(left), number(right)
    if a is None or b is None:
        return Thing("", origins(left) | origins(right) | ({"xor"} if op == "^" else set()))
    return made(a, b)


def _is_concatenation(left: Value, right: Value, language: str) -> bool:
    if language == "javascript":
        return isinstance(left, str | list | dict) or isinstance(right, str | list | dict)
    if language in {"python", "php"}:
        return (isinstance(left, str) or isinstance(right, str)) and language == "python"
    return isinstance(left, str) or (isinstance(right, str) and isinstance(left, Thing))


def _concatenated(left: Value, right: Value, language: str) -> Value:
    a, b = to_text(left, language), to_text(right, language)
    if len(a) + len(b) > MOST_TEXT:
        return UNKNOWN
    from_where = origins(a) | origins(b)
    return Text(f"{a}{b}", from_where) if from_where else a + b


def _repeated(value: Any, times: int) -> Value:
    if times < 0 or len(value) * times > MOST_ITEMS:
        return UNKNOWN
    return marked(value * times, *origins(value))


def _percent(pattern: str, values: Value) -> Value:
    given = values if isinstance(values, list) else [values]
    left = list(given)

    def put(found: re.Match[str]) -> str:
        if found[1] == "%":
            return "%"
        value = left.pop(0) if left else UNKNOWN
        return to_text(value) if found[1] in "sr" else to_text(value) if found[1] in "di" else HOLE

    return Text(re.sub(r"%[-+ 0-9.]*([sdrixXfc%])", put, pattern), origins(pattern) | origins(given))


_COMPARISONS = {"==", "!=", "<", ">", "<=", ">=", "===", "!=="}


def _compared(op: str, left: Value, right: Value, language: str) -> Value:
    if any(isinstance(one, Thing) or (isinstance(one, str) and HOLE in one) or callable(one) for one in (left, right)):
        return UNKNOWN
    if language in {"powershell", "batch", "vbscript"} and isinstance(left, str) and isinstance(right, str):
        left, right = left.lower(), right.lower()
    if type(left) is not type(right) and op.strip("=") in {"", "!"} and op not in {"===", "!=="}:
        a, b = number(left), number(right)
        if a is not None and b is not None:
            left, right = a, b
    try:
        return _COMPARE[op](left, right)
    except TypeError:
        return UNKNOWN


_COMPARE: dict[str, Any] = {
    "==": lambda a, b: a == b,
    "===": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "!==": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


def _shift(a: int | float, b: int | float) -> Value:
    return int(a) << int(b) if 0 <= b < 64 and abs(a) < 1 << 64 else UNKNOWN


def _power(a: int | float, b: int | float) -> Value:
    return a**b if 0 <= b < 64 and abs(a) < 1 << 32 else UNKNOWN


def _divided(a: int | float, b: int | float) -> Value:
    if not b:
        return UNKNOWN
    return int(a) // int(b) if isinstance(a, int) and isinstance(b, int) and a % b == 0 else a / b


_ARITHMETIC: dict[str, Any] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b if abs(a) < 1 << 64 and abs(b) < 1 << 64 else UNKNOWN,
    "/": _divided,
    "//": lambda a, b: a // b if b else UNKNOWN,
    "\\": lambda a, b: int(a) // int(b) if int(b) else UNKNOWN,
    "%": lambda a, b: a % b if b else UNKNOWN,
    "**": _power,
    "^": lambda a, b: int(a) ^ int(b),
    "&": lambda a, b: int(a) & int(b),
    "|": lambda a, b: int(a) | int(b),
    "<<": _shift,
    ">>": lambda a, b: int(a) >> int(b) if 0 <= b < 64 else UNKNOWN,
    ">>>": lambda a, b: (int(a) & 0xFFFFFFFF) >> int(b) if 0 <= b < 64 else UNKNOWN,
}


def unary(op: str, value: Value, language: str) -> Value:
    """`op value`."""
    if op == "!":
        held = truth(value) if not (language == "javascript" and isinstance(value, list)) else True
        return UNKNOWN if held is None else not held
    if op == "+" and language == "javascript" and isinstance(value, list | str) and not value:
        return 0
    found = number(value)
    if found is None:
        return Thing("", origins(value))
    if op == "-":
        return -found
    if op == "~":
        return ~int(found)
    return found


def item(of: Value, key: Value, language: str) -> Value:  # noqa: PLR0911
    """`of[key]`."""
    if isinstance(of, Text | Blob | str | bytes | list):
        if isinstance(key, list) and language == "powershell":
            return [item(of, one, language) for one in key[:MOST_ITEMS]]
        place = number(key)
        if place is None or (isinstance(place, float) and not place.is_integer()):
            return Thing("", origins(of))
        place = int(place)
        if place < 0 and language == "javascript":
            return UNKNOWN
        if -len(of) <= place < len(of):
            return marked(of[place], *origins(of)) if isinstance(of, str) else of[place]
        return None
    if isinstance(of, dict):
        return of.get(key, UNKNOWN) if isinstance(key, str | int) else UNKNOWN
    return Thing("", origins(of))


def piece(of: Value, start: Value, stop: Value, step: Value) -> Value:
    """`of[start:stop:step]` as Python means it."""
    if not isinstance(of, str | bytes | list) or any(isinstance(one, Thing) for one in (start, stop, step)):
        return Thing("", origins(of))
    taken = of[slice(start, stop, step)]
    return marked(taken, *origins(of), *(["reversed"] if isinstance(step, int) and step < 0 else []))


def checked(value: Value) -> Value:
    """The value, or unknown where it is larger than anything that is followed."""
    return UNKNOWN if too_large(value) else value
