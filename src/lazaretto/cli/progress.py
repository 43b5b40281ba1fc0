"""Progress of long work on stderr: a bar in a terminal, plain lines elsewhere, nothing under `--quiet`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Column

from lazaretto.cli.terminal import Terminal
from lazaretto.domain.progress import Listener, Progress, nobody
from lazaretto.domain.text import plain, seconds


@contextmanager
def shown(terminal: Terminal) -> Iterator[Listener]:
    """A listener whose reports are shown until the block ends."""
    if terminal.quiet:
        yield nobody
    elif terminal.err.is_terminal and not terminal.verbose:  # a bar between lines of a log would tear both
        with _bars(terminal) as bars:
            yield _Drawn(bars)
    else:
        yield Spoken(lambda line: terminal.err.print(line, soft_wrap=True))


def _bars(terminal: Terminal) -> Bars:
    narrow = terminal.err.width < 100
    return Bars(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(bar_width=16 if narrow else 30),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}", style="dim", markup=False, table_column=Column(no_wrap=True, ratio=1)),
        console=terminal.err,
        expand=True,
        transient=True,
    )


class _Drawn:
    """One bar a stage, in the order in which the stages began."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def __call__(self, report: Progress) -> None:
        with self._lock:
            if report.stage not in self._tasks:
                self._tasks[report.stage] = self._bars.add_task(plain(report.stage, 40), total=None, detail="")
            self._bars.update(
                self._tasks[report.stage],
                total=None if report.done is None else 1.0,
                completed=report.done or 0.0,
                detail=plain(report.detail, 80),
            )


class Spoken:
    """One line when a stage begins and one when it ends: for logs, where a bar is noise."""

    def __init__(self, say: Callable[[str], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._began: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, report: Progress) -> None:
        with self._lock:
            now = self._clock()
            ended = report.done is not None and report.done >= 1.0
            if report.stage not in self._began and not ended:
                self._began[report.stage] = now
                self._say(f"{plain(report.stage, 60)} ...")
            elif ended:
                took = now - self._began.pop(report.stage, now)
                self._say(f"{plain(report.stage, 60)}: done in {seconds(took)}")
