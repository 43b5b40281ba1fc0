"""Conditions on the fields of one event, compiled once.

A condition is written `field|transform|...|operator: value`, or `field: value` for equality. A list of values means any
of them. `@name` stands for a list of the catalogue; `$name` for a variable that an earlier step bound.

Regular expressions are kept harmless: subjects are cut at 1024 characters, and patterns with back references,
look-around, nested repetition or more than two unbounded repetitions are refused when the rule is loaded.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from re import _constants, _parser  # type: ignore[attr-defined]  # the standard library's own parser has no public name
from typing import Any

from lazaretto.analysis.behaviours.view import Value, View
from lazaretto.domain.trace import AnyEvent

Scalar = str | int | float | bool
Variables = dict[str, Value]
Check = Callable[[Value], bool]
Maker = Callable[[tuple[Scalar, ...]], Check]

_MAX_SUBJECT = 1024
_MAX_UNBOUNDED = 2


class Problem(Exception):
    """A condition cannot be used as it is written."""


def _text(value: Value) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else str(value)


def glob(text: str, pattern: str) -> bool:
    """Whether the whole text fits; `*` stands for any characters, separators too. Never backtracks."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    last = rest.pop()
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in rest:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _texts(test: Callable[[str, tuple[str, ...]], bool]) -> Maker:
    """An operator on text; a value that is none compares as the empty text."""

    def make(wanted: tuple[Scalar, ...]) -> Check:
        texts = tuple(str(value) for value in wanted)
        return lambda value: test(_text(value), texts)

    return make


def _numbers(compare: Callable[[float, float], bool]) -> Maker:
    def make(wanted: tuple[Scalar, ...]) -> Check:
        numbers = tuple(value for value in wanted if not isinstance(value, str))
        return lambda value: isinstance(value, int | float) and any(compare(value, number) for number in numbers)

    return make


def _equals(wanted: tuple[Scalar, ...]) -> Check:
    values = frozenset(wanted)
    return lambda value: ("" if value is None else value) in values


def _regex(wanted: tuple[Scalar, ...]) -> Check:
    patterns = tuple(re.compile(str(value)) for value in wanted)
    return lambda value: any(pattern.search(_text(value)[:_MAX_SUBJECT]) for pattern in patterns)


def _globs(wanted: tuple[Scalar, ...]) -> Check:
    patterns = [str(value) for value in wanted]
    # Most patterns are "begins with": those are one call for all of them.
    prefixes = tuple(pattern[:-1] for pattern in patterns if pattern.find("*") == len(pattern) - 1)
    others = tuple(pattern for pattern in patterns if pattern.find("*") != len(pattern) - 1)

    def check(value: Value) -> bool:
        text = _text(value)
        if text.startswith(prefixes):
            return True
        for pattern in others:  # noqa: SIM110 (a plain loop is half the time, and this runs for every event)
            if glob(text, pattern):
                return True
        return False

    return check


def _bits(wanted: tuple[Scalar, ...]) -> Check:
    masks = tuple(value for value in wanted if isinstance(value, int))
    return lambda value: isinstance(value, int) and any(value & mask == mask for mask in masks)


OPERATORS: dict[str, Maker] = {
    "equals": _equals,
    "contains": _texts(lambda text, wanted: any(one in text for one in wanted)),
    "startswith": _texts(str.startswith),
    "endswith": _texts(str.endswith),
    "glob": _globs,
    "regex": _regex,
    "gt": _numbers(lambda a, b: a > b),
    "ge": _numbers(lambda a, b: a >= b),
    "lt": _numbers(lambda a, b: a < b),
    "le": _numbers(lambda a, b: a <= b),
    "bits": _bits,
    "exists": lambda wanted: lambda value: bool(value) in wanted,
}


def _basename(value: Value) -> Value:
    return re.split(r"[\\/]", _text(value))[-1]


def _dirname(value: Value) -> Value:
    text = _text(value)
    return text[: max(text.rfind("\\"), text.rfind("/"), 0)]


def _ext(value: Value) -> Value:
    stem, dot, extension = _text(_basename(value)).rpartition(".")
    return extension if dot and stem else ""


def _entropy(value: Value) -> Value:
    """Shannon's entropy of the characters in bits each: 0 for one character repeated, at most 6 for 64 of them."""
    text = _text(value)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values()) if text else 0.0


def _of_each(transform: Callable[[Value], Value]) -> Callable[[Value], Value]:
    """A transform of one text, which of a list is made of each of its texts."""

    def of_each(value: Value) -> Value:
        if isinstance(value, tuple):
            return tuple(item if isinstance(item, int) else _text(transform(item)) for item in value)
        return transform(value)

    return of_each


TRANSFORMS: dict[str, Callable[[Value], Value]] = {
    "basename": _of_each(_basename),
    "dirname": _of_each(_dirname),
    "ext": _of_each(_ext),
    "lower": _of_each(lambda value: _text(value).lower()),
    "length": lambda value: len(value) if isinstance(value, str | tuple) else 0,
    "entropy": _entropy,
    "first": lambda value: value[0] if isinstance(value, tuple) and value else value,
    "last": lambda value: value[-1] if isinstance(value, tuple) and value else value,
}


class Getter:
    """`field|transform|...`: a value taken from an event."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.field, *words = source.split("|")
        unknown = [word for word in words if word not in TRANSFORMS]
        if unknown or not self.field:
            raise Problem(f"unknown operator or transform {unknown[0]!r}" if unknown else "no field named")
        self.transforms = tuple(TRANSFORMS[word] for word in words)

    def value(self, view: View, event: AnyEvent) -> Value:
        """The field's value with the transforms applied."""
        if not self.transforms:
            return view.value(event, self.field)
        return view.kept(event, self.source, self._transformed)

    def _transformed(self, view: View, event: AnyEvent) -> Value:
        value = view.value(event, self.field)
        for transform in self.transforms:
            value = transform(value)
        return value


# Facts about the trace as a whole: `field|fact: true`, `false`, or `ever` (also if it happens only afterwards).
FACTS = ("dropped", "mentions_dropped", "sample", "mentions_sample")


def _never(_: Value) -> bool:
    return False


class Condition:
    """One condition on one field. `variable` is the name of the variable it compares with, if it does."""

    def __init__(self, source: str, wanted: Any, lists: Mapping[str, tuple[str | int, ...]], *, fold: bool) -> None:
        self.key = (source, repr(wanted))  # two conditions with the same key hold for the same events
        self.field, *words = source.split("|")
        self.negated = "not" in words
        words = [word for word in words if word != "not"]
        self.fact = words.pop() if words and words[-1] in FACTS else ""
        operator = words.pop() if words and words[-1] in OPERATORS else "equals"
        self.getter = Getter("|".join((self.field, *words)))
        self.operator = operator
        self.variable = ""
        self.wanted: tuple[Scalar, ...] = ()
        self.check: Check = _never
        if self.fact:
            self._take_fact(wanted)
        else:
            self._take_values(wanted, lists, fold=fold)

    def _take_fact(self, wanted: Any) -> None:
        if wanted not in (True, False, "ever"):
            raise Problem("a fact is true, false or ever")
        self.ever = wanted == "ever"
        if wanted is False:
            self.negated = not self.negated

    def _take_values(self, wanted: Any, lists: Mapping[str, tuple[str | int, ...]], *, fold: bool) -> None:
        values = _expand(wanted if isinstance(wanted, list) else [wanted], lists)
        if len(values) == 1 and isinstance(values[0], str) and values[0].startswith("$"):
            self.variable = values[0][1:]
            return
        if self.operator == "regex":
            for value in values:
                check_regex(str(value))
            flags = "(?i)" if fold else ""
            self.wanted = tuple(flags + str(value) for value in values)
        else:
            self.wanted = tuple(value.lower() if fold and isinstance(value, str) else value for value in values)
        self.check = OPERATORS[self.operator](self.wanted)

    def value(self, view: View, event: AnyEvent) -> Value:
        """The value that is compared."""
        return self.getter.value(view, event)

    def holds(self, view: View, event: AnyEvent, variables: Variables | None = None) -> bool:
        """Whether the event fits."""
        if self.fact:
            return (self._origin(view, event) is not None) is not self.negated
        value = self.value(view, event)
        check = self.check
        if self.variable:
            bound = (variables or {}).get(self.variable)
            if not isinstance(bound, str | int | float):
                return self.negated
            check = OPERATORS[self.operator]((bound,))
        if isinstance(value, tuple):
            return any(check(one) for one in value) is not self.negated
        return check(value) is not self.negated

    def origin(self, view: View, event: AnyEvent) -> int | None:
        """Id of the event that wrote the file of which a fact speaks, to be shown beside the match."""
        speaks_of_writing = self.fact in {"dropped", "mentions_dropped"} and not self.negated
        return self._origin(view, event) if speaks_of_writing else None

    def _origin(self, view: View, event: AnyEvent) -> int | None:
        """Id of the event that shows the fact; for the sample itself, which nothing wrote, the event's own id."""
        text = _text(self.value(view, event))
        paths = view.paths_in(event, text) if self.fact.startswith("mentions_") else iter((text,))
        if self.fact.endswith("sample"):
            return event.id if any(view.is_sample(path) for path in paths) else None
        before = None if self.ever else event.id
        return next((found for path in paths if (found := view.written_by(path, before)) is not None), None)


def _expand(values: list[Any], lists: Mapping[str, tuple[str | int, ...]]) -> list[Scalar]:
    out: list[Scalar] = []
    for value in values:
        if isinstance(value, str) and value.startswith("@"):
            if value[1:] not in lists:
                raise Problem(f"there is no list {value}")
            out.extend(lists[value[1:]])
        elif isinstance(value, str | int | float):
            out.append(value)
        else:
            raise Problem(f"{value!r} cannot be compared with a field")
    if not out:
        raise Problem("no value given")
    return out


def check_regex(pattern: str) -> None:
    """Raises `Problem` for a pattern whose time could grow faster than the square of a short subject."""
    try:
        parsed = _parser.parse(pattern)
    except re.error as error:
        raise Problem(f"not a regular expression: {error}") from error
    if _unbounded(parsed, inside=False) > _MAX_UNBOUNDED:
        raise Problem(f"more than {_MAX_UNBOUNDED} unbounded repetitions")


def _unbounded(parsed: Any, *, inside: bool) -> int:
    count = 0
    for operation, argument in parsed:
        if operation in {_constants.GROUPREF, _constants.ASSERT, _constants.ASSERT_NOT, _constants.GROUPREF_EXISTS}:
            raise Problem("back references and look-around are not allowed")
        if operation in {_constants.MAX_REPEAT, _constants.MIN_REPEAT}:
            endless = argument[1] == _constants.MAXREPEAT or argument[1] > 64
            if endless and inside:
                raise Problem("a repetition inside a repetition is not allowed")
            count += endless + _unbounded(argument[2], inside=inside or argument[1] > 1)
        elif operation is _constants.SUBPATTERN:
            count += _unbounded(argument[3], inside=inside)
        elif operation is _constants.BRANCH:
            count += sum(_unbounded(branch, inside=inside) for branch in argument[1])
    return count
