"""Rules as they are written: YAML in, compiled rules out, or a `CatalogueError` with file, line, rule and field.

`docs/judging.md` describes the language. A file holds a list of rules; `lists.yaml` beside the folder holds the named
lists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from lazaretto.analysis.behaviours.conditions import Condition, Getter, Problem
from lazaretto.analysis.behaviours.patterns import MAX_MATCHES, All, AnyOf, Chain, Count, Pattern, Single, Step
from lazaretto.analysis.rulefiles import LINE, parse
from lazaretto.domain import trace
from lazaretto.domain.errors import CatalogueError
from lazaretto.domain.evidence import Family, Weight

_TEXTS = ("title", "explanation", "benign_cause", "malicious_cause")
_REQUIRED = {"id", *_TEXTS, "weight", "family", "platforms", "match"}
_ALLOWED = {*_REQUIRED, "techniques", "without", "fixed", "tests"}
_PLATFORMS = {"windows", "linux", "office"}
_STEP_KEYS = {"event", "where", "not", "bind", "process", "absent"}
_RELATIONS = {"same", "started", "descendant", "other"}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS = {"ms": 1_000_000, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_FORMS = ("event", "sequence", "together", "count", "all", "any")

_KINDS: dict[str, frozenset[str]] = {
    str(kind.__struct_config__.tag): frozenset(kind.__struct_fields__)
    for kind in vars(trace).values()
    if isinstance(kind, type) and issubclass(kind, trace.Event) and kind is not trace.Event
}
_PROCESS_FIELDS = frozenset(trace.Process.__struct_fields__)

Lists = dict[str, tuple[str | int, ...]]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One behaviour, compiled for one way of comparing names."""

    id: str
    title: str
    explanation: str
    benign_cause: str
    malicious_cause: str
    weight: Weight
    family: Family
    techniques: tuple[str, ...]
    platforms: frozenset[str]
    match: Pattern
    without: tuple[Step, ...] = ()
    fixed: Mapping[str, str] = {}  # names that are not the author's to choose, each with the reason
    tests: Mapping[str, Any] = {}


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as read: its mapping with lines, and the file it is from."""

    file: str
    rule: Mapping[str, Any]


def read(file: str, text: str) -> tuple[Source, ...]:
    """The rules of one file, not yet compiled."""
    rules = parse(file, text)
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise CatalogueError(file, 1, "", "", "a file of rules is a list of mappings")
    return tuple(Source(file=file, rule=rule) for rule in rules)


def read_lists(file: str, text: str) -> Lists:
    """The named lists of one file."""
    lists = parse(file, text)
    if not isinstance(lists, dict):
        raise CatalogueError(file, 1, "", "", "a file of lists is a mapping")
    return {
        str(name): tuple(value if isinstance(value, int) else str(value) for value in values)
        for name, values in lists.items()
        if isinstance(values, list)
    }


def compile_rule(source: Source, lists: Lists, *, fold: bool) -> Rule:
    """The rule made ready to match. Raises `CatalogueError`."""
    return _Compiler(source, lists, fold=fold).rule()


class _Compiler:
    """Compiles one rule; keeps where it is, for errors."""

    def __init__(self, source: Source, lists: Lists, *, fold: bool) -> None:
        self.source = source
        self.lists = lists
        self.fold = fold
        self.bound: set[str] = set()

    def rule(self) -> Rule:
        raw = self.source.rule
        keys = set(raw) - {LINE}
        for field in sorted(_REQUIRED - keys):
            raise self.error(raw, field, "is missing")
        for field in sorted(keys - _ALLOWED):
            raise self.error(raw, field, "is not known")
        for field in ("id", *_TEXTS):
            if not isinstance(raw[field], str) or not raw[field].strip():
                raise self.error(raw, field, "is an empty text")
        return Rule(
            id=raw["id"],
            **{field: " ".join(raw[field].split()) for field in _TEXTS},
            weight=self.choice(raw, "weight", Weight),
            family=self.choice(raw, "family", Family),
            techniques=self.techniques(raw),
            platforms=self.platforms(raw),
            match=self.pattern(raw["match"], "match"),
            without=tuple(self.step(step, "without") for step in self.listed(raw, "without", raw.get("without", []))),
            fixed=self.fixed(raw),
            tests=raw.get("tests", {}),
        )

    def error(self, at: Any, field: str, problem: str) -> CatalogueError:
        line = at.get(LINE, 0) if isinstance(at, Mapping) else 0
        rule = self.source.rule
        return CatalogueError(self.source.file, line or rule.get(LINE, 0), str(rule.get("id", "")), field, problem)

    def choice(self, raw: Mapping[str, Any], field: str, kind: Callable[[str], Any]) -> Any:
        try:
            return kind(raw[field])
        except ValueError as error:
            raise self.error(raw, field, str(error)) from error

    def techniques(self, raw: Mapping[str, Any]) -> tuple[str, ...]:
        found = raw.get("techniques", [])
        if not isinstance(found, list) or not all(re.fullmatch(r"T\d{4}(\.\d{3})?", str(t)) for t in found):
            raise self.error(raw, "techniques", "is a list of ATT&CK ids like T1055.012")
        return tuple(sorted(found))

    def fixed(self, raw: Mapping[str, Any]) -> dict[str, str]:
        """Each name with its reason; written reason first, then the names for which it holds."""
        given = raw.get("fixed", {})
        if not isinstance(given, Mapping):
            raise self.error(raw, "fixed", "is a mapping of a reason to the names for which it holds")
        found: dict[str, str] = {}
        for reason, names in given.items():
            if reason == LINE:
                continue
            if not isinstance(names, list) or not names:
                raise self.error(given, str(reason), "is a list of names")
            found |= {str(name): str(reason) for name in names}
        return found

    def platforms(self, raw: Mapping[str, Any]) -> frozenset[str]:
        found = raw["platforms"]
        if not isinstance(found, list) or not found or not set(found) <= _PLATFORMS:
            raise self.error(raw, "platforms", f"is a list of {', '.join(sorted(_PLATFORMS))}")
        return frozenset(found)

    def listed(self, raw: Any, field: str, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.error(raw, field, "is a list")
        return value

    def pattern(self, raw: Any, field: str) -> Pattern:
        if not isinstance(raw, Mapping):
            raise self.error(raw, field, "is a mapping")
        form = [name for name in _FORMS if name in raw]
        if len(form) != 1:
            raise self.error(raw, field, f"has exactly one of {', '.join(_FORMS)}")
        if form[0] == "event":
            return Single(self.step(raw, field))
        if form[0] == "count":
            return self.count(raw, raw["count"])
        parts = self.listed(raw, form[0], raw[form[0]])
        if not parts:
            raise self.error(raw, form[0], "is empty")
        if form[0] in {"sequence", "together"}:
            self.keys(raw, {form[0], "within", "at_least", "distinct"}, field)
            return self.chain(raw, form[0], parts)
        self.keys(raw, {form[0]}, field)
        return (All if form[0] == "all" else AnyOf)([self.pattern(part, form[0]) for part in parts])

    def chain(self, raw: Mapping[str, Any], form: str, parts: list[Any]) -> Pattern:
        self.bound = set()
        steps = [self.step(part, form) for part in parts]
        if steps[0].absent or (form == "together" and any(step.absent for step in steps)):
            raise self.error(raw, form, "an absent step needs a step before it that is there")
        at_least = raw.get("at_least", 1)
        if not isinstance(at_least, int) or not 1 <= at_least <= MAX_MATCHES:
            raise self.error(raw, "at_least", f"is a number from 1 to {MAX_MATCHES}")
        distinct = self.getter(raw, "distinct", steps[0].kinds)
        return Chain(
            steps, self.duration(raw, "within"), ordered=form == "sequence", at_least=at_least, distinct=distinct
        )

    def count(self, outer: Mapping[str, Any], raw: Any) -> Pattern:
        self.keys(outer, {"count"}, "match")
        if not isinstance(raw, Mapping):
            raise self.error(outer, "count", "is a mapping")
        self.keys(raw, _STEP_KEYS | {"at_least", "within", "distinct", "per"}, "count")
        at_least = raw.get("at_least")
        if not isinstance(at_least, int) or at_least < 2:
            raise self.error(raw, "at_least", "is a number of 2 or more")
        own = {key: value for key, value in raw.items() if key in _STEP_KEYS or key == LINE}
        step = self.step(own, "count")
        distinct, per = self.getter(raw, "distinct", step.kinds), self.getter(raw, "per", step.kinds)
        return Count(step, at_least, self.duration(raw, "within"), distinct, per)

    def getter(self, raw: Mapping[str, Any], name: str, kinds: tuple[str, ...]) -> Getter | None:
        if name not in raw:
            return None
        try:
            getter = Getter(str(raw[name]))
        except Problem as problem:
            raise self.error(raw, name, str(problem)) from problem
        if getter.field != "process":
            self.field(raw, name, getter.field, kinds)
        return getter

    def step(self, raw: Any, field: str) -> Step:
        if not isinstance(raw, Mapping):
            raise self.error(raw, field, "is a mapping")
        self.keys(raw, _STEP_KEYS, field)
        kinds = self.kinds(raw)
        relation = raw.get("process", "")
        if relation and relation not in _RELATIONS:
            raise self.error(raw, "process", f"is one of {', '.join(sorted(_RELATIONS))}")
        where = self.groups(raw, "where", kinds)
        exclude = self.groups(raw, "not", kinds)
        bind = self.bindings(raw, kinds)
        absent = raw.get("absent", False) is True
        return Step(kinds, where, exclude=exclude, bind=bind, relation=relation, absent=absent)

    def kinds(self, raw: Mapping[str, Any]) -> tuple[str, ...]:
        kinds = raw.get("event")
        named = [kinds] if isinstance(kinds, str) else kinds
        if not isinstance(named, list) or not named:
            raise self.error(raw, "event", "names a kind of event")
        for kind in named:
            if kind not in _KINDS:
                raise self.error(raw, "event", f"there is no kind {kind!r}")
        return tuple(named)

    def groups(self, raw: Mapping[str, Any], field: str, kinds: tuple[str, ...]) -> tuple[tuple[Condition, ...], ...]:
        given = raw.get(field)
        if given is None:
            return ()
        groups = given if isinstance(given, list) else [given]
        if not all(isinstance(group, Mapping) for group in groups):
            raise self.error(raw, field, "is a mapping or a list of mappings")
        return tuple(self.group(group, kinds) for group in groups)

    def group(self, raw: Mapping[str, Any], kinds: tuple[str, ...]) -> tuple[Condition, ...]:
        conditions = []
        for source, wanted in raw.items():
            if source == LINE:
                continue
            try:
                condition = Condition(str(source), wanted, self.lists, fold=self.fold)
            except Problem as problem:
                raise self.error(raw, str(source), str(problem)) from problem
            self.field(raw, str(source), condition.field, kinds)
            if condition.variable and condition.variable not in self.bound:
                raise self.error(raw, str(source), f"no earlier step binds ${condition.variable}")
            conditions.append(condition)
        # Cheap tests first: facts look through the whole account.
        return tuple(sorted(conditions, key=lambda c: (bool(c.fact), c.operator in {"regex", "glob"})))

    def field(self, raw: Mapping[str, Any], named: str, field: str, kinds: tuple[str, ...]) -> None:
        owner, dot, name = field.partition(".")
        if dot and owner in {"actor", "subject"} and name in _PROCESS_FIELDS:
            return
        if dot or not any(field in _KINDS[kind] for kind in kinds):
            raise self.error(raw, named, f"{' or '.join(kinds)} has no field {field!r}")

    def bindings(self, raw: Mapping[str, Any], kinds: tuple[str, ...]) -> tuple[tuple[str, Getter], ...]:
        given = raw.get("bind", {})
        if not isinstance(given, Mapping):
            raise self.error(raw, "bind", "is a mapping of variable to field")
        pairs = []
        for name, written in given.items():
            if name == LINE:
                continue
            try:
                getter = Getter(str(written))
            except Problem as problem:
                raise self.error(given, str(name), str(problem)) from problem
            self.field(given, str(name), getter.field, kinds)
            self.bound.add(str(name))
            pairs.append((str(name), getter))
        return tuple(pairs)

    def duration(self, raw: Mapping[str, Any], field: str) -> int | None:
        """Nanoseconds."""
        given = raw.get(field)
        if given is None:
            return None
        found = _DURATION.fullmatch(str(given))
        if found is None:
            raise self.error(raw, field, "is a time like 500ms, 10s, 5m or 1h")
        return int(float(found[1]) * _UNITS[found[2]])

    def keys(self, raw: Mapping[str, Any], allowed: set[str], field: str) -> None:
        for key in sorted(str(key) for key in raw if key not in allowed and key != LINE):
            raise self.error(raw, f"{field}.{key}", "is not known")
