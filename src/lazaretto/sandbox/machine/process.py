"""One QEMU process: started in the cage, spoken to over inherited sockets, always killed.

What must always be true: whoever holds a `Machine` closes it; closing kills QEMU and everything in its pid namespace,
whatever state it is in; nothing that a machine leaves behind has a name on the host's file system.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog

from lazaretto.domain.errors import MachineFailed
from lazaretto.sandbox.machine import hardware, lockdown
from lazaretto.sandbox.machine.qmp import Qmp

log = structlog.get_logger(__name__)

# A guest that floods its channel must find a reader that is never far behind, and a bounded one.
_RECEIVE_BUFFER = 4 << 20


@dataclass(frozen=True)
class MachineFiles:
    """The files of a machine, all opened read-only here and handed to QEMU as descriptors."""

    kernel: Path
    initrd: Path
    disks: tuple[Path, ...]


@dataclass
class Machine:
    """A running QEMU. `ports` are our ends of the guest's virtio ports, in the order of `hardware.PORTS`."""

    process: subprocess.Popen[bytes]
    qmp: Qmp
    ports: dict[str, socket.socket]
    console: socket.socket
    started: float
    medium: int  # descriptor of the medium, still writable for us until the job is handed over
    _sockets: list[socket.socket] = field(default_factory=list)

    @classmethod
    def start(
        cls,
        files: MachineFiles,
        medium: int,
        *,
        state: Callable[[], int] | None = None,
        slot: int = 0,
        bounds: lockdown.Bounds | None = None,
        accelerator: hardware.Accelerator = hardware.Accelerator.TCG,
    ) -> Machine:
        """Start QEMU: booted, or with `state`, which gives a descriptor, restored from it and paused.

        The state is asked for when QEMU is there to read it, so that it may be unpacked meanwhile, and closed then.
        `medium` stays the caller's.
        """
        lockdown.require_isolation()
        bounds = bounds or lockdown.Bounds()
        with contextlib.ExitStack() as mine, contextlib.ExitStack() as theirs:
            pairs = [socket.socketpair() for _ in range(2 + len(hardware.PORTS))]
            ours = [mine.enter_context(pair[0]) for pair in pairs]
            inherited = [theirs.enter_context(pair[1]).fileno() for pair in pairs]
            opened = {path: _open(theirs, path) for path in (files.kernel, files.initrd, *files.disks)}
            # A descriptor of its own that cannot write: QEMU reads what we write through ours.
            reader = os.open(f"/proc/self/fd/{medium}", os.O_RDONLY | os.O_CLOEXEC)
            theirs.callback(os.close, reader)
            machine = hardware.Hardware(
                kernel=f"/proc/self/fd/{opened[files.kernel]}",
                initrd=f"/proc/self/fd/{opened[files.initrd]}",
                disks=tuple((fd, os.fstat(fd).st_size) for fd in (*(opened[disk] for disk in files.disks), reader)),
                qmp=inherited[0],
                console=inherited[1],
                ports=tuple(inherited[2:]),
                incoming=state is not None,
                accelerator=accelerator,
            )
            device = "/dev/kvm" if accelerator is hardware.Accelerator.KVM else None
            command = lockdown.caged(hardware.arguments(machine), slot, device)
            process = subprocess.Popen(
                command,
                pass_fds=[*inherited, *opened.values(), reader],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
                preexec_fn=lockdown.limiter(bounds),  # noqa: PLW1509 - only setrlimit and setpriority, no locks taken
            )
            mine.pop_all()  # from here on they are the machine's
        for end in ours[2:]:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        ports = dict(zip(hardware.PORTS, ours[2:], strict=True))
        made = cls(process, Qmp(ours[0]), ports, ours[1], time.monotonic(), medium, ours)
        try:
            made._greet(state)
        except BaseException:
            made.close()
            raise
        return made

    def _greet(self, state: Callable[[], int] | None) -> None:
        try:
            self.qmp.greet()
            # What is shared with the host, the disks, is no part of a saved state.
            shared = {"capability": "x-ignore-shared", "state": True}
            self.qmp.call("migrate-set-capabilities", capabilities=[shared])
            if state is not None:
                fd = state()
                try:
                    self.qmp.call("getfd", [fd], fdname="state")
                finally:
                    os.close(fd)
                self.qmp.call("migrate-incoming", uri="fd:state")
                self.qmp.wait_until("query-status", "status", {"paused", "prelaunch"}, timeout=20)
        except (MachineFailed, TimeoutError) as error:
            raise MachineFailed(f"QEMU did not start: {self.last_words() or error}") from error

    def resume(self) -> None:
        self.qmp.call("cont")

    def stop(self) -> None:
        self.qmp.call("stop")

    def save_state(self, fd: int) -> None:
        """Write the whole state of the stopped machine to the descriptor."""
        self.qmp.call("getfd", [fd], fdname="state")
        as_fast_as_can_be: dict[str, Any] = {"max-bandwidth": 1 << 40}
        self.qmp.call("migrate-set-parameters", **as_fast_as_can_be)
        self.qmp.call("migrate", uri="fd:state")
        done = self.qmp.wait_until("query-migrate", "status", {"completed", "failed", "cancelled"}, timeout=120)
        if done != "completed":
            raise MachineFailed(f"the machine's state could not be saved: {done}")

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def last_words(self) -> str:
        """What QEMU said on its way out, one line."""
        if self.process.stderr is None:
            return ""
        self._kill()
        text = self.process.stderr.read(4096).decode("utf-8", "replace")
        return " ".join(text.split())

    def close(self) -> None:
        """Kill it and all that it started."""
        self._kill()
        self.process.wait()
        if self.process.stderr is not None:
            self.process.stderr.close()
        for end in self._sockets:
            end.close()

    def _kill(self) -> None:
        """bwrap's --die-with-parent and the pid namespace take QEMU along with the process that we started.

        Its whole group is killed, since bwrap's own child asks to die with its parent only a moment after it was born,
        and the kernel forgets that when the child gives its rights up, until it asks again: an orphan of such a moment
        would wait for ever, holding our end of its standard error. So nothing in the cage may leave the group either:
        the session without a terminal, which bwrap would make inside, is made by us.
        """
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _open(stack: contextlib.ExitStack, path: Path) -> int:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise MachineFailed(f"{path}: {error.strerror}") from error
    stack.callback(os.close, fd)
    return fd
