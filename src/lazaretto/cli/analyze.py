"""`lazaretto analyze`: is it harmful, and why?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import structlog
from cyclopts import Parameter

from lazaretto.cli import progress
from lazaretto.cli.common import DEFAULT, Common
from lazaretto.cli.errors import CommandError, Exit
from lazaretto.cli.inputs import out_directory, regular_files, replace_directory
from lazaretto.cli.terminal import Terminal
from lazaretto.domain.detonation import Detonation, DetonationRequest
from lazaretto.domain.errors import InputError
from lazaretto.domain.progress import Listener, Progress
from lazaretto.domain.verdict import State, Status

if TYPE_CHECKING:
    from lazaretto.analysis.behaviours import Catalogue
    from lazaretto.analysis.examine import Examiner
    from lazaretto.analysis.report import Report
    from lazaretto.sandbox.detonate import Sandbox

log = structlog.get_logger(__name__)

# The keys of one object of `--json`, a promise to other programs: only added to, at the end.
# `report.json` has all of these, and more.
KEYS = (
    "file", "sha256", "sha1", "md5", "size", "category", "state", "status", "score", "reason",
    "evidence", "techniques", "engines", "duration_s", "stages", "lost_events",
)  # fmt: skip


def analyze(
    *files: Path,
    report: Annotated[Path | None, Parameter(show_default=False)] = None,
    common: Common = DEFAULT,
) -> int:
    """Say of each file whether it is harmful, how sure that is, and why.

    Each file is run in a disposable machine of its own. Ends with 0 when every file was analysed, harmful or not.

    Parameters
    ----------
    files
        Programs, scripts, documents.
    report
        Folder that keeps, under each file's SHA-256, report.json, trace.jsonl and what was brought back.
    """
    terminal = Terminal.of(common)
    paths = regular_files(files)
    kept = out_directory(report) if report else None
    with open_sandbox(len(paths), _profile(paths[0])) as sandbox:
        from lazaretto.analysis.behaviours import default_folder, load  # noqa: PLC0415  while a machine is made ready

        catalogue = load(default_folder())
        with open_examiner() as examiner:
            tools = Tools(examiner, catalogue, sandbox)
            done = [_one(path, kept, tools, terminal) for path in paths]
    return Exit.DONE if all(done) else Exit.FAILED


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
    """What an analysis is done with."""

    examiner: Examiner
    catalogue: Catalogue
    sandbox: Sandbox


@contextmanager
def open_examiner() -> Iterator[Examiner]:
    """The engines, in a cage of their own."""
    from lazaretto.analysis.cage.host import Cage  # noqa: PLC0415  while a machine is made ready
    from lazaretto.analysis.examine import Examiner  # noqa: PLC0415
    from lazaretto.analysis.findings import load_meanings  # noqa: PLC0415
    from lazaretto.analysis.rulefiles import default_folder  # noqa: PLC0415

    with Cage() as cage:
        yield Examiner(cage, load_meanings(default_folder()))


def _one(path: Path, kept: Path | None, tools: Tools, terminal: Terminal) -> bool:
    """Analyse one file and show the result; whether there is one."""
    from lazaretto.analysis import analyze as analysis  # noqa: PLC0415  help needs no analysis

    with _folder(kept) as folder, progress.shown(terminal) as listener:
        watched = Watched(path.name, tools.sandbox, listener)
        log.debug("analyze.begin", file=str(path))
        watched.tell("waiting")
        try:
            result = analysis.analyze(
                path,
                examiner=tools.examiner,
                detonate=watched,
                catalogue=tools.catalogue,
                out=folder,
                tell=watched.tell,
            )
        except InputError as error:
            terminal.emit(refused(path, error))
            terminal.complain(CommandError(str(error), "analyse it elsewhere, or a smaller file"))
            return False
        finally:
            watched.ended()
        log.info(
            "analyze.done", sha256=result.sha256, status=result.status, state=result.state, seconds=result.duration_s
        )
        place = replace_directory(folder, kept / result.sha256) if kept else None
    terminal.emit(contract(result))
    _show(terminal, result, watched.detonation, place)
    return result.state is not State.FAILED


class Watched:
    """The sandbox as the analysis calls it; tells the progress of one file and remembers the account for showing."""

    def __init__(self, name: str, sandbox: Sandbox, listener: Listener) -> None:
        self.detonation: Detonation | None = None
        self._name = name
        self._sandbox = sandbox
        self._listener = listener

    def __call__(self, request: DetonationRequest) -> Detonation:
        self.detonation = self._sandbox(request, self._from_sandbox)
        return self.detonation

    def tell(self, stage: str) -> None:
        """The analysis begins a stage."""
        self._listener(Progress(self._name, None, stage))

    def ended(self) -> None:
        """Nothing more comes of this file."""
        self._listener(Progress(self._name, 1.0))

    def _from_sandbox(self, report: Progress) -> None:
        """A stage of the sandbox is a detail of the file's: its end is not the file's."""
        share = report.done if report.done is not None and report.done < 1.0 else None
        self._listener(Progress(self._name, share, f"{report.stage} {report.detail}".rstrip()))


def contract(report: Report) -> dict[str, Any]:
    """The object that `--json` prints for a file."""
    return {key: getattr(report, key) for key in KEYS}


def refused(path: Path, error: InputError) -> dict[str, Any]:
    """The same object for a file of which there is no report: nothing of it was read."""
    nothing: dict[str, Any] = {
        **dict.fromkeys(KEYS),
        "file": str(path),
        "state": State.FAILED,
        "status": Status.UNKNOWN,
        "reason": str(error),
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
def _folder(kept: Path | None) -> Iterator[Path]:
    """Where one analysis writes: beside its final place, so that it can be moved there whole, or for a while only."""
    with tempfile.TemporaryDirectory(prefix=".lazaretto-", dir=kept, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _show(terminal: Terminal, result: Report, detonation: Detonation | None, place: Path | None) -> None:
    if terminal.json:
        return
    from lazaretto.cli.report import rendered  # noqa: PLC0415  --json needs no tables

    terminal.say(rendered(result, detonation))
    if place:
        terminal.say(f"kept in {place}")
    terminal.say()
