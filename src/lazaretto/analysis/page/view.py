"""What the page shows, chosen and bounded: a trace or a tree may be huge, and both are the sample's doing.

Every list says how much it left out. Nothing here is markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from lazaretto.analysis import attack, indicators, stix
from lazaretto.analysis.accounts import Account
from lazaretto.analysis.advice import ADVICE, STEPS
from lazaretto.analysis.engine import Fact
from lazaretto.analysis.indicators import Told
from lazaretto.analysis.page import run
from lazaretto.analysis.report import Inside, Report
from lazaretto.analysis.tree import Looked
from lazaretto.domain.evidence import Evidence, Weight
from lazaretto.domain.verdict import BANDS, Status

MOST_REASONS = 3
MOST_EVIDENCE = 200
MOST_INSIDE = 500
MOST_INDICATORS = 300
MOST_FACTS = 200
MOST_FACTS_INSIDE = 30  # of one file
MOST_FOUND = 5
MOST_FAILURES = 100
MOST_DEPTH = 8  # levels that are drawn apart


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table of behaviours. `shown` are the anchors of the events that show it."""

    evidence: Evidence
    shown: tuple[tuple[int, str], ...] = ()


class Lying(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the tree of what is inside. `part`: counted with the file above, has no verdict of its own."""

    depth: int
    name: str
    part: bool
    inside: Inside
    found: tuple[str, ...] = ()  # titles of findings that are not in the table of behaviours
    facts: tuple[Fact, ...] = ()


class Undone(msgspec.Struct, frozen=True, kw_only=True):
    """What was not done over one file; `where` is empty for the file itself."""

    where: str
    reason: str


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One technique of the matrix, with the heaviest finding that speaks of it."""

    technique: attack.Technique
    weight: Weight
    found: int


class View(msgspec.Struct, frozen=True, kw_only=True):
    """The page. `left_out` counts what there was no room for, by the name of the list."""

    name: str
    status: Status
    slug: str  # the status as a class
    advice: str
    steps: tuple[str, ...]
    reasons: tuple[Evidence, ...]
    findings: tuple[Finding, ...]
    accounts: tuple[run.Ran, ...]
    tree: tuple[Lying, ...]
    matrix: tuple[tuple[str, tuple[Cell, ...]], ...]
    indicators: tuple[Told, ...]
    facts: tuple[Fact, ...]
    failures: tuple[tuple[str, Looked], ...]  # of engines, over the files inside
    undone: tuple[Undone, ...]
    csv: bytes
    stix: bytes
    bands: tuple[tuple[str, int, int], ...]
    left_out: dict[str, int]


def view_of(report: Report, accounts: tuple[Account, ...]) -> View:
    """The view of a report."""
    told = indicators.collect(report, accounts)
    shown = [run.ran(number, account, _events_of(report, account)) for number, account in enumerate(accounts)]
    tree = list(_tree(report))
    inside = [one.inside for one in tree if not one.part]
    failures = [("/".join(one.path), looked) for one in inside for looked in one.looked if looked.failed]
    undone = list(_undone(report, inside))
    facts = [fact for fact in report.facts if fact.value not in ("", ())]
    return View(
        name=Path(report.file).name or report.file,
        status=report.status,
        slug=report.status.value.replace(" ", "-"),
        advice=ADVICE[report.status],
        steps=STEPS[report.status],
        reasons=tuple(_strongest(report.evidence)),
        findings=tuple(_findings(report.evidence[:MOST_EVIDENCE], shown)),
        accounts=tuple(shown),
        tree=tuple(tree[:MOST_INSIDE]),
        matrix=_matrix(report.evidence),
        indicators=told[:MOST_INDICATORS],
        facts=tuple(facts[:MOST_FACTS]),
        failures=tuple(failures[:MOST_FAILURES]),
        undone=tuple(undone[:MOST_FAILURES]),
        csv=indicators.as_csv(told, report).encode(),
        stix=stix.to_json(report, told),
        bands=tuple((status.value.replace(" ", "-"), low, high) for status, (low, high) in BANDS.items()),
        left_out={
            "findings": max(0, len(report.evidence) - MOST_EVIDENCE),
            "tree": max(0, len(tree) - MOST_INSIDE),
            "indicators": max(0, len(told) - MOST_INDICATORS),
            "facts": max(0, len(facts) - MOST_FACTS),
            "failures": max(0, len(failures) - MOST_FAILURES),
            "undone": max(0, len(undone) - MOST_FAILURES),
        },
    )


def _strongest(evidence: Iterable[Evidence]) -> list[Evidence]:
    """The strongest findings, each once, those that say nothing for or against left out."""
    once = {finding.id: finding for finding in reversed(list(evidence)) if finding.weight.rank}
    ordered = sorted(once.values(), key=lambda finding: (-finding.weight.rank, finding.family, finding.id))
    return ordered[:MOST_REASONS]


def _events_of(report: Report, account: Account) -> frozenset[int]:
    """The events of this run that findings rest on."""
    where = "/".join(account.path)
    return frozenset(event for finding in report.evidence if finding.where == where for event in finding.events)


def _findings(evidence: Iterable[Evidence], shown: Iterable[run.Ran]) -> Iterator[Finding]:
    by_path = {one.where: one for one in shown}
    for finding in evidence:
        ran = by_path.get(finding.where)
        anchors = [(event, ran.anchors[event]) for event in finding.events if event in ran.anchors] if ran else []
        yield Finding(evidence=finding, shown=tuple(anchors[:8]))


def _tree(report: Report) -> Iterator[Lying]:
    """Files and parts below the file, each under what it lies in, in the order in which they lie there."""
    below: dict[tuple[str, ...], list[tuple[Inside, bool]]] = {}
    for one, part in _lying(report):
        below.setdefault(one.path[:-1], []).append((one, part))
    waiting = list(reversed(below.pop((), [])))
    while waiting:
        one, part = waiting.pop()
        yield _lies(one, part=part)
        waiting += reversed(below.pop(one.path, []))


def _lies(one: Inside, *, part: bool) -> Lying:
    told = one.status.rank > Status.CLEAN.rank  # what is found in a bad file is in the table of behaviours
    titles = dict.fromkeys(finding.title for finding in one.evidence) if not told else {}
    facts = [fact for fact in one.facts if fact.value not in ("", ())]
    return Lying(
        depth=min(len(one.path), MOST_DEPTH),
        name=one.path[-1] if one.path else "",
        part=part,
        inside=one,
        found=tuple(titles)[:MOST_FOUND],
        facts=tuple(facts[:MOST_FACTS_INSIDE]),
    )


def _undone(report: Report, inside: Iterable[Inside]) -> Iterator[Undone]:
    yield from (Undone(where="", reason=reason) for reason in report.not_done)
    for one in inside:
        where = "/".join(one.path)
        if one.closed:
            yield Undone(where=where, reason=one.closed)
        yield from (Undone(where=where, reason=reason) for reason in one.not_done)


def _lying(holder: Report | Inside) -> Iterator[tuple[Inside, bool]]:
    yield from ((part, True) for part in holder.parts)
    for one in holder.inside:
        yield one, False
        yield from _lying(one)


def _matrix(evidence: tuple[Evidence, ...]) -> tuple[tuple[str, tuple[Cell, ...]], ...]:
    heaviest: dict[str, Weight] = {}
    found: Counter[str] = Counter()
    for finding in evidence:
        for name in finding.techniques:
            found[name] += 1
            known = heaviest.get(name, finding.weight)
            heaviest[name] = max(known, finding.weight, key=lambda weight: weight.rank)
    return tuple(
        (title, tuple(Cell(technique=one, weight=heaviest[one.id], found=found[one.id]) for one in under))
        for title, under in attack.columns(heaviest)
    )
