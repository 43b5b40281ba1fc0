"""The one command, `lazaretto`: which commands there are, and how each ends.

Start-up matters, since scripts call this once a file: a command's module is imported when the command is chosen, and
what needs an analysis or a machine is imported inside it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

from cyclopts import App, CycloptsError, Group

import lazaretto
from lazaretto.cli.common import ARGUMENTS, JUDGING, MACHINES, META, OPTIONS
from lazaretto.cli.errors import CommandError, Exit, WrongUsage
from lazaretto.domain.errors import LazarettoError

_HELP = """\
Lazaretto runs an unknown file in a disposable machine and says what it is, with the reasons.

Everything stays on this computer; no packet of a sample ever leaves it.
"""

_EPILOGUE = """\
[bold]First steps[/bold]
  lazaretto doctor                    is this computer ready? what mends it?
  lazaretto image build               make the guest machines, once
  lazaretto analyze invoice.pdf.js    is it harmful, and why?

[bold]Many files[/bold]
  lazaretto analyze --report out DIR  all below DIR; made again, it goes on
  lazaretto explain out/SHA-256       the arithmetic of one verdict
  lazaretto rescore out               all of them by today's rules

[bold]In scripts[/bold]
  lazaretto analyze --json *.exe      one JSON object a line, nothing else
  lazaretto detonate --out run a.exe  run/report.json, run/trace.jsonl, files

[bold]Exit codes[/bold]
  0 done   1 any failed   2 wrong usage   130 interrupted
  A harmful file is a result, not a failure: analyze ends with 0 for it.
"""


_ANALYZE = """\
Each file is looked into, and what can run is run in a disposable machine. Of
one file the whole report is shown; of many, or of a folder, a table with the
worst first. With --report, a call that was interrupted or killed goes on where
it was when it is made again.

[bold]Examples[/bold]
  lazaretto analyze a.exe                   the report in the terminal
  lazaretto analyze a.exe --html a.html     and as one page to read or send on
  lazaretto analyze Downloads --report out  every file below Downloads
  lazaretto analyze Downloads --report out  again: only what is new
  lazaretto analyze --json *.docx           one JSON object a line
"""

_EXPLAIN = """\
Findings have points by their weight. Of findings about one thing (a family) the
heaviest counts whole and the others a quarter: they have much the same cause.
The sum never lifts a file above what its heaviest findings allow; weak signs
alone never make it malicious.

[bold]Examples[/bold]
  lazaretto analyze a.exe --report out
  lazaretto explain out/SHA-256             the folder's name is in the report
"""

_RESCORE = """\
What was found in a file and what it did lie beside its report; they are weighed
by the rules, texts and weights of now. What a newer engine would see otherwise
is not in them: for that, analyse the file again.

[bold]Examples[/bold]
  lazaretto rescore out            what would change in all reports of out?
  lazaretto rescore out --write    keep the new ones
  lazaretto rescore --json out     one JSON object a line
"""


class Command(NamedTuple):
    """A command of the first level: `place` is the function or App, imported when it is chosen.

    `more` is what its help says after the options, in rich's markup.
    """

    name: str
    group: Group
    idea: str
    place: str
    more: str = ""


COMMANDS = (
    Command(
        "analyze",
        JUDGING,
        "Say of each file whether it is harmful, how sure that is, and why.",
        "lazaretto.cli.analyze:analyze",
        _ANALYZE,
    ),
    Command(
        "explain",
        JUDGING,
        "Say why a file has its verdict, by the numbers, and what would change it.",
        "lazaretto.cli.explain:explain",
        _EXPLAIN,
    ),
    Command(
        "rescore",
        JUDGING,
        "Judge stored reports anew with today's rules, without running anything.",
        "lazaretto.cli.rescore:rescore",
        _RESCORE,
    ),
    Command(
        "detonate",
        JUDGING,
        "Run one file in a disposable machine and tell what it did, in order.",
        "lazaretto.cli.detonate:detonate",
    ),
    Command(
        "rules",
        JUDGING,
        "Say which rules of a folder are used, which are refused, and why.",
        "lazaretto.cli.rules:app",
    ),
    Command(
        "model",
        JUDGING,
        "Train a model of your own from files whose verdict you know.",
        "lazaretto.cli.model:app",
    ),
    Command(
        "image",
        MACHINES,
        "Build, list, verify or remove the guests in which files are run.",
        "lazaretto.cli.image:app",
    ),
    Command(
        "doctor",
        MACHINES,
        "Say what this computer is missing, and the command that mends it.",
        "lazaretto.cli.doctor:doctor",
    ),
)


def build() -> App:
    """The command tree. Modules of commands are named, not imported."""
    app = App(
        name="lazaretto",
        help=_HELP,
        help_epilogue=_EPILOGUE,
        help_format="rich",
        version=lazaretto.__version__,
        group_arguments=ARGUMENTS,
        group_parameters=OPTIONS,
        group_commands=META,
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    for position, command in enumerate(COMMANDS):
        own = {} if command.place.endswith(":app") else {"help_epilogue": command.more}  # an App says that itself
        app.command(command.place, name=command.name, group=command.group, help=command.idea, sort_key=position, **own)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code. Never raises what a user, a sample or the machine can cause."""
    from lazaretto.cli.terminal import Terminal  # noqa: PLC0415  after cyclopts, which imports rich anyway

    try:
        result = build()(list(arguments))
    except CycloptsError as error:
        Terminal().complain(_usage(error, arguments))
        return Exit.USAGE
    except CommandError as error:
        Terminal().complain(error)
        return error.exit
    except LazarettoError as error:
        Terminal().complain(CommandError(f"{error} ({error.code})", _remedy(error)))
        return Exit.FAILED
    except KeyboardInterrupt:
        Terminal().complain(CommandError("interrupted; the machines are gone, nothing is left running"))
        return Exit.INTERRUPTED
    return result if isinstance(result, int) else Exit.DONE


def _usage(error: CycloptsError, arguments: Sequence[str]) -> WrongUsage:
    """The parser's complaint in one sentence, and which help to read."""
    command = [word for word in arguments[:1] if word in {known.name for known in COMMANDS}]
    return WrongUsage(" ".join(str(error).split()), f"see {' '.join(['lazaretto', *command, '--help'])}")


def _remedy(error: LazarettoError) -> str:
    """What a user can do about an error of the rooms below."""
    if error.code in {"detonation-image-missing", "detonation-image-broken"}:
        return "lazaretto image build"
    if error.code == "catalogue-invalid":
        return "mend the rule, or take the catalogue that came with this version"
    if error.code == "settings-invalid":
        return "mend the file of settings: docs/judging/outside.md says what may be in it"
    if error.code == "model-invalid":
        return "lazaretto model train"
    return "try again" if error.retryable else "lazaretto doctor"


def main() -> None:
    """Entry point of the installed `lazaretto` command."""
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # `lazaretto ... | head`: the reader has seen enough
        sys.stderr.close()
        code = Exit.FAILED
    sys.exit(code)
