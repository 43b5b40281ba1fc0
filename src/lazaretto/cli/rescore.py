"""`lazaretto rescore`: stored reports judged anew by today's rules, without running anything."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from lazaretto.cli.common import DEFAULT, Common
from lazaretto.cli.errors import CommandError, Exit
from lazaretto.cli.report import STYLES
from lazaretto.cli.stored import REPORT, report_folders
from lazaretto.cli.terminal import Terminal
from lazaretto.domain.errors import ReportError
from lazaretto.domain.text import many, plain
from lazaretto.domain.verdict import Status

if TYPE_CHECKING:
    from lazaretto.analysis.rescore import Changed, Difference, Rescored

BEFORE = "report-before.json"


def rescore(
    *reports: Path,
    write: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    sigma: Annotated[Path | None, Parameter(env_var="LAZARETTO_SIGMA", show_default=False)] = None,
    common: Common = DEFAULT,
) -> int:
    """Judge stored reports anew with today's rules: old and new verdict, and what made the difference.

    Nothing is run and no engine looks again: the findings and the account that lie beside each report are weighed by
    the rules, texts and weights of now. Without --write nothing is changed.

    Parameters
    ----------
    reports
        Folders of reports, or a folder of such folders (the DIR of analyze --report DIR).
    write
        Keep the new report: report.json, the page and the indicators are made anew. The old report stays beside it
        as report-before.json.
    sigma
        Folder of Sigma rules that are asked too of the account.
    """
    terminal = Terminal.of(common)
    folders = report_folders(reports)
    from lazaretto.analysis.findings import load_meanings  # noqa: PLC0415  help needs no analysis
    from lazaretto.analysis.rescore import rescore as judged_anew  # noqa: PLC0415
    from lazaretto.analysis.rulefiles import default_folder  # noqa: PLC0415
    from lazaretto.cli.rules import all_rules  # noqa: PLC0415

    catalogue, meanings = all_rules(sigma, terminal), load_meanings(default_folder())
    failed = changed = 0
    for folder in folders:
        try:
            made = judged_anew(folder, catalogue, meanings)
        except ReportError as error:
            failed += 1
            terminal.emit({"folder": str(folder), "error": error.code, "reason": str(error)})
            terminal.complain(CommandError(str(error), "analyse the file again: lazaretto analyze --report DIR FILE"))
            continue
        changed += not made.difference.same_verdict
        terminal.emit(_record(folder, made.difference))
        if len(folders) == 1 or not made.difference.same_verdict:
            _show(terminal, made.difference)
        if write:
            _write(made, folder)
    _sum(terminal, len(folders), changed, failed, write=write)
    return Exit.FAILED if failed else Exit.DONE


def _record(folder: Path, difference: Difference) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(difference)
    return {"folder": str(folder), "same_verdict": difference.same_verdict, **fields}


def _write(made: Rescored, folder: Path) -> None:
    from lazaretto.analysis.outputs import publish  # noqa: PLC0415  only where something is kept
    from lazaretto.analysis.report import write_report  # noqa: PLC0415

    shutil.copyfile(folder / REPORT, folder / BEFORE)
    publish(made.after, folder)
    write_report(made.after, folder)


def _show(terminal: Terminal, difference: Difference) -> None:
    terminal.say(
        Text.assemble(
            (plain(Path(difference.file).name, 80), "bold"),
            "\n",
            *_verdict(difference.status_before, difference.score_before),
            "  ->  ",
            *_verdict(difference.status, difference.score),
            f"\n{plain(difference.reason, 600)}",
        )
    )
    if difference.findings:
        terminal.say(_findings(difference.findings))
    if difference.engines:
        versions = (f"{name} {old or 'none'} -> {new or 'none'}" for name, (old, new) in difference.engines.items())
        terminal.say(Text(f"versions: {', '.join(versions)}", "dim"))
    if not difference.findings:
        terminal.say(Text("no finding weighs other than it did", "dim"))
    terminal.say()


def _verdict(status: Status, score: int | None) -> tuple[tuple[str, str], str]:
    return (f" {status.value.upper()} ", STYLES[status]), f" {'no score' if score is None else score}"


def _findings(findings: tuple[Changed, ...]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("before", "now", "finding"):
        table.add_column(title, overflow="fold", no_wrap=title != "finding")
    for one in findings[:40]:
        where = f"  in {plain(one.where, 80)}" if one.where else ""
        table.add_row(
            one.before.value if one.before else "-",
            one.after.value if one.after else "-",
            Text(f"{plain(one.title, 200)}{where}"),
        )
    if len(findings) > 40:
        table.add_row("", "", Text(f"and {many(len(findings) - 40, 'finding')} more", "dim"))
    return table


def _sum(terminal: Terminal, of: int, changed: int, failed: int, *, write: bool) -> None:
    words = f"{many(of, 'report')}: {changed:,} with another verdict, {of - changed - failed:,} with the same"
    failures = f", {failed:,} cannot be judged anew" if failed else ""
    kept = "; kept" if write else "; nothing was changed (--write keeps the new ones)"
    terminal.say(f"{words}{failures}{kept}")
