"""The options that every command has, and the groups in which help shows options and commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Group, Parameter

JUDGING = Group("Judge a file", sort_key=1)
MACHINES = Group("Look after this machine", sort_key=2)
META = Group("About", sort_key=9)

ARGUMENTS = Group("Arguments", sort_key=1)
OPTIONS = Group("Options", sort_key=2)
OUTPUT = Group("Output", sort_key=3)


@Parameter(name="*", group=OUTPUT)
@dataclass(frozen=True)
class Common:
    """Output options, the same everywhere."""

    json: Annotated[bool, Parameter(name="--json", negative="", show_default=False)] = False
    """Print one JSON object a line on stdout and nothing else."""

    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative="", show_default=False)] = False
    """Show no progress."""

    verbose: Annotated[int, Parameter(name=["--verbose", "-v"], count=True, show_default=False)] = 0
    """Log to stderr what happens; twice (-vv) for every step."""


DEFAULT = Common()
