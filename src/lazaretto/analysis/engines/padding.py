"""Padding: files made large by one byte repeated at their end, so that whoever has a limit leaves them out."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Finding, Output, Subject
from lazaretto.domain.sample import Category

ENGINE = Engine(
    name="padding",
    version="1",
    module=__name__,
    wants=lambda kind: kind.category in {Category.EXECUTABLE, Category.SCRIPT, Category.DOCUMENT},
    sees="files made large by one byte repeated at their end",
)

_LEAST = 8 << 20  # bytes: linkers and file systems pad by pages, not by so much
_SHARE = 0.5  # of the file


def examine(subject: Subject) -> Iterator[Output]:
    data = subject.data
    padding = len(data) - len(data.rstrip(data[-1:]))
    if padding >= _LEAST and padding > _SHARE * len(data):
        yield Finding(id="padding-large", detail=f"{padding >> 20} MiB of the byte 0x{data[-1]:02x} at the end")
