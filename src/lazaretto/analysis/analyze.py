"""The main job: a file in, a report out.

    bytes ──> tree of what is inside, looked at by the engines (cage) ─┐
      └─────> runs of what can be run (sandbox) ──> traces, artifacts ─┴─> rules, scoring ──> report

The tree is made while the file runs. Of a container that does not run itself, the files inside that can be run are, the
most suspicious first, as many as the options allow. A sandbox that gives no account ends in a report in state `failed`
with the reason: the file is then unknown, never clean. What is raised is an `InputError`, there was nothing to analyse,
or `CageFailed`, it cannot be looked at safely.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from lazaretto.analysis.assemble import assemble
from lazaretto.analysis.behaviours import Catalogue
from lazaretto.analysis.examine import Examiner
from lazaretto.analysis.formats.types import FileType
from lazaretto.analysis.material import material_of, write_material
from lazaretto.analysis.memory import with_memory
from lazaretto.analysis.read import read_sample
from lazaretto.analysis.report import Report, write_report
from lazaretto.analysis.runs import Options, Ran, left_unrun, run_file, run_members, why_not_run
from lazaretto.analysis.tree import Node
from lazaretto.domain.detonation import Detonator
from lazaretto.domain.text import utf8

__all__ = ["Clock", "Options", "analyze"]


class Clock:
    """Seconds spent in named stages, told to `tell` as each begins."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.stages: dict[str, float] = {}
        self.tell = tell
        self.began = time.perf_counter()
        self.when = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

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
    examiner: Examiner,
    detonate: Detonator | None,
    catalogue: Catalogue,
    out: Path,
    options: Options | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Analyses one file; the report, also written to `out/report.json` beside what it was made of.

    `out` is created. `detonate` None, or `options.run` False: nothing is run, and the report says so. `tell` gets the
    name of each stage as it begins. Raises `UnreadableFile`, `FileTooLarge` or `CageFailed`.
    """
    chosen = options or Options()
    if not chosen.run:
        detonate = None
    clock = Clock(tell)
    name = utf8(file.name)
    with clock.stage("read"):
        data = read_sample(file, chosen.max_size)
        out.mkdir(parents=True, exist_ok=True)
    with clock.stage("identify"):
        kind = _overridden(examiner.identify(data, name), chosen)
    contents: dict[str, bytes] = {}
    with ThreadPoolExecutor(1, thread_name_prefix="examine") as beside:
        examined = beside.submit(_examined, examiner, data, clock, name=name, kind=kind, contents=contents)
        ran: tuple[Ran, ...] = ()
        if detonate is not None and kind.detonable:
            with clock.stage("detonate"):
                ran = (run_file(file, name, kind, detonate, out=out, options=chosen),)
        tree = examined.result()
    if detonate is not None and not kind.detonable:
        with clock.stage("detonate"):
            ran = run_members(tree, contents, detonate, out, chosen)
    with clock.stage("memory"):
        tree = with_memory(examiner, tree, ran, out)
    with clock.stage("judge"):
        not_run = () if ran else why_not_run(kind, has_sandbox=detonate is not None, asked=chosen.run)
        if not chosen.run:
            tree, inside = left_unrun(tree)
            not_run += inside
        report = assemble(utf8(str(file)), tree, ran, catalogue, examiner.meanings, not_run=not_run)
    stages = {name: round(seconds, 4) for name, seconds in clock.stages.items()}
    whole = msgspec.structs.replace(
        report,
        run_asked=chosen.run,
        when=clock.when,
        duration_s=round(clock.total, 4),
        stages={**stages, **report.stages},
    )
    write_material(material_of(utf8(str(file)), tree, ran, examiner.meanings, not_run=not_run), out)
    write_report(whole, out)
    return whole


def _examined(
    examiner: Examiner, data: bytes, clock: Clock, *, name: str, kind: FileType, contents: dict[str, bytes]
) -> Node:
    def keep(node: Node, content: bytes) -> None:
        if node.kind.detonable:
            contents[node.sample.hashes.sha256] = content

    with clock.stage("examine"):
        return examiner(data, name, kind=kind, keep=keep)


def _overridden(kind: FileType, options: Options) -> FileType:
    """The type with the profile and start that were asked for."""
    if not options.profile and not options.launch:
        return kind
    return msgspec.structs.replace(kind, profile=options.profile or kind.profile, launch=options.launch or kind.launch)
