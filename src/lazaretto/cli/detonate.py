"""`lazaretto detonate`: one file in, the account of what it did out."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from cyclopts import Parameter
from rich.text import Text

from lazaretto.cli import account, progress
from lazaretto.cli.analyze import open_sandbox
from lazaretto.cli.common import DEFAULT, Common
from lazaretto.cli.errors import CannotRun, Exit, WrongUsage
from lazaretto.cli.inputs import out_directory, regular_files
from lazaretto.cli.terminal import Terminal
from lazaretto.domain import sample, trace
from lazaretto.domain.detonation import Artifact, Detonation, DetonationRequest
from lazaretto.domain.text import many, plain, seconds, size

if TYPE_CHECKING:
    from lazaretto.analysis.identify import FileType

# Endings after which there is nothing to read: the run itself failed.
_FAILED = frozenset({trace.Ending.MACHINE_DIED, trace.Ending.KEEPER_LOST, trace.Ending.REFUSED})

ENDINGS = {
    trace.Ending.EXITED: "all its processes ended and nothing it installed is left to wait for",
    trace.Ending.GUEST_TIME: "its time in the guest was used up",
    trace.Ending.WALL_TIME: "the time on this computer was used up: the account stops early",
    trace.Ending.GUEST_DIED: "the guest crashed, rebooted or was shut down: the account stops early",
    trace.Ending.MACHINE_DIED: "the virtual machine ended by itself",
    trace.Ending.KEEPER_LOST: "the guest stopped answering",
    trace.Ending.FLOODED: "it did more than an account can hold: the rest was dropped",
    trace.Ending.REFUSED: "the guest could not start it",
}


class DetonationReport(msgspec.Struct, frozen=True, kw_only=True):
    """`report.json`, and the line of `--json`: all of an account but its events, which are in `trace.jsonl`."""

    file: str
    sha256: str
    sha1: str
    md5: str
    size: int
    category: str
    type: str
    profile: str
    image: str  # hash of the guest image
    engine_version: str
    ending: trace.Ending
    complete: bool  # whether the account covers all that the sample did within the budget
    reason: str
    guest_time_s: float
    wall_time_s: float
    lost_events: int
    events: dict[str, int]  # number of events by kind
    processes: tuple[trace.Process, ...]
    artifacts: tuple[Artifact, ...]
    stages: dict[str, float]  # seconds


def detonate(
    file: Path,
    /,
    *arguments: str,
    profile: Annotated[str, Parameter(show_default=False)] = "",
    guest_time: float = 600.0,
    wall_time: float = 60.0,
    reboot: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    accelerator: Literal["auto", "tcg", "kvm"] = "auto",
    out: Annotated[Path | None, Parameter(show_default=False)] = None,
    common: Common = DEFAULT,
) -> int:
    """Run one file in a disposable machine and tell what it did, in order.

    The machine is thrown away afterwards. Nothing is judged here; `lazaretto analyze` does that.

    Parameters
    ----------
    file
        The program, script or document to run.
    arguments
        Arguments for the program, after `--` where they begin with a dash.
    profile
        The guest to run it in: windows, linux or office. By the file's type if not given.
    guest_time
        Seconds it may run by its own clock. Waiting costs nothing.
    wall_time
        Seconds it may take on this computer.
    reboot
        Restart the guest's session after the run, to see what comes back.
    accelerator
        tcg emulates the processor: any computer, and waiting costs nothing. kvm uses the processor's own
        virtualisation, for programs that compute for long. auto: tcg, then kvm for what tcg did not finish, if a
        trial shows that kvm works here.
    out
        Folder for report.json, trace.jsonl, dropped files, screenshots, network capture.
    """
    terminal = Terminal.of(common)
    (path,) = regular_files([file])
    _positive("--guest-time", guest_time)
    _positive("--wall-time", wall_time)
    from lazaretto.analysis.identify import guest_name, identify  # noqa: PLC0415  a mistyped name needs no analysis
    from lazaretto.analysis.read import MAX_SIZE, read_sample  # noqa: PLC0415

    data = read_sample(path, MAX_SIZE)
    kind = identify(data, path.name)
    with ExitStack() as stack:
        folder = (
            out_directory(out) if out else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lazaretto-")))
        )
        request = DetonationRequest(
            path=path,
            name=guest_name(path.name, kind),
            profile=profile or kind.profile or "",
            launch=_launch(path, kind, profile),
            out=folder,
            machine=kind.machine,
            guest_time_s=guest_time,
            wall_time_s=wall_time,
            reboot=reboot,
            accelerator=accelerator,
            arguments=arguments,
        )
        result = _run(request, terminal)
        report = summary(path, sample.hash_bytes(data), kind, result)
        if out:
            (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)))
        terminal.emit(report)
        _show(terminal, report, result, out)
    return Exit.FAILED if result.trace.ending in _FAILED else Exit.DONE


def _run(request: DetonationRequest, terminal: Terminal) -> Detonation:
    warm = request.profile if request.accelerator != "kvm" else None
    with progress.shown(terminal) as listener, open_sandbox(1, warm) as sandbox:
        return sandbox(request, listener)


def _positive(option: str, amount: float) -> None:
    if not 0 < amount < float("inf"):
        raise WrongUsage(f"{option} {amount:g}: a time is more than nothing", f"give it in seconds: {option} 60")


def _launch(path: Path, kind: FileType, profile: str) -> str:
    """How a guest starts it; a profile that was asked for by name decides where the type knows none."""
    if kind.launch:
        return kind.launch
    if profile:
        from lazaretto.analysis.identify import extension_of  # noqa: PLC0415  loaded by now

        return extension_of(path.name)
    raise CannotRun(
        f"no guest can start this: {plain(path.name)} is {kind.title}", "name one with --profile to try all the same"
    )


def summary(path: Path, known: sample.Sample, kind: FileType, result: Detonation) -> DetonationReport:
    """The account without its events."""
    return DetonationReport(
        file=str(path),
        sha256=known.hashes.sha256,
        sha1=known.hashes.sha1,
        md5=known.hashes.md5,
        size=known.size,
        category=kind.category,
        type=kind.name,
        profile=result.guest.profile,
        image=result.guest.image,
        engine_version=result.engine_version,
        ending=result.trace.ending,
        complete=result.trace.ending.complete and result.trace.lost.total == 0,
        reason=result.trace.reason,
        guest_time_s=result.trace.guest_time,
        wall_time_s=result.trace.wall_time,
        lost_events=result.trace.lost.total,
        events=dict(sorted(Counter(event.kind for event in result.trace.events).items())),
        processes=tuple(result.trace.processes.values()),
        artifacts=result.artifacts,
        stages=result.stages,
    )


def _show(terminal: Terminal, report: DetonationReport, result: Detonation, out: Path | None) -> None:
    if terminal.json:
        return
    terminal.say(_head(report))
    terminal.say()
    terminal.say(account.process_tree(result.trace))
    terminal.say()
    terminal.say(account.timeline(result.trace))
    for table in (account.network(result.trace), account.files(result.trace, result.artifacts)):
        if table is not None:
            terminal.say()
            terminal.say(table)
    if out:
        brought = many(len(report.artifacts), "artifact")
        terminal.say(Text(f"\nin {out}: report.json, trace.jsonl and {brought}", "dim"))
    else:
        terminal.say(Text("\nthe whole account and the dropped files: add --out DIR", "dim"))


def _head(report: DetonationReport) -> Text:
    style = "" if report.complete else "yellow"
    lost = f", {many(report.lost_events, 'event')} lost" if report.lost_events else ""
    return Text.assemble(
        (plain(Path(report.file).name, 80), "bold"),
        f"  {report.type}, {size(report.size)}\n",
        (f"sha256 {report.sha256}\n", "dim"),
        f"ran {seconds(report.guest_time_s)} of its own time in guest {report.profile}, ",
        f"{seconds(report.wall_time_s)} here; {many(sum(report.events.values()), 'event')}{lost}\n",
        (f"{ENDINGS[report.ending]}{f' ({plain(report.reason)})' if report.reason else ''}", style),
    )
