"""`lazaretto analyze` and `detonate` around a sandbox that is played here: streams, exit codes, kept files, rendering.

What a real machine does is tested in tests/sandbox; these tests need none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from lazaretto.analysis.behaviours import Catalogue
from lazaretto.analysis.report import Report
from lazaretto.cli import analyze, detonate
from lazaretto.cli.errors import Exit
from lazaretto.cli.main import run
from lazaretto.cli.report import rendered
from lazaretto.domain import trace as t
from lazaretto.domain.detonation import Detonation, DetonationRequest, Guest
from lazaretto.domain.errors import ImageMissing
from lazaretto.domain.evidence import Evidence, Family, Weight
from lazaretto.domain.progress import Listener, Progress, nobody
from lazaretto.domain.sample import Category
from lazaretto.domain.verdict import State, Status

SCRIPT = b"#!/bin/sh\necho hello\n"

# The contract, written out a second time on purpose: other programs read exactly this.
CONTRACT = [
    "file", "sha256", "sha1", "md5", "size", "category", "state", "status", "score", "reason",
    "evidence", "techniques", "engines", "duration_s", "stages", "lost_events",
]  # fmt: skip


def trace_of_a_shell(ending: t.Ending = t.Ending.EXITED) -> t.Trace:
    shell = t.Process(key=1, pid=7, image="/usr/bin/sh", command_line="sh /home/a/x.sh", cause=t.Cause.SAMPLE, exited=9)
    start = t.ProcessStart(id=0, process=1, image="/usr/bin/sh", command_line="sh /home/a/x.sh", cause=t.Cause.SAMPLE)
    end = t.ProcessExit(id=1, time=9, process=1)
    return t.Trace(
        profile="linux", ending=ending, guest_time=1.0, wall_time=0.5, processes={1: shell}, events=(start, end)
    )


class Played:
    """A sandbox that gives back one account, or raises one error."""

    def __init__(self, result: t.Trace | BaseException) -> None:
        self.result = result
        self.requests: list[DetonationRequest] = []

    def __call__(self, request: DetonationRequest, progress: Listener = nobody) -> Detonation:
        self.requests.append(request)
        progress(Progress("restore", None, request.profile))
        progress(Progress("detonate", 1.0, ""))
        if isinstance(self.result, BaseException):
            raise self.result
        (request.out / "trace.jsonl").write_bytes(b"\n".join(t.trace_to_lines(self.result)) + b"\n")
        return Detonation(trace=self.result, guest=Guest(profile=request.profile, image="0" * 16), engine_version="1")


Play = Callable[[t.Trace | BaseException], Played]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    """Puts a played sandbox where the commands open theirs, and a catalogue without rules."""
    monkeypatch.setattr("lazaretto.analysis.behaviours.load", lambda _folder: Catalogue((), {}, "0"))

    def put(result: t.Trace | BaseException) -> Played:
        played = Played(result)

        @contextmanager
        def opened(_files: int, _first: str | None) -> Iterator[Played]:
            yield played

        monkeypatch.setattr(analyze, "open_sandbox", opened)
        monkeypatch.setattr(detonate, "open_sandbox", opened)
        return played

    return put


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "x.sh"
    path.write_bytes(SCRIPT)
    return path


def test_json_is_the_contract(play: Play, script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    play(trace_of_a_shell())
    assert run(["analyze", "--json", str(script), str(script)]) == Exit.DONE
    out, err = capsys.readouterr()
    first, second = map(json.loads, out.splitlines())
    assert list(first) == CONTRACT == list(second)
    assert first["file"] == str(script)
    assert (first["size"], first["state"], first["status"]) == (len(SCRIPT), "finished", "clean")
    assert "files ..." in err


def test_a_report_for_a_person(play: Play, script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    play(trace_of_a_shell())
    assert run(["analyze", "--quiet", str(script)]) == Exit.DONE
    out, err = capsys.readouterr()
    assert out.startswith(" CLEAN ")
    assert "sh /home/a/x.sh" in out
    assert err == ""


def test_an_analysis_that_failed_is_unknown_and_ends_with_1(
    play: Play, script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play(ImageMissing("the guest image 'linux' is not built: run 'lazaretto image build linux'"))
    assert run(["analyze", "--json", "--quiet", str(script)]) == Exit.FAILED
    result = json.loads(capsys.readouterr().out)
    assert (result["state"], result["status"], result["score"]) == ("failed", "unknown", None)
    assert "lazaretto image build linux" in result["reason"]


def test_one_that_failed_does_not_stop_the_others(
    play: Play, script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    play(trace_of_a_shell())
    large = tmp_path / "large.bin"
    with large.open("wb") as stream:
        stream.truncate(64 * 1024 * 1024 + 1)
    assert run(["analyze", "--json", "--quiet", str(large), str(script)]) == Exit.FAILED
    refused, good = map(json.loads, capsys.readouterr().out.splitlines())
    assert list(refused) == CONTRACT
    assert (refused["state"], refused["status"], refused["score"]) == ("failed", "unknown", None)
    assert good["state"] == "finished"


def test_reports_are_kept_under_the_hash(play: Play, script: Path, tmp_path: Path) -> None:
    play(trace_of_a_shell())
    kept = tmp_path / "reports"
    for _ in range(2):
        assert run(["analyze", "--quiet", "--report", str(kept), str(script)]) == Exit.DONE
    (folder,) = kept.iterdir()
    assert len(folder.name) == 64
    assert {path.name for path in folder.iterdir()} >= {"report.json", "trace.jsonl"}
    report = msgspec.json.decode((folder / "report.json").read_bytes(), type=Report)
    assert report.sha256 == folder.name


def test_nothing_is_left_without_a_report_folder(
    play: Play, script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    play(trace_of_a_shell())
    assert run(["analyze", "--quiet", str(script)]) == Exit.DONE
    play(ImageMissing("none"))
    assert run(["analyze", "--quiet", str(script)]) == Exit.FAILED
    play(KeyboardInterrupt())
    assert run(["analyze", "--quiet", str(script)]) == Exit.INTERRUPTED
    assert list(scratch.iterdir()) == []


def test_detonate_keeps_the_account(
    play: Play, script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    played = play(trace_of_a_shell())
    out = tmp_path / "out"
    options = ["--guest-time", "30", "--wall-time", "9", "--out", str(out)]
    assert run(["detonate", "--json", *options, str(script), "--", "-x", "y"]) == Exit.DONE
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads((out / "report.json").read_bytes())
    assert (report["ending"], report["complete"], report["events"]) == (
        "exited",
        True,
        {"process.exit": 1, "process.start": 1},
    )
    (request,) = played.requests
    assert (request.profile, request.launch, request.guest_time_s, request.wall_time_s) == ("linux", "sh", 30.0, 9.0)
    assert request.arguments == ("-x", "y")
    with (out / "trace.jsonl").open("rb") as stream:
        assert t.trace_from_lines(line.rstrip(b"\n") for line in stream) == trace_of_a_shell()


@pytest.mark.parametrize("ending", list(t.Ending))
def test_every_ending_has_words_and_an_exit_code(
    play: Play, script: Path, capsys: pytest.CaptureFixture[str], ending: t.Ending
) -> None:
    play(trace_of_a_shell(ending))
    failed = ending in {t.Ending.REFUSED, t.Ending.MACHINE_DIED, t.Ending.KEEPER_LOST}
    assert run(["detonate", "--quiet", str(script)]) == (Exit.FAILED if failed else Exit.DONE)
    assert detonate.ENDINGS[ending][:20] in capsys.readouterr().out


def test_what_no_guest_can_start_is_said(play: Play, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    played = play(trace_of_a_shell())
    strange = tmp_path / "strange.bin"
    strange.write_bytes(bytes(range(256)) * 8)
    assert run(["detonate", str(strange)]) == Exit.FAILED
    assert "no guest can start this" in capsys.readouterr().err
    assert played.requests == []


def finding(weight: Weight, number: int) -> Evidence:
    return Evidence(
        id=f"e{number}",
        title=f"Title {number} \x1b[31m",
        explanation="What it means.",
        benign_cause="Installers do it.",
        malicious_cause="So do others.",
        family=Family.PERSISTENCE,
        weight=weight,
        techniques=("T1547.001",),
        events=(0,),
    )


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_report_fits_and_says_its_status_in_words(draw: Callable[..., str], status: Status, width: int) -> None:
    score = {
        Status.UNKNOWN: None,
        Status.CLEAN: 9,
        Status.SUSPICIOUS: 80,
        Status.HIGHLY_SUSPICIOUS: 95,
        Status.MALICIOUS: 100,
    }
    report = Report(
        file="/tmp/a\u202egpj.exe",
        sha256="a" * 64,
        sha1="b" * 40,
        md5="c" * 32,
        size=5,
        category=Category.EXECUTABLE,
        type="pe-exe",
        type_title="Windows program",
        state=State.FINISHED,
        status=status,
        score=score[status],
        reason="Because of \x1b]0;title\x07 this. " * 20,
        evidence=tuple(finding(weight, number) for number, weight in enumerate(reversed(Weight))) * 12,
    )
    trace = trace_of_a_shell()
    run_ = Detonation(trace=trace, guest=Guest(profile="linux", image="0"), engine_version="1")
    drawn = draw(rendered(report, run_), width)
    assert status.value.upper() in drawn
    assert max(map(len, drawn.splitlines())) <= width
    assert "\x1b" not in drawn
    assert "\u202e" not in drawn
    assert "and 20 findings more" in drawn
    assert drawn.count("May be harmless:") == 3


def test_sigma_rules_are_asked_too(
    play: Play, script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "name.yml").write_text(
        "title: A name is asked for\nlogsource: {category: dns_query}\nlevel: medium\n"
        "detection: {s: {QueryName|endswith: .example}, condition: s}\n"
        "---\ntitle: Nothing\nlogsource: {category: antivirus}\ndetection: {s: [x], condition: s}\n"
    )
    trace = trace_of_a_shell()
    asked = t.NetDns(id=len(trace.events), time=trace.events[-1].time, process=1, name="a.example")
    play(msgspec.structs.replace(trace, events=(*trace.events, asked)))
    assert run(["analyze", "--json", "--sigma", str(rules), str(script)]) == Exit.DONE
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert [(one["title"], one["source"], one["events"]) for one in result["evidence"]] == [
        ("A name is asked for", "sigma", [asked.id])
    ]
    assert result["engines"]["sigma"]
    assert "1 Sigma rule used, 1 refused: lazaretto rules check" in err
