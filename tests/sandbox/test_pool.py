"""Machines that wait: given out once, never dead ones, all gone in the end. The machines here are doubles."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lazaretto.domain.errors import ImageMissing, MachineFailed
from lazaretto.sandbox import pool as pools
from lazaretto.sandbox.image.store import Image
from lazaretto.sandbox.pool import Pool


@dataclass
class Machine:
    number: int
    thread: str = field(default_factory=lambda: threading.current_thread().name)
    running: bool = True
    disposed: int = 0


class Store:
    def find(self, profile: str) -> Image:
        if profile == "beos":
            raise ImageMissing("the guest image 'beos' is not built")
        return Image(profile=profile, digest="0", path=Path("/nowhere"))


@dataclass
class Factory:
    """Stands for `restore` and `dispose`; `fail` are the errors that the next restores end with."""

    made: list[Machine] = field(default_factory=list)
    fail: list[Exception] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def restore(self, *_: object) -> Machine:
        if self.fail:
            raise self.fail.pop(0)
        self.made.append(Machine(next(self._numbers)))
        return self.made[-1]

    def dispose(self, machine: Machine) -> None:
        machine.disposed += 1


@pytest.fixture
def factory(monkeypatch: pytest.MonkeyPatch) -> Factory:
    made = Factory()
    monkeypatch.setattr(pools, "restore", made.restore)
    monkeypatch.setattr(pools, "dispose", made.dispose)
    return made


def pool(size: int) -> Any:
    store: Any = Store()
    return Pool(store, size=size)


def settle(waiting: Pool) -> None:
    """Until the pool's thread has done all that it was asked for."""
    waiting._restorer.submit(lambda: None).result()


def test_without_a_waiting_machine_one_is_made(factory: Factory) -> None:
    with pool(0) as waiting:
        machine = waiting.take("linux")
        assert factory.made == [machine]
        waiting.refill("linux")
    assert len(factory.made) == 1
    assert machine.disposed == 0  # it is the taker's


def test_a_waiting_machine_is_given_out_once(factory: Factory) -> None:
    with pool(2) as waiting:
        waiting.refill("linux")
        settle(waiting)
        assert waiting.waiting("linux") == 2
        taken = [waiting.take("linux") for _ in range(3)]
        assert [machine.number for machine in taken] == [0, 1, 2]
        assert waiting.waiting("linux") == 0


def test_it_is_never_fuller_than_its_size(factory: Factory) -> None:
    with pool(2) as waiting:
        for _ in range(10):
            waiting.refill("linux")
        settle(waiting)
        assert waiting.waiting("linux") == 2
        assert len(factory.made) == 2


def test_profiles_have_machines_of_their_own(factory: Factory) -> None:
    with pool(1) as waiting:
        waiting.refill("linux")
        waiting.refill("windows")
        settle(waiting)
        assert (waiting.waiting("linux"), waiting.waiting("windows"), waiting.waiting("office")) == (1, 1, 0)


def test_a_machine_that_died_waiting_is_not_given_out(factory: Factory) -> None:
    with pool(2) as waiting:
        waiting.refill("linux")
        settle(waiting)
        factory.made[0].running = False
        assert waiting.take("linux") is factory.made[1]
        assert factory.made[0].disposed == 1


def test_waiting_machines_belong_to_a_thread_that_stays(factory: Factory) -> None:
    """The kernel kills a machine with the thread that started it (PR_SET_PDEATHSIG)."""
    with pool(2) as waiting:
        waiting.refill("linux")
        settle(waiting)
        assert {machine.thread for machine in factory.made} == {
            threading.current_thread().name.replace("MainThread", "pool_0")
        }


def test_closing_disposes_of_what_waits(factory: Factory) -> None:
    with pool(2) as waiting:
        waiting.refill("linux")
        settle(waiting)
        taken = waiting.take("linux")
    assert taken.disposed == 0
    assert [machine.disposed for machine in factory.made if machine is not taken] == [1]
    waiting.refill("linux")  # too late, and no error
    assert len(factory.made) == 2


def test_a_refill_that_fails_is_met_by_who_takes(factory: Factory) -> None:
    with pool(1) as waiting:
        factory.fail = [MachineFailed("QEMU did not start"), MachineFailed("QEMU did not start")]
        waiting.refill("linux")
        settle(waiting)
        assert waiting.waiting("linux") == 0
        with pytest.raises(MachineFailed):
            waiting.take("linux")
        waiting.refill("linux")
        settle(waiting)
        assert waiting.waiting("linux") == 1


def test_a_missing_image(factory: Factory) -> None:
    with pool(1) as waiting:
        waiting.refill("beos")
        settle(waiting)
        with pytest.raises(ImageMissing):
            waiting.take("beos")


def test_a_machine_may_be_prepared_for_who_will_take_it(factory: Factory) -> None:
    with pool(0) as waiting:
        waiting.prepare("linux")
        waiting.prepare("linux")  # one is on its way
        assert waiting.take("linux") is factory.made[0]
        assert factory.made[0].thread.startswith("pool")
        waiting.take("linux")
        assert len(factory.made) == 2


def test_a_preparation_that_fails_is_met_by_who_takes(factory: Factory) -> None:
    with pool(0) as waiting:
        factory.fail = [MachineFailed("QEMU did not start"), MachineFailed("QEMU did not start")]
        waiting.prepare("linux")
        with pytest.raises(MachineFailed):
            waiting.take("linux")


def test_what_was_prepared_for_nobody_is_disposed_of(factory: Factory) -> None:
    with pool(0) as waiting:
        waiting.prepare("linux")
    assert [machine.disposed for machine in factory.made] in ([], [1])  # closing may come before it was begun
