"""Many files: what fails costs itself alone, and a run that was killed goes on."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lazaretto.analysis.behaviours import Catalogue
from lazaretto.analysis.report import read_report
from lazaretto.cli import analyze, batch
from lazaretto.cli.batch import JOURNAL, Journal, Line
from lazaretto.cli.errors import Exit
from lazaretto.cli.inputs import files_below
from lazaretto.cli.main import run
from lazaretto.cli.summary import MOST_ROWS, summary
from lazaretto.domain import trace as t
from lazaretto.domain.detonation import Detonation, DetonationRequest, Guest
from lazaretto.domain.errors import ImageMissing
from lazaretto.domain.progress import Listener, nobody
from lazaretto.domain.verdict import State, Status

KEPT = {"report.json", "report.html", "indicators.csv", "stix.json", "material.json", "trace.jsonl"}


class Played:
    """A sandbox that does as the name of the file says, and remembers which it got and how many at a time."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.most = self._now = 0
        self._lock = threading.Lock()

    def __call__(self, request: DetonationRequest, progress: Listener = nobody) -> Detonation:
        with self._lock:
            self.names.append(request.name)
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.02)
        with self._lock:
            self._now -= 1
        if "defect" in request.name:
            raise ZeroDivisionError("a defect")
        if "missing" in request.name:
            raise ImageMissing("no image")
        sample = t.Process(key=1, pid=7, image="/usr/bin/sh", cause=t.Cause.SAMPLE, exited=9)
        start = t.ProcessStart(process=1, image="/usr/bin/sh", cause=t.Cause.SAMPLE)
        trace = t.Trace(profile="linux", ending=t.Ending.EXITED, processes={1: sample}, events=(start,))
        (request.out / "trace.jsonl").write_bytes(b"".join(line + b"\n" for line in t.trace_to_lines(trace)))
        return Detonation(trace=trace, guest=Guest(profile="linux", image="0"), engine_version="1")


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    monkeypatch.setattr("lazaretto.analysis.behaviours.load", lambda _folder: Catalogue((), {}, "0"))
    sandbox = Played()

    @contextmanager
    def opened(_files: int, _first: str | None) -> Iterator[Played]:
        yield sandbox

    monkeypatch.setattr(analyze, "open_sandbox", opened)
    return sandbox


Made = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Made:
    def made(*names: str) -> Path:
        place = tmp_path / "files"
        for name in names:
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"#!/bin/sh\necho {name}\n")
        return place

    return made


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_folder_is_all_files_below_it(
    played: Played, folder: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = folder("a.sh", "deep/er/b.sh", ".hidden/c.sh")
    os.mkfifo(place / "pipe")
    (place / "link.sh").symlink_to(place / "a.sh")
    (place / "loop").symlink_to(place)
    assert run(["analyze", "--json", "--quiet", "--jobs", "2", str(place)]) == Exit.DONE
    assert sorted(Path(line["file"]).name for line in lines(capsys)) == ["a.sh", "b.sh", "c.sh"]
    assert sorted(played.names) == ["a.sh", "b.sh", "c.sh"]
    assert list(tmp_path.glob("**/.lazaretto-*")) == []


def test_each_file_has_its_folder_and_the_results_are_no_samples(played: Played, folder: Made) -> None:
    place = folder("a.sh", "b.sh")
    kept = place / "results"
    for expected in (2, 2):
        assert run(["analyze", "--quiet", "--report", str(kept), str(place)]) == Exit.DONE
        folders = [path for path in kept.iterdir() if path.is_dir()]
        assert len(folders) == expected
        assert all({path.name for path in one.iterdir()} >= KEPT for one in folders)
        assert all(read_report(one).sha256 == one.name for one in folders)


def test_what_is_done_is_not_done_again(
    played: Played, folder: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, kept = folder("a.sh", "b.sh"), str(tmp_path / "out")
    call = ["analyze", "--json", "--quiet", "--report", kept, str(place)]
    assert run(call) == Exit.DONE
    first = lines(capsys)
    assert run(call) == Exit.DONE
    assert sorted(map(str, lines(capsys))) == sorted(map(str, first))
    assert len(played.names) == 2
    folder("c.sh")
    place.joinpath("a.sh").write_text("#!/bin/sh\necho changed\n")
    assert run(call) == Exit.DONE
    assert len(lines(capsys)) == 3
    assert sorted(played.names[2:]) == ["a.sh", "c.sh"]
    assert run([*call, "--again"]) == Exit.DONE
    assert len(played.names) == 7


def test_a_report_that_is_gone_is_made_again(played: Played, folder: Made, tmp_path: Path) -> None:
    place, kept = folder("a.sh", "b.sh"), tmp_path / "out"
    call = ["analyze", "--quiet", "--report", str(kept), str(place)]
    run(call)
    gone = next(path for path in kept.iterdir() if path.is_dir())
    gone.joinpath("report.json").write_bytes(b"{torn")
    assert run(call) == Exit.DONE
    assert len(played.names) == 3
    assert read_report(gone)


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_torn_journal_costs_one_file(played: Played, folder: Made, tmp_path: Path, cut: int) -> None:
    place, kept = folder("a.sh", "b.sh"), tmp_path / "out"
    call = ["analyze", "--quiet", "--report", str(kept), str(place)]
    run(call)
    journal = kept / JOURNAL
    journal.write_bytes(journal.read_bytes()[:-cut])
    (kept / ".lazaretto-left").mkdir()
    assert run(call) == Exit.DONE
    assert len(played.names) == (2 if cut == 1 else 3)
    assert not (kept / ".lazaretto-left").exists()
    assert run(call) == Exit.DONE
    assert len(played.names) == (2 if cut == 1 else 3)


def test_what_another_process_is_at_work_in_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".lazaretto-left").mkdir()
    with analyze.scratch(tmp_path) as folder:
        analyze.sweep(tmp_path)
        assert folder.is_dir()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"\0" * 100, b"[]\n{}\n", b'{"file":1}', b"\xff\n"])
def test_a_journal_that_is_none_is_as_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / JOURNAL).write_bytes(content)
    file = tmp_path / "a"
    file.write_bytes(b"x")
    with Journal(tmp_path) as journal:
        assert list(journal.known([file])) == []


def test_one_bad_file_never_ends_the_run(
    played: Played, folder: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, kept = folder("a.sh", "defect.sh", "missing.sh", "z.sh"), str(tmp_path / "out")
    with (place / "large.bin").open("wb") as stream:
        stream.truncate(64 * 1024 * 1024 + 1)
    (place / "name\udcff.sh").write_text("#!/bin/sh\n")
    call = ["analyze", "--json", "--quiet", "--report", kept, str(place)]
    assert run(call) == Exit.FAILED
    told = {Path(line["file"]).name: line for line in lines(capsys)}
    assert {name: line["state"] for name, line in told.items()} == {
        "a.sh": "finished", "z.sh": "finished", "name\\xff.sh": "finished",
        "defect.sh": "failed", "missing.sh": "failed", "large.bin": "failed",
    }  # fmt: skip
    assert "a defect of the analysis: ZeroDivisionError" in told["defect.sh"]["reason"]
    assert all(line["status"] == "unknown" for line in told.values() if line["state"] == "failed")
    before = len(played.names)
    assert run(call) == Exit.FAILED  # what failed is tried again, nothing else
    assert sorted(played.names[before:]) == ["defect.sh", "missing.sh"]


def test_no_more_at_a_time_than_asked(played: Played, folder: Made) -> None:
    place = folder(*(f"{number}.sh" for number in range(8)))
    assert run(["analyze", "--quiet", "--jobs", "3", str(place)]) == Exit.DONE
    assert 1 < played.most <= 3
    assert 1 <= batch.default_jobs() <= len(os.sched_getaffinity(0))


def test_two_runs_do_not_share_a_folder(played: Played, folder: Made, tmp_path: Path) -> None:
    place, kept = folder("a.sh", "b.sh"), tmp_path / "out"
    kept.mkdir()
    with (kept / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run(["analyze", "--quiet", "--report", str(kept), str(place)]) == Exit.FAILED
    assert played.names == []


def test_the_same_content_twice(played: Played, folder: Made, tmp_path: Path) -> None:
    place, kept = folder("a.sh"), tmp_path / "out"
    for number in range(6):
        (place / f"copy{number}.sh").write_bytes((place / "a.sh").read_bytes())
    assert run(["analyze", "--quiet", "--jobs", "4", "--report", str(kept), str(place)]) == Exit.DONE
    (only,) = [path for path in kept.iterdir() if path.is_dir()]
    assert {path.name for path in only.iterdir()} >= KEPT


def test_a_summary_for_a_person(played: Played, folder: Made, capsys: pytest.CaptureFixture[str]) -> None:
    place = folder("a.sh", "missing.sh")
    assert run(["analyze", str(place)]) == Exit.FAILED
    out, err = capsys.readouterr()
    assert out.index("missing.sh") < out.index("1 clean, 1 failed")
    assert "2 files in" in out
    assert "--report DIR" in err


def test_the_worst_come_first_and_the_table_is_bounded(draw: Callable[..., str]) -> None:
    found = [
        Line(file=f"/x/{status.value}{number}", state=State.FINISHED, status=status, score=None, reason="\x1b[31m why")
        for status in Status
        for number in range(30)
    ]
    drawn = draw(summary(found), 100)
    assert drawn.index("malicious0") < drawn.index("highly suspicious0")
    assert "\x1b" not in drawn
    assert f"and {30 * 4 - MOST_ROWS} more such files" in drawn
    assert "30 malicious, 30 highly suspicious, 30 suspicious, 30 clean, 30 unknown" in " ".join(drawn.split())
    assert max(map(len, drawn.splitlines())) <= 100


def test_one_file_as_a_page(played: Played, folder: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    assert run(["analyze", "--quiet", "--html", str(page), str(folder("a.sh") / "a.sh")]) == Exit.DONE
    assert "<title>clean: a.sh</title>" in page.read_text()
    assert str(page) in capsys.readouterr().out


def test_a_file_that_changes_while_it_is_read_is_done_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"x")
    with Journal(tmp_path) as journal:
        journal.note(file, (0, 0), "a" * 64)
        assert list(journal.known([file])) == []


def test_a_folder_without_files(tmp_path: Path) -> None:
    assert run(["analyze", str(tmp_path)]) == Exit.USAGE


def test_results_are_left_out_wherever_they_lie(tmp_path: Path) -> None:
    for name in ("a", "out/b", "deep/out/c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = files_below([tmp_path], apart=tmp_path / "deep/../out")
    assert [str(path.relative_to(tmp_path)) for path in found] == ["a", "deep/out/c"]


_KILLED = """
import sys, time
from contextlib import contextmanager
sys.path.insert(0, {tests!r})
from lazaretto.analysis.behaviours import Catalogue
from lazaretto.cli import analyze
from lazaretto.cli.main import run
from test_batch import Played
import lazaretto.analysis.behaviours as behaviours

behaviours.load = lambda _folder: Catalogue((), {{}}, "0")

@contextmanager
def opened(_files, _first):
    yield Played()

analyze.open_sandbox = opened
sys.exit(run(["analyze", "--quiet", "--json", "--jobs", "2", "--report", sys.argv[1], sys.argv[2]]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_a_run_that_ends_at_any_moment_goes_on(
    played: Played, folder: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str], how: signal.Signals
) -> None:
    place, kept = folder(*(f"{number:02d}.sh" for number in range(24))), tmp_path / "out"
    program = _KILLED.format(tests=str(Path(__file__).parent))
    for _ in range(3):
        command = [sys.executable, "-c", program, str(kept), str(place)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _ in range(4):
                process.stdout.readline()
            process.send_signal(how)
            process.communicate(timeout=60)
        if how is signal.SIGINT:
            assert process.returncode in {Exit.INTERRUPTED, Exit.DONE}
    assert run(["analyze", "--json", "--quiet", "--report", str(kept), str(place)]) == Exit.DONE
    told = lines(capsys)
    assert len(told) == 24
    assert {line["state"] for line in told} == {"finished"}
    assert len(played.names) < 24  # something was done before
    assert len([path for path in kept.iterdir() if path.is_dir()]) == 24
    assert list(kept.glob(".lazaretto-*")) == []
