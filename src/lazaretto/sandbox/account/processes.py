"""The table of processes: who started whom, with what, and why each is part of the account.

A `Proc` lives from its fork or joining to its exit; process ids are used again, keys are not. Under Wine one
`CreateProcess` is two forks and an exec of the loader: the process between them is left out, and what the Windows
caller said (image, command line) takes the place of the loader's argv.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from lazaretto.domain.trace import Cause, Process, ProcessExit, ProcessStart, Source
from lazaretto.sandbox.account.codes import FLAG_COMPAT, nt_ok
from lazaretto.sandbox.account.journal import Draft, Journal
from lazaretto.sandbox.account.manifest import GuestManifest, MachineProcess, PathSet
from lazaretto.sandbox.account.paths import PathMap
from lazaretto.sandbox.account.records import Record
from lazaretto.sandbox.account.text import (
    LONG,
    clean,
    posix_command_line,
    split_nul,
    wide,
    windows_command_line,
)

MAX_PROCESSES: Final = 10_000
_MAX_ENVIRONMENT: Final = 64
_JOINED: Final = {1: Cause.SAMPLE, 2: Cause.SERVICE, 3: Cause.TASK, 4: Cause.SESSION, 5: Cause.INJECTED}


@dataclass(slots=True, eq=False)
class Proc:
    """One process. Mutable while records come in; only `processes.py` changes what it says of identity."""

    key: int
    pid: int
    parent: Proc | None = None
    cause: Cause = Cause.MACHINE
    image: str = ""
    machine_image: str = ""  # Linux path of what was exec'd: what the file is on the machine
    command_line: str = ""
    argv: tuple[str, ...] = ()
    user: str = ""
    cwd: str = ""
    environment: bytes = b""
    started: int = 0
    exited: int | None = None
    exit_code: int | None = None
    asked_code: int | None = None  # the 32-bit code with which a Windows program ended itself
    signal: int | None = None
    inner_pid: int = 0
    windows: bool = False
    loader: bool = False  # its program is one of Wine's loaders, which may still be on their way
    windows_pid: int = 0
    compat: bool = False
    emulated: bool = False  # for another CPU: the code that is made at run time is the emulator's
    start: Draft | None = None  # its latest process.start
    forked_from: int = 0  # thread of the parent that forked it
    child: Proc | None = None  # the latest it forked
    real: Proc | None = None  # the process that this placeholder turned out to be
    tampered: bool = False  # its memory or threads were changed by a process of the account
    early: list[Draft] | None = None  # a Windows program's looking around before its own code runs
    helper: bool = False  # started by the machine beside another; what it starts itself is not
    joined: bool = False  # came into the account by itself, not as a child
    host: bool = False  # ran before, and opens the sample: an office
    unknown: bool = False  # neither forked nor joined, as far as we saw
    own: Proc | None = None  # the program of the machine (systemctl) for which this process works; may be itself
    bare: bool = False  # forked by the machine for a program that has not begun: what it does is the machine's doing
    fresh_threads: set[int] = field(default_factory=set)  # handles of remote threads that were not resumed yet
    counts: dict[str, int] = field(default_factory=dict)

    def spend(self, what: str, limit: int) -> bool:
        """Whether this is one of the first `limit` of its kind in this process."""
        count = self.counts.get(what, 0) + 1
        self.counts[what] = count
        return count <= limit


class Processes:
    """Takes FORK, EXEC, EXIT, JOIN and what Windows says of processes; answers `of(record)`."""

    def __init__(self, manifest: GuestManifest, paths: PathMap, journal: Journal) -> None:
        self._manifest = manifest
        self._paths = paths
        self._journal = journal
        self._loaders = PathSet(manifest.loaders)
        self._emulators = PathSet(manifest.emulators)
        self._own_programs = PathSet(manifest.own_programs)
        self._executors = PathSet(manifest.executors)
        self.changed: Callable[[str], bool] = lambda _path: False  # whether the account wrote the file at a Linux path
        self._live: dict[int, Proc] = {}
        self._windows: dict[int, Proc] = {}
        self._by_fork_thread: dict[tuple[int, int], deque[Proc]] = {}
        self.all: list[Proc] = []
        self.lost = 0
        self.sample: Proc | None = None
        self.machine = Proc(0, 0)  # stands for "the machine" as a parent or target
        self._machine_windows = {p.windows_pid: p for p in manifest.processes if p.windows_pid}
        self._machine_pids = {p.pid: p for p in manifest.processes if p.pid}

    def inhabited(self, processes: Iterable[tuple[int, str]], windows: Iterable[tuple[int, str]] = ()) -> None:
        """Who lives in the machine: outer pids and programs, Windows pids and images.

        It may come after the first records that name them.
        """
        for pid, image in list(windows)[:MAX_PROCESSES]:
            self._machine_windows.setdefault(pid, MachineProcess(image=clean(image), windows_pid=pid))
        for pid, image in list(processes)[:MAX_PROCESSES]:
            if pid not in self._machine_pids:
                self._machine_pids[pid] = MachineProcess(image=clean(image), pid=pid)
            proc = self._live.get(pid)
            if proc is not None and not proc.image:
                proc.image = proc.machine_image = self._machine_pids[pid].image

    # --- look-ups ---------------------------------------------------------------------------------------------------

    def of(self, record: Record) -> Proc:
        """The process that wrote the record; one that was never announced is taken for the machine's."""
        proc = self._live.get(record.pid)
        return proc if proc is not None else self._announce(record)

    def alive(self, pid: int) -> Proc | None:
        """By outer pid."""
        return self._live.get(pid)

    def target(self, pid: int) -> Proc:
        """The process that another one named by its outer pid."""
        proc = self._live.get(pid)
        if proc is None:
            known = self._machine_pids.get(pid)
            proc = self._new(pid, None, 0)
            if known is not None:
                proc.image, proc.user, proc.windows_pid = known.image, known.user, known.windows_pid
            self._live[pid] = proc
        return proc

    def inner(self, pid: int) -> Proc | None:
        """The latest process that calls itself `pid`."""
        return next((p for p in reversed(self.all[-2000:]) if p.inner_pid == pid), None)

    def windows_target(self, windows_pid: int) -> Proc:
        """The process with that Windows pid, or a placeholder until we learn which one it is."""
        proc = self._windows.get(windows_pid)
        if proc is None:
            known = self._machine_windows.get(windows_pid)
            proc = self._live.get(known.pid) if known is not None and known.pid else None
            if proc is None:
                proc = self._new(known.pid if known is not None else 0, None, 0)
                if known is not None:
                    proc.image, proc.user = known.image, known.user
            proc.windows = True
            proc.windows_pid = windows_pid
            self._windows[windows_pid] = proc
        return self.resolve(proc)

    @staticmethod
    def resolve(proc: Proc) -> Proc:
        while proc.real is not None:
            proc = proc.real
        return proc

    def learn_windows_pid(self, proc: Proc, windows_pid: int) -> None:
        """`proc` was seen under this Windows pid."""
        if proc.windows_pid == windows_pid or not windows_pid:
            return
        before = self._windows.get(windows_pid)
        if before is not None and before is not proc and before.start is None and before.exited is None:
            placeholder = self.resolve(before)
            if placeholder is not proc and self.resolve(proc) is proc:
                placeholder.real = proc
                proc.tampered = proc.tampered or placeholder.tampered
        proc.windows_pid = windows_pid
        self._windows[windows_pid] = proc

    # --- records ----------------------------------------------------------------------------------------------------

    def fork(self, record: Record) -> None:
        parent = self.of(record)
        child_pid = record.a[0]
        child = self._new(child_pid, parent, record.time)
        if child is self.machine:  # the table is full: what the child does is the parent's
            self._live[child_pid] = parent
            return
        child.inner_pid = record.a[1]
        machine = parent.cause is Cause.MACHINE and not parent.helper
        child.cause = Cause.MACHINE if machine else Cause.CHILD
        child.unknown, child.bare, child.own = parent.unknown, parent.bare, parent.own
        child.image, child.machine_image = parent.image, parent.machine_image
        child.command_line, child.argv = parent.command_line, parent.argv
        child.user, child.cwd, child.environment = parent.user, parent.cwd, parent.environment
        child.windows, child.compat, child.emulated = parent.windows, parent.compat, parent.emulated
        child.forked_from = record.tid
        parent.child = child
        self._live[child_pid] = child
        if self._manifest.drives:
            forks = self._by_fork_thread.setdefault((parent.key, record.tid), deque(maxlen=8))
            forks.append(child)

    def join(self, record: Record) -> Proc:
        """A process that the tracer took in for another reason than its parent."""
        proc = self.of(record)
        if proc.exited is not None or proc is self.machine:
            proc = self._announce(record)
        cause = _JOINED.get(record.a[0], Cause.CHILD)
        proc.cause = cause
        proc.joined = True
        proc.unknown = False
        # not forked for it: a program that ran already takes the sample
        proc.host = record.a[1] == 0 and cause is Cause.SAMPLE
        proc.bare = proc.start is None and cause is not Cause.INJECTED and not proc.host
        if proc.bare and not proc.image and cause is not Cause.SAMPLE:
            known = self._machine_pids.get(record.a[1])  # the daemon that forked it
            proc.image = known.image if known is not None else ""
        proc.started = proc.started or record.time
        if cause is Cause.SAMPLE and self.sample is None:
            self.sample = proc
        if len(record.strings) >= 2 and record.strings[0]:
            self._take_program(proc, record)
        return proc

    def exec(self, record: Record) -> Draft | None:
        """The process became another program. None when that was only a step on the way to it."""
        proc = self.of(record)
        if proc is self.machine or record.result < 0:
            return None  # a failed exec is a step of a search through PATH
        proc.bare = proc.host = False
        before, inherited = proc.start, proc.environment if proc.start is None else None
        if self._works_for_the_machine(proc, record):
            return None
        was_loader = proc.loader
        self._take_program(proc, record)
        if not proc.windows:
            self._own_program(proc, record)
        if proc.windows and before is None:
            self._inherit_joining(proc)
        if proc.windows:
            self._leave_out_helper(proc)
            proc.early = []
        environment = {} if inherited is None else self._difference(inherited, proc.environment)
        if before is not None and was_loader:
            before.hidden = True  # a loader's script and the loader's own re-exec are not programs of their own
            environment = before.fields.get("environment", {})
        proc.start = self._journal.add(
            ProcessStart,
            record.time,
            proc,
            Source.KERNEL,
            thread=record.tid,
            image=proc.image,
            command_line=proc.command_line,
            parent=self.visible_parent(proc) or self.machine,
            working_directory=proc.cwd,
            user=proc.user,
            environment=environment,
            cause=proc.cause,
        )
        return proc.start

    def _works_for_the_machine(self, proc: Proc, record: Record) -> bool:
        """Whether this exec is a step inside one of the machine's own programs, and so no start of a program."""
        if proc.own is None or proc.own is proc:
            return False
        if clean(record.strings[0]) in self._executors:
            proc.cause = Cause.SESSION if proc.own.cause is Cause.SESSION else Cause.SERVICE
            proc.own, proc.bare = None, True  # it becomes what was asked for
        else:
            self._take_program(proc, record)
        return True

    def _own_program(self, proc: Proc, record: Record) -> None:
        """A script that stands for a program of the machine is shown as that program."""
        proc.own = None
        name = clean(record.strings[4]) if len(record.strings) > 4 else ""
        argv = proc.argv
        if name not in self._own_programs:
            name, argv = (argv[1] if len(argv) > 1 else ""), argv[1:]
        elif len(argv) > 1 and argv[1] == name:
            argv = argv[1:]  # as the kernel passes a script to its interpreter
        if name in self._own_programs and not self.changed(name):
            proc.own, proc.image, proc.machine_image = proc, name, name
            proc.argv, proc.command_line = argv, posix_command_line(list(argv))

    def _inherit_joining(self, proc: Proc) -> None:
        """Wine forks twice: a process that joined was only on the way to this one, which joins in its place."""
        middle = proc.parent
        if middle is None or middle.start is not None or middle.cause is Cause.INJECTED:
            return
        middle.windows = True
        if middle.joined:
            proc.cause, proc.parent = middle.cause, middle.parent
            if self.sample is middle:
                self.sample = proc

    def _take_program(self, proc: Proc, record: Record) -> None:
        strings = record.strings
        proc.machine_image = clean(strings[0])
        argv = split_nul(strings[1])
        if len(strings) > 2:
            proc.environment = strings[2][:65_536]
        proc.user = self._manifest.users.get(str(record.uid), str(record.uid))
        proc.inner_pid = record.inner_pid
        proc.compat = bool(record.flags & FLAG_COMPAT)
        arguments = self._after_loader(proc.machine_image, argv)
        proc.loader = proc.windows = arguments is not None
        if len(strings) > 3 and strings[3]:
            proc.cwd = self._paths.place(strings[3], proc.windows).shown
        if arguments is None:
            proc.emulated = len(argv) > 1 and proc.machine_image in self._emulators
            if proc.emulated:
                proc.machine_image = clean(argv[1])
                argv = argv[2:]  # the emulators are registered to keep the program's own argv[0]
            proc.argv = tuple(argv)
            proc.image = proc.machine_image
            # a stand-in here is a program of Windows, and shown as one
            standin = self._paths.place(strings[0], False).standin
            proc.command_line = windows_command_line(argv) if standin else posix_command_line(argv)
        else:
            proc.argv = tuple(arguments)
            proc.image = clean(self._windows_image(arguments[0])) if arguments else "wine"
            proc.command_line = windows_command_line(arguments)

    def _after_loader(self, image: str, argv: list[str]) -> list[str] | None:
        """The Windows program's argv if `image` is one of Wine's loaders: `[preloader] loader program arguments...`.

        A loader may be a script, then its interpreter comes first.
        """
        if image not in self._loaders and not (len(argv) > 1 and argv[1] in self._loaders):
            return None
        skip = 1
        while skip < len(argv) and argv[skip].startswith("/") and argv[skip] in self._loaders:
            skip += 1
        return argv[skip:]

    def _windows_image(self, program: str) -> str:
        if program.startswith("/"):
            return self._paths.place(program.encode(), True).shown
        return program.removeprefix("\\??\\")

    def _difference(self, before: bytes, after: bytes) -> dict[str, str]:
        """What `after` has that `before` has not; "" for what was removed."""
        if before == after or not before:
            return {}
        old, new = _variables(before), _variables(after)
        hidden = self._manifest.hidden_environment
        changed = {k: v for k, v in new.items() if old.get(k) != v and not k.startswith(hidden)}
        changed |= {k: "" for k in old if k not in new and not k.startswith(hidden)}
        kept = list(changed.items())[:_MAX_ENVIRONMENT]
        return {clean(k, 128): clean(v, 512) for k, v in kept}

    def created(self, record: Record) -> tuple[Proc | None, int]:
        """N_CREATE_PROCESS at its return: name the process it made. Gives (process, Windows pid)."""
        caller = self.of(record)
        windows_pid = record.a[4]
        if not nt_ok(record.result) or not windows_pid:
            return None, 0
        proc = self._forked_by(caller, record.tid)
        if proc is None:
            proc = self.windows_target(windows_pid)
        else:
            self.learn_windows_pid(proc, windows_pid)
        strings = record.strings
        image = wide(strings[0]).removeprefix("\\??\\") if strings else ""
        command_line = wide(strings[1], LONG) if len(strings) > 1 else ""
        directory = wide(strings[2]).removeprefix("\\??\\").rstrip("\\") if len(strings) > 2 else ""
        proc.image = image or proc.image
        proc.command_line = command_line or proc.command_line
        proc.cwd = directory or proc.cwd
        proc.parent = proc.parent or caller
        self._leave_out_helper(proc)
        if proc.start is not None:
            proc.start.fields |= {
                "image": proc.image, "command_line": proc.command_line, "working_directory": proc.cwd, "parent": caller,
            }  # fmt: skip
        return proc, windows_pid

    def _leave_out_helper(self, proc: Proc) -> None:
        """A console host belongs to the machine, whoever has a console; unless the sample touches it."""
        if proc.cause is Cause.CHILD and self._paths.of_windows(proc.image, proc.cwd).helper:
            proc.helper, proc.cause = True, Cause.MACHINE

    def _forked_by(self, caller: Proc, thread: int) -> Proc | None:
        """The newest Windows process that came of this thread's double fork."""
        for first in reversed(self._by_fork_thread.get((caller.key, thread), ())):
            last = first
            while last.start is None and last.child is not None:
                last = last.child
            if last.start is not None and not last.windows_pid:
                return last
        return None

    def exit(self, record: Record) -> None:
        proc = self._live.get(record.pid)
        if proc is None or proc.pid != record.pid:  # unknown, or one that shares its parent's entry
            self._live.pop(record.pid, None)
            return
        del self._live[record.pid]
        status = record.a[0]
        proc.exited = record.time
        proc.signal = (status & 0x7F) or None
        proc.exit_code = (status >> 8) & 0xFF if not status & 0x7F else None
        if proc.asked_code is not None and proc.exit_code == proc.asked_code & 0xFF:
            proc.exit_code = proc.asked_code
        if proc.windows and self._windows.get(proc.windows_pid) is proc:
            del self._windows[proc.windows_pid]
        if proc.start is not None:
            self._journal.add(
                ProcessExit, record.time, proc, Source.KERNEL, thread=record.tid,
                code=proc.exit_code or 0, signal=proc.signal or 0, image=proc.image,
            )  # fmt: skip

    # --- the table --------------------------------------------------------------------------------------------------

    def _announce(self, record: Record) -> Proc:
        known = self._machine_pids.get(record.pid)
        proc = self._new(record.pid, None, record.time)
        if proc is self.machine:
            return proc
        proc.unknown = True
        proc.inner_pid = record.inner_pid
        proc.user = self._manifest.users.get(str(record.uid), str(record.uid))
        if known is not None:
            proc.image, proc.unknown = known.image, False
            if known.windows_pid:
                proc.windows = True
                self.learn_windows_pid(proc, known.windows_pid)
        self._live[record.pid] = proc
        return proc

    def _new(self, pid: int, parent: Proc | None, time: int) -> Proc:
        if len(self.all) >= MAX_PROCESSES:
            self.lost += 1
            return self.machine
        proc = Proc(len(self.all) + 1, pid, parent, started=time)
        self.all.append(proc)
        return proc

    def adopt(self, proc: Proc, cause: Cause) -> None:
        """A process of the machine does the sample's bidding from now on."""
        proc = self.resolve(proc)
        if proc is not self.machine and proc.cause is Cause.MACHINE:
            proc.cause = cause
            if proc.start is not None:
                proc.start.fields["cause"] = cause

    def wanted(self, proc: Proc, lost: bool) -> bool:
        """Whether the process is part of the account. With records lost, a process of unknown origin is."""
        proc = self.resolve(proc)
        if proc.own is not None and (proc.own is not proc or proc.cause is Cause.SESSION):
            return False
        return proc.cause is not Cause.MACHINE or (lost and proc.unknown)

    def visible_parent(self, proc: Proc) -> Proc | None:
        """The parent, past the processes that Wine forks only to fork again."""
        parent = proc.parent
        while parent is not None and parent.own is not None and parent.own is not parent:
            parent = parent.own
        for _ in range(8):
            if parent is None or not (parent.windows and parent.start is None and parent.parent is not None):
                break
            if parent.forked_from == 0 or parent.child is None:
                break
            parent = parent.parent
        return parent

    def between(self, proc: Proc) -> bool:
        """Whether `proc` is a fork of Wine and no program: between two forks, or of a library that looked for one."""
        if not proc.windows or proc.start is not None:
            return False
        return proc.forked_from != 0 or (proc.joined and proc.child is not None)

    def describe(self, proc: Proc, origin: int, parent: int) -> Process:
        return Process(
            key=proc.key, pid=proc.windows_pid or proc.inner_pid or proc.pid, parent=parent, image=proc.image,
            command_line=proc.command_line, user=proc.user, cause=proc.cause, started=max(proc.started - origin, 0),
            exited=None if proc.exited is None else max(proc.exited - origin, 0),
            exit_code=proc.exit_code, signal=proc.signal,
        )  # fmt: skip


def _variables(block: bytes) -> dict[str, str]:
    variables: dict[str, str] = {}
    for entry in split_nul(block):
        name, _, value = entry.partition("=")
        variables[name] = value
    return variables
