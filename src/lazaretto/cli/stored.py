"""Reports named on a command line: a report.json, the folder it lies in, or a folder of such folders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lazaretto.cli.errors import WrongUsage
from lazaretto.domain.text import plain

REPORT = "report.json"
_REMEDY = "make one: lazaretto analyze --report DIR FILE"


def report_folder(path: Path) -> Path:
    """The folder of one stored report. Raises `WrongUsage`."""
    folders = report_folders([path])
    if len(folders) > 1:
        raise WrongUsage(f"there are {len(folders):,} reports in {plain(str(path))}", f"name one of them: {folders[0]}")
    return folders[0]


def report_folders(paths: Iterable[Path]) -> list[Path]:
    """The folders of all stored reports that these names lead to. Raises `WrongUsage` for a name that has none."""
    named = list(paths)
    if not named:
        raise WrongUsage("no report is named", _REMEDY)
    return [folder for path in named for folder in _folders(path)]


def _folders(path: Path) -> list[Path]:
    shown = plain(str(path))
    if path.is_file():
        if path.name != REPORT:
            raise WrongUsage(f"{shown} is no stored report", f"name the {REPORT}, or the folder it lies in")
        return [path.parent]
    if not path.is_dir():
        raise WrongUsage(f"there is no report {shown}", _REMEDY)
    if (path / REPORT).is_file():
        return [path]
    found = sorted(below.parent for below in path.glob(f"*/{REPORT}") if not below.parent.name.startswith("."))
    if not found:
        raise WrongUsage(f"there is no {REPORT} in {shown}", _REMEDY)
    return found
