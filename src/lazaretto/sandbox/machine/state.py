"""Warm states: packed on disk, unpacked for as many restores as one process makes.

A state is the guest's memory; packed with LZ4 it takes less than half of the disk, and unpacking costs a fraction of a
second. Who restores many unpacks it once, into a file without a name (memfd), which every restore reads from its begin;
who restores one machine unpacks it into a pipe.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from lazaretto.domain.errors import ImageBroken

_PIPE = 1 << 20  # bytes
_LAST_WORDS = 1.0  # seconds that the unpacking of a state has to end when nobody reads any more
_NO_LZ4 = "lz4 cannot be started, run 'lazaretto doctor': {}"


def pack(target: Path, write: Callable[[int], None]) -> None:
    """Let `write` write a state to a descriptor, and keep it packed at `target`."""
    with target.open("wb") as file:
        packer = subprocess.Popen(["lz4", "-1", "-q", "-c"], stdin=subprocess.PIPE, stdout=file)
        assert packer.stdin is not None
        try:
            write(packer.stdin.fileno())
        finally:
            packer.stdin.close()
            failed = packer.wait()
    if failed:
        raise ImageBroken(f"the state could not be packed into {target}")


class States:
    """The states of this process's machines, each for the restores that are to come.

    With `keep` a state is unpacked into memory once. Without, it is unpacked on its way to each machine: half the
    memory and half the time of a single restore, and all of it again for the next.
    """

    def __init__(self, *, keep: bool = True) -> None:
        self._keep = keep
        self._lock = threading.Lock()
        self._unpacked: dict[Path, Future[int]] = {}
        self._unpacker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="unpack")
        self._streams: list[tuple[Path, subprocess.Popen[bytes]]] = []

    def begin(self, packed: Path) -> None:
        """Have it unpacked in the background, so that `open` need wait less."""
        if self._keep:
            self._asked(packed)

    def open(self, packed: Path) -> int:
        """A descriptor from which the state is read once, from its begin. The caller closes it."""
        return self._kept(packed) if self._keep else self._streamed(packed)

    def broken(self) -> str:
        """Which state could not be unpacked on its way, and why; empty if all could. Asked when a start failed."""
        with self._lock:
            for stream in list(self._streams):
                packed, process = stream
                try:
                    said = process.communicate(timeout=_LAST_WORDS)[1]
                except subprocess.TimeoutExpired:
                    continue  # another machine's
                self._streams.remove(stream)
                if process.returncode > 0:
                    return _fault(packed, said)
        return ""

    def _kept(self, packed: Path) -> int:
        asked = self._asked(packed)
        try:
            memory = asked.result()
        except ImageBroken:
            with self._lock:
                if self._unpacked.get(packed) is asked:
                    del self._unpacked[packed]  # the next one tries again
            raise
        return os.open(f"/proc/self/fd/{memory}", os.O_RDONLY | os.O_CLOEXEC)

    def _asked(self, packed: Path) -> Future[int]:
        with self._lock:
            if packed not in self._unpacked:
                self._unpacked[packed] = self._unpacker.submit(_unpack, packed)
            return self._unpacked[packed]

    def _streamed(self, packed: Path) -> int:
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        try:
            with contextlib.suppress(OSError):  # more than a user may have: the usual size does too
                fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, _PIPE)
            process = subprocess.Popen(_unpacking(packed), stdout=theirs, stderr=subprocess.PIPE)
        except OSError as error:
            os.close(ours)
            raise ImageBroken(_NO_LZ4.format(error)) from error
        finally:
            os.close(theirs)
        with self._lock:
            self._streams = [one for one in self._streams if not _ended(one[1])]
            self._streams.append((packed, process))
        return ours

    def close(self) -> None:
        self._unpacker.shutdown(wait=True)
        with self._lock:
            for unpacked in self._unpacked.values():
                if not unpacked.exception():
                    os.close(unpacked.result())
            for _, process in self._streams:
                process.kill()
                process.communicate()
            self._unpacked.clear()
            self._streams.clear()


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it came to a good end; then nothing is kept of it."""
    if process.poll() != 0:
        return False
    process.communicate()
    return True


def _unpack(packed: Path) -> int:
    memory = os.memfd_create("state", os.MFD_CLOEXEC)
    try:
        done = subprocess.run(_unpacking(packed), stdout=memory, stderr=subprocess.PIPE, check=False)
    except OSError as error:
        os.close(memory)
        raise ImageBroken(_NO_LZ4.format(error)) from error
    if done.returncode:
        os.close(memory)
        raise ImageBroken(_fault(packed, done.stderr))
    return memory


def _unpacking(packed: Path) -> list[str]:
    return ["lz4", "-d", "-q", "-c", str(packed)]


def _fault(packed: Path, said: bytes) -> str:
    return f"{packed} cannot be unpacked: {said.decode('utf-8', 'replace').strip()}"
