"""The catalogue: all rules of a folder, compiled, and what they find in a trace.

The same trace and the same rules give the same evidence, byte for byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from copy import copy
from pathlib import Path
from typing import Protocol

import msgspec

from lazaretto.analysis.behaviours.patterns import Exhausted, Search, find_candidates
from lazaretto.analysis.behaviours.rules import Lists, Rule, Source, compile_rule, read, read_lists
from lazaretto.analysis.behaviours.view import SampleFacts, View
from lazaretto.domain.errors import CatalogueError
from lazaretto.domain.evidence import MAX_EVENTS, Evidence, sort_evidence
from lazaretto.domain.trace import Trace

SOURCE = "behaviours"
LISTS = "lists.yaml"


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules found, sorted, and the ids of rules that ran out of work on this trace."""

    evidence: tuple[Evidence, ...] = ()
    unfinished: tuple[str, ...] = ()


class Reader(Protocol):
    """Other rules that are asked of the same traces. `version` as of a catalogue."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def match(self, trace: Trace, sample: SampleFacts | None = None) -> Findings: ...


class Catalogue:
    """Compiled rules. `version` is a hash of their text: rules that differ have different versions."""

    def __init__(self, sources: Iterable[Source], lists: Lists, version: str) -> None:
        self.version = version
        self.sources = tuple(sources)
        self._lists = lists
        self._folded: dict[bool, tuple[Rule, ...]] = {}
        self._beside: tuple[Reader, ...] = ()
        _check_unique(self.sources)

    def rules(self, *, fold: bool = True) -> tuple[Rule, ...]:
        """All rules for systems that do (`fold`) or do not ignore the case of names; compiled when first asked for."""
        if fold not in self._folded:
            self._folded[fold] = tuple(compile_rule(source, self._lists, fold=fold) for source in self.sources)
        return self._folded[fold]

    def beside(self, *readers: Reader) -> Catalogue:
        """The same rules with others that are asked too."""
        both = copy(self)
        both._beside = (*self._beside, *readers)
        return both

    @property
    def versions(self) -> dict[str, str]:
        """Of these rules and of those beside them, by name."""
        return {SOURCE: self.version, **{reader.name: reader.version for reader in self._beside}}

    def match(self, trace: Trace, sample: SampleFacts | None = None) -> Findings:
        """What the rules for the trace's platform find in it, and those beside them."""
        found = [self._match(trace, sample), *(reader.match(trace, sample) for reader in self._beside)]
        return Findings(
            evidence=sort_evidence(tuple(evidence for one in found for evidence in one.evidence)),
            unfinished=tuple(sorted(name for one in found for name in one.unfinished)),
        )

    def _match(self, trace: Trace, sample: SampleFacts | None) -> Findings:
        view = View(trace, sample or SampleFacts())
        rules = [rule for rule in self.rules(fold=view.fold) if rule.platforms & view.platforms]
        found = find_candidates(view, (s for rule in rules for s in (*rule.match.steps(), *rule.without)))
        evidence, unfinished = [], []
        for rule in rules:
            if any(found[id(step)] for step in rule.without):
                continue
            try:
                shown = rule.match.find(Search(view, found))
            except Exhausted:
                unfinished.append(rule.id)
                continue
            if shown is not None:
                evidence.append(_evidence(rule, shown))
        return Findings(evidence=sort_evidence(tuple(evidence)), unfinished=tuple(sorted(unfinished)))


def load(folder: Path) -> Catalogue:
    """The catalogue of a folder: `behaviours/*.yaml` and `lists.yaml`. Raises `CatalogueError`."""
    files = sorted((folder / "behaviours").glob("*.yaml"))
    if not files:
        raise CatalogueError(str(folder), 0, "", "", "has no behaviours/*.yaml")
    lists_file = folder / LISTS
    lists_text = lists_file.read_text("utf-8") if lists_file.exists() else "{}"
    texts = [(file, file.read_text("utf-8")) for file in files]
    digest = hashlib.sha256()
    for name, text in ((LISTS, lists_text), *((file.name, text) for file, text in texts)):
        digest.update(f"{name}\0{len(text)}\0{text}".encode())
    sources = [source for file, text in texts for source in read(str(file), text)]
    return Catalogue(sources, read_lists(str(lists_file), lists_text), digest.hexdigest()[:16])


def _evidence(rule: Rule, shown: frozenset[int]) -> Evidence:
    return Evidence(
        id=rule.id,
        title=rule.title,
        explanation=rule.explanation,
        benign_cause=rule.benign_cause,
        malicious_cause=rule.malicious_cause,
        family=rule.family,
        weight=rule.weight,
        techniques=rule.techniques,
        source=SOURCE,
        events=tuple(sorted(shown)[:MAX_EVENTS]),
    )


def _check_unique(sources: tuple[Source, ...]) -> None:
    seen: dict[str, str] = {}
    for source in sources:
        name = str(source.rule.get("id", ""))
        if name in seen:
            raise CatalogueError(source.file, source.rule.get("__line__", 0), name, "id", f"is already in {seen[name]}")
        seen[name] = source.file
