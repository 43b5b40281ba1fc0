"""A stored report made again with today's rules, and what made the difference.

Pure but for reading: the same folder and the same rules give the same report.
"""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path

import msgspec

from lazaretto.analysis import names
from lazaretto.analysis.assemble import assemble
from lazaretto.analysis.behaviours import Catalogue
from lazaretto.analysis.findings import Meanings
from lazaretto.analysis.material import read_material, runs_of
from lazaretto.analysis.report import Inside, Report, read_report
from lazaretto.analysis.tree import Node
from lazaretto.domain.errors import ReportError
from lazaretto.domain.evidence import Evidence, Weight
from lazaretto.domain.verdict import State, Status


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """One finding that weighs other than it did. `before` is None where it is new, `after` where it is gone."""

    id: str
    title: str
    where: str = ""  # the file inside, empty for the file itself
    before: Weight | None = None
    after: Weight | None = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What two reports of one analysis do not share. A command contract: only added to."""

    file: str
    sha256: str
    state: State
    status_before: Status
    score_before: int | None
    status: Status
    score: int | None
    reason_before: str
    reason: str
    findings: tuple[Changed, ...] = ()
    engines: dict[str, tuple[str, str]] = {}  # versions before and after; "" where there was or is none

    @property
    def same_verdict(self) -> bool:
        return (self.status_before, self.score_before) == (self.status, self.score)


class Rescored(msgspec.Struct, frozen=True, kw_only=True):
    """The report as it was stored, as it is now, and what lies between."""

    before: Report
    after: Report
    difference: Difference


def rescore(folder: Path, catalogue: Catalogue, meanings: Meanings) -> Rescored:
    """The report of this folder, made anew. Raises `ReportError` where something of it is missing or torn."""
    before = read_report(folder)
    material = read_material(folder)
    if material.tree.sample.hashes.sha256 != before.sha256:
        raise ReportError(f"{folder}: the report and its material are of different files")
    tree = renewed(material.tree, Path(material.file).name, meanings, frozenset(material.catalogued))
    made = assemble(material.file, tree, runs_of(material, folder), catalogue, meanings, not_run=material.not_run)
    after = msgspec.structs.replace(
        made,
        when=before.when,
        duration_s=before.duration_s,
        stages={**before.stages, **made.stages},
        run_asked=before.run_asked,
    )
    return Rescored(before=before, after=after, difference=difference(before, after))


def renewed(node: Node, name: str, meanings: Meanings, catalogued: Set[str]) -> Node:
    """The tree with what its findings mean today.

    A finding that the catalogue had (`catalogued`) and no longer has says nothing. One that never was in it brought its
    meaning along, from a rule of the user's, and stays as it is.
    """
    named = node.relation in {"", "member", "attachment"} and not node.closed and node.same_as is None
    evidence = [*(names.evidence_of_name(name, node.kind) if named else ())]
    for one in node.evidence:
        if meaning := meanings.by_id.get(one.id):
            evidence.append(msgspec.structs.replace(one, **msgspec.structs.asdict(meaning)))
        elif one.source != names.SOURCE and one.id not in catalogued:
            evidence.append(one)
    children = tuple(renewed(child, child.path[-1], meanings, catalogued) for child in node.children)
    return msgspec.structs.replace(node, evidence=tuple(evidence), children=children)


def difference(before: Report, after: Report) -> Difference:
    """What made the difference, if there is one."""
    return Difference(
        file=after.file,
        sha256=after.sha256,
        state=after.state,
        status_before=before.status,
        score_before=before.score,
        status=after.status,
        score=after.score,
        reason_before=before.reason,
        reason=after.reason,
        findings=_changed(_weighed(before), _weighed(after)),
        engines={
            name: versions
            for name in sorted({*before.engines, *after.engines})
            if (versions := (before.engines.get(name, ""), after.engines.get(name, "")))[0] != versions[1]
        },
    )


def _weighed(report: Report) -> dict[tuple[str, str], Evidence]:
    """All findings of a report, those of the files inside too, by the file and the id."""
    found: dict[tuple[str, str], Evidence] = {}
    waiting: list[Report | Inside] = [report]
    while waiting:
        one = waiting.pop()
        for finding in one.evidence:
            known = found.get((finding.where, finding.id))
            if known is None or known.weight.rank < finding.weight.rank:
                found[finding.where, finding.id] = finding
        waiting += one.inside
    return found


def _changed(before: dict[tuple[str, str], Evidence], after: dict[tuple[str, str], Evidence]) -> tuple[Changed, ...]:
    changed = []
    for key in {**before, **after}:
        old, new = before.get(key), after.get(key)
        told = new or old
        if told is None or (old and new and old.weight is new.weight):
            continue
        changed.append(
            Changed(
                id=told.id,
                title=told.title,
                where=told.where,
                before=old.weight if old else None,
                after=new.weight if new else None,
            )
        )
    return tuple(sorted(changed, key=lambda one: (-_most(one), one.where, one.id)))


def _most(changed: Changed) -> int:
    return max(weight.rank for weight in (changed.before, changed.after) if weight is not None)
