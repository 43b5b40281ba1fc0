"""`lazaretto analyze`: is it harmful, and why?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lazaretto.cli import progress
from lazaretto.cli.common import DEFAULT, Common
from lazaretto.cli.errors import Exit
from lazaretto.cli.inputs import out_directory, regular_files
from lazaretto.cli.terminal import Terminal
from lazaretto.domain.detonation import Detonation, DetonationRequest
from lazaretto.domain.progress import Listener
from lazaretto.domain.verdict import State


def analyze(
    *files: Path,
    report: Annotated[Path | None, Parameter(show_default=False)] = None,
    common: Common = DEFAULT,
) -> int:
    """Say of each file whether it is harmful, how sure that is, and why.

    Each file is run in a disposable machine of its own. Ends with 0 when every file was analysed, harmful or not.

    Parameters
    ----------
    files
        Programs, scripts, documents.
    report
        Folder that keeps, under each file's SHA-256: report.json, trace.jsonl, and what was brought back.
    """
    terminal = Terminal.of(common)
    paths = regular_files(files)
    kept = out_directory(report) if report else None
    failed = [path for path in paths if not _one(path, kept, terminal)]
    return Exit.FAILED if failed else Exit.DONE
