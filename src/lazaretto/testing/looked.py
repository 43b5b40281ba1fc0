"""Having an engine look at bytes, directly, and what it said sorted."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from lazaretto.analysis.engine import AnyOutput, Engine, Fact, Finding, Member, Shortfall, Subject
from lazaretto.analysis.identify import identify


class Looked:
    """What an engine said of some bytes. `raised` is what it fell over, if it did."""

    def __init__(self, outputs: list[AnyOutput]) -> None:
        self.outputs = outputs

    @property
    def findings(self) -> dict[str, str]:
        """Ids with the first detail."""
        found: dict[str, str] = {}
        for output in self.outputs:
            if isinstance(output, Finding):
                found.setdefault(output.id, output.detail)
        return found

    @property
    def facts(self) -> dict[str, Any]:
        return {output.name: output.value for output in self.outputs if isinstance(output, Fact)}

    @property
    def members(self) -> dict[str, Member]:
        return {output.name: output for output in self.outputs if isinstance(output, Member)}

    @property
    def shortfalls(self) -> list[str]:
        return [output.reason for output in self.outputs if isinstance(output, Shortfall)]


def look(engine: Engine, data: bytes, name: str = "a.bin", options: Mapping[str, Any] | None = None) -> Looked:
    """Run `examine` here and now, if the engine wants such a file."""
    kind = identify(data, name)
    if not engine.wants(kind):
        return Looked([])
    examine = importlib.import_module(engine.module).examine
    return Looked(list(examine(Subject(data=data, name=name, kind=kind, options=dict(options or {})))))
