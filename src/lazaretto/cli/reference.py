"""Writes the tables of a documentation page that are made from the code: `python -m lazaretto.cli.reference FILE...`.

A page marks each with `<!-- made: NAME -->` and `<!-- end -->`; what lies between is replaced. A test holds the pages
to it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from lazaretto.cli.checks import CHECKS
from lazaretto.cli.main import COMMANDS

_MARKED = re.compile(r"(<!-- made: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str) -> str:
    """The page with every marked table made anew. Raises `KeyError` for a table that does not exist."""
    return _MARKED.sub(lambda marked: marked[1] + TABLES[marked[2]]() + marked[3], page)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _commands() -> str:
    return _table(("command", "what it does"), ((f"`lazaretto {c.name}`", c.idea) for c in COMMANDS))


def _checks() -> str:
    rows = ((f"`{check.name}`", check.title, check.need.value, check.mends) for check in CHECKS)
    return _table(("check", "looks at", "need", "what mends it, or what it is for"), rows)


TABLES: dict[str, Callable[[], str]] = {"commands": _commands, "checks": _checks}


def main(files: Sequence[str]) -> None:
    """Fill the pages in place."""
    for file in map(Path, files):
        file.write_text(filled(file.read_text()))


if __name__ == "__main__":
    main(sys.argv[1:])
