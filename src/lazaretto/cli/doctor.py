"""`lazaretto doctor`: what this computer is missing, and the command that mends it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from lazaretto.cli.checks import Host, Need, Result, examine
from lazaretto.cli.common import DEFAULT, Common
from lazaretto.cli.errors import Exit
from lazaretto.cli.terminal import Terminal
from lazaretto.domain.text import many

_APT = "apt-get install -y "


def doctor(*, common: Common = DEFAULT) -> int:
    """Say what this computer is missing, and the command that mends it.

    Looks at everything a detonation needs: Debian packages, the lock-down of machines, disk, memory, guest images.
    Changes nothing. Ends with 1 if something needed is missing.
    """
    from lazaretto.sandbox.image.store import default_home  # noqa: PLC0415  help needs no sandbox

    terminal = Terminal.of(common)
    results = examine(Host(default_home()))
    for result in results:
        terminal.emit(result)
    terminal.say(_table(results))
    terminal.say(_advice(results))
    for command in remedies(results):
        terminal.say(f"  {command}")
    return Exit.FAILED if any(result.blocks for result in results) else Exit.DONE


def _table(results: Iterable[Result]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for result in results:
        table.add_row(_mark(result), Text(result.title), Text(result.found, "dim" if result.good else ""))
    return table


def _mark(result: Result) -> Text:
    if result.good:
        return Text("ok", "green") if result.need is not Need.INFORMATION else Text("--", "dim")
    return Text("no", "bold red") if result.blocks else Text(" !", "yellow")


def _advice(results: Sequence[Result]) -> Text:
    """Whether this computer is ready, in one line."""
    blocking = [result for result in results if result.blocks]
    text = Text("\n")
    if not blocking:
        text.append("Ready: files can be detonated on this computer.", "bold green")
    else:
        text.append(
            f"Not ready: {many(len(blocking), 'thing')} needed {'is' if len(blocking) == 1 else 'are'} missing.",
            "bold red",
        )
    return text


def remedies(results: Iterable[Result]) -> list[str]:
    """The commands that mend what was found, needed ones first, packages in one command, each once."""
    ordered = sorted((result for result in results if result.remedy), key=lambda result: not result.blocks)
    commands: list[str] = []
    packages: dict[str, list[str]] = {}
    for remedy in dict.fromkeys(result.remedy for result in ordered):
        prefix, apt, package = remedy.partition(_APT)
        if not apt or package.startswith("-"):
            commands.append(remedy)
            continue
        if prefix not in packages:
            packages[prefix] = []
            commands.append(prefix + apt)
        packages[prefix].append(package)
    return [_joined(command, packages) for command in commands]


def _joined(command: str, packages: dict[str, list[str]]) -> str:
    prefix, apt, rest = command.partition(_APT)
    return command if not apt or rest else command + " ".join(packages[prefix])
