"""From a tree and the runs of some of its files to a report. Pure: the same in, the same out.

Every file has a verdict of its own, from what was found in it and its parts and what it did when it was run. A
container is as bad as the worst file inside, not the sum; so is whatever carries files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from lazaretto.analysis import identify as identification
from lazaretto.analysis import names
from lazaretto.analysis.behaviours import Catalogue, SampleFacts
from lazaretto.analysis.engine import PASSWORD
from lazaretto.analysis.findings import Meanings
from lazaretto.analysis.report import Inside, Report, Run
from lazaretto.analysis.runs import Ran, run_problems
from lazaretto.analysis.tree import Looked, Node
from lazaretto.domain import scoring
from lazaretto.domain.evidence import Evidence, sort_evidence, techniques_of
from lazaretto.domain.verdict import State, Status, Verdict


class _Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the tree with its verdict, and its files inside with theirs."""

    node: Node
    evidence: tuple[Evidence, ...]
    own: Verdict
    verdict: Verdict
    run: Run | None
    not_done: tuple[str, ...]
    inside: tuple[_Judged, ...]


def assemble(
    file: str,
    tree: Node,
    ran: Iterable[Ran],
    catalogue: Catalogue,
    meanings: Meanings,
    *,
    not_run: tuple[str, ...] = (),
    not_done: tuple[str, ...] = (),
) -> Report:
    """The report of one file. `not_run` says why the file itself was not run where that forbids clean; `not_done` is
    what else should have been looked at."""
    runs = {one.path: one for one in ran}
    root = _judged(tree, runs, catalogue, (*not_run, *not_done))
    failed = next((one for one in runs.values() if not one.path and one.error), None)
    evidence = sort_evidence((*root.evidence, *_of_the_bad(root)))
    return Report(
        file=file,
        sha256=tree.sample.hashes.sha256,
        sha1=tree.sample.hashes.sha1,
        md5=tree.sample.hashes.md5,
        size=tree.sample.size,
        category=tree.kind.category,
        type=tree.kind.name,
        type_title=tree.kind.title,
        traits=tree.kind.traits,
        mismatch=tree.kind.mismatch,
        state=State.FAILED if failed else State.FINISHED,
        status=root.verdict.status,
        score=root.verdict.score,
        reason=root.verdict.reason,
        error=failed.code if failed else "",
        evidence=evidence,
        techniques=techniques_of(evidence),
        engines=_engines(tree, runs.values(), catalogue, meanings),
        not_done=root.not_done,
        run=root.run,
        lost_events=sum(one.detonation.trace.lost.total for one in runs.values() if one.detonation),
        looked=_looked(tree),
        facts=tuple(fact for node in tree.own() for fact in node.facts),
        indicators=tuple(
            dict.fromkeys(found for node in tree.walk() for found in node.indicators if found.kind != PASSWORD)
        ),
        inside=tuple(_inside(judged) for judged in root.inside),
        parts=tuple(_part(node) for node in tree.own() if node.path),
        stages={
            f"sandbox.{name}": round(seconds, 4)
            for one in runs.values()
            if one.detonation and not one.path
            for name, seconds in one.detonation.stages.items()
        },
    )


def _judged(node: Node, runs: Mapping[tuple[str, ...], Ran], catalogue: Catalogue, more: tuple[str, ...]) -> _Judged:
    inside = tuple(_judged(child, runs, catalogue, ()) for child in node.files())
    ran = runs.get(node.path)
    behaved, facts, run = _of_the_run(node, ran, catalogue)
    evidence = sort_evidence((*(found for own in node.own() for found in own.evidence), *behaved))
    not_done = tuple(dict.fromkeys([*more, *facts.not_done, *(text for own in node.own() for text in own.not_done)]))
    facts = msgspec.structs.replace(facts, not_done=not_done)
    verdict = scoring.judge(evidence, facts)
    return _Judged(
        node=node,
        evidence=evidence,
        own=verdict,
        verdict=scoring.worst(verdict, [(one.node.path[-1], one.verdict) for one in inside if not one.node.closed]),
        run=run,
        not_done=scoring.incompleteness(facts),
        inside=inside,
    )


def _of_the_run(
    node: Node, ran: Ran | None, catalogue: Catalogue
) -> tuple[tuple[Evidence, ...], scoring.RunFacts, Run | None]:
    """What the rules find in the account of a run, how complete it is, and what the report says of it."""
    if ran is None:
        return (), scoring.RunFacts(), None
    if ran.detonation is None:
        return (), scoring.RunFacts(failed=ran.error), None
    trace = ran.detonation.trace
    findings = catalogue.match(trace, SampleFacts(ran.name, node.sample.hashes.sha256))
    unfinished = tuple(f"the rule {rule} could not be followed through" for rule in findings.unfinished)
    facts = scoring.RunFacts(
        ending=trace.ending, lost_events=trace.lost.total, not_done=(*run_problems(trace), *unfinished)
    )
    where = "/".join(node.path)
    evidence = tuple(msgspec.structs.replace(found, where=where) for found in findings.evidence)
    return evidence, facts, _run(ran)


def _run(ran: Ran) -> Run:
    assert ran.detonation is not None
    trace = ran.detonation.trace
    return Run(
        profile=ran.detonation.guest.profile,
        image=ran.detonation.guest.image,
        launch=ran.kind.launch or "",
        ending=trace.ending,
        reason=trace.reason,
        guest_time_s=trace.guest_time,
        wall_time_s=trace.wall_time,
        events=len(trace.events),
        processes=len(trace.processes),
        artifacts=ran.detonation.artifacts,
        folder=ran.out,
        name=ran.name,
    )


def _of_the_bad(judged: _Judged) -> Iterable[Evidence]:
    """What was found in the files inside that make this one bad."""
    for one in judged.inside:
        if one.own.status.rank > Status.CLEAN.rank:
            yield from one.evidence
        yield from _of_the_bad(one)


def _inside(judged: _Judged) -> Inside:
    node = judged.node
    return Inside(
        path=node.path,
        relation=node.relation,
        sha256=node.sample.hashes.sha256 if not node.closed else "",
        size=node.sample.size,
        type=node.kind.name,
        type_title=node.kind.title,
        category=node.kind.category,
        mismatch=node.kind.mismatch,
        closed=node.closed,
        password=node.password,
        same_as=node.same_as or (),
        status=judged.verdict.status if not node.closed and node.same_as is None else Status.UNKNOWN,
        score=judged.verdict.score if not node.closed and node.same_as is None else None,
        reason=judged.verdict.reason if not node.closed and node.same_as is None else "",
        evidence=judged.evidence,
        facts=tuple(fact for own in node.own() for fact in own.facts),
        looked=_looked(node),
        not_done=judged.not_done,
        run=judged.run,
        inside=tuple(_inside(one) for one in judged.inside),
        parts=tuple(_part(part) for part in node.own() if part is not node),
    )


def _part(node: Node) -> Inside:
    return Inside(
        path=node.path,
        relation=node.relation,
        sha256=node.sample.hashes.sha256,
        size=node.sample.size,
        type=node.kind.name,
        type_title=node.kind.title,
        category=node.kind.category,
        closed=node.closed,
        same_as=node.same_as or (),
    )


def _looked(node: Node) -> tuple[Looked, ...]:
    """Each engine's work on a file and its parts, added up."""
    found: dict[str, Looked] = {}
    for own in node.own():
        for one in own.looked:
            known = found.get(one.engine)
            found[one.engine] = one if known is None else _added(known, one)
    return tuple(found[name] for name in sorted(found))


def _added(a: Looked, b: Looked) -> Looked:
    return Looked(
        engine=a.engine, version=a.version, seconds=round(a.seconds + b.seconds, 4), failed=a.failed or b.failed,
        detail=a.detail or b.detail, absent=a.absent and b.absent,
    )  # fmt: skip


def _engines(tree: Node, ran: Iterable[Ran], catalogue: Catalogue, meanings: Meanings) -> dict[str, str]:
    versions = {"identify": identification.VERSION, "names": names.VERSION, "scoring": scoring.VERSION}
    versions["findings"] = meanings.version
    versions.update({one.engine: one.version for node in tree.walk() for one in node.looked if not one.absent})
    for one in ran:
        if one.detonation:
            versions.update({"sandbox": one.detonation.engine_version, **catalogue.versions})
    return dict(sorted(versions.items()))
