"""The accounts of a report's runs: of the file itself and of the files inside that ran."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from lazaretto.analysis.material import below, read_trace
from lazaretto.analysis.report import Inside, Report, Run
from lazaretto.domain.trace import Trace


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One run with its trace. `path` is that of the file inside that ran, empty for the file itself."""

    path: tuple[str, ...]
    run: Run
    trace: Trace
    folder: Path  # in which the trace and the artifacts lie


def read_accounts(report: Report, folder: Path) -> tuple[Account, ...]:
    """The accounts that lie in a report's folder. Raises `ReportError` where one is missing or torn."""
    return tuple(
        Account(path=path, run=run, trace=read_trace(place), folder=place)
        for path, run in _runs(report)
        for place in [below(folder, run.folder)]
    )


def _runs(report: Report) -> Iterator[tuple[tuple[str, ...], Run]]:
    waiting: list[Report | Inside] = [report]
    while waiting:
        one = waiting.pop()
        if one.run:
            yield one.path if isinstance(one, Inside) else (), one.run
        waiting += reversed(one.inside)
