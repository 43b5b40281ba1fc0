"""The keeper's side of session.c: start programs inside the sample's world."""

from __future__ import annotations

import errno
import itertools
import os
import socket
import struct
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class Started:
    """A program that was asked for: its pid inside the session, later its wait status."""

    id: str
    pid: int = 0
    error: int = 0
    status: int | None = None


@dataclass
class Spawner:
    """One of the two processes of the session that start programs; `pid` is its outer pid."""

    socket: socket.socket
    pid: int = 0
    gone: bool = False
    started: dict[str, Started] = field(default_factory=dict)
    _ids: itertools.count[int] = field(default_factory=itertools.count)

    def greet(self) -> None:
        """Wait for "ready" and learn the outer pid from the credentials that the kernel attaches."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        _, ancillary, _, _ = self.socket.recvmsg(64, socket.CMSG_SPACE(12))
        for _level, kind, data in ancillary:
            if kind == socket.SCM_CREDENTIALS:
                self.pid = struct.unpack("3i", data)[0]

    def spawn(
        self, argv: Sequence[str], environment: Mapping[str, str], uid: int, cwd: str, stdio: Sequence[int]
    ) -> Started:
        """Start and wait until it has exec'd or failed to."""
        ident = str(next(self._ids))
        words = ["spawn", ident, str(uid), str(uid), cwd, str(len(argv)), *argv]
        words += [f"{name}={value}" for name, value in environment.items()]
        message = b"".join(os.fsencode(word) + b"\0" for word in words)
        self.started[ident] = Started(ident)
        try:
            socket.send_fds(self.socket, [message], list(stdio))
        except OSError:
            self.gone = True
        while not (self.started[ident].pid or self.started[ident].error):
            self.answer()
            if self.gone:
                self.started[ident].error = errno.ECONNRESET
        return self.started[ident]

    def answer(self) -> Started | None:
        """Take one answer; returns the program it was about. A sample can kill the launcher: then it is `gone`."""
        try:
            words = self.socket.recv(128).decode().split()
        except OSError:
            words = []
        if len(words) != 3:
            self.gone = True
            return None
        word, ident, number = words
        about = self.started.get(ident)
        if about is None:
            return None
        if word == "started":
            about.pid = int(number)
        elif word == "failed":
            about.error = int(number)
        else:
            about.status = int(number)
        return about


class Session:
    """The sample's world. `init` starts what belongs to the machine, `launcher` starts samples."""

    def __init__(
        self,
        program: str,
        root: str,
        netns: str,
        hostname: str,
        uptime: int,
        binds: Sequence[tuple[str, str]],
        cgroup: str,
    ) -> None:
        ours, theirs = zip(*(socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(2)), strict=True)
        for end in ours:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        numbers = [end.fileno() for end in theirs]
        argv = [program, root, netns, hostname, str(uptime), *map(str, numbers)]
        argv += [word for pair in binds for word in pair]

        def join_cgroup() -> None:
            with open(f"{cgroup}/cgroup.procs", "w") as procs:
                procs.write("0")

        self.process = subprocess.Popen(argv, pass_fds=numbers, preexec_fn=join_cgroup)
        for end in theirs:
            end.close()
        self.init, self.launcher = Spawner(ours[0]), Spawner(ours[1])
        self.init.greet()
        self.launcher.greet()


def outer_pid(init: int, inner: int) -> int:
    """The pid in the first namespace of the process that the session calls `inner`."""
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) <= init:
            continue
        try:
            with open(f"/proc/{name}/status") as status:
                words = next((line.split() for line in status if line.startswith("NSpid:")), [])
        except OSError:
            continue
        if len(words) == 3 and int(words[2]) == inner:
            return int(name)
    return 0
