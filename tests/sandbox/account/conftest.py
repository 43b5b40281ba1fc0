"""A guest that is made of records: say what happened, get the trace."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from lazaretto.domain.trace import AnyEvent, Ending, Lost, Trace
from lazaretto.sandbox.account.build import Account
from lazaretto.sandbox.account.manifest import GuestManifest, debian_manifest
from lazaretto.sandbox.account.records import Kind, Native, Record

SID = "S-1-5-21-1-2-3-1001"
DRIVE_C = "/home/anna/.wine/drive_c"
WINE64 = "/usr/lib/wine/wine64"
PRELOADER = "/usr/lib/wine/wine64-preloader"


def utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


class Told:
    """Records in the making; each call is a millisecond after the last."""

    def __init__(self, manifest: GuestManifest) -> None:
        self.account = Account(manifest, manifest.profile)
        self.now = 5_000_000_000
        self.records: list[Record] = []

    def record(
        self, kind: int, *a: int, strings: tuple[bytes, ...] = (), pid: int = 100, tid: int = 0, **more: Any
    ) -> None:
        self.now += 1_000_000
        args = (*a, 0, 0, 0, 0, 0, 0)[:6]
        fields = {"time": self.now, "inner_pid": pid - 90, "uid": 1000, "flags": 0, "result": 0} | more
        rec = Record(kind=int(kind), pid=pid, tid=tid or pid, a=args, strings=strings, **fields)
        self.records.append(rec)
        self.account.feed_record(rec)

    def native(self, call: int, *a: int, strings: tuple[bytes, ...] = (), **more: Any) -> None:
        self.record(Kind.WINE_NATIVE, int(call), *a, strings=strings, **more)

    def exec(self, path: str, *argv: str, cwd: str = "/home/anna", env: tuple[str, ...] = (), **more: Any) -> None:
        words = b"".join(word.encode() + b"\0" for word in (argv or (path,)))
        variables = b"".join(word.encode() + b"\0" for word in env)
        self.record(Kind.EXEC, 1000, strings=(path.encode(), words, variables, cwd.encode(), path.encode()), **more)

    def sample(self, path: str = "/home/anna/Downloads/sample", *argv: str, **more: Any) -> None:
        self.record(Kind.JOIN, 1, **{k: v for k, v in more.items() if k == "pid"})
        self.exec(path, *argv, **more)

    def windows_sample(self, image: str = "C:\\users\\anna\\sample.exe", *argv: str) -> None:
        """As Wine starts it: the launcher's child joins, forks again, and the grandchild runs the loader twice."""
        self.record(Kind.JOIN, 1, pid=99)
        self.record(Kind.FORK, 100, 10, pid=99)
        self.exec(WINE64, WINE64, image, *argv, cwd=f"{DRIVE_C}/users/anna")
        self.exec(PRELOADER, PRELOADER, WINE64, image, *argv, cwd=f"{DRIVE_C}/users/anna")
        self.record(Kind.EXIT, 0, pid=99)

    def create_process(self, child: int, image: str, command_line: str, windows_pid: int, **more: Any) -> None:
        """CreateProcess by pid 100, as records come: fork, fork, exec of the loader, then the call's return."""
        middle = child + 1000
        self.record(Kind.FORK, middle, 0, pid=100, tid=more.get("tid", 100))
        self.record(Kind.FORK, child, child - 90, pid=middle)
        self.record(Kind.EXIT, 0, pid=middle)
        self.exec(PRELOADER, PRELOADER, WINE64, *command_line.split(" "), pid=child, cwd=DRIVE_C)
        strings = (utf16("\\??\\" + image), utf16(command_line), utf16("C:\\users\\anna\\"))
        self.native(Native.CREATE_PROCESS, 0, 0x50, 0x54, windows_pid, strings=strings, **more)

    def line(self, text: str, **more: Any) -> None:
        self.record(Kind.WINE_DEBUG, strings=(text.encode(),), **more)

    def open(self, path: str, how: int = 0, created: int = 0, mode: int = 0o100644, **more: Any) -> None:
        self.record(Kind.OPEN, how, created, mode, strings=(path.encode(),), **more)

    def write(self, path: str, head: bytes, size: int | None = None, **more: Any) -> None:
        """Open for writing (creating), write, close."""
        self.open(path, 0o101, more.pop("created", 1), **more)
        self.record(Kind.WRITE, 0, len(head), strings=(path.encode(), head[:64]), **more)
        self.record(Kind.CLOSE_WRITE, size or len(head), size or len(head), 1, strings=(path.encode(),), **more)

    def connect(
        self, address: str, port: int, local: int, kind: int = Kind.CONNECT, protocol: int = 6, **more: Any
    ) -> None:
        self.record(kind, 2, protocol, port, local, strings=(socket.inet_aton(address),), **more)

    def internet(self, event: str, **fields: Any) -> None:
        self.now += 1_000_000
        self.account.feed_message("internet", {"event": event, "time": self.now, **fields})

    def keeper(self, event: str, **fields: Any) -> None:
        self.now += 1_000_000
        self.account.feed_message("keeper", {"event": event, "time": self.now, **fields})

    def trace(self, ending: Ending = Ending.EXITED) -> Trace:
        trace = self.account.finish(ending, "", 1.0, Lost())
        sound(trace)
        return trace

    def events(self, *kinds: str) -> list[AnyEvent]:
        return [event for event in self.trace().events if not kinds or event.kind in kinds]


def sound(trace: Trace) -> None:
    """What must be true of every trace."""
    assert [event.id for event in trace.events] == list(range(len(trace.events)))
    assert all(a.time <= b.time for a, b in zip(trace.events, trace.events[1:], strict=False))
    for event in trace.events:
        assert event.process in trace.processes
        assert all(0 <= reason < event.id for reason in event.because)
        target = getattr(event, "target", 0)
        assert not isinstance(target, int) or target == 0 or target in trace.processes
        parent = getattr(event, "parent", 0)
        assert parent == 0 or parent in trace.processes
    for key, process in trace.processes.items():
        assert process.key == key
        assert process.parent == 0 or process.parent in trace.processes


@pytest.fixture(name="sound", scope="session")
def _sound() -> Callable[[Trace], None]:
    return sound


@pytest.fixture
def linux_manifest() -> GuestManifest:
    return msgspec.structs.replace(
        debian_manifest("linux", "anna", resolvers=("192.168.178.1",)),
        canaries={"/home/anna/.ssh/id_ed25519": "ssh-key", "/home/anna/Documents/*": "document"},
    )


@pytest.fixture
def windows_manifest() -> GuestManifest:
    plain = debian_manifest("windows", "anna", SID, ("192.168.178.1",))
    standins = {
        f"{DRIVE_C}/windows/system32/{name}.exe": name for name in ("vssadmin", "schtasks", "powershell", "bcdedit")
    }
    return msgspec.structs.replace(
        plain, standins=standins, noise_keys=("HKLM\\System\\CurrentControlSet\\Control\\Session Manager",),
        canaries={f"{DRIVE_C}/users/anna/Documents/*": "document"},
    )  # fmt: skip


@pytest.fixture
def linux(linux_manifest: GuestManifest) -> Told:
    return Told(linux_manifest)


@pytest.fixture
def windows(windows_manifest: GuestManifest) -> Told:
    return Told(windows_manifest)
