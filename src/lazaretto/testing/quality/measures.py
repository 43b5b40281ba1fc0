"""The four measures, each from lines of results to a table. What a table counts is said in its sentence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from lazaretto.testing.programs import Programs
from lazaretto.testing.quality.benign import Collection
from lazaretto.testing.quality.damage import damaged
from lazaretto.testing.quality.emulations import HALVES, Emulation
from lazaretto.testing.quality.gather.keep import Gathered
from lazaretto.testing.quality.gather.listed import Package
from lazaretto.testing.quality.gather.take import Kind
from lazaretto.testing.quality.work import Line, Task

BAD = ("suspicious", "highly suspicious", "malicious")
ALARMS = frozenset(BAD)


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One part of docs/quality.md. `notes` name what went wrong, file by file."""

    title: str
    sentence: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


# --- recall -----------------------------------------------------------------------------------------------------------


def recall_tasks(emulations: Sequence[Emulation], programs: Programs) -> list[Task]:
    return [Task(key=one.key, path=str(one.made(programs)), run=True) for one in emulations]


def recall(emulations: Sequence[Emulation], lines: Iterable[Line]) -> Section:
    """By tactic and half: of how many acts a right technique was named, and of how many the file is an alarm."""
    results = {line.key: line for line in lines}
    done = [one for one in emulations if one.key in results]
    tactics = sorted({one.tactic for one in done})
    rows = [_recall_row(tactic, [one for one in done if one.tactic == tactic], results) for tactic in tactics]
    rows.append(_recall_row("all", done, results))
    missed = [
        f"`{one.key}` ({', '.join(one.techniques)}): {results[one.key].trouble or results[one.key].status}"
        for one in done
        if one.half == "open" and not one.recognised(results[one.key].techniques)  # the held half stays unknown
    ]
    return Section(
        title="Techniques recognised",
        sentence="Each act was detonated. It is recognised if a finding names one of the techniques that its author "
        "wrote down, or the technique's parent or child. An alarm is a verdict of suspicious or worse; an act that "
        "programs do every day (looking at the system) should be recognised without one.",
        head=("tactic", "acts", *(f"recognised, {half}" for half in HALVES), "alarm"),
        rows=tuple(rows),
        notes=tuple(missed),
    )


def _recall_row(tactic: str, acts: Sequence[Emulation], results: dict[str, Line]) -> tuple[str, ...]:
    halves = []
    for half in HALVES:
        own = [one for one in acts if one.half == half]
        halves.append(_share(sum(one.recognised(results[one.key].techniques) for one in own), len(own)))
    alarms = sum(results[one.key].status in ALARMS for one in acts)
    return (tactic, str(len(acts)), *halves, _share(alarms, len(acts)))


# --- benign -----------------------------------------------------------------------------------------------------------


def benign_tasks(collections: Sequence[Collection], most: int, *, run: bool) -> list[Task]:
    """`most` of each collection. The key begins with the collection's name."""
    return [Task(key=f"{one.name}: {path}", path=str(path), run=run) for one in collections for path in one.files(most)]


def benign(
    collections: Sequence[Collection],
    lines: Sequence[Line],
    *,
    run: bool,
    origins: Mapping[str, str] | None = None,
    remarks: Sequence[str] = (),
) -> Section:
    """By collection: how many of each verdict. `origins` says of a file's name where it is from, `remarks` are added
    to the notes."""
    by: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by[line.key.partition(": ")[0]].append(line)
    rows = [_benign_row(one, by[one.name]) for one in collections]
    rows.append(_row("all", lines))
    return Section(
        title="Harmless software, detonated" if run else "Harmless software, looked at",
        sentence="Files of the computer that measured, and of packages that were gathered. "
        "The goal: none malicious, under 0.5 % suspicious or worse.",
        head=("files", "number", "clean", "unknown", *BAD, "suspicious or worse", "median s"),
        rows=tuple(rows),
        notes=tuple(
            f"{line.status} {line.score}: `{_named(line.key, origins or {})}`: "
            f"{line.trouble or ', '.join(f'{e[0]} ({e[1]})' for e in line.evidence[:6])}"
            for line in sorted(lines, key=lambda line: -(line.score or 0))
            if line.status in ALARMS or line.trouble
        )
        + tuple(remarks),
    )


def _named(key: str, origins: Mapping[str, str]) -> str:
    collection, _, path = key.partition(": ")
    return f"{collection}: {origins.get(Path(path).name, path)}"


def _benign_row(collection: Collection, lines: Sequence[Line]) -> tuple[str, ...]:
    return _row(collection.name, lines)


def _row(name: str, lines: Sequence[Line]) -> tuple[str, ...]:
    status = Counter(line.status or "no report" for line in lines)
    alarms = sum(status[bad] for bad in BAD)
    counted = tuple(str(status[name]) for name in ("clean", "unknown", *BAD))
    return (name, str(len(lines)), *counted, _percent(alarms, len(lines)), _median([line.seconds for line in lines]))


def gathered(packages: Sequence[Package], outcomes: Sequence[Gathered]) -> Section:
    """A row a package: how many files of each kind it brought."""
    rows = []
    for package, one in zip(packages, outcomes, strict=True):
        kinds = Counter(Path(file.file).parent.name for file in one.files)
        counted = tuple(str(kinds[kind]) for kind in Kind)
        rows.append((package.registry, package.name, package.version, *counted, package.what))
    files = {file.file for one in outcomes for file in one.files}
    total = Counter(Path(file).parent.name for file in files)
    rows.append(("all", str(len(rows)), "", *(str(total[kind]) for kind in Kind), "different files"))
    return Section(
        title="Gathered material",
        sentence="Files taken out of packages that quality/material.toml names; nothing of them was installed or run.",
        head=("registry", "package", "version", *Kind, "for"),
        rows=tuple(rows),
        notes=tuple(f"{one.package}: not gathered: {one.trouble}" for one in outcomes if one.trouble),
    )


# --- stability --------------------------------------------------------------------------------------------------------


def stable_tasks(files: Sequence[Path], runs: int) -> list[Task]:
    return [Task(key=f"{file.name}#{run}", path=str(file), run=True) for file in files for run in range(runs)]


def stable(lines: Iterable[Line]) -> Section:
    """A row a file: how many different verdicts and sets of evidence its runs gave."""
    by: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by[line.key.rpartition("#")[0]].append(line)
    rows = []
    for name, runs in by.items():
        verdicts = Counter(f"{run.status} {run.score or ''}".strip() for run in runs)
        sets = Counter(tuple(sorted({e[0] for e in run.evidence})) for run in runs)
        common = sets.most_common(1)[0][0] if sets else ()
        differing = sorted({each for found in sets for each in set(found) ^ set(common)})
        rows.append(
            (name, str(len(runs)), ", ".join(verdicts), str(len(verdicts)), str(len(sets)), ", ".join(differing))
        )
    return Section(
        title="The same answer again",
        sentence="Each file was analysed anew so many times, machine and all.",
        head=("file", "runs", "verdicts", "different", "sets of findings", "findings not in all"),
        rows=tuple(rows),
    )


# --- robustness -------------------------------------------------------------------------------------------------------


def robust_tasks(seeds: Sequence[tuple[str, bytes]], folder: Path, variants: int) -> list[Task]:
    """Writes the damaged files into `folder`; each seed is a name and the content."""
    tasks = []
    for number, (seed, whole) in enumerate(seeds):
        for name, content in damaged(whole[: 1 << 20], number, variants):
            path = folder / f"{number}-{name}-{seed[-40:]}"
            path.write_bytes(content)
            tasks.append(Task(key=path.name, path=str(path), run=False))
    return tasks


def robust(lines: Sequence[Line]) -> Section:
    """A row a type as identified after the damage: troubles, engines that failed, the longest time."""
    by: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by[line.type or "(no report)"].append(line)
    rows = [
        (
            kind,
            str(len(group)),
            str(sum(bool(line.trouble) for line in group)),
            str(sum(bool(line.failed) for line in group)),
            f"{max(line.seconds for line in group):.2f}",
            str(sum(line.status in ALARMS for line in group)),
        )
        for kind, group in sorted(by.items())
    ]
    return Section(
        title="Damaged files",
        sentence="Benign files of every type, cut, changed and repeated in places. An engine that failed costs its own "
        "finding and the report says so; no report at all would be a defect.",
        head=("type after the damage", "files", "no report", "an engine failed", "longest, s", "suspicious or worse"),
        rows=tuple(rows),
        notes=tuple(
            f"`{line.key}`: {line.trouble or '; '.join(line.failed)}" for line in lines if line.trouble or line.failed
        ),
    )


# --- numbers ----------------------------------------------------------------------------------------------------------


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.0f} %)" if whole else "-"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "-"


def _median(seconds: Sequence[float]) -> str:
    return f"{sorted(seconds)[len(seconds) // 2]:.2f}" if seconds else "-"
