"""What a test asks of one detonation: which events there were, of whom, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lazaretto.domain.detonation import Artifact, Detonation
from lazaretto.domain.trace import AnyEvent, Ending, Process, Trace, event_fields


@dataclass(frozen=True)
class Observed:
    """One finished detonation and the folder of its artifacts."""

    detonation: Detonation
    out: Path

    @property
    def trace(self) -> Trace:
        return self.detonation.trace

    @property
    def ending(self) -> Ending:
        return self.trace.ending

    @property
    def console(self) -> str:
        """All that was printed, both streams."""
        return "".join(str(event_fields(event)["text"]) for event in self.trace.events if event.kind == "console")

    def events(self, kind: str = "", /, **fields: Any) -> list[AnyEvent]:
        """The events of that kind whose fields have these values. A value that is a function is asked."""
        return [event for event in self.trace.events if (not kind or event.kind == kind) and _fits(event, fields)]

    def one(self, kind: str, /, **fields: Any) -> AnyEvent:
        """The first such event; fails with what there was instead."""
        found = self.events(kind, **fields)
        if not found:
            wanted = ", ".join(f"{name}={value!r}" for name, value in fields.items())
            raise AssertionError(f"no {kind} with {wanted}; there was:\n{self.story()}")
        return found[0]

    def order(self, *kinds: str) -> bool:
        """Whether events of these kinds came one after the other, with others between them."""
        rest = iter(event.kind for event in self.trace.events)
        return all(kind in rest for kind in kinds)

    def kinds(self) -> set[str]:
        return {event.kind for event in self.trace.events}

    def process(self, part: str) -> Process:
        """The first process with that in its command line."""
        found = next((p for p in self.trace.processes.values() if part in p.command_line), None)
        assert found is not None, f"no process {part!r}:\n{self.story()}"
        return found

    def artifacts(self, kind: str) -> list[Artifact]:
        return [artifact for artifact in self.detonation.artifacts if artifact.kind == kind]

    def content(self, artifact: Artifact) -> bytes:
        return (self.out / artifact.path).read_bytes()

    def dropped(self, path: str) -> bytes:
        """The content of the file that lay at `path` in the guest."""
        found = next((a for a in self.artifacts("dropped") if a.name == path), None)
        assert found is not None, f"{path} was not brought back: {[a.name for a in self.artifacts('dropped')]}"
        return self.content(found)

    def story(self, most: int = 200) -> str:
        """The account as text, for the message of a failed test."""
        trace = self.trace
        lines = [f"{trace.ending} {trace.reason!r} {trace.guest_time:.3f} s of the guest, lost {trace.lost.total}"]
        for process in trace.processes.values():
            shown_as = process.command_line or process.image
            lines.append(f"  P{process.key} of P{process.parent} {process.cause}: {shown_as}"[:200])
        for event in trace.events[:most]:
            shown = {k: v for k, v in event_fields(event).items() if k not in _COMMON and v not in ("", (), {}, 0, b"")}
            lines.append(f"  {event.time / 1e9:9.3f} P{event.process} {event.kind} {shown}"[:300])
        return "\n".join(lines)


_COMMON = {"id", "time", "process", "thread", "source", "because", "kind"}


def _fits(event: AnyEvent, fields: dict[str, Any]) -> bool:
    for name, wanted in fields.items():
        value = getattr(event, name, None)
        if not (wanted(value) if callable(wanted) else value == wanted):
            return False
    return True
