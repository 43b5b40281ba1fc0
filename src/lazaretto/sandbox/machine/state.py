"""Warm states: packed on disk, unpacked in memory once for as many restores as one process makes.

A state is the guest's memory; packed with LZ4 it takes less than half of the disk, and unpacking costs a fraction of a
second the first time. In memory it lies in a file without a name (memfd), which every restore reads from its begin.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from lazaretto.domain.errors import ImageBroken


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
    """The unpacked states of this process, by the path of the packed one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unpacked: dict[Path, Future[int]] = {}
        self._unpacker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="unpack")

    def begin(self, packed: Path) -> None:
        """Have it unpacked in the background, so that `open` need wait less."""
        self._asked(packed)

    def open(self, packed: Path) -> int:
        """A new descriptor at the begin of the state. The caller closes it."""
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

    def close(self) -> None:
        self._unpacker.shutdown(wait=True)
        with self._lock:
            for unpacked in self._unpacked.values():
                if not unpacked.exception():
                    os.close(unpacked.result())
            self._unpacked.clear()


def _unpack(packed: Path) -> int:
    memory = os.memfd_create("state", os.MFD_CLOEXEC)
    try:
        command = ["lz4", "-d", "-q", "-c", str(packed)]
        done = subprocess.run(command, stdout=memory, stderr=subprocess.PIPE, check=False)
    except OSError as error:
        os.close(memory)
        raise ImageBroken(f"lz4 cannot be started, run 'lazaretto doctor': {error}") from error
    if done.returncode:
        os.close(memory)
        raise ImageBroken(f"{packed} cannot be unpacked: {done.stderr.decode('utf-8', 'replace').strip()}")
    return memory
