"""Prepares the guest before the warm state is saved: file systems, network, tracer, internet, session."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from .session import Session, Spawner, Started, outer_pid

OWN = "/opt/lazaretto"
GUEST = "/guest"
CGROUP = "/sys/fs/cgroup/session"
NETNS = "/run/netns/session"
# A sample that takes all memory or forks without end hits these before the guest itself suffers.
SESSION_MEMORY = 640 << 20
SESSION_PROCESSES = 1500
WRITABLE = "320m"
# What the kernel looks after by itself once a second or so: counters of memory, compaction, neighbours in the network.
# A guest that sleeps for minutes would be woken for it, which costs as much as a program's own waking.
HOURLY = {
    "vm/stat_interval": "3600",
    "vm/compaction_proactiveness": "0",
    "vm/dirty_writeback_centisecs": "0",  # there is no disk to write to
    "net/ipv4/neigh/default/interval_probe_time_ms": "3600000",
    "net/ipv6/neigh/default/interval_probe_time_ms": "3600000",
}


def sh(*command: str) -> None:
    subprocess.run(command, check=True, cwd=OWN)


def mount(kind: str, source: str, target: str, options: str = "") -> None:
    os.makedirs(target, exist_ok=True)
    sh("mount", "-t", kind, *(["-o", options] if options else []), source, target)


def base() -> None:
    """The kernel's file systems and the sample's root: read-only squashfs below a bounded memory layer."""
    for kind, source, target in (
        ("proc", "proc", "/proc"), ("sysfs", "sys", "/sys"), ("tmpfs", "tmpfs", "/run"), ("tmpfs", "tmpfs", "/tmp"),
        ("tmpfs", "tmpfs", "/dev/shm"), ("bpf", "bpf", "/sys/fs/bpf"), ("tracefs", "tracefs", "/sys/kernel/tracing"),
        ("cgroup2", "cgroup2", "/sys/fs/cgroup"),
    ):  # fmt: skip
        mount(kind, source, target)
    mount("squashfs", "/dev/profile", "/run/lower", "ro")
    mount("tmpfs", "tmpfs", "/run/memory", f"size={WRITABLE},mode=755")
    for name in ("upper", "work"):
        os.makedirs(f"/run/memory/{name}", exist_ok=True)
    mount("overlay", "overlay", GUEST, "lowerdir=/run/lower,upperdir=/run/memory/upper,workdir=/run/memory/work")
    os.makedirs(CGROUP)
    with open("/sys/fs/cgroup/cgroup.subtree_control", "w") as control:
        control.write("+memory +pids")
    for name, value in (("memory.max", SESSION_MEMORY), ("pids.max", SESSION_PROCESSES)):
        with open(f"{CGROUP}/{name}", "w") as limit:
            limit.write(str(value))
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write("-1000")
    for name, period in HOURLY.items():
        with contextlib.suppress(OSError), open(f"/proc/sys/{name}", "w") as setting:  # a kernel may lack one
            setting.write(period)


def ports() -> dict[int, str]:
    """Paths of the virtio ports by their number."""
    return {int(name.rpartition("p")[2]): f"/dev/{name}" for name in os.listdir("/dev") if name.startswith("vport")}


def drop_file_cache() -> None:
    """Forget file pages that nothing maps: they would only make the saved state large."""
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as drop:
        drop.write("3")


def forget_free_memory() -> None:
    """Overwrite unused memory with zeros, which the saved state does not hold."""
    mount("tmpfs", "tmpfs", "/run/zeros", "size=100%")
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    zeros = bytes(1 << 20)
    with open("/run/zeros/zeros", "wb", 0) as file:
        file.writelines(zeros for _ in range((free >> 20) - 24))
    sh("umount", "/run/zeros")


def processes() -> set[int]:
    """Outer pids of everything that runs in the session."""
    with open(f"{CGROUP}/cgroup.procs") as procs:
        return {int(line) for line in procs}


def resident(pid: int) -> int:
    """Pages of memory of a process; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/statm") as statm:
            return int(statm.read().split()[1])
    except (OSError, ValueError):
        return 0


def memory_in_use() -> float:
    """The part of the session's memory that can't be given back: of processes and of files in memory."""
    with open(f"{CGROUP}/memory.stat") as stat:
        table = dict(line.split() for line in stat)
    return (int(table["anon"]) + int(table["shmem"])) / SESSION_MEMORY


def program(pid: int) -> str:
    """The path of a process' program as the session sees it; "" if it is gone."""
    with contextlib.suppress(OSError):
        path = os.readlink(f"/proc/{pid}/exe").removeprefix(GUEST)
        if not path.startswith(OWN):
            return path
        with open(f"/proc/{pid}/cmdline", "rb") as words:  # init and the launcher: as they call themselves
            return words.read(256).split(b"\0")[0].decode("utf-8", "replace")
    return ""


class Helper:
    """A program of the tools root that is spoken to by lines. Hidden from the sample, spared by memory pressure."""

    def __init__(self, *command: str, cwd: str = OWN) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=cwd, bufsize=0)
        assert self.process.stdin and self.process.stdout
        self.input: BinaryIO = self.process.stdin  # type: ignore[assignment] # raw, since bufsize is 0
        self.output: BinaryIO = self.process.stdout  # type: ignore[assignment]  # likewise
        self._text = b""

    def say(self, line: str) -> None:
        # One that is gone is noticed by its output's end.
        with contextlib.suppress(BrokenPipeError):
            self.input.write(line.encode() + b"\n")

    def lines(self) -> list[str] | None:
        """Lines that are there now (call when readable); None at the end."""
        chunk = os.read(self.output.fileno(), 65536)
        if not chunk:
            return None
        *lines, self._text = (self._text + chunk).split(b"\n")
        return [line.decode("utf-8", "replace") for line in lines]

    def expect(self, word: str, seconds: float) -> str:
        """Wait for the line that begins with `word`."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.output, selectors.EVENT_READ)
            while time.monotonic() < deadline:
                if not selector.select(deadline - time.monotonic()):
                    break
                lines = self.lines()
                if lines is None:
                    break
                for line in lines:
                    if line.startswith(word):
                        return line
        raise RuntimeError(f"{self.process.args!r} did not say {word!r}")


class World:
    """Everything that runs in the guest beside the sample."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        self.wanted: Mapping[str, Any] = settings["session"]
        paths = ports()
        self.tracer = Helper(f"{OWN}/bin/tracer", "--port", paths[1], "--control", "0", "--reply", "1", *self._wine())
        self.tracer.expect("ready", 120)
        sh("ip", "netns", "add", "session")
        sh(sys.executable, "-m", "internet.network", "--session", NETNS)
        self.internet = Helper(sys.executable, "-m", "internet", "--port", paths[3])
        self.internet.expect("ready", 60)
        self._binfmt()
        self.session = self._session()
        self.tracer.say(f"launcher {self.session.launcher.pid}")
        self.windows_inhabitants: list[tuple[int, str]] = []
        self.pids: dict[str, int] = {}  # outer pids of what [session] start has started, by name
        self.pipes: dict[str, tuple[BinaryIO, BinaryIO]] = {}
        for step in self.wanted.get("start", ()):
            self._step(step)
        self.human = Helper(sys.executable, "-m", "human", *self._display()) if "display" in self.wanted else None
        self.inhabitants: list[tuple[int, str]] = []

    def take_stock(self) -> None:
        """Note who lives in the session before the sample does: outer pid and program, and what is on the screen."""
        if self.human:
            self.human.say("look")
            self.human.expect("looked", 60)
        self.inhabitants = [(pid, program(pid)) for pid in sorted(processes())]

    def comes_back(self, pid: int) -> None:
        """What this process starts from now on came back by itself."""
        self.tracer.say(f"watch {pid} session")

    def _wine(self) -> list[str]:
        paths = {bits: self.settings.get("wine", {}).get(bits) for bits in ("64", "32")}
        return [word for bits, path in paths.items() if path for word in (f"--wine{bits}", f"{GUEST}{path}")]

    def _display(self) -> list[str]:
        display = self.wanted["display"]
        root = f"/proc/{self.session.init.pid}/root"
        return [
            "--socket", f"{root}/tmp/.X11-unix/X{display.get('number', 0)}",
            "--framebuffer", f"{root}{display.get('framebuffer', '/run/xfb')}/Xvfb_screen0",
        ]  # fmt: skip

    def _binfmt(self) -> None:
        formats = self.settings.get("binfmt", ())
        if formats:
            mount("binfmt_misc", "binfmt_misc", "/proc/sys/fs/binfmt_misc")
        for line in formats:
            with open("/proc/sys/fs/binfmt_misc/register", "wb") as register:
                register.write(line.encode("latin-1").decode("unicode_escape").encode("latin-1"))

    def _session(self) -> Session:
        binds = []
        for number, (path, content) in enumerate(self.wanted.get("masks", {}).items()):
            source = f"/run/mask{number}"
            with open(source, "w") as mask:
                mask.write(content)
            binds.append((source, path))
        uptime = int(self.wanted.get("uptime", 273_840))
        return Session(f"{OWN}/bin/session", GUEST, NETNS, self.wanted["hostname"], uptime, binds, CGROUP)

    # --- starting things in the session -----------------------------------------------------------------------------

    def user(self, name: str) -> tuple[int, str]:
        """uid and home of a user of the sample's root."""
        with open(f"{GUEST}/etc/passwd") as table:
            for line in table:
                entry = line.split(":")
                if entry[0] == name:
                    return int(entry[2]), entry[5]
        return 0, "/root"

    def environment(self, user: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        _, home = self.user(user)
        base: dict[str, str] = {
            "HOME": home, "USER": user, "LOGNAME": user, "SHELL": "/bin/bash", "LANG": "C.UTF-8", "PWD": home,
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "xterm-256color",
        }  # fmt: skip
        return {**base, **self.wanted.get("environment", {}), **(extra or {})}

    def spawn(
        self, spawner: Spawner, argv: Sequence[str], user: str, stdio: Sequence[int], *, cwd: str | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> Started:  # fmt: skip
        uid, home = self.user(user)
        return spawner.spawn(argv, self.environment(user, extra), uid, cwd or home, stdio)

    def _step(self, step: Mapping[str, Any]) -> None:
        """One [[session.start]]: argv, user, environment, cwd, name, pipes, fresh, role and what to wait for.

        wait = "exit" | "file:PATH" | "line:TEXT" | seconds
        """
        if step.get("fresh"):  # what was read until now was read for good
            drop_file_cache()
        wait = step.get("wait", 0)
        name = step.get("name", "")
        null = os.open("/dev/null", os.O_RDWR)
        ours: tuple[int, int] | None = None
        stdio = [null, null, null]
        if step.get("pipes"):
            there_in, our_in = os.pipe()
            our_out, there_out = os.pipe()
            # Not the null device: Wine traces nothing in a program whose errors go there.
            stdio, ours = [there_in, there_out, os.open("/dev/zero", os.O_WRONLY)], (our_in, our_out)
        user, cwd, extra = step.get("user", "root"), step.get("cwd"), step.get("environment")
        started = self.spawn(self.session.init, step["argv"], user, stdio, cwd=cwd, extra=extra)
        for fd in {*stdio, null}:
            os.close(fd)
        if started.error:
            raise RuntimeError(f"{step['argv'][0]} cannot be started: {os.strerror(started.error)}")
        if ours:
            self.pipes[name] = (os.fdopen(ours[0], "wb", 0), os.fdopen(ours[1], "rb", 0))
        self.pids[name or step["argv"][0]] = outer_pid(self.session.init.pid, started.pid)
        self._await(started, wait, name)
        if role := step.get("role"):  # "launcher", "watch service": what the tracer makes of the children
            word, _, reason = role.partition(" ")
            self.tracer.say(f"{word} {self.pids[name]} {reason}".strip())

    def _role(self, words: list[str]) -> None:
        """A launcher may say of others who they are: "role PID watch service", PID as the session counts, and
        "inhabitant WINDOWS-PID IMAGE"."""
        if len(words) >= 3 and words[0] == "inhabitant" and words[1].isdigit():
            self.windows_inhabitants.append((int(words[1]), " ".join(words[2:])))
        if len(words) >= 3 and words[0] == "role" and words[1].isdigit():
            self.tracer.say(" ".join([words[2], str(outer_pid(self.session.init.pid, int(words[1]))), *words[3:]]))

    def _await(self, started: Started, wait: str | float, name: str) -> None:
        deadline = time.monotonic() + 300
        match str(wait).partition(":"):
            case ("exit", _, _):
                while started.status is None:
                    self.session.init.answer()
            case ("file", _, path):
                while not os.path.exists(f"/proc/{self.session.init.pid}/root{path}") and time.monotonic() < deadline:
                    time.sleep(0.05)
            case ("line", _, text):
                output = self.pipes[name][1]
                line = b""
                while text.encode() not in line and time.monotonic() < deadline:
                    line = output.readline()
                    self._role(line.decode("utf-8", "replace").split())
            case (seconds, _, _):
                time.sleep(float(seconds))
