"""`lazaretto analyze`: is it harmful, and why?"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import structlog
from cyclopts import Parameter

from lazaretto.cli import progress
from lazaretto.cli.common import DEFAULT, Common
from lazaretto.cli.errors import CommandError, Exit, WrongUsage
from lazaretto.cli.inputs import files_below, new_file, out_directory, replace_directory
from lazaretto.cli.terminal import Terminal
from lazaretto.domain.detonation import Detonation, DetonationRequest
from lazaretto.domain.errors import InputError
from lazaretto.domain.progress import Listener, Progress
from lazaretto.domain.text import utf8
from lazaretto.domain.verdict import State, Status

if TYPE_CHECKING:
    from lazaretto.analysis.behaviours import Catalogue
    from lazaretto.analysis.examine import Examiner
    from lazaretto.analysis.report import Report
    from lazaretto.sandbox.detonate import Sandbox

log = structlog.get_logger(__name__)

SCRATCH = ".lazaretto-"  # how the name of a folder begins in which an analysis is at work

# The keys of one object of `--json`, a promise to other programs: only added to, at the end.
# `report.json` has all of these, and more.
KEYS = (
    "file", "sha256", "sha1", "md5", "size", "category", "state", "status", "score", "reason",
    "evidence", "techniques", "engines", "duration_s", "stages", "lost_events",
)  # fmt: skip


def analyze(
    *files: Path,
    report: Annotated[Path | None, Parameter(show_default=False)] = None,
    html: Annotated[Path | None, Parameter(show_default=False)] = None,
    jobs: Annotated[int, Parameter(show_default=False)] = 0,
    again: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    sigma: Annotated[Path | None, Parameter(env_var="LAZARETTO_SIGMA", show_default=False)] = None,
    no_run: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    password: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    common: Common = DEFAULT,
) -> int:
    """Say of each file whether it is harmful, how sure that is, and why.

    Each file is run in a disposable machine of its own, unless --no-run is given. Ends with 0 when every file was
    analysed, harmful or not.

    Parameters
    ----------
    files
        Programs, scripts, documents, archives; folders with all that is below them.
    report
        Folder that keeps, under each file's SHA-256: report.json, report.html, indicators.csv, stix.json, the trace and
        what was brought back.
    html
        The report of one file as one HTML page that works everywhere, offline too.
    jobs
        How many files at a time. As many as this computer has processors and memory for, if not given.
    again
        Analyse also what --report has already.
    sigma
        Folder of Sigma rules that are asked too of what a file did; `lazaretto rules check` says which are.
    no_run
        Only look, in seconds and without a guest: the report says what was not run, and no file is called clean.
    password
        A word that may open what is locked, tried before all others. May be given several times.
    """
    terminal = Terminal.of(common)
    paths = files_below(files, apart=report)
    many = len(paths) > 1 or any(path.is_dir() for path in files)
    if html and many:
        raise WrongUsage("--html is for one file", "use --report DIR: it keeps a page for each file")
    if jobs < 0:
        raise WrongUsage(f"--jobs {jobs}: it cannot be less than nothing", "leave it out, or name a number: --jobs 2")
    if not all(password):
        raise WrongUsage("--password is empty", "name the word: --password WORD")
    how = How(sigma=sigma, passwords=password, run=not no_run)
    page = new_file(html) if html else None
    kept = out_directory(report) if report else None
    if many:
        from lazaretto.cli.batch import Batch  # noqa: PLC0415  one file needs none

        return Batch(terminal, kept, jobs, again=again, how=how).run(paths)
    with open_tools(1, _profile(paths[0]) if how.run else None, how, terminal) as tools:
        return Exit.DONE if _one(paths[0], kept, page, tools, terminal) else Exit.FAILED


@dataclass(frozen=True)
class How:
    """What was asked of every file's analysis. `passwords` are the user's: they go to no log."""

    sigma: Path | None = None
    passwords: tuple[str, ...] = field(default=(), repr=False)
    run: bool = True  # False: only look


@contextmanager
def open_tools(files: int, first: str | None, how: How, terminal: Terminal) -> Iterator[Tools]:
    """All that an analysis is done with, for so many files, of which the first needs the profile `first`."""
    with open_sandbox(files, first) if how.run else contextlib.nullcontext() as sandbox:
        from lazaretto.cli.rules import all_rules  # noqa: PLC0415  while a machine is made ready

        catalogue = all_rules(how.sigma, terminal)
        with open_examiner(how.passwords) as examiner:
            yield Tools(examiner, catalogue, sandbox)


@contextmanager
def open_sandbox(files: int, first: str | None) -> Iterator[Sandbox]:
    """The sandbox for so many files, of which the first needs the profile `first`.

    While Python loads what the rest needs, the first machine is made ready; while one of several files is judged, the
    next one's.
    """
    from lazaretto.sandbox.pool import Pool  # noqa: PLC0415  help needs no sandbox

    with Pool(size=min(files - 1, 1)) as pool:
        if first:
            pool.prepare(first)
        from lazaretto.sandbox.detonate import Sandbox  # noqa: PLC0415  loaded meanwhile

        yield Sandbox(pool)


def _profile(path: Path) -> str | None:
    """The guest that a file will need; None where none can run it, or where reading it will end in an error."""
    from lazaretto.analysis.identify import identify  # noqa: PLC0415  a mistyped name needs no analysis
    from lazaretto.analysis.read import MAX_SIZE, read_sample  # noqa: PLC0415

    try:
        return identify(read_sample(path, MAX_SIZE), path.name).profile
    except InputError:
        return None


@dataclass(frozen=True)
class Tools:
    """What an analysis is done with. Without a sandbox files are only looked at."""

    examiner: Examiner
    catalogue: Catalogue
    sandbox: Sandbox | None


@contextmanager
def open_examiner(passwords: tuple[str, ...] = ()) -> Iterator[Examiner]:
    """The engines, in a cage of their own. `passwords` are tried before those that the program knows."""
    from lazaretto.analysis.cage.host import Cage  # noqa: PLC0415  while a machine is made ready
    from lazaretto.analysis.examine import Examiner  # noqa: PLC0415
    from lazaretto.analysis.findings import load_meanings  # noqa: PLC0415
    from lazaretto.analysis.outside.standard import outside  # noqa: PLC0415
    from lazaretto.analysis.rulefiles import default_folder  # noqa: PLC0415
    from lazaretto.analysis.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    with Cage() as cage:
        yield Examiner(
            cage,
            load_meanings(default_folder()),
            given=passwords,
            options=settings.options(),
            outside=outside(settings),
        )


def _one(path: Path, kept: Path | None, page: Path | None, tools: Tools, terminal: Terminal) -> bool:
    """Analyse one file and show the result; whether there is one."""
    with scratch(kept) as folder, progress.shown(terminal) as listener:
        meanwhile = _prepare_page if kept or page else None
        try:
            result, detonation = carry_out(path, folder, tools, listener, meanwhile)
        except InputError as error:
            terminal.emit(refused(path, error))
            terminal.complain(CommandError(str(error), "analyse it elsewhere, or a smaller file"))
            return False
        if page:
            from lazaretto.analysis.outputs import page_of  # noqa: PLC0415  only where a page is wanted

            page.write_bytes(page_of(result, folder))
        place = keep(result, folder, kept) if kept else None
    terminal.emit(contract(result))
    _show(terminal, result, detonation, place, page)
    return result.state is not State.FAILED


def _prepare_page() -> None:
    from lazaretto.analysis.page import prepare  # noqa: PLC0415  while the sample runs

    prepare()


def carry_out(
    path: Path, folder: Path, tools: Tools, listener: Listener, meanwhile: Callable[[], None] | None = None
) -> tuple[Report, Detonation | None]:
    """Analyse one file into a folder: its report and the account of its last run. Raises `InputError`.

    `meanwhile` is done while the file runs, when this process has nothing to do but wait.
    """
    from lazaretto.analysis import analyze as analysis  # noqa: PLC0415  help needs no analysis

    watched = Watched(path.name, tools.sandbox, listener, meanwhile) if tools.sandbox else None
    tell = Told(path.name, listener)
    log.debug("analyze.begin", file=str(path))
    tell("waiting")
    try:
        result = analysis.analyze(
            path,
            examiner=tools.examiner,
            detonate=watched,
            catalogue=tools.catalogue,
            out=folder,
            options=analysis.Options(run=watched is not None),
            tell=tell,
        )
    finally:
        tell.ended()
    log.info("analyze.done", sha256=result.sha256, status=result.status, state=result.state, seconds=result.duration_s)
    return result, watched.detonation if watched else None


def keep(result: Report, folder: Path, kept: Path) -> Path:
    """Move a finished folder to its place below `kept`, with the page and the indicators in it; that place."""
    from lazaretto.analysis.outputs import publish  # noqa: PLC0415  only where a folder is kept

    publish(result, folder)
    return replace_directory(folder, kept / result.sha256)


class Told:
    """The progress of one file, as the listener is told of it."""

    def __init__(self, name: str, listener: Listener) -> None:
        self._name = name
        self._listener = listener

    def __call__(self, stage: str) -> None:
        """The analysis begins a stage."""
        self._listener(Progress(self._name, None, stage))

    def ended(self) -> None:
        """Nothing more comes of this file."""
        self._listener(Progress(self._name, 1.0))


class Watched:
    """The sandbox as the analysis calls it; tells how far a run is and remembers the account for showing."""

    def __init__(
        self, name: str, sandbox: Sandbox, listener: Listener, meanwhile: Callable[[], None] | None = None
    ) -> None:
        self.detonation: Detonation | None = None
        self._name = name
        self._sandbox = sandbox
        self._listener = listener
        self._meanwhile = meanwhile

    def __call__(self, request: DetonationRequest) -> Detonation:
        if self._meanwhile:
            threading.Thread(target=self._meanwhile, daemon=True).start()
        self.detonation = self._sandbox(request, self._from_sandbox)
        return self.detonation

    def _from_sandbox(self, report: Progress) -> None:
        """A stage of the sandbox is a detail of the file's: its end is not the file's."""
        share = report.done if report.done is not None and report.done < 1.0 else None
        self._listener(Progress(self._name, share, f"{report.stage} {report.detail}".rstrip()))


def contract(report: Report) -> dict[str, Any]:
    """The object that `--json` prints for a file."""
    return {key: getattr(report, key) for key in KEYS}


def refused(path: Path, error: Exception) -> dict[str, Any]:
    """The same object for a file of which there is no report: nothing of it was read."""
    nothing: dict[str, Any] = {
        **dict.fromkeys(KEYS),
        "file": utf8(str(path)),
        "state": State.FAILED,
        "status": Status.UNKNOWN,
        "reason": utf8(str(error)),
    }
    return nothing | {
        "evidence": (),
        "techniques": (),
        "engines": {},
        "duration_s": 0.0,
        "stages": {},
        "lost_events": 0,
    }


@contextmanager
def scratch(kept: Path | None) -> Iterator[Path]:
    """Where one analysis writes: beside its final place, so that it can be moved there whole, or for a while only.

    It is locked as long as it is in use, so that `sweep` of another process leaves it alone.
    """
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=kept, ignore_cleanup_errors=True) as folder:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_SH)
            yield Path(folder)
        finally:
            os.close(fd)


def sweep(kept: Path) -> None:
    """Removes what analyses that were killed left in a results folder."""
    for left in kept.glob(f"{SCRATCH}*"):
        with contextlib.suppress(OSError):  # in use, or gone meanwhile
            fd = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(fd)


def _show(
    terminal: Terminal, result: Report, detonation: Detonation | None, place: Path | None, page: Path | None
) -> None:
    if terminal.json:
        return
    from lazaretto.cli.report import rendered  # noqa: PLC0415  --json needs no tables

    terminal.say(rendered(result, detonation))
    if place:
        terminal.say(f"kept in {place}: open report.html")
    if page:
        terminal.say(f"the page is {page}")
    terminal.say()
