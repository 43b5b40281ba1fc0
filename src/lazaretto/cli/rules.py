"""`lazaretto rules`: which rules of others are used, and why not the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App, Group
from rich.text import Text

from lazaretto.cli.common import ARGUMENTS, DEFAULT, OPTIONS, Common
from lazaretto.cli.errors import Exit, WrongUsage
from lazaretto.cli.terminal import Terminal
from lazaretto.domain.text import many, plain

if TYPE_CHECKING:
    from lazaretto.analysis.behaviours import Catalogue
    from lazaretto.analysis.sigma import Sigma
    from lazaretto.analysis.sigma.model import Correlation, Refusal, Rule

app = App(
    name="rules",
    help="Say which rules of a folder are used, which are refused, and why.",
    help_epilogue="",
    group_arguments=ARGUMENTS,
    group_parameters=OPTIONS,
    group_commands=Group("Rules"),
)


@app.command(help_epilogue="")
def check(folder: Path, *, common: Common = DEFAULT) -> int:
    """Read a folder of Sigma rules and say of each whether it is used.

    A rule that asks for something that no account of a run has is refused, by its name. Ends with 1 if one is broken.

    Parameters
    ----------
    folder
        Sigma rules: .yml and .yaml files, here and in all folders below.
    """
    terminal = Terminal.of(common)
    rules = _load(folder)
    for record in _records(rules):
        terminal.emit(record)
    if not terminal.json:
        _show(terminal, rules)
    return Exit.FAILED if any(one.broken for one in rules.refused) else Exit.DONE


def all_rules(sigma: Path | None, terminal: Terminal) -> Catalogue:
    """The catalogue that comes with the program, with the Sigma rules of a folder beside it where one is named."""
    from lazaretto.analysis.behaviours import default_folder, load  # noqa: PLC0415  help needs no rules

    catalogue = load(default_folder())
    return catalogue.beside(sigma_rules(sigma, terminal)) if sigma else catalogue


def sigma_rules(folder: Path, terminal: Terminal) -> Sigma:
    """The rules of a folder for an analysis, with a remark about those that are refused."""
    rules = _load(folder)
    if rules.refused:
        used = many(len(rules.rules) + len(rules.correlations), "Sigma rule")
        terminal.note(f"{used} used, {len(rules.refused):,} refused: lazaretto rules check {plain(str(folder))}")
    return rules


def _load(folder: Path) -> Sigma:
    from lazaretto.analysis.sigma import default_cache, load  # noqa: PLC0415  help needs no rules

    if not folder.is_dir():
        raise WrongUsage(f"there is no folder {plain(str(folder))}", "name the folder that holds the Sigma rules")
    return load(folder, cache=default_cache())


def _records(rules: Sigma) -> Iterator[dict[str, Any]]:
    yield from map(_used, rules.rules)
    yield from map(_used, rules.correlations)
    for refused in rules.refused:
        yield _refused(refused)


def _used(rule: Rule | Correlation) -> dict[str, Any]:
    about = rule.about
    return {
        "file": about.file,
        "line": about.line,
        "id": about.id,
        "title": about.title,
        "state": "used",
        "level": about.level,
        "logs": getattr(rule, "channels", ()),
        "not_seen": getattr(rule, "unknown", ()),
        "problem": "",
        "remedy": "",
    }


def _refused(refusal: Refusal) -> dict[str, Any]:
    return {
        "file": refusal.file,
        "line": refusal.line,
        "id": refusal.id,
        "title": refusal.title,
        "state": "broken" if refusal.broken else "refused",
        "level": None,
        "logs": (),
        "not_seen": (),
        "problem": refusal.problem,
        "remedy": refusal.remedy,
    }


def _show(terminal: Terminal, rules: Sigma) -> None:
    broken = [one for one in rules.refused if one.broken]
    refused = [one for one in rules.refused if not one.broken]
    for title, those in (("refused: they ask for what no account has", refused), ("broken", broken)):
        if those:
            terminal.say(Text(f"{many(len(those), 'rule')} {title}", "bold"))
            for text in _reasons(those):
                terminal.say(text)
            terminal.say()
    limited = Counter(name for rule in rules.rules for name in rule.unknown)
    if limited:
        terminal.say(Text("Fields of used rules that no account has; what depends on them is not found", "bold"))
        terminal.say(", ".join(f"{plain(name)} ({number})" for name, number in limited.most_common()))
        terminal.say()
    used = many(len(rules.rules) + len(rules.correlations), "rule")
    terminal.say(f"{used} used, {len(refused):,} refused, {len(broken):,} broken")


def _reasons(refusals: list[Refusal]) -> Iterator[str | Text]:
    """Each problem with what to do, and below it where it is; what is most often comes first."""
    places: dict[tuple[str, str], list[str]] = {}
    for one in refusals:
        place = f"{one.file}:{one.line}" if one.line else one.file
        places.setdefault((one.problem, one.remedy), []).append(place)
    for (problem, remedy), those in sorted(places.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        yield Text.assemble((plain(problem), "yellow"), f" ({len(those)}): {plain(remedy)}")
        yield from (f"  {plain(place)}" for place in sorted(those))
