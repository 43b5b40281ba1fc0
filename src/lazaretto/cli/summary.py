"""The table after many files: the worst first, then what failed, then a count of the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lazaretto.cli.report import STYLES
from lazaretto.domain.text import many, plain
from lazaretto.domain.verdict import State, Status

if TYPE_CHECKING:
    from lazaretto.cli.batch import Line

MOST_ROWS = 50
_MOST_REASON = 160


def summary(lines: Sequence[Line]) -> RenderableType:
    """The table and the counts of all statuses."""
    ordered = sorted(lines, key=lambda line: (-_badness(line), -(line.score or 0), line.file))
    told = [line for line in ordered if _badness(line)] or ordered
    return Group(_table(told[:MOST_ROWS]), _rest(len(told) - MOST_ROWS), _counts(lines))


def _badness(line: Line) -> int:
    """Harmful before failed before unknown; clean is 0."""
    if line.status.rank:
        return 2 + line.status.rank
    if line.state is State.FAILED:
        return 2
    return 1 if line.status is Status.UNKNOWN else 0


def _table(lines: Sequence[Line]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", expand=True)
    table.add_column("status", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("file", overflow="fold", ratio=2)
    table.add_column("why", overflow="fold", ratio=3)
    for line in lines:
        word = "failed" if line.state is State.FAILED else line.status.value
        table.add_row(
            Text(f" {word} ", STYLES[line.status]),
            "" if line.score is None else str(line.score),
            Text(plain(line.file, 120)),
            Text(plain(line.reason, _MOST_REASON), "dim"),
        )
    return table


def _rest(count: int) -> Text:
    return Text(f"and {many(count, 'more such file')}\n" if count > 0 else "", "dim")


def _counts(lines: Sequence[Line]) -> Text:
    failed = sum(line.state is State.FAILED for line in lines)
    found = Counter(line.status for line in lines if line.state is not State.FAILED)
    words = [f"{found[status]:,} {status.value}" for status in reversed(Status) if found[status]]
    return Text(", ".join([*words, f"{failed:,} failed"] if failed else words), "bold")
