"""What the tests of the unpackers share: an engine's work on some bytes, sorted by kind of output."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from lazaretto.analysis.engine import Engine, Fact, Finding, Member, Output, Shortfall, Subject
from lazaretto.analysis.findings import Meanings, load_meanings
from lazaretto.analysis.formats.types import TYPES, FileType
from lazaretto.analysis.identify import identify
from lazaretto.analysis.rulefiles import default_folder


@dataclass
class Opened:
    """Outputs of one run."""

    members: list[Member] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    short: list[str] = field(default_factory=list)

    @property
    def files(self) -> dict[str, bytes]:
        """Content of the members that were opened, by name."""
        return {one.name: one.data for one in self.members if not one.closed}

    @property
    def closed(self) -> dict[str, str]:
        """Why the others were not, by name."""
        return {one.name: one.closed for one in self.members if one.closed}

    @property
    def found(self) -> set[str]:
        """Ids of the findings."""
        return {one.id for one in self.findings}

    def details(self, finding: str) -> list[str]:
        return [one.detail for one in self.findings if one.id == finding]


def open_with(module: str, data: bytes, name: str = "sample", kind: str = "", **options: Any) -> Opened:
    """Run an unpacker, outside of the cage. The type is found out where it is not given."""
    engine = importlib.import_module(f"lazaretto.analysis.unpackers.{module}")
    type_: FileType = TYPES[kind] if kind else identify(data, name)
    assert engine.ENGINE.wants(type_), f"{type_.name} is not for {engine.ENGINE.name}"
    return sorted_outputs(engine.examine(Subject(data=data, name=name, kind=type_, options=options)))


def sorted_outputs(outputs: Any) -> Opened:
    opened = Opened()
    for output in outputs:
        _sort(opened, output)
    return opened


def _sort(opened: Opened, output: Output) -> None:
    match output:
        case Member():
            opened.members.append(output)
        case Finding():
            assert output.id in meanings().by_id, f"{output.id} is not in the catalogue"
            opened.findings.append(output)
        case Fact():
            opened.facts.append(output)
        case Shortfall():
            opened.short.append(output.reason)
        case _:
            raise AssertionError(output)


@cache
def meanings() -> Meanings:
    return load_meanings(default_folder())


def engine_of(module: str) -> Engine:
    found: Engine = importlib.import_module(f"lazaretto.analysis.unpackers.{module}").ENGINE
    return found
