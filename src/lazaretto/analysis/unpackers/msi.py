"""Windows installer packages: cabinets, binaries, and the scripts and commands that run at installation."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Output, Subject
from lazaretto.analysis.unpackers._unpacking import MOST_OUTPUT

_NAME = "lazaretto.analysis.unpackers._msi"

ENGINE = Engine(
    name="unpack-msi",
    version="1",
    module="lazaretto.analysis.unpackers.msi",
    wants=lambda kind: kind.name in {"msi", "msp"},
    sees="the files in Windows installer packages, and what they run at installation",
    loads=("olefile", f"{_NAME}.opening"),
    seconds=30.0,
    output=MOST_OUTPUT,
    essential=True,
)


def examine(subject: Subject) -> Iterator[Output]:
    from lazaretto.analysis.unpackers._msi.opening import unpack  # noqa: PLC0415  only in the cage

    return unpack(subject)
