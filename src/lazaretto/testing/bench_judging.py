"""How long it takes to judge without running, as a table: `make bench-judging`.

* *one file*: a file of about a megabyte looked at by all engines, cage and all, once the cage is warm; the median.
* *YARA*: scans of large programs in the cage beside the same scans by the library alone.
* *yardstick*: a loop of Python without anything of this program; computers that others share are not always as quick.
* *command*: a command of this program from its start to its end, without work.
* *many*: small files of this computer, one process a core, files a minute.

The files are made here or are files of the computer, by the collections of the quality measures.
"""

from __future__ import annotations

import argparse
import base64
import importlib.util
import os
import random
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Literal

import msgspec
import yara_x

from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.engines.yara import ENGINE as YARA
from lazaretto.analysis.examine import Examiner
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.formats.types import TYPES
from lazaretto.analysis.rulefiles import default_folder
from lazaretto.testing.bench import about, computer
from lazaretto.testing.programs import Programs, ToolMissing
from lazaretto.testing.quality.benign import COLLECTIONS
from lazaretto.testing.quality.work import Results, Task, work
from lazaretto.testing.vba import docm

ONE_FILE, COMMAND, MANY, CAGED = 0.150, 0.4, 1000.0, 1.1  # targets: seconds, seconds, files a minute, times
_MEGABYTE = 1 << 20
Unit = Literal["s", "a minute", "times"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. `value` is in `unit`."""

    name: str
    value: float | None
    target: float
    unit: Unit = "s"
    note: str = ""

    @property
    def met(self) -> bool:
        return self.value is not None and (
            self.value >= self.target if self.unit == "a minute" else self.value <= self.target
        )


def _program(programs: Programs) -> bytes:
    table = ",".join(str(number * 2654435761 % (1 << 32)) + "u" for number in range(_MEGABYTE // 4))
    source = f"#include <windows.h>\nconst unsigned t[] = {{{table}}};\nint main(int c, char **v) {{ return t[c]; }}\n"
    return programs.pe(source, name="mega.exe").read_bytes()


def _javascript(_: Programs) -> bytes:
    """Real code, close together: a bundle of the browser driver that the tests use."""
    found = importlib.util.find_spec("playwright")
    if found is None or found.origin is None:
        raise ToolMissing("playwright is not installed")
    return (Path(found.origin).parent / "driver/package/lib/coreBundle.js").read_bytes()[:_MEGABYTE]


def _python(_: Programs) -> bytes:
    """Real code: Python's own library, file after file."""
    text = b""
    for file in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        text += file.read_bytes() + b"\n"
    return text[:_MEGABYTE]


def _dropper(_: Programs) -> bytes:
    """As large harmful scripts mostly are: little code around a program as text. This one decodes noise and ends."""
    noise = random.Random(1).randbytes(_MEGABYTE * 3 // 4)  # noqa: S311  the same noise each time
    text = base64.b64encode(noise).decode()
    pieces = " +\n  ".join(f'"{text[at : at + 900]}"' for at in range(0, len(text), 900))
    return f"var d = {pieces};\nvar n = atob(d).length;\nWScript.Echo(n);\n".encode()


def _document(_: Programs) -> bytes:
    macro = 'Sub Greet()\n    MsgBox "Hello, " & Environ("USERNAME")\nEnd Sub\n' * 50
    holder = BytesIO(docm(macro))
    with zipfile.ZipFile(holder, "a") as archive:
        archive.writestr("word/media/image1.bin", os.urandom(_MEGABYTE))
    return holder.getvalue()


def _pdf(_: Programs) -> bytes:
    page = b"BT /F1 12 Tf 72 700 Td (A line of text) Tj ET\n" * 500
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    count = _MEGABYTE // len(page)
    objects.append(
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (count, b" ".join(b"%d 0 R" % (3 + 2 * n) for n in range(count)))
    )
    for number in range(count):
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R >>" % (4 + 2 * number))
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page))
    body, places = b"%PDF-1.5\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end


FILES: tuple[tuple[str, str, Callable[[Programs], bytes]], ...] = (
    ("64-bit PE, 1 MB", "mega.exe", _program),
    ("JavaScript, nothing but code, 1 MB", "mega.js", _javascript),
    ("Python, nothing but code, 1 MB", "mega.py", _python),
    ("JavaScript that carries 1 MB as text", "carrier.js", _dropper),
    ("document with macros and a picture, 1 MB", "mega.docm", _document),
    ("PDF, 1 MB", "mega.pdf", _pdf),
)


def one_file(runs: int, programs: Programs) -> list[Row]:
    rows = []
    with Cage() as cage:
        examiner = Examiner(cage, load_meanings(default_folder()))
        examiner(b"warm", "warm.txt")
        for title, name, make in FILES:
            try:
                data = make(programs)
            except ToolMissing as missing:
                rows.append(Row(name=title, value=None, target=ONE_FILE, note=str(missing)))
                continue
            rows.append(Row(name=title, value=_median(runs, partial(examiner, data, name)), target=ONE_FILE))
    return rows


def command(runs: int) -> Row:
    start = "import sys; from lazaretto.cli.main import main; sys.exit(main())"
    line = [sys.executable, "-c", start, "analyze", "--help"]
    value = _median(runs, lambda: subprocess.run(line, capture_output=True, check=True))
    return Row(name="`lazaretto analyze --help`", value=value, target=COMMAND)


def yardstick(runs: int) -> str:
    """How quick this computer is just now, in words."""

    def loop() -> None:
        for _ in range(10_000_000):
            pass

    return f"yardstick, ten million empty turns of a loop: {_median(runs, loop) * 1000:.0f} ms"


def many(count: int, place: Path) -> Row:
    files = [file for each in COLLECTIONS for file in each.files(count // 4) if file.stat().st_size < 64 << 10]
    step = max(len(files) / count, 1.0)
    chosen = [files[int(number * step)] for number in range(int(len(files) / step))]
    tasks = [Task(key=str(number), path=str(file), run=False) for number, file in enumerate(chosen)]
    cores = len(os.sched_getaffinity(0))
    began = time.perf_counter()
    work(tasks, Results(place / "many.jsonl", "bench"), workers=cores, tell=lambda *_: None)
    rate = len(tasks) * 60 / (time.perf_counter() - began)
    return Row(name=f"{len(tasks)} small files, {cores} at a time", value=rate, target=MANY, unit="a minute")


def _median(runs: int, once: Callable[[], object]) -> float:
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        once()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def yara(count: int) -> Row:
    """How much longer a scan takes in the cage, fork and all, than by the library alone in this process."""
    files = [file for file in COLLECTIONS[0].files(0) if file.stat().st_size > 4 * _MEGABYTE][:count]
    rules = YARA.brings({}) if YARA.brings else None
    if rules is None:
        raise RuntimeError("the engine brings no rules")
    compiled = yara_x.Rules.deserialize_from(BytesIO(rules.data))
    caged = alone = 0.0
    with Cage(at_once=1) as cage:
        for file in files:
            data = file.read_bytes()
            with sheet(data) as fd:
                once = partial(cage.run, YARA, fd, name=file.name, kind=TYPES["elf-exe"])
                once()
                caged += _median(3, once)
            alone += _median(3, partial(_scan, compiled, data))
    title = f"YARA-X in the cage against the library alone, {len(files)} programs over 4 MB"
    return Row(name=title, value=caged / alone, target=CAGED, unit="times")


def _scan(rules: yara_x.Rules, data: bytes) -> None:
    yara_x.Scanner(rules).scan(data)


def _said(value: float, unit: Unit) -> str:
    return {"s": f"{value * 1000:.0f} ms", "a minute": f"{value:.0f} a minute", "times": f"{value:.2f} times"}[unit]


def table(rows: Sequence[Row]) -> str:
    """Markdown."""
    lines = ["| what | median | target | met |", "|---|---|---|---|"]
    for row in rows:
        value = row.note if row.value is None else _said(row.value, row.unit)
        target = f"at {'least' if row.unit == 'a minute' else 'most'} {_said(row.target, row.unit)}"
        lines.append(f"| {row.name} | {value} | {target} | {'yes' if row.met else '**no**'} |")
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench_judging", description="Measure how long judging takes here.")
    parser.add_argument("--runs", type=int, default=15, help="runs of each (15)")
    parser.add_argument("--files", type=int, default=1000, help="small files (1000)")
    chosen = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="lazaretto-bench-") as folder:
        place = Path(folder)
        before = yardstick(5)
        rows = [*one_file(chosen.runs, Programs(place)), yara(20), command(chosen.runs), many(chosen.files, place)]
        after = yardstick(5)
    sys.stdout.write(f"{about(computer())}\n- {before}; {after.rpartition(': ')[2]} after\n\n{table(rows)}\n")


if __name__ == "__main__":
    main()
