"""Wildcards, modifiers and whole rules over generated texts: against plain readings of the specification, and against
pySigma's own parser."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionNOT, ConditionOR
from sigma.modifiers import modifier_mapping
from sigma.rule import SigmaRule
from sigma.types import SigmaExpansion, SigmaRegularExpression, SigmaString, SpecialChars

from lazaretto.analysis.behaviours.rehearse import trace_of
from lazaretto.analysis.behaviours.view import SampleFacts
from lazaretto.analysis.sigma import analysis, matchers, modifiers, ruleset, wildcards
from lazaretto.analysis.sigma.loading import compiled
from lazaretto.analysis.sigma.machine import Machine
from lazaretto.analysis.sigma.model import ANY_ONE, ANY_RUN, Refusal, Text, Unusable
from lazaretto.analysis.sigma.ruleset import Sigma
from lazaretto.testing import sigma as made

patterns = st.text(alphabet="ab\\*?.", max_size=14)
values = st.text(alphabet="ab\\*?.", max_size=20)
free = st.text(max_size=30)
scalars = free | st.integers() | st.none() | st.booleans()
searches = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(free, inner, max_size=3),
    max_leaves=12,
)


def as_regex(pattern: str) -> re.Pattern[str]:
    """The specification's words about wildcards and escaping, written once more as a regular expression."""
    out, at = "", 0
    while at < len(pattern):
        if pattern[at] == "\\" and pattern[at + 1 : at + 2] in ("*", "?", "\\"):
            out += re.escape(pattern[at + 1])
            at += 2
            continue
        out += {"*": ".*", "?": "."}.get(pattern[at], re.escape(pattern[at]))
        at += 1
    return re.compile(out, re.DOTALL)


@given(patterns, values)
def test_wildcards_fit_as_the_specification_says(pattern: str, value: str) -> None:
    expected = as_regex(pattern).fullmatch(value) is not None
    assert wildcards.matcher(wildcards.parse(pattern))(value) is expected


@given(patterns)
def test_wildcards_are_read_as_pysigma_reads_them(pattern: str) -> None:
    special = {SpecialChars.WILDCARD_MULTI: ANY_RUN, SpecialChars.WILDCARD_SINGLE: ANY_ONE}
    theirs = tuple(special.get(part, part) for part in SigmaString(pattern).s)  # type: ignore[arg-type,call-overload]  # of pySigma
    assert wildcards.parse(pattern) == wildcards.joined(theirs)


@given(free, free)
def test_any_text_is_a_pattern(pattern: str, value: str) -> None:
    assert wildcards.matcher(wildcards.parse(pattern))(value) in {True, False}


@given(patterns, values)
def test_the_longest_text_is_in_every_value_that_fits(pattern: str, value: str) -> None:
    parts = wildcards.parse(pattern)
    if wildcards.matcher(parts)(value):
        assert wildcards.longest_text(parts) in value


@given(st.text(alphabet="ab -/\u2013", max_size=12), st.sampled_from(wildcards.DASHES))
def test_any_dash_fits_what_it_was_made_of_with_another_dash(text: str, dash: str) -> None:
    fits = wildcards.matcher(wildcards.any_dash((text,) if text else ()))
    assert fits(text)
    assert fits(re.sub(r"\B[-/]\b", dash, text))


@given(
    st.lists(st.sampled_from(sorted(modifiers.KNOWN)), max_size=4),
    st.one_of(free, st.integers(), st.none(), st.booleans()),
)
@settings(max_examples=400)
def test_modifiers_give_tests_or_refuse(words: list[str], value: Any) -> None:
    try:
        node = modifiers.item("|".join(["CommandLine", *words]), value)
    except Unusable as error:
        assert error.problem
        assert error.remedy
        return
    assert list(analysis.items(node))


@given(st.binary(min_size=4, max_size=30), st.binary(max_size=9), st.binary(max_size=9))
def test_base64offset_is_found_wherever_it_stands(middle: bytes, before: bytes, after: bytes) -> None:
    text = middle.hex()
    (item,) = analysis.items(modifiers.item("CommandLine|base64offset|contains|cased", text))
    whole = base64.b64encode(before + text.encode() + after).decode()
    assert any(isinstance(test, Text) and wildcards.matcher(test.parts)(whole) for test in item.tests)


@pytest.mark.slow
@given(searches)
@settings(max_examples=300)
def test_any_detection_is_used_or_refused(search: Any) -> None:
    rule = {"title": "t", "logsource": {"category": "process_creation"}, "detection": {"s": search, "condition": "s"}}
    rules = compiled([("a.yml", yaml.safe_dump(rule, allow_unicode=True).encode("utf-8", "replace"))])
    assert len(rules.rules) + len(rules.refused) == 1
    assert all(one.problem and one.remedy for one in rules.refused)
    trace, sample = trace_of([{"kind": "process.start", "process": 2, "parent": 1, "image": "C:\\a.exe"}], "windows")
    Sigma(rules, "").match(trace, sample)


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_any_bytes_are_read(content: bytes) -> None:
    rules = compiled([("a.yml", content)])
    assert all(isinstance(one, Refusal) for one in rules.refused)


# --- the same rules read by pySigma ---------------------------------------------------------------------------------

ITEMS = st.sampled_from(
    [
        "Image|endswith: ['\\cmd.exe', '\\net?.exe']",
        "Image: 'C:\\Windows\\*\\cmd.exe'",
        "CommandLine|contains: [' /c ', 'foo*bar']",
        "CommandLine|contains|all: [foo, bar]",
        "CommandLine|windash|contains: ' -enc '",
        "CommandLine|startswith: 'CMD'",
        "CommandLine|re: 'fo+\\s'",
        "CommandLine|re|i: 'BA[rz]'",
        "CommandLine|base64offset|contains: foo",
        "CommandLine|wide|base64offset|contains: bar",
        "CommandLine|contains: 'a\\*b'",
        "CommandLine: ''",
        "ParentImage|endswith: sample.exe",
    ]
)
CONDITIONS = st.sampled_from(
    [
        "a", "a and b", "a or b", "a and not b", "not a and not b", "not (a or b)", "1 of *", "all of them",
        "a and (b or c)", "a or b and c", "1 of a* and not all of b*", "not a or not (b and not c)", "not 1 of c*",
    ]
)  # fmt: skip
LINES = st.lists(
    st.sampled_from(
        [
            "cmd", "foo", "bar", " /c ", " -enc ", " /enc ", " \u2013enc ", "baz", "a*b", "axb", "Zm9v", "YmFy", " ",
            "foobar", "fooo ", "YgBhAHIA", "x",
        ]
    ),
    max_size=5,
).map("".join)  # fmt: skip
IMAGES = st.sampled_from(["C:\\windows\\system32\\cmd.exe", "C:\\x\\net1.exe", "C:\\y\\net.exe", "C:\\CMD.EXE"])


def theirs(node: Any, event: dict[str, str]) -> bool:
    """A condition as pySigma parsed it, asked of an event in the plainest way."""
    if isinstance(node, ConditionAND):
        return all(theirs(part, event) for part in node.args)
    if isinstance(node, ConditionOR):
        return any(theirs(part, event) for part in node.args)
    if isinstance(node, ConditionNOT):
        return not theirs(node.args[0], event)
    assert isinstance(node, ConditionFieldEqualsValueExpression), node
    return their_value(node.value, event[node.field])


def their_value(wanted: Any, value: str) -> bool:
    if isinstance(wanted, SigmaExpansion):
        return any(their_value(one, value) for one in wanted.values)
    if isinstance(wanted, SigmaString):
        wild = {SpecialChars.WILDCARD_MULTI: ".*", SpecialChars.WILDCARD_SINGLE: "."}
        parts = [wild[part] if isinstance(part, SpecialChars) else re.escape(str(part)) for part in wanted.s]
        return re.fullmatch("".join(parts), value, re.IGNORECASE | re.DOTALL) is not None
    assert isinstance(wanted, SigmaRegularExpression)
    flags = re.IGNORECASE if any("IGNORECASE" in str(flag) for flag in wanted.flags) else 0
    return re.search(str(wanted.regexp), value, flags) is not None


@pytest.mark.slow
@given(st.tuples(ITEMS, ITEMS, ITEMS), CONDITIONS, IMAGES, LINES)
@settings(max_examples=400, deadline=None)
def test_pysigma_agrees(items: tuple[str, str, str], condition: str, image: str, line: str) -> None:
    written = "".join(f"  {name}: {{{item}}}\n" for name, item in zip("abc", items, strict=True))
    text = (
        "title: t\nlogsource: {category: process_creation, product: windows}\n"
        f"detection:\n{written}  condition: {condition}\n"
    )
    sigma = Sigma(compiled([("a.yml", text.encode())]), "")
    assert sigma.refused == ()
    start = {"kind": "process.start", "process": 2, "parent": 1, "image": image, "command_line": line}
    trace, sample = trace_of([start], "windows")
    (parsed,) = SigmaRule.from_yaml(text).detection.parsed_condition
    event = {
        "Image": image.replace("windows\\system32", "Windows\\System32"),
        "CommandLine": line,
        "ParentImage": "C:\\Users\\Anna\\Downloads\\sample.exe",
    }
    assert bool(sigma.match(trace, sample).evidence) is theirs(parsed.parsed, event)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_the_index_finds_what_asking_every_rule_finds(seed: int) -> None:
    maker = made._Maker(seed)
    texts = [(f"{n}.yml", yaml.safe_dump(made.rule(maker, n)).encode()) for n in range(400)]
    sigma = Sigma(compiled(texts), "")
    trace = made.account(300, seed + 100)
    asked = set()
    records = list(ruleset._records(Machine(trace, SampleFacts())))
    for one in sigma.rules:
        holds = matchers.condition(one.condition)
        if any(record.channel.name in one.channels and holds(record) is True for record in records):
            asked.add(f"sigma:{one.about.id}")
    assert {evidence.id for evidence in sigma.match(trace).evidence} == asked
    assert asked


def test_pysigma_has_no_modifier_that_is_not_known_here() -> None:
    assert set(modifier_mapping) <= modifiers.KNOWN
