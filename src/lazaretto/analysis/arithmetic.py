"""The arithmetic of a verdict, laid open: what each finding gave, what the ceiling took, what would change it.

Nothing is decided here. Every number is asked of `domain.scoring`, and a test holds the sums to it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from lazaretto.analysis.report import Inside, Report
from lazaretto.domain import scoring
from lazaretto.domain.evidence import Evidence, Family, Weight
from lazaretto.domain.verdict import BANDS, Status, status_of_score


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What one finding adds: `worth` points by its weight, of which `counted` go into the sum of its family."""

    id: str
    title: str
    weight: Weight
    worth: int
    counted: int


class FamilySum(msgspec.Struct, frozen=True, kw_only=True):
    """One family: its heaviest finding counts whole, further ones a part, all of those together bounded."""

    family: Family
    points: int
    shares: tuple[Share, ...]
    bounded: int = 0  # points of further findings beyond the bound, which do not count


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """If `what` were so, the file would be `status` with `score`."""

    what: str
    status: Status
    score: int | None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why one file has the score it has. A command contract: only added to."""

    file: str
    sha256: str
    status: Status
    score: int | None
    reason: str
    decided_by: tuple[str, ...] = ()  # path of the file inside whose verdict this is; empty: the file's own
    families: tuple[FamilySum, ...] = ()  # of the file that decides, most points first
    raw: int = 0  # their sum
    ceiling: Status = Status.SUSPICIOUS  # the worst that findings of these weights allow
    bounded: int = 1  # the sum within the ceiling
    incomplete: tuple[str, ...] = ()  # why the account is not complete: forbids clean
    evidence: tuple[Evidence, ...] = ()  # of the file that decides
    changes: tuple[Change, ...] = ()


def explain(report: Report) -> Explanation:
    """The explanation of a report's verdict."""
    decider = _decider(report)
    evidence = own_evidence(decider)
    raw = scoring.raw_score(evidence)
    return Explanation(
        file=report.file,
        sha256=report.sha256,
        status=report.status,
        score=report.score,
        reason=report.reason,
        decided_by=decider.path if isinstance(decider, Inside) else (),
        families=tuple(sorted(_families(evidence), key=lambda one: (-one.points, one.family))),
        raw=raw,
        ceiling=scoring.ceiling(evidence),
        bounded=scoring.score_of(evidence),
        incomplete=decider.not_done,
        evidence=evidence,
        changes=tuple(_changes(evidence, decider.status, decider.not_done)),
    )


def own_evidence(one: Report | Inside) -> tuple[Evidence, ...]:
    """What was found in a file and its parts, without what was found in the files inside."""
    if isinstance(one, Inside):
        return one.evidence
    others = {"/".join(inside.path) for inside in one.inside}
    return tuple(
        finding
        for finding in one.evidence
        if not any(finding.where == other or finding.where.startswith(f"{other}/") for other in others)
    )


def _decider(report: Report) -> Report | Inside:
    """The file whose own findings made the verdict: a container has that of the worst file inside."""
    found: Report | Inside = report
    while True:
        heirs = [
            one
            for one in found.inside
            if (one.status, one.score) == (found.status, found.score)
            and found.reason == f"{one.path[-1] if one.path else ''}: {one.reason}"
        ]
        if not heirs:
            return found
        found = heirs[0]


def _families(evidence: Iterable[Evidence]) -> Iterable[FamilySum]:
    """The sums of the families as `scoring` makes them; a finding that was made twice is one finding."""
    once: dict[tuple[Family, str], Evidence] = {}
    for finding in evidence:
        known = once.get((finding.family, finding.id))
        if known is None or known.weight.rank < finding.weight.rank:
            once[finding.family, finding.id] = finding
    families: dict[Family, list[Evidence]] = {}
    for finding in once.values():
        families.setdefault(finding.family, []).append(finding)
    for family, findings in families.items():
        yield _sum(family, sorted(findings, key=lambda finding: (-finding.weight.rank, finding.id)))


def _sum(family: Family, findings: list[Evidence]) -> FamilySum:
    heaviest = scoring.POINTS[findings[0].weight]
    room = heaviest // scoring.FURTHER_AT_MOST
    shares, beyond = [], 0
    for place, finding in enumerate(findings):
        worth = scoring.POINTS[finding.weight]
        part = worth if place == 0 else worth // scoring.FURTHER
        counted = part if place == 0 else min(part, room)
        if place:
            room -= counted
            beyond += part - counted
        shares.append(Share(id=finding.id, title=finding.title, weight=finding.weight, worth=worth, counted=counted))
    return FamilySum(family=family, points=sum(share.counted for share in shares), shares=tuple(shares), bounded=beyond)


def _changes(evidence: tuple[Evidence, ...], status: Status, incomplete: tuple[str, ...]) -> Iterable[Change]:
    if incomplete and status is Status.UNKNOWN:
        yield _change("the account were complete and showed nothing more", evidence)
    for name, title in {finding.id: finding.title for finding in evidence}.items():
        without = tuple(finding for finding in evidence if finding.id != name)
        score = scoring.score_of(without)
        if status_of_score(score) is not status_of_score(scoring.score_of(evidence)):
            yield _verdict(f"this had a harmless cause: {title}", score, incomplete)
    yield from _worse(evidence)


def _worse(evidence: tuple[Evidence, ...]) -> Iterable[Change]:
    """For each worse status the lightest single finding, of a family not met yet, that would bring it about."""
    now = status_of_score(scoring.score_of(evidence))
    met = {finding.family for finding in evidence}
    unmet = next((family for family in Family if family not in met), Family.IMPACT)
    for weight in Weight:
        one = Evidence(
            id="explain-hypothetical", title="", explanation="", benign_cause="", malicious_cause="",
            family=unmet, weight=weight,
        )  # fmt: skip
        changed = _change(f"one more {weight.value} finding were made, about something not met yet", (*evidence, one))
        if changed.status.rank > now.rank:
            now = changed.status
            yield changed


def _change(what: str, evidence: tuple[Evidence, ...]) -> Change:
    return _verdict(what, scoring.score_of(evidence), ())


def _verdict(what: str, score: int, incomplete: tuple[str, ...]) -> Change:
    status = status_of_score(score)
    if status is Status.CLEAN and incomplete:
        return Change(what=what, status=Status.UNKNOWN, score=None)
    return Change(what=what, status=status, score=score)


def band(status: Status) -> tuple[int, int] | None:
    """Lowest and highest score of a status; None for unknown."""
    return BANDS.get(status)
