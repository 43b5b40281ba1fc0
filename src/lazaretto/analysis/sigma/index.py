"""Which rules are worth asking for a record: found by the texts that each needs, not by asking them all.

Most rules have gates (`model.Gate`). The index of a field knows the texts of all gates by a group of three characters
that few of them have; a value's own groups of three say which texts may be in it. What was found for a value is kept,
since a sample does most things many times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from lazaretto.analysis.sigma.channels import Record
from lazaretto.analysis.sigma.model import Gate, Rule

_GROUP = 3
_MOST_KEPT = 8_000_000  # characters of values whose outcome is kept, of one field
_TRIED, _SEARCHED = 4, 64  # a text that is looked for costs so many characters, and one more for so many of the value

Spend = Callable[[int], None]
"""Is told of work, in characters looked at."""


class Index:
    """Of the rules of one channel and system; a rule is known by its place in the list."""

    def __init__(self, rules: Iterable[tuple[int, Rule]]) -> None:
        known = list(rules)
        self._ungated = frozenset(place for place, rule in known if not rule.gates)
        self._first = _Gates((place, rule.gates[0]) for place, rule in known if rule.gates)
        self._second = _Gates((place, rule.gates[1]) for place, rule in known if len(rule.gates) > 1)

    def candidates(self, record: Record, spend: Spend) -> set[int]:
        """Places of the rules that may match."""
        found = self._first.open(record, spend)
        again = found & self._second.places
        if again:
            found -= again - self._second.open(record, spend)
        return found | self._ungated


class _Gates:
    """One gate of each of many rules."""

    def __init__(self, gates: Iterable[tuple[int, Gate]]) -> None:
        needles: dict[str, dict[str, list[int]]] = {}
        places = set()
        for place, gate in gates:
            places.add(place)
            for field, text in gate:
                needles.setdefault(field, {}).setdefault(text, []).append(place)
        self.places = frozenset(places)
        self._fields = {field: _Field(texts) for field, texts in needles.items()}

    def open(self, record: Record, spend: Spend) -> set[int]:
        """Places of the rules whose gate the record passes."""
        found: set[int] = set()
        for name, field in self._fields.items():
            for value in record.value(name) or ():
                found.update(field.rules(value, spend))
        return found


class _Field:
    def __init__(self, needles: dict[str, list[int]]) -> None:
        self._needles = {text: tuple(places) for text, places in needles.items()}
        counted = Counter(group for text in needles for group in _groups(text))
        self._short = tuple(text for text in needles if len(text) < _GROUP)
        self._by_group: dict[str, list[str]] = {}
        for text in needles:
            if len(text) >= _GROUP:
                self._by_group.setdefault(min(_groups(text), key=lambda one: (counted[one], one)), []).append(text)
        self._known: dict[str, tuple[tuple[int, ...], int]] = {}
        self._kept = 0

    def rules(self, value: str, spend: Spend) -> tuple[int, ...]:
        """Places of the rules that need a text which the value has."""
        known = self._known.get(value)
        if known is None:
            self._kept += len(value) + 1
            if self._kept > _MOST_KEPT:
                self._known.clear()
                self._kept = len(value) + 1
            known = self._known[value] = self._look(value.lower())
        places, work = known
        spend(work)  # known or not: what an account costs does not depend on those before it
        return places

    def _look(self, text: str) -> tuple[tuple[int, ...], int]:
        """The places, and how much work that was."""
        likely = list(self._short)
        for group in self._by_group.keys() & _groups(text):
            likely += self._by_group[group]
        found = {place for needle in likely if needle in text for place in self._needles[needle]}
        return tuple(found), len(text) + 1 + len(likely) * (_TRIED + len(text) // _SEARCHED)


def _groups(text: str) -> set[str]:
    return {text[at : at + _GROUP] for at in range(len(text) - _GROUP + 1)}
