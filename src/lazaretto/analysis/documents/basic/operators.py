"""What the operators of Basic give for values that are known, and what stays known where they are not."""

from __future__ import annotations

from collections.abc import Sequence

from lazaretto.analysis.documents.basic.values import (
    NOTHING,
    UNKNOWN_PART,
    Array,
    Text,
    Thing,
    Unknown,
    Value,
    joined,
    number_of,
    origin_of,
    text_of,
)


def partly(values: Sequence[Value]) -> Value:
    """A text of which parts are not known: what is known stays, for an address in it can still be told."""
    parts = [text_of(value) for value in values]
    if any(part and len(part) > 3 for part in parts):
        made = any(part is not None and part.made for part in parts)
        return Text("".join(part if part is not None else UNKNOWN_PART for part in parts), made=made)
    return Unknown(origin_of(*values))


def unary(operator: str, value: Value) -> Value:
    known = number_of(value)
    if known is None:
        return NOTHING
    if operator == "-":
        return -known
    return not value if isinstance(value, bool) else ~int(known)


_COMPARISONS = frozenset({"=", "<>", "><", "<", ">", "<=", "=<", ">=", "=>", "is", "like"})


def binary(operator: str, a: Value, b: Value) -> Value:  # noqa: PLR0911, PLR0912  a table of operators
    if operator in _COMPARISONS:
        known = compared(operator, a, b)
        return NOTHING if known is None else known
    if operator == "+" and isinstance(a, Text) and isinstance(b, Text):
        return joined([a, b])
    x, y = number_of(a), number_of(b)
    if x is None or y is None:
        if operator == "+" and (isinstance(a, Text) or isinstance(b, Text)):
            return partly([a, b])
        return Unknown(origin_of(a, b))
    try:
        match operator:
            case "+":
                return _small(x + y)
            case "-":
                return _small(x - y)
            case "*":
                return _small(x * y)
            case "/":
                return x / y
            case "\\":
                return int(round(x) / round(y))
            case "mod":
                return int(_remainder(round(x), round(y)))
            case "^":
                return float(float(x) ** float(y))
    except (ZeroDivisionError, OverflowError, ValueError, TypeError):
        return NOTHING
    if isinstance(a, bool) and isinstance(b, bool) and operator in {"and", "or", "xor", "andalso", "orelse"}:
        return {"and": a and b, "andalso": a and b, "or": a or b, "orelse": a or b, "xor": a != b}[operator]
    i, j = int(x), int(y)
    match operator:
        case "and" | "andalso":
            return i & j
        case "or" | "orelse":
            return i | j
        case "xor":
            return i ^ j
        case "eqv":
            return ~(i ^ j)
        case "imp":
            return ~i | j
    return NOTHING


def _small(value: float) -> int | float:
    return value if abs(value) < 10**300 else 0


def _remainder(a: int, b: int) -> int:
    """The rest with the sign of the first, as in Basic."""
    rest = abs(a) % abs(b)
    return -rest if a < 0 else rest


def compared(operator: str, a: Value, b: Value) -> bool | None:  # noqa: PLR0911  a table of operators
    if isinstance(a, Unknown | Thing | Array) or isinstance(b, Unknown | Thing | Array):
        return None
    x: str | int | float | None
    y: str | int | float | None
    if isinstance(a, Text) and isinstance(b, Text):
        x, y = str(a), str(b)
    else:
        x, y = number_of(a), number_of(b)
        if x is None or y is None:
            x, y = text_of(a), text_of(b)
    if x is None or y is None or isinstance(x, str) != isinstance(y, str):
        return None
    match operator:
        case "=" | "is":
            return x == y
        case "<>" | "><":
            return x != y
        case "<":
            return x < y  # type: ignore[operator]  # both texts or both numbers
        case ">":
            return x > y  # type: ignore[operator]  # the same
        case "<=" | "=<":
            return x <= y  # type: ignore[operator]  # the same
        case ">=" | "=>":
            return x >= y  # type: ignore[operator]  # the same
    return None
