"""The one command, `lazaretto`: which commands there are, and how each ends.

Start-up matters, since scripts call this once a file: a command's module is imported when the command is chosen, and what
needs an analysis or a machine is imported inside it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

import lazaretto
from lazaretto.cli.common import ARGUMENTS, JUDGING, MACHINES, META, OPTIONS
from lazaretto.cli.errors import CommandError, Exit, WrongUsage

_HELP = """\
Lazaretto holds an unknown file at the door, runs it in a disposable machine, and says what it is, with the reasons.
Everything stays on this computer; no packet of a sample ever leaves it.
"""

_EPILOGUE = """\
[bold]First steps[/bold]
  lazaretto doctor                    is this computer ready? what mends it?
  lazaretto image build               make the guest machines, once
  lazaretto analyze invoice.pdf.js    is it harmful, and why?

[bold]In scripts[/bold]
  lazaretto analyze --json *.exe      one JSON object a line, nothing else
  lazaretto detonate --out run a.exe  run/report.json, run/trace.jsonl, files

[bold]Exit codes[/bold]
  0 done   1 any failed   2 wrong usage   130 interrupted
  A harmful file is a result, not a failure: analyze ends with 0 for it.
"""


def build() -> App:
    """The command tree. Modules of commands are named, not imported."""
    app = App(
        name="lazaretto",
        help=_HELP,
        help_epilogue=_EPILOGUE,
        help_format="rich",
        version=lazaretto.__version__,
        version_flags=["--version"],
        group_arguments=ARGUMENTS,
        group_parameters=OPTIONS,
        group_commands=META,
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    app.command(
        "lazaretto.cli.analyze:analyze",
        name="analyze",
        group=JUDGING,
        help="Say of each file whether it is harmful, how sure that is, and why.",
        sort_key=1,
        help_epilogue="",
    )
    app.command(
        "lazaretto.cli.detonate:detonate",
        name="detonate",
        group=JUDGING,
        help="Run one file in a disposable machine and tell all that it did, in order.",
        sort_key=2,
        help_epilogue="",
    )
    app.command(
        "lazaretto.cli.image:app",
        name="image",
        group=MACHINES,
        help="Build, list, verify or remove the guest machines in which files are run.",
        sort_key=1,
    )
    app.command(
        "lazaretto.cli.doctor:doctor",
        name="doctor",
        group=MACHINES,
        help="Say what this computer is missing, and the command that mends it.",
        sort_key=2,
        help_epilogue="",
    )
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code. Never raises what a user can cause."""
    from lazaretto.cli.terminal import Terminal  # noqa: PLC0415  after cyclopts, which imports rich anyway

    try:
        result = build()(list(arguments))
    except CycloptsError as error:
        Terminal().complain(_usage(error, arguments))
        return Exit.USAGE
    except CommandError as error:
        Terminal().complain(error)
        return error.exit
    except KeyboardInterrupt:
        Terminal().complain(CommandError("interrupted; nothing is left running"))
        return Exit.INTERRUPTED
    return result if isinstance(result, int) else Exit.DONE


def _usage(error: CycloptsError, arguments: Sequence[str]) -> WrongUsage:
    """The parser's complaint in one sentence, and which help to read."""
    words = [
        word
        for word in arguments[:2]
        if word in {"analyze", "detonate", "image", "doctor", "build", "list", "verify", "remove"}
    ]
    return WrongUsage(" ".join(str(error).split()), f"see {' '.join(['lazaretto', *words, '--help'])}")


def main() -> None:
    """Entry point of the installed `lazaretto` command."""
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # `lazaretto ... | head`: the reader has seen enough
        sys.stderr.close()
        code = Exit.FAILED
    sys.exit(code)
