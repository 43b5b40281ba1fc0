"""The cage around QEMU on the host. No cage, no run.

QEMU runs as a user that owns nothing, in its own user, mount, pid, network, ipc and uts namespaces, sees only the
system's read-only libraries and QEMU's own data files, has no network, and is bounded in memory, processor time,
file size, descriptors and processes. QEMU's own seccomp filter comes on top (hardware.py).
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lazaretto.domain.errors import NoIsolation

# Far above the ranges that Debian gives to users (1000-59999), below those for containers (100000-).
FIRST_UID = 64_100
UIDS = 256
PROBE_SECONDS = 30.0


@dataclass(frozen=True)
class Bounds:
    """What one machine may use. Memory and file size in bytes, processor time in seconds."""

    memory: int = 4 << 30
    file_size: int = 64 << 20
    processor_time: int = 300
    descriptors: int = 128
    processes: int = 64


def _visible() -> list[str]:
    """bwrap's words for the only files that QEMU can see."""
    words = []
    for path in ("/usr/lib", "/usr/lib64", "/usr/bin/qemu-system-x86_64", "/usr/share/qemu", "/usr/share/seabios",
                 "/usr/share/ipxe", "/etc/ld.so.cache"):  # fmt: skip
        if Path(path).exists():
            words += ["--ro-bind", path, path]
    for link in ("lib", "lib64", "bin", "sbin"):
        if Path("/", link).is_symlink():
            words += ["--symlink", f"usr/{link}", f"/{link}"]
        elif Path("/", link).exists() and link.startswith("lib"):
            words += ["--ro-bind", f"/{link}", f"/{link}"]
    return words


def _cage() -> list[str]:
    """bwrap's words. To be started in a session of its own, without a terminal (`Machine._kill` says why by us)."""
    return [
        "bwrap", "--unshare-all", "--die-with-parent", "--cap-drop", "ALL", "--clearenv",
        *_visible(), "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/tmp",  # noqa: S108 - a private, empty one
    ]  # fmt: skip


def _user(slot: int, device: str | None) -> list[str]:
    """How root becomes nobody in particular; an ordinary user stays what it is, the user namespace takes the rest."""
    if os.geteuid() != 0:
        return []
    uid = str(FIRST_UID + slot % UIDS)
    groups = ["--groups", str(Path(device).stat().st_gid)] if device else ["--clear-groups"]
    return ["setpriv", "--reuid", uid, "--regid", uid, *groups, "--no-new-privs", "--inh-caps=-all", "--"]


def caged(command: Sequence[str], slot: int, device: str | None = None) -> list[str]:
    """`command` inside the cage; `device` is a device node (/dev/kvm) it may use, as a member of the node's group."""
    extra = ["--dev-bind", device, device] if device else []
    return [*_user(slot, device), *_cage(), *extra, "--", *command]


def limiter(bounds: Bounds) -> Callable[[], None]:
    """To be run in the child before it becomes QEMU."""
    limits = {
        resource.RLIMIT_AS: bounds.memory,
        resource.RLIMIT_FSIZE: bounds.file_size,
        resource.RLIMIT_CPU: bounds.processor_time,
        resource.RLIMIT_NOFILE: bounds.descriptors,
        resource.RLIMIT_NPROC: bounds.processes,
        resource.RLIMIT_CORE: 0,
    }

    def limit() -> None:
        for what, most in limits.items():
            resource.setrlimit(what, (most, most))
        os.setpriority(os.PRIO_PROCESS, 0, 5)  # the service on the same machine must answer while samples run

    return limit


@cache
def require_isolation() -> None:
    """Raise `NoIsolation` unless a process in the cage really is without root, network and the host's files."""
    for program in ("bwrap", "setpriv"):
        if shutil.which(program) is None:
            raise NoIsolation(f"{program} is not installed: run 'lazaretto doctor'")
    probe = (
        "id -u; cat /proc/self/status | grep CapEff; ls /sys /home /root /etc/passwd 2>/dev/null | wc -l; "
        "cat /proc/net/dev | wc -l"
    )
    command = caged(["/usr/bin/sh", "-c", probe], slot=0)
    at = command.index("--proc")
    tools = [f"/usr/bin/{tool}" for tool in ("sh", "id", "cat", "grep", "ls", "wc")]
    command[at:at] = [word for tool in tools for word in ("--ro-bind", tool, tool)]
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False, start_new_session=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoIsolation(f"a process cannot be locked in on this machine: {error}") from error
    words = run.stdout.split()
    if run.returncode or len(words) != 5:
        raise NoIsolation(f"a process cannot be locked in on this machine: {run.stderr.strip() or run.stdout.strip()}")
    uid, _, capabilities, files, interfaces = words
    # three lines: two of heading, one for the loopback device
    if uid == "0" or int(capabilities, 16) or files != "0" or interfaces != "3":
        found = f"uid {uid}, capabilities {capabilities}, files {files}, interfaces {interfaces}"
        raise NoIsolation(f"the cage does not hold: {found}")
