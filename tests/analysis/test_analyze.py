"""The main job with a detonator that answers from a recorded run: what the report says in every kind of ending."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from lazaretto.analysis.analyze import Options, analyze
from lazaretto.analysis.behaviours import default_folder, load
from lazaretto.analysis.cage.host import Cage
from lazaretto.analysis.examine import Examiner
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.identify import identify
from lazaretto.analysis.names import evidence_of_name
from lazaretto.analysis.report import REPORT_VERSION, Report, report_from_json, report_to_json
from lazaretto.domain.detonation import Artifact, Detonation, DetonationRequest, Guest
from lazaretto.domain.errors import DetonationError, FileTooLarge, ImageMissing, ReportError, UnreadableFile
from lazaretto.domain.trace import (
    AnyEvent,
    Cause,
    Ending,
    FileDelete,
    Lost,
    Process,
    ProcessStart,
    StandIn,
    Trace,
)
from lazaretto.domain.verdict import State, Status

CATALOGUE = load(default_folder())
EXAMINER = Examiner(Cage(), load_meanings(default_folder()), engines=())
SCRIPT = b"#!/bin/sh\necho hi\n"
CONTRACT = {
    "file", "sha256", "sha1", "md5", "size", "category", "state", "status", "score", "reason", "evidence", "techniques",
    "engines", "duration_s", "stages", "lost_events",
}  # fmt: skip
EVIDENCE_CONTRACT = {
    "id", "title", "explanation", "benign_cause", "malicious_cause", "family", "weight", "techniques", "source",
    "events", "details", "where",
}  # fmt: skip


class Recorded:
    """A detonator that gives back one trace, or raises."""

    def __init__(
        self,
        *events: AnyEvent,
        ending: Ending = Ending.EXITED,
        lost: int = 0,
        sample: Process | None = None,
        profile: str = "linux",
        error: DetonationError | None = None,
    ) -> None:
        own = sample or Process(key=1, pid=9, image="/home/anna/Downloads/run.sh", cause=Cause.SAMPLE, exit_code=0)
        self.trace = Trace(
            profile=profile, ending=ending, lost=Lost(kernel=lost), processes={1: own} if own.key else {}, events=events
        )
        self.error = error
        self.requests: list[DetonationRequest] = []

    def __call__(self, request: DetonationRequest) -> Detonation:
        self.requests.append(request)
        if self.error:
            raise self.error
        artifact = Artifact(kind="dropped", name="/tmp/x", sha256="00", size=1, path="artifacts/00")
        return Detonation(
            trace=self.trace,
            guest=Guest(profile=self.trace.profile, image="1234"),
            engine_version="1",
            artifacts=(artifact,),
            stages={"restore": 0.25, "run": 1.5},
        )


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "run.sh"
    file.write_bytes(SCRIPT)
    return file


def report_of(file: Path, detonator: Recorded | None, **options: object) -> Report:
    out = file.parent / "out"
    chosen = Options(**options)  # type: ignore[arg-type]  # of any kind
    return analyze(file, examiner=EXAMINER, detonate=detonator, catalogue=CATALOGUE, out=out, options=chosen)


def test_a_quiet_run_is_clean(script: Path) -> None:
    detonator = Recorded(ProcessStart(process=1, image="/bin/sh"))
    report = report_of(script, detonator, guest_time_s=30.0, arguments=("-x",))
    assert (report.state, report.status, report.score) == (State.FINISHED, Status.CLEAN, 1)
    assert report.not_done == ()
    assert report.run is not None
    assert report.run.artifacts[0].path == "artifacts/00"
    request = detonator.requests[0]
    assert (request.profile, request.launch, request.guest_time_s) == ("linux", "sh", 30.0)
    assert request.arguments == ("-x",)
    assert request.out == script.parent / "out"
    assert {"read", "identify", "detonate", "judge", "sandbox.restore"} <= set(report.stages)
    assert {"identify", "behaviours", "sandbox", "scoring"} <= set(report.engines)


def test_the_report_on_disk_is_the_contract(script: Path) -> None:
    report = report_of(script, Recorded(FileDelete(process=1, path="/home/anna/Downloads/run.sh")))
    stored = msgspec.json.decode((script.parent / "out" / "report.json").read_bytes())
    assert set(stored) >= CONTRACT
    assert set(stored["evidence"][0]) == EVIDENCE_CONTRACT
    assert stored["evidence"][0]["events"] == [0]
    assert stored["report_version"] == REPORT_VERSION
    assert report_from_json((script.parent / "out" / "report.json").read_bytes()) == report
    assert report.techniques == ("T1070.004",)


def test_the_same_run_gives_the_same_evidence(script: Path) -> None:
    detonator = Recorded(FileDelete(process=1, path="/home/anna/Downloads/run.sh"))
    first, second = (report_of(script, detonator) for _ in range(2))
    assert msgspec.json.encode(first.evidence) == msgspec.json.encode(second.evidence)
    assert first.reason == second.reason


@pytest.mark.parametrize("ending", [ending for ending in Ending if not ending.complete])
def test_a_cut_run_is_unknown_with_a_reason(script: Path, ending: Ending) -> None:
    report = report_of(script, Recorded(ending=ending))
    assert (report.state, report.status, report.score) == (State.FINISHED, Status.UNKNOWN, None)
    assert "incomplete" in report.reason or "could not be started" in report.reason


def test_lost_events_are_never_clean(script: Path) -> None:
    report = report_of(script, Recorded(lost=3))
    assert (report.status, report.lost_events) == (Status.UNKNOWN, 3)
    assert "3 events were lost" in report.reason


def test_a_cut_run_that_showed_harm_keeps_its_status(tmp_path: Path) -> None:
    file = tmp_path / "a.bat"
    file.write_bytes(b"@echo off\r\nvssadmin delete shadows /all\r\n")
    standin = StandIn(process=1, program="vssadmin", action="delete-shadow-copies")
    report = report_of(file, Recorded(standin, ending=Ending.WALL_TIME, profile="windows"))
    assert report.status is Status.SUSPICIOUS
    assert "ran out" in report.reason
    assert report.not_done


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (Process(key=1, pid=9, cause=Cause.SAMPLE, signal=11), "crashed"),
        (Process(key=1, pid=9, cause=Cause.SAMPLE, exit_code=127), "not there"),
        (Process(key=0, pid=9), "never ran"),
    ],
)
def test_a_sample_that_did_not_run_is_unknown(script: Path, sample: Process, words: str) -> None:
    report = report_of(script, Recorded(sample=sample))
    assert report.status is Status.UNKNOWN
    assert words in report.reason


def test_a_windows_program_without_its_library_is_unknown(script: Path) -> None:
    sample = Process(key=1, pid=9, cause=Cause.SAMPLE, exit_code=-1073741515)
    report = report_of(script, Recorded(sample=sample, profile="windows"))
    assert "library" in report.reason


def test_a_sandbox_that_fails_is_failed_and_unknown(script: Path) -> None:
    report = report_of(script, Recorded(error=ImageMissing("the linux guest is not built")))
    assert (report.state, report.status, report.error) == (State.FAILED, Status.UNKNOWN, "detonation-image-missing")
    assert "the linux guest is not built" in report.reason
    assert (script.parent / "out" / "report.json").exists()


def test_what_cannot_be_run_is_unknown(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    file.write_bytes(b"PK\x05\x06" + bytes(18))
    detonator = Recorded()
    report = report_of(file, detonator)
    assert (report.state, report.status) == (State.FINISHED, Status.UNKNOWN)
    assert "not run" in report.reason
    assert not detonator.requests


def test_without_a_sandbox_nothing_is_clean(script: Path) -> None:
    assert report_of(script, None).status is Status.UNKNOWN


def test_an_empty_file_is_unknown(tmp_path: Path) -> None:
    file = tmp_path / "a.exe"
    file.touch()
    report = report_of(file, Recorded())
    assert report.reason == "The file is empty."


def test_input_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no such file"):
        report_of(tmp_path / "none", Recorded())
    with pytest.raises(UnreadableFile, match="not a regular file"):
        report_of(tmp_path, Recorded())
    big = tmp_path / "big"
    big.write_bytes(bytes(11))
    with pytest.raises(FileTooLarge):
        report_of(big, Recorded(), max_size=10)


def test_the_name_for_the_guest_is_not_the_hosts(tmp_path: Path) -> None:
    file = tmp_path / ("x" * 200)
    file.write_bytes(b"@echo off\r\nset A=1\r\nif exist a del a\r\n")
    detonator = Recorded(profile="windows")
    report_of(file, detonator)
    assert detonator.requests[0].name.endswith(".bat")
    assert len(detonator.requests[0].name) <= 120


def test_names_that_deceive() -> None:
    program = bytes.fromhex("7f454c46") + bytes(60)
    lie = evidence_of_name("a.pdf", identify(program, "a.pdf"))
    assert [e.id for e in lie] == ["name-other-than-content"]
    batch = b"@echo off\r\nset A=1\r\n"
    assert [e.id for e in evidence_of_name("a.pdf   .bat", identify(batch, "a.pdf   .bat"))] == [
        "name-double-extension"
    ]
    assert [e.id for e in evidence_of_name("a\u202efdp.bat", identify(batch, "a\u202efdp.bat"))] == [
        "name-hidden-characters"
    ]
    assert not evidence_of_name("setup-1.2.bat", identify(batch, "setup-1.2.bat"))


def test_reports_of_others_are_refused(script: Path) -> None:
    report = report_of(script, Recorded())
    newer = msgspec.structs.replace(report, report_version=REPORT_VERSION + 1)
    with pytest.raises(ReportError, match="version"):
        report_from_json(report_to_json(newer))
    for wrong in (b"{}", b"\xff", b""):
        with pytest.raises(ReportError):
            report_from_json(wrong)
