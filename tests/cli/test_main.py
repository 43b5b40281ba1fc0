"""The command as a script sees it: exit codes, and which stream carries what."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lazaretto
from lazaretto.cli import main
from lazaretto.cli.errors import Exit
from lazaretto.domain.errors import ImageMissing


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The installed command, in a process of its own."""
    program = "from lazaretto.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "COLUMNS": "80", **environment},
    )


def test_help_teaches() -> None:
    done = command("--help")
    assert done.returncode == Exit.DONE
    assert done.stderr == ""
    for known in main.COMMANDS:
        assert known.name in done.stdout
    for taught in ("Judge a file", "Exit codes", "--json", "lazaretto doctor"):
        assert taught in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("known", [known.name for known in main.COMMANDS])
def test_every_command_has_help_of_its_own(known: str) -> None:
    done = command(known, "--help")
    assert done.returncode == Exit.DONE
    assert done.stdout.startswith(f"Usage: lazaretto {known}")
    assert "First steps" not in done.stdout


def test_version() -> None:
    assert command("--version").stdout == f"{lazaretto.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["analyse"], "Unknown command"),
        (["analyze", "--colour"], "Unknown option"),
        (["analyze"], "file"),
        (["analyze", "/nonexistent/a.exe"], "there is no file /nonexistent/a.exe"),
        (["detonate", "/"], "is a folder"),
        (["analyze", "--html", "/nonexistent/a.html", "/etc/hostname"], "there is no folder /nonexistent"),
        (["analyze", "--html", "/tmp/a.html", "/etc/hostname", "/etc/passwd"], "--html is for one file"),
        (["analyze", "--jobs=-1", "/etc/hostname"], "cannot be less than nothing"),
        (["analyze", "/dev/null"], "not a file but a device"),
        (["detonate"], "FILE"),
        (["detonate", "--wall-time", "soon", "/etc/hostname"], "--wall-time"),
        (["detonate", "--wall-time=-1", "/etc/hostname"], "a time is more than nothing"),
        (["detonate", "--guest-time=nan", "/etc/hostname"], "a time is more than nothing"),
        (["image", "build", "beos"], "there is no guest beos"),
        (["image", "remove"], "say which guests"),
    ],
)
def test_wrong_usage(arguments: list[str], told: str) -> None:
    done = command(*arguments)
    assert done.returncode == Exit.USAGE
    assert done.stdout == ""
    error, remedy = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert told in error
    assert remedy.startswith("   do: ")


def test_a_hostile_name_is_spelled_out(tmp_path: Path) -> None:
    done = command("analyze", str(tmp_path / "a\x1b[31m\u202egpj.exe"))
    assert done.returncode == Exit.USAGE
    assert "a\\x1b[31m\\u202egpj.exe" in done.stderr


def test_json_of_doctor_is_json_and_nothing_else() -> None:
    done = command("doctor", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"check", "good", "need", "found", "remedy"} <= lines[0].keys()
    blocked = any(line["need"] == "required" and not line["good"] for line in lines)
    assert done.returncode == (Exit.FAILED if blocked else Exit.DONE)


def test_an_empty_home_has_no_images(tmp_path: Path) -> None:
    done = command("image", "list", "--json", LAZARETTO_HOME=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (Exit.DONE, "", "")
    assert "lazaretto image build" in command("image", "list", LAZARETTO_HOME=str(tmp_path)).stdout


def test_a_missing_image_names_its_remedy(tmp_path: Path) -> None:
    sample = tmp_path / "a.sh"
    sample.write_text("#!/bin/sh\ntrue\n")
    done = command("detonate", "--quiet", str(sample), LAZARETTO_HOME=str(tmp_path / "empty"))
    assert done.returncode == Exit.FAILED
    assert "lazaretto image build" in done.stderr


def test_errors_of_the_rooms_below_end_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> object:
        def run(_arguments: list[str]) -> int:
            raise ImageMissing("no image")

        return run

    monkeypatch.setattr(main, "build", broken)
    assert main.run(["analyze"]) == Exit.FAILED
    assert capsys.readouterr().err == "error: no image (detonation-image-missing)\n   do: lazaretto image build\n"


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> object:
        def run(_arguments: list[str]) -> int:
            raise KeyboardInterrupt

        return run

    monkeypatch.setattr(main, "build", interrupted)
    assert main.run(["analyze"]) == Exit.INTERRUPTED
    assert capsys.readouterr().out == ""


def test_help_brings_no_sandbox() -> None:
    """Start-up: what takes long to import is not imported to show help."""
    program = (
        "import sys; from lazaretto.cli.main import run; run(['--help']); "
        "print(sorted(m for m in sys.modules if m.startswith(('structlog', 'yaml', 'lazaretto.sandbox', "
        "'lazaretto.analysis', 'asyncio', 'rich.progress'))), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip() == "[]"
