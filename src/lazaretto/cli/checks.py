"""What this computer must have for a detonation, as one table: each check looks at one thing and knows what mends it.

`CHECKS` is the table; the tables in `docs/cli.md` are made from it. Checks only look: none changes anything. They see
the computer through `Host`, so that a test can give them another one.
"""

from __future__ import annotations

import enum
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

import msgspec

from lazaretto.domain.text import size

GIB = 1 << 30
_NOBODY = 65534
_PROBE_SECONDS = 20.0


class Need(enum.StrEnum):
    """What it means when a check does not find what it looks for."""

    REQUIRED = "required"  # nothing can be detonated: exit code 1
    ADVISED = "advised"  # it works, but worse
    INFORMATION = "information"  # only worth knowing


class Finding(msgspec.Struct, frozen=True):
    """What a check saw. `remedy` is one command, or one sentence where no command mends it."""

    good: bool
    found: str
    remedy: str = ""


class Result(msgspec.Struct, frozen=True):
    """One line of `lazaretto doctor --json`."""

    check: str
    title: str
    need: Need
    good: bool
    found: str
    remedy: str

    @property
    def blocks(self) -> bool:
        """Whether nothing can be detonated until this is mended."""
        return not self.good and self.need is Need.REQUIRED


class Host:
    """This computer, as far as the checks look at it."""

    def __init__(self, home: Path) -> None:
        self.home = home

    @property
    def root(self) -> bool:
        return os.geteuid() == 0

    def which(self, command: str) -> str:
        """Path of a command or a library (`*.so.N`), or "". `sbin` is looked into too: a user's PATH lacks it."""
        if ".so." in command:
            return next((str(path) for path in Path("/usr/lib").glob(f"*/{command}")), "")
        path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
        return shutil.which(command, path=path) or ""

    def read(self, path: str) -> str:
        """Content of a small system file, "" where it is not there."""
        try:
            return Path(path).read_text(errors="replace")
        except OSError:
            return ""

    def run(self, *command: str) -> tuple[int, str]:
        """Exit code and output (both streams) of a short command; 127 where it cannot be started."""
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_PROBE_SECONDS,
                check=False,
                cwd="/",
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return 127, str(error)
        return done.returncode, done.stdout.decode(errors="replace").strip()

    def unprivileged(self, *command: str) -> tuple[int, str]:
        """As `run`, but never as root: the machines run as an unprivileged user, so that is what must work."""
        if not self.root:
            return self.run(*command)
        drop = ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--no-new-privs")
        return self.run(*drop, *command)

    def free_bytes(self, path: Path) -> int:
        """Free space where `path` is or would be."""
        while not path.exists():
            path = path.parent
        return shutil.disk_usage(path).free

    def writable(self, path: Path) -> bool:
        """Whether `path` is, or could be made, a folder this user can write into."""
        while not path.exists():
            path = path.parent
        return path.is_dir() and os.access(path, os.W_OK | os.X_OK)

    def accessible(self, path: str) -> bool:
        return os.access(path, os.R_OK | os.W_OK)

    @property
    def python(self) -> tuple[int, int]:
        return sys.version_info[:2]

    @property
    def system(self) -> tuple[str, str]:
        """Kernel name and CPU architecture."""
        return platform.system(), platform.machine()

    @property
    def processors(self) -> int:
        return len(os.sched_getaffinity(0))

    def build_command(self, profiles: tuple[str, ...]) -> str:
        """What this user types to build guests."""
        from lazaretto.cli.image import build_command  # noqa: PLC0415  brings the whole sandbox

        return build_command(self.home, profiles)

    def refusal(self) -> str:
        """Why the sandbox would refuse to run anything here, "" where it would not: its own trial of the lock-down."""
        from lazaretto.domain.errors import NoIsolation  # noqa: PLC0415  with the sandbox, only when asked
        from lazaretto.sandbox.machine.lockdown import require_isolation  # noqa: PLC0415

        try:
            require_isolation()
        except (NoIsolation, OSError, subprocess.SubprocessError) as error:
            return _last_line(str(error))
        return ""

    def images(self) -> dict[str, str]:
        """Profiles and what is wrong with their images: "" = built from the current recipe and whole."""
        from lazaretto.cli.image import faults  # noqa: PLC0415  brings the whole sandbox

        return faults(self.home)


class Check(msgspec.Struct, frozen=True):
    """One thing to look at: `look` says what it found on a host."""

    name: str
    title: str
    need: Need
    look: Callable[[Host], Finding]
    mends: str  # for the documentation: what is done about it


class Package(msgspec.Struct, frozen=True):
    """A Debian package that must be installed, and the command or library by which it is recognised."""

    name: str
    command: str
    need: Need
    purpose: str


def packages() -> tuple[Package, ...]:
    """The table of Debian packages, `packages.txt`."""
    text = resources.files("lazaretto.cli").joinpath("packages.txt").read_text()
    rows = [line.split(maxsplit=3) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return tuple(Package(name, command, Need(need), purpose.strip()) for name, command, need, purpose in rows)


def examine(host: Host, checks: Sequence[Check] | None = None) -> list[Result]:
    """All checks on `host`, in the table's order."""
    return [_result(check, check.look(host)) for check in (CHECKS if checks is None else checks)]


def _result(check: Check, finding: Finding) -> Result:
    return Result(
        check.name,
        check.title,
        check.need,
        finding.good,
        finding.found,
        "" if finding.good else finding.remedy,
    )


def as_root(host: Host, command: str) -> str:
    """`command` as this user would have to type it."""
    return command if host.root else f"sudo {command}"


# --- the looks ---


def _system(host: Host) -> Finding:
    kernel, processor = host.system
    good = kernel == "Linux" and processor in {"x86_64", "AMD64"}
    return Finding(good, f"{kernel} on {processor}", "use a 64-bit PC with Linux (Debian 12 is what is tested)")


def _python(host: Host) -> Finding:
    major, minor = host.python
    return Finding((major, minor) >= (3, 11), f"Python {major}.{minor}", as_root(host, "apt-get install -y python3"))


def _package(package: Package) -> Check:
    def look(host: Host) -> Finding:
        path = host.which(package.command)
        return Finding(bool(path), path or "not installed", as_root(host, f"apt-get install -y {package.name}"))

    mends = f"`apt-get install -y {package.name}`: {package.purpose}"
    return Check(f"package.{package.name}", package.name, package.need, look, mends)


def _emulator(host: Host) -> Finding:
    code, output = host.run(host.which("qemu-system-x86_64") or "qemu-system-x86_64", "--version")
    version = re.search(r"version (\d+)\.(\d+)", output)
    if code or not version:
        return Finding(False, "does not start", as_root(host, "apt-get install -y --reinstall qemu-system-x86"))
    number = (int(version[1]), int(version[2]))
    return Finding(number >= (7, 2), f"QEMU {number[0]}.{number[1]}", "use QEMU 7.2 or newer (Debian 12 has it)")


# Kernel settings that forbid user namespaces: name, the value that forbids, a value that allows.
_SWITCHES = (
    ("kernel.unprivileged_userns_clone", "0", "1"),  # Debian's own
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),  # Ubuntu's
    ("user.max_user_namespaces", "0", "10000"),
)


def _namespaces(host: Host) -> Finding:
    code, output = host.unprivileged("unshare", "--user", "--map-root-user", "true")
    if code == 0:
        return Finding(True, "an ordinary user can make them")
    for switch, off, on in _SWITCHES:
        if host.read(f"/proc/sys/{switch.replace('.', '/')}").strip() == off:
            return Finding(False, _last_line(output), as_root(host, f"sysctl -w {switch}={on}"))
    return Finding(False, _last_line(output), "run on the computer itself: this container or chroot forbids namespaces")


def _lockdown(host: Host) -> Finding:
    refusal = host.refusal()
    if not refusal:
        return Finding(True, "a process was locked away, and stayed so")
    return Finding(False, refusal, "mend user namespaces first; in a container, allow mounts and namespaces")


def _seccomp(host: Host) -> Finding:
    good = "errno" in host.read("/proc/sys/kernel/seccomp/actions_avail")
    return Finding(good, "in the kernel" if good else "not in the kernel", "boot a kernel with CONFIG_SECCOMP_FILTER")


def _memory(host: Host) -> Finding:
    amount = _meminfo(host.read("/proc/meminfo"), "MemAvailable")
    return Finding(amount >= 2 * GIB, f"{size(amount)} available", "free some memory: one machine takes about 1.3 GiB")


def _disk(host: Host) -> Finding:
    free = host.free_bytes(host.home)
    return Finding(
        free >= 4 * GIB,
        f"{size(free)} free for {host.home}",
        "free some space, or set LAZARETTO_HOME to a folder on a larger disk",
    )


def _home(host: Host) -> Finding:
    return Finding(
        host.writable(host.home),
        str(host.home),
        "set LAZARETTO_HOME to a folder of your own, or run as its owner",
    )


def _entropy(host: Host) -> Finding:
    text = host.read("/proc/sys/kernel/random/entropy_avail").strip()
    amount = int(text) if text.isdigit() else 0
    return Finding(amount >= 128, f"{amount} bits", as_root(host, "apt-get install -y rng-tools-debian"))


def _kvm(host: Host) -> Finding:
    if not host.read("/proc/version") or not host.accessible("/dev/kvm"):
        return Finding(True, "no usable /dev/kvm; not needed, machines are emulated")
    return Finding(True, "/dev/kvm is there; used only where a trial boot proves it and a sample needs it")


def _processors(host: Host) -> Finding:
    return Finding(host.processors >= 2, f"{host.processors}", "with one processor, samples wait for each other")


def _images(host: Host) -> Finding:
    faults = host.images()
    wrong = {name: fault for name, fault in faults.items() if fault}
    if not wrong:
        return Finding(True, ", ".join(faults))
    told = "; ".join(f"{name}: {fault}" for name, fault in sorted(wrong.items()))
    names = () if len(wrong) == len(faults) else tuple(sorted(wrong))
    return Finding(False, told, host.build_command(names))


def _last_line(output: str) -> str:
    return output.splitlines()[-1][:200] if output else "refused without a word"


def _meminfo(text: str, name: str) -> int:
    """Bytes of one line of /proc/meminfo, 0 where it is missing."""
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


CHECKS: tuple[Check, ...] = (
    Check("system", "Operating system", Need.REQUIRED, _system, "64-bit Linux; Debian 12 is what is tested"),
    Check("python", "Python", Need.REQUIRED, _python, "3.11 or newer"),
    *(_package(package) for package in packages()),
    Check("emulator", "QEMU version", Need.REQUIRED, _emulator, "7.2 or newer, as in Debian 12"),
    Check(
        "namespaces",
        "User namespaces",
        Need.REQUIRED,
        _namespaces,
        "`sysctl -w ...`: the switch that is off is named",
    ),
    Check(
        "lockdown",
        "Lock-down of machines",
        Need.REQUIRED,
        _lockdown,
        "namespaces as above; no isolation, no run",
    ),
    Check("seccomp", "System call filter", Need.REQUIRED, _seccomp, "a kernel with CONFIG_SECCOMP_FILTER"),
    Check("home", "Folder of the images", Need.REQUIRED, _home, "`LAZARETTO_HOME`, or run as the folder's owner"),
    Check("disk", "Disk space", Need.REQUIRED, _disk, "4 GiB free, or `LAZARETTO_HOME` on a larger disk"),
    Check("memory", "Memory", Need.REQUIRED, _memory, "2 GiB available"),
    Check("images", "Guest images", Need.REQUIRED, _images, "`lazaretto image build`"),
    Check("processors", "Processors", Need.ADVISED, _processors, "two or more"),
    Check("entropy", "Randomness", Need.ADVISED, _entropy, "`apt-get install -y rng-tools-debian`"),
    Check("kvm", "Hardware virtualisation", Need.INFORMATION, _kvm, "not needed"),
)
