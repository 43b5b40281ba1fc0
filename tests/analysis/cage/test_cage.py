"""The real cage, around an engine that is the sample's servant."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lazaretto.analysis.cage.host import Cage, Outcome, sheet
from lazaretto.analysis.cage.wire import End
from lazaretto.analysis.engine import Fact, Member
from lazaretto.testing.engines import HOSTILE


@pytest.fixture(scope="module")
def cage() -> Iterator[Cage]:
    with Cage(at_once=4) as made:
        yield made


def look(cage: Cage, text: str) -> Outcome:
    with sheet(text.encode()) as fd:
        return cage.run(HOSTILE, fd, name="a", kind=None)


def well(cage: Cage) -> bool:
    return look(cage, "echo still here").outputs[1:] == (Member(name="echo", data=b"still here"),)


def test_outputs_come_back(cage: Cage) -> None:
    done = look(cage, "echo \0\1 bytes")
    assert (done.end, done.failed) == (End.DONE, "")
    assert done.outputs == (Fact(name="began", value="echo"), Member(name="echo", data=b"\0\1 bytes"))


@pytest.mark.parametrize(
    ("act", "end"),
    [
        ("crash", End.CRASHED),
        ("raise", End.RAISED),
        ("spin", End.TIME),
        ("sleep", End.TIME),
        ("hog", End.MEMORY),
        ("flood", End.OUTPUT),
    ],
)
def test_a_bad_end_costs_only_its_own(cage: Cage, act: str, end: End) -> None:
    done = look(cage, act)
    assert done.end is end
    assert done.failed
    assert done.outputs[0] == Fact(name="began", value=act)  # what was said before is kept
    assert well(cage)


def test_what_was_raised_is_told(cage: Cage) -> None:
    assert look(cage, "raise").detail == "ValueError: what is \x1b[2J this?"


@pytest.mark.parametrize("act", ["rubbish", "huge"])
def test_outputs_are_read_as_hostile(cage: Cage, act: str) -> None:
    done = look(cage, act)
    assert done.outputs[0] == Fact(name="began", value=act)
    assert "not well-formed" in done.detail
    assert well(cage)


def test_nothing_can_be_done_from_inside(cage: Cage) -> None:
    done = look(cage, "escape")
    found = {output.name: output.value for output in done.outputs if isinstance(output, Fact)}
    assert found["done"] == (), done
    user, *groups = found["user"]  # type: ignore[misc]  # as the engine above gives it
    assert user != "0"
    assert os.geteuid() != 0 or not groups


def test_many_at_once(cage: Cage) -> None:
    with ThreadPoolExecutor(8) as threads:
        acts = ["echo", "crash", "hog", "echo", "raise", "flood"] * 5
        ends = list(threads.map(lambda act: look(cage, act).end, acts))
    wanted = {"echo": End.DONE, "crash": End.CRASHED, "hog": End.MEMORY, "raise": End.RAISED, "flood": End.OUTPUT}
    assert ends == [wanted[act] for act in acts]


def test_a_warden_that_dies_is_replaced(cage: Cage) -> None:
    assert well(cage)
    assert cage._warden is not None
    killer = threading.Timer(0.2, os.kill, (cage._warden.pid, signal.SIGKILL))
    killer.start()
    assert look(cage, "sleep").end is End.LOST
    killer.join()
    assert well(cage)


def test_a_room_that_dies_takes_the_warden_along(cage: Cage) -> None:
    assert well(cage)
    assert cage._warden is not None
    above = cage._warden.pid
    while below := _children(above):
        above = below[0]  # bwrap, its own first process, the warden, the room
    killer = threading.Timer(0.2, os.kill, (above, signal.SIGKILL))
    killer.start()
    assert look(cage, "sleep").end is End.LOST
    killer.join()
    assert well(cage)


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.slow
def test_the_end_of_one_warden_is_no_end_of_what_the_next_was_given() -> None:
    with Cage() as cage:
        for _ in range(15):
            assert look(cage, "echo still here").end is End.DONE
            cage.close()  # the thread that heard it may tell of that only now


def test_the_warden_outlives_the_thread_that_needed_it_first() -> None:
    with Cage() as cage:
        first = threading.Thread(target=well, args=(cage,))
        first.start()
        first.join()
        warden = cage._warden
        time.sleep(0.2)
        assert well(cage)
        assert cage._warden is warden


def test_nothing_is_left_when_it_is_closed() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with Cage() as made:
        assert well(made)
        runner = threading.Thread(target=look, args=(made, "spin"))
        runner.start()
        time.sleep(0.2)
    runner.join(10)
    assert not runner.is_alive()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
