"""How long a detonation takes on this computer, as a table: `make bench` (`--help` after the module for options).

Two clocks are read for every kind of sample:

* *ready*: from the request to a `Sandbox` in whose pool a restored machine waits, to the trace written.
* *command*: the whole of `lazaretto analyze --json --report DIR FILE`, started anew: Python, catalogue, image check,
  unpacking of the warm state, restore, run, account, verdict, report. The targets are for this one.

The samples are a few lines each, compiled where the benchmark runs. Nothing is tuned to them. Waiting is measured as
what a sample that waits takes longer than the same sample that does not.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import structlog

from lazaretto.domain.detonation import DetonationRequest
from lazaretto.sandbox.detonate import Sandbox
from lazaretto.sandbox.image.store import qemu_version
from lazaretto.sandbox.machine.state import States
from lazaretto.sandbox.pool import Pool, dispose, restore
from lazaretto.testing.programs import Programs, ToolMissing
from lazaretto.testing.vba import docm

# --- samples ----------------------------------------------------------------------------------------------------------

_PE = """
#include <windows.h>
int main(void)
{
	DWORD n;
	HANDLE f = CreateFileA("bench.txt", GENERIC_WRITE, 0, 0, CREATE_ALWAYS, 0, 0);
	WriteFile(f, "bench", 5, &n, 0);
	CloseHandle(f);
	for (int i = 0; i < TIMES; i++) Sleep(MILLISECONDS);
	return 7;
}
"""

_ELF = """
#include <stdio.h>
#include <time.h>
int main(void)
{
	FILE *f = fopen("/tmp/bench.txt", "w");
	fputs("bench", f);
	fclose(f);
	struct timespec pause = {MILLISECONDS / 1000, MILLISECONDS % 1000 * 1000000};
	for (int i = 0; i < TIMES; i++) nanosleep(&pause, 0);
	return 7;
}
"""

_JS = """
var fso = new ActiveXObject("Scripting.FileSystemObject");
var f = fso.CreateTextFile("bench.txt", true);
f.WriteLine("bench");
f.Close();
WScript.Quit(7);
"""

_VBS = """
Set fso = CreateObject("Scripting.FileSystemObject")
Set f = fso.CreateTextFile("bench.txt", True)
f.WriteLine "bench"
f.Close
WScript.Quit 7
"""

_BAT = "@echo off\r\necho bench > bench.txt\r\nexit /b 7\r\n"
_SH = "#!/bin/sh\necho bench > /tmp/bench.txt\nexit 7\n"
_MACRO = """
Sub Document_Open()
    Open Environ("TEMP") & "/bench.txt" For Output As #1
    Print #1, "bench"
    Close #1
End Sub
"""

_ENOUGH = 1800.0  # guest seconds: more than the longest of the waits below


def _waits(source: str, times: int, milliseconds: int) -> str:
    return f"#define TIMES {times}\n#define MILLISECONDS {milliseconds}\n{source}"


@dataclass(frozen=True)
class Case:
    """One kind of sample. `limit` is the target in seconds, with `against` for what it takes longer than that one."""

    name: str
    profile: str
    launch: str
    make: Callable[[Programs], Path]
    limit: float | None = None
    against: str = ""

    @property
    def target(self) -> str:
        if self.limit is None:
            return ""
        return f"at most {self.limit:g} s more" if self.against else f"under {self.limit:g} s"


def _pe(bits: int, times: int = 0, milliseconds: int = 0) -> Callable[[Programs], Path]:
    return lambda programs: programs.pe(_waits(_PE, times, milliseconds), bits=bits, name=f"bench{bits}.exe")


def _elf(times: int = 0, milliseconds: int = 0) -> Callable[[Programs], Path]:
    return lambda programs: programs.c(_waits(_ELF, times, milliseconds), name="bench")


def _text(name: str, text: str) -> Callable[[Programs], Path]:
    return lambda programs: programs.file(name, text)


CASES = (
    Case("64-bit PE", "windows", "exe", _pe(64), 2.5),
    Case("32-bit PE", "windows", "exe", _pe(32), 2.5),
    Case(".js", "windows", "js", _text("bench.js", _JS), 4),
    Case(".vbs", "windows", "vbs", _text("bench.vbs", _VBS), 4),
    Case(".bat", "windows", "bat", _text("bench.bat", _BAT), 4),
    Case("shell script", "linux", "sh", _text("bench.sh", _SH), 1.5),
    Case("ELF", "linux", "elf", _elf(), 1.5),
    Case("document with a macro", "office", "doc", lambda programs: programs.file("bench.docm", docm(_MACRO)), 6),
    Case("PE that sleeps 10 min at once", "windows", "exe", _pe(64, 1, 600_000), 2, "64-bit PE"),
    Case("ELF that sleeps 10 min at once", "linux", "elf", _elf(1, 600_000), 2, "ELF"),
    Case("PE that sleeps 25 min, 1,500 x 1 s", "windows", "exe", _pe(64, 1_500, 1_000), 6, "64-bit PE"),
    Case("ELF that sleeps 25 min, 1,500 x 1 s", "linux", "elf", _elf(1_500, 1_000), 6, "ELF"),
    Case("PE that sleeps 25 min, 15,000 x 0.1 s", "windows", "exe", _pe(64, 15_000, 100), 6, "64-bit PE"),
    Case("ELF that sleeps 25 min, 15,000 x 0.1 s", "linux", "elf", _elf(15_000, 100), 6, "ELF"),
)
RESTORE_LIMIT = 0.5
SUSTAINED_LIMIT = 30.0  # small PEs a minute


# --- results ----------------------------------------------------------------------------------------------------------


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of each run, in order."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        if len(self.seconds) < 2:
            return self.median, self.median
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return low, high

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.quartiles[0]:.2f}-{self.quartiles[1]:.2f})"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. `value` is what the target is for, in seconds, or samples a minute."""

    name: str
    profile: str
    ready: Timing | None = None
    command: Timing | None = None
    value: float | None = None
    target: str = ""
    met: bool | None = None
    load: float = 0.0  # average of processes that were ready to run, of the last minute, when it began
    note: str = ""


class Computer(msgspec.Struct, frozen=True, kw_only=True):
    """What it was measured on."""

    processor: str
    cores: int
    memory_gib: float
    kernel: str
    qemu: str
    python: str
    commit: str
    date: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    computer: Computer
    runs: int
    rows: tuple[Row, ...]


def judged(case: Case, ready: Timing | None, command: Timing | None, rows: Sequence[Row], load: float = 0.0) -> Row:
    """The case's line: its median, or by how much its median is above that of the case it is held against."""
    chosen = command or ready
    value = chosen.median if chosen else None
    if case.against and value is not None:
        other = next((row for row in rows if row.name == case.against), None)
        base = (other.command or other.ready) if other else None
        value = value - base.median if base else None
    met = None if value is None or case.limit is None else value <= case.limit
    return Row(
        name=case.name,
        profile=case.profile,
        ready=ready,
        command=command,
        value=value,
        target=case.target,
        met=met,
        load=load,
    )


def table(result: Result) -> str:
    """As Markdown."""
    lines = [
        "| sample | machine waiting, s | command, s | held to the target | target | met | load |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in result.rows:
        unit = " a minute" if row.target.endswith("minute") else " s"
        value = "" if row.value is None else f"{row.value:.2f}{unit}"
        met = {True: "yes", False: "**no**", None: row.note or "-"}[row.met]
        cells = (row.name, row.ready or "-", row.command or "-", value, row.target, met, f"{row.load:.1f}")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def about(computer: Computer) -> str:
    """As a Markdown list."""
    fields = msgspec.structs.asdict(computer)
    return "\n".join(f"- {name.replace('_gib', ' (GiB)')}: {value}" for name, value in fields.items())


# --- measuring --------------------------------------------------------------------------------------------------------


class Unfinished(Exception):
    """A run that did not come to its own end says nothing about speed."""


@dataclass
class Bench:
    """Measures on this computer. `say` is told what is being done."""

    place: Path
    runs: int
    say: Callable[[str], None]
    programs: Programs = field(init=False)
    rows: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.programs = Programs(self.place / "programs")

    def measure(self, wanted: Callable[[str], bool], seconds: float) -> Iterator[Row]:
        """The lines whose name is wanted; each is also kept in `rows`."""
        with Pool(size=1) as pool:
            for profile in dict.fromkeys(case.profile for case in CASES):
                if wanted(f"restore ({profile})"):
                    yield self._kept(self._restore(pool, profile))
            for case in CASES:
                if wanted(case.name):
                    yield self._kept(self._case(pool, case))
        if wanted("sustained"):
            yield self._kept(self._sustained(seconds))

    def _kept(self, row: Row) -> Row:
        self.rows.append(row)
        return row

    def _restore(self, pool: Pool, profile: str) -> Row:
        self.say(f"restore ({profile})")
        load, taken = os.getloadavg()[0], []
        image = pool.store.find(profile)
        states = States()
        try:
            for _ in range(self.runs + 1):
                began = time.perf_counter()
                machine = restore(pool.store, states, image)
                taken.append(time.perf_counter() - began)
                dispose(machine)
        finally:
            states.close()
        timing = Timing(seconds=tuple(taken[1:]))  # the first unpacks the state, once a process
        return Row(
            name=f"restore ({profile})",
            profile=profile,
            ready=timing,
            value=timing.median,
            target=f"under {RESTORE_LIMIT:g} s",
            met=timing.median < RESTORE_LIMIT,
            load=load,
        )

    def _case(self, pool: Pool, case: Case) -> Row:
        load = os.getloadavg()[0]
        try:
            sample = case.make(self.programs)
            ready = self._times(case, "ready", lambda: self._ready(pool, case, sample))
            # the command has no option for the guest's time: what waits longer than its budget is measured above only
            command = None if case.against else self._times(case, "command", lambda: _command(sample))
        except (ToolMissing, Unfinished) as problem:
            return Row(name=case.name, profile=case.profile, target=case.target, load=load, note=str(problem))
        rows = [msgspec.structs.replace(row, command=None) for row in self.rows] if case.against else self.rows
        return judged(case, ready, command, rows, load)

    def _times(self, case: Case, what: str, once: Callable[[], float]) -> Timing:
        taken = []
        for number in range(1, self.runs + 1):
            self.say(f"{case.name}, {what}, {number} of {self.runs}")
            taken.append(once())
        return Timing(seconds=tuple(taken))

    def _ready(self, pool: Pool, case: Case, sample: Path) -> float:
        pool.refill(case.profile)
        _await(pool, case.profile)
        with tempfile.TemporaryDirectory(dir=self.place) as out:
            began = time.perf_counter()
            detonation = Sandbox(pool)(_request(case, sample, Path(out)))
            taken = time.perf_counter() - began
        if not detonation.trace.ending.complete:  # a document's viewer stays open until the guest's time is up
            raise Unfinished(f"ended by {detonation.trace.ending}")
        _await(pool, case.profile)
        return taken

    def _sustained(self, seconds: float) -> Row:
        load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
        self.say(f"sustained, {cores} at a time, {seconds:.0f} s")
        target = f"at least {SUSTAINED_LIMIT:g} a minute"
        try:
            sample = CASES[0].make(self.programs)
        except ToolMissing as problem:
            return Row(name="sustained", profile="windows", target=target, load=load, note=str(problem))
        with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as workers:
            asked = [workers.submit(_work, str(sample), str(self.place), seconds) for _ in range(cores)]
            rate = sum(done.result() for done in asked)
        name = f"small PEs one after the other, {cores} at a time"
        return Row(name=name, profile="windows", value=rate, target=target, met=rate >= SUSTAINED_LIMIT, load=load)


def _quiet() -> None:
    """Standard output is for the table."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("warning"),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _work(sample: str, place: str, seconds: float) -> float:
    """Detonate for that long; returns samples a minute. The first one is not counted."""
    _quiet()
    count = 0
    with Pool(size=1) as pool:
        sandbox = Sandbox(pool)
        began = 0.0
        while not count or time.perf_counter() - began < seconds:
            with tempfile.TemporaryDirectory(dir=place) as out:
                sandbox(_request(CASES[0], Path(sample), Path(out)))
            if not began:
                began = time.perf_counter()
                continue
            count += 1
        return count * 60 / (time.perf_counter() - began)


def _request(case: Case, sample: Path, out: Path) -> DetonationRequest:
    return DetonationRequest(
        path=sample, name=sample.name, profile=case.profile, launch=case.launch, out=out, guest_time_s=_ENOUGH
    )


def _command(sample: Path) -> float:
    start = "import sys; from lazaretto.cli.main import main; sys.exit(main())"  # as the installed command does
    with tempfile.TemporaryDirectory(dir=sample.parent) as out:
        command = [sys.executable, "-c", start, "analyze", "--json", "--report", out, str(sample)]
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        taken = time.perf_counter() - began
    if done.returncode:
        raise Unfinished(" ".join((done.stderr or done.stdout).split())[-200:])
    if msgspec.json.decode(done.stdout).get("state") != "finished":
        raise Unfinished(f"no report: {done.stdout[:200]}")
    return taken


def _await(pool: Pool, profile: str) -> None:
    """Until a machine waits, and the restore of it costs nobody anything any more."""
    deadline = time.monotonic() + 60
    while not pool.waiting(profile) and time.monotonic() < deadline:
        time.sleep(0.02)


# --- this computer ---------------------------------------------------------------------------------------------------


def computer() -> Computer:
    return Computer(
        processor=_processor(Path("/proc/cpuinfo").read_text()),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30), 1),
        kernel=platform.release(),
        qemu=qemu_version(),
        python=platform.python_version(),
        commit=_commit(),
        date=time.strftime("%Y-%m-%d", time.gmtime()),
    )


def _processor(text: str) -> str:
    names = (line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name"))
    return next(names, platform.machine())


def _commit() -> str:
    """Of the tree that this file is in, with a + if it was changed since; LAZARETTO_COMMIT where it is no checkout."""
    if given := os.environ.get("LAZARETTO_COMMIT"):
        return given
    here = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", here, *words], capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + (
            "+" if git("status", "--porcelain", "--untracked-files=no") else ""
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def main(words: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(prog="bench", description="Measure detonation times on this computer.")
    options.add_argument("--runs", type=int, default=7, help="runs of each sample (7)")
    options.add_argument("--seconds", type=float, default=60, help="how long to detonate one after the other (60)")
    options.add_argument("--only", default="", metavar="TEXT", help="only lines whose name has this text in it")
    options.add_argument("--json", action="store_true", help="print the result as one JSON object")
    chosen = options.parse_args(words)

    _quiet()

    def say(text: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{text}" if text else "\r\x1b[K")
            sys.stderr.flush()

    with tempfile.TemporaryDirectory(prefix="lazaretto-bench-") as place:
        bench = Bench(Path(place), max(chosen.runs, 1), say)
        for _ in bench.measure(lambda name: chosen.only.lower() in name.lower(), chosen.seconds):
            pass
    say("")
    result = Result(computer=computer(), runs=bench.runs, rows=tuple(bench.rows))
    text = msgspec.json.encode(result).decode() if chosen.json else f"{about(result.computer)}\n\n{table(result)}"
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
