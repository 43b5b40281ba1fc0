"""Correlations (specification 2): events of rules counted within a time, or all there within a time.

Each takes time that grows with the number of events and no faster.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from lazaretto.analysis.sigma.channels import MACHINE_NAMES, Record, known_fields
from lazaretto.analysis.sigma.model import Correlation, Refusal, Rule

Group = tuple[str, ...]
Hit = tuple[str, Record]
"""What of an event is counted, and the event."""
_FITS = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
}


def resolved(
    correlations: Iterable[Correlation], rules: Sequence[Rule]
) -> tuple[tuple[Correlation, ...], tuple[Refusal, ...]]:
    """The correlations whose rules and fields are all there, and why the others are not used."""
    by_name = {name: rule for rule in rules for name in (rule.about.id, rule.about.name) if name}
    kept, refused = [], []
    for one in correlations:
        problem, remedy = _missing(one, by_name)
        if problem:
            about = one.about
            refused.append(
                Refusal(
                    file=about.file, line=about.line, title=about.title, id=about.id, problem=problem, remedy=remedy
                )
            )
        else:
            kept.append(one)
    return tuple(kept), tuple(refused)


def _missing(correlation: Correlation, by_name: Mapping[str, Rule]) -> tuple[str, str]:
    for name in correlation.rules:
        if name not in by_name:
            return f"correlated rule {name!r} is not there or is refused", "add or mend that rule"
        known = known_fields(by_name[name].channels)
        for field in (*correlation.group_by, *([correlation.field] if correlation.field else [])):
            real = _real(correlation, field, by_name[name])
            if real not in known and real not in MACHINE_NAMES:
                return f"correlation by field {real}", "group by a field that an account has"
    return "", ""


def _real(correlation: Correlation, field: str, rule: Rule) -> str:
    """The field that stands for an alias in the events of a rule."""
    fields = correlation.aliases.get(field, {})
    return fields.get(rule.about.name) or fields.get(rule.about.id) or field


def base_rules(correlations: Iterable[Correlation]) -> tuple[frozenset[str], frozenset[str]]:
    """Ids and names of rules of which all events must be known, and of those that say nothing by themselves."""
    every = {name for one in correlations for name in one.rules}
    spoken = {name for one in correlations if one.generate for name in one.rules}
    return frozenset(every), frozenset(every - spoken)


def found(correlation: Correlation, hits: Iterable[tuple[Rule, Record]]) -> tuple[Record, ...]:
    """The records of the first group and time in which the condition holds; none if it never does."""
    groups: dict[Group, list[Hit]] = {}
    for rule, record in sorted(hits, key=lambda hit: hit[1].event.id):
        group = _values(correlation, correlation.group_by, rule, record)
        counted = _counted(correlation, rule, record)
        if group is not None and counted is not None:
            groups.setdefault(group, []).append((counted, record))
    look = {"temporal": _together, "temporal_ordered": _in_order}.get(correlation.type, _windows)
    for hits_of_group in groups.values():
        for window in look(correlation, hits_of_group):
            return window
    return ()


def _counted(correlation: Correlation, rule: Rule, record: Record) -> str | None:
    """What of the record is counted: the value of the field, or which of the rules it is."""
    if correlation.type.startswith("temporal"):
        return rule.about.id if rule.about.id in correlation.rules else rule.about.name
    if not correlation.field:
        return ""
    values = _values(correlation, (correlation.field,), rule, record)
    return values[0] if values else None


def _together(correlation: Correlation, hits: Sequence[Hit]) -> Iterator[tuple[Record, ...]]:
    """The latest event of each rule, where all of them (or so many as are asked for) are close enough."""
    latest: dict[str, Record] = {}
    for name, record in hits:
        latest[name] = record
        near = [one for one in latest.values() if record.event.time - one.event.time <= correlation.timespan]
        if _holds(correlation, len(near)) if correlation.bounds else len(near) == len(set(correlation.rules)):
            yield tuple(sorted(near, key=lambda one: one.event.id))


def _in_order(correlation: Correlation, hits: Sequence[Hit]) -> Iterator[tuple[Record, ...]]:
    """For each rule the chain of events, one of each rule up to it, that began last: a later beginning is as good."""
    chains: list[tuple[Record, ...]] = [()] * len(correlation.rules)
    for _, same in groupby(hits, key=lambda hit: hit[1].event.id):
        of_one = dict(same)
        record = next(iter(of_one.values()))
        for place in reversed(range(len(chains))):  # backwards: an event is one link of a chain
            before = chains[place - 1] if place else ()
            if correlation.rules[place] in of_one and len(before) == place:
                chains[place] = (*before, record)
        last = chains[-1]
        if last and last[-1] is record and record.event.time - last[0].event.time <= correlation.timespan:
            yield last


def _windows(correlation: Correlation, hits: Sequence[Hit]) -> Iterator[tuple[Record, ...]]:
    """Stretches of at most the timespan, each ending in one of the events, in which the condition holds.

    A condition that asks for few events (lt, lte, eq) is one about a whole stretch: it is looked at when the next event
    is too late to belong to it.
    """
    upper = any(name in {"lt", "lte", "eq"} for name, _ in correlation.bounds)
    window: deque[Hit] = deque()
    counts: Counter[str] = Counter()
    for place, (value, record) in enumerate(hits):
        while window and record.event.time - window[0][1].event.time > correlation.timespan:
            old, _ = window.popleft()
            counts[old] -= 1
            if not counts[old]:
                del counts[old]
        window.append((value, record))
        counts[value] += 1
        following = hits[place + 1][1].event.time if place + 1 < len(hits) else None
        full = following is None or following - window[0][1].event.time > correlation.timespan
        if (not upper or full) and _holds(correlation, len(counts) if correlation.field else len(window)):
            yield tuple(one for _, one in window)


def _holds(correlation: Correlation, number: int) -> bool:
    return all(_FITS[name](number, bound) for name, bound in correlation.bounds)


def _values(correlation: Correlation, fields: Iterable[str], rule: Rule, record: Record) -> Group | None:
    """The values of the fields; None where the account does not know one."""
    out = []
    for field in fields:
        real = _real(correlation, field, rule)
        value = ("",) if real in MACHINE_NAMES else record.value(real)
        if value is None:
            return None
        out.append(value[0].lower() if value else "")
    return tuple(out)
