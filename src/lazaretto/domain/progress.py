"""How long work tells how far it is, without knowing who listens.

Every stage is reported at its begin (`done` 0 or None) and at its end (`done` 1). In between, reports may be skipped or
come from any thread; a listener must be quick and must not raise.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class Progress(msgspec.Struct, frozen=True):
    """One report of a stage: `done` is a share from 0 to 1, or None where the end cannot be known."""

    stage: str  # a short name that a user can read: "windows: installing packages", "detonate"
    done: float | None = None
    detail: str = ""  # what is at work just now: a file, a package


Listener = Callable[[Progress], None]


def nobody(_report: Progress) -> None:
    """The listener for callers to whom progress means nothing."""
