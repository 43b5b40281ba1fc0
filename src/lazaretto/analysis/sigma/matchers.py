"""Conditions as functions of a record, made when a rule is first asked.

The answer is True, False, or None where the account cannot say. `and`, `or` and `not` follow Kleene's logic, so a rule
never matches because something is not known: not by a filter that cannot be tested either.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator

from lazaretto.analysis.sigma import regexes, wildcards
from lazaretto.analysis.sigma.channels import OPEN, Record
from lazaretto.analysis.sigma.model import (
    AnyNode,
    AnyTest,
    Cidr,
    Exists,
    Item,
    Not,
    Null,
    Number,
    Or,
    Parts,
    Regex,
    SameAs,
    Text,
)

Answer = bool | None
Condition = Callable[[Record], Answer]
Check = Callable[[Record, tuple[str, ...], tuple[str, ...]], Answer]
"""Record, the spellings of the value, and the same in lower case."""

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
}
_RELATIONS: dict[str, Callable[[str, str], bool]] = {
    "equals": lambda a, b: a == b,
    "contains": lambda a, b: b in a,
    "startswith": lambda a, b: a.startswith(b),
    "endswith": lambda a, b: a.endswith(b),
}


def condition(node: AnyNode) -> Condition:
    """The function that a tree stands for."""
    if isinstance(node, Item):
        return _item(node) if node.field else _keywords(node)
    if isinstance(node, Not):
        inner = condition(node.part)
        return lambda record: None if (answer := inner(record)) is None else not answer
    parts = tuple(condition(part) for part in node.parts)
    return _joined(parts, ends=isinstance(node, Or))


def _joined(parts: tuple[Condition, ...], *, ends: bool) -> Condition:
    """An or is over (`ends`) with the first true part, an and with the first false one."""

    def joined(record: Record) -> Answer:
        unknown = False
        for part in parts:
            answer = part(record)
            if answer is ends:
                return ends
            if answer is None:
                unknown = True
        return None if unknown else not ends

    return joined


def _item(item: Item) -> Condition:
    field = item.field
    check = _check(item)
    open_ended = field in OPEN

    def holds(record: Record) -> Answer:
        value = record.value(field)
        if value is None:
            return None
        answer = check(record, value, record.low(field))
        return None if open_ended and answer is False else answer

    return holds


def _check(item: Item) -> Check:
    """The tests of an item as one."""
    if not item.every and len(item.tests) > 1 and all(isinstance(test, Text) and not test.cased for test in item.tests):
        return _any_text([test for test in item.tests if isinstance(test, Text)])
    checks = tuple(_test(test) for test in item.tests)
    if len(checks) == 1:
        return checks[0]
    return _every(checks) if item.every else _some(checks)


def _any_text(tests: list[Text]) -> Check:
    """Many texts at once: beginnings and ends are one call each for all of them, whole texts one look-up."""
    plain = {shape: [one.text for one in map(wildcards.simple, _parts(tests)) if one and one.shape == shape]
             for shape in wildcards.Shape}  # fmt: skip
    equal = frozenset(plain[wildcards.Shape.EQUAL])
    starts, ends = tuple(plain[wildcards.Shape.START]), tuple(plain[wildcards.Shape.END])
    inside = tuple(plain[wildcards.Shape.INSIDE])
    others = tuple(wildcards.matcher(parts) for parts in _parts(tests) if wildcards.simple(parts) is None)

    def check(_record: Record, value: tuple[str, ...], low: tuple[str, ...]) -> Answer:
        for one in low:
            if one in equal or one.startswith(starts) or one.endswith(ends):
                return True
            for needle in inside:
                if needle in one:
                    return True
            for fits in others:
                if fits(one):
                    return True
        return "" in equal and not any(value)

    return check


def _parts(tests: list[Text]) -> Iterator[Parts]:
    return (test.parts for test in tests)


def _some(checks: tuple[Check, ...]) -> Check:
    def some(record: Record, value: tuple[str, ...], low: tuple[str, ...]) -> Answer:
        unknown = False
        for check in checks:
            answer = check(record, value, low)
            if answer:
                return True
            unknown = unknown or answer is None
        return None if unknown else False

    return some


def _every(checks: tuple[Check, ...]) -> Check:
    def every(record: Record, value: tuple[str, ...], low: tuple[str, ...]) -> Answer:
        unknown = False
        for check in checks:
            answer = check(record, value, low)
            if answer is False:
                return False
            unknown = unknown or answer is None
        return None if unknown else True

    return every


def _test(test: AnyTest) -> Check:  # noqa: PLR0911  one for each kind of test
    if isinstance(test, Text):
        return _text(test)
    if isinstance(test, Regex):
        return _regex(test.pattern)
    if isinstance(test, Cidr):
        return _cidr(test.network)
    if isinstance(test, Number):
        return _number(test)
    if isinstance(test, Null):
        return lambda _record, value, _low: not any(value)
    if isinstance(test, Exists):
        wanted = test.wanted
        return lambda _record, value, _low: bool(value) is wanted
    return _same(test)


def _text(test: Text) -> Check:
    if not test.parts:
        return lambda _record, value, _low: not any(value)
    fits = wildcards.matcher(test.parts)
    if test.cased:
        return lambda _record, value, _low: any(map(fits, value))
    return lambda _record, _value, low: fits(low[0]) if len(low) == 1 else any(map(fits, low))


def _regex(pattern: str) -> Check:
    found = regexes.finder(pattern)
    return lambda _record, value, _low: any(map(found, value))


def _cidr(network: str) -> Check:
    wanted = ipaddress.ip_network(network)

    def check(_record: Record, value: tuple[str, ...], _low: tuple[str, ...]) -> Answer:
        for one in value:
            try:
                if ipaddress.ip_address(one) in wanted:
                    return True
            except ValueError:
                continue
        return False

    return check


def _number(test: Number) -> Check:
    compare, number = _COMPARE[test.comparison], test.number

    def check(_record: Record, value: tuple[str, ...], _low: tuple[str, ...]) -> Answer:
        for one in value:
            try:
                if compare(float(one), number):
                    return True
            except ValueError:
                continue
        return False

    return check


def _same(test: SameAs) -> Check:
    relation = _RELATIONS[test.relation]

    def check(record: Record, value: tuple[str, ...], low: tuple[str, ...]) -> Answer:
        others = record.value(test.field)
        if others is None:
            return None
        if test.cased:
            return any(relation(one, other) for one in value for other in others)
        return any(relation(one, other) for one in low for other in record.low(test.field))

    return check


def _keywords(item: Item) -> Condition:
    """Found somewhere in the record; what is not found may have stood in what the account does not know."""
    checks = tuple(_test(test) for test in item.tests)
    wanted = all if item.every else any

    def holds(record: Record) -> Answer:
        everything = record.everything()
        low = tuple(map(str.lower, everything))
        return True if wanted(check(record, everything, low) for check in checks) else None

    return holds
