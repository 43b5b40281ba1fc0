"""The main job: a file in, a report out.

`analyze` reads the file once, says what it is, has it run if a guest can run it, and lets the rules and the scoring
decide. It knows the sandbox only as a `Detonator`. A sandbox that gives no account ends in a report in state `failed`
with the reason: the file is then unknown, never clean. What is raised is an `InputError`: there was nothing to analyse.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from lazaretto.analysis import identify as identification
from lazaretto.analysis import names
from lazaretto.analysis.behaviours import Catalogue, SampleFacts
from lazaretto.analysis.identify import FileType, guest_name, identify
from lazaretto.analysis.read import MAX_SIZE, read_sample
from lazaretto.analysis.report import Report, Run, write_report
from lazaretto.domain import scoring
from lazaretto.domain.detonation import Detonation, DetonationRequest, Detonator
from lazaretto.domain.errors import DetonationError
from lazaretto.domain.evidence import Evidence, sort_evidence, techniques_of
from lazaretto.domain.sample import Sample, hash_bytes
from lazaretto.domain.trace import Cause, Process, ProcessStart, Trace
from lazaretto.domain.verdict import State

# Exit codes and signals with which a program ends that could not be loaded or broke down, in words.
_WINDOWS_ENDS = {
    0xC0000135: "a library that the sample needs is not there",
    0xC0000139: "a function that the sample needs is not there",
    0xC000007B: "the sample is damaged or made for another system",
    0xC0000005: "the sample crashed",
    0xC000001D: "the sample crashed",
    0xC0000094: "the sample crashed",
    0xC00000FD: "the sample crashed",
    0xC0000374: "the sample crashed",
    0xC0000409: "the sample crashed",
}
_LINUX_ENDS = {126: "the sample could not be started", 127: "a program or library that the sample needs is not there"}
_CRASHES = {4, 6, 7, 8, 11, 31}  # SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to analyse. Times are seconds. Empty `profile` and `launch`: as the content says."""

    guest_time_s: float = 600.0
    wall_time_s: float = 60.0
    reboot: bool = False
    arguments: tuple[str, ...] = ()
    profile: str = ""
    launch: str = ""
    max_size: int = MAX_SIZE


class Clock:
    """Seconds spent in named stages, told to `tell` as each begins."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.stages: dict[str, float] = {}
        self.tell = tell
        self.began = time.perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Counts the time of what is done inside."""
        self.tell(name)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.stages[name] = self.stages.get(name, 0.0) + time.perf_counter() - start

    @property
    def total(self) -> float:
        return time.perf_counter() - self.began


def analyze(
    file: Path,
    *,
    detonate: Detonator | None,
    catalogue: Catalogue,
    out: Path,
    options: Options | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Analyses one file; the report, also written to `out/report.json` beside what the sandbox brought back.

    `out` is created. `detonate` None: nothing is run, and the report says so. `tell` gets the name of each stage as it
    begins. Raises `UnreadableFile` or `FileTooLarge`.
    """
    chosen = options or Options()
    clock = Clock(tell)
    with clock.stage("read"):
        data = read_sample(file, chosen.max_size)
        sample = hash_bytes(data)
        out.mkdir(parents=True, exist_ok=True)
    with clock.stage("identify"):
        kind = _overridden(identify(data, file.name), chosen)
        found = names.evidence_of_name(file.name, kind)
    job = _Job(file, sample, kind, chosen, catalogue)
    if detonate is None or not kind.detonable:
        report = job.report(found, why_not_run(kind, has_sandbox=detonate is not None))
    else:
        report = _detonated(job, detonate, out, found, clock)
    stages = {name: round(seconds, 4) for name, seconds in clock.stages.items()}
    whole = msgspec.structs.replace(report, duration_s=round(clock.total, 4), stages={**stages, **report.stages})
    write_report(whole, out)
    return whole


def why_not_run(kind: FileType, *, has_sandbox: bool) -> tuple[str, ...]:
    """Why a file of this type was not run, in words for the report."""
    if kind.name == "empty":
        return ("the file is empty",)
    if not kind.detonable:
        return (f"files of this kind ({kind.title}) are not run",)
    return () if has_sandbox else ("the file was not run: there is no sandbox on this machine",)


def run_problems(trace: Trace) -> tuple[str, ...]:
    """Why a run that ended in order still does not show what the sample does; empty if it does."""
    own = [process for process in trace.processes.values() if process.cause is Cause.SAMPLE]
    if not own:
        return ("the sample never ran",) if trace.ending.complete else ()
    started = any(isinstance(event, ProcessStart) and event.parent in trace.processes for event in trace.events)
    ends = {text for process in own if (text := _bad_end(process, windows=trace.profile == "windows"))}
    # A sample that handed over to another program and then fell has shown what it does.
    return () if started and len(trace.processes) > len(own) else tuple(sorted(ends))


def _bad_end(process: Process, *, windows: bool) -> str:
    if process.signal in _CRASHES:
        return "the sample crashed"
    code = (process.exit_code or 0) & 0xFFFFFFFF
    return (_WINDOWS_ENDS if windows else _LINUX_ENDS).get(code, "")


class _Job:
    """What is known of one analysis before it is judged."""

    def __init__(self, file: Path, sample: Sample, kind: FileType, options: Options, catalogue: Catalogue) -> None:
        self.file = file
        self.sample = sample
        self.kind = kind
        self.options = options
        self.catalogue = catalogue

    def report(self, evidence: tuple[Evidence, ...], not_done: tuple[str, ...]) -> Report:
        """The report without a run."""
        return self._whole(evidence, scoring.RunFacts(not_done=not_done))

    def failed(self, evidence: tuple[Evidence, ...], error: DetonationError) -> Report:
        """The report of an analysis for which the sandbox gave no account."""
        report = self._whole(evidence, scoring.RunFacts(failed=str(error)))
        return msgspec.structs.replace(report, state=State.FAILED, error=error.code)

    def judged(self, named: tuple[Evidence, ...], run: Detonation) -> Report:
        """The report of a run."""
        trace = run.trace
        facts = SampleFacts(guest_name(self.file.name, self.kind), self.sample.hashes.sha256)
        findings = self.catalogue.match(trace, facts)
        unfinished = tuple(f"the rule {rule} could not be followed through" for rule in findings.unfinished)
        facts_of_run = scoring.RunFacts(
            ending=trace.ending,
            lost_events=trace.lost.total,
            not_done=(*run_problems(trace), *unfinished),
        )
        report = self._whole((*named, *findings.evidence), facts_of_run)
        return msgspec.structs.replace(
            report,
            engines={**report.engines, "sandbox": run.engine_version, "behaviours": self.catalogue.version},
            run=_run(self.kind, run),
            lost_events=trace.lost.total,
            stages={f"sandbox.{name}": round(seconds, 4) for name, seconds in run.stages.items()},
        )

    def _whole(self, evidence: tuple[Evidence, ...], facts: scoring.RunFacts) -> Report:
        found = sort_evidence(evidence)
        verdict = scoring.judge(found, facts)
        return Report(
            file=str(self.file),
            sha256=self.sample.hashes.sha256,
            sha1=self.sample.hashes.sha1,
            md5=self.sample.hashes.md5,
            size=self.sample.size,
            category=self.kind.category,
            type=self.kind.name,
            type_title=self.kind.title,
            traits=self.kind.traits,
            mismatch=self.kind.mismatch,
            state=State.FINISHED,
            status=verdict.status,
            score=verdict.score,
            reason=verdict.reason,
            evidence=found,
            techniques=techniques_of(found),
            engines={"identify": identification.VERSION, "names": names.VERSION, "scoring": scoring.VERSION},
            not_done=scoring.incompleteness(facts),
        )


def _detonated(job: _Job, detonate: Detonator, out: Path, named: tuple[Evidence, ...], clock: Clock) -> Report:
    try:
        with clock.stage("detonate"):
            run = detonate(_request(job, out))
    except DetonationError as error:
        return job.failed(named, error)
    with clock.stage("judge"):
        return job.judged(named, run)


def _request(job: _Job, out: Path) -> DetonationRequest:
    assert job.kind.profile is not None
    assert job.kind.launch is not None
    return DetonationRequest(
        path=job.file,
        name=guest_name(job.file.name, job.kind),
        profile=job.kind.profile,
        launch=job.kind.launch,
        machine=job.kind.machine,
        out=out,
        guest_time_s=job.options.guest_time_s,
        wall_time_s=job.options.wall_time_s,
        reboot=job.options.reboot,
        arguments=job.options.arguments,
    )


def _overridden(kind: FileType, options: Options) -> FileType:
    """The type with the profile and start that were asked for."""
    if not options.profile and not options.launch:
        return kind
    return msgspec.structs.replace(kind, profile=options.profile or kind.profile, launch=options.launch or kind.launch)


def _run(kind: FileType, run: Detonation) -> Run:
    return Run(
        profile=run.guest.profile,
        image=run.guest.image,
        launch=kind.launch or "",
        ending=run.trace.ending,
        reason=run.trace.reason,
        guest_time_s=run.trace.guest_time,
        wall_time_s=run.trace.wall_time,
        events=len(run.trace.events),
        processes=len(run.trace.processes),
        artifacts=run.artifacts,
    )
