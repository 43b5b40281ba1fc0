"""What every profile must do, as a suite of tests. A profile's test file gives its words for it:

    class TestLinux(ProfileConformance):
        @pytest.fixture(scope="class")
        def dialect(self, programs):
            return Dialect(profile="linux", launch="sh", everything=programs.file("all.sh", ...), ...)

The suite detonates a handful of times, whatever the number of its tests.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lazaretto.domain.trace import Cause, Ending, Trace, event_to_json, trace_from_lines
from lazaretto.testing.machines import Footprint, Machines
from lazaretto.testing.observed import Observed

_CALM = 5.0  # guest seconds within which a run whose sample is done must be over, if nothing waits


@dataclass(frozen=True)
class Dialect:
    """How a profile says what all profiles must be able to see. Paths are as the guest's user writes them.

    `everything` does in this order: prints SAID and a newline; makes a file `first` with KEPT in it; renames it to
    `second`; makes and deletes `gone`; starts a child with `child` in its command line and waits for its end; asks for
    URL (POST, BODY); waits `pause` seconds; makes `late`; ends with `exit_code`.
    `endless` waits for ever. `busy` computes for ever. `nothing` ends at once.
    """

    profile: str
    launch: str
    everything: Path
    endless: Path
    busy: Path
    nothing: Path
    first: str
    second: str
    gone: str
    late: str
    child: str
    pause: float = 590.0
    exit_code: int | None = 7
    prints: bool = True  # whether this kind of sample has a console

    SAID = "all is well"
    KEPT = b"kept content"
    URL = "http://conformance.example.com/ask"
    BODY = b"question=1"


class ProfileConformance:
    """To be inherited by a class whose name begins with `Test`, with a class-wide fixture `dialect`."""

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, guests: Machines) -> Path:
        return guests.sandbox.pool.store.run_directory

    @pytest.fixture(scope="class")
    @classmethod
    def runs(cls, dialect: Dialect, guests: Machines, place: Path) -> Iterator[tuple[Observed, Observed]]:
        """The same sample twice; between and after them nothing is left."""
        guests.run(dialect.nothing, dialect.profile, dialect.launch)
        before = Footprint.take(place)
        first = guests.run(dialect.everything, dialect.profile, dialect.launch)
        between = Footprint.take(place)
        second = guests.run(dialect.everything, dialect.profile, dialect.launch)
        assert between == before == Footprint.take(place), "something is left on this computer"
        yield first, second

    @pytest.fixture(scope="class")
    @classmethod
    def observed(cls, runs: tuple[Observed, Observed]) -> Observed:
        return runs[0]

    # --- what is seen -------------------------------------------------------------------------------------------------

    def test_account_is_sound(self, observed: Observed) -> None:
        trace = observed.trace
        assert [event.id for event in trace.events] == list(range(len(trace.events)))
        assert all(a.time <= b.time for a, b in zip(trace.events, trace.events[1:], strict=False))
        assert all(event.process in trace.processes for event in trace.events)
        assert all(0 <= reason < event.id for event in trace.events for reason in event.because)
        assert trace.lost.total == 0, observed.story(0)

    def test_account_is_written_down(self, observed: Observed) -> None:
        assert trace_from_lines((observed.out / "trace.jsonl").read_bytes().splitlines()) == observed.trace

    def test_tree(self, dialect: Dialect, observed: Observed) -> None:
        first = observed.one("process.start")
        sample = observed.trace.processes[first.process]
        child = observed.process(dialect.child)
        assert sample.cause is Cause.SAMPLE
        assert sample.parent == 0
        assert child.cause is Cause.CHILD
        assert _descends(observed.trace, child.key, sample.key)
        assert child.exited is not None
        assert sample.exited is not None
        assert sample.started <= child.started <= child.exited <= sample.exited

    def test_exit(self, dialect: Dialect, observed: Observed) -> None:
        sample = observed.trace.processes[observed.one("process.start").process]
        assert dialect.exit_code is None or sample.exit_code == dialect.exit_code

    def test_life_of_a_file(self, dialect: Dialect, observed: Observed) -> None:
        steps = [
            observed.one("file.create", path=dialect.first),
            observed.one("file.write", path=dialect.first),
            observed.one("file.rename", path=dialect.first, to=dialect.second),
            observed.one("file.create", path=dialect.gone),
            observed.one("file.delete", path=dialect.gone),
            observed.one("file.create", path=dialect.late),
        ]
        assert [step.id for step in steps] == sorted(step.id for step in steps), observed.story()

    def test_dropped_file(self, dialect: Dialect, observed: Observed) -> None:
        content = observed.dropped(dialect.second)
        write = observed.one("file.write", path=dialect.first)
        assert content.rstrip() == Dialect.KEPT
        assert getattr(write, "sha256", "") == hashlib.sha256(content).hexdigest()

    def test_network(self, observed: Observed) -> None:
        """The question is answered, and its content known."""
        assert observed.events("net.dns", name="conformance.example.com", ok=True), observed.story()
        http = observed.one("net.http", url=Dialect.URL, method="POST")
        assert getattr(http, "body", b"") == Dialect.BODY
        assert 200 <= getattr(http, "status", 0) < 300
        (packets,) = observed.artifacts("pcap")
        assert Dialect.BODY in observed.content(packets)

    def test_console(self, dialect: Dialect, observed: Observed) -> None:
        if not dialect.prints:
            pytest.skip("has no console")
        assert Dialect.SAID in observed.console

    def test_time_is_warped(self, dialect: Dialect, observed: Observed) -> None:
        """The wait took the guest its time; `late` came after it."""
        assert observed.one("file.create", path=dialect.late).time > dialect.pause * 1e9
        assert dialect.pause < observed.trace.guest_time < dialect.pause + 60
        assert observed.trace.wall_time < dialect.pause / 10

    # --- how it ends --------------------------------------------------------------------------------------------------

    def test_ends_early(self, dialect: Dialect, observed: Observed, guests: Machines) -> None:
        """When the sample is gone and nothing waits, so is the run."""
        assert observed.ending is Ending.EXITED, observed.story(20)
        nothing = guests.run(dialect.nothing, dialect.profile, dialect.launch)
        assert nothing.ending is Ending.EXITED
        assert nothing.trace.guest_time < _CALM, nothing.story()

    def test_ends_with_its_guest_time(self, dialect: Dialect, guests: Machines) -> None:
        observed = guests.run(dialect.endless, dialect.profile, dialect.launch, guest_time_s=100.0)
        assert observed.ending is Ending.GUEST_TIME
        assert 100 <= observed.trace.guest_time < 110

    def test_ends_with_its_wall_time(self, dialect: Dialect, guests: Machines) -> None:
        """And what was seen until then is there."""
        observed = guests.run(dialect.busy, dialect.profile, dialect.launch, wall_time_s=4.0, guest_time_s=100_000.0)
        assert observed.ending is Ending.WALL_TIME
        assert observed.trace.reason
        assert observed.events("process.start")

    # --- what holds for every run ------------------------------------------------------------------------------------

    def test_is_repeatable(self, runs: tuple[Observed, Observed]) -> None:
        """The same sample has the same account, but for what chance decides: numbers, times, addresses."""
        first, second = (_gist(observed.trace) for observed in runs)
        assert first == second

    def test_nothing_is_left(self, runs: tuple[Observed, Observed]) -> None:
        """Checked where they are made."""
        for observed in runs:
            for artifact in observed.detonation.artifacts:
                assert not (observed.out / artifact.path).stat().st_mode & 0o111


def _descends(trace: Trace, key: int, ancestor: int) -> bool:
    for _ in range(len(trace.processes)):
        if key == ancestor:
            return True
        key = trace.processes[key].parent if key in trace.processes else 0
    return False


_BY_CHANCE = {"id", "time", "thread", "because", "address", "port", "headers", "answers", "arguments"}


# Windows' web cache gives its folders names from a random generator that the time of day seeds.
_CACHE_FOLDER = re.compile(r"(\\Content\.IE5\\)[A-Z0-9]{8}")


def _gist(trace: Trace) -> list[dict[str, Any]]:
    """What two runs have in common, in an order that does not depend on how processes took turns."""
    events = []
    for event in trace.events:
        fields = msgspec.json.decode(event_to_json(event))
        for name in ("path", "to"):
            if isinstance(fields.get(name), str):
                fields[name] = _CACHE_FOLDER.sub(r"\1?", fields[name])
        events.append({name: value for name, value in fields.items() if name not in _BY_CHANCE})
    return sorted(events, key=lambda fields: (fields.get("process", 0), fields["kind"], str(fields)))
