"""From evidence and the facts of the run to a verdict: the one place where that is decided.

Pure: the same evidence in any order and the same facts give the same verdict. `docs/judging.md` explains it by example.

1. Points. Every family adds the points of its heaviest finding. Further findings of the same family have much the same
   cause, so each adds a quarter of its points, in all at most half of the heaviest. The sum is the raw score.
2. Ceilings. Numbers alone never raise a file above what its heaviest findings allow (`ceiling`): weak signals stop at
   suspicious, and malicious needs a decisive finding, or two strong ones from different families that show different
   events.
3. Completeness. If the run was not complete, clean becomes unknown with the reason. Worse statuses stay.

Adding a finding never lowers a score or a status.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from lazaretto.domain.evidence import Evidence, Family, Weight, sort_evidence
from lazaretto.domain.trace import Ending
from lazaretto.domain.verdict import BANDS, Status, Verdict, status_of_score

VERSION = "1"

POINTS: dict[Weight, int] = {
    Weight.INFORMATIONAL: 0,
    Weight.WEAK: 8,
    Weight.MODERATE: 35,
    Weight.STRONG: 75,
    Weight.DECISIVE: 100,
}
FURTHER = 4  # a further finding of the same family adds its points divided by this
FURTHER_AT_MOST = 2  # and all of them together at most the heaviest's points divided by this

# Why an ending is not a complete account, in words that follow "the analysis is incomplete: ".
_ENDINGS: dict[Ending, str] = {
    Ending.WALL_TIME: "the time for the analysis ran out while the sample was still at work",
    Ending.GUEST_DIED: "the sample's machine crashed or was shut down",
    Ending.MACHINE_DIED: "the virtual machine ended by itself",
    Ending.KEEPER_LOST: "the machine stopped answering",
    Ending.FLOODED: "the sample did more than the account can hold",
    Ending.REFUSED: "the sample could not be started",
}


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about how completely the sample was looked at."""

    ending: Ending | None = None  # None: it was not detonated
    lost_events: int = 0
    not_done: tuple[str, ...] = ()  # what should have been looked at and was not, in words; forbids clean
    failed: str = ""  # why the analysis failed, if it did; forbids clean


def judge(evidence: Iterable[Evidence], facts: RunFacts) -> Verdict:
    """The verdict that this evidence and these facts allow."""
    found = sort_evidence(tuple(evidence))
    score = score_of(found)
    status = status_of_score(score)
    missing = incompleteness(facts)
    if status is Status.CLEAN and missing:
        return Verdict(status=Status.UNKNOWN, score=None, reason=_sentence("; ".join(missing)))
    return Verdict(status=status, score=score, reason=_reason(status, found, missing))


def worst(own: Verdict, inside: Iterable[tuple[str, Verdict]]) -> Verdict:
    """The verdict of a file that carries files: its own, or that of the worst inside if that is worse; never the sum.

    `inside` are names and verdicts. A file of which nothing bad is known but that carries one that could not be judged
    is not known either.
    """
    name, found = max(inside, key=lambda pair: _badness(pair[1]), default=("", own))
    if _badness(found) <= _badness(own):
        return own
    return Verdict(status=found.status, score=found.score, reason=f"{name}: {found.reason}")


def _badness(verdict: Verdict) -> tuple[int, bool, int]:
    """Order of verdicts: by status, unknown above clean, then by score."""
    return verdict.status.rank, verdict.status is Status.UNKNOWN, verdict.score or 0


def score_of(found: Iterable[Evidence]) -> int:
    """1 to 100. Monotone: more evidence never gives less."""
    findings = tuple(found)
    top = ceiling(findings)
    if top is Status.MALICIOUS:
        return 100
    return max(1, min(raw_score(findings), BANDS[top][1]))


def raw_score(findings: Iterable[Evidence]) -> int:
    """The sum of the families' points, before any ceiling."""
    return sum(_family_points(weights) for weights in _weights_by_family(findings).values())


def ceiling(findings: tuple[Evidence, ...]) -> Status:
    """The worst status that findings of these weights may reach, however many they are."""
    if any(finding.weight is Weight.DECISIVE for finding in findings) or _two_independent(findings):
        return Status.MALICIOUS
    moderate = {finding.family for finding in findings if finding.weight is Weight.MODERATE}
    if any(finding.weight is Weight.STRONG for finding in findings) or len(moderate) > 1:
        return Status.HIGHLY_SUSPICIOUS
    return Status.SUSPICIOUS


def incompleteness(facts: RunFacts) -> tuple[str, ...]:
    """Why these facts forbid `clean`; empty if they do not."""
    reasons = []
    if facts.failed:
        reasons.append(f"the analysis failed: {facts.failed}")
    if facts.ending is not None and not facts.ending.complete:
        reasons.append(f"the analysis is incomplete: {_ENDINGS[facts.ending]}")
    if facts.lost_events:
        reasons.append(f"the account is incomplete: {facts.lost_events} events were lost")
    return (*reasons, *facts.not_done)


def _weights_by_family(findings: Iterable[Evidence]) -> dict[Family, list[Weight]]:
    """For each family the weights of its findings, one an id: a finding that was made twice is one finding."""
    heaviest: dict[tuple[Family, str], Weight] = {}
    for finding in findings:
        place = (finding.family, finding.id)
        known = heaviest.get(place, Weight.INFORMATIONAL)
        heaviest[place] = max(known, finding.weight, key=lambda weight: weight.rank)
    families: dict[Family, list[Weight]] = {}
    for (family, _), weight in heaviest.items():
        families.setdefault(family, []).append(weight)
    return families


def _family_points(weights: list[Weight]) -> int:
    points = sorted((POINTS[weight] for weight in weights), reverse=True)
    further = sum(point // FURTHER for point in points[1:])
    return points[0] + min(further, points[0] // FURTHER_AT_MOST)


def _two_independent(findings: tuple[Evidence, ...]) -> bool:
    """Whether two strong findings are of different families and do not rest on the same events.

    Two readings of one and the same act (a file put into a start folder is persistence and a dropped file) are one
    piece of evidence, not two.
    """
    strong = [finding for finding in findings if finding.weight is Weight.STRONG]
    return any(
        a.family is not b.family and set(a.events).isdisjoint(b.events)
        for place, a in enumerate(strong)
        for b in strong[place + 1 :]
    )


def _reason(status: Status, found: tuple[Evidence, ...], missing: tuple[str, ...]) -> str:
    telling = [finding.title for finding in _one_an_id(found) if finding.weight is not Weight.INFORMATIONAL]
    named = "; ".join(title.rstrip(".") for title in telling[:3])
    more = f"; and {len(telling) - 3} more" if len(telling) > 3 else ""
    if status is Status.CLEAN:
        seen = f"only signals that harmless files show too: {named}{more}" if telling else "nothing suspicious"
        return _sentence(f"the analysis was complete and showed {seen}")
    also = f" ({'; '.join(missing)})" if missing else ""
    return _sentence(f"{named}{more}{also}")


def _one_an_id(found: tuple[Evidence, ...]) -> list[Evidence]:
    return list({finding.id: finding for finding in reversed(found)}.values())[::-1]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
