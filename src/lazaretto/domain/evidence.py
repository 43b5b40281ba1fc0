"""Evidence: one finding of one engine, in words that an administrator can read."""

from __future__ import annotations

import enum

import msgspec


class Weight(enum.StrEnum):
    """How much one finding says. What each is worth is written once, in `scoring.POINTS`."""

    INFORMATIONAL = "informational"  # worth knowing, says nothing for or against the file
    WEAK = "weak"  # common in harmless software too
    MODERATE = "moderate"  # uncommon in harmless software, with a usual harmless cause
    STRONG = "strong"  # rare in harmless software, the harmless cause is a special one
    DECISIVE = "decisive"  # a named strong finding: enough alone for `malicious`

    @property
    def rank(self) -> int:
        """0 for informational up to 4 for decisive."""
        return _RANK[self]


_RANK = {weight: rank for rank, weight in enumerate(Weight)}


class Family(enum.StrEnum):
    """What a finding is about. Two findings of one family often have one cause, so they are not independent."""

    EXECUTION = "execution"  # what it starts, and from what
    PERSISTENCE = "persistence"  # coming back later
    PRIVILEGE = "privilege"  # more rights than it was given
    INJECTION = "injection"  # code in other processes
    CONCEALMENT = "concealment"  # hiding, removing traces, another's name
    UNPACKING = "unpacking"  # code that exists only at run time
    EVASION = "evasion"  # noticing or outwaiting an analysis
    DEFENCES = "defences"  # switching protection or logging off
    CREDENTIALS = "credentials"  # passwords, keys, cookies
    DISCOVERY = "discovery"  # finding out about the machine and its network
    COLLECTION = "collection"  # keyboard, screen, clipboard, files gathered
    CONTROL = "control"  # being told what to do over the network, fetching more
    EXFILTRATION = "exfiltration"  # data going out
    SPREADING = "spreading"  # to other machines and files
    IMPACT = "impact"  # data destroyed, encrypted, machine made unusable
    IDENTITY = "identity"  # the file is not what its name says
    DECEPTION = "deception"  # a person is to be talked into something: a false sender, a false link, unwanted mail


MAX_DETAILS = 16  # of one finding: what exactly, in the sample's own words
MAX_EVENTS = 64  # event ids kept with one finding: enough to show it, bounded for a trace full of them


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One finding. Texts are whole sentences without markup.

    `id` is stable over versions. `events` are ids of `domain.trace` events, ascending, without repeats, at most
    MAX_EVENTS; empty where the finding is not about behaviour. `source` is the engine that found it. `details` are what
    exactly was found, text of the sample; `where` is the path of the file inside in which it was found, empty for the
    file itself.
    """

    id: str
    title: str  # what was done
    explanation: str  # what that means
    benign_cause: str  # why a harmless program may do it
    malicious_cause: str  # why a harmful one does
    family: Family
    weight: Weight
    techniques: tuple[str, ...] = ()  # ATT&CK ids
    source: str = ""
    events: tuple[int, ...] = ()
    details: tuple[str, ...] = ()
    where: str = ""


def sort_evidence(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Strongest first, then by family, id and events: the same findings always give the same order."""
    return tuple(
        sorted(evidence, key=lambda e: (-e.weight.rank, e.family, e.id, e.source, e.where, e.events, e.details))
    )


def techniques_of(evidence: tuple[Evidence, ...]) -> tuple[str, ...]:
    """All ATT&CK techniques of the findings, sorted, once each."""
    return tuple(sorted({technique for finding in evidence for technique in finding.techniques}))
