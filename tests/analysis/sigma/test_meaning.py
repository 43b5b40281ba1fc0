"""What a match becomes: texts, weight, family, techniques, events."""

from __future__ import annotations

import pytest

from lazaretto.analysis.behaviours.rehearse import trace_of
from lazaretto.analysis.sigma import ruleset
from lazaretto.domain.evidence import MAX_DETAILS, MAX_EVENTS, Evidence, Family, Weight
from lazaretto.testing.sigma_play import START, found, rule, rules

SEEN = "s: {CommandLine|contains: aa}\ncondition: s\n"
EVENT = {**START, "command_line": "tool aa"}


def only(more: str, detection: str = SEEN) -> Evidence:
    (evidence,) = found(rule(detection, more=more), EVENT)
    return evidence


def test_the_texts_are_the_rules_own() -> None:
    evidence = only(
        "id: 11111111-1111-4111-8111-111111111111\n"
        "description: |\n  Detects that\n  something happens\n"
        "level: high\n"
        "falsepositives: [Administrators., Unknown]\n"
        "tags: [attack.persistence, attack.privilege_escalation, attack.t1547.001, cve.2024-1]\n"
    )
    assert evidence.id == "sigma:11111111-1111-4111-8111-111111111111"
    assert evidence.source == "sigma"
    assert evidence.title == "A rule"
    assert evidence.explanation == "Detects that something happens."
    assert evidence.benign_cause == "The rule's author knows of harmless causes: Administrators."
    assert (
        evidence.malicious_cause == "The rule's author rates it high; it serves coming back later; getting more rights."
    )
    assert evidence.techniques == ("T1547.001",)
    assert evidence.family is Family.PERSISTENCE
    assert evidence.weight is Weight.MODERATE
    assert evidence.events == (0,)
    assert evidence.details == ("tool aa",)


def test_a_rule_that_says_little() -> None:
    evidence = only("")
    assert evidence.id.startswith("sigma:")
    assert evidence.weight is Weight.INFORMATIONAL
    assert evidence.explanation == "A rule of this name fits what it did: A rule."
    assert evidence.benign_cause == "The rule's author names no harmless cause."
    assert evidence.malicious_cause == "The rule's author does not rate it."


@pytest.mark.parametrize(
    ("level", "status", "weight"),
    [
        ("critical", "stable", Weight.STRONG),
        ("high", "test", Weight.MODERATE),
        ("medium", "test", Weight.WEAK),
        ("low", "test", Weight.INFORMATIONAL),
        ("informational", "test", Weight.INFORMATIONAL),
        ("critical", "experimental", Weight.MODERATE),
        ("high", "experimental", Weight.WEAK),
        ("low", "experimental", Weight.INFORMATIONAL),
    ],
)
def test_a_level_is_a_weight(level: str, status: str, weight: Weight) -> None:
    assert only(f"level: {level}\nstatus: {status}\n").weight is weight


@pytest.mark.parametrize(
    ("tags", "family"),
    [
        ("[attack.credential_access]", Family.CREDENTIALS),
        ("[attack.defense-evasion]", Family.CONCEALMENT),
        ("[attack.defense_evasion, attack.t1562.001]", Family.DEFENCES),
        ("[attack.stealth, attack.t1055]", Family.INJECTION),
        ("[attack.command-and-control, attack.t1071]", Family.CONTROL),
        ("[detection.threat_hunting]", Family.EXECUTION),
        ("[]", Family.EXECUTION),
    ],
)
def test_a_family_by_technique_tactic_or_log(tags: str, family: Family) -> None:
    assert only(f"tags: {tags}\n").family is family


def test_rules_that_read_the_same_act_are_one_family() -> None:
    heavy = rule(SEEN, more="level: critical\ntags: [attack.impact]\nid: a")
    light = rule(SEEN, more="level: high\ntags: [attack.discovery]\nid: b")
    other = rule("s: {CommandLine|contains: bb}\ncondition: s\n", more="level: high\ntags: [attack.collection]\nid: c")
    trace, sample = trace_of([EVENT, {**START, "process": 3, "command_line": "bb"}], "windows")
    families = {one.id: one.family for one in rules(light, heavy, other).match(trace, sample).evidence}
    assert families == {"sigma:a": Family.IMPACT, "sigma:b": Family.IMPACT, "sigma:c": Family.COLLECTION}


def test_many_events_are_bounded() -> None:
    events = [{**EVENT, "process": 2 + number, "command_line": f"aa {number}"} for number in range(200)]
    (evidence,) = found(rule(SEEN), *events)
    assert len(evidence.events) == MAX_EVENTS
    assert len(evidence.details) == MAX_DETAILS
    assert list(evidence.events) == sorted(set(evidence.events))


def test_the_same_again_is_the_same() -> None:
    text = rule(SEEN, more="level: high")
    assert found(text, EVENT, EVENT) == found(text, EVENT, EVENT)


def test_what_would_take_too_long_ends_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    trace, sample = trace_of([{**EVENT, "repeat": 50, "command_line": "aa {n}"}], "windows")
    monkeypatch.setattr(ruleset, "MOST_WORK", 500)
    findings = rules(rule(SEEN)).match(trace, sample)
    assert findings.unfinished == ("sigma",)
    assert findings.evidence, "what was found before stays found"
