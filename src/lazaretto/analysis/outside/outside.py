"""What an engine outside is, and how it is asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from lazaretto.analysis.cage.host import Outcome
from lazaretto.analysis.cage.wire import End
from lazaretto.analysis.engine import Brought, Output, Subject, short
from lazaretto.analysis.formats.types import FileType


class NoAnswer(Exception):
    """The engine could not be reached, took too long, or said what cannot be understood. The text says which."""


@dataclass(frozen=True)
class Answer:
    """What it said; `version` is what it calls itself, with its data's version where it has one."""

    outputs: tuple[Output, ...]
    version: str = ""


@dataclass(frozen=True)
class Outside:
    """An engine outside as the examiner knows it. `ask` raises `NoAnswer` and nothing else; None: it is not set up."""

    name: str
    version: str  # of this program's way of asking it
    wants: Callable[[FileType], bool]
    sees: str  # one sentence for the documentation's table
    ask: Callable[[Subject], Answer] | None = None
    essential: bool = False

    def look(self, subject: Subject) -> Outcome:
        """Ask it, and tell how it ended as of an engine in the cage."""
        began = time.monotonic()
        assert self.ask is not None
        try:
            answer = self.ask(subject)
        except NoAnswer as error:
            return Outcome(outputs=(), end=End.SILENT, seconds=time.monotonic() - began, detail=short(str(error)))
        return Outcome(
            outputs=answer.outputs,  # type: ignore[arg-type]  # every Output is one of AnyOutput
            end=End.DONE,
            seconds=time.monotonic() - began,
            brought=Brought(b"", short(answer.version, 100)) if answer.version else None,
        )
