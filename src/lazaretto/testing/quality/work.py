"""Analyses of many files by several processes, one line of result each, kept as they come."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import structlog

from lazaretto.analysis.analyze import analyze
from lazaretto.analysis.behaviours import Catalogue, default_folder, load
from lazaretto.analysis.cage.host import Cage
from lazaretto.analysis.examine import Examiner
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.report import Inside, Report
from lazaretto.analysis.rulefiles import default_folder as finding_folder
from lazaretto.sandbox.detonate import Sandbox
from lazaretto.sandbox.pool import Pool


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One file to analyse; `key` names it in the results, whatever it is called on disk."""

    key: str
    path: str
    run: bool  # or only look at it


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `failed` are engines that failed, with the reason."""

    key: str
    type: str = ""
    status: str = ""
    score: int | None = None
    reason: str = ""
    techniques: tuple[str, ...] = ()
    evidence: tuple[tuple[str, str, str], ...] = ()  # id, weight, where
    failed: tuple[str, ...] = ()
    ending: str = ""
    seconds: float = 0.0
    trouble: str = ""  # there is no report, and why


class Results:
    """A file of lines, of one commit."""

    def __init__(self, path: Path, commit: str) -> None:
        self.path = path.with_name(f"{path.stem}-{commit}{path.suffix}")
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def mend(self) -> None:
        """Cut off a last line that was not written whole."""
        if self.path.exists():
            os.truncate(self.path, self.path.read_bytes().rfind(b"\n") + 1)

    def lines(self) -> list[Line]:
        if not self.path.exists():
            return []
        return [msgspec.json.decode(line, type=Line) for line in self.path.read_bytes().splitlines()]

    def add(self, line: Line) -> None:
        with self.path.open("ab") as file:  # one write to the end: several processes share the file
            file.write(msgspec.json.encode(line) + b"\n")


def work(tasks: Sequence[Task], results: Results, *, workers: int, tell: Callable[[int, int, str], None]) -> list[Line]:
    """Does those tasks that have no line yet; all lines of the tasks, in the order of the tasks."""
    results.mend()
    known = {line.key: line for line in results.lines()}
    missing = [task for task in tasks if task.key not in known]
    # What is only looked at is so quick that the start of a cage would be most of a small share.
    size = 40 if any(task.run for task in tasks) else max(40, -(-len(missing) // (4 * workers)))
    chunks = [missing[start : start + size] for start in range(0, len(missing), size)]
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(prefix="lazaretto-quality-") as place,
        ProcessPoolExecutor(workers, mp_context=context, initializer=_quiet) as processes,
    ):
        asked = [processes.submit(_chunk, chunk, place, results) for chunk in chunks]
        done = len(tasks) - len(missing)
        for future in as_completed(asked):
            done += future.result()
            tell(done, len(tasks), results.path.name)
    lines = {line.key: line for line in results.lines()}
    return [lines[task.key] for task in tasks if task.key in lines]


def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))


def _chunk(tasks: Sequence[Task], place: str, results: Results) -> int:
    """One process's share: its own cage, its own machines."""
    with ExitStack() as open_things:
        examiner = Examiner(open_things.enter_context(Cage()), load_meanings(finding_folder()))
        catalogue = load(default_folder())
        sandbox = None
        if any(task.run for task in tasks):
            sandbox = Sandbox(open_things.enter_context(Pool(size=1)))
        for task in tasks:
            results.add(_one(task, examiner, catalogue, sandbox if task.run else None, Path(place)))
    return len(tasks)


def _one(task: Task, examiner: Examiner, catalogue: Catalogue, sandbox: Sandbox | None, place: Path) -> Line:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=place) as out:
        try:
            report = analyze(Path(task.path), examiner=examiner, detonate=sandbox, catalogue=catalogue, out=Path(out))
        except Exception as error:  # whatever it is, it is a result
            return Line(key=task.key, trouble=f"{type(error).__name__}: {error}"[:300])
    return line_of(task.key, report, time.perf_counter() - began)


def line_of(key: str, report: Report, seconds: float) -> Line:
    """What the measures need of a report."""
    return Line(
        key=key,
        type=report.type,
        status=str(report.status),
        score=report.score,
        reason=report.reason[:200],
        techniques=report.techniques,
        evidence=tuple((e.id, str(e.weight), "/".join(e.where)) for e in report.evidence),
        failed=tuple(sorted(set(_failures(report)))),
        ending=str(report.run.ending) if report.run else "",
        seconds=round(seconds, 3),
    )


def _failures(report: Report) -> Iterator[str]:
    nodes: list[Any] = [report]
    while nodes:
        node: Report | Inside = nodes.pop()
        yield from (f"{looked.engine}: {looked.failed}" for looked in node.looked if looked.failed)
        nodes += [*node.inside, *node.parts]
