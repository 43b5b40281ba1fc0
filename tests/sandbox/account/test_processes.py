from __future__ import annotations

from lazaretto.domain.trace import Cause, Ending, Lost
from lazaretto.sandbox.account.codes import ENOENT, FLAG_UNRESOLVED
from lazaretto.sandbox.account.records import Kind, Native


def test_a_program_its_child_and_their_ends(linux):
    linux.sample("/home/anna/Downloads/sample", "./sample", "a b", env=("HOME=/home/anna", "A=1"))
    linux.record(Kind.FORK, 101, 11)
    linux.exec("/usr/bin/id", "id", "-u", pid=101, env=("HOME=/home/anna", "A=2", "B=3"))
    linux.record(Kind.EXIT, 3 << 8, pid=101)
    linux.record(Kind.EXIT, 9)
    trace = linux.trace()
    first, second, gone, killed = trace.events
    assert (first.kind, first.command_line, first.cause, first.parent) == (
        "process.start",
        "./sample 'a b'",
        Cause.SAMPLE,
        0,
    )
    assert first.user == "anna"
    assert first.working_directory == "/home/anna"
    assert (second.parent, second.cause, second.environment) == (first.process, Cause.CHILD, {"A": "2", "B": "3"})
    assert (gone.kind, gone.code, gone.image) == ("process.exit", 3, "/usr/bin/id")
    assert killed.signal == 9
    assert trace.processes[second.process].exit_code == 3
    assert trace.events[0].time == 1_000_000  # counted from the moment the sample joined


def test_a_process_id_that_is_used_again_is_another_process(linux):
    linux.sample()
    for _ in range(2):
        linux.record(Kind.FORK, 101, 11)
        linux.exec("/usr/bin/id", pid=101)
        linux.record(Kind.EXIT, 0, pid=101)
    starts = linux.events("process.start")
    assert len({event.process for event in starts}) == 3


def test_removed_variables_are_empty(linux):
    linux.sample(env=("A=1", "WINEDEBUG=x"))
    linux.record(Kind.FORK, 101, 11)
    linux.exec("/usr/bin/id", pid=101, env=("B=1",))
    assert linux.events("process.start")[1].environment == {"B": "1", "A": ""}


def test_wine_loader_is_not_the_program(windows):
    windows.windows_sample("C:\\users\\anna\\sample.exe", "-x", "two words")
    trace = windows.trace()
    (start,) = trace.events
    assert start.image == "C:\\users\\anna\\sample.exe"
    assert start.command_line == 'C:\\users\\anna\\sample.exe -x "two words"'
    assert start.working_directory == "C:\\users\\anna"
    assert (start.cause, start.parent) == (Cause.SAMPLE, 0)
    assert list(trace.processes) == [start.process]


def test_create_process_names_the_child_and_its_parent(windows):
    windows.windows_sample()
    windows.create_process(200, "C:\\windows\\system32\\notepad.exe", 'notepad.exe "a  b"', 0x120)
    trace = windows.trace()
    sample, child = (event for event in trace.events if event.kind == "process.start")
    assert child.image == "C:\\windows\\system32\\notepad.exe"
    assert child.command_line == 'notepad.exe "a  b"'
    assert child.parent == sample.process
    assert trace.processes[child.process].pid == 0x120
    assert trace.processes[child.process].parent == sample.process
    assert len(trace.processes) == 2  # the process between the two forks is none of its own


def test_a_fork_of_wine_that_finds_no_program_is_no_process(windows):
    windows.windows_sample()
    windows.record(Kind.FORK, 200, 110, pid=100)
    windows.open("/usr/bin/ntlm_auth", result=-ENOENT, flags=FLAG_UNRESOLVED, pid=200)
    windows.record(Kind.EXIT, 1 << 8, pid=200)
    trace = windows.trace()
    assert [event.kind for event in trace.events] == ["process.start"]
    assert len(trace.processes) == 1


def test_a_fork_of_wine_that_does_something_is_a_process(windows):
    windows.windows_sample()
    windows.record(Kind.FORK, 200, 110, pid=100)
    windows.write("/home/anna/x", b"hello", pid=200)
    trace = windows.trace()
    assert len(trace.processes) == 2
    assert trace.processes[trace.events[-1].process].parent == trace.events[0].process


def test_a_program_for_another_cpu_is_the_program(linux):
    linux.record(Kind.JOIN, 1)
    linux.exec("/usr/lib/qemu/arm", "/usr/lib/qemu/arm", "/home/anna/Downloads/bot", "./bot", "x")
    (start,) = linux.events()
    assert (start.image, start.command_line) == ("/home/anna/Downloads/bot", "./bot x")


def test_processes_of_the_machine_are_left_out(linux):
    linux.sample()
    linux.exec("/usr/sbin/cron", pid=50)
    linux.write("/var/log/cron", b"x", pid=50)
    trace = linux.trace()
    assert {event.process for event in trace.events} == {1}
    assert len(trace.processes) == 1


def test_with_lost_records_a_process_of_unknown_origin_is_kept(linux):
    linux.sample()
    linux.exec("/usr/bin/id", pid=50)
    linux.record(Kind.LOST, 7)
    trace = linux.trace()
    assert trace.lost.kernel == 7
    assert [event.image for event in trace.events] == ["/home/anna/Downloads/sample", "/usr/bin/id"]


def test_what_a_scheduler_starts_from_the_samples_file_is_the_samples_doing(linux):
    linux.sample()
    linux.write("/home/anna/.x/run", b"#!/bin/sh\n")
    linux.exec("/home/anna/.x/run", pid=50)
    linux.record(Kind.JOIN, 3, pid=60)
    linux.exec("/usr/bin/id", pid=60)
    starts = linux.events("process.start")
    assert [event.cause for event in starts] == [Cause.SAMPLE, Cause.TASK, Cause.TASK]


def test_windows_exit_code_is_the_whole_of_it(windows):
    windows.windows_sample()
    windows.native(Native.TERMINATE, 0xFFFFFFFFFFFFFFFF, 0xC0000005)
    windows.record(Kind.EXIT, 0x05 << 8)
    (gone,) = windows.events("process.exit")
    assert gone.code == 0xC0000005


def test_a_fork_bomb_is_bounded(linux, sound):
    linux.sample()
    for number in range(12_000):
        linux.record(Kind.FORK, 1_000 + number, 0)
    linux.write("/tmp/last", b"x", pid=12_999)
    trace = linux.account.finish(Ending.GUEST_TIME, "", 1.0, Lost())
    sound(trace)
    assert len(trace.processes) == 10_000
    assert trace.lost.host == 2_001
    assert any(event.kind == "file.write" for event in trace.events)


def test_children_of_a_process_that_was_injected_into_are_its_children(windows):
    windows.windows_sample()
    windows.record(Kind.JOIN, 5, pid=70)
    windows.record(Kind.FORK, 71, 0, pid=70)
    windows.record(Kind.FORK, 72, 20, pid=71)
    windows.record(Kind.EXIT, 0, pid=71)
    windows.exec("/usr/lib/wine/wine64", "/usr/lib/wine/wine64", "C:\\b.exe", pid=72)
    trace = windows.trace()
    start = trace.events[-1]
    assert trace.processes[start.parent].cause is Cause.INJECTED
    assert (start.cause, len(trace.processes)) == (Cause.CHILD, 3)
