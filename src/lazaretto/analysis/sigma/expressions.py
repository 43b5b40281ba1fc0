"""The condition line of a rule: search identifiers joined by and, or, not, `1 of`, `all of` and brackets."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lazaretto.analysis.behaviours.conditions import glob
from lazaretto.analysis.sigma.model import And, AnyNode, Not, Or, Unusable

_TOKEN = re.compile(r"\s*(\(|\)|\||[^\s()|]+)")
_MOST, _DEEPEST = 2_000, 60
_RESERVED = frozenset({"and", "or", "not", "of", "them", "(", ")"})


def parse(text: str, searches: Mapping[str, AnyNode]) -> AnyNode:
    """The tree of a condition. Raises `Unusable`."""
    if "|" in text:
        aggregation = text.partition("|")[2].split("(")[0].split() or [""]
        raise Unusable(
            f"aggregation {aggregation[0]!r} in the condition",
            "write it as a correlation rule of specification 2 (event_count, value_count)",
        )
    tokens = _TOKEN.findall(text)
    if len(tokens) > _MOST:
        raise Unusable(f"a condition of {len(tokens)} words", "split the rule")
    reader = _Reader(tokens, searches)
    found = reader.alternatives(0)
    if reader.left:
        raise _bad(f"{reader.left[0]!r} is out of place")
    return found


def _bad(problem: str) -> Unusable:
    return Unusable(f"condition: {problem}", "mend the condition", broken=True)


class _Reader:
    """Recursive descent: or binds least, then and, then not."""

    def __init__(self, tokens: list[str], searches: Mapping[str, AnyNode]) -> None:
        self.left = tokens
        self._searches = searches

    def _next(self) -> str:
        if not self.left:
            raise _bad("it ends too early")
        return self.left.pop(0)

    def _is(self, word: str) -> bool:
        return bool(self.left) and self.left[0].lower() == word

    def alternatives(self, depth: int) -> AnyNode:
        if depth > _DEEPEST:
            raise Unusable("a condition with too many brackets", "split the rule")
        parts = [self._together(depth)]
        while self._is("or"):
            self._next()
            parts.append(self._together(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _together(self, depth: int) -> AnyNode:
        parts = [self._one(depth)]
        while self._is("and"):
            self._next()
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _one(self, depth: int) -> AnyNode:
        turned = False
        while self._is("not"):
            self._next()
            turned = not turned
        found = self._operand(depth)
        return Not(found) if turned else found

    def _operand(self, depth: int) -> AnyNode:
        word = self._next()
        if word == "(":
            found = self.alternatives(depth + 1)
            if self._next() != ")":
                raise _bad("a bracket is not closed")
            return found
        if self._is("of"):
            self._next()
            return self._some(word, self._next())
        if word.lower() in _RESERVED:
            raise _bad(f"{word!r} is out of place")
        if word not in self._searches:
            raise _bad(f"there is no search identifier {word!r}")
        return self._searches[word]

    def _some(self, number: str, pattern: str) -> AnyNode:
        if number.lower() not in {"1", "any", "all"}:
            raise Unusable(f"{number!r} of in the condition", "use 1 of or all of")
        every = pattern.lower() == "them"
        found = [
            node
            for name, node in self._searches.items()
            if (not name.startswith("_") if every else glob(name, pattern))
        ]
        if not found:
            raise _bad(f"no search identifier fits {pattern!r}")
        if len(found) == 1:
            return found[0]
        return And(tuple(found)) if number.lower() == "all" else Or(tuple(found))
