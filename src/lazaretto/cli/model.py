"""`lazaretto model`: a model of your own, trained from files whose verdict you know."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from lazaretto.cli.common import ARGUMENTS, DEFAULT, OPTIONS, Common
from lazaretto.cli.errors import Exit, WrongUsage
from lazaretto.cli.terminal import Terminal
from lazaretto.domain.text import plain

if TYPE_CHECKING:
    from lazaretto.analysis.cage.host import Cage
    from lazaretto.analysis.model.file import Model

app = App(
    name="model",
    help="""Train a model from files whose verdict you know.

    There is none in this program: what files look like at your place, only you know. It is used once it is named in the
    settings, and what it says never weighs more than moderate.
    """,
    help_epilogue="",
    group_arguments=ARGUMENTS,
    group_parameters=OPTIONS,
)

_HARMFUL = {"malicious", "highly suspicious", "highly-suspicious", "harmful", "1"}
_HARMLESS = {"clean", "benign", "harmless", "0"}


@app.command(help_epilogue="")
def train(labels: Path, *, out: Path, common: Common = DEFAULT) -> int:
    """Train a model from labelled files, and say how well it does on files that it has not seen.

    Parameters
    ----------
    labels
        CSV with the columns path and label; paths are relative to it, labels are statuses (clean, malicious).
    out
        The model's file, to be named in the settings as the file of the section model.
    """
    terminal = Terminal.of(common)
    known = list(_read(labels))
    from lazaretto.analysis.cage.host import Cage  # noqa: PLC0415  a mistake in the labels needs no cage
    from lazaretto.analysis.model import file as models  # noqa: PLC0415

    with Cage() as cage:
        rows, marks = _table(cage, known)
    model = models.train(rows, marks, datetime.datetime.now(datetime.UTC).date())
    try:
        out.write_bytes(models.encoded(model))
    except OSError as error:
        raise WrongUsage(f"{plain(str(out))}: {error.strerror}", "name a file where you may write") from None
    terminal.emit(_told(model, out))
    if not terminal.json:
        _say(terminal, model, out)
    return Exit.DONE


@dataclass(frozen=True)
class _Labelled:
    path: Path
    harmful: bool
    line: int


def _read(labels: Path) -> Iterator[_Labelled]:
    """The labels. Raises `WrongUsage` naming the line of the first that cannot be used."""
    try:
        text = labels.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(
            f"{plain(str(labels))} cannot be read: {error}", "give a CSV with columns path, label"
        ) from None
    reader = csv.DictReader(text.splitlines())
    if not {"path", "label"} <= set(reader.fieldnames or ()):
        raise WrongUsage(f"{plain(str(labels))} has no columns path and label", "its first line must name them")
    for line, row in enumerate(reader, start=2):
        label = str(row["label"]).strip().lower()
        if label not in _HARMFUL | _HARMLESS:
            if label in {"suspicious", "unknown"}:
                continue  # nothing can be learnt from a doubtful one
            raise WrongUsage(
                f"{plain(str(labels))}:{line}: the label {plain(label)!r} is not known", "use clean or malicious"
            )
        path = labels.parent / str(row["path"]).strip()
        if not path.is_file():
            raise WrongUsage(f"{plain(str(labels))}:{line}: there is no file {plain(str(path))}", "mend the path")
        yield _Labelled(path, label in _HARMFUL, line)


def _table(cage: Cage, known: list[_Labelled]) -> tuple[list[dict[str, float]], list[bool]]:
    """The numbers of each file, once for the same bytes; files that no numbers could be had of are left out."""
    with ThreadPoolExecutor(cage.at_once) as threads:
        numbers = list(threads.map(lambda one: _features(cage, one.path), known))
    labels: dict[str, bool] = {}
    rows: list[dict[str, float]] = []
    marks: list[bool] = []
    for one, (sha256, row) in zip(known, numbers, strict=True):
        seen = sha256 in labels
        if labels.setdefault(sha256, one.harmful) is not one.harmful:
            raise WrongUsage(
                f"line {one.line}: {plain(str(one.path))} is there twice with different labels", "choose one"
            )
        if row and not seen:
            rows.append(row)
            marks.append(one.harmful)
    return rows, marks


def _features(cage: Cage, path: Path) -> tuple[str, dict[str, float]]:
    from lazaretto.analysis.cage.host import sheet  # noqa: PLC0415  help needs no analysis
    from lazaretto.analysis.engine import Fact, Identified  # noqa: PLC0415
    from lazaretto.analysis.engines.model import ENGINE, FEATURES  # noqa: PLC0415
    from lazaretto.analysis.identifier import ENGINE as IDENTIFY  # noqa: PLC0415
    from lazaretto.analysis.read import MAX_SIZE, read_sample  # noqa: PLC0415
    from lazaretto.domain.sample import hash_bytes  # noqa: PLC0415

    data = read_sample(path, MAX_SIZE)
    with sheet(data) as fd:
        said = cage.run(IDENTIFY, fd, name=path.name, kind=None).outputs
        kind = next((output.kind for output in said if isinstance(output, Identified)), None)
        told = cage.run(ENGINE, fd, name=path.name, kind=kind, options={FEATURES: True}).outputs
    words = next((output.value for output in told if isinstance(output, Fact) and output.name == FEATURES), ())
    row = {}
    for word in words if isinstance(words, tuple) else ():
        name, _, value = word.partition("=")
        row[name] = float(value)
    return hash_bytes(data).hashes.sha256, row


def _told(model: Model, out: Path) -> dict[str, object]:
    return {
        "model": str(out), "made": model.made, "harmful": model.harmful, "harmless": model.harmless, "area": model.area,
        "figures": [{"threshold": f.threshold, "found": f.found, "blamed": f.blamed} for f in model.figures],
    }  # fmt: skip


def _say(terminal: Terminal, model: Model, out: Path) -> None:
    terminal.say(f"trained on {model.harmful} harmful and {model.harmless} harmless files; kept in {plain(str(out))}")
    terminal.say(f"on files it had not seen (cross-validation): area under the curve {model.area:.3f}")
    for name, figures in zip(("from one half on", "as maybe harmful", "as likely harmful"), model.figures, strict=True):
        terminal.say(
            f"  {name} ({figures.threshold:.2f}): finds {figures.found:.1%} of the harmful, "
            f"blames {figures.blamed:.1%} of the harmless"
        )
