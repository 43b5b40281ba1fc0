"""What a rule looks for: steps, sequences, counts, and their combination; and how they are found in a view.

Steps are tested once against every event of their kind (`find_candidates`); everything after that works on the few
events that passed. Joining is bounded by `BUDGET` comparisons a rule, so a trace made to be slow costs a rule its
answer, which is reported, and never more time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from lazaretto.analysis.behaviours.conditions import Condition, Getter, Variables
from lazaretto.analysis.behaviours.view import Value, View
from lazaretto.domain.trace import AnyEvent

BUDGET = 100_000
MAX_MATCHES = 16  # chains of a sequence that are shown

Candidates = dict[int, list[AnyEvent]]
Ids = frozenset[int]


class Exhausted(Exception):
    """A rule used up its comparisons."""


class Search:
    """One rule's search: the view, the steps' candidates, and how many comparisons may still be made."""

    def __init__(self, view: View, found: Candidates, budget: int = BUDGET) -> None:
        self.view = view
        self.found = found
        self.left = budget
        self._indexes: dict[int, dict[Value, list[AnyEvent]]] = {}

    def spend(self) -> None:
        """Raises `Exhausted` when nothing is left."""
        self.left -= 1
        if self.left < 0:
            raise Exhausted

    def candidates(self, step: Step, variables: Variables) -> list[AnyEvent]:
        """The step's events in order, by look-up where it compares a field with a variable."""
        events = self.found[id(step)]
        join = step.join
        if join is None:
            return events
        index = self._indexes.get(id(step))
        if index is None:
            index = self._indexes[id(step)] = {}
            for event in events:
                index.setdefault(join.value(self.view, event), []).append(event)
        return index.get(variables.get(join.variable), [])


class Step:
    """One event: its kinds, conditions (any of the groups must hold as a whole), exclusions, bindings.

    `relation` ties it to the step before: `same` actor, `started` (its actor is the program that the step before
    started), `descendant` of that actor, or `other`.
    """

    def __init__(
        self,
        kinds: tuple[str, ...],
        where: tuple[tuple[Condition, ...], ...],
        *,
        exclude: tuple[tuple[Condition, ...], ...] = (),
        bind: tuple[tuple[str, Getter], ...] = (),
        relation: str = "",
        absent: bool = False,
    ) -> None:
        self.kinds = kinds
        self.where = where
        self.exclude = exclude
        self.bind = bind
        self.relation = relation
        self.absent = absent
        conditions = [condition for group in where for condition in group]
        self.dynamic = any(condition.variable for condition in (*conditions, *(c for g in exclude for c in g)))
        self._join = next((c for c in where[0] if _is_join(c)), None) if len(where) == 1 else None

    def might_fit(self, view: View, event: AnyEvent, known: dict[tuple[str, str], bool]) -> bool:
        """Whether the event fits as far as that can be said without variables. `known` keeps what other steps asked."""
        for group in self.where:
            if _hold(group, view, event, known, skipped=True):
                break
        else:
            if self.where:
                return False
        for group in self.exclude:  # noqa: SIM110 (plain loops: this runs for every event and step)
            if _hold(group, view, event, known, skipped=False):
                return False
        return True

    def fits(self, view: View, event: AnyEvent, variables: Variables) -> bool:
        """Whether an event that might fit does so with these variables."""
        if self.where and not any(all(c.holds(view, event, variables) for c in group) for group in self.where):
            return False
        return not any(all(c.holds(view, event, variables) for c in group) for group in self.exclude)

    def bound(self, view: View, event: AnyEvent, variables: Variables) -> Variables:
        """The variables with this step's bindings added."""
        if not self.bind:
            return variables
        return {**variables, **{name: getter.value(view, event) for name, getter in self.bind}}

    def origins(self, view: View, event: AnyEvent) -> Iterator[int]:
        """Ids of events that wrote the files of which this step's facts speak."""
        for condition in (c for group in self.where for c in group if c.fact):
            found = condition.origin(view, event)
            if found is not None:
                yield found

    def related(self, view: View, event: AnyEvent, previous: AnyEvent) -> bool:
        """Whether the event's actor stands to the step before as the rule asks."""
        mine, theirs = view.actor(event), view.actor(previous)
        if self.relation == "same":
            return mine == theirs
        if self.relation == "started":
            return mine == previous.process
        if self.relation == "descendant":
            return view.descends(mine, theirs)
        return mine != theirs if self.relation == "other" else True

    @property
    def join(self) -> Condition | None:
        """The condition `field: $variable` by which candidates can be looked up instead of searched."""
        return self._join


def _hold(
    group: tuple[Condition, ...], view: View, event: AnyEvent, known: dict[tuple[str, str], bool], *, skipped: bool
) -> bool:
    """Whether all conditions of a group hold; one with a variable counts as `skipped`."""
    for condition in group:
        if condition.variable:
            if not skipped:
                return False
            continue
        holds = known.get(condition.key)
        if holds is None:
            holds = known[condition.key] = condition.holds(view, event)
        if not holds:
            return False
    return True


def _is_join(condition: Condition) -> bool:
    return bool(condition.variable) and condition.operator == "equals" and not condition.negated


class Pattern:
    """Something that can be found in a view."""

    def steps(self) -> Iterable[Step]:
        """All steps that must be tested against the trace."""
        raise NotImplementedError

    def find(self, search: Search) -> Ids | None:
        """Ids of the events that show it, or None where it is not there."""
        raise NotImplementedError


class Single(Pattern):
    """Any event that fits the step."""

    def __init__(self, step: Step) -> None:
        self.step = step

    def steps(self) -> Iterable[Step]:
        return (self.step,)

    def find(self, search: Search) -> Ids | None:
        events = search.found[id(self.step)]
        return _shown(search.view, ((self.step, event) for event in events)) if events else None


class Chain(Pattern):
    """Several steps that share variables: one after the other, or, if not `ordered`, in any order.

    An absent step stands for: no such event between its neighbours (to the end of the trace, if it is the last).
    `at_least` asks for so many chains, each with a first event of its own; with `distinct` as many values of that field
    of the first event.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        within: int | None,
        *,
        ordered: bool,
        at_least: int = 1,
        distinct: Getter | None = None,
    ) -> None:
        self._all = tuple(steps)
        self.within = within
        self.ordered = ordered
        self.at_least = at_least
        self.distinct = distinct

    def steps(self) -> Iterable[Step]:
        return self._all

    def find(self, search: Search) -> Ids | None:
        ids: set[int] = set()
        first = self._all[0]
        positive = [step for step in self._all if not step.absent]
        begun: set[Value] = set()
        for event in search.found[id(first)]:
            key = self.distinct.value(search.view, event) if self.distinct else event.id
            if key in begun:
                continue
            chain = self._extend(search, [event], 1, first.bound(search.view, event, {}))
            if chain is not None:
                ids |= _shown(search.view, zip(positive, chain, strict=True))
                begun.add(key)
                if len(begun) >= MAX_MATCHES:
                    break
        return frozenset(ids) if len(begun) >= self.at_least else None

    def _extend(self, search: Search, chain: list[AnyEvent], place: int, variables: Variables) -> list[AnyEvent] | None:
        """The chain made whole from this place on, or None. Depth is the number of steps, which the rule fixes."""
        if place == len(self._all):
            return chain
        step = self._all[place]
        if step.absent:
            return self._extend_absent(search, chain, place, variables)
        for event in self._next(search, step, chain, variables):
            search.spend()
            if self._too_late(event, chain):
                if self.ordered:
                    break
                continue
            if not self._fits(search, step, event, chain, variables):
                continue
            bound = step.bound(search.view, event, variables)
            whole = self._extend(search, [*chain, event], place + 1, bound)
            if whole is not None:
                return whole
        return None

    def _extend_absent(
        self, search: Search, chain: list[AnyEvent], place: int, variables: Variables
    ) -> list[AnyEvent] | None:
        whole = self._extend(search, chain, place + 1, variables)
        if whole is None:
            return None
        step = self._all[place]
        until = whole[len(chain)].id if len(whole) > len(chain) else None
        for event in self._next(search, step, chain, variables):
            search.spend()
            if until is not None and event.id >= until:
                break
            if self._fits(search, step, event, chain, variables):
                return None
        return whole

    def _too_late(self, event: AnyEvent, chain: list[AnyEvent]) -> bool:
        return self.within is not None and abs(event.time - chain[0].time) > self.within

    def _fits(self, search: Search, step: Step, event: AnyEvent, chain: list[AnyEvent], variables: Variables) -> bool:
        related = step.related(search.view, event, chain[-1])
        return related and (not step.dynamic or step.fits(search.view, event, variables))

    def _next(self, search: Search, step: Step, chain: list[AnyEvent], variables: Variables) -> Iterable[AnyEvent]:
        """Candidates of a step after the chain's last event, or, if order does not matter, all but that one."""
        events = search.candidates(step, variables)
        if not self.ordered:
            return (event for event in events if event.id != chain[-1].id)
        return events[bisect_right(events, chain[-1].id, key=lambda event: event.id) :]


class Count(Pattern):
    """At least so many events (or distinct values of a field) within a time, of one process or of all."""

    def __init__(
        self, step: Step, at_least: int, within: int | None, distinct: Getter | None, per: Getter | None
    ) -> None:
        self.step = step
        self.at_least = at_least
        self.within = within
        self.distinct = distinct
        self.per = per

    def steps(self) -> Iterable[Step]:
        return (self.step,)

    def find(self, search: Search) -> Ids | None:
        view = search.view
        groups: dict[Value, list[AnyEvent]] = {}
        for event in search.found[id(self.step)]:
            groups.setdefault(self._group(view, event), []).append(event)
        windows = (self._window(view, events) for events in groups.values())
        shown = [_shown(view, ((self.step, event) for event in window)) for window in windows if window]
        return frozenset().union(*shown) if shown else None

    def _group(self, view: View, event: AnyEvent) -> Value:
        if self.per is None:
            return None
        return view.actor(event) if self.per.field == "process" else self.per.value(view, event)

    def _window(self, view: View, events: list[AnyEvent]) -> list[AnyEvent]:
        """The first stretch of events that is enough, one event for each distinct value; empty if there is none."""
        last: dict[Value, AnyEvent] = {}
        for event in events:
            key = self.distinct.value(view, event) if self.distinct else event.id
            last.pop(key, None)
            last[key] = event
            if self.within is not None:
                while event.time - next(iter(last.values())).time > self.within:
                    last.pop(next(iter(last)))
            if len(last) >= self.at_least:
                return list(last.values())
        return []


class All(Pattern):
    """Every one of the parts is there."""

    def __init__(self, parts: Sequence[Pattern]) -> None:
        self.parts = tuple(parts)

    def steps(self) -> Iterable[Step]:
        return (step for part in self.parts for step in part.steps())

    def find(self, search: Search) -> Ids | None:
        ids: set[int] = set()
        for part in self.parts:
            shown = part.find(search)
            if shown is None:
                return None
            ids |= shown
        return frozenset(ids)


class AnyOf(Pattern):
    """At least one of the parts is there; all that are show it."""

    def __init__(self, parts: Sequence[Pattern]) -> None:
        self.parts = tuple(parts)

    def steps(self) -> Iterable[Step]:
        return (step for part in self.parts for step in part.steps())

    def find(self, search: Search) -> Ids | None:
        shown = [ids for part in self.parts if (ids := part.find(search)) is not None]
        return frozenset().union(*shown) if shown else None


def find_candidates(view: View, steps: Iterable[Step]) -> Candidates:
    """For each step the events that fit it as far as that is known without variables. One pass over the trace."""
    by_kind: dict[str, list[Step]] = {}
    found: Candidates = {}
    for step in steps:
        found[id(step)] = []
        for kind in step.kinds:
            by_kind.setdefault(kind, []).append(step)
    for event in view.events:
        steps_of_kind = by_kind.get(event.kind)
        if steps_of_kind is None:
            continue
        known: dict[tuple[str, str], bool] = {}
        for step in steps_of_kind:
            if step.might_fit(view, event, known):
                found[id(step)].append(event)
    return found


def _shown(view: View, pairs: Iterable[tuple[Step, AnyEvent]]) -> Ids:
    ids: set[int] = set()
    for step, event in pairs:
        ids.add(event.id)
        ids.update(step.origins(view, event))
    return frozenset(ids)
