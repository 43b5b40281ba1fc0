"""A file goes in, a true account of what it does comes out.

    take a machine in its warm state -> hand over the job -> resume -> listen -> finish -> kill

What must always be true: the machine is disposed of whatever happens; no part of a sample has a name on this host
except the artifacts, which are not executable; a run ends within its budget of wall time plus the bounded time in
which the guest brings home what is left.
"""

from __future__ import annotations

import queue
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog

from lazaretto import __version__
from lazaretto.domain.detonation import Detonation, DetonationRequest, Guest
from lazaretto.domain.errors import GuestFailed, MachineFailed
from lazaretto.domain.progress import Listener as ProgressListener
from lazaretto.domain.progress import Progress, nobody
from lazaretto.domain.trace import Ending, Lost, trace_to_lines
from lazaretto.sandbox import launching
from lazaretto.sandbox.account.build import Account
from lazaretto.sandbox.account.manifest import GuestManifest
from lazaretto.sandbox.account.records import RecordReader
from lazaretto.sandbox.artifacts import Collector
from lazaretto.sandbox.boot import boot_under_kvm, why_no_kvm
from lazaretto.sandbox.image import recipe
from lazaretto.sandbox.listen import BUDGETS, Listener
from lazaretto.sandbox.machine import medium
from lazaretto.sandbox.machine.frames import Frame, FrameReader, FrameType
from lazaretto.sandbox.machine.hardware import Accelerator
from lazaretto.sandbox.machine.process import Machine
from lazaretto.sandbox.pool import Pool, dispose

log = structlog.get_logger(__name__)

# Seconds of wall time that a guest has for bringing home what is left, once it is told to finish.
HOMECOMING = 20.0
# A guest that says nothing at all for so long after it was resumed has no keeper any more.
FIRST_WORD = 30.0

_ENDINGS = {
    "exited": Ending.EXITED,
    "guest-time": Ending.GUEST_TIME,
    "wall-time": Ending.WALL_TIME,
    "refused": Ending.REFUSED,
    "tracer-lost": Ending.KEEPER_LOST,
}


Tap = Callable[[str, Frame], None]
"""Sees each frame as it comes: the port, the frame."""


@dataclass
class _Run:
    """What is known of one run while it lasts."""

    request: DetonationRequest
    machine: Machine
    account: Account
    collector: Collector
    listener: Listener
    readers: dict[str, FrameReader] = field(
        default_factory=lambda: {port: FrameReader(most) for port, most in BUDGETS.items()}
    )
    records: RecordReader = field(default_factory=RecordReader)
    tap: Tap | None = None
    ending: Ending | None = None
    reason: str = ""
    done: bool = False
    heard: bool = False

    def follow(self, progress: ProgressListener) -> None:
        """Take what the guest sends until it is done, dies, or its time is up."""
        began = time.monotonic()
        told: float | None = None
        next_report = began
        while not self.done:
            now = time.monotonic()
            if told is None and (self.flooded or now - began > self.request.wall_time_s):
                self.machine.ports["keeper"].send(b"finish\n")
                told = now
            if self._given_up(now, began, told):
                return
            if now >= next_report:
                share = min((now - began) / self.request.wall_time_s, 1.0)
                progress(Progress("detonate", share, f"{self.records.read} records"))
                next_report = now + 0.2
            try:
                port, data = self.listener.chunks.get(timeout=0.05)
            except queue.Empty:
                continue
            if not port:
                self.ending, self.reason = self._cause_of_death()
                return
            self._take(port, data)
        self._drain()

    def _given_up(self, now: float, began: float, told: float | None) -> bool:
        if not self.heard and now - began > FIRST_WORD:
            self.ending, self.reason = Ending.KEEPER_LOST, "the guest did not take the job"
        elif told is not None and now - told > HOMECOMING:
            self.ending, self.reason = Ending.KEEPER_LOST, "the guest did not finish when it was told to"
        return self.ending is not None

    def _cause_of_death(self) -> tuple[Ending, str]:
        """QEMU is gone: because the guest shut down or panicked (QEMU was told not to reboot), or by itself."""
        try:
            code = self.machine.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = None
        console = bytes(self.listener.console).decode("utf-8", "replace")
        if code == 0:
            panic = next((line for line in console.splitlines() if "panic" in line.lower()), "")
            return Ending.GUEST_DIED, panic.strip() or "the guest was restarted or halted"
        return Ending.MACHINE_DIED, self.machine.last_words() or f"QEMU ended with {code}"

    def _drain(self) -> None:
        """What is still on its way when the keeper says that it is done: the other ports are flushed before that."""
        quiet_until = time.monotonic() + 0.05
        while time.monotonic() < quiet_until:
            try:
                port, data = self.listener.chunks.get(timeout=0.01)
            except queue.Empty:
                continue
            if port:
                self._take(port, data)

    def _take(self, port: str, data: bytes) -> None:
        for frame in self.readers[port].feed(data):
            if self.tap is not None:
                self.tap(port, frame)
            if frame.type is FrameType.RECORDS and port == "trace":
                for record in self.records.feed(frame.payload):
                    self.account.feed_record(record)
            elif frame.type is FrameType.JSON:
                self._message(port, frame)
            elif frame.type is FrameType.BLOB:
                self.collector.begin(port, frame.payload)
            elif frame.type is FrameType.DATA:
                self.collector.data(port, frame.payload)
            elif frame.type is FrameType.END and (whole := self.collector.end(port, frame.payload)):
                about, artifact, content = whole
                self.account.feed_artifact(port, about, artifact, content)

    def _message(self, port: str, frame: Frame) -> None:
        try:
            message = msgspec.json.decode(frame.payload, type=dict[str, Any])
        except (msgspec.MsgspecError, RecursionError):
            self.collector.lost += 1
            return
        if port == "keeper":
            self._from_keeper(message)
        self.account.feed_message(port, message)

    def _from_keeper(self, message: Mapping[str, Any]) -> None:
        event = message.get("event")
        self.heard = True
        if event == "done":
            self.ending = _ENDINGS.get(str(message.get("ending")), Ending.KEEPER_LOST)
            self.reason = str(message.get("reason", ""))[:500]
            self.done = True
        elif event == "failed":
            self.ending, self.reason = Ending.KEEPER_LOST, str(message.get("text", ""))[-500:]
            self.done = True

    def lost(self) -> Lost:
        return Lost(
            kernel=self.records.lost_in_kernel,
            channel=sum(reader.lost for reader in self.readers.values()) + self.collector.lost,
            host=self.records.unreadable,
        )

    def why(self, ending: Ending) -> str:
        """What is said of an ending that has no reason of its own."""
        if ending is Ending.FLOODED:
            port = next(name for name, reader in self.readers.items() if reader.exhausted)
            return f"more than {BUDGETS[port] >> 20} MiB from the guest ({port}): the rest was dropped"
        if ending is Ending.WALL_TIME and not self.reason:
            return f"not done after {self.request.wall_time_s:g} s"
        return self.reason

    @property
    def flooded(self) -> bool:
        return any(reader.exhausted for reader in self.readers.values())


class Sandbox:
    """Detonates samples, each in a machine of its own, which comes from the pool."""

    def __init__(self, pool: Pool | None = None, tap: Tap | None = None) -> None:
        self.pool = pool or Pool(size=0)
        self.tap = tap

    def __call__(self, request: DetonationRequest, progress: ProgressListener = nobody) -> Detonation:
        """Run one sample; see `domain.detonation.Detonator`."""
        if request.accelerator == Accelerator.KVM:
            return self._attempt(request, Accelerator.KVM, progress)
        first = self._attempt(request, Accelerator.TCG, progress)
        if request.accelerator != "auto" or first.trace.ending is not Ending.WALL_TIME:
            return first
        image = self.pool.store.find(request.profile)
        if why_no_kvm(self.pool.store, image):
            return first
        # what the emulator did not finish in its wall time, the processor itself may
        for artifact in first.artifacts:
            request.out.joinpath(artifact.path).unlink(missing_ok=True)
        return self._attempt(request, Accelerator.KVM, progress)

    def _attempt(self, request: DetonationRequest, accelerator: Accelerator, progress: ProgressListener) -> Detonation:
        stages: dict[str, float] = {}
        began = time.monotonic()
        image = self.pool.store.find(request.profile)
        job = launching.job(request, recipe.load(request.profile).settings, time.time())
        manifest = msgspec.convert(image.manifest(), GuestManifest)
        job["jit"] = manifest.jit
        progress(Progress("restore", None, request.profile))
        warm = accelerator is Accelerator.TCG
        machine = self.pool.take(request.profile) if warm else boot_under_kvm(self.pool.store, image)
        try:
            stages["restore"] = time.monotonic() - began
            run = self._run(machine, request, job, manifest, progress)
            stages["detonate"] = time.monotonic() - began - stages["restore"]
        finally:
            dispose(machine)
            self.pool.refill(request.profile)
        progress(Progress("account", None, ""))
        ending = Ending.FLOODED if run.flooded else run.ending or Ending.MACHINE_DIED
        if not run.heard and ending in {Ending.MACHINE_DIED, Ending.GUEST_DIED}:
            raise MachineFailed(f"the machine died before the sample was started: {run.reason}")
        if not run.heard:
            raise GuestFailed(run.reason)
        wall = stages["detonate"]
        trace = run.account.finish(ending, run.why(ending), wall, run.lost())
        request.out.joinpath("trace.jsonl").write_bytes(b"\n".join(trace_to_lines(trace)) + b"\n")
        stages["account"] = time.monotonic() - began - stages["restore"] - wall
        log.info(
            "detonate.done",
            profile=request.profile,
            accelerator=accelerator,
            ending=ending,
            events=len(trace.events),
            lost=trace.lost.total,
            seconds=round(time.monotonic() - began, 2),
        )
        return Detonation(
            trace=trace,
            guest=Guest(profile=request.profile, image=image.digest, accelerator=accelerator),
            engine_version=__version__,
            artifacts=tuple(run.account.named(artifact) for artifact in run.collector.artifacts),
            stages={name: round(seconds, 4) for name, seconds in stages.items()},
        )

    def _run(
        self,
        machine: Machine,
        request: DetonationRequest,
        job: dict[str, Any],
        manifest: GuestManifest,
        progress: ProgressListener,
    ) -> _Run:
        medium.write(machine.medium, medium.JOB, job, request.path)
        listener = Listener(machine)
        run = _Run(request, machine, Account(manifest, request.profile), Collector(request.out), listener, tap=self.tap)
        listener.start()
        try:
            machine.resume()
            run.follow(progress)
        finally:
            listener.stop()
        return run


def detonate(request: DetonationRequest, progress: ProgressListener = nobody) -> Detonation:
    """Run one sample in a machine made for it; for many samples keep a `Sandbox` with a `Pool`."""
    with Pool(size=0) as pool:
        return Sandbox(pool)(request, progress)
