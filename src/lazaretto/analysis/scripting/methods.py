"""What texts, bytes and lists can do in the languages: methods by lower-case name."""

# ruff: noqa: ARG001, ARG005, E501  a row of a table is one line; all functions of a table take the same

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lazaretto.analysis.scripting import decoding, operators
from lazaretto.analysis.scripting.values import UNKNOWN, Blob, Text, Thing, Value, marked, origins

if TYPE_CHECKING:
    from lazaretto.analysis.scripting.interpreter import Machine

Named = Mapping[str, Value]
_MOST_PATTERN = 200


def pattern(text: str, flags: int = 0) -> re.Pattern[str] | None:
    """A regular expression of a script, where it is one that cannot be slow."""
    if len(text) > _MOST_PATTERN or re.search(r"[*+}]\)?[*+{]|\([^)]*[*+|][^)]*\)[*+{]", text):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(text, flags)
    except (re.error, OverflowError, RecursionError):
        return None


def substituted(text: Value, what: Value, by: Value, *, once: bool = False) -> Value:
    """Text with every (or the first) `what` put in another's place. `what` is text, or a table {pattern, flags}."""
    if not isinstance(text, str):
        return Thing("", origins(text))
    put = by if isinstance(by, str) else operators.to_text(by)
    if callable(by):
        return Thing("", origins(text))
    if isinstance(what, dict) and "pattern" in what:
        found = pattern(what["pattern"], re.IGNORECASE if "i" in what["flags"] else 0)
        if found is None:
            return Thing("", origins(text))
        template = re.sub(r"\$(\d)", r"\\g<\1>", put.replace("\\", "\\\\"))
        made = found.sub(template, text, count=0 if "g" in what["flags"] else 1)
    else:
        word = operators.to_text(what)
        if not word or len(text) * (len(put) + 1) > 1 << 26:
            return text
        made = text.replace(word, put, 1 if once else -1)
    from_where = origins(text) | origins(by)
    return Text(made, from_where | {"replaced"}) if made != text else text


def _replace(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    what, by = (*args, None, None)[:2]
    if isinstance(of, bytes):
        return Blob(bytes(of).replace(bytes(what), bytes(by)), origins(of) | {"replaced"})
    return substituted(of, what, by, once=machine.language == "javascript")


def _split(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    by: Value = args[0] if args else None
    if isinstance(by, list) and by:
        by = by[0]
    if isinstance(by, bytes):
        by = by.decode("latin-1")
    if not isinstance(of, str) or isinstance(by, dict | Thing):
        return Thing("", origins(of))
    if by == "":
        parts = list(of)
    elif by is None:
        parts = of.split() if machine.language != "javascript" else [of]
    else:
        parts = of.split(by) if machine.language != "powershell" or len(by) == 1 else re.split(f"[{re.escape(by)}]", of)
    return [marked(part, *origins(of)) for part in parts]


def _join(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    if isinstance(of, list):
        between = operators.to_text(args[0]) if args else ","
        return operators.joined([operators.to_text(one, machine.language) for one in of], between)
    given = args[0] if args else UNKNOWN
    if isinstance(given, list | str):
        items = list(given)
        if isinstance(of, bytes):
            return Blob(bytes(of).join(bytes(one) for one in items), origins(of) | origins(items))
        return operators.joined(items, operators.to_text(of), machine.language)
    return Thing("", origins(given))


def _reverse(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    if isinstance(of, list):
        of.reverse()
        of[:] = [marked(one, "reversed") if isinstance(one, str) else one for one in of[:4096]] + of[4096:]
    return of


def _slice(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    return operators.piece(of, args[0] if args else None, args[1] if len(args) > 1 else None, None)


def _substring(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    """JavaScript: from, to. .NET: from, length."""
    start = int(operators.number(args[0]) or 0)
    if len(args) < 2:
        return operators.piece(of, start, None, None)
    second = int(operators.number(args[1]) or 0)
    if machine.language == "powershell":
        return operators.piece(of, start, start + second, None)
    return operators.piece(of, max(0, min(start, second)), max(start, second), None)


def _substr(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    start = int(operators.number(args[0]) or 0)
    start = start if start >= 0 else max(0, len(of) + start)
    return operators.piece(of, start, start + int(args[1]) if len(args) > 1 else None, None)


def _char_code(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    place = int(operators.number(args[0]) or 0) if args else 0
    return ord(of[place]) if isinstance(of, str) and 0 <= place < len(of) else UNKNOWN


def _char_at(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    place = int(operators.number(args[0]) or 0) if args else 0
    return marked(of[place], *origins(of)) if 0 <= place < len(of) else ""


def _index_of(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    if isinstance(of, list):
        return of.index(args[0]) if args[0] in of else -1
    return of.find(args[0])


def _decode(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    encoding = args[0] if args and isinstance(args[0], str) else "utf-8"
    if encoding in {"hex", "hex_codec"}:
        return decoding.from_hex(of)
    if encoding.startswith("base64"):
        return decoding.from_base64(of)
    if encoding.startswith("zlib"):
        return decoding.inflated(of)
    if encoding in {"rot13", "rot_13"}:
        return decoding.rotated(of)
    return decoding.as_text(of, encoding)


def _encode(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    encoding = args[0] if args and isinstance(args[0], str) else "utf-8"
    return Blob(of.encode(encoding, "replace"), origins(of)) if isinstance(of, str) else of


def _to_string(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    base = args[0] if args else None
    if isinstance(of, bytes):
        if isinstance(base, str) and base in {"hex", "base64"}:
            return Thing("", origins(of))
        return decoding.as_text(of)
    if isinstance(of, int) and isinstance(base, int) and 2 <= base <= 36 and machine.language == "javascript":
        digits, left = "", abs(of)
        while left and len(digits) < 70:
            digits, left = "0123456789abcdefghijklmnopqrstuvwxyz"[left % base] + digits, left // base
        return Text(("-" if of < 0 else "") + (digits or "0"), {"characters"})
    return operators.to_text(of, machine.language)


def _push(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    if isinstance(of, list) and len(of) < 1 << 18:
        of.extend(args)
        return len(of)
    return UNKNOWN


def _extend(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    if isinstance(of, list) and isinstance(args[0], list | str) and len(of) + len(args[0]) < 1 << 18:
        of.extend(args[0])
    return None


def _pop(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    return of.pop() if isinstance(of, list) and of else UNKNOWN


def _shift(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    return of.pop(0) if isinstance(of, list) and of else UNKNOWN


def _concat(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    if isinstance(of, list):
        return [*of, *(one for arg in args for one in (arg if isinstance(arg, list) else [arg]))]
    return operators.joined([of, *args], "", machine.language)


def _map(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    made = []
    for place, one in enumerate(machine.items(of)[:20_000]):
        machine.fuel -= 1
        if machine.fuel <= 0 or not callable(args[0]):
            return Thing("", origins(of))
        made.append(machine.call(args[0], [one, place, of], {}, (0, 0)))
    return made


def _filter(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    if not isinstance(of, list) or not callable(args[0]):
        return Thing("", origins(of))
    return [one for place, one in enumerate(list(of)[:20_000]) if machine.call(args[0], [one, place, of], {}, (0, 0))]


def _reduce(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    items = list(machine.items(of))
    value = args[1] if len(args) > 1 else items.pop(0)
    for one in items[:20_000]:
        machine.fuel -= 1
        value = machine.call(args[0], [value, one], {}, (0, 0))
    return value


def _text(change: Any) -> Any:
    def method(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
        return marked(change(of), *origins(of)) if isinstance(of, str | bytes) else Thing("", origins(of))

    return method


def _same(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    return of


def _pad(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    return of.ljust(int(args[0])) if isinstance(of, str) and int(args[0]) < 10_000 else UNKNOWN


def _format(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    return formatted(of, args, named)


def formatted(text: Value, args: list[Value], named: Named | None = None) -> Value:
    """`{0}`, `{1:X2}`, `{}`, `{name}` of .NET and Python. Only the place counts; how it is written out does not."""
    if not isinstance(text, str):
        return UNKNOWN
    given = iter(args)
    names = named or {}

    def put(found: re.Match[str]) -> str:
        if found[0] in {"{{", "}}"}:
            return found[0][0]
        word = found[1]
        if not word:
            return operators.to_text(next(given, UNKNOWN))
        if word.isdigit():
            return operators.to_text(args[int(word)] if int(word) < len(args) else UNKNOWN)
        return operators.to_text(names.get(word, UNKNOWN))

    made = re.sub(r"\{\{|\}\}|\{(\w*)(?:[:,!][^{}]{0,40})?\}", put, text)
    return Text(made, origins(text) | origins(args) | {"joined"})


def _insert(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    place, what = int(args[0]), args[1]
    if isinstance(of, list):
        of.insert(place, what)
        return None
    return marked(of[:place] + operators.to_text(what) + of[place:], *origins(of))


def _remove(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    if isinstance(of, list):
        return None
    place = int(args[0])
    until = place + int(args[1]) if len(args) > 1 else len(of)
    return marked(of[:place] + of[until:], *origins(of))


def _translate(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    return Thing("", origins(of) | {"replaced"})


def _constructor(machine: Machine, of: Value, args: list[Value], named: Named) -> Value:
    """`"".constructor.constructor`, `[].filter.constructor`: the ways round to making a function of a text."""
    return Thing("function")


COMMON: dict[str, Any] = {
    "replace": _replace, "replaceall": lambda m, of, a, n: substituted(of, a[0], a[1]), "split": _split, "join": _join,
    "reverse": _reverse, "slice": _slice, "substring": _substring, "substr": _substr, "charcodeat": _char_code,
    "codepointat": _char_code, "charat": _char_at, "indexof": _index_of, "find": _index_of, "decode": _decode,
    "encode": _encode, "tostring": _to_string, "push": _push, "append": _push, "add": _push, "extend": _extend,
    "pop": _pop, "shift": _shift, "concat": _concat, "map": _map, "foreach": _map, "filter": _filter,
    "reduce": _reduce, "format": _format, "insert": _insert, "remove": _remove, "translate": _translate,
    "tolowercase": _text(lambda t: t.lower()), "lower": _text(lambda t: t.lower()),
    "tolower": _text(lambda t: t.lower()), "touppercase": _text(lambda t: t.upper()),
    "upper": _text(lambda t: t.upper()), "toupper": _text(lambda t: t.upper()), "trim": _text(lambda t: t.strip()),
    "strip": _text(lambda t: t.strip()), "rstrip": _text(lambda t: t.rstrip()), "lstrip": _text(lambda t: t.lstrip()),
    "tochararray": lambda m, of, a, n: [marked(one, *origins(of)) for one in of], "hex": lambda m, of, a, n: of.hex(),
    "getbytes": _encode, "readtoend": lambda m, of, a, n: decoding.as_text(of), "toarray": _same, "valueof": _same,
    "copyto": lambda m, of, a, n: None, "read": _same, "close": lambda m, of, a, n: None, "getenumerator": _same,
    "dispose": lambda m, of, a, n: None, "seek": lambda m, of, a, n: None, "padleft": _pad, "padright": _pad,
    "startswith": lambda m, of, a, n: of.startswith(a[0]), "endswith": lambda m, of, a, n: of.endswith(a[0]),
    "includes": lambda m, of, a, n: a[0] in of, "contains": lambda m, of, a, n: a[0] in of,
    "get constructor": _constructor, "keys": lambda m, of, a, n: list(of), "items": lambda m, of, a, n: [list(p) for p in of.items()],
    "values": lambda m, of, a, n: list(of.values()), "get": lambda m, of, a, n: of.get(a[0], a[1] if len(a) > 1 else None),
}  # fmt: skip
