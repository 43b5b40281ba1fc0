"""`make quality`: the measures, printed as the tables of docs/quality.md."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from lazaretto.testing.bench import about, computer
from lazaretto.testing.programs import Programs
from lazaretto.testing.quality import measures
from lazaretto.testing.quality.benign import COLLECTIONS, gathered
from lazaretto.testing.quality.emulations import Emulation, load
from lazaretto.testing.quality.gather import keep, listed
from lazaretto.testing.quality.measures import Section
from lazaretto.testing.quality.seeds import seeds
from lazaretto.testing.quality.work import Line, Results, Task, work

MEASURES = ("recall", "benign", "stable", "robust", "benign-run")
ROOT = Path(__file__).parents[4]
LIST = ROOT / "quality" / "material.toml"
STABLE = 10  # files
MOST_NOTES = 60


class Quality:
    """What all measures share. `chosen` are the command's options."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self.computer = computer()
        self.out: Path = chosen.out
        self.programs = Programs(self.out / "programs")
        self.workers: int = chosen.workers
        self.most: int = chosen.most  # files of each collection
        self.runs: int = chosen.runs  # of each file whose stability is measured
        self.seeds: int = chosen.seeds  # files of each collection that are damaged
        self.variants: int = chosen.variants  # damaged copies of each file
        self.material = _material(chosen)
        self.packages = listed.load(LIST)
        self.collections = [
            one for one in (*COLLECTIONS, *gathered(self.material)) if chosen.only.lower() in one.name.lower()
        ]
        self.emulations = load(ROOT / "quality" / "emulations")

    def recall(self) -> Section:
        tasks = measures.recall_tasks(self.emulations, self.programs)
        return measures.recall(self.emulations, self._work("recall", tasks))

    def benign(self) -> Section:
        return self._benign("benign", self.most, run=False)

    def benign_run(self) -> Section:
        return self._benign("benign-run", max(self.most // 50, 5), run=True)

    def _benign(self, name: str, most: int, *, run: bool) -> Section:
        lines = self._work(name, measures.benign_tasks(self.collections, most, run=run))
        remarks = keep.remarks(self.packages, self.material)
        return measures.benign(self.collections, lines, run=run, origins=keep.origins(self.material), remarks=remarks)

    def stable(self) -> Section:
        """Emulations of all kinds of language, one after the other."""
        by_language: dict[tuple[str, str], list[Emulation]] = {}
        for one in self.emulations:
            by_language.setdefault((one.platform, one.language), []).append(one)
        chosen = [group[len(group) // 2] for group in by_language.values()]
        chosen += [group[0] for group in by_language.values() if len(group) > 1]
        files = [one.made(self.programs) for one in chosen[:STABLE]]
        return measures.stable(self._work("stable", measures.stable_tasks(files, self.runs)))

    def robust(self) -> Section:
        """Files of the collections, and made ones of what the collections lack."""
        files = [(file.name, file.read_bytes()) for one in self.collections for file in one.files(self.seeds)]
        with tempfile.TemporaryDirectory(prefix="lazaretto-damaged-") as folder:
            tasks = measures.robust_tasks([*files, *seeds().items()], Path(folder), self.variants)
            return measures.robust(self._work("robust", tasks))

    def _work(self, name: str, tasks: list[Task]) -> list[Line]:
        return work(tasks, Results(self.out / f"{name}.jsonl", self.computer.commit), workers=self.workers, tell=_tell)


def _tell(done: int, total: int, name: str) -> None:
    sys.stderr.write(f"{name}: {done} of {total}\n")
    sys.stderr.flush()


def _material(chosen: argparse.Namespace) -> Path:
    return Path(chosen.material or chosen.out / "material")


def _gather(folder: Path) -> Section:
    def tell(what: str) -> None:
        sys.stderr.write(f"{what}\n")

    packages = listed.load(LIST)
    return measures.gathered(packages, keep.gather(packages, folder, tell))


def text(section: Section) -> str:
    """Markdown."""
    lines = [
        f"## {section.title}",
        "",
        section.sentence,
        "",
        "| " + " | ".join(section.head) + " |",
        "|---" * len(section.head) + "|",
    ]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in section.rows]
    if section.notes:
        lines += ["", *(f"- {note}" for note in section.notes[:MOST_NOTES])]
        if len(section.notes) > MOST_NOTES:
            lines.append(f"- and {len(section.notes) - MOST_NOTES} more")
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="quality", description=__doc__)
    parser.add_argument(
        "measures", nargs="*", help=f"which: {', '.join(MEASURES)} (all); or gather [FOLDER]: fetch what benign counts"
    )
    parser.add_argument("--out", type=Path, default=ROOT / ".quality", help="where results are kept (.quality)")
    parser.add_argument("--most", type=int, default=1500, help="files of each collection of benign ones (1500)")
    parser.add_argument("--runs", type=int, default=20, help="of each file whose stability is measured (20)")
    parser.add_argument("--variants", type=int, default=20, help="damaged copies of each file (20)")
    parser.add_argument("--seeds", type=int, default=6, help="files of each collection that are damaged (6)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only collections with this in their name")
    parser.add_argument("--material", type=Path, help="where gathered files are kept (OUT/material)")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="processes (one a core)")
    chosen = parser.parse_args(words)
    if chosen.measures[:1] == ["gather"]:
        sys.stdout.write(f"{text(_gather(Path((*chosen.measures[1:], _material(chosen))[0])))}\n")
        return
    if wrong := set(chosen.measures) - set(MEASURES):
        parser.error(f"no such measure: {', '.join(sorted(wrong))}")
    quality = Quality(chosen)
    table: dict[str, Callable[[], Section]] = {
        "recall": quality.recall, "benign": quality.benign, "stable": quality.stable, "robust": quality.robust,
        "benign-run": quality.benign_run,
    }  # fmt: skip
    sys.stdout.write(f"{about(quality.computer)}\n")
    for name in chosen.measures or MEASURES:
        sys.stdout.write(f"\n{text(table[name]())}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
