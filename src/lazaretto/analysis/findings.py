"""The catalogue of findings: what each finding of an engine means, as data (`catalogue/findings/*.yaml`).

An engine says what it saw (`Finding`: an id and a detail); here is what is told to people, and what it weighs.

    - id: pe-section-writable-code
      title: It has code that it can rewrite while it runs
      explanation: A part of the program is marked as code and as writable at once.
      benign_cause: Programs packed to be smaller or protected against copying.
      malicious_cause: The real code is hidden in the file and unpacked only when it runs.
      weight: weak
      family: unpacking
      techniques: [T1027.002]
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

from lazaretto.analysis.engine import Finding, short
from lazaretto.analysis.rulefiles import LINE, parse
from lazaretto.domain.errors import CatalogueError
from lazaretto.domain.evidence import MAX_DETAILS, Evidence, Family, Weight


class Meaning(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is told of a finding, and what it weighs."""

    id: str
    title: str
    explanation: str
    benign_cause: str
    malicious_cause: str
    weight: Weight
    family: Family
    techniques: tuple[str, ...] = ()


class Meanings:
    """All meanings by id. `version` is a hash of their text."""

    def __init__(self, meanings: Iterable[Meaning], version: str) -> None:
        self.version = version
        self.by_id: Mapping[str, Meaning] = {meaning.id: meaning for meaning in meanings}

    def evidence(
        self, found: Iterable[Finding], source: str, also: Mapping[str, Meaning] = MappingProxyType({})
    ) -> tuple[Evidence, ...]:
        """The evidence that an engine's findings are: one for each id, with the details in the order they came.

        `also` are meanings that came with the engine's own rules. An id that is in neither comes from a child that was
        taken over: it says nothing.
        """
        details: dict[str, list[str]] = {}
        for finding in found:
            told = details.setdefault(finding.id, [])
            detail = short(finding.detail)
            if detail and detail not in told and len(told) < MAX_DETAILS:
                told.append(detail)
        known = {**also, **self.by_id}
        return tuple(_evidence(known[name], tuple(told), source) for name, told in details.items() if name in known)


def load_meanings(folder: Path) -> Meanings:
    """The meanings of a catalogue's folder: `findings/*.yaml`. Raises `CatalogueError`."""
    digest = hashlib.sha256()
    found: dict[str, Meaning] = {}
    for file in sorted((folder / "findings").glob("*.yaml")):
        text = file.read_text("utf-8")
        digest.update(f"{file.name}\0{len(text)}\0{text}".encode())
        for meaning, line in _read(str(file), text):
            if meaning.id in found:
                raise CatalogueError(str(file), line, meaning.id, "id", "is there twice")
            found[meaning.id] = meaning
    return Meanings(found.values(), digest.hexdigest()[:16])


def _read(file: str, text: str) -> Iterable[tuple[Meaning, int]]:
    entries = parse(file, text)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise CatalogueError(file, 1, "", "", "a file of findings is a list of mappings")
    for entry in entries:
        line = entry.pop(LINE)
        try:
            yield msgspec.convert(entry, Meaning), line
        except msgspec.ValidationError as error:
            raise CatalogueError(file, line, str(entry.get("id", "")), "", str(error)) from error


def _evidence(meaning: Meaning, details: tuple[str, ...], source: str) -> Evidence:
    return Evidence(
        id=meaning.id,
        title=meaning.title,
        explanation=meaning.explanation,
        benign_cause=meaning.benign_cause,
        malicious_cause=meaning.malicious_cause,
        family=meaning.family,
        weight=meaning.weight,
        techniques=meaning.techniques,
        source=source,
        details=details,
    )
