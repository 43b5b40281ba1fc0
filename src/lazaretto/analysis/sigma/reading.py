"""YAML documents to rules: every construct is either understood or refuses the rule by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lazaretto.analysis.rulefiles import LINE, parse_documents
from lazaretto.analysis.sigma import analysis, expressions, modifiers, wildcards
from lazaretto.analysis.sigma.channels import CHANNELS, channels_of, event_ids, known_fields
from lazaretto.analysis.sigma.model import (
    ANY_RUN,
    About,
    And,
    AnyNode,
    Correlation,
    Item,
    Level,
    Or,
    Refusal,
    Rule,
    Text,
    Unusable,
)
from lazaretto.domain.errors import CatalogueError

VERSION = "1"  # of what reading makes of a text: kept sets of rules of another version are read again

_MOST_CHARACTERS = 1 << 20
_DEEPEST = 20
_TIMESPAN = re.compile(r"(\d{1,9})([smhd])")
_UNITS = {"s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86_400 * 10**9}
_CORRELATIONS = ("event_count", "value_count", "temporal", "temporal_ordered")
_BOUNDS = ("gt", "gte", "lt", "lte", "eq")
_NOT_USED = {"deprecated": "use the rule that replaces it", "unsupported": "leave it out, as its author says"}


def read(file: str, text: str) -> Iterator[Rule | Correlation | Refusal]:
    """All rules of one file, and why others in it are not used."""
    if len(text) > _MOST_CHARACTERS:
        problem = f"{len(text):,} characters are too many for a file of rules"
        yield Refusal(file=file, line=0, problem=problem, remedy="split it", broken=True)
        return
    seen = False
    try:
        for document in parse_documents(file, text):
            if document is not None:
                seen = True
                yield _read_document(file, document)
    except CatalogueError as error:
        yield Refusal(file=file, line=error.line, problem=error.problem, remedy="mend the YAML", broken=True)
        return
    if not seen:
        yield Refusal(file=file, line=0, problem="the file is empty", remedy="take it away", broken=True)


def _read_document(file: str, document: Any) -> Rule | Correlation | Refusal:
    if not isinstance(document, dict):
        return Refusal(file=file, line=1, problem="is not a rule", remedy="write a mapping with a title", broken=True)
    line = document.get(LINE, 0)
    try:
        return _rule(file, document)
    except Unusable as error:
        return Refusal(
            file=file, line=error.line or line,
            title=str(document.get("title") or ""), id=str(document.get("id") or ""),
            problem=error.problem, remedy=error.remedy, broken=error.broken,
        )  # fmt: skip


def _rule(file: str, document: Mapping[str, Any]) -> Rule | Correlation:
    if not {"title", "logsource", "detection", "correlation", "action", "filter"} & set(document):
        raise Unusable("is not a Sigma rule", "take the file out of the folder", broken=True)
    if "action" in document:
        raise Unusable(
            f"rule collection (action: {document['action']})", "write each rule out, as specification 2 asks"
        )
    if "filter" in document:
        raise Unusable("Sigma filter", "put the exclusion into the rules themselves")
    taxonomy = document.get("taxonomy", "sigma")
    if taxonomy != "sigma":
        raise Unusable(f"taxonomy {taxonomy!r}", "use the field names of Sigma's own taxonomy")
    about = _about(file, document)
    if about.status in _NOT_USED:
        raise Unusable(f"status {about.status!r}", _NOT_USED[about.status])
    if "correlation" in document:
        return _correlation(about, document)
    systems, channels = channels_of(_mapping(document, "logsource"))
    detection = _mapping(document, "detection")
    try:
        condition = _condition(detection)
        return _fitted(about, systems, channels, condition)
    except Unusable as error:
        error.line = error.line or detection.get(LINE, 1) - 1
        raise


def _fitted(about: About, systems: tuple[str, ...], channels: tuple[str, ...], condition: AnyNode) -> Rule:
    """The rule with the channels in which it can match, and what it lacks there."""
    fitting = tuple(name for name in channels if analysis.can_match(condition, name))
    tested = tuple(dict.fromkeys(item.field for item in analysis.items(condition) if item.field))
    if not fitting:
        raise Unusable(*_never(condition, channels, tested))
    known = known_fields(fitting)
    return Rule(
        about=about,
        systems=tuple(name for name in systems if any(name in CHANNELS[one].systems for one in fitting)),
        channels=fitting,
        condition=condition,
        gates=analysis.gates(condition, known),
        unknown=tuple(sorted(name for name in tested if name not in known)),
        fields=tuple(sorted({*tested, *analysis.referred(condition)} & known)),
        keywords=any(not item.field for item in analysis.items(condition)),
    )


def _never(condition: AnyNode, channels: tuple[str, ...], tested: tuple[str, ...]) -> tuple[str, str]:
    """Why no event of these channels can match."""
    known = known_fields(channels)
    numbers = {number for name in channels for number in event_ids(name)}
    asked = {
        str(test.parts[0])
        for item in analysis.items(condition)
        if item.field == "EventID"
        for test in item.tests
        if isinstance(test, Text) and len(test.parts) == 1
    }
    strange = sorted(asked - numbers)
    if strange and not asked & numbers:
        return f"EventID {', '.join(strange)}", "leave the rule out: an account has no such records"
    lacking = sorted({*tested, *analysis.referred(condition)} - known)
    if lacking:
        return f"field {', '.join(lacking)}", "leave the rule out: no account has the field, so it can never match"
    return "a condition that no event can fulfil", "mend the condition"


def _about(file: str, document: Mapping[str, Any]) -> About:
    title = document.get("title")
    if not isinstance(title, str) or not title.strip():
        raise Unusable("there is no title", "give the rule a title", broken=True)
    return About(
        file=file,
        line=document.get(LINE, 0),
        title=" ".join(title.split()),
        id=str(document.get("id") or ""),
        name=str(document.get("name") or ""),
        description=str(document.get("description") or ""),
        status=str(document.get("status") or "").lower(),
        level=_level(document),
        tags=_texts(document, "tags"),
        falsepositives=_texts(document, "falsepositives"),
    )


def _level(document: Mapping[str, Any]) -> Level | None:
    given = document.get("level")
    if given is None:
        return None
    try:
        return Level(str(given).lower())
    except ValueError:
        raise Unusable(f"level {given!r}", f"use one of {', '.join(Level)}", broken=True) from None


def _texts(document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    given = document.get(key)
    if given is None:
        return ()
    return tuple(str(one) for one in (given if isinstance(given, list) else [given]) if one is not None)


def _mapping(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = document.get(key)
    if not isinstance(found, dict):
        raise Unusable(
            f"{key} is not there" if found is None else f"{key} is not a mapping", f"give it a {key}", broken=True
        )
    return found


# --- detection ------------------------------------------------------------------------------------------------------


def _condition(detection: Mapping[str, Any]) -> AnyNode:
    if "timeframe" in detection:
        raise Unusable("timeframe", "write it as a correlation rule of specification 2 (event_count, value_count)")
    lines = detection.get("condition")
    if lines is None:
        raise Unusable("detection has no condition", "give it a condition", broken=True)
    searches = {str(name): value for name, value in detection.items() if name not in {"condition", LINE}}
    nodes = _Searches(searches)
    found = [expressions.parse(str(line), nodes) for line in (lines if isinstance(lines, list) else [lines])]
    if not found:
        raise Unusable("condition is empty", "give it a condition", broken=True)
    return found[0] if len(found) == 1 else Or(tuple(found))


class _Searches(dict[str, AnyNode]):
    """Search identifiers, all of them read: also what no condition names must be understood."""

    def __init__(self, written: Mapping[str, Any]) -> None:
        super().__init__((name, _search(name, value, 0)) for name, value in written.items())


def _search(name: str, value: Any, depth: int) -> AnyNode:
    """A map is all of its items, a list any of its entries, a text a keyword."""
    if depth > _DEEPEST:
        raise Unusable(f"{name}: lists in lists without end", "write it flat", broken=True)
    if isinstance(value, dict):
        return _map(name, value)
    if isinstance(value, list):
        if not value:
            raise Unusable(f"{name} is empty", "give it something to look for", broken=True)
        words = [one for one in value if not isinstance(one, dict | list)]
        nodes: list[AnyNode] = [_keywords(name, words, every=False)] if words else []
        nodes += [_search(name, one, depth + 1) for one in value if isinstance(one, dict | list)]
        return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))
    return _keywords(name, [value], every=False)


def _map(name: str, value: Mapping[Any, Any]) -> AnyNode:
    line = value.get(LINE, 0)
    nodes: list[AnyNode] = []
    for key, wanted in value.items():
        if key == LINE:
            continue
        try:
            nodes.append(_entry(name, str(key), wanted))
        except Unusable as error:
            error.line = error.line or line
            raise
    if not nodes:
        raise Unusable(f"{name} is empty", "give it something to look for", broken=True)
    return nodes[0] if len(nodes) == 1 else And(tuple(nodes))


def _entry(name: str, key: str, wanted: Any) -> AnyNode:
    if not key.partition("|")[0]:
        words = [word for word in key.split("|") if word]
        strange = next((word for word in words if word not in {"all", "contains"}), "")
        if strange:
            raise Unusable(f"{name}: modifier {strange!r} of keywords", "use all, or name a field")
        return _keywords(name, wanted if isinstance(wanted, list) else [wanted], every="all" in words)
    if isinstance(wanted, dict):
        raise Unusable(f"{key}: a mapping as value", "name the field in one word, as field.part", broken=True)
    return modifiers.item(key, wanted)


def _keywords(name: str, words: list[Any], *, every: bool) -> Item:
    """Texts that are looked for anywhere in the event."""
    if any(word is None or isinstance(word, dict | list) for word in words) or not words:
        raise Unusable(f"{name}: a keyword that is no text", "give it texts", broken=True)
    tests = tuple(
        Text(wildcards.joined((ANY_RUN, *wildcards.folded(wildcards.parse(str(word))), ANY_RUN))) for word in words
    )
    return Item("", tests, every)


# --- correlations ---------------------------------------------------------------------------------------------------


def _correlation(about: About, document: Mapping[str, Any]) -> Correlation:
    given = _mapping(document, "correlation")
    kind = str(given.get("type") or "")
    if kind not in _CORRELATIONS:
        raise Unusable(f"correlation type {kind!r}", f"use one of {', '.join(_CORRELATIONS)}")
    unknown = set(given) - {"type", "rules", "group-by", "timespan", "condition", "aliases", "generate", LINE}
    if unknown:
        raise Unusable(f"correlation key {min(map(str, unknown))!r}", "write it as specification 2 does", broken=True)
    if kind == "temporal_ordered" and "condition" in given:
        raise Unusable("condition of a temporal_ordered correlation", "leave it out: all of its rules are asked for")
    bounds, field = _bounds(given) if kind.endswith("_count") or "condition" in given else ((), "")
    if kind == "value_count" and not field:
        raise Unusable("value_count without a field in its condition", "name the field to count", broken=True)
    return Correlation(
        about=about,
        type=kind,
        rules=_names(given, "rules"),
        group_by=_names(given, "group-by", needed=False),
        timespan=_timespan(given.get("timespan")),
        bounds=bounds,
        field=field if kind == "value_count" else "",
        generate=bool(given.get("generate", document.get("generate", False))),
        aliases=_aliases(given.get("aliases")),
    )


def _names(given: Mapping[str, Any], key: str, *, needed: bool = True) -> tuple[str, ...]:
    found = given.get(key)
    names = found if isinstance(found, list) else [] if found is None else [found]
    if (needed and not names) or not all(isinstance(name, str) and name for name in names):
        raise Unusable(f"correlation: {key} is a list of names", f"give it {key}", broken=True)
    return tuple(names)


def _bounds(given: Mapping[str, Any]) -> tuple[tuple[tuple[str, int], ...], str]:
    condition = given.get("condition")
    if not isinstance(condition, dict):
        raise Unusable("correlation: condition is a mapping", "write it as gte: 10", broken=True)
    bounds = []
    for key, value in condition.items():
        if key in {LINE, "field"}:
            continue
        if key not in _BOUNDS:
            raise Unusable(f"correlation: condition {key!r}", f"use {', '.join(_BOUNDS)}", broken=True)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Unusable(f"correlation: {key} is a whole number", "give it a number", broken=True)
        bounds.append((str(key), value))
    if not bounds:
        raise Unusable("correlation: condition is empty", "write it as gte: 10", broken=True)
    field = condition.get("field", "")
    if not isinstance(field, str):
        raise Unusable("correlation: more than one field to count", "name one field")
    return tuple(bounds), field


def _timespan(given: Any) -> int:
    """Nanoseconds."""
    found = _TIMESPAN.fullmatch(str(given))
    if found is None:
        raise Unusable(f"correlation: timespan {given!r}", "write it as 30s, 5m, 1h or 2d", broken=True)
    return int(found[1]) * _UNITS[found[2]]


def _aliases(given: Any) -> dict[str, dict[str, str]]:
    if given is None:
        return {}
    if not isinstance(given, dict) or not all(isinstance(one, dict) for key, one in given.items() if key != LINE):
        raise Unusable("correlation: aliases is a mapping of mappings", "write alias: {rule: field}", broken=True)
    return {
        str(alias): {str(rule): str(field) for rule, field in fields.items() if rule != LINE}
        for alias, fields in given.items()
        if alias != LINE
    }
