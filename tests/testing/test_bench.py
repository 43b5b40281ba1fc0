"""The benchmark's sums and its table; that it measures is seen by running it."""

from __future__ import annotations

import msgspec
import pytest

from lazaretto.testing import bench
from lazaretto.testing.bench import CASES, Case, Computer, Result, Row, Timing, judged, table

COMPUTER = Computer(
    processor="CPU", cores=2, memory_gib=4, kernel="6.1", qemu="7.2", python="3.11", commit="abc", date="2026-01-01"
)


def timing(*seconds: float) -> Timing:
    return Timing(seconds=seconds)


def case(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


def test_median_and_quartiles() -> None:
    assert timing(3, 1, 2).median == 2
    assert timing(5, 1, 2, 3, 4).quartiles == (2, 4)
    assert timing(1).quartiles == (1, 1)
    assert str(timing(1, 2, 3)) == "2.00 (1.50-2.50)"


def test_the_command_is_held_to_the_target() -> None:
    row = judged(case("64-bit PE"), timing(1.0), timing(2.6), ())
    assert (row.value, row.met, row.target) == (2.6, False, "under 2.5 s")
    assert judged(case("64-bit PE"), timing(1.0), timing(2.4), ()).met


def test_waiting_is_what_it_takes_longer() -> None:
    plain = judged(case("ELF"), timing(0.5), None, ())
    row = judged(case("ELF that sleeps 10 min at once"), timing(2.4), None, (plain,))
    assert row.value == pytest.approx(1.9)
    assert row.met
    assert row.target == "at most 2 s more"
    assert judged(case("ELF that sleeps 10 min at once"), timing(2.6), None, (plain,)).met is False


def test_without_the_other_case_there_is_no_finding() -> None:
    row = judged(case("ELF that sleeps 10 min at once"), timing(2.4), None, ())
    assert (row.value, row.met) == (None, None)


def test_every_case_is_held_against_one_before_it() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert all(not case.against or names.index(case.against) < names.index(case.name) for case in CASES)


def test_table() -> None:
    rows = (
        Row(
            name="restore (linux)",
            profile="linux",
            ready=timing(0.3),
            value=0.3,
            target="under 0.5 s",
            met=True,
            load=1.25,
        ),
        Row(name="ELF", profile="linux", target="under 1.5 s", note="gcc is not installed"),
        Row(name="small PEs", profile="windows", value=28.0, target="at least 30 a minute", met=False),
    )
    lines = table(Result(computer=COMPUTER, runs=7, rows=rows)).splitlines()
    assert lines[2] == "| restore (linux) | 0.30 (0.30-0.30) | - | 0.30 s | under 0.5 s | yes | 1.2 |"
    assert lines[3] == "| ELF | - | - |  | under 1.5 s | gcc is not installed | 0.0 |"
    assert "28.00 a minute" in lines[4]
    assert "**no**" in lines[4]
    assert len({line.count("|") for line in lines}) == 1


def test_a_result_survives_json() -> None:
    result = Result(computer=COMPUTER, runs=1, rows=(judged(case("ELF"), timing(1), timing(2), ()),))
    assert msgspec.json.decode(msgspec.json.encode(result), type=Result) == result


def test_the_processor_is_named() -> None:
    assert bench._processor("processor: 0\nmodel name\t: AMD EPYC\nmodel name : x\n") == "AMD EPYC"
