"""A room of the warden: a process that has loaded what one engine needs, and forks a confined child for each job.

A fork costs what the forking process has in memory, so an engine pays for its own libraries and no other's. Reads jobs
from the warden, kills what takes too long, tells the host how each ended. Single-threaded, for a fork takes only one
thread along.
"""

from __future__ import annotations

import errno
import gc
import importlib
import os
import selectors
import signal
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from lazaretto.analysis.cage import wire
from lazaretto.analysis.cage.confine import Bounds, confine
from lazaretto.analysis.engine import Subject
from lazaretto.analysis.formats.types import TYPES

_encode = msgspec.msgpack.Encoder().encode
_job = msgspec.msgpack.Decoder(wire.Job)


_FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EPERM}  # of a write to what holds the outputs


@dataclass
class _Child:
    job: wire.Job
    pid: int
    began: float
    killed: bool = False

    @property
    def deadline(self) -> float:
        return self.began + self.job.seconds


class Room:
    """`jobs` is where the warden puts them in, `host` where their ends are told."""

    def __init__(self, jobs: socket.socket, host: socket.socket, program: bytes, user: int | None) -> None:
        self._jobs = jobs
        self._host = host
        self._filter = program
        self._user = user
        self._children: dict[int, _Child] = {}  # by pidfd
        self._selector = selectors.DefaultSelector()
        self._selector.register(jobs, selectors.EVENT_READ)

    def run(self) -> None:
        """Until the warden is gone. What is still running dies with the pid namespace."""
        while True:
            for key, _ in self._selector.select(self._patience()):
                if key.fileobj is self._jobs:
                    if not self._take():
                        return
                else:
                    self._reap(key.fd)
            self._kill_late()

    def _patience(self) -> float | None:
        waiting = [child.deadline for child in self._children.values() if not child.killed]
        return max(0.0, min(waiting) - time.monotonic()) if waiting else None

    def _take(self) -> bool:
        packet, fds, _, _ = socket.recv_fds(self._jobs, wire.MAX_PACKET, 3)
        if not packet:
            return False
        job = _job.decode(packet)
        try:
            examine = _load(job, fds[2:])
            gc.freeze()  # what is loaded by now is shared with the children, and stays so
            pid = os.fork()
            if not pid:
                self._in_child(job, examine, *fds[:2])
        finally:
            for fd in fds:
                os.close(fd)
        pidfd = os.pidfd_open(pid)
        self._children[pidfd] = _Child(job, pid, time.monotonic())
        self._selector.register(pidfd, selectors.EVENT_READ)
        return True

    def _in_child(self, job: wire.Job, examine: Callable[[Subject], Any], sample: int, outputs: int) -> None:
        """Never returns. Nothing of the sample is read before the last line of `confine`."""
        code = 1
        try:
            self._jobs.close()
            self._host.close()
            self._selector.close()
            for pidfd in self._children:
                os.close(pidfd)
            gc.set_threshold(200_000, 20, 20)  # it lives for a moment: looking for rubbish was a third of its time
            confine(Bounds(job.memory, job.output, job.seconds), self._filter, self._user)
            code = _examine(job, examine, sample, outputs)
        except MemoryError:
            code = wire.NO_MEMORY
        finally:
            os._exit(code)

    def _kill_late(self) -> None:
        now = time.monotonic()
        for pidfd, child in self._children.items():
            if not child.killed and child.deadline <= now:
                child.killed = True
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)

    def _reap(self, pidfd: int) -> None:
        child = self._children.pop(pidfd)
        self._selector.unregister(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(child.pid, 0)
        ended = wire.Ended(
            number=child.job.number, end=_end(status, killed=child.killed), seconds=time.monotonic() - child.began
        )
        self._host.send(_encode(ended))


def _load(job: wire.Job, brought: Sequence[int]) -> Callable[[Subject], Any]:
    for name in job.loads:
        importlib.import_module(name)
    module = importlib.import_module(job.module)
    for fd in brought:  # from the host, and nothing of a sample
        module.take(os.pread(fd, os.fstat(fd).st_size, 0))
    function: Callable[[Subject], Any] = module.examine
    return function


def _examine(job: wire.Job, examine: Callable[[Subject], Any], sample: int, outputs: int) -> int:
    """Each output is its length in four bytes, little endian, and MessagePack."""
    data = os.pread(sample, os.fstat(sample).st_size, 0)
    subject = Subject(data=data, name=job.name, kind=job.kind or TYPES["data"], options=job.options)
    try:
        for output in examine(subject):
            packed = _encode(output)
            _write(outputs, struct.pack("<I", len(packed)) + packed)
    except MemoryError:
        return wire.NO_MEMORY
    except Exception as error:  # whatever a parser raises, it is the sample's doing
        if isinstance(error, OSError) and error.errno in _FULL:
            return wire.NO_ROOM
        _write(outputs, struct.pack("<I", 0) + f"{type(error).__name__}: {error}".encode("utf-8", "replace")[:500])
        return wire.RAISED
    return 0


def _write(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]


def _end(status: int, *, killed: bool) -> wire.End:
    if killed or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        return wire.End.TIME
    if os.WIFSIGNALED(status):
        return wire.End.CRASHED
    known = {
        0: wire.End.DONE,
        wire.RAISED: wire.End.RAISED,
        wire.NO_MEMORY: wire.End.MEMORY,
        wire.NO_ROOM: wire.End.OUTPUT,
    }
    return known.get(os.WEXITSTATUS(status), wire.End.CRASHED)
