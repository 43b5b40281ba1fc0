"""What tests of engines that read documents share: run `examine` directly, and sort what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lazaretto.analysis.engine import Fact, Finding, Indicator, Member, Output, Shortfall, Subject
from lazaretto.analysis.identify import identify

Examine = Callable[[Subject], Iterator[Output]]


def look(examine: Examine, data: bytes, name: str = "", options: Mapping[str, Any] | None = None) -> list[Output]:
    """All outputs about these bytes."""
    return list(examine(Subject(data=data, name=name, kind=identify(data, name), options=options or {})))


def ids(outputs: list[Output]) -> set[str]:
    return {output.id for output in outputs if isinstance(output, Finding)}


def details(outputs: list[Output], name: str) -> list[str]:
    return [output.detail for output in outputs if isinstance(output, Finding) and output.id == name]


def members(outputs: list[Output]) -> dict[str, Member]:
    return {output.name: output for output in outputs if isinstance(output, Member)}


def facts(outputs: list[Output]) -> dict[str, object]:
    return {output.name: output.value for output in outputs if isinstance(output, Fact)}


def indicators(outputs: list[Output], kind: str) -> set[str]:
    return {output.value for output in outputs if isinstance(output, Indicator) and output.kind == kind}


def shortfalls(outputs: list[Output]) -> list[str]:
    return [output.reason for output in outputs if isinstance(output, Shortfall)]
