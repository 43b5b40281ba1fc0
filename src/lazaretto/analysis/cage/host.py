"""The host's side of the cage: jobs in, outputs out, from any number of threads."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from lazaretto.analysis.cage import wire
from lazaretto.analysis.cage.confine import EMPTY
from lazaretto.analysis.engine import AnyOutput, Brought, Engine
from lazaretto.analysis.formats.types import FileType
from lazaretto.domain.errors import CageFailed

MOST_OUTPUTS = 20_000  # of one engine about one file
WARDEN_UID = 64_090  # below those of the machines (sandbox.machine.lockdown)
_GRACE = 5.0  # seconds that the warden has beyond a job's own before it is held to be gone

_encode = msgspec.msgpack.Encoder().encode
_ended = msgspec.msgpack.Decoder(wire.Ended)
_output = msgspec.msgpack.Decoder(AnyOutput)

_WORDS = {
    wire.End.RAISED: "met something it does not understand",
    wire.End.CRASHED: "crashed",
    wire.End.TIME: "took too long",
    wire.End.MEMORY: "needed too much memory",
    wire.End.OUTPUT: "found more than a report can hold",
    wire.End.LOST: "was lost",
    wire.End.SILENT: "did not answer",
}


@dataclass(frozen=True)
class Outcome:
    """What an engine said, and how it ended. Outputs before a bad end are kept."""

    outputs: tuple[AnyOutput, ...]
    end: wire.End
    seconds: float
    detail: str = ""
    brought: Brought | None = None

    @property
    def failed(self) -> str:
        """Why the engine did not come to its own end, in words that follow its name; empty if it did."""
        return _WORDS.get(self.end, "")


class Cage:
    """Starts its warden when it is first needed, and again when it is gone. `at_once` jobs run side by side."""

    def __init__(self, at_once: int | None = None) -> None:
        self.at_once = at_once or len(os.sched_getaffinity(0))
        self._room = threading.BoundedSemaphore(self.at_once)
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[wire.Ended]] = {}
        self._bringing = threading.Lock()
        self._brought: dict[str, Brought] = {}  # by engine, made once
        self._handed: set[str] = set()  # engines whose part the present warden has
        self._warden: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def run(
        self, engine: Engine, sample: int, *, name: str, kind: FileType | None, options: Mapping[str, Any] | None = None
    ) -> Outcome:
        """Have the engine look at the bytes behind the descriptor `sample`, which is read from its begin."""
        options = dict(options or {})
        brought = self._brought_by(engine, options)
        job = wire.Job(
            number=next(self._numbers), module=engine.module, loads=engine.loads, name=name, kind=kind, options=options,
            seconds=engine.seconds, memory=engine.memory, output=engine.output,
        )  # fmt: skip
        outputs = os.memfd_create(f"outputs of {engine.name}", os.MFD_CLOEXEC)
        try:
            with self._room:
                ended = self._carried_out(engine, job, (sample, outputs), brought)
            found, detail = _read(outputs, engine.output)
        finally:
            os.close(outputs)
        return Outcome(
            outputs=found, end=ended.end, seconds=ended.seconds, detail=detail, brought=brought
        )  # fmt: skip

    def _brought_by(self, engine: Engine, options: Mapping[str, Any]) -> Brought | None:
        if engine.brings is None:
            return None
        with self._bringing:
            if engine.name not in self._brought:
                self._brought[engine.name] = engine.brings(options)
            return self._brought[engine.name]

    def _carried_out(
        self, engine: Engine, job: wire.Job, descriptors: tuple[int, int], brought: Brought | None
    ) -> wire.Ended:
        number = job.number
        with self._lock:
            host = self._connected()
            answer = self._waiting[number] = Future()
            try:
                if brought and engine.name not in self._handed:
                    with sheet(brought.data) as fd:
                        socket.send_fds(host, [_encode(job)], (*descriptors, fd))
                    self._handed.add(engine.name)
                else:
                    socket.send_fds(host, [_encode(job)], descriptors)
            except OSError:
                self._waiting.pop(number)
                return wire.Ended(number=number, end=wire.End.LOST, seconds=0.0)
        try:
            return answer.result(engine.seconds + _GRACE)
        except TimeoutError:
            self.close()
            return wire.Ended(number=number, end=wire.End.LOST, seconds=engine.seconds + _GRACE)

    def _connected(self) -> socket.socket:
        if self._socket is not None and self._warden is not None and self._warden.poll() is None:
            return self._socket
        self._forget()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        begun: Future[subprocess.Popen[bytes]] = Future()
        self._waiting = {}  # whoever hears the end of the one before loses only what that one was given
        args = (ours, theirs, begun, self._waiting)
        threading.Thread(target=self._serve, args=args, name="cage", daemon=True).start()
        self._warden = begun.result()
        self._socket = ours
        return ours

    def _serve(
        self,
        host: socket.socket,
        theirs: socket.socket,
        begun: Future[subprocess.Popen[bytes]],
        waiting: dict[int, Future[wire.Ended]],
    ) -> None:
        """Starts the warden and hears it, in one thread: what dies with its parent dies with the parent's thread."""
        with theirs:
            try:
                begun.set_result(start_warden(theirs.fileno()))
            except BaseException as error:  # it is for who waits
                host.close()
                begun.set_exception(error)
                return
        _listen(host, waiting)
        with self._lock:
            if self._socket is host:  # before anybody hears of the end and asks again
                self._forget()
        _lose(waiting)

    def close(self) -> None:
        """Kill the warden and all children with it."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        if self._warden is not None:
            self._warden.kill()
            self._warden.wait()
        if self._socket is not None:
            self._socket.shutdown(socket.SHUT_RDWR)  # which wakes the thread that listens
            self._socket.close()
        self._warden = self._socket = None
        self._handed.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def sheet(data: bytes) -> Iterator[int]:
    """These bytes as a descriptor that a cage can be given."""
    fd = os.memfd_create("sample", os.MFD_CLOEXEC)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(fd, left) :]
        yield fd
    finally:
        os.close(fd)


def start_warden(fd: int) -> subprocess.Popen[bytes]:
    """The warden in its sandbox, with the descriptor `fd` as its end of the socket."""
    root = os.geteuid() == 0
    if shutil.which("bwrap") is None:
        raise CageFailed("bwrap is not installed: run 'lazaretto doctor'")
    # Root's children become nobody, and the warden keeps the rights to make and kill them; a user's stay who they are.
    kept = ("CAP_SYS_CHROOT", "CAP_SETUID", "CAP_SETGID", "CAP_KILL") if root else ("CAP_SYS_CHROOT",)
    apart = ("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts") if root else ("--unshare-all",)
    command = [
        "bwrap", *apart, "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL",
        *(word for name in kept for word in ("--cap-add", name)),
        "--tmpfs", "/tmp", *_libraries(), "--proc", "/proc", "--dev", "/dev",  # noqa: S108  a private, empty one
        "--dir", EMPTY, "--remount-ro", "/", "--chdir", "/",
        "--setenv", "PYTHONPATH", os.pathsep.join(_paths()), "--setenv", "LC_ALL", "C.UTF-8",
        "--", _interpreter(), "-s", "-B", "-m", "lazaretto.analysis.cage.warden", str(fd),
        str(WARDEN_UID if root else -1),
    ]  # fmt: skip
    return subprocess.Popen(command, pass_fds=[fd], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def _interpreter() -> str:
    return str(Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}"))


def _paths() -> list[str]:
    """Where modules come from: this package's own folder and what it was installed beside."""
    own = str(Path(__file__).parents[3])
    return list(
        dict.fromkeys([own, *(path for path in sys.path if path.endswith("-packages") and Path(path).is_dir())])
    )


def _libraries() -> list[str]:
    words = []
    for path in dict.fromkeys(
        ["/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", sys.base_prefix, *_paths()]
    ):
        if Path(path).is_symlink() and path.count("/") == 1:
            words += ["--symlink", str(Path(path).readlink()), path]
        elif Path(path).exists() and not (path != "/usr" and path.startswith("/usr/")):
            words += ["--ro-bind", path, path]
    return words


def _listen(host: socket.socket, waiting: dict[int, Future[wire.Ended]]) -> None:
    while packet := _received(host):
        ended = _ended.decode(packet)
        if answer := waiting.pop(ended.number, None):
            answer.set_result(ended)


def _lose(waiting: dict[int, Future[wire.Ended]]) -> None:
    for number in list(waiting):
        if answer := waiting.pop(number, None):
            answer.set_result(wire.Ended(number=number, end=wire.End.LOST, seconds=0.0))


def _received(host: socket.socket) -> bytes:
    try:
        return host.recv(wire.MAX_PACKET)
    except OSError:
        return b""


def _read(fd: int, most: int) -> tuple[tuple[AnyOutput, ...], str]:
    """What a child wrote: its outputs as far as they are well-formed, and what it said when it fell."""
    data = os.pread(fd, min(os.fstat(fd).st_size, most), 0)
    found: list[AnyOutput] = []
    at = 0
    while at + 4 <= len(data) and len(found) < MOST_OUTPUTS:
        length = int.from_bytes(data[at : at + 4], "little")
        at += 4
        if not length:
            return tuple(found), data[at : at + 500].decode("utf-8", "replace")
        try:
            found.append(_output.decode(data[at : at + length]))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return tuple(found), "its outputs are not well-formed"
        at += length
    return tuple(found), ""
