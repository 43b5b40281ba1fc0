"""Every rule of the catalogue that is shipped: its own traces, and what must be true of all of them."""

from __future__ import annotations

import itertools
import json
import re
from collections import defaultdict
from typing import Any

import pytest

from lazaretto.analysis.attack import techniques
from lazaretto.analysis.behaviours import SampleFacts, default_folder, load
from lazaretto.analysis.behaviours.disguise import Disguise, disguised
from lazaretto.analysis.behaviours.rehearse import rehearsals
from lazaretto.analysis.behaviours.rules import Rule
from lazaretto.analysis.rulefiles import LINE
from lazaretto.domain.evidence import Weight
from lazaretto.domain.trace import Trace

CATALOGUE = load(default_folder())
RULES = CATALOGUE.rules()
TECHNIQUES = techniques()
TACTICS = (
    "execution", "persistence", "privilege-escalation", "defense-evasion", "credential-access", "discovery",
    "lateral-movement", "collection", "command-and-control", "exfiltration", "impact",
)  # fmt: skip
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


def is_found(rule: Rule, trace: Trace, sample: SampleFacts) -> bool:
    return rule.id in {evidence.id for evidence in CATALOGUE.match(trace, sample).evidence}


@each_rule
def test_other_names_do_not_lose_the_rule(rule: Rule) -> None:
    """Files, users, hosts, values, words of command lines: what an author can call otherwise, all at once."""
    for expected, trace, sample in rehearsals(rule):
        if expected:
            changed, facts = disguised(trace, sample, rule.fixed)
            assert is_found(rule, changed, facts), changed.events


@each_rule
def test_names_are_fixed_for_a_reason_and_no_others(rule: Rule) -> None:
    """Each fixed name says why, and without it the rule would be lost in one of its traces."""
    positive = [(trace, sample) for expected, trace, sample in rehearsals(rule) if expected]
    for name, reason in rule.fixed.items():
        assert re.match(r"[A-Z].{15}", reason)
        others = [other for other in rule.fixed if other != name]
        lost = [not is_found(rule, *Disguise(others).trace(trace, sample)) for trace, sample in positive]
        assert any(lost), f"{name} need not be fixed"


@each_rule
def test_techniques_exist(rule: Rule) -> None:
    assert set(rule.techniques) <= set(TECHNIQUES)


@pytest.mark.parametrize("platform", ["windows", "linux"])
@pytest.mark.parametrize("tactic", TACTICS)
def test_every_tactic_has_rules(tactic: str, platform: str) -> None:
    """At least five rules and three techniques, one of them weighty."""
    found = [
        rule
        for rule in RULES
        if platform in rule.platforms and any(tactic in TECHNIQUES[name].tactics for name in rule.techniques)
    ]
    named = {name for rule in found for name in rule.techniques if tactic in TECHNIQUES[name].tactics}
    assert len(found) >= 5
    assert len(named) >= 3
    assert any(rule.weight.rank >= Weight.STRONG.rank for rule in found)


def plain(value: Any) -> Any:
    """Without the line numbers that the reader left."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items() if key != LINE}
    return [plain(item) for item in value] if isinstance(value, list) else value


def test_no_two_rules_look_for_the_same() -> None:
    seen: dict[str, str] = {}
    for source in CATALOGUE.sources:
        match = json.dumps(plain([source.rule["match"], source.rule.get("without", [])]), sort_keys=True)
        assert match not in seen, f"{source.rule['id']} and {seen.get(match)}"
        seen[match] = source.rule["id"]


def test_no_two_rules_have_the_same_title() -> None:
    assert len({rule.title for rule in RULES}) == len(RULES)


@each_rule
def test_the_harmless_cause_bears_the_weight(rule: Rule) -> None:
    """What is common is weak; what nobody does, or only for a special end, is strong."""
    cause = rule.benign_cause
    if rule.weight.rank <= Weight.MODERATE.rank:
        assert not re.match("None|No ", cause)
    if rule.weight.rank <= Weight.WEAK.rank:
        assert not re.search(r"\b(seldom|rarely|hardly|no reason)\b", cause)
    if rule.weight.rank >= Weight.STRONG.rank and not cause.startswith("None"):
        assert not re.search(
            r"(?i)\b(most|many|all) (\w+ )?(programs|tools|installers)\b|\boften\b|\beverywhere\b", cause
        )


def test_equal_causes_have_near_weights() -> None:
    weights = defaultdict(set)
    for rule in RULES:
        weights[rule.benign_cause].add(rule.weight.rank)
    for cause, ranks in weights.items():
        assert max(ranks) - min(ranks) <= 1, cause


def test_the_catalogue_is_wide() -> None:
    assert len(RULES) >= 190
    assert len(set(itertools.chain.from_iterable(rule.techniques for rule in RULES))) >= 150


def test_there_are_rules_for_every_system() -> None:
    for platform in ("windows", "linux", "office"):
        assert sum(platform in rule.platforms for rule in RULES) >= 30


def test_decisive_rules_are_few() -> None:
    assert sum(rule.weight is Weight.DECISIVE for rule in RULES) <= 8
