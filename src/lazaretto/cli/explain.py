"""`lazaretto explain`: why a file has the verdict it has, by the numbers, and what would change it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lazaretto.cli.common import DEFAULT, Common
from lazaretto.cli.errors import Exit
from lazaretto.cli.report import STYLES
from lazaretto.cli.stored import report_folder
from lazaretto.cli.terminal import Terminal
from lazaretto.domain.text import many, plain
from lazaretto.domain.verdict import BANDS, Status

if TYPE_CHECKING:
    from lazaretto.analysis.arithmetic import Change, Explanation, FamilySum, Share

_MOST_FINDINGS = 20
_MOST_CHANGES = 8


def explain(report: Path, /, *, common: Common = DEFAULT) -> int:
    """Say why a file has its verdict: the reasons in words, the arithmetic of the score, what would change it.

    Reads a stored report and runs nothing.

    Parameters
    ----------
    report
        A report.json, or the folder it lies in (of analyze --report DIR: DIR/SHA-256).
    """
    terminal = Terminal.of(common)
    folder = report_folder(report)
    from lazaretto.analysis.arithmetic import explain as explained  # noqa: PLC0415  help needs no analysis
    from lazaretto.analysis.report import read_report  # noqa: PLC0415

    explanation = explained(read_report(folder))
    terminal.emit(explanation)
    terminal.say(rendered(explanation))
    return Exit.DONE


def rendered(explanation: Explanation) -> RenderableType:
    """The whole explanation."""
    parts: list[RenderableType] = [_verdict(explanation)]
    if explanation.evidence:
        parts.append(_reasons(explanation))
    parts.append(_arithmetic(explanation))
    if explanation.changes:
        parts.append(_changes(explanation.changes))
    return Group(*[Padding(part, (0, 0, 1, 0)) for part in parts[:-1]], parts[-1])


def _verdict(explanation: Explanation) -> Text:
    text = Text.assemble(
        (f" {explanation.status.value.upper()} ", STYLES[explanation.status]),
        f"  {_score(explanation.score)}   ",
        (plain(Path(explanation.file).name, 80), "bold"),
    )
    if explanation.decided_by:
        where = plain(" / ".join(explanation.decided_by), 200)
        text.append(f"\nIt is as bad as the worst file inside: {where}. What follows is about that one.")
    return text


def _reasons(explanation: Explanation) -> RenderableType:
    once = {finding.id: finding for finding in reversed(explanation.evidence)}
    names = list(dict.fromkeys(finding.id for finding in explanation.evidence))
    parts: list[RenderableType] = [Text("Reasons", "bold")]
    for name in names[:_MOST_FINDINGS]:
        finding = once[name]
        about = f"  {finding.weight.value}, {finding.family.value}"
        parts.append(Text.assemble((plain(finding.title, 200), "bold"), (about, "dim")))
        words = [Text(plain(detail, 160), "cyan") for detail in finding.details[:3]]
        words.append(Text(plain(finding.explanation, 600)))
        words.append(Text(f"Harmless: {plain(finding.benign_cause, 400)}", "dim"))
        words.append(Text(f"Harmful: {plain(finding.malicious_cause, 400)}", "dim"))
        parts.append(Padding(Group(*words), (0, 0, 0, 2)))
    if (left := len(names) - _MOST_FINDINGS) > 0:
        parts.append(Text(f"and {many(left, 'more finding')}", "dim"))
    return Group(*parts)


def _arithmetic(explanation: Explanation) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("about", no_wrap=True)
    table.add_column("how", overflow="fold")
    for family in explanation.families:
        if family.points:
            table.add_row(str(family.points), family.family.value, Text(_how(family)))
    table.add_row(str(explanation.raw), "sum", Text(_ceiling(explanation)), style="bold")
    return Group(Text("Arithmetic", "bold"), table, Text(_outcome(explanation)))


def _how(family: FamilySum) -> str:
    first, *further = (share for share in family.shares if share.worth)
    words = [f"{first.counted} for {_named(first)}"]
    words += [f"{share.counted} of {share.worth} for {_named(share)}" for share in further]
    beyond = f"; {family.bounded} more do not count: further findings add at most half" if family.bounded else ""
    return f"{', '.join(words)}{beyond}"


def _named(share: Share) -> str:
    return f"“{plain(share.title, 90)}” ({share.weight.value})"


def _ceiling(explanation: Explanation) -> str:
    if explanation.ceiling is Status.MALICIOUS:
        return "a decisive finding, or two strong ones that are independent: malicious, which is 100"
    most = BANDS[explanation.ceiling][1]
    cut = f", so {explanation.bounded}" if explanation.bounded != explanation.raw else ""
    return f"findings of these weights reach at most {explanation.ceiling.value} ({most}){cut}"


def _outcome(explanation: Explanation) -> str:
    missing = plain("; ".join(explanation.incomplete), 600)
    if explanation.score is None and explanation.incomplete:
        return f"It would be {explanation.bounded}, but what was seen is not all: {missing}. So there is no score."
    bands = ", ".join(f"{status.value} {_band(band)}" for status, band in BANDS.items())
    note = f" What was seen is not all: {missing}." if missing else ""
    return f"{_score(explanation.score).capitalize()}: {explanation.status.value} ({bands}).{note}"


def _changes(changes: tuple[Change, ...]) -> Text:
    text = Text("What would change it", "bold")
    for change in changes[:_MOST_CHANGES]:
        text.append(f"\nIf {plain(change.what, 300)}:", "not bold")
        text.append(f" {change.status.value}, {_score(change.score)}", "not bold" if not change.status.rank else "")
    if len(changes) > _MOST_CHANGES:
        text.append(f"\nand {len(changes) - _MOST_CHANGES} more", "not bold dim")
    return text


def _score(score: int | None) -> str:
    return "no score" if score is None else f"score {score} of 100"


def _band(band: tuple[int, int]) -> str:
    low, high = band
    return str(low) if low == high else f"{low}-{high}"
