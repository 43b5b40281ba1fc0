"""Every kind of event in one short line, and how telling it is.

`line` words one event; `RANK` says which kinds a reader wants first when there is not room for all: a trace has
thousands of events, a person reads forty. Texts of the sample are passed through `plain`.
"""

from __future__ import annotations

from collections.abc import Callable

from lazaretto.domain import trace as t
from lazaretto.domain.text import plain, size

_ANYTHING = 160  # characters of one text of the sample


def line(event: t.AnyEvent) -> str:
    """One event in words, safe to print: `writes C:\\Users\\...\\run.bat (312 bytes)`."""
    words = _WORDS[type(event)](event)
    return words if event.ok else f"{words} (refused)"


def rank(event: t.AnyEvent) -> int:
    """How much a reader wants to see this event: 0 (noise) to 5 (first of all)."""
    return RANK[type(event)]


def _p(text: str) -> str:
    return plain(text, _ANYTHING)


def _quoted(text: str) -> str:
    return f" “{_p(text)}”" if text else ""


def _peer(event: t.NetConnect | t.NetListen | t.NetData) -> str:
    host = getattr(event, "host", "")
    place = f"{event.address}:{event.port}" if event.port else event.address
    return f"{_p(host)} ({_p(place)})" if host else _p(place)


def _target(event: t.ProcessOpen | t.MemoryWrite | t.MemoryRead | t.RemoteThread | t.ProcessSignal) -> str:
    return _p(event.target_image) or f"process {event.target}"


def _process_start(event: t.ProcessStart) -> str:
    return f"starts {_p(event.command_line or event.image)}"


def _process_exit(event: t.ProcessExit) -> str:
    return f"ends, killed by signal {event.signal}" if event.signal else f"ends with {event.code}"


def _file_write(event: t.FileWrite) -> str:
    return f"{'overwrites' if event.overwritten else 'writes'} {_p(event.path)} ({size(event.size)})"


def _file_link(event: t.FileLink) -> str:
    return f"links {_p(event.path)} to {_p(event.target)}"


def _registry_set(event: t.RegistrySet) -> str:
    return f"sets {_p(event.key)}\\{_p(event.name or '(default)')} = {_p(event.data)}"


def _registry_delete(event: t.RegistryDelete) -> str:
    return f"deletes {_p(event.key)}" if event.name is None else f"deletes {_p(event.key)}\\{_p(event.name)}"


def _registry_query(event: t.RegistryQuery) -> str:
    return f"opens {_p(event.key)}" if event.name is None else f"reads {_p(event.key)}\\{_p(event.name)}"


def _dns(event: t.NetDns) -> str:
    return f"asks for {_p(event.name)} ({_p(event.type)})"


def _http(event: t.NetHttp) -> str:
    served = f", gets a {_p(event.served)}" if event.served else ""
    sends = f", sends {size(len(event.body))}" if event.body else ""
    return f"{_p(event.method)} {_p(event.url)}{sends}{served}"


def _mail(event: t.NetMail) -> str:
    return f"mails {_p(', '.join(event.recipients))}{_quoted(event.subject)} ({size(event.size)})"


def _data(event: t.NetData) -> str:
    return f"sends {size(event.sent)} to {_peer(event)} ({_p(event.protocol)})"


def _memory_executable(event: t.MemoryExecutable) -> str:
    place = f" in process {event.target}" if event.target else ""
    return f"makes {size(event.size)} of memory executable ({_p(event.protection)}){place}"


def _service(event: t.ServiceChange) -> str:
    return f"service {_p(event.name)}: {_p(event.action)}{_quoted(event.image)}"


def _task(event: t.TaskChange) -> str:
    return f"scheduled task {_p(event.name)}: {_p(event.action)}{_quoted(event.command)}"


def _autostart(event: t.Autostart) -> str:
    return f"arranges to be started again by {_p(event.mechanism)}: {_p(event.location)}{_quoted(event.command)}"


def _window(event: t.Window) -> str:
    return f"shows a {'dialog' if event.dialog else 'window'}{_quoted(event.title)}{_quoted(event.text)}"


def _api(event: t.ApiCall) -> str:
    return f"calls {_p(event.module)}.{_p(event.function)}({_p(', '.join(event.arguments))})"


def _syscall(event: t.SystemCall) -> str:
    return f"system call {_p(event.name)}{_quoted(event.text)}"


def _standin(event: t.StandIn) -> str:
    return f"{_p(event.program)}: {_p(event.action or event.command_line)}{_quoted(event.detail)}"


def _mount(event: t.Mount) -> str:
    return f"mounts {_p(event.device)} at {_p(event.path)} ({_p(event.filesystem)})"


# Kind, rank, words. One row a kind; a test holds the table to `trace.AnyEvent`.
_TABLE: tuple[tuple[type, int, Callable[..., str]], ...] = (
    (t.ProcessStart, 4, _process_start),
    (t.ProcessExit, 0, _process_exit),
    (t.ProcessOpen, 2, lambda e: f"opens {_target(e)} ({_p(e.access)})"),
    (t.ProcessSignal, 2, lambda e: f"signals {_target(e)} ({e.signal})"),
    (t.Privilege, 4, lambda e: f"changes its rights: {_p(e.change)}"),
    (t.ProcessRename, 2, lambda e: f"calls itself {_p(e.name)}"),
    (t.FileCreate, 2, lambda e: f"creates {'folder ' if e.directory else ''}{_p(e.path)}"),
    (t.FileRead, 0, lambda e: f"reads {_p(e.path)}"),
    (t.FileWrite, 3, _file_write),
    (t.FileDelete, 3, lambda e: f"deletes {_p(e.path)}"),
    (t.FileRename, 3, lambda e: f"renames {_p(e.path)} to {_p(e.to)}"),
    (t.FileLink, 1, _file_link),
    (t.FileMode, 2, lambda e: f"sets the mode of {_p(e.path)} to {e.mode:o}"),
    (t.FileOwner, 2, lambda e: f"gives {_p(e.path)} to {e.uid}:{e.gid}"),
    (t.FileTime, 2, lambda e: f"sets the time of {_p(e.path)}"),
    (t.FileAttribute, 1, lambda e: f"sets {_p(e.name)} of {_p(e.path)}"),
    (t.FileMissing, 0, lambda e: f"looks for {_p(e.path)}"),
    (t.DirectoryList, 0, lambda e: f"lists {_p(e.path)}"),
    (t.Mount, 4, _mount),
    (t.CanaryTouched, 5, lambda e: f"touches the decoy {_p(e.canary)}: {_p(e.action)} {_p(e.path)}"),
    (t.RegistryCreate, 1, lambda e: f"creates {_p(e.key)}"),
    (t.RegistrySet, 3, _registry_set),
    (t.RegistryDelete, 3, _registry_delete),
    (t.RegistryQuery, 0, _registry_query),
    (t.NetDns, 3, _dns),
    (t.NetConnect, 3, lambda e: f"connects to {_peer(e)} ({_p(e.protocol)})"),
    (t.NetListen, 4, lambda e: f"listens on {_peer(e)} ({_p(e.protocol)})"),
    (t.NetRaw, 3, lambda e: f"opens a {_p(e.family)} {_p(e.type)} socket"),
    (t.NetHttp, 5, _http),
    (t.NetMail, 5, _mail),
    (t.NetData, 4, _data),
    (t.MemoryExecutable, 2, _memory_executable),
    (t.MemoryWrite, 5, lambda e: f"writes {size(e.size)} into {_target(e)}"),
    (t.MemoryRead, 3, lambda e: f"reads {size(e.size)} of {_target(e)}"),
    (t.RemoteThread, 5, lambda e: f"makes {_target(e)} run code ({_p(e.how)})"),
    (t.ModuleLoad, 0, lambda e: f"loads {_p(e.path)}"),
    (t.KernelModule, 5, lambda e: f"kernel module {_p(e.name)}: {_p(e.action)}"),
    (t.ServiceChange, 4, _service),
    (t.TaskChange, 5, _task),
    (t.Autostart, 5, _autostart),
    (t.Window, 3, _window),
    (t.InputHook, 5, lambda e: f"watches the keyboard ({_p(e.how)})"),
    (t.Clipboard, 3, lambda e: f"clipboard: {_p(e.action)}{_quoted(e.text)}"),
    (t.ScreenCapture, 5, lambda e: f"takes a picture of the screen {_p(e.how)}".rstrip()),
    (t.ApiCall, 1, _api),
    (t.SystemCall, 1, _syscall),
    (t.StandIn, 5, _standin),
    (t.Recorder, 5, lambda e: f"starts what it got from {_p(e.url)}"),
    (t.Console, 2, lambda e: f"prints{_quoted(e.text.strip())}"),
)

_WORDS: dict[type, Callable[..., str]] = {kind: words for kind, _rank, words in _TABLE}
RANK: dict[type, int] = {kind: rank_ for kind, rank_, _words in _TABLE}
