"""How a command ends other than well.

    CommandError         message, and what the user can do about it
    +-- WrongUsage       the command line asks for something that cannot be: exit code 2
    +-- CannotRun        the command was right, this machine or the sample made it fail: exit code 1

Exit codes are a promise to scripts: 0 done, 1 any failed, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """Exit codes of every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class CommandError(Exception):
    """Something a user must know, with `remedy`: the one thing to do next ("" where there is none)."""

    exit = Exit.FAILED

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class WrongUsage(CommandError):
    """The command line asks for something that cannot be."""

    exit = Exit.USAGE


class CannotRun(CommandError):
    """The command was right, but this machine cannot carry it out now."""
