"""ARJ and ACE archives."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Output, Subject
from lazaretto.analysis.unpackers._unpacking import MOST_OUTPUT, Unpacking

_NAME = "lazaretto.analysis.unpackers._old"

ENGINE = Engine(
    name="unpack-old",
    version="1",
    module="lazaretto.analysis.unpackers.old",
    wants=lambda kind: kind.name in {"arj", "ace"},
    sees="the files in ARJ and ACE archives",
    loads=(f"{_NAME}.arj", f"{_NAME}.ace"),
    seconds=40.0,
    output=MOST_OUTPUT,
    essential=True,
)


def examine(subject: Subject) -> Iterator[Output]:
    from lazaretto.analysis.unpackers._old import ace, arj  # noqa: PLC0415  only in the cage

    unpacking = Unpacking(subject)
    opener = arj if subject.kind.name == "arj" else ace
    yield from opener.members(subject.data, unpacking)
    yield from unpacking.end()
