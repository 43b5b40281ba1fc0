"""The explanation of a verdict says what the scoring did, for any evidence."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lazaretto.analysis.arithmetic import explain
from lazaretto.analysis.report import Report
from lazaretto.domain import scoring
from lazaretto.domain.evidence import Evidence, Family, Weight
from lazaretto.domain.sample import Category
from lazaretto.domain.verdict import State, Status
from lazaretto.testing.reports import example


def finding(name: str, weight: Weight, family: Family, *events: int) -> Evidence:
    return Evidence(
        id=name, title=f"Title of {name}", explanation="It means.", benign_cause="Some do.", malicious_cause="Some do.",
        family=family, weight=weight, events=tuple(sorted(set(events))),
    )  # fmt: skip


def report_of(*evidence: Evidence, missing: tuple[str, ...] = ()) -> Report:
    verdict = scoring.judge(evidence, scoring.RunFacts(not_done=missing))
    return Report(
        file="/tmp/a.exe", sha256="a" * 64, sha1="b" * 40, md5="c" * 32, size=5, category=Category.EXECUTABLE,
        type="pe-exe", type_title="Windows program", state=State.FINISHED, status=verdict.status, score=verdict.score,
        reason=verdict.reason, evidence=evidence, not_done=missing,
    )  # fmt: skip


FINDINGS = st.lists(
    st.builds(
        finding,
        st.sampled_from(["a", "b", "c", "d", "e", "f"]),
        st.sampled_from(list(Weight)),
        st.sampled_from([Family.EXECUTION, Family.IMPACT, Family.CONTROL]),
        st.integers(0, 5),
    ),
    max_size=12,
)


@given(FINDINGS)
def test_the_sums_are_those_of_the_scoring(found: list[Evidence]) -> None:
    explained = explain(report_of(*found))
    assert explained.raw == scoring.raw_score(found) == sum(family.points for family in explained.families)
    assert explained.bounded == scoring.score_of(found)
    assert all(family.points == sum(share.counted for share in family.shares) for family in explained.families)
    points = [family.points for family in explained.families]
    assert points == sorted(points, reverse=True)


@given(FINDINGS)
def test_what_would_change_it_does(found: list[Evidence]) -> None:
    now = scoring.judge(found, scoring.RunFacts())
    for change in explain(report_of(*found)).changes:
        assert change.status is not now.status, change


def test_further_findings_of_a_family_count_a_quarter_and_are_bounded() -> None:
    found = [finding(f"m{number}", Weight.MODERATE, Family.IMPACT) for number in range(5)]
    (family,) = explain(report_of(*found)).families
    assert [share.counted for share in family.shares] == [35, 8, 8, 1, 0]
    assert (family.points, family.bounded) == (52, 15)


def test_without_the_finding_that_decides_it_would_be_clean() -> None:
    strong = finding("strong", Weight.STRONG, Family.CONTROL)
    changes = explain(report_of(strong, finding("weak", Weight.WEAK, Family.EXECUTION))).changes
    assert [(change.status, change.score) for change in changes if "Title of strong" in change.what] == [
        (Status.CLEAN, 8)
    ]
    assert any(change.status is Status.MALICIOUS for change in changes)


def test_an_incomplete_account_would_be_clean_if_it_were_complete() -> None:
    explained = explain(report_of(missing=("the file stayed closed",)))
    assert (explained.status, explained.score, explained.bounded) == (Status.UNKNOWN, None, 1)
    assert (explained.changes[0].status, explained.changes[0].score) == (Status.CLEAN, 1)


def test_a_container_is_explained_by_the_worst_inside(tmp_path: Path) -> None:
    report = example(tmp_path)
    explained = explain(report)
    assert explained.decided_by == ("Rechnung_2026.pdf.js",)
    assert explained.status is Status.MALICIOUS
    assert "archive-encrypted" not in {finding.id for finding in explained.evidence}
