"""An engine that does as a hostile sample tells it: the sample's first word says what."""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lazaretto.analysis.engine import Engine, Fact, Finding, Member, Output, Subject

HOSTILE = Engine(
    name="hostile",
    version="1",
    module="lazaretto.testing.engines",
    wants=lambda _: True,
    sees="whatever a test asks for",
    seconds=3.0,
    memory=256 << 20,
    output=1 << 20,
)


def examine(subject: Subject) -> Iterator[Output]:
    word, _, rest = subject.data.partition(b" ")
    yield Fact(name="began", value=word.decode())
    yield from _ACTS[word.decode()](rest)


def _echo(rest: bytes) -> Iterator[Output]:
    yield Member(name="echo", data=rest)


def _crash(_: bytes) -> Iterator[Output]:
    ctypes.string_at(8)
    yield from ()


def _raise(_: bytes) -> Iterator[Output]:
    raise ValueError("what is \x1b[2J this\udc80")


def _spin(_: bytes) -> Iterator[Output]:
    while True:
        pass


def _sleep(_: bytes) -> Iterator[Output]:
    time.sleep(1000)
    yield from ()


def _hog(_: bytes) -> Iterator[Output]:
    kept = [bytearray(16 << 20) for _ in range(1000)]
    yield Fact(name="hogged", value=len(kept))


def _flood(_: bytes) -> Iterator[Output]:
    for number in range(10_000_000):
        yield Finding(id=f"flood-{number}", detail="x" * 1000)


def _rubbish(_: bytes) -> Iterator[Output]:
    for fd in range(3, 16):
        try:
            os.write(fd, b"\x10\0\0\0" + os.urandom(4000))
        except OSError:
            continue
    yield Fact(name="after", value=1)


def _huge(_: bytes) -> Iterator[Output]:
    """A record that says of itself that it is 4 GB long."""
    for fd in range(3, 16):
        try:
            os.write(fd, b"\xff\xff\xff\xff" + b"x" * 100)
        except OSError:
            continue
    yield from ()


def _use_memory() -> None:
    bytearray(512 << 20)


def _trace_parent() -> None:
    if ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0):
        raise PermissionError


def _make_namespace() -> None:
    if ctypes.CDLL(None).unshare(0x10000000):
        raise PermissionError


ATTEMPTS: dict[str, Callable[[], object]] = {
    "see a file": Path("/usr/bin/env").read_bytes,
    "list the root": lambda: next(Path("/").iterdir()),
    "write a file": lambda: Path("/x").write_text("x"),
    "see processes": Path("/proc/self/status").read_text,
    "make a socket": socket.socket,
    "fork": os.fork,
    "start a program": lambda: os.execv("/usr/bin/env", ["env"]),  # noqa: S606  must fail
    "kill its parent": lambda: os.kill(os.getppid(), 9),
    "trace its parent": _trace_parent,
    "become root": lambda: os.setuid(0),
    "make a namespace": _make_namespace,
    "use more memory than it may": _use_memory,
    "raise its bounds": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096)),
}


def _escape(_: bytes) -> Iterator[Output]:
    done = []
    for what, attempt in ATTEMPTS.items():
        try:
            attempt()
        except (OSError, MemoryError, ValueError, StopIteration):
            continue
        done.append(what)
    yield Fact(name="done", value=tuple(done))
    yield Fact(name="user", value=(str(os.getuid()), *(str(group) for group in os.getgroups())))


_ACTS = {
    "echo": _echo, "crash": _crash, "raise": _raise, "spin": _spin, "sleep": _sleep, "hog": _hog, "flood": _flood,
    "rubbish": _rubbish, "huge": _huge, "escape": _escape,
}  # fmt: skip
