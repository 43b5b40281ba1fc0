"""Whatever comes in: nothing raises, and a trace is what a trace must be."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazaretto.domain.trace import Ending, FileWrite, Lost, Source, event_from_json, event_to_json
from lazaretto.sandbox.account.build import Account
from lazaretto.sandbox.account.journal import MAX_EVENT_BYTES, Journal
from lazaretto.sandbox.account.manifest import GuestManifest, MachineProcess, debian_manifest
from lazaretto.sandbox.account.processes import Proc
from lazaretto.sandbox.account.records import Kind, Record

PATHS = [
    b"/tmp/a", b"/tmp/b", b"/etc/crontab", b"/home/anna/.wine/drive_c/x.exe", b"/usr/lib/wine/wine64",
    b"/usr/bin/crontab", b"\xff\x00\n",
    b"/home/anna/Documents/x", b"/dev/input/event0", b"/usr/lib/qemu/arm",
]  # fmt: skip
LINES = [
    b'0020:0024:Call user32.MessageBoxA(0,1 "a",2 "b",0) ret=00401000',
    b"0020:0024:Ret  user32.MessageBoxA() retval=1 ret=00401000",
    b"0024:Call user32.GetDC(0) ret=401000", b"0024:Ret  user32.GetDC() retval=1 ret=401000",
    b"0024:Call advapi32.StartServiceA(1) ret=1",
    b'0024:Call KERNEL32.MoveFileW(1 L"C:\\\\a",2 L"b") ret=1', b"0024:Ret  KERNEL32.MoveFileW() retval=1 ret=1",
]  # fmt: skip
WIDE = [text.encode("utf-16-le") for text in ("\\Registry\\Machine\\X", "\\??\\C:\\a.exe", "a.exe /x", "Run", "")]
SMALL = st.integers(0, 40)
NUMBERS = st.one_of(
    SMALL, st.sampled_from([0x50, 0x40, 0xFFFFFFFFFFFFFFFF, 1 << 63, 0x7B000000]), st.integers(0, (1 << 64) - 1)
)
STRINGS = st.one_of(
    st.sampled_from(PATHS),
    st.sampled_from(LINES),
    st.sampled_from(WIDE),
    st.sampled_from([b"a\0b=c\0", b""]),
    st.binary(max_size=40),
)

RECORDS = st.builds(
    Record,
    kind=st.one_of(st.sampled_from([int(kind) for kind in Kind]), st.integers(0, 70)),
    flags=st.integers(0, 7),
    time=st.one_of(SMALL, st.integers(0, (1 << 64) - 1)),
    pid=st.integers(1, 6),
    tid=st.integers(1, 8),
    inner_pid=st.integers(0, 6),
    uid=st.sampled_from([0, 1000]),
    result=st.one_of(st.just(0), st.integers(-(1 << 63), (1 << 63) - 1)),
    a=st.tuples(NUMBERS, SMALL, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    strings=st.lists(STRINGS, max_size=5).map(tuple),
)
LIVELY = st.builds(
    lambda record, a0: msgspec.structs.replace(record, a=(a0, *record.a[1:]), kind=41), RECORDS, st.integers(1, 31)
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda v: st.lists(v, max_size=3),
    max_leaves=4,
)
MESSAGES = st.tuples(
    st.sampled_from(["keeper", "internet"]),
    st.dictionaries(st.sampled_from(["time", "name", "url", "method", "client", "server", "connection", "data", "head",
    "answers", "path",
                                     "kind", "sha256", "pid", "address", "protocol", "sent"]), JSON),
    st.sampled_from(["dns", "connect", "tls", "http", "served", "smtp", "login", "ftp", "line", "data", "close",
    "finished", "start",
                     "console", "window", "blob", "restart", "done", "x"]),
)  # fmt: skip

MANIFEST = msgspec.structs.replace(
    debian_manifest("windows", "anna", "S-1-5-21-1"),
    canaries={"/home/anna/Documents/*": "document"},
    standins={"C:\\*": "vssadmin", "*/drive_c/*": "schtasks"},
    processes=(MachineProcess(pid=5, windows_pid=0x20, image="C:\\windows\\explorer.exe"),),
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(RECORDS, LIVELY, MESSAGES), max_size=60))
def test_any_sequence(sound, things):
    account = Account(MANIFEST, "windows")
    account.feed_record(Record(50, 0, 10, 1, 1, 1, 1000, 0, (1, 0, 0, 0, 0, 0), ()))
    for thing in things:
        if isinstance(thing, Record):
            account.feed_record(thing)
        else:
            port, fields, event = thing
            account.feed_message(port, {**fields, "event": event})
    trace = account.finish(Ending.EXITED, "", 1.0, Lost())
    sound(trace)
    for event in trace.events:
        line = event_to_json(event)
        assert event_from_json(line) == event
        assert len(line) <= MAX_EVENT_BYTES


def test_late_records_are_put_in_their_place(linux):
    linux.sample()
    linux.open("/etc/shadow")
    linux.open("/etc/passwd", time=linux.now - 500_000)
    assert [event.path for event in linux.events("file.read")] == ["/etc/passwd", "/etc/shadow"]


def test_events_are_bounded_and_rare_kinds_have_room_left(linux):
    linux.account._journal.limit = 40_000
    linux.sample()
    for number in range(30_000):
        linux.record(Kind.FORK, 101, 11) if number % 3000 == 0 else None
        linux.open(f"/srv/{number}", pid=101 if number >= 3000 else 100)
    linux.write("/tmp/x", b"x")
    trace = linux.trace()
    assert trace.events[-1].kind == "file.write"
    assert trace.lost.host == 0 or len(trace.events) <= 40_000


def test_the_journals_bound():
    journal, proc = Journal(limit=3), Proc(1, 1)
    for time in range(5):
        journal.add(FileWrite, time, proc, Source.KERNEL, path="x")
    assert (len(journal.drafts), journal.lost) == (3, 2)


def test_a_huge_command_line_is_cut(linux):
    linux.sample("/bin/sh", "sh", "-c", '"\n' * 60_000)
    (start,) = linux.events()
    assert len(event_to_json(start)) <= MAX_EVENT_BYTES
    assert len(start.command_line) > 4000


def test_manifest_is_json():
    assert msgspec.json.decode(msgspec.json.encode(MANIFEST), type=GuestManifest) == MANIFEST
