"""Every rule of the catalogue that is shipped: its own traces, and what must be true of all of them."""

from __future__ import annotations

import re

import pytest

from lazaretto.analysis.behaviours import default_folder, load
from lazaretto.analysis.behaviours.rehearse import rehearsals
from lazaretto.analysis.behaviours.rules import Rule
from lazaretto.domain.evidence import Weight

CATALOGUE = load(default_folder())
RULES = CATALOGUE.rules()
each_rule = pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])


@each_rule
def test_the_rules_own_traces(rule: Rule) -> None:
    seen = set()
    for expected, trace, sample in rehearsals(rule):
        found = {evidence.id: evidence for evidence in CATALOGUE.match(trace, sample).evidence}
        assert (rule.id in found) is expected, trace.events
        seen.add(expected)
        if expected:
            shown = set(found[rule.id].events)
            assert shown <= {event.id for event in trace.events}
            assert shown or rule.id
    assert seen == {True, False}, "a rule has at least one trace that shows it and one that does not"


@each_rule
def test_texts_are_sentences_for_people(rule: Rule) -> None:
    assert re.match(r"(It|The|A|Somebody) ?", rule.title)
    assert not rule.title.endswith(".")
    for text in (rule.explanation, rule.benign_cause, rule.malicious_cause):
        assert text[0].isupper()
        assert text.endswith(".")
        assert len(text) <= 240
    assert len({rule.explanation, rule.benign_cause, rule.malicious_cause}) == 3


@each_rule
def test_both_kinds_of_system_understand_the_rule(rule: Rule) -> None:
    assert rule.id in {other.id for other in CATALOGUE.rules(fold=False)}
    assert rule.platforms


@each_rule
def test_a_heavy_rule_names_a_technique(rule: Rule) -> None:
    if rule.weight.rank >= Weight.MODERATE.rank:
        assert rule.techniques


def test_there_are_rules_for_every_system() -> None:
    for platform in ("windows", "linux", "office"):
        assert sum(platform in rule.platforms for rule in RULES) >= 30


def test_decisive_rules_are_few() -> None:
    assert sum(rule.weight is Weight.DECISIVE for rule in RULES) <= 8
