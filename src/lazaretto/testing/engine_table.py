"""Writes the page of the engines: `python -m lazaretto.testing.engine_table docs/judging`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from lazaretto.analysis.discovery import all_engines
from lazaretto.analysis.engine import Engine

PAGE = "engines.md"
_TEXT = """# Engines

What looks at the bytes of a file, each alone in the cage and bounded in seconds and memory. An engine that fails costs
its own finding and nothing else; the report's "what was not done" says which. Made from the code by `make docs`.

| engine | sees | s | MiB | without it never clean |
|---|---|---|---|---|
{rows}

Beside these: `identify` (what the bytes are), `names` (what the file is called), the catalogue of
[behaviours](catalogue.md) and [Sigma rules](sigma.md) over a run, and the programs of others that are asked where they
are set up ([outside](outside.md)). How an engine is written: [extending](../extending.md).
"""


def page() -> str:
    return _TEXT.format(rows="\n".join(map(_row, all_engines())))


def _row(engine: Engine) -> str:
    essential = "yes" if engine.essential else ""
    return f"| `{engine.name}` | {engine.sees} | {engine.seconds:g} | {engine.memory >> 20} | {essential} |"


def main(arguments: Sequence[str]) -> None:
    """Write the page into the folder that is named."""
    (folder,) = map(Path, arguments)
    folder.joinpath(PAGE).write_text(page())


if __name__ == "__main__":
    main(sys.argv[1:])
