"""Machines that are restored already and wait, paused, for a sample.

A paused machine costs memory and no processor time. What must always be true: a machine is given out once, to one
sample, and the pool never gives out one whose QEMU has died while it waited.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import defaultdict, deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

import structlog

from lazaretto.domain.errors import ImageBroken, ImageMissing, LazarettoError, MachineFailed
from lazaretto.sandbox.image.store import Image, ImageStore
from lazaretto.sandbox.machine import medium
from lazaretto.sandbox.machine.process import Machine
from lazaretto.sandbox.machine.state import States

log = structlog.get_logger(__name__)

_slots = itertools.count(os.getpid())


def restore(store: ImageStore, states: States, image: Image) -> Machine:
    """A fresh machine in the image's warm state, paused, with an empty medium. The caller closes it with `dispose`."""
    packed = image.packed_state
    states.begin(packed)
    disk = medium.create(store.run_directory)
    try:
        return Machine.start(image.files(), disk, state=lambda: states.open(packed), slot=next(_slots))
    except MachineFailed as failed:
        os.close(disk)
        if why := states.broken():
            raise ImageBroken(why) from failed
        raise
    except BaseException:
        os.close(disk)
        raise


def dispose(machine: Machine) -> None:
    """Kill the machine and forget its medium, which has no name and is gone with its last descriptor."""
    machine.close()
    os.close(machine.medium)


class Pool:
    """Keeps up to `size` machines of each profile that has been asked for."""

    def __init__(self, store: ImageStore | None = None, size: int = 1) -> None:
        self.store = store or ImageStore()
        self._size = size
        self._waiting: dict[str, deque[Machine]] = defaultdict(deque)
        self._coming: dict[str, Future[None]] = {}
        self._lock = threading.Lock()
        # One thread for as long as the pool lives: a machine dies with the *thread* that started it (PR_SET_PDEATHSIG).
        self._restorer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pool")
        self._closed = False
        self._states = States(keep=size > 0)

    def take(self, profile: str) -> Machine:
        """A machine of that profile: a waiting one, or a new one. The caller disposes of it, in the same thread."""
        image = self.store.find(profile)
        with self._lock:
            coming = self._coming.pop(profile, None)
        if coming:
            coming.result()
        while True:
            with self._lock:
                machine = self._waiting[profile].popleft() if self._waiting[profile] else None
            if machine is None:
                return restore(self.store, self._states, image)
            if machine.running:
                return machine
            log.warning("pool.died", profile=profile)
            dispose(machine)

    def prepare(self, profile: str) -> None:
        """Restore one machine in the background, for somebody who will soon take it, however small the pool is.

        What takes many turns of Python is done before: the background gets few of them while Python loads modules.
        """
        image = self._found(profile)
        if image is None:
            return
        self._states.begin(image.packed_state)
        with self._lock:
            if not self._closed and profile not in self._coming:
                self._coming[profile] = self._restorer.submit(self._fill, image, 1)

    def refill(self, profile: str) -> None:
        """Restore machines in the background until `size` of them wait."""
        with self._lock:
            if not self._closed and self._size:
                self._restorer.submit(self._refill, profile)

    def waiting(self, profile: str) -> int:
        """How many machines of that profile wait now."""
        with self._lock:
            return len(self._waiting[profile])

    def _refill(self, profile: str) -> None:
        if image := self._found(profile):
            self._fill(image, self._size)

    def _found(self, profile: str) -> Image | None:
        """The profile's image. Of one that is missing `take` tells, where somebody can be told."""
        try:
            return self.store.find(profile)
        except ImageMissing as error:
            log.info("pool.missing", profile=profile, error=str(error))
            return None

    def _fill(self, image: Image, wanted: int) -> None:
        try:
            while not self._closed and len(self._waiting[image.profile]) < wanted:
                machine = restore(self.store, self._states, image)
                with self._lock:
                    self._waiting[image.profile].append(machine)
        except LazarettoError as error:
            # `take` tries again, and what fails then is told
            log.info("pool.refill", profile=image.profile, error=str(error))

    def close(self) -> None:
        with self._lock:
            self._closed = True
        # the machines first, for with the thread they would die by themselves
        self._restorer.submit(self._dispose_all)
        self._restorer.shutdown(wait=True)
        self._states.close()

    def _dispose_all(self) -> None:
        with self._lock:
            for machines in self._waiting.values():
                while machines:
                    dispose(machines.popleft())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
