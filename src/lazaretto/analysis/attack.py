"""Names and tactics of MITRE ATT&CK techniques, from `catalogue/attack.tsv`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

import msgspec

from lazaretto.analysis.rulefiles import default_folder

VERSION = "18.1"
FILE = "attack.tsv"

# In the order in which an attack usually goes.
TACTICS: Mapping[str, str] = {
    "reconnaissance": "Reconnaissance",
    "resource-development": "Resource development",
    "initial-access": "Initial access",
    "execution": "Execution",
    "persistence": "Persistence",
    "privilege-escalation": "Privilege escalation",
    "defense-evasion": "Defence evasion",
    "credential-access": "Credential access",
    "discovery": "Discovery",
    "lateral-movement": "Lateral movement",
    "collection": "Collection",
    "command-and-control": "Command and control",
    "exfiltration": "Exfiltration",
    "impact": "Impact",
}


class Technique(msgspec.Struct, frozen=True, kw_only=True):
    """A technique or sub-technique. `stix` is the UUID of its attack-pattern in MITRE's own data."""

    id: str
    stix: str
    tactics: tuple[str, ...]
    name: str

    @property
    def full_name(self) -> str:
        """`Boot or Logon Autostart Execution: Registry Run Keys`."""
        parent = techniques().get(self.id.partition(".")[0]) if "." in self.id else None
        return f"{parent.name}: {self.name}" if parent else self.name


@cache
def techniques() -> Mapping[str, Technique]:
    """All techniques by id."""
    text = (default_folder() / FILE).read_text("utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return {
        name: Technique(id=name, stix=stix, tactics=tuple(tactics.split(",")), name=title)
        for name, stix, tactics, title in rows
    }


def columns(ids: Iterable[str]) -> tuple[tuple[str, tuple[Technique, ...]], ...]:
    """The matrix: for each tactic that is met its title and the techniques, in the order of the matrix and of ids.

    A technique that serves several tactics stands under each, as in the matrix; one that is not known under none.
    """
    met = [known for name in sorted(set(ids)) if (known := techniques().get(name))]
    return tuple(
        (title, under)
        for tactic, title in TACTICS.items()
        if (under := tuple(technique for technique in met if tactic in technique.tactics))
    )
