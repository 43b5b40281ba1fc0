"""The way in: feed records and messages as they come, then `finish`.

    account = Account(manifest, "windows")
    account.feed_record(record)                 # tracer, any number, in the order of the channel
    account.feed_message("keeper", {...})       # JSON messages of keeper and internet
    account.feed_artifact("keeper", {...}, artifact,
    content)  # blobs: their header, what the host made of it, the bytes
    trace = account.finish(Ending.EXITED, "", 2.4, Lost())

Nothing that comes in raises: what cannot be read is counted in `Lost.host`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from lazaretto.domain.detonation import Artifact
from lazaretto.domain.trace import AnyEvent, Cause, Ending, Event, Lost, Trace
from lazaretto.sandbox.account import managed, messages, missing
from lazaretto.sandbox.account.calls import Calls
from lazaretto.sandbox.account.derive import Deriver
from lazaretto.sandbox.account.files import Files
from lazaretto.sandbox.account.handles import Handles
from lazaretto.sandbox.account.journal import Journal
from lazaretto.sandbox.account.kernel import Kernel
from lazaretto.sandbox.account.macros import Macros
from lazaretto.sandbox.account.manifest import GuestManifest
from lazaretto.sandbox.account.modules import Modules
from lazaretto.sandbox.account.native import NativeServices
from lazaretto.sandbox.account.network import Network
from lazaretto.sandbox.account.paths import PathMap
from lazaretto.sandbox.account.processes import Proc, Processes
from lazaretto.sandbox.account.records import Kind, Record
from lazaretto.sandbox.account.registry import Registry
from lazaretto.sandbox.account.session import Session
from lazaretto.sandbox.account.text import clean
from lazaretto.sandbox.account.windows_files import WindowsFiles

_MAX_TEXT_FILE: Final = 65_536  # of a file whose text says what a scheduler would start
_UNREADABLE: Final = (IndexError, ValueError, OverflowError, msgspec.ValidationError)


class Account:
    """One run. Not to be used after `finish`."""

    def __init__(self, manifest: GuestManifest, profile: str) -> None:
        self._profile = profile
        self._journal = Journal()
        self._paths = PathMap(manifest)
        self._processes = Processes(manifest, self._paths, self._journal)
        self._derive = Deriver(self._processes, self._paths, self._journal)
        self._handles = Handles()
        self._modules = Modules()
        self._files = Files(self._processes, self._paths, self._journal, self._derive)
        self._processes.changed = self._files.made
        windows_files = WindowsFiles(self._processes, self._paths, self._files, self._journal, self._derive)
        self._calls = Calls(self._processes, self._modules, self._journal, self._derive, windows_files)
        windows_files.by_library = self._calls.asks_for_itself
        registry = Registry(
            manifest,
            self._processes,
            self._handles,
            self._journal,
            self._derive,
            by_library=self._calls.asks_for_itself,
        )
        self._native = NativeServices(
            manifest=manifest,
            processes=self._processes,
            handles=self._handles,
            modules=self._modules,
            registry=registry,
            calls=self._calls,
            files=windows_files,
            journal=self._journal,
            derive=self._derive,
        )
        self._network = Network(manifest, self._processes, self._journal, self._derive)
        macros = Macros(self._processes, self._journal, self._derive)
        self._session = Session(self._processes, self._files, self._native, macros, self._journal)
        self._kernel = Kernel(self._processes, self._journal)
        self._told: list[messages.Internet] = []
        self._lost = 0
        self._first: int | None = None  # time of the first record
        self._last = 0
        self._began: int | None = None  # time at which the sample was started
        self._handlers = self._table()

    def existed_before(self, existed: Callable[[str], bool]) -> None:
        """Tell which files the image holds, by Linux path, so that overwriting is told from creating."""
        self._files.existed = existed

    # --- feeding ------------------------------------------------------------------------------------------------------

    def feed_record(self, record: Record) -> None:
        """One record of the tracer."""
        time = record.time
        if time > self._last:
            self._last = time
            if self._first is None:
                self._first = time
        handler = self._handlers.get(record.kind)
        if handler is None:
            self._lost += 1
            return
        try:
            handler(record)
        except _UNREADABLE:
            self._lost += 1

    def feed_message(self, port: str, message: dict[str, Any]) -> None:
        """One JSON message; `port` is "keeper" or "internet"."""
        try:
            read = messages.read(port, message)
            if isinstance(read, messages.Internet):
                if len(self._told) < messages.MAX_MESSAGES:
                    self._told.append(read)
                else:
                    self._lost += 1
            elif read is not None:
                self._keeper(read)
        except _UNREADABLE:
            self._lost += 1

    def feed_artifact(self, port: str, about: Mapping[str, Any], artifact: Artifact, content: bytes) -> None:
        """A blob that came whole: its FRAME_BLOB header, the artifact that was made of it, and its bytes."""
        if port == "keeper" and artifact.kind in ("dropped", "memory"):
            known = {name: about[name] for name in ("path", "pid", "address") if name in about}
            self.feed_message(port, {**known, "event": "blob", "kind": artifact.kind, "sha256": artifact.sha256})
            if artifact.kind == "dropped" and len(content) <= _MAX_TEXT_FILE:
                self._derive.content(clean(str(about.get("path", ""))), content)

    def named(self, artifact: Artifact) -> Artifact:
        """The artifact as its program named it: a file below a drive of Wine is a file of that drive."""
        if artifact.kind != "dropped":
            return artifact
        return msgspec.structs.replace(artifact, name=self._paths.place(artifact.name.encode(), windows=False).shown)

    def _keeper(self, message: messages.Keeper) -> None:
        if isinstance(message, messages.Inhabitants):
            self._processes.inhabited(message.processes, message.windows)
        if isinstance(message, messages.Started) and self._began is None:
            self._began = message.time
        if isinstance(message, (messages.Started, messages.Done)):
            self._last = max(self._last, message.time)
        self._session.message(message)

    def _table(self) -> dict[int, Callable[[Record], object]]:
        files, network, kernel = self._files, self._network, self._kernel
        return {
            Kind.FORK: self._processes.fork, Kind.EXEC: self._exec, Kind.EXIT: self._processes.exit,
            Kind.JOIN: self._join,
            Kind.OPEN: files.open, Kind.WRITE: files.write, Kind.CLOSE_WRITE: files.close_write,
            Kind.UNLINK: files.unlink,
            Kind.RENAME: files.rename, Kind.LINK: files.link, Kind.SYMLINK: files.symlink, Kind.MKDIR: files.mkdir,
            Kind.MKNOD: files.mknod,
            Kind.CHMOD: files.chmod, Kind.CHOWN: files.chown, Kind.UTIMES: files.utimes, Kind.XATTR: files.xattr,
            Kind.TRUNCATE: files.truncate, Kind.LISTDIR: files.list_directory, Kind.MOUNT: files.mount,
            Kind.MODULE_MAP: self._module_map,
            Kind.MEMORY: self._native.memory, Kind.WINE_NATIVE: self._native.service, Kind.WINE_DEBUG: self._debug_line,
            Kind.CONNECT: network.connect, Kind.SENDTO: network.connect, Kind.BIND: network.bind,
            Kind.LISTEN: network.listen,
            Kind.ACCEPT: network.accept, Kind.SOCKET: network.socket, Kind.PTRACE: kernel.ptrace,
            Kind.PROCESS_VM: kernel.process_vm,
            Kind.VM_FOREIGN: kernel.foreign_memory, Kind.SIGNAL: kernel.signal, Kind.SETUID: kernel.setuid,
            Kind.NAME: kernel.rename,
            Kind.KMODULE: kernel.module, Kind.BPF: kernel.bpf, Kind.SYSCALL: kernel.syscall, Kind.LOST: kernel.lost,
            Kind.EMPTY: _nothing,
        }  # fmt: skip

    def _exec(self, record: Record) -> None:
        draft = self._processes.exec(record)
        if draft is not None:
            self._files.begun(draft.proc)
            self._modules.forget(draft.proc)
            self._calls.forget(draft.proc)
            self._derive.started(draft, draft.proc)

    def _debug_line(self, record: Record) -> None:
        """Wine's trace, and by the same way that of managed calls, whose lines begin with a bracket."""
        text = record.strings[0]
        if text[:1] != b"[":
            self._calls.line(record)
            return
        for line in text.decode("utf-8", "replace").splitlines():
            if managed.is_trace(line):
                self._session.managed_call(record.time, self._processes.of(record), line)

    def _join(self, record: Record) -> None:
        proc = self._processes.join(record)
        if proc.cause is Cause.SAMPLE and self._began is None:
            self._began = record.time

    def _module_map(self, record: Record) -> None:
        proc = self._processes.of(record)
        path = record.strings[0]
        if proc.windows:
            place = self._paths.place(path, True)
            builtin = place.builtin and not self._files.made(place.path)
            self._modules.add(proc, record.a[0], record.a[1], place.path, builtin)
            if builtin:
                self._native.mapped(proc, record.a[0])
        elif proc.bare and self._files.made(self._paths.place(path, False).path):
            proc.bare = False  # a library of the sample's inside the machine's own fork
        self._files.module(record)

    # --- the end ------------------------------------------------------------------------------------------------------

    def finish(self, ending: Ending, reason: str, wall_time: float, lost: Lost) -> Trace:
        """The account. `wall_time` is seconds; `lost` what the host lost before it could feed it."""
        self._network.finish(self._told)
        self._session.finish()
        self._native.finish()
        self._derive.finish()
        for draft, argv, line in missing.calls(tuple(self._journal.drafts), windows=self._profile == "windows"):
            self._derive.not_there(draft, argv, line)
        kernel_lost = max(lost.kernel, self._kernel.reported_lost)  # both count the same records
        origin = self._began if self._began is not None else (self._first or 0)
        table = self._processes

        def wanted(proc: Proc) -> bool:
            return proc is not table.machine and table.wanted(proc, kernel_lost > 0)

        events = self._journal.close(origin, wanted, table.resolve)
        return Trace(
            profile=self._profile,
            ending=ending,
            reason="; ".join(part for part in (clean(reason), *self._network.notes) if part),
            guest_time=max(self._last - origin, 0) / 1e9,
            wall_time=wall_time,
            lost=Lost(
                kernel=kernel_lost,
                channel=lost.channel,
                host=lost.host + self._lost + self._journal.lost + table.lost + self._network.lost,
            ),
            processes=self._described(events, wanted, origin),
            events=tuple(events),
        )

    def _described(self, events: list[AnyEvent], wanted: Callable[[Proc], bool], origin: int) -> dict[int, Any]:
        """The processes of the account and those that its events speak of."""
        table = self._processes
        named = {key for event in events for key in (event.process, _key(event, "target"), _key(event, "parent"))}
        kept = {
            proc.key: proc
            for proc in table.all
            if proc.real is None and (proc.key in named or (wanted(proc) and not table.between(proc)))
        }
        described = {}
        for key, proc in kept.items():
            parent = table.visible_parent(proc)
            described[key] = table.describe(
                proc, origin, parent.key if parent is not None and parent.key in kept else 0
            )
        return described


def _key(event: Event, name: str) -> int:
    """A field that names a process; `target` of other kinds of events is text."""
    key = getattr(event, name, 0)
    return key if isinstance(key, int) else 0


def _nothing(_: Record) -> None:
    """R_EMPTY is the machine's business: it decides when the run is over."""
