"""No cage, no run. What can be tried without a machine is really tried: bwrap, users, limits."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lazaretto.domain.errors import NoIsolation
from lazaretto.sandbox.machine import lockdown

needs_cage = pytest.mark.skipif(
    shutil.which("bwrap") is None and os.environ.get("CI", "").lower() not in {"1", "true", "yes"},
    reason="bubblewrap is not installed",
)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """The finding is kept for the life of a process; each test wants its own."""
    lockdown.require_isolation.cache_clear()
    yield
    lockdown.require_isolation.cache_clear()


def in_cage(script: str, slot: int = 3) -> subprocess.CompletedProcess[str]:
    command = lockdown.caged(["/usr/bin/python3", "-I", "-c", script], slot)
    at = command.index("--proc")
    command[at:at] = ["--ro-bind", os.path.realpath("/usr/bin/python3"), "/usr/bin/python3"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@needs_cage
def test_the_cage_holds_here() -> None:
    lockdown.require_isolation()


@needs_cage
@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="the system has no Python to look around with")
def test_what_can_be_seen_and_done_inside() -> None:
    script = (
        "import os, socket, glob\n"
        "print(os.getuid(), sorted(os.listdir('/')), sorted(os.listdir('/tmp')), len(glob.glob('/proc/[0-9]*')))\n"
        "print([i[1] for i in socket.if_nameindex()], sorted(os.environ))\n"
        "try: open('/usr/lib/x', 'w'); print('written')\n"
        "except OSError as e: print('refused')\n"
    )
    done = in_cage(script)
    assert done.returncode == 0, done.stderr
    first, second, third = done.stdout.splitlines()
    uid, _, rest = first.partition(" ")
    assert uid != "0"
    if os.geteuid() == 0:
        assert int(uid) == lockdown.FIRST_UID + 3
    roots, _, ends = rest.partition("] ")
    assert not {"'home'", "'root'", "'sys'", "'var'", "'work'", "'opt'"} & set(roots.strip("[").split(", "))
    assert ends.startswith("[] ")  # an empty /tmp
    assert int(ends.split()[-1]) <= 3  # bwrap, Python
    assert second.startswith("['lo'] ")
    assert "PATH" not in second
    assert third == "refused"


@pytest.mark.skipif(os.geteuid() != 0, reason="not root")
def test_root_without_a_cage_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong with the cage, the probe sees it: here the command runs as it is."""

    def uncaged(command: list[str], slot: int, device: str | None = None) -> list[str]:
        return ["sh", "-c", 'shift; while [ "$1" = --ro-bind ]; do shift 3; done; shift; exec "$@"', "sh", "x",
                "--proc", *command]  # fmt: skip

    monkeypatch.setattr(lockdown, "caged", uncaged)
    with pytest.raises(NoIsolation, match="does not hold: uid 0"):
        lockdown.require_isolation()


@pytest.mark.parametrize("missing", ["bwrap", "setpriv"])
def test_without_its_tools_nothing_runs(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for tool in {"bwrap", "setpriv"} - {missing}:
        (tmp_path / tool).write_text("#!/bin/sh\nexit 0\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoIsolation, match=f"{missing} is not installed"):
        lockdown.require_isolation()


def test_a_cage_that_fails_is_no_cage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a kernel that allows no user namespaces."""
    for tool in ("bwrap", "setpriv"):
        (tmp_path / tool).write_text("#!/bin/sh\necho 'no permissions to create a namespace' >&2\nexit 1\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoIsolation, match="no permissions to create a namespace"):
        lockdown.require_isolation()


def test_a_cage_that_hangs_is_no_cage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for tool in ("bwrap", "setpriv"):
        (tmp_path / tool).write_text("#!/bin/sh\nexec /usr/bin/sleep 60\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(lockdown, "PROBE_SECONDS", 0.1)
    with pytest.raises(NoIsolation, match="timed out"):
        lockdown.require_isolation()


def test_a_refusal_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever installs what is missing need not start anew."""
    with monkeypatch.context() as poor:
        poor.setenv("PATH", str(tmp_path))
        with pytest.raises(NoIsolation):
            lockdown.require_isolation()
    if shutil.which("bwrap"):
        lockdown.require_isolation()


def test_bounds_are_set_in_the_child() -> None:
    bounds = lockdown.Bounds(memory=1 << 30, file_size=1 << 20, processor_time=7, descriptors=32, processes=20)
    names = "AS FSIZE CPU NOFILE CORE"
    script = f"import resource as r; print(*[r.getrlimit(getattr(r, 'RLIMIT_' + n)) for n in '{names}'.split()])"
    done = subprocess.run(
        [sys.executable, "-c", script], preexec_fn=lockdown.limiter(bounds), capture_output=True, text=True, check=True
    )
    limits = [1 << 30, 1 << 20, 7, 32, 0]
    assert done.stdout.strip() == " ".join(str((limit, limit)) for limit in limits)
    assert resource.getrlimit(resource.RLIMIT_CORE) != (7, 7)  # ours are as they were


@pytest.mark.skipif(os.geteuid() != 0, reason="not root")
def test_machines_are_different_users() -> None:
    def user(slot: int) -> str:
        command = lockdown.caged(["true"], slot)
        return command[command.index("--reuid") + 1]

    uids = {user(slot) for slot in range(1000)}
    assert len(uids) == lockdown.UIDS
    assert all(int(uid) >= lockdown.FIRST_UID for uid in uids)
