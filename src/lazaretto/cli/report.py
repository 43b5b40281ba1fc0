"""A report for a person at the help desk, who has a minute: the verdict, the strongest reasons, then what shows them.

Works in 80 columns and without colour: every colour only repeats what a word says.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lazaretto.analysis.advice import ADVICE
from lazaretto.cli import account
from lazaretto.domain.detonation import Detonation
from lazaretto.domain.evidence import Evidence, Weight
from lazaretto.domain.text import many, plain, seconds, size
from lazaretto.domain.verdict import Status

if TYPE_CHECKING:
    from lazaretto.analysis.report import Report

_REASONS = 3
_MAX_EVIDENCE = 40
_REPORT_EVENTS = 20

STYLES = {
    Status.UNKNOWN: "bold black on bright_white",
    Status.CLEAN: "bold white on dark_green",
    Status.SUSPICIOUS: "bold black on yellow",
    Status.HIGHLY_SUSPICIOUS: "bold black on dark_orange",
    Status.MALICIOUS: "bold white on red3",
}

_WEIGHT_STYLES = {
    Weight.DECISIVE: "bold red",
    Weight.STRONG: "red",
    Weight.MODERATE: "yellow",
    Weight.WEAK: "",
    Weight.INFORMATIONAL: "dim",
}


def rendered(report: Report, detonation: Detonation | None) -> RenderableType:
    """The whole report. `detonation` is the run it was made from, None where nothing was run."""
    parts: list[RenderableType] = [_verdict(report)]
    if report.evidence:
        parts += [_reasons(report), _evidence(report.evidence)]
    if detonation is not None:
        parts += _account(detonation)
    parts.append(_foot(report))
    return Group(*[Padding(part, (0, 0, 1, 0)) for part in parts[:-1]], parts[-1])


def _verdict(report: Report) -> Text:
    status = Status(report.status)
    score = "no score" if report.score is None else f"score {report.score} of 100"
    return Text.assemble(
        (f" {status.value.upper()} ", STYLES[status]),
        f"  {score}   ",
        (plain(Path(report.file).name, 80), "bold"),
        f"\n{plain(report.reason, 600)}\n",
        (ADVICE[status], "bold"),
    )


def _reasons(report: Report) -> RenderableType:
    strongest = [finding for finding in report.evidence if finding.weight.rank > 0][:_REASONS]
    if not strongest:
        return Text("None of the findings speaks against it.", "dim")
    text = Text("Why" if report.status.rank else "What was seen", "bold")
    for number, finding in enumerate(strongest, 1):
        text.append(f"\n{number}. {plain(finding.title, 200)}", "bold")
        text.append(f"\n   {plain(finding.explanation, 600)}", "not bold")
        text.append(f"\n   May be harmless: {plain(finding.benign_cause, 400)}", "dim not bold")
    return text


def _evidence(evidence: tuple[Evidence, ...]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("weight", no_wrap=True)
    table.add_column("evidence", overflow="fold")
    table.add_column("about", no_wrap=True)
    table.add_column("ATT&CK", overflow="fold")
    for finding in evidence[:_MAX_EVIDENCE]:
        weight = Text(finding.weight.value, _WEIGHT_STYLES[finding.weight])
        table.add_row(weight, plain(finding.title, 200), finding.family.value, " ".join(finding.techniques))
    if len(evidence) > _MAX_EVIDENCE:
        left = many(len(evidence) - _MAX_EVIDENCE, "finding")
        table.add_row("", Text(f"and {left} more", "dim"), "", "")
    return table


def _account(detonation: Detonation) -> list[RenderableType]:
    """Process tree, events, network, files: what the evidence stands on."""
    trace = detonation.trace
    parts: list[RenderableType] = []
    if trace.processes:
        parts.append(account.process_tree(trace))
    if trace.events:
        parts.append(account.timeline(trace, _REPORT_EVENTS))
    return parts + [table for table in (account.network(trace), account.files(trace, detonation.artifacts)) if table]


def _foot(report: Report) -> Text:
    lost = f", {many(report.lost_events, 'event')} lost" if report.lost_events else ""
    about = f"{report.type_title}, {size(report.size)}, analysed in {seconds(report.duration_s)}{lost}"
    return Text(f"{about}\nsha256 {report.sha256}", "dim")
