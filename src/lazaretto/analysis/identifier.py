"""Identification as an engine: it reads a sample's bytes like the others, so it runs where they run."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis import identify
from lazaretto.analysis.engine import Engine, Identified, Output, Subject

ENGINE = Engine(
    name="identify",
    version=identify.VERSION,
    module="lazaretto.analysis.identifier",
    wants=lambda _: True,
    sees="what the bytes are, whatever the name says",
    loads=("encodings.utf_16_le",),  # names in compound files; it could not be loaded any more in the cage
    seconds=5.0,
    essential=True,
)


def examine(subject: Subject) -> Iterator[Output]:
    yield Identified(kind=identify.identify_packed(subject.data, subject.name))
