"""The account of one detonation: typed events in the order in which they happened in the guest.

What must always be true:

* `Trace.events` is ordered by `id`; ids are 0, 1, 2, ... without gaps; `time` never decreases.
* `process` of every event is a key of `Trace.processes`.
* nothing here was interpreted by a name that a sample can choose: `source` says which observer saw the event.
* what was lost is counted in `Trace.lost`; a trace that ended early says so in `Trace.ending`.

Event kinds are the tags of the classes below (`process.start`, `file.write`, ...). They reach disk, rules and other
programs: a kind is never renamed or reused, fields are only added, with a default.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import msgspec


class Source(enum.StrEnum):
    """Which observer saw the event. Kernel sources cannot be forged from inside the sample's own process."""

    KERNEL = "kernel"  # eBPF in the guest's kernel
    NATIVE = "native"  # entry of Wine's native system services (NtSetValueKey, ...), seen by the guest's kernel
    API = "api"  # Wine's trace of exported functions
    MANAGED = "managed"  # Mono's trace of managed calls
    INTERNET = "internet"  # the pretended internet inside the guest
    SESSION = "session"  # the pretended human and the keeper of the guest
    STANDIN = "standin"  # a stand-in for a system program
    DERIVED = "derived"  # concluded from other events, named in `because`


class Cause(enum.StrEnum):
    """Why a process is part of the account."""

    SAMPLE = "sample"  # the sample itself
    CHILD = "child"  # started by a process of the account
    SERVICE = "service"  # started by the service manager after the sample asked for it
    TASK = "task"  # started by a scheduler (cron, systemd, task scheduler) from something the sample left there
    SESSION = "session"  # came back after the guest's session was restarted
    INJECTED = "injected"  # a process of the machine into which the sample put code
    MACHINE = "machine"  # the guest itself: not the sample's doing


class Ending(enum.StrEnum):
    """How the run ended. Only the first two are a complete account."""

    EXITED = "exited"  # the whole process tree is gone and nothing it installed is left to wait for
    GUEST_TIME = "guest-time"  # the budget in guest time is used up
    WALL_TIME = "wall-time"  # the budget in wall time is used up: the account stops early
    GUEST_DIED = "guest-died"  # the guest's kernel panicked, rebooted or was halted
    MACHINE_DIED = "machine-died"  # QEMU ended on its own
    KEEPER_LOST = "keeper-lost"  # the guest runs, its keeper does not answer
    FLOODED = "flooded"  # more trace than the bound allows: the rest was dropped
    REFUSED = "refused"  # the guest could not start the sample (`Trace.reason` says why)

    @property
    def complete(self) -> bool:
        """Whether the account covers all that the sample would have done within the budget."""
        return self in {Ending.EXITED, Ending.GUEST_TIME}


class Process(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One process of the guest; `key` is unique in a trace, process ids are not (they are used again)."""

    key: int
    pid: int
    parent: int = 0  # key; 0 is the machine
    image: str = ""  # path as the guest's user would write it (C:\..., /...)
    command_line: str = ""
    user: str = ""
    cause: Cause = Cause.CHILD
    started: int = 0  # guest ns
    exited: int | None = None
    exit_code: int | None = None
    signal: int | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """What all events share. `time` is guest nanoseconds since the sample was started (0 before it)."""

    id: int = 0
    time: int = 0
    process: int = 0
    thread: int = 0
    source: Source = Source.KERNEL
    because: tuple[int, ...] = ()  # ids of the events from which a derived event was concluded
    ok: bool = True  # whether the call succeeded, as far as the observer could see

    @property
    def kind(self) -> str:
        """The tag by which rules and files name this event."""
        tag = self.__struct_config__.tag
        assert isinstance(tag, str)
        return tag


# --- processes ------------------------------------------------------------------------------------------------------


class ProcessStart(Event, frozen=True, kw_only=True, tag="process.start"):
    """A program was started. `process` is the new process, `parent` the one that started it (keys)."""

    image: str
    command_line: str = ""
    parent: int = 0
    working_directory: str = ""
    user: str = ""
    environment: dict[str, str] = {}  # what differs from the parent's environment; "" = removed
    cause: Cause = Cause.CHILD
    script: str = ""  # decoded script text, where the program was given one (stand-ins of script hosts)


class ProcessExit(Event, frozen=True, kw_only=True, tag="process.exit"):
    code: int = 0
    signal: int = 0
    image: str = ""


class ProcessOpen(Event, frozen=True, kw_only=True, tag="process.open"):
    """Access to another process was asked for (OpenProcess, ptrace, /proc/PID/mem)."""

    target: int = 0
    target_image: str = ""
    access: str = ""  # comma-separated: read, write, thread, terminate, query, trace, all


class ProcessSignal(Event, frozen=True, kw_only=True, tag="process.signal"):
    """Another process was signalled or terminated."""

    target: int = 0
    target_image: str = ""
    signal: int = 0


class Privilege(Event, frozen=True, kw_only=True, tag="process.privilege"):
    """Identity, capability or privilege of the own process was changed."""

    change: str  # e.g. "uid 1000 -> 0", "enable SeDebugPrivilege", "namespace user"


class ProcessRename(Event, frozen=True, kw_only=True, tag="process.rename"):
    """The process gave itself another name (PR_SET_NAME, argv overwrite)."""

    name: str


# --- files ----------------------------------------------------------------------------------------------------------


class FileCreate(Event, frozen=True, kw_only=True, tag="file.create"):
    path: str
    directory: bool = False


class FileRead(Event, frozen=True, kw_only=True, tag="file.read"):
    """A file was opened for reading, once a process and file."""

    path: str


class FileWrite(Event, frozen=True, kw_only=True, tag="file.write"):
    """A file's content was changed: one event for the whole life of the open file, placed where it began."""

    path: str
    size: int = 0
    head: bytes = b""  # the first bytes written, at most 64
    sha256: str = ""  # of the file at the end of the run, where it was brought back
    overwritten: bool = False  # the file existed before the sample ran


class FileDelete(Event, frozen=True, kw_only=True, tag="file.delete"):
    path: str
    directory: bool = False


class FileRename(Event, frozen=True, kw_only=True, tag="file.rename"):
    path: str
    to: str


class FileLink(Event, frozen=True, kw_only=True, tag="file.link"):
    path: str  # the new name
    target: str
    symbolic: bool = False


class FileMode(Event, frozen=True, kw_only=True, tag="file.chmod"):
    path: str
    mode: int = 0  # permission bits, or Windows attribute bits


class FileOwner(Event, frozen=True, kw_only=True, tag="file.chown"):
    path: str
    uid: int = 0
    gid: int = 0


class FileTime(Event, frozen=True, kw_only=True, tag="file.time"):
    """A file's time stamps were set by hand."""

    path: str


class FileAttribute(Event, frozen=True, kw_only=True, tag="file.attribute"):
    """An extended attribute or file flag was set (immutable, capability, ...)."""

    path: str
    name: str


class FileMissing(Event, frozen=True, kw_only=True, tag="file.missing"):
    """A file was looked for that is not there."""

    path: str


class DirectoryList(Event, frozen=True, kw_only=True, tag="file.list"):
    path: str


class Mount(Event, frozen=True, kw_only=True, tag="file.mount"):
    path: str
    device: str = ""
    filesystem: str = ""


class CanaryTouched(Event, frozen=True, kw_only=True, tag="canary"):
    """A decoy that nothing on the machine needs was read or changed."""

    canary: str  # which decoy: "browser-passwords", "ssh-key", "document", ...
    path: str
    action: str  # read, write, delete, rename


# --- registry -------------------------------------------------------------------------------------------------------


class RegistryCreate(Event, frozen=True, kw_only=True, tag="registry.create"):
    key: str  # HKLM\..., HKCU\..., HKCR\..., HKU\...


class RegistrySet(Event, frozen=True, kw_only=True, tag="registry.set"):
    key: str
    name: str  # "" is the default value
    type: str = ""  # REG_SZ, REG_DWORD, ...
    data: str = ""  # text as regedit would show it, cut to 4096 characters


class RegistryDelete(Event, frozen=True, kw_only=True, tag="registry.delete"):
    key: str
    name: str | None = None  # None: the whole key


class RegistryQuery(Event, frozen=True, kw_only=True, tag="registry.query"):
    key: str
    name: str | None = None  # None: the key was opened


# --- network --------------------------------------------------------------------------------------------------------


class NetDns(Event, frozen=True, kw_only=True, tag="net.dns"):
    name: str
    type: str = "A"
    answers: tuple[str, ...] = ()


class NetConnect(Event, frozen=True, kw_only=True, tag="net.connect"):
    protocol: str  # tcp, udp, icmp, unix, raw
    address: str
    port: int = 0
    host: str = ""  # the name under which the pretended DNS gave out this address


class NetListen(Event, frozen=True, kw_only=True, tag="net.listen"):
    protocol: str
    address: str
    port: int = 0


class NetRaw(Event, frozen=True, kw_only=True, tag="net.raw"):
    """A raw, packet or netlink socket was opened."""

    family: str
    type: str


class NetHttp(Event, frozen=True, kw_only=True, tag="net.http"):
    method: str
    url: str
    tls: bool = False
    headers: dict[str, str] = {}
    body: bytes = b""  # first bytes of the request body, at most 4096
    status: int = 0
    served: str = ""  # what the pretended server gave: "page", "program", "script", "archive", ...


class NetMail(Event, frozen=True, kw_only=True, tag="net.smtp"):
    sender: str
    recipients: tuple[str, ...] = ()
    subject: str = ""
    size: int = 0
    head: bytes = b""


class NetData(Event, frozen=True, kw_only=True, tag="net.data"):
    """Content sent over a connection that is none of the protocols above."""

    protocol: str
    address: str
    port: int = 0
    sent: int = 0
    received: int = 0
    head: bytes = b""  # first bytes the sample sent, at most 4096


# --- memory and code ------------------------------------------------------------------------------------------------


class MemoryExecutable(Event, frozen=True, kw_only=True, tag="memory.executable"):
    """Memory that was or is writable became executable, or executable memory was made at run time."""

    address: int = 0
    size: int = 0
    protection: str = ""  # r, w, x letters
    target: int = 0  # key of the process whose memory it is; 0 = the own
    dump: str = ""  # SHA-256 of the artifact, where the content was brought back


class MemoryWrite(Event, frozen=True, kw_only=True, tag="memory.write"):
    """Memory of another process was written."""

    target: int = 0
    target_image: str = ""
    address: int = 0
    size: int = 0
    head: bytes = b""


class MemoryRead(Event, frozen=True, kw_only=True, tag="memory.read"):
    """Memory of another process was read."""

    target: int = 0
    target_image: str = ""
    address: int = 0
    size: int = 0


class RemoteThread(Event, frozen=True, kw_only=True, tag="thread.remote"):
    """Another process was made to run code: new thread, queued call, changed context, resumed after being written."""

    target: int = 0
    target_image: str = ""
    how: str = ""  # create, apc, context, ptrace
    address: int = 0


class ModuleLoad(Event, frozen=True, kw_only=True, tag="module.load"):
    path: str


class KernelModule(Event, frozen=True, kw_only=True, tag="kernel.module"):
    """A kernel module, driver or eBPF program was loaded or asked for."""

    name: str
    action: str = "load"  # load, unload, bpf


# --- things that come back later -----------------------------------------------------------------------------------


class ServiceChange(Event, frozen=True, kw_only=True, tag="service"):
    action: str  # create, change, start, stop, delete
    name: str
    image: str = ""
    start: str = ""  # auto, demand, boot, system, disabled


class TaskChange(Event, frozen=True, kw_only=True, tag="task"):
    """A scheduled task, cron table, timer or at job."""

    action: str  # create, change, delete, run
    name: str
    command: str = ""
    trigger: str = ""


class Autostart(Event, frozen=True, kw_only=True, tag="autostart"):
    """Something was put where the system or the session starts it by itself. Usually derived."""

    # run-key, startup-folder, service, task, cron, systemd, rc, profile, xdg, preload, udev, winlogon, ...
    mechanism: str
    location: str
    command: str = ""


# --- the session ----------------------------------------------------------------------------------------------------


class Window(Event, frozen=True, kw_only=True, tag="window"):
    title: str
    text: str = ""
    window_class: str = ""
    dialog: bool = False


class InputHook(Event, frozen=True, kw_only=True, tag="input.hook"):
    """Keyboard or mouse of the whole session is watched."""

    how: str  # hook, key-state, raw-input, device


class Clipboard(Event, frozen=True, kw_only=True, tag="clipboard"):
    action: str  # read, write, watch
    text: str = ""


class ScreenCapture(Event, frozen=True, kw_only=True, tag="screen.capture"):
    how: str = ""


# --- calls ----------------------------------------------------------------------------------------------------------


class ApiCall(Event, frozen=True, kw_only=True, tag="api"):
    """A call that matters and has no kind of its own."""

    module: str  # lower case without extension: kernel32, ntdll, system.io.file
    function: str
    arguments: tuple[str, ...] = ()
    result: str = ""


class SystemCall(Event, frozen=True, kw_only=True, tag="syscall"):
    name: str
    arguments: tuple[int, ...] = ()
    text: str = ""
    result: int = 0


class StandIn(Event, frozen=True, kw_only=True, tag="standin"):
    """A system program of which the guest has only a recording stand-in was asked to do something."""

    program: str  # vssadmin, bcdedit, powershell, ...
    command_line: str = ""
    action: str = ""  # what it means, in the words of docs/sandbox.md: "delete-shadow-copies", "disable-recovery", ...
    detail: str = ""  # the object: task name, boot entry, log name, decoded script


class Recorder(Event, frozen=True, kw_only=True, tag="recorder"):
    """A program or script that the pretended internet had served was started."""

    url: str
    path: str = ""


class Console(Event, frozen=True, kw_only=True, tag="console"):
    """Output to the console, in pieces of at most 4096 characters."""

    stream: str  # out, err
    text: str


AnyEvent = (
    ProcessStart | ProcessExit | ProcessOpen | ProcessSignal | Privilege | ProcessRename
    | FileCreate | FileRead | FileWrite | FileDelete | FileRename | FileLink | FileMode | FileOwner | FileTime
    | FileAttribute | FileMissing | DirectoryList | Mount | CanaryTouched
    | RegistryCreate | RegistrySet | RegistryDelete | RegistryQuery
    | NetDns | NetConnect | NetListen | NetRaw | NetHttp | NetMail | NetData
    | MemoryExecutable | MemoryWrite | MemoryRead | RemoteThread | ModuleLoad | KernelModule
    | ServiceChange | TaskChange | Autostart
    | Window | InputHook | Clipboard | ScreenCapture
    | ApiCall | SystemCall | StandIn | Recorder | Console
)  # fmt: skip


class Lost(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What did not reach the account, by the place where it was lost."""

    kernel: int = 0  # the guest's ring buffer was full
    channel: int = 0  # frames beyond the host's bound, or unreadable
    host: int = 0  # records the host could not interpret

    @property
    def total(self) -> int:
        return self.kernel + self.channel + self.host


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """The whole account. `guest_time` and `wall_time` are seconds."""

    VERSION: ClassVar[int] = 1

    profile: str
    ending: Ending
    reason: str = ""
    guest_time: float = 0.0
    wall_time: float = 0.0
    lost: Lost = Lost()
    processes: dict[int, Process] = {}
    events: tuple[AnyEvent, ...] = ()


_events: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def event_to_json(event: Event) -> bytes:
    """One line of `trace.jsonl`, without the newline."""
    return msgspec.json.encode(event)


def event_from_json(line: bytes) -> AnyEvent:
    """The event of one line of `trace.jsonl`. Raises `msgspec.ValidationError` for anything else."""
    return _events.decode(line)


def event_fields(event: Event) -> dict[str, Any]:
    """The event as a flat mapping, with its `kind`, for rules."""
    fields = msgspec.structs.asdict(event)
    fields["kind"] = event.kind
    return fields


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    """First line of `trace.jsonl`: all of the trace but its events."""

    trace: int  # version
    profile: str
    ending: Ending
    reason: str
    guest_time: float
    wall_time: float
    lost: Lost
    processes: tuple[Process, ...]


_head = msgspec.json.Decoder(_Head)


def trace_to_lines(trace: Trace) -> Iterator[bytes]:
    """The lines of `trace.jsonl`: a head, then one event a line."""
    head = _Head(
        trace=Trace.VERSION,
        profile=trace.profile,
        ending=trace.ending,
        reason=trace.reason,
        guest_time=trace.guest_time,
        wall_time=trace.wall_time,
        lost=trace.lost,
        processes=tuple(trace.processes[key] for key in sorted(trace.processes)),
    )
    yield msgspec.json.encode(head)
    yield from map(event_to_json, trace.events)


def trace_from_lines(lines: Iterable[bytes]) -> Trace:
    """The trace of such lines. Raises `msgspec.MsgspecError` for anything else."""
    rest = iter(lines)
    head = _head.decode(next(rest, b""))
    return Trace(
        profile=head.profile,
        ending=head.ending,
        reason=head.reason,
        guest_time=head.guest_time,
        wall_time=head.wall_time,
        lost=head.lost,
        processes={process.key: process for process in head.processes},
        events=tuple(event_from_json(line) for line in rest if line.strip()),
    )
