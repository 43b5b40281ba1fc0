"""Having files run: which ones, and what can be said of a run before any rule is asked."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path

import msgspec

from lazaretto.analysis.formats.types import FileType
from lazaretto.analysis.identify import guest_name
from lazaretto.analysis.read import MAX_SIZE
from lazaretto.analysis.tree import Node
from lazaretto.domain.detonation import Detonation, DetonationRequest, Detonator
from lazaretto.domain.errors import DetonationError
from lazaretto.domain.sample import Category
from lazaretto.domain.trace import Cause, Process, ProcessStart, Trace

# Exit codes and signals with which a program ends that could not be loaded or broke down, in words.
_WINDOWS_ENDS = {
    0xC0000135: "a library that the sample needs is not there",
    0xC0000139: "a function that the sample needs is not there",
    0xC000007B: "the sample is damaged or made for another system",
    0xC0000005: "the sample crashed",
    0xC000001D: "the sample crashed",
    0xC0000094: "the sample crashed",
    0xC00000FD: "the sample crashed",
    0xC0000374: "the sample crashed",
    0xC0000409: "the sample crashed",
}
_LINUX_ENDS = {126: "the sample could not be started", 127: "a program or library that the sample needs is not there"}
_AS_ASKED = "the file was not run, as was asked"
_ALL = 1 << 30
_CRASHES = {4, 6, 7, 8, 11, 31}  # SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to analyse. Times are seconds. Empty `profile` and `launch`: as the content says."""

    guest_time_s: float = 600.0
    wall_time_s: float = 60.0
    reboot: bool = False
    arguments: tuple[str, ...] = ()
    profile: str = ""
    launch: str = ""
    max_size: int = MAX_SIZE
    most_runs: int = 3  # of the files inside a container
    run: bool = True  # False: only look


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """One file that was handed to the sandbox. Exactly one of `detonation` and `error` is there."""

    path: tuple[str, ...]  # in the tree
    name: str  # in the guest
    kind: FileType
    out: str = ""  # folder of what was brought back, below the report's
    detonation: Detonation | None = None
    error: str = ""
    code: str = ""  # the error's


def run_file(file: Path, name: str, kind: FileType, detonate: Detonator, *, out: Path, options: Options) -> Ran:
    """Run the outermost file."""
    request = _request(file, name, kind, out, options)
    try:
        return Ran(path=(), name=request.name, kind=kind, detonation=detonate(request))
    except DetonationError as error:
        return Ran(path=(), name=request.name, kind=kind, error=str(error), code=error.code)


def run_members(
    tree: Node, contents: Mapping[str, bytes], detonate: Detonator, out: Path, options: Options
) -> tuple[Ran, ...]:
    """Run the most telling of the files inside that a guest can start; `contents` are their bytes by SHA-256."""
    ran = []
    for node in choose(tree, options.most_runs):
        below = f"inside/{node.sample.hashes.sha256}"
        folder = out / below
        folder.mkdir(parents=True, exist_ok=True)
        with _on_disk(contents[node.sample.hashes.sha256], folder) as file:
            one = run_file(file, node.path[-1], node.kind, detonate, out=folder, options=options)
        ran.append(msgspec.structs.replace(one, path=node.path, out=below))
    return tuple(ran)


def choose(tree: Node, most: int) -> list[Node]:
    """The files inside that are run: none where the file itself runs, else the worst looking, then the first ones."""
    if tree.kind.detonable:
        return []
    able = [node for node in tree.walk() if node.path and not node.is_part and node.kind.detonable and not node.closed]
    once = [node for node in able if node.same_as is None]
    return sorted(once, key=lambda node: (-_worst(node), not _active(node)))[:most]


def _worst(node: Node) -> int:
    return max((finding.weight.rank for own in node.own() for finding in own.evidence), default=0)


def _active(node: Node) -> bool:
    return node.kind.category in {Category.EXECUTABLE, Category.SCRIPT}


@contextmanager
def _on_disk(content: bytes, folder: Path) -> Iterator[Path]:
    """A member as a file for the sandbox to read, gone afterwards; its name is none of the archive's making."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".member-") as file:
        file.write(content)
        file.flush()
        yield Path(file.name)


def why_not_run(kind: FileType, *, has_sandbox: bool, asked: bool = True) -> tuple[str, ...]:
    """Why a file of this type was not run, in words for the report. `asked`: whether it was to be run at all."""
    if kind.name == "empty":
        return ("the file is empty",)
    if not kind.detonable:
        return (f"files of this kind ({kind.title}) are not run",)
    if not asked:
        return (_AS_ASKED,)
    return () if has_sandbox else ("the file was not run: there is no sandbox on this machine",)


def left_unrun(tree: Node) -> tuple[Node, tuple[str, ...]]:
    """The tree of a container where nothing was to be run, and what is to be said of it. Each file inside that a guest
    could start says so too, and is not clean for it."""
    able = {node.path for node in choose(tree, _ALL)}
    if not able:
        return tree, ()
    them = "a file inside that can be run was" if len(able) == 1 else f"{len(able)} files inside that can be run were"
    return _saying(tree, able, _AS_ASKED), (f"{them} not, as was asked",)


def _saying(node: Node, paths: Set[tuple[str, ...]], reason: str) -> Node:
    children = tuple(_saying(child, paths, reason) for child in node.children)
    not_done = (*node.not_done, reason) if node.path in paths else node.not_done
    return msgspec.structs.replace(node, children=children, not_done=not_done)


def run_problems(trace: Trace) -> tuple[str, ...]:
    """Why a run that ended in order still does not show what the sample does; empty if it does."""
    own = [process for process in trace.processes.values() if process.cause is Cause.SAMPLE]
    if not own:
        return ("the sample never ran",) if trace.ending.complete else ()
    started = any(isinstance(event, ProcessStart) and event.parent in trace.processes for event in trace.events)
    ends = {text for process in own if (text := _bad_end(process, windows=trace.profile == "windows"))}
    # A sample that handed over to another program and then fell has shown what it does.
    return () if started and len(trace.processes) > len(own) else tuple(sorted(ends))


def _bad_end(process: Process, *, windows: bool) -> str:
    if process.signal in _CRASHES:
        return "the sample crashed"
    code = (process.exit_code or 0) & 0xFFFFFFFF
    return (_WINDOWS_ENDS if windows else _LINUX_ENDS).get(code, "")


def _request(file: Path, name: str, kind: FileType, out: Path, options: Options) -> DetonationRequest:
    assert kind.profile is not None
    assert kind.launch is not None
    return DetonationRequest(
        path=file,
        name=guest_name(name, kind),
        profile=kind.profile,
        launch=kind.launch,
        machine=kind.machine,
        out=out,
        guest_time_s=options.guest_time_s,
        wall_time_s=options.wall_time_s,
        reboot=options.reboot,
        arguments=options.arguments,
    )
