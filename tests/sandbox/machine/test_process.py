"""Starting and ending a machine's process, with something else in QEMU's place."""

from __future__ import annotations

import itertools
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lazaretto.domain.errors import MachineFailed
from lazaretto.sandbox.machine import hardware, lockdown, medium
from lazaretto.sandbox.machine.process import Machine, MachineFiles

needs_cage = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def files(tmp_path: Path) -> MachineFiles:
    for name in ("kernel", "initrd", "disk"):
        (tmp_path / name).write_text(name)
    return MachineFiles(tmp_path / "kernel", tmp_path / "initrd", (tmp_path / "disk",))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[int]:
    fd = medium.create(tmp_path)
    yield fd
    os.close(fd)


def test_without_its_files_there_is_no_machine(files: MachineFiles, disk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockdown, "require_isolation", lambda: None)
    files.initrd.unlink()
    before = descriptors()
    with pytest.raises(MachineFailed, match="initrd: No such file"):
        Machine.start(files, disk)
    assert descriptors() == before


@needs_cage
def test_a_program_that_ends_at_once_says_why(files: MachineFiles, disk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real cage, in it the dynamic linker, which knows nothing of QEMU's options."""
    monkeypatch.setattr(hardware, "arguments", lambda _: ["/lib64/ld-linux-x86-64.so.2", "--no-such-option"])
    before = descriptors()
    with pytest.raises(MachineFailed, match=r"QEMU did not start: .*no-such-option"):
        Machine.start(files, disk)
    assert descriptors() == before


@needs_cage
def test_a_program_that_says_nothing_is_killed(files: MachineFiles, disk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """And all that it started, since its pid namespace ends with it; also when the cage was not yet whole."""
    mark = f"lazaretto-test-{os.getpid()}"
    script = f"sleep 1000 & sleep 1000 & exec sleep 1000 # {mark}"

    def caged(command: list[str], slot: int, device: str | None = None) -> list[str]:
        words = really(["/usr/bin/sh", "-c", script], slot, device)
        at = words.index("--proc")
        tools = [word for tool in ("sh", "sleep") for word in ("--ro-bind", f"/usr/bin/{tool}", f"/usr/bin/{tool}")]
        return [*words[:at], *tools, *words[at:]]

    lockdown.require_isolation()
    really = lockdown.caged
    monkeypatch.setattr(lockdown, "caged", caged)
    moments = itertools.cycle((0.0, 0.001, 0.002, 0.004, 0.008))

    def greet(_: object) -> None:
        time.sleep(next(moments))
        raise TimeoutError

    monkeypatch.setattr("lazaretto.sandbox.machine.qmp.Qmp.greet", greet)
    for _ in range(40):
        with pytest.raises(MachineFailed, match="did not start"):
            Machine.start(files, disk)
    deadline = time.monotonic() + 10
    while running(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running(mark) == []


def running(mark: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if mark in text:
            found.append(text)
    return found
