"""Sigma rules over an account: what `analyze` uses.

The same rules and the same account give the same evidence. The work is bounded: what a sample did decides how much
there is to do, so a run that would take too long ends, says so, and the file is not called clean.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lazaretto.analysis.behaviours.catalogue import Findings
from lazaretto.analysis.behaviours.view import SampleFacts
from lazaretto.analysis.sigma import analysis, correlating, matchers, meaning
from lazaretto.analysis.sigma.channels import CHANNELS, Record
from lazaretto.analysis.sigma.index import Index
from lazaretto.analysis.sigma.machine import Machine, Value
from lazaretto.analysis.sigma.model import Correlation, Rule, RuleSet
from lazaretto.domain.evidence import MAX_EVENTS, sort_evidence
from lazaretto.domain.trace import Trace

MOST_WORK = 60_000_000  # characters looked at, about 0.1 microseconds each
_ASKED, _TESTED, _SEARCHED = 30, 2, 64  # what asking a rule costs, each of its tests, and how far a test gets for one
_MOST_HITS = 20_000  # of one rule that a correlation counts
_MOST_SAME = 20_000  # different records of one channel of which the outcome is kept


class _TooMuch(Exception):
    """The account would take more work than is allowed."""


@dataclass
class _Work:
    left: int

    def spend(self, amount: int) -> None:
        self.left -= amount
        if self.left < 0:
            raise _TooMuch


@dataclass
class _Hits:
    """The records that one rule matched."""

    channel: str
    records: list[Record] = field(default_factory=list)
    most: int = MAX_EVENTS

    @property
    def full(self) -> bool:
        return len(self.records) >= self.most


class Sigma:
    """A folder's rules. `version` is a hash of their text."""

    name = meaning.SOURCE

    def __init__(self, rules: RuleSet, version: str) -> None:
        self.version = version
        self.refused = rules.refused
        self.rules = rules.rules
        self.correlations = rules.correlations
        self._counted, self._silent = correlating.base_rules(rules.correlations)
        self._lock = threading.Lock()  # over all that is made when it is first needed, below
        self._indexes: dict[tuple[str, str], Index] = {}
        self._conditions: dict[int, tuple[matchers.Condition, int]] = {}
        self._fields: dict[tuple[str, str], tuple[str, ...]] = {}

    def match(self, trace: Trace, sample: SampleFacts | None = None) -> Findings:
        """What the rules find in an account."""
        machine = Machine(trace, sample or SampleFacts())
        hits: dict[int, _Hits] = {}
        unfinished: tuple[str, ...] = ()
        with self._lock:
            try:
                self._look(machine, hits, _Work(MOST_WORK))
            except _TooMuch:
                unfinished = (self.name,)
        found = [*self._matches(hits), *self._correlated(hits)]
        return Findings(evidence=sort_evidence(meaning.evidence(found)), unfinished=unfinished)

    def _look(self, machine: Machine, hits: dict[int, _Hits], work: _Work) -> None:
        seen: dict[tuple[str, str], dict[tuple[Value, ...], tuple[int, ...]]] = {}
        for record in _records(machine):
            place = (record.channel.name, record.system)
            index = self._index(place)
            if index is None:
                continue
            key = tuple(record.value(name) for name in self._fields[place])
            kept = seen.setdefault(place, {})
            known = kept.get(key)
            if known is None:
                length = sum(len(text) for value in key for text in value or ())
                known = self._ask(index, record, length, hits, work)
                if len(kept) < _MOST_SAME:
                    kept[key] = known
            for number in known:
                self._note(number, record, hits)

    def _ask(self, index: Index, record: Record, length: int, hits: dict[int, _Hits], work: _Work) -> tuple[int, ...]:
        """The rules that match the record, whose values are so long; those that have enough already are not asked."""
        found = []
        for number in sorted(index.candidates(record, work.spend)):
            known = hits.get(number)
            if known is not None and known.full:
                continue
            holds, tests = self._condition(number)
            work.spend(_ASKED + tests * (_TESTED + length // _SEARCHED))
            if holds(record) is True:
                found.append(number)
        return tuple(found)

    def _note(self, number: int, record: Record, hits: dict[int, _Hits]) -> None:
        known = hits.get(number)
        if known is None:
            most = _MOST_HITS if self._is_counted(self.rules[number]) else MAX_EVENTS
            known = hits[number] = _Hits(record.channel.name, most=most)
        if not known.full:
            known.records.append(record)

    def _is_counted(self, rule: Rule) -> bool:
        return rule.about.id in self._counted or rule.about.name in self._counted

    def _index(self, place: tuple[str, str]) -> Index | None:
        """The index of a channel and system; None where no rule is about it."""
        if place not in self._fields:
            channel, system = place
            rules = [
                (number, rule)
                for number, rule in enumerate(self.rules)
                if channel in rule.channels and system in rule.systems
            ]
            self._fields[place] = _compared(channel, [rule for _, rule in rules])
            if rules:
                self._indexes[place] = Index(rules)
        return self._indexes.get(place)

    def _condition(self, number: int) -> tuple[matchers.Condition, int]:
        """A rule as a function, and how many tests it has."""
        known = self._conditions.get(number)
        if known is None:
            node = self.rules[number].condition
            tests = sum(len(item.tests) for item in analysis.items(node))
            known = self._conditions[number] = matchers.condition(node), tests
        return known

    def _matches(self, hits: dict[int, _Hits]) -> Iterator[meaning.Match]:
        for number, found in hits.items():
            about = self.rules[number].about
            if not (about.id in self._silent or about.name in self._silent):
                yield _match(self.rules[number], found.channel, found.records)

    def _correlated(self, hits: dict[int, _Hits]) -> Iterator[meaning.Match]:
        for correlation in self.correlations:
            counted = [
                (rule, record)
                for number, found in hits.items()
                if (rule := self.rules[number]).about.id in correlation.rules or rule.about.name in correlation.rules
                for record in found.records
            ]
            if records := correlating.found(correlation, counted):
                yield _match(correlation, records[0].channel.name, records)


def _match(rule: Rule | Correlation, channel: str, records: Sequence[Record]) -> meaning.Match:
    return meaning.Match(
        about=rule.about,
        channel=channel,
        events=tuple(sorted({record.event.id for record in records})),
        details=meaning.details(records),
    )


def _records(machine: Machine) -> Iterator[Record]:
    """The events as records of every log that would have them."""
    for event in machine.events():
        for channel in _BY_KIND.get(event.kind, ()):
            system = machine.system(event)
            if system in channel.systems and (event.ok or event.kind == "net.connect") and channel.wanted(event):
                yield Record(channel, machine, event, system)


_BY_KIND = {
    kind: tuple(channel for channel in CHANNELS.values() if kind in channel.kinds)
    for kind in {kind for channel in CHANNELS.values() for kind in channel.kinds}
}


def _compared(channel: str, rules: list[Rule]) -> tuple[str, ...]:
    """The fields that decide what the rules say of a record: records that agree in them have the same outcome."""
    fields = CHANNELS[channel].fields
    if any(rule.keywords for rule in rules):
        return tuple(fields)
    return tuple(sorted({name for rule in rules for name in rule.fields if name in fields}))
