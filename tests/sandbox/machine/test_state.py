"""Warm states: packed on disk, unpacked once, read by many."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lazaretto.domain.errors import ImageBroken, MachineFailed
from lazaretto.sandbox.image.store import Image
from lazaretto.sandbox.machine import state
from lazaretto.sandbox.machine.process import Machine
from lazaretto.sandbox.pool import restore

pytestmark = pytest.mark.skipif(shutil.which("lz4") is None, reason="lz4 is not installed")

CONTENT = b"guest memory " * 100_000


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def packed(folder: Path) -> Path:
    target = folder / "state.lz4"

    def write(fd: int) -> None:
        assert os.write(fd, CONTENT[:1000]) == 1000
        with os.fdopen(os.dup(fd), "wb") as out:
            out.write(CONTENT[1000:])

    state.pack(target, write)
    return target


def content(fd: int) -> bytes:
    with os.fdopen(fd, "rb") as file:
        return file.read()


def test_what_was_packed_comes_back_each_time(tmp_path: Path) -> None:
    target = packed(tmp_path)
    assert target.stat().st_size < len(CONTENT) / 10
    states = state.States()
    first, second = states.open(target), states.open(target)
    assert content(first) == CONTENT
    assert content(second) == CONTENT  # has an offset of its own
    states.close()


def test_it_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, unpacked = packed(tmp_path), []
    really = state._unpack
    monkeypatch.setattr(state, "_unpack", lambda path: unpacked.append(path) or really(path))
    states = state.States()
    got: list[int] = []
    threads = [threading.Thread(target=lambda: got.append(states.open(target))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert unpacked == [target]
    assert {os.fstat(fd).st_size for fd in got} == {len(CONTENT)}
    for fd in got:
        os.close(fd)
    states.close()


def test_closing_leaves_no_descriptor(tmp_path: Path) -> None:
    target = packed(tmp_path)
    before = descriptors()
    states = state.States()
    os.close(states.open(target))
    states.close()
    assert descriptors() == before


@pytest.mark.parametrize("damage", ["missing", "rubbish", "cut"])
def test_a_state_that_cannot_be_unpacked(tmp_path: Path, damage: str) -> None:
    target = packed(tmp_path)
    before = descriptors()
    if damage == "missing":
        target.unlink()
    elif damage == "rubbish":
        target.write_bytes(b"rubbish")
    else:
        os.truncate(target, target.stat().st_size // 2)
    with pytest.raises(ImageBroken, match="cannot be unpacked"):
        state.States().open(target)
    assert descriptors() == before


def test_a_state_on_its_way_to_one_machine(tmp_path: Path) -> None:
    target = packed(tmp_path)
    before = descriptors()
    states = state.States(keep=False)
    states.begin(target)
    assert [content(states.open(target)) for _ in range(2)] == [CONTENT, CONTENT]
    assert states.broken() == ""
    states.close()
    assert descriptors() == before


def test_one_that_nobody_reads_to_its_end_is_forgotten(tmp_path: Path) -> None:
    target = tmp_path / "state.lz4"
    state.pack(target, lambda fd: os.write(fd, os.urandom(1 << 20)) and None)  # more than a pipe takes
    before = descriptors()
    states = state.States(keep=False)
    os.close(states.open(target))
    states.close()
    assert descriptors() == before


@pytest.mark.parametrize("damage", ["missing", "rubbish", "cut"])
def test_one_that_cannot_be_unpacked_on_its_way(tmp_path: Path, damage: str) -> None:
    """Whoever reads it only sees it end early: the machine fails, and the states say why."""
    target = packed(tmp_path)
    if damage == "missing":
        target.unlink()
    elif damage == "rubbish":
        target.write_bytes(b"rubbish")
    else:
        os.truncate(target, target.stat().st_size // 2)
    store: Any = SimpleNamespace(run_directory=tmp_path)
    states = state.States(keep=False)
    before = descriptors()

    def start(*_: object, state: Callable[[], int], **__: object) -> None:
        assert content(state()) != CONTENT
        raise MachineFailed("QEMU did not start: load of migration failed")

    with pytest.MonkeyPatch.context() as patch, pytest.raises(ImageBroken, match="cannot be unpacked"):
        patch.setattr(Machine, "start", start)
        restore(store, states, Image(profile="linux", digest="0", path=tmp_path))
    states.close()
    assert descriptors() == before


@pytest.mark.parametrize("keep", [True, False])
def test_without_lz4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: bool) -> None:
    target = packed(tmp_path)
    before = descriptors()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageBroken, match="lazaretto doctor"):
        state.States(keep=keep).open(target)
    assert descriptors() == before


def test_a_packer_that_fails_leaves_an_error(tmp_path: Path) -> None:
    def write(fd: int) -> None:
        raise RuntimeError("the machine died")

    with pytest.raises(RuntimeError, match="the machine died"):
        state.pack(tmp_path / "state.lz4", write)
