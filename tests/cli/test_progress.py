"""Progress in a log: when a stage begins and when it ends."""

from __future__ import annotations

import itertools

import pytest

from lazaretto.cli import progress
from lazaretto.cli.progress import Spoken
from lazaretto.cli.terminal import Terminal
from lazaretto.domain.progress import Progress


def test_a_stage_is_told_at_its_begin_and_end() -> None:
    lines: list[str] = []
    now = iter([10.0, 10.5, 11.0, 12.5])
    told = Spoken(lines.append, lambda: next(now))
    for done in (None, 0.3, 0.9, 1.0):
        told(Progress("windows: installing", done, "wine"))
    assert lines == ["windows: installing ...", "windows: installing: done in 2.5 s"]


def test_a_stage_that_was_there_already_is_one_line() -> None:
    lines: list[str] = []
    passing = itertools.count(1.0, 0.01)  # as a real clock does between two looks at it
    Spoken(lines.append, lambda: next(passing))(Progress("linux", 1.0))
    assert lines == ["linux: done in 0.0 s"]


def test_no_bar_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.shown(Terminal(json=True)) as listener:
        listener(Progress("restore\x1b[2J", 0.0))
        listener(Progress("restore\x1b[2J", 1.0))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[0] == "restore\\x1b[2J ..."


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.shown(Terminal(quiet=True)) as listener:
        listener(Progress("restore", 1.0))
    assert capsys.readouterr() == ("", "")
