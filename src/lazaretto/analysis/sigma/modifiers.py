"""`field|modifier|...: values` to an item of a condition (Sigma's appendix on modifiers, 2.1).

Modifiers work on the values in the order in which they are written. One that is not known, or that makes no sense for
the value, refuses the rule by its name.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lazaretto.analysis.sigma import regexes, wildcards
from lazaretto.analysis.sigma.model import (
    ANY_RUN,
    AnyNode,
    AnyTest,
    Cidr,
    Exists,
    Item,
    Not,
    Null,
    Number,
    Parts,
    Regex,
    SameAs,
    Text,
    Unusable,
)

Encoded = Parts | bytes
"""A value on its way through the modifiers: parts with wildcards, or the bytes that an encoding gave."""

_FLAGS = {"i": "i", "m": "m", "s": "s", "ignorecase": "i", "multiline": "m", "dotall": "s"}
_COMPARISONS = frozenset({"lt", "lte", "gt", "gte"})
_TIMES = frozenset({"minute", "hour", "day", "week", "month", "year"})
_PLACES = frozenset({"contains", "startswith", "endswith"})
_ENCODINGS = {"wide": "utf-16-le", "utf16le": "utf-16-le", "utf16be": "utf-16-be", "utf16": "utf-16"}
_OTHERS = frozenset(
    {
        "all",
        "cased",
        "neq",
        "re",
        "cidr",
        "exists",
        "fieldref",
        "expand",
        "windash",
        "base64",
        "base64offset",
    }
)
KNOWN = frozenset({*_FLAGS, *_COMPARISONS, *_TIMES, *_PLACES, *_ENCODINGS, *_OTHERS})
_PLACEHOLDER = re.compile(r"(?<!\\)%[^%\s]+%")
# Python's offsets for the part of a base64 text that does not depend on what stands before and after it
_BEGINS, _ENDS = (0, 2, 3), (None, -3, -2)
_MOST_VALUES = 10_000


def item(key: str, value: Any) -> AnyNode:
    """The condition that `key: value` of a search identifier means. Raises `Unusable`."""
    field, *names = key.split("|")
    words = tuple(names)
    _check(words)
    given = value if isinstance(value, list) else [value]
    if len(given) > _MOST_VALUES:
        raise Unusable(f"{key}: {len(given)} values", f"give it at most {_MOST_VALUES}, or split the rule")
    tests = tuple(test for one in given for test in _tests(key, words, one))
    if not tests:
        raise Unusable(f"{key}: an empty list of values", "give it a value, or take it out", broken=True)
    found = Item(field, tests, "all" in words)
    return Not(found) if "neq" in words else found


def _check(words: tuple[str, ...]) -> None:
    for word in words:
        if word not in KNOWN:
            raise Unusable(f"modifier {word!r}", "use the modifiers of Sigma's specification 2.1", broken=True)
        if word in _TIMES:
            raise Unusable(f"modifier {word!r}", "an account has no date of its own: leave the rule out")


def _tests(key: str, words: tuple[str, ...], value: Any) -> Iterator[AnyTest]:
    kinds = [kind for kind in _KINDS if kind in words]
    if comparison := next((word for word in words if word in _COMPARISONS), ""):
        yield _number(key, comparison, value)
    elif kinds:
        yield _KINDS[kinds[0]](key, words, value)
    elif value is None:
        _only(key, words, {"all", "cased", "neq"}, "null")
        yield Null()
    elif isinstance(value, dict | list):
        raise Unusable(f"{key}: a value that is a {type(value).__name__}", "give it texts or numbers", broken=True)
    else:
        yield from _texts(key, words, value)


def _only(key: str, words: Iterable[str], allowed: set[str], what: str) -> None:
    for word in words:
        if word not in allowed:
            raise Unusable(f"{key}: modifier {word!r} with {what}", "take one of the two away", broken=True)


def _number(key: str, comparison: str, value: Any) -> Number:
    try:
        return Number(comparison, float(value))
    except (TypeError, ValueError):
        raise Unusable(f"{key}: {value!r} is not a number", "compare with a number", broken=True) from None


def _exists(key: str, words: tuple[str, ...], value: Any) -> AnyTest:
    _only(key, words, {"exists"}, "exists")
    if not isinstance(value, bool):
        raise Unusable(f"{key}: exists is true or false", "give it true or false", broken=True)
    return Exists(value)


def _cidr(key: str, words: tuple[str, ...], value: Any) -> AnyTest:
    _only(key, words, {"cidr", "all", "neq"}, "cidr")
    try:
        return Cidr(str(ipaddress.ip_network(str(value), strict=False)))
    except ValueError:
        raise Unusable(
            f"{key}: {value!r} is not a network", "write it as 10.0.0.0/8 or fe80::/10", broken=True
        ) from None


def _regex(key: str, words: tuple[str, ...], value: Any) -> AnyTest:
    _only(key, words, {"re", "all", "neq", *_FLAGS}, "re")
    flags = "".join(sorted({_FLAGS[word] for word in words if word in _FLAGS}))
    pattern = f"(?{flags})(?:{value})" if flags else str(value)
    if problem := regexes.problem(pattern):
        raise Unusable(
            f"{key}: regular expression: {problem}",
            "write it without look-around, back references and possessive repetition, which take time without bound",
        )
    return Regex(pattern)


def _field_reference(key: str, words: tuple[str, ...], value: Any) -> AnyTest:
    _only(key, words, {"fieldref", "all", "neq", "cased", *_PLACES}, "fieldref")
    relation = next((word for word in words if word in _PLACES), "equals")
    if not isinstance(value, str) or not value:
        raise Unusable(f"{key}: fieldref names a field", "give it the name of a field", broken=True)
    return SameAs(value, relation, "cased" in words)


_KINDS: dict[str, Callable[[str, tuple[str, ...], Any], AnyTest]] = {
    "exists": _exists,
    "cidr": _cidr,
    "re": _regex,
    "fieldref": _field_reference,
}


def _texts(key: str, words: tuple[str, ...], value: Any) -> Iterator[AnyTest]:
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    if flag := next((word for word in words if word in _FLAGS), ""):
        raise Unusable(f"{key}: modifier {flag!r} without re", "put re before it", broken=True)
    if "expand" in words and (placeholder := _PLACEHOLDER.search(text)):
        raise Unusable(f"placeholder {placeholder[0]}", "write the values into the rule: nothing here replaces it")
    encoded: list[Encoded] = [wildcards.parse(text)]
    for word in words:
        encoded = [changed for one in encoded for changed in _changed(key, word, one)]
    for one in encoded:
        parts = (one.decode("latin-1"),) if isinstance(one, bytes) else one
        cased = "cased" in words
        yield Text(parts if cased else wildcards.folded(parts), cased)


def _changed(key: str, word: str, value: Encoded) -> Iterator[Encoded]:
    """What one modifier makes of a value."""
    if word in _ENCODINGS:
        if isinstance(value, bytes):
            raise Unusable(f"{key}: modifier {word!r} after another encoding", "encode the text once", broken=True)
        yield _plain(key, word, value).decode("utf-8").encode(_ENCODINGS[word])
    elif word == "base64":
        yield (base64.b64encode(_plain(key, word, value)).decode(),)
    elif word == "base64offset":
        data = _plain(key, word, value)
        for offset in range(3):
            whole = base64.b64encode(b" " * offset + data).decode()
            yield (whole[_BEGINS[offset] : _ENDS[(len(data) + offset) % 3]],)
    elif word == "windash":
        yield wildcards.any_dash(_parts(value))
    elif word in _PLACES:
        before = (ANY_RUN,) if word != "startswith" else ()
        after = (ANY_RUN,) if word != "endswith" else ()
        yield wildcards.joined((*before, *_parts(value), *after))
    else:
        yield value


def _parts(value: Encoded) -> Parts:
    return (value.decode("latin-1"),) if isinstance(value, bytes) else value


def _plain(key: str, word: str, value: Encoded) -> bytes:
    """The bytes that are to be encoded."""
    if isinstance(value, bytes):
        return value
    if not wildcards.is_plain(value):
        raise Unusable(f"{key}: modifier {word!r} with a wildcard", "encode a text without wildcards", broken=True)
    return "".join(map(str, value)).encode()
