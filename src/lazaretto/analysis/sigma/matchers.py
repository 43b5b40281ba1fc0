"""Conditions as functions of a record, made when a rule is first asked.

The answer is True, False, or None where the account cannot say. `and`, `or` and `not` follow Kleene's logic, so a rule
never matches because something is not known: not by a filter that cannot be tested either.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

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
    Regex,
    SameAs,
    Text,
)

Answer = bool | None
Condition = Callable[[Record], Answer]
Check = Callable[[Record, tuple[str, ...]], Answer]

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
        answer = check(record, value)
        return None if open_ended and answer is False else answer

    return holds


def _check(item: Item) -> Check:
    """The tests of an item as one: all plain texts are one look-up, all others are asked one after the other."""
    equal = frozenset(
        "".join(map(str, test.parts))
        for test in item.tests
        if isinstance(test, Text) and not test.cased and wildcards.is_plain(test.parts)
    )
    if len(equal) == len(item.tests) and not item.every and "" not in equal:
        return lambda _record, value: any(one.lower() in equal for one in value)
    checks = tuple(_test(test) for test in item.tests)
    if len(checks) == 1:
        return checks[0]
    return _every(checks) if item.every else _some(checks)


def _some(checks: tuple[Check, ...]) -> Check:
    def some(record: Record, value: tuple[str, ...]) -> Answer:
        unknown = False
        for check in checks:
            answer = check(record, value)
            if answer:
                return True
            unknown = unknown or answer is None
        return None if unknown else False

    return some


def _every(checks: tuple[Check, ...]) -> Check:
    def every(record: Record, value: tuple[str, ...]) -> Answer:
        unknown = False
        for check in checks:
            answer = check(record, value)
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
        return lambda _record, value: not any(value)
    if isinstance(test, Exists):
        wanted = test.wanted
        return lambda _record, value: bool(value) is wanted
    return _same(test)


def _text(test: Text) -> Check:
    if not test.parts:
        return lambda _record, value: not any(value)
    fits = wildcards.matcher(test.parts)
    if test.cased:
        return lambda _record, value: any(fits(one) for one in value)
    return lambda _record, value: any(fits(one.lower()) for one in value)


def _regex(pattern: str) -> Check:
    found = regexes.finder(pattern)
    return lambda _record, value: any(map(found, value))


def _cidr(network: str) -> Check:
    wanted = ipaddress.ip_network(network)

    def check(_record: Record, value: tuple[str, ...]) -> Answer:
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

    def check(_record: Record, value: tuple[str, ...]) -> Answer:
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

    def check(record: Record, value: tuple[str, ...]) -> Answer:
        others = record.value(test.field)
        if others is None:
            return None
        if test.cased:
            return any(relation(one, other) for one in value for other in others)
        return any(relation(one.lower(), other.lower()) for one in value for other in others)

    return check


def _keywords(item: Item) -> Condition:
    """Found somewhere in the record; what is not found may have stood in what the account does not know."""
    checks = tuple(_test(test) for test in item.tests)
    wanted = all if item.every else any

    def holds(record: Record) -> Answer:
        everything = record.everything()
        return True if wanted(check(record, everything) for check in checks) else None

    return holds
