"""The two streams of a command: results on stdout, everything else on stderr.

Under `--json`, stdout carries JSON lines and nothing else, so `say` is silent and `emit` is the only way out.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console, RenderableType
from rich.text import Text

if TYPE_CHECKING:
    from lazaretto.cli.common import Common
    from lazaretto.cli.errors import CommandError

_WIDEST = 120  # longer lines are hard to read, however wide the window is
_UNKNOWN_WIDTH = 100  # for pipes and files, where there is no window


class Terminal:
    """What a command writes to. `json` decides whether results are for a person or for a program."""

    def __init__(self, *, json: bool = False, quiet: bool = False, verbose: int = 0) -> None:
        for stream in (sys.stdout, sys.stderr):
            _never_fail_on(stream)
        self.json = json
        self.quiet = quiet
        self.verbose = verbose
        self.out = _console(sys.stdout)
        self.err = _console(sys.stderr)

    @classmethod
    def of(cls, common: Common) -> Terminal:
        """The terminal of a command, with logging set up as its options ask."""
        from lazaretto.cli import logs  # noqa: PLC0415  structlog takes 60 ms that `--help` does not need

        logs.configure(common.verbose, as_json=common.json)
        return cls(json=common.json, quiet=common.quiet, verbose=common.verbose)

    def say(self, renderable: RenderableType = "") -> None:
        """A result for a person. Nothing under `--json`."""
        if not self.json:
            self.out.print(renderable, markup=False, highlight=False, soft_wrap=isinstance(renderable, str))

    def emit(self, record: Any) -> None:
        """A result for a program: one line of JSON. Only under `--json`."""
        if self.json:
            import msgspec  # noqa: PLC0415  not needed by `--help`

            sys.stdout.write(msgspec.json.encode(record).decode() + "\n")
            sys.stdout.flush()

    def note(self, text: str) -> None:
        """A remark beside the result, on stderr."""
        if not self.quiet:
            self.err.print(Text(text, "dim"), soft_wrap=True)

    def complain(self, error: CommandError) -> None:
        """Why the command ended, and what to do next, on stderr."""
        self.err.print(Text.assemble(("error: ", "bold red"), error.message), soft_wrap=True)
        if error.remedy:
            self.err.print(Text.assemble(("   do: ", "bold"), error.remedy), soft_wrap=True)


def _console(stream: TextIO) -> Console:
    """A console on `stream`; NO_COLOR, FORCE_COLOR, COLUMNS and TERM=dumb work as everywhere."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    width = console.width if console.is_terminal or "COLUMNS" in console._environ else _UNKNOWN_WIDTH
    console.width = min(width, _WIDEST)
    return console


def _never_fail_on(stream: TextIO) -> None:
    """A terminal that cannot show a character gets a `?`, not a traceback."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
