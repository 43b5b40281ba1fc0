"""`lazaretto analyze` over many files: some at a time, a bar, a table in the end, and no file ends the run.

With a results folder the run can be killed at any moment and goes on at the next call. What that rests on:

* A file's folder appears under its SHA-256 in one step (a rename), with report.json in it.
* `files.jsonl` gets a line after that: the file's name, size and time of change, and the hash. A line that was torn by
  the end of the process is no line. A file is done if such a line fits it and the report it names can be read and
  answers what is asked: who wants files run is not served with a report that was made without.
* One run at a time works on a folder (`.lock`); what an earlier one left half done (`.lazaretto-*`) is removed then.
"""

from __future__ import annotations

import fcntl
import os
import queue
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog

from lazaretto.cli import progress
from lazaretto.cli.analyze import SCRATCH, How, Tools, carry_out, contract, keep, open_tools, refused, scratch, sweep
from lazaretto.cli.errors import CannotRun, Exit
from lazaretto.cli.terminal import Terminal
from lazaretto.domain.errors import LazarettoError, ReportError
from lazaretto.domain.progress import Listener, Progress, nobody
from lazaretto.domain.text import many, plain, seconds, utf8
from lazaretto.domain.verdict import State, Status

if TYPE_CHECKING:
    from lazaretto.analysis.report import Report

log = structlog.get_logger(__name__)

JOURNAL, LOCK = "files.jsonl", ".lock"
_MEMORY_OF_A_MACHINE = 2 << 30  # bytes that one more file at a time may need


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the summary: what came of one file."""

    file: str
    state: State
    status: Status
    score: int | None
    reason: str
    sha256: str = ""
    before: bool = False  # by an earlier call


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `files.jsonl`: this file, as it was then, has its report under this hash."""

    file: str
    size: int  # bytes
    mtime_ns: int
    sha256: str


class _Work:
    """What the workers share."""

    def __init__(self, paths: Sequence[Path], folder: Path, tools: Tools) -> None:
        self.folder = folder
        self.tools = tools
        self.waiting: queue.SimpleQueue[Path] = queue.SimpleQueue()
        self.results: queue.SimpleQueue[_Outcome] = queue.SimpleQueue()
        self.stopped = threading.Event()
        for path in paths:
            self.waiting.put(path)


@dataclass(frozen=True)
class _Outcome:
    """What came of one file; `stamp` is its size and time of change before it was read."""

    path: Path
    stamp: tuple[int, int] | None
    outcome: Report | Exception


class Batch:
    """One run over many files."""

    def __init__(self, terminal: Terminal, kept: Path | None, jobs: int, *, again: bool, how: How) -> None:
        self._terminal = terminal
        self._kept = kept
        self._jobs = jobs or default_jobs()
        self._again = again
        self._how = how
        self._placing = threading.Lock()  # two files may have the same content, so the same place

    def run(self, paths: Sequence[Path]) -> int:
        """Analyse them all; the exit code."""
        began = time.monotonic()
        with self._folder() as (folder, journal):
            lines: list[Line] = []
            for path, report in journal.known(() if self._again else paths):
                if not _answers(report, self._how):
                    continue
                self._terminal.emit(contract(report) | {"file": utf8(str(path))})
                lines.append(_line(path, report, before=True))
            known = {line.file for line in lines}
            left = [path for path in paths if utf8(str(path)) not in known]
            if left:
                lines += self._work(left, len(lines), folder, journal)
        self._summary(lines, time.monotonic() - began)
        return Exit.FAILED if any(line.state is State.FAILED for line in lines) else Exit.DONE

    @contextmanager
    def _folder(self) -> Iterator[tuple[Path, Journal]]:
        """Where analyses write and where it is noted what is done, for this run alone."""
        with ExitStack() as stack:
            folder = self._kept
            if folder is None:
                made = tempfile.TemporaryDirectory(prefix=SCRATCH, ignore_cleanup_errors=True)
                folder = Path(stack.enter_context(made))
            else:
                stack.enter_context(_alone(folder))
                sweep(folder)
            with Journal(folder) as journal:
                yield folder, journal

    def _work(self, paths: Sequence[Path], before: int, folder: Path, journal: Journal) -> list[Line]:
        """The workers are daemons: after Ctrl-C nobody waits for a sample, and machines die with their process."""
        lines: list[Line] = []
        with (
            open_tools(len(paths), None, self._how, self._terminal) as tools,
            progress.shown(self._terminal) as listener,
        ):
            work = _Work(paths, folder, tools)
            told = _Told(listener, before, before + len(paths))
            try:
                for number in range(min(self._jobs, len(paths))):
                    name = f"analyze-{number}"
                    threading.Thread(target=self._worker, args=(work,), name=name, daemon=True).start()
                while len(lines) < len(paths):
                    lines.append(self._ended(work.results.get(), journal))
                    told(lines[-1])
            finally:
                work.stopped.set()
        return lines

    def _worker(self, work: _Work) -> None:
        while not work.stopped.is_set():
            try:
                path = work.waiting.get_nowait()
            except queue.Empty:
                return
            stamp = None
            try:
                stamp = _as_it_is(path)
                outcome: Report | Exception = self._one(path, work)
            except (LazarettoError, OSError) as error:
                outcome = error
            except Exception as error:  # one file never ends the run: a defect costs that file its result
                log.exception("analyze.defect", file=str(path))
                outcome = _Defect(error)
            work.results.put(_Outcome(path, stamp, outcome))

    def _one(self, path: Path, work: _Work) -> Report:
        with scratch(work.folder) as folder:
            report, _ = carry_out(path, folder, work.tools, nobody)
            if self._kept:
                with self._placing:
                    keep(report, folder, self._kept)
            return report

    def _ended(self, ended: _Outcome, journal: Journal) -> Line:
        if isinstance(ended.outcome, Exception):
            record = refused(ended.path, ended.outcome)
            self._terminal.emit(record)
            return Line(
                file=record["file"], state=State.FAILED, status=Status.UNKNOWN, score=None, reason=record["reason"]
            )
        report = ended.outcome
        if self._kept and ended.stamp and report.state is State.FINISHED:  # what failed is tried again next time
            journal.note(ended.path, ended.stamp, report.sha256)
        self._terminal.emit(contract(report))
        return _line(ended.path, report)

    def _summary(self, lines: Sequence[Line], took: float) -> None:
        if self._terminal.json:
            return
        from lazaretto.cli.summary import summary  # noqa: PLC0415  --json needs no table

        self._terminal.say(summary(lines))
        before = sum(line.before for line in lines)
        known = f", {before:,} of them by an earlier call" if before else ""
        self._terminal.say(f"{many(len(lines), 'file')} in {seconds(took)}{known}")
        if self._kept:
            self._terminal.say(f"reports are in {self._kept}, under each file's SHA-256")
        else:
            self._terminal.note("reports were not kept: add --report DIR, which can also go on after an interruption")


class Journal:
    """Which files are done, in a folder. Only one process writes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fd = os.open(folder / JOURNAL, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def known(self, paths: Sequence[Path]) -> Iterator[tuple[Path, Report]]:
        """Those of the files that are done and unchanged, with their reports."""
        from lazaretto.analysis.report import read_report  # noqa: PLC0415  loaded only where there is one

        done = self._lines()
        for path in paths:
            line = done.get(_name(path))
            try:
                if line is not None and (line.size, line.mtime_ns) == _as_it_is(path):
                    report = read_report(self._folder / line.sha256)
                    if report.state is State.FINISHED:
                        yield path, report
            except (OSError, ReportError):
                continue

    def note(self, path: Path, stamp: tuple[int, int], sha256: str) -> None:
        """The file, as it was then, is done."""
        line = Done(file=_name(path), size=stamp[0], mtime_ns=stamp[1], sha256=sha256)
        os.write(self._fd, msgspec.json.encode(line) + b"\n")

    def _lines(self) -> dict[str, Done]:
        """The last line of each file."""
        found: dict[str, Done] = {}
        content = (self._folder / JOURNAL).read_bytes()
        for text in content.splitlines():
            try:
                line = msgspec.json.decode(text, type=Done)
            except (msgspec.DecodeError, UnicodeDecodeError):  # torn
                continue
            if len(line.sha256) == 64 and line.sha256.isalnum():
                found[line.file] = line
        if content and not content.endswith(b"\n"):
            os.write(self._fd, b"\n")  # what is torn at the end is a line of its own from now on
        return found

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


class _Defect(LazarettoError):
    """Something that nobody foresaw went wrong over one file."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"a defect of the analysis: {type(cause).__name__}: {cause}")


class _Told:
    """The bar over all files."""

    def __init__(self, listener: Listener, done: int, of: int) -> None:
        self._listener = listener
        self._done = done
        self._of = of
        self._found: Counter[Status] = Counter()
        self._tell("")

    def __call__(self, line: Line) -> None:
        self._done += 1
        self._found[line.status] += 1
        self._tell(plain(Path(line.file).name, 40))

    def _tell(self, last: str) -> None:
        bad = sum(count for status, count in self._found.items() if status.rank)
        shown = f"{self._done:,} of {self._of:,}{f', {bad:,} suspicious or worse' if bad else ''}  {last}"
        self._listener(Progress("files", self._done / self._of, shown.rstrip()))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds the folder's lock. Raises `CannotRun` where another run has it."""
    with (folder / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotRun(
                f"another analysis writes to {plain(str(folder))}", "wait for it, or name another folder"
            ) from None
        yield


def default_jobs() -> int:
    """As many files at a time as there are processors, and memory for."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        memory = 0
    return max(1, min(len(os.sched_getaffinity(0)), memory // _MEMORY_OF_A_MACHINE))


def _line(path: Path, report: Report, *, before: bool = False) -> Line:
    return Line(
        file=utf8(str(path)),
        state=report.state,
        status=report.status,
        score=report.score,
        reason=report.reason,
        sha256=report.sha256,
        before=before,
    )


def _answers(report: Report, how: How) -> bool:
    """Whether a stored report is what is asked for now: one that was made without running is not a full one, and what
    stayed locked is worth another look with new words."""
    return (report.run_asked or not how.run) and not (how.passwords and report.stays_locked)


def _name(path: Path) -> str:
    return utf8(str(path.absolute()))


def _as_it_is(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
