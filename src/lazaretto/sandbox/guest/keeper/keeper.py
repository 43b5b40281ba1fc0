"""First process of the guest: prepares it, waits in the warm state for a job, runs it, brings home what is left.

What must always be true: the keeper never waits for the host while the sample runs, since the guest's clock jumps
whenever the guest is idle. All that it needs is on the medium before the machine is resumed; the host's only word is
"finish", which may come at any time.
"""

from __future__ import annotations

import base64
import codecs
import contextlib
import json
import os
import select
import selectors
import signal
import time
import traceback
from collections.abc import Iterator
from typing import Any

from . import collect, world
from .channel import Port
from .medium import BOOT, JOB, Medium

# How long (guest seconds) something that the sample installed may take to come back, once the sample itself is gone,
# and how much longer what came back is watched.
PATIENCE = 130.0
EXTRA = 120.0
# After the last process is gone, for what is still on its way: closing connections, a service being started.
SETTLE = 0.5
CONSOLE_MOST = 256 * 1024
# How often the session may run into the bound of its memory before its largest process is ended: left alone, the kernel
# throws out and reads back the same few pages of programs for minutes before it gives up.
MEMORY_STRAITS = 100
# How long (guest seconds) a document may lie open before the human must have looked at it.
FIRST_LOOK = 20.0
ASKS = 4  # so many times within `idle` seconds the tracer is asked whether anything happened
WAIT_MOST = 3600.0


class Run:
    """One job, from its begin to the last byte sent."""

    def __init__(self, place: world.World, port: Port, job: dict[str, Any]) -> None:
        self.world = place
        self.port = port
        self.job = job
        self.selector = selectors.DefaultSelector()
        self.console: dict[int, tuple[str, int]] = {}
        self.dumped: set[tuple[int, int, int]] = set()
        self.reason = ""
        self.deadline = time.monotonic() + float(job["guest_time"])
        self.first_quiet: float | None = None
        self.quiet = False
        self.came_back = False  # something was started since the session was restarted
        self.halves: dict[str, bytes] = {}  # of lines that have not ended, by pipe
        self.before = world.processes()
        self.straits = 0
        # A document stays open for ever; it is done when nothing has happened for `idle` seconds after it was read.
        # `look` is when to ask next whether anything has.
        self.idle = float(job.get("idle", 0))
        self.look = self.idle and time.monotonic() + FIRST_LOOK + self.idle
        self.activity: tuple[int, int] | None = None  # live processes, records so far
        self.unchanged = 0  # answers in a row that said the same
        self.awake = 0.0  # until when a macro sleeps
        self.memory_events = open(f"{world.CGROUP}/memory.events", "rb", buffering=0)  # noqa: SIM115 - for the whole run

    # --- before -------------------------------------------------------------------------------------------------------

    def place_sample(self, medium: Medium, size: int) -> str:
        """Write the sample where a user would have saved it; returns the path inside the session."""
        folder = self.job["place"]
        path = f"{folder}/{self.job['name']}"
        outside = world.GUEST + path
        os.makedirs(os.path.dirname(outside), exist_ok=True)
        with open(outside, "wb") as target:
            target.writelines(medium.sample(size))
        uid, _ = self.world.user(self.job["user"])
        os.chown(outside, uid, uid)
        os.chmod(outside, int(self.job.get("mode", 0o644)))
        return path

    def start(self, path: str) -> bool:
        """Start the sample; False when the guest refuses."""
        how = self.job["run"]
        if "join" in how:  # a program that runs already will do the work, and is the sample's from now on
            self.world.tracer.say(f"join {self.world.pids[how['join']]} sample")
        self.world.internet.say("start")
        if self.world.human:
            self.world.human.say("start")
        self.port.message(event="machine", processes=self.world.inhabitants, windows=self.world.windows_inhabitants)
        self.port.message(event="start", time=time.monotonic_ns(), path=path)
        if "line" in how:
            return self._by_launcher(how, path)
        return self._by_shell(how, path)

    def _by_launcher(self, how: dict[str, Any], path: str) -> bool:
        """A program that waits in the session is told by a line what to start (Windows)."""
        self.world.pipes[how["through"]][0].write(how["line"].replace("{path}", path).encode() + b"\n")
        return True

    def _by_shell(self, how: dict[str, Any], path: str) -> bool:
        out, err = os.pipe(), os.pipe()
        null = os.open("/dev/null", os.O_RDONLY)
        argv = [word.replace("{path}", path) for word in how["argv"]] + list(self.job.get("arguments", ()))
        started = self.world.spawn(
            self.world.session.launcher, argv, self.job["user"], (null, out[1], err[1]), cwd=os.path.dirname(path),
            extra=how.get("environment"),
        )  # fmt: skip
        for fd in (null, out[1], err[1]):
            os.close(fd)
        for fd, name in ((out[0], "out"), (err[0], "err")):
            self.console[fd] = (name, 0)
            self.selector.register(fd, selectors.EVENT_READ, self._on_console)
        if started.error:
            self.reason = f"the guest cannot start it: {os.strerror(started.error)}"
        return not started.error

    # --- while it runs ------------------------------------------------------------------------------------------------

    def listen(self) -> None:
        """Be told of everything that decides when the run is over."""
        self.selector.register(self.world.tracer.output, selectors.EVENT_READ, self._on_tracer)
        self.selector.register(self.port.fd, selectors.EVENT_READ, self._on_host)
        self.selector.register(self.world.session.launcher.socket, selectors.EVENT_READ, self._on_launcher)
        for name, (_, output) in self.world.pipes.items():
            self.selector.register(output, selectors.EVENT_READ, (self._on_pipe, name))
        if self.world.human:
            self.selector.register(self.world.human.output, selectors.EVENT_READ, self._on_human)
        # the kernel tells of a change by "urgent data", which selectors does not know
        straits = select.epoll()
        straits.register(self.memory_events.fileno(), select.EPOLLPRI)
        self.selector.register(straits, selectors.EVENT_READ, self._on_memory)

    def watch(self) -> str:
        """Until the sample is done, its time is up or the host has had enough; returns which."""
        ending = ""
        while not ending:
            now = time.monotonic()
            if now >= self.deadline:
                return "guest-time"
            until = self._until()
            if now >= until:
                return "exited"
            if self.look and now >= self.look:
                self._ask()
            next_time = min(until, self.deadline, self.look or self.deadline)
            for key, _ in self.selector.select(max(next_time - now, 0)):
                handler, *arguments = key.data if isinstance(key.data, tuple) else (key.data,)
                ending = ending or handler(key, *arguments) or ""
        return ending

    def _ask(self) -> None:
        self.look = max(time.monotonic(), self.awake) + self.idle / ASKS
        self.world.tracer.say("activity")

    def _is_over(self, live: int, records: int) -> bool:
        """Whether none but the document's own program (or programs) is left, and did nothing for long enough."""
        before, self.activity = self.activity, (live, records)
        self.unchanged = self.unchanged + 1 if before == self.activity else 0
        return live <= int(self.job.get("viewers", 1)) and self.unchanged >= ASKS and time.monotonic() > self.awake

    def _until(self) -> float:
        """When the run ends if nothing more happens: once the sample is gone, and what it left had its time."""
        if self.first_quiet is None:
            return self.deadline
        if not (self.job.get("patient") or self._installed()):
            return self.first_quiet + SETTLE if self.quiet else self.deadline
        return self.first_quiet + PATIENCE + (0 if self.quiet else EXTRA)

    def _installed(self) -> bool:
        """Whether the sample left something that a scheduler of the machine will start."""
        for folder in self.job.get("schedules", ()):
            for _, about in _young(world.GUEST + folder, self.began):
                if about:
                    return True
        return False

    def _on_tracer(self, _key: Any) -> str:
        lines = self.world.tracer.lines()
        if lines is None:
            return "tracer-lost"
        for line in lines:
            word, *rest = line.split()
            if word == "empty":
                self.quiet = True
                self.first_quiet = self.first_quiet or time.monotonic()
            elif word == "busy":
                self.quiet, self.came_back = False, True
            elif word == "activity" and self._is_over(*map(int, rest)):
                return "exited"
            elif word == "code" and rest:
                collect.memory(self.port, [int(rest[0])], self.dumped, self.job.get("jit", ()))
        return ""

    def _on_host(self, _key: Any) -> str:
        return "wall-time" if "finish" in self.port.words() else ""

    def _on_launcher(self, _key: Any) -> str:
        about = self.world.session.launcher.answer()
        if self.world.session.launcher.gone:
            self.selector.unregister(self.world.session.launcher.socket)
        if about and about.status is not None:
            self.port.message(event="exit", time=time.monotonic_ns(), status=about.status)
        return ""

    def _on_pipe(self, key: Any, name: str) -> str:
        text = os.read(key.fd, 65536)
        if not text:
            self.selector.unregister(key.fileobj)
        *lines, self.halves[name] = (self.halves.get(name, b"") + text).split(b"\n")
        self.halves[name] = self.halves[name][-65536:]
        for line in lines:
            if ending := self._launcher_said(name, line.decode("utf-8", "replace").rstrip("\r")):
                return ending
        return ""

    def _launcher_said(self, name: str, line: str) -> str:
        word, _, rest = line.partition(" ")
        if word == "console":  # what the sample wrote to its standard handles, in C escapes
            stream, _, said = rest.partition(" ")
            try:
                data = codecs.escape_decode(said.encode())[0]
            except ValueError:
                data = said.encode()
            self.port.message(
                event="console", stream=stream, time=time.monotonic_ns(), data=base64.b64encode(data).decode()
            )
            return ""
        self.port.message(event="launcher", name=name, time=time.monotonic_ns(), line=line[:4096])
        if self.look and line.startswith('{"wait":'):  # a macro sleeps: not over before it is awake
            self._put_off(line)
        if word == "logged-on" and self.first_quiet is None:  # all is started that comes back, and nothing did
            self.first_quiet, self.quiet = time.monotonic(), not self.came_back
        if word == "error":
            self.reason = rest.strip()
            return "refused"
        return ""

    def _put_off(self, line: str) -> None:
        with contextlib.suppress(ValueError, TypeError):
            seconds = min(float(json.loads(line)["wait"]), WAIT_MOST)
            self.awake = max(self.awake, time.monotonic() + seconds)
            self.unchanged = 0

    def _on_memory(self, _key: Any) -> str:
        self.memory_events.seek(0)
        counts = dict(line.split() for line in self.memory_events.read(4096).decode().splitlines())
        if int(counts.get("max", 0)) - self.straits > MEMORY_STRAITS and world.memory_in_use() > 0.9:
            self.straits = int(counts["max"])
            largest = max(world.processes(), key=world.resident, default=0)
            with contextlib.suppress(OSError):
                os.kill(largest, signal.SIGKILL)
        return ""

    def _on_console(self, key: Any) -> str:
        data = os.read(key.fd, 65536)
        name, so_far = self.console[key.fd]
        if not data:
            self.selector.unregister(key.fd)
            os.close(key.fd)
        elif so_far < CONSOLE_MOST:
            text = base64.b64encode(data[: CONSOLE_MOST - so_far]).decode()
            self.port.message(event="console", stream=name, time=time.monotonic_ns(), data=text)
        self.console[key.fd] = (name, so_far + len(data))
        return ""

    def _on_human(self, key: Any) -> str:
        assert self.world.human
        lines = self.world.human.lines()
        if lines is None:
            self.selector.unregister(key.fileobj)
        for line in lines or ():
            self._human_said(line)
        return ""

    def _human_said(self, line: str) -> None:
        try:
            said = json.loads(line)
        except ValueError:
            return
        if said.get("what") == "read" and self.look and self.activity is None:
            self._ask()  # from now on it counts
        path = said.pop("file", None)
        if path:
            with open(path, "rb") as pixels:
                self.port.blob(pixels.read(), kind="screenshot", **said)
            os.unlink(path)
        else:
            self.port.message(**{"event": "window", "time": time.monotonic_ns(), **said})

    # --- after --------------------------------------------------------------------------------------------------------

    def restart_session(self) -> None:
        """What comes back at the next start of the machine or session."""
        again = self.job.get("again", {})
        self.port.message(event="restart", time=time.monotonic_ns())
        self.first_quiet, self.quiet, self.came_back = None, False, False
        self.deadline = time.monotonic() + float(again.get("guest_time", 60))
        if "line" in again:
            self.world.comes_back(self.world.pids.get(again["through"], 0))
            self.world.pipes[again["through"]][0].write(again["line"].encode() + b"\n")
        elif "argv" in again:
            null = os.open("/dev/null", os.O_RDWR)
            self.world.comes_back(self.world.session.init.pid)
            self.world.spawn(self.world.session.init, again["argv"], self.job["user"], (null, null, null))
            os.close(null)

    def finish(self, ending: str) -> None:
        """Freeze the sample's world and send what it left."""
        if self.world.human:
            self.world.human.say("stop")
            self._drain_human()
        with open(f"{world.CGROUP}/cgroup.freeze", "w") as freeze:
            freeze.write("1")
        collect.memory(self.port, sorted(world.processes() - self.before), self.dumped, self.job.get("jit", ()))
        self.world.tracer.say("flush")
        self.world.internet.say("finish")
        collect.files(self.port, self.began, self.job.get("leave_out", ()))
        self.world.internet.expect("finished", 60)
        self.world.tracer.expect("flushed", 60)
        self.port.message(event="done", time=time.monotonic_ns(), ending=ending, reason=self.reason)

    def _drain_human(self) -> None:
        assert self.world.human
        with selectors.DefaultSelector() as last:
            last.register(self.world.human.output, selectors.EVENT_READ)
            while last.select(2.0):
                lines = self.world.human.lines()
                for line in lines or ():
                    self._human_said(line)
                if lines is None or any('"stopped"' in line for line in lines):
                    return

    def all(self, medium: Medium, size: int) -> None:
        self.began = time.time() - 0.001
        path = self.place_sample(medium, size)
        if not self.start(path):
            self.finish("refused")
            return
        self.listen()
        ending = self.watch()
        if self.job.get("reboot") and ending in {"exited", "guest-time"}:
            self.restart_session()
            ending = self.watch()
        self.finish(ending)


def _young(folder: str, since: float) -> Iterator[tuple[str, os.stat_result]]:
    for at, _, names in os.walk(folder):
        for name in names:
            about = os.lstat(os.path.join(at, name))
            if about.st_ctime >= since:
                yield name, about


def first_in_line() -> None:
    """Run before every program of the session: the memory of a process that ends is there only until it goes on.

    Not what is started from here.
    """
    os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    world.base()
    port = Port(world.ports()[2])
    port.message(event="hello")
    try:
        medium = Medium("/dev/medium")
        settings, _ = medium.wait(BOOT)
        place = world.World(settings)
        first_in_line()
        time.sleep(float(settings["session"].get("settle", 10)))
        place.take_stock()
        os.sync()
        world.forget_free_memory()
        port.message(event="ready")
        job, size = medium.wait(JOB)
        time.clock_settime(time.CLOCK_REALTIME, float(job["time"]))
        Run(place, port, job).all(medium, size)
    except BaseException:
        port.message(event="failed", text=traceback.format_exc()[-3000:])
    while True:
        signal.pause()
