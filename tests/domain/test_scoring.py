"""The scoring function: its rules as properties over any evidence, and the examples of docs/judging.md."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazaretto.domain.evidence import Evidence, Family, Weight
from lazaretto.domain.scoring import RunFacts, judge, score_of
from lazaretto.domain.trace import Ending
from lazaretto.domain.verdict import BANDS, Status, Verdict, status_of_score

COMPLETE = RunFacts(ending=Ending.EXITED)


def finding(
    weight: Weight, family: Family = Family.EXECUTION, name: str = "", events: tuple[int, ...] = ()
) -> Evidence:
    return Evidence(
        id=name or f"{family}-{weight}",
        title=f"It did something of {family}",
        explanation="e",
        benign_cause="b",
        malicious_cause="m",
        family=family,
        weight=weight,
        events=events,
    )


findings = st.builds(
    finding,
    st.sampled_from(Weight),
    st.sampled_from(Family),
    st.sampled_from(["a", "b", "c", "d", "e"]),
    st.lists(st.integers(0, 9), max_size=3, unique=True).map(lambda ids: tuple(sorted(ids))),
)
evidence = st.lists(findings, max_size=25)
weak = st.lists(findings.filter(lambda f: f.weight.rank <= Weight.WEAK.rank), max_size=60)
incomplete = st.one_of(
    st.sampled_from([e for e in Ending if not e.complete]).map(lambda e: RunFacts(ending=e)),
    st.integers(1, 10**6).map(lambda n: RunFacts(ending=Ending.EXITED, lost_events=n)),
    st.just(RunFacts(failed="no machine")),
    st.just(RunFacts(not_done=("it was not run",))),
)


@given(evidence, evidence)
def test_more_evidence_never_lowers_the_score(some: list[Evidence], more: list[Evidence]) -> None:
    assert score_of([*some, *more]) >= score_of(some)
    before, after = judge(some, COMPLETE), judge([*some, *more], COMPLETE)
    assert after.status.rank >= before.status.rank


@given(evidence, findings)
def test_a_heavier_weight_never_lowers_the_score(some: list[Evidence], one: Evidence) -> None:
    heavier = [w for w in Weight if w.rank >= one.weight.rank]
    scores = [score_of([*some, msgspec.structs.replace(one, weight=weight)]) for weight in heavier]
    assert scores == sorted(scores)


@given(evidence, st.randoms(use_true_random=False))
def test_order_does_not_matter(some: list[Evidence], chance: random.Random) -> None:
    shuffled = list(some)
    chance.shuffle(shuffled)
    assert score_of(shuffled) == score_of(some)
    assert judge(shuffled, COMPLETE).status is judge(some, COMPLETE).status


@given(st.lists(findings, max_size=25, unique_by=lambda f: (f.family, f.id)), st.randoms(use_true_random=False))
def test_the_reason_does_not_depend_on_the_order(some: list[Evidence], chance: random.Random) -> None:
    shuffled = list(some)
    chance.shuffle(shuffled)
    assert judge(shuffled, COMPLETE) == judge(some, COMPLETE)


@given(weak)
def test_weak_signals_stop_at_suspicious(some: list[Evidence]) -> None:
    assert judge(some, COMPLETE).status in {Status.CLEAN, Status.SUSPICIOUS}


@given(evidence.filter(lambda all_: sum(f.weight.rank >= Weight.STRONG.rank for f in all_) == 0))
def test_nothing_strong_is_never_malicious(some: list[Evidence]) -> None:
    assert judge(some, COMPLETE).status is not Status.MALICIOUS


@given(evidence, st.sampled_from(Family))
def test_a_decisive_finding_is_malicious(some: list[Evidence], family: Family) -> None:
    assert judge([*some, finding(Weight.DECISIVE, family)], COMPLETE).status is Status.MALICIOUS


@given(evidence, incomplete)
def test_an_incomplete_account_is_never_clean(some: list[Evidence], facts: RunFacts) -> None:
    verdict = judge(some, facts)
    complete = judge(some, COMPLETE)
    assert verdict.status is not Status.CLEAN
    if complete.status is Status.CLEAN:
        assert verdict.status is Status.UNKNOWN
        assert verdict.score is None
    else:
        assert (verdict.status, verdict.score) == (complete.status, complete.score)


@given(evidence)
def test_status_and_score_go_together(some: list[Evidence]) -> None:
    verdict = judge(some, COMPLETE)
    assert verdict.score is not None
    low, high = BANDS[verdict.status]
    assert low <= verdict.score <= high
    assert verdict.reason.endswith(".")


@given(evidence)
def test_the_same_finding_twice_counts_once(some: list[Evidence]) -> None:
    assert score_of([*some, *some]) == score_of(some)


STRONG = Weight.STRONG
MODERATE = Weight.MODERATE
WEAK = Weight.WEAK
F = Family


@pytest.mark.parametrize(
    ("found", "status", "score"),
    [
        ([], Status.CLEAN, 1),
        ([finding(Weight.INFORMATIONAL)], Status.CLEAN, 1),
        ([finding(WEAK)], Status.CLEAN, 8),
        ([finding(MODERATE)], Status.CLEAN, 35),
        ([finding(MODERATE), finding(WEAK, name="x")], Status.CLEAN, 37),
        ([finding(MODERATE), finding(MODERATE, F.PERSISTENCE)], Status.CLEAN, 70),
        ([finding(MODERATE), finding(MODERATE, F.PERSISTENCE), finding(WEAK, F.CONTROL)], Status.SUSPICIOUS, 78),
        ([finding(STRONG)], Status.SUSPICIOUS, 75),
        ([finding(STRONG), finding(WEAK, F.CONTROL)], Status.SUSPICIOUS, 83),
        ([finding(STRONG), finding(MODERATE, F.CONTROL)], Status.HIGHLY_SUSPICIOUS, 99),
        ([finding(STRONG), finding(STRONG, name="x")], Status.HIGHLY_SUSPICIOUS, 93),
        ([finding(STRONG), finding(STRONG, F.CONTROL)], Status.MALICIOUS, 100),
        ([finding(STRONG, events=(1, 2)), finding(STRONG, F.CONTROL, events=(2,))], Status.HIGHLY_SUSPICIOUS, 99),
        ([finding(STRONG, events=(1,)), finding(STRONG, F.CONTROL, events=(2,))], Status.MALICIOUS, 100),
    ],
)
def test_examples(found: list[Evidence], status: Status, score: int) -> None:
    verdict = judge(found, COMPLETE)
    assert (verdict.status, verdict.score) == (status, score)


def test_a_verdict_cannot_contradict_itself() -> None:
    with pytest.raises(ValueError, match="does not go with"):
        Verdict(status=Status.CLEAN, score=100, reason="x")
    with pytest.raises(ValueError, match="reason"):
        Verdict(status=Status.UNKNOWN, score=None, reason="")
    with pytest.raises(ValueError, match="between 1 and 100"):
        status_of_score(0)


def test_the_reason_names_the_heaviest_findings_and_what_is_missing() -> None:
    found = [finding(WEAK, F.CONTROL), finding(STRONG)]
    verdict = judge(found, RunFacts(ending=Ending.GUEST_DIED))
    assert verdict.reason.startswith("It did something of execution; It did something of control")
    assert "crashed or was shut down" in verdict.reason
