"""Counting the events of rules within a time."""

from __future__ import annotations

from typing import Any

import pytest

from lazaretto.analysis.behaviours.rehearse import trace_of
from lazaretto.testing.sigma_play import START, rule, rules

BASE = rule("s: {CommandLine|contains: aa}\ncondition: s\n", more="name: base\nlevel: low")


def counted(condition: str, *, kind: str = "event_count", more: str = "", timespan: str = "10s") -> str:
    return f"""\
title: Many of them
correlation:
  type: {kind}
  rules: [base]
  timespan: {timespan}
  condition: {condition}
  {more}
level: high
"""


def titles(correlation: str, *events: dict[str, Any], base: str = BASE) -> list[str]:
    sigma = rules(f"{base}---\n{correlation}")
    assert sigma.refused == (), sigma.refused
    trace, sample = trace_of(list(events), "windows")
    return [evidence.title for evidence in sigma.match(trace, sample).evidence]


def starts(number: int, *, apart: float = 1.0, line: str = "aa") -> list[dict[str, Any]]:
    return [{**START, "process": 2 + n, "at": 1 + n * apart, "command_line": line} for n in range(number)]


@pytest.mark.parametrize(
    ("condition", "events", "expected"),
    [
        ("{gte: 3}", starts(3), True),
        ("{gte: 3}", starts(2), False),
        ("{gte: 3}", starts(3, apart=6), False),
        ("{gt: 3}", starts(3), False),
        ("{gt: 3}", starts(4), True),
        ("{eq: 2}", starts(2), True),
        ("{eq: 2}", starts(5, apart=0.1), False),
        ("{gt: 1, lte: 3}", starts(3), True),
        ("{gt: 1, lte: 3}", starts(9, apart=0.1), False),
        ("{lt: 3}", starts(2), True),
    ],
)
def test_event_count(condition: str, events: list[dict[str, Any]], expected: bool) -> None:
    assert (titles(counted(condition), *events) == ["Many of them"]) is expected


def test_each_group_is_counted_for_itself() -> None:
    correlation = counted("{gte: 3}", more="group-by: [CommandLine]")
    two_each = [*starts(2, line="aa x"), *({**one, "process": one["process"] + 50} for one in starts(2, line="aa y"))]
    assert titles(correlation, *sorted(two_each, key=lambda one: one["at"])) == []
    assert titles(correlation, *starts(3, line="aa x")) == ["Many of them"]


def test_value_count() -> None:
    correlation = counted("{field: CommandLine, gte: 3}", kind="value_count")
    assert titles(correlation, *starts(5)) == []
    different = [{**one, "command_line": f"aa {n}"} for n, one in enumerate(starts(3))]
    assert titles(correlation, *different) == ["Many of them"]


THREE = "---\n".join(
    rule(f"s: {{CommandLine|contains: {word}}}\ncondition: s\n", more=f"name: {word}") for word in ("aa", "bb", "cc")
)


def temporal(kind: str, more: str = "") -> str:
    rules_of_it = "[aa, bb, cc]"
    return f"title: All\ncorrelation:\n  type: {kind}\n  rules: {rules_of_it}\n  timespan: 10s\n  {more}\n"


def lines(*words: str, apart: float = 1.0) -> list[dict[str, Any]]:
    return [{**START, "process": 2 + n, "at": 1 + n * apart, "command_line": word} for n, word in enumerate(words)]


@pytest.mark.parametrize(
    ("kind", "events", "expected"),
    [
        ("temporal", lines("aa", "bb", "cc"), True),
        ("temporal", lines("cc", "aa", "aa", "bb"), True),
        ("temporal", lines("aa", "bb", "bb"), False),
        ("temporal", lines("aa", "bb", "cc", apart=6), False),
        ("temporal", lines("aa", "bb", "cc", "aa", apart=4), True),
        ("temporal_ordered", lines("aa", "bb", "cc"), True),
        ("temporal_ordered", lines("cc", "bb", "aa"), False),
        ("temporal_ordered", lines("aa", "cc", "bb", "aa", "cc"), True),
        ("temporal_ordered", lines("aa", "bb", "cc", apart=6), False),
        ("temporal_ordered", lines("aa", "x", "x", "aa", "bb", "cc", apart=4), True),
        ("temporal_ordered", lines("aa bb cc"), False),
        ("temporal_ordered", lines("aa bb cc", "aa bb cc", "aa bb cc"), True),
    ],
)
def test_all_within_a_time(kind: str, events: list[dict[str, Any]], expected: bool) -> None:
    assert (titles(temporal(kind), *events, base=THREE) == ["All"]) is expected


def test_so_many_within_a_time() -> None:
    two = temporal("temporal", "condition: {gte: 2}")
    assert titles(two, *lines("aa", "cc"), base=THREE) == ["All"]
    assert titles(two, *lines("aa", "aa"), base=THREE) == []


def test_within_a_time_and_a_group() -> None:
    grouped = temporal("temporal", "group-by: [CurrentDirectory]")
    here = [{**one, "working_directory": "C:\\a"} for one in lines("aa", "bb", "cc")]
    assert titles(grouped, *here, base=THREE) == ["All"]
    assert titles(grouped, *here[:2], {**here[2], "working_directory": "C:\\b"}, base=THREE) == []


def test_a_counted_rule_speaks_only_if_asked_to() -> None:
    assert titles(counted("{gte: 9}"), *starts(2)) == []
    assert titles(counted("{gte: 9}", more="generate: true"), *starts(2)) == ["A rule"]


def test_the_name_of_the_machine_is_the_same_everywhere() -> None:
    assert titles(counted("{gte: 3}", more="group-by: [ComputerName]"), *starts(3)) == ["Many of them"]


def test_an_alias_stands_for_a_field() -> None:
    more = "group-by: [what]\n  aliases: {what: {base: CommandLine}}"
    assert titles(counted("{gte: 3}", more=more), *starts(3)) == ["Many of them"]


def test_all_counted_events_are_shown() -> None:
    sigma = rules(f"{BASE}---\n{counted('{gte: 3}')}")
    trace, sample = trace_of(starts(3), "windows")
    (evidence,) = sigma.match(trace, sample).evidence
    assert evidence.events == (0, 1, 2)


@pytest.mark.parametrize(
    ("correlation", "problem"),
    [
        (counted("{gte: 3}", kind="near"), "correlation type 'near'"),
        (counted("{gte: 3}", kind="temporal_ordered"), "condition of a temporal_ordered"),
        (counted("{gte: 3}", kind="value_count"), "value_count without a field"),
        (counted("{gte: 3}", more="group-by: [LogonGuid]"), "correlation by field LogonGuid"),
        (counted("{gte: 3}", timespan="soon"), "timespan 'soon'"),
        (counted("{about: 3}"), "condition 'about'"),
        (counted("{gte: many}"), "gte is a whole number"),
        (counted("{}"), "condition is empty"),
        (counted("x"), "condition is a mapping"),
        (counted("{gte: 3}", more="extra: 1"), "correlation key 'extra'"),
        (counted("{gte: 3}", more="aliases: [x]"), "aliases is a mapping"),
        (counted("{gte: 3}").replace("[base]", "[other]"), "correlated rule 'other'"),
        (counted("{gte: 3}").replace("[base]", "[]"), "rules is a list of names"),
    ],
)
def test_what_is_refused(correlation: str, problem: str) -> None:
    sigma = rules(f"{BASE}---\n{correlation}")
    assert sigma.correlations == ()
    assert problem in sigma.refused[0].problem
