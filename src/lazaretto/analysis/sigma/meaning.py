"""A match as evidence, told in the words of the rule's author.

How much a match weighs follows the author's level. The specification says that *critical* is for what borders on
certainty, but a rule is written for the logs of a company, where a sandbox's view is a narrow one, and nobody here has
measured it: so no rule of others is decisive by itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

import msgspec

from lazaretto.analysis.engine import short
from lazaretto.analysis.sigma.channels import Record
from lazaretto.analysis.sigma.model import About, Level
from lazaretto.domain.evidence import MAX_DETAILS, MAX_EVENTS, Evidence, Family, Weight

SOURCE = "sigma"

WEIGHTS: dict[Level, Weight] = {
    Level.CRITICAL: Weight.STRONG,
    Level.HIGH: Weight.MODERATE,
    Level.MEDIUM: Weight.WEAK,
    Level.LOW: Weight.INFORMATIONAL,
    Level.INFORMATIONAL: Weight.INFORMATIONAL,
}
_LIGHTER = {Weight.STRONG: Weight.MODERATE, Weight.MODERATE: Weight.WEAK, Weight.WEAK: Weight.INFORMATIONAL}

# ATT&CK's tactics, also by the names of version 18, which parts defence evasion in two.
TACTICS: dict[str, tuple[str, Family]] = {
    "reconnaissance": ("reconnaissance", Family.DISCOVERY),
    "resource-development": ("preparation of an attack", Family.EXECUTION),
    "initial-access": ("getting in", Family.EXECUTION),
    "execution": ("running code", Family.EXECUTION),
    "persistence": ("coming back later", Family.PERSISTENCE),
    "privilege-escalation": ("getting more rights", Family.PRIVILEGE),
    "defense-evasion": ("not being noticed or stopped", Family.CONCEALMENT),
    "stealth": ("not being noticed", Family.CONCEALMENT),
    "defense-impairment": ("switching off protection", Family.DEFENCES),
    "impair-defenses": ("switching off protection", Family.DEFENCES),
    "credential-access": ("getting at passwords and keys", Family.CREDENTIALS),
    "discovery": ("finding out about the machine and its network", Family.DISCOVERY),
    "lateral-movement": ("getting to other machines", Family.SPREADING),
    "collection": ("gathering data", Family.COLLECTION),
    "command-and-control": ("being told what to do over the network", Family.CONTROL),
    "exfiltration": ("taking data out", Family.EXFILTRATION),
    "impact": ("destroying data or stopping the machine", Family.IMPACT),
}
# Techniques that say more of what a match is about than their tactic does.
_BY_TECHNIQUE: dict[str, Family] = {
    "T1055": Family.INJECTION, "T1562": Family.DEFENCES, "T1497": Family.EVASION, "T1480": Family.EVASION,
    "T1622": Family.EVASION, "T1027": Family.UNPACKING, "T1140": Family.UNPACKING, "T1620": Family.UNPACKING,
    "T1003": Family.CREDENTIALS, "T1555": Family.CREDENTIALS, "T1105": Family.CONTROL, "T1547": Family.PERSISTENCE,
    "T1546": Family.PERSISTENCE, "T1543": Family.PERSISTENCE, "T1053": Family.PERSISTENCE,
}  # fmt: skip
_BY_CHANNEL: dict[str, Family] = {
    "registry": Family.PERSISTENCE, "connection": Family.CONTROL, "dns": Family.CONTROL, "http": Family.CONTROL,
    "thread": Family.INJECTION, "open": Family.INJECTION, "driver": Family.PRIVILEGE,
}  # fmt: skip
_TECHNIQUE = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)")
_NONE = frozenset({"none", "unknown", "unlikely", "", "n/a", "-", "none known", "no known false positives"})
_MOST_TEXT = 1_000
_MOST_KNOWN = 6  # false positives that are told


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that found something: ids of all events, ascending, and what they say."""

    about: About
    channel: str
    events: tuple[int, ...]
    details: tuple[str, ...] = ()


def identifier(about: About) -> str:
    """Stable for a rule: by its own id, or what stands for one."""
    if about.id:
        return f"sigma:{about.id}"
    return f"sigma:{hashlib.sha256(f'{about.file}|{about.title}'.encode()).hexdigest()[:16]}"


def weight(about: About) -> Weight:
    """What a match weighs: by the level, one step less for a rule that is still an experiment."""
    found = WEIGHTS.get(about.level, Weight.INFORMATIONAL) if about.level else Weight.INFORMATIONAL
    return _LIGHTER.get(found, found) if about.status == "experimental" else found


def techniques(about: About) -> tuple[str, ...]:
    """ATT&CK ids among the tags."""
    found = (_TECHNIQUE.fullmatch(tag.lower()) for tag in about.tags)
    return tuple(sorted({one[1].upper() for one in found if one}))


def tactics(about: About) -> tuple[str, ...]:
    """Keys of `TACTICS` among the tags, in the rule's order."""
    named = (tag.lower().removeprefix("attack.").replace("_", "-") for tag in about.tags if "." in tag)
    return tuple(dict.fromkeys(name for name in named if name in TACTICS))


def family(about: About, channel: str) -> Family:
    """What a match is about: by technique where that says more, then by the first tactic, then by the log."""
    for technique in techniques(about):
        if known := _BY_TECHNIQUE.get(technique.partition(".")[0]):
            return known
    for tactic in tactics(about):
        return TACTICS[tactic][1]
    return _BY_CHANNEL.get(channel.partition(".")[0], Family.EXECUTION)


def evidence(matches: Iterable[Match]) -> tuple[Evidence, ...]:
    """The evidence that the matches are.

    Several rules that match the same event are several readings of one act. They get the family of the heaviest of
    them, so that the score, which adds up families, does not count the act as often as there are rules for it.
    """
    leaders: dict[int, Family] = {}
    found = []
    for match in sorted(matches, key=lambda one: (-weight(one.about).rank, identifier(one.about))):
        shared = next((leaders[event] for event in match.events if event in leaders), None)
        about = shared or family(match.about, match.channel)
        for event in match.events:
            leaders.setdefault(event, about)
        found.append(_evidence(match, about))
    return tuple(found)


def _evidence(match: Match, about: Family) -> Evidence:
    rule = match.about
    return Evidence(
        id=identifier(rule),
        title=short(rule.title.rstrip(".")),
        explanation=_sentence(rule.description) or f"A rule of this name fits what it did: {rule.title.rstrip('.')}.",
        benign_cause=_benign(rule),
        malicious_cause=_malicious(rule),
        family=about,
        weight=weight(rule),
        techniques=techniques(rule),
        source=SOURCE,
        events=match.events[:MAX_EVENTS],
        details=match.details[:MAX_DETAILS],
    )


def details(records: Iterable[Record]) -> tuple[str, ...]:
    """What the records say, once each, as many as are shown."""
    found: dict[str, None] = {}
    for record in records:
        found[short(record.shown())] = None
        if len(found) >= MAX_DETAILS:
            break
    return tuple(text for text in found if text)


def _benign(rule: About) -> str:
    known = [cause for cause in map(_words, rule.falsepositives) if cause.lower().rstrip(".") not in _NONE]
    if not known:
        return "The rule's author names no harmless cause."
    return f"The rule's author knows of harmless causes: {_listed(known[:_MOST_KNOWN])}."


def _malicious(rule: About) -> str:
    aims = _listed([TACTICS[tactic][0] for tactic in tactics(rule)])
    rated = f"rates it {rule.level.value}" if rule.level else "does not rate it"
    trial = ", and as an experiment" if rule.status == "experimental" else ""
    return f"The rule's author {rated}{trial}{f'; it serves {aims}' if aims else ''}."


def _listed(texts: Sequence[str]) -> str:
    return "; ".join(text.rstrip(".") for text in texts)


def _words(text: str) -> str:
    return " ".join(text.split())


def _sentence(text: str) -> str:
    plain = short(_words(text), _MOST_TEXT)
    return plain if not plain or plain.endswith((".", "!", "?", "…")) else f"{plain}."
