"""The account of a detonation for a person: process tree, timeline, network, files.

What is chosen is in `analysis.digest`; here it is laid out with rich. A trace may be huge and is the sample's doing, so
every list here is bounded and says how much it left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from lazaretto.analysis.digest import MAX_EVENTS, changed_files, children, peers, short_name, telling
from lazaretto.analysis.wording import line, rank
from lazaretto.domain import trace as t
from lazaretto.domain.detonation import Artifact
from lazaretto.domain.text import many, plain, size

MAX_PROCESSES = 30
MAX_ROWS = 15
_DEEPEST = 12  # levels of a process tree that are drawn
_SECOND = 1e9

_CAUSES = {
    t.Cause.SERVICE: "as a service",
    t.Cause.TASK: "by the scheduler",
    t.Cause.SESSION: "after the restart",
    t.Cause.INJECTED: "was written into",
}


def process_tree(trace: t.Trace) -> Tree:
    """Who started whom, with command lines and exit codes."""
    by_parent = children(trace.processes)
    tree = Tree(Text("processes", "bold"), guide_style="dim")
    left = MAX_PROCESSES
    waiting = [(tree, process, 1) for process in reversed(by_parent.get(0, []))]
    while waiting and left:
        branch, process, depth = waiting.pop()
        node = branch.add(_process(process))
        left -= 1
        if depth < _DEEPEST:
            waiting += [(node, child, depth + 1) for child in reversed(by_parent.get(process.key, []))]
    if more := len(trace.processes) - (MAX_PROCESSES - left):
        tree.add(Text(f"and {many(more, 'more process', 'more processes')}", "dim"))
    return tree


def _process(process: t.Process) -> Text:
    text = Text(plain(short_name(process.image) or process.image or "?", 60), "cyan")
    text.append(f" {process.pid}", "dim")
    if process.cause in _CAUSES:
        text.append(f" {_CAUSES[process.cause]}", "yellow")
    if process.command_line:
        text.append(f"  {plain(process.command_line, 160)}")
    if process.signal:
        text.append(f"  killed by {process.signal}", "red")
    elif process.exit_code:
        text.append(f"  exit {process.exit_code}", "dim")
    return text


def timeline(trace: t.Trace, limit: int = MAX_EVENTS) -> Table:
    """The most telling events in order, with guest time and process."""
    table = _table("time", "process", "what it did")
    table.columns[0].justify = "right"
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    chosen = telling(trace.events, limit)
    for item in chosen:
        words = Text(line(item.event), _style(rank(item.event)))
        if item.times > 1:
            words.append(f"  x{item.times:,}", "dim")
        table.add_row(f"{item.event.time / _SECOND:.2f} s", _name(trace, item.event.process), words)
    if more := len(trace.events) - sum(item.times for item in chosen):
        table.add_row("", "", Text(f"and {many(more, 'event')} that tell less", "dim"))
    return table


def network(trace: t.Trace) -> Table | None:
    """Whom it spoke to; None where it spoke to nobody."""
    found = peers(trace.events)
    rows = [(plain(peer.place, 200), f"{plain(peer.what, 30)}{_times(peer.events)}") for peer in found]
    return _rows(("network", "how"), rows)


def files(trace: t.Trace, artifacts: Sequence[Artifact] = ()) -> Table | None:
    """What it changed and what was brought back; None where nothing was."""
    rows = [(plain(path, 200), done) for done, path in changed_files(trace.events)]
    rows += [(plain(a.name, 200), f"{a.kind}, {size(a.size)}") for a in artifacts if a.kind == "dropped"]
    return _rows(("files", "what"), rows)


def _rows(head: tuple[str, str], rows: Sequence[tuple[str, str]]) -> Table | None:
    if not rows:
        return None
    table = _table(*head)
    for row in rows[:MAX_ROWS]:
        table.add_row(*row)
    if len(rows) > MAX_ROWS:
        table.add_row(Text(f"and {len(rows) - MAX_ROWS:,} more", "dim"), "")
    return table


def _table(*columns: str) -> Table:
    """A table that stays readable at 80 columns: no frame, texts folded rather than cut."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", expand=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _name(trace: t.Trace, key: int) -> Text:
    process = trace.processes.get(key)
    image = process.image if process else ""
    return Text(plain(short_name(image) or "-", 20), "cyan")


def _times(count: int) -> str:
    return f" x{count:,}" if count > 1 else ""


def _style(rank_: int) -> str:
    return "bold" if rank_ >= 5 else ""
