"""Containers that nothing here opens yet: what is not looked into is not called clean."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Output, Shortfall, Subject

_CLOSED = frozenset({"stuffit", "zpaq", "lzop", "pst", "binhex"})

ENGINE = Engine(
    name="unopened",
    version="1",
    module="lazaretto.analysis.unpackers.unopened",
    wants=lambda kind: kind.name in _CLOSED,
    sees="nothing: it says of which containers the contents were not looked at",
)


def examine(subject: Subject) -> Iterator[Output]:
    yield Shortfall(reason=f"what is inside was not looked at: nothing here opens a {subject.kind.title}")
