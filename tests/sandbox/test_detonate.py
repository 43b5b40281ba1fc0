"""A run from the first byte to the disposed machine, against guests that behave well, badly, or not at all.

The guests here are threads that write to the machine's sockets; what a real one sends is tested by detonating.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lazaretto.domain.detonation import Detonation, DetonationRequest
from lazaretto.domain.errors import GuestFailed, MachineFailed, Unsupported
from lazaretto.domain.trace import Ending, trace_from_lines
from lazaretto.sandbox import detonate as detonating
from lazaretto.sandbox import listen
from lazaretto.sandbox.account.manifest import debian_manifest
from lazaretto.sandbox.detonate import Sandbox
from lazaretto.sandbox.machine import medium
from lazaretto.sandbox.machine.frames import MAGIC

PORTS = ("trace", "keeper", "internet")


def frame(kind: int, payload: bytes) -> bytes:
    return struct.pack("<HBBI", MAGIC, kind, 0, len(payload)) + payload


def message(**fields: Any) -> bytes:
    return frame(2, json.dumps(fields).encode())


DONE = message(event="done", time=5, ending="exited", reason="")
STARTED = message(event="start", time=1, path="/root/Downloads/a.sh")


@dataclass
class Process:
    """As much of a QEMU process as a run asks for: how it ended."""

    code: int | None = None

    def wait(self, timeout: float) -> int:
        if self.code is None:
            raise subprocess.TimeoutExpired("qemu", timeout)
        return self.code


@dataclass
class Machine:
    """A machine whose guest is a function that gets the other ends of its sockets."""

    guest: Callable[[Machine], None]
    medium: int
    process: Process = field(default_factory=Process)
    ports: dict[str, socket.socket] = field(default_factory=dict)
    theirs: dict[str, socket.socket] = field(default_factory=dict)
    console: Any = None
    closed: int = 0
    words: str = ""
    thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        pairs = {name: socket.socketpair() for name in (*PORTS, "console")}
        self.theirs = {name: pair[1] for name, pair in pairs.items()}
        self.console = pairs.pop("console")[0]
        self.ports = {name: pair[0] for name, pair in pairs.items()}

    def resume(self) -> None:
        self.thread = threading.Thread(target=self.guest, args=(self,))
        self.thread.start()

    def die(self, code: int) -> None:
        self.process.code = code
        for end in self.theirs.values():
            end.close()

    def last_words(self) -> str:
        return self.words

    def close(self) -> None:
        self.closed += 1
        for end in (*self.ports.values(), self.console):
            end.close()
        if self.thread is not None:
            self.thread.join()
        for end in self.theirs.values():
            end.close()


@dataclass
class Image:
    digest: str = "0123456789abcdef"

    def manifest(self) -> Any:
        return msgspec.to_builtins(debian_manifest("linux", "root", "", ("192.168.178.1",)))


@dataclass
class Pool:
    """Gives out one machine with the given guest, and remembers it."""

    place: Path
    guest: Callable[[Machine], None]
    machines: list[Machine] = field(default_factory=list)
    refilled: list[str] = field(default_factory=list)

    @property
    def store(self) -> Any:
        return self

    def find(self, _profile: str) -> Image:
        return Image()

    def take(self, _profile: str) -> Machine:
        self.machines.append(Machine(self.guest, medium.create(self.place)))
        return self.machines[-1]

    def refill(self, profile: str) -> None:
        self.refilled.append(profile)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detonating, "HOMECOMING", 0.2)
    monkeypatch.setattr(detonating, "FIRST_WORD", 0.2)


Run = Callable[..., tuple[Detonation, Machine]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    pools: list[Pool] = []

    def start(guest: Callable[[Machine], None], **more: Any) -> tuple[Detonation, Machine]:
        sample = tmp_path / "a.sh"
        sample.write_text("echo hello")
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        pool: Any = Pool(tmp_path / "run", guest)
        pools.append(pool)
        fields: dict[str, Any] = {"name": "a.sh", "profile": "linux", "launch": "sh", "accelerator": "tcg"}
        request = DetonationRequest(path=sample, out=out, **(fields | more))
        return Sandbox(pool)(request), pool.machines[-1]

    yield start
    for pool in pools:
        for machine in pool.machines:
            assert machine.closed == 1
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(machine.medium)
        assert len(pool.refilled) == len(pool.machines)


def says(*frames: bytes) -> Callable[[Machine], None]:
    return lambda machine: machine.theirs["keeper"].sendall(b"".join(frames))


def test_the_way_of_a_sample(run: Run, tmp_path: Path) -> None:
    heard: list[bytes] = []

    def guest(machine: Machine) -> None:
        heard.append(os.pread(machine.medium, 8, 0))
        heard.append(os.pread(machine.medium, 10, 1 << 20))
        machine.theirs["keeper"].sendall(STARTED + DONE)

    detonation, _ = run(guest)
    assert heard == [medium.JOB, b"echo hello"]
    assert detonation.trace.ending is Ending.EXITED
    assert detonation.trace.lost.total == 0
    assert trace_from_lines((tmp_path / "out/trace.jsonl").read_bytes().splitlines()) == detonation.trace
    assert set(detonation.stages) == {"restore", "detonate", "account"}
    assert list((tmp_path / "run").iterdir()) == []


def test_a_dropped_file_comes_home(run: Run, tmp_path: Path) -> None:
    about = json.dumps({"id": 1, "size": 3, "kind": "dropped", "name": "/tmp/x", "path": "/tmp/x"}).encode()
    blob = frame(3, about) + frame(4, struct.pack("<I", 1) + b"abc") + frame(5, struct.pack("<I", 1))
    detonation, _ = run(says(STARTED, blob, DONE))
    (artifact,) = detonation.artifacts
    assert (tmp_path / "out" / artifact.path).read_bytes() == b"abc"


@pytest.mark.parametrize(
    ("said", "ending"),
    [
        ("exited", Ending.EXITED), ("guest-time", Ending.GUEST_TIME), ("refused", Ending.REFUSED),
        ("tracer-lost", Ending.KEEPER_LOST), ("something else", Ending.KEEPER_LOST), (["exited"], Ending.KEEPER_LOST),
    ],
)  # fmt: skip
def test_what_the_keeper_says_of_the_end(run: Run, said: Any, ending: Ending) -> None:
    detonation, _ = run(says(STARTED, message(event="done", time=5, ending=said, reason="why")))
    assert detonation.trace.ending is ending
    assert detonation.trace.reason == "why"


def test_the_wall_time_is_told_to_the_guest(run: Run) -> None:
    told = []

    def guest(machine: Machine) -> None:
        machine.theirs["keeper"].sendall(STARTED)
        told.append(machine.theirs["keeper"].recv(64))
        machine.theirs["keeper"].sendall(message(event="done", time=5, ending="wall-time", reason=""))

    detonation, _ = run(guest, wall_time_s=0.1)
    assert told == [b"finish\n"]
    assert detonation.trace.ending is Ending.WALL_TIME
    assert detonation.trace.reason == "not done after 0.1 s"


def test_a_guest_that_does_not_finish(run: Run) -> None:
    detonation, _ = run(says(STARTED), wall_time_s=0.1)
    assert detonation.trace.ending is Ending.KEEPER_LOST
    assert "did not finish" in detonation.trace.reason


def test_a_guest_that_panics(run: Run) -> None:
    def guest(machine: Machine) -> None:
        machine.theirs["keeper"].sendall(STARTED)
        machine.theirs["console"].sendall(b"[ 1.0] Kernel panic - not syncing: sysrq triggered\n[ 1.0] CPU: 0\n")
        machine.die(0)

    detonation, _ = run(guest)
    assert detonation.trace.ending is Ending.GUEST_DIED
    assert "sysrq triggered" in detonation.trace.reason


def test_a_guest_that_is_restarted(run: Run) -> None:
    def guest(machine: Machine) -> None:
        machine.theirs["keeper"].sendall(STARTED)
        machine.die(0)

    detonation, _ = run(guest)
    assert (detonation.trace.ending, detonation.trace.reason) == (
        Ending.GUEST_DIED,
        "the guest was restarted or halted",
    )


@pytest.mark.parametrize(("words", "reason"), [("terminating on signal 9", "signal 9"), ("", "QEMU ended with 137")])
def test_a_qemu_that_dies(run: Run, words: str, reason: str) -> None:
    def guest(machine: Machine) -> None:
        machine.words = words
        machine.theirs["keeper"].sendall(STARTED)
        machine.die(137)

    detonation, _ = run(guest)
    assert detonation.trace.ending is Ending.MACHINE_DIED
    assert reason in detonation.trace.reason


def test_a_qemu_that_closes_everything_and_stays(run: Run) -> None:
    def guest(machine: Machine) -> None:
        machine.theirs["keeper"].sendall(STARTED)
        for end in machine.theirs.values():
            end.close()

    detonation, _ = run(guest)
    assert detonation.trace.ending is Ending.MACHINE_DIED


def test_without_a_word_there_is_no_account(run: Run) -> None:
    with pytest.raises(GuestFailed, match="did not take the job"):
        run(lambda _machine: None)


def test_a_machine_that_dies_before_the_sample(run: Run) -> None:
    with pytest.raises(MachineFailed, match="before the sample was started"):
        run(lambda machine: machine.die(1))


def test_a_keeper_that_failed(run: Run) -> None:
    detonation, _ = run(says(STARTED, message(event="failed", text="Traceback: no such file")))
    assert detonation.trace.ending is Ending.KEEPER_LOST
    assert "no such file" in detonation.trace.reason


@pytest.mark.parametrize("port", PORTS)
def test_a_flood_ends_the_run_and_says_so(run: Run, port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(listen.BUDGETS, port, 1 << 20)

    def guest(machine: Machine) -> None:
        machine.theirs["keeper"].sendall(STARTED)
        for _ in range(300):
            machine.theirs[port].sendall(frame(2, b'{"event": "x", "text": "' + b"x" * 8000 + b'"}'))
        if port != "keeper":
            machine.theirs["keeper"].recv(64)
            machine.theirs["keeper"].sendall(DONE)

    detonation, _ = run(guest)
    assert detonation.trace.ending is Ending.FLOODED
    assert f"({port})" in detonation.trace.reason
    assert detonation.trace.lost.total > 0


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize(
    "rubbish",
    [
        b"\xff" * 5000, frame(2, b"["), frame(2, b"[" * 50_000), frame(2, b"[]"), frame(2, b'{"event": []}'),
        frame(1, b"\xff" * 500), frame(1, bytes(500)), frame(3, b"{}"), frame(4, b""), frame(5, b"\1"), frame(77, b"x"),
        message(event="done", time="x", ending={}), message(event="file-left", size="x", path=7),
        message(event="console", stream=3, time=-1, data="%"), message(event="window", time=1 << 80, title=[]),
        message(event="machine", processes=[[1], "x"]), message(event="start", time=None, path=None),
    ],
)  # fmt: skip
def test_rubbish_and_forgery_spoil_at_most_the_account(run: Run, port: str, rubbish: bytes) -> None:
    def guest(machine: Machine) -> None:
        machine.theirs["keeper"].sendall(STARTED)
        machine.theirs[port].sendall(rubbish)
        time.sleep(0.05)
        with contextlib.suppress(BrokenPipeError):  # a forged end has ended it
            machine.theirs["keeper"].sendall(DONE)

    detonation, _ = run(guest, wall_time_s=1.0)
    assert detonation.trace.ending in {Ending.EXITED, Ending.KEEPER_LOST}
    assert msgspec.json.encode(detonation.trace.events)


def test_a_kind_that_the_guest_does_not_start_costs_no_machine(run: Run) -> None:
    with pytest.raises(Unsupported):
        run(says(DONE), launch="exe")


def test_two_sandboxes_do_not_share_machines(run: Run) -> None:
    first, one = run(says(STARTED, DONE))
    second, two = run(says(STARTED, DONE))
    assert one is not two
    assert first.trace.ending is second.trace.ending is Ending.EXITED
