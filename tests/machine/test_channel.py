"""A guest that sends rubbish, lies, floods or falls silent: the host is bounded, and says what came of it.

No machine: the guest is a function.
"""

from __future__ import annotations

import os
import struct
import threading
from pathlib import Path

import pytest

from lazaretto.domain.detonation import DetonationRequest
from lazaretto.domain.errors import DetonationError
from lazaretto.domain.trace import Ending
from lazaretto.sandbox import detonate, listen
from lazaretto.sandbox.detonate import Sandbox
from lazaretto.testing.fake import FakePool, frame, json_frame

START = json_frame(event="start", time=1, path="/root/Downloads/x")
DONE = json_frame(event="done", time=2, ending="exited", reason="")


def record(kind, *strings, pid=9, time=10, size=None):
    body = struct.pack(f"<{len(strings)}H", *map(len, strings)) + b"".join(strings)
    length = 88 + len(body) if size is None else size
    return struct.pack("<IHBBQIIIIq6Q", length, kind, len(strings), 0, time, pid, pid, 2, 0, 0, 1, 0, 0, 0, 0, 0) + body


SAMPLE = frame(1, record(50) + record(2, b"/x", b"x\0", b"", b"/", b"/x"))


def descriptors():
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.fixture
def run(tmp_path):
    def run(guest, code=0, **request):
        sample = tmp_path / "sample"
        sample.write_bytes(b"#!/bin/sh\n")
        out = tmp_path / "out"
        out.mkdir()
        before = descriptors()
        asked = {
            "path": sample,
            "name": "x",
            "profile": "linux",
            "launch": "sh",
            "out": out,
            "wall_time_s": 5.0,
        } | request
        try:
            return Sandbox(FakePool(guest, code))(DetonationRequest(**asked))
        finally:
            assert descriptors() == before, "a descriptor is left open"
            assert not [thread for thread in threading.enumerate() if thread.name == "listen"]

    return run


def saying(**ports):
    """A guest that says these bytes, each port after the other, then that it is done."""

    def guest(ends):
        ends["keeper"].sendall(START)
        ends["trace"].sendall(SAMPLE)
        for port, data in ports.items():
            ends[port].sendall(data)
        ends["keeper"].sendall(DONE)
        ends["keeper"].recv(1)

    return guest


def test_orderly(run):
    trace = run(saying()).trace
    assert trace.ending is Ending.EXITED
    assert [event.kind for event in trace.events] == ["process.start"]
    assert trace.lost.total == 0


RUBBISH = {
    "noise": os.urandom(100_000),
    "wrong magic": frame(1, b"x", magic=0x1234) + SAMPLE,
    "endless frame": frame(1, b"x" * 100, length=0xFFFFFFFF),
    "unknown type": frame(99, b"x" * 10),
    "records that lie": frame(1, record(2, b"/x", size=7)) + frame(1, record(2, b"/x", size=0xFFFFFF)),
    "half a record": frame(1, record(2, b"/x", b"y")[:50]),
    "unknown kinds": frame(1, record(4000) + record(0)),
}


@pytest.mark.parametrize("name", RUBBISH)
def test_rubbish_instead_of_records(run, name):
    trace = run(saying(trace=RUBBISH[name])).trace
    assert trace.ending is Ending.EXITED
    assert trace.lost.total, "what could not be read is counted"
    assert [event.kind for event in trace.events] == ["process.start"]


MESSAGES = {
    "no JSON": frame(2, b"\xff\xfe{"),
    "deep": frame(2, b"[" * 500_000),
    "a list": frame(2, b"[1, 2]"),
    "wrong types": json_frame(event="dns", time="now", name=7),
}


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("port", ["keeper", "internet"])
def test_rubbish_instead_of_messages(run, port, name):
    trace = run(saying(**{port: MESSAGES[name]})).trace
    assert trace.ending is Ending.EXITED
    assert port == "keeper" or trace.lost.total


def test_enormous_numbers(run):
    odd = json_frame(event="http", time=-(2**70), method="GET", url="x", status=2**63 - 1)
    trace = run(saying(internet=odd)).trace
    assert all(event.time >= 0 for event in trace.events)


def test_only_the_keeper_ends_a_run(run):
    """What other ports say of endings is nothing."""
    forged = json_frame(event="done", time=1, ending="refused", reason="forged")
    trace = run(saying(internet=forged, trace=forged)).trace
    assert (trace.ending, trace.reason) == (Ending.EXITED, "")


def blob(about, data, ident=1):
    return frame(3, about) + frame(4, struct.pack("<I", ident) + data) + frame(5, struct.pack("<I", ident))


BLOBS = {
    "no JSON": (blob(b"{", b"x"), 0),
    "negative": (blob(b'{"id":1,"size":-5,"kind":"dropped"}', b"x"), 0),
    "more than it says": (blob(b'{"id":1,"size":1,"kind":"dropped"}', b"xyz"), 0),
    "less than it says": (blob(b'{"id":1,"size":9,"kind":"dropped"}', b"xyz"), 0),
    "unknown kind": (blob(b'{"id":1,"size":1,"kind":"../../x"}', b"x"), 0),
    "enormous": (blob(b'{"id":1,"size":99999999999,"kind":"dropped"}', b"x"), 0),
    "never begun": (frame(4, b"\1\0\0\0xyz") + frame(5, b"\1\0\0\0"), 0),
    "no picture": (blob(b'{"id":1,"size":3,"kind":"screenshot","width":1000000,"height":1000000}', b"xyz"), 0),
    "escapes": (blob(b'{"id":1,"size":3,"kind":"dropped","name":"../../../tmp/x","path":"/etc/passwd"}', b"xyz"), 1),
}


@pytest.mark.parametrize("name", BLOBS)
def test_files_that_are_not_as_they_say(run, tmp_path, name):
    data, made = BLOBS[name]
    detonation = run(saying(keeper=data))
    assert len(detonation.artifacts) == made
    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == {"trace.jsonl", *(artifact.path for artifact in detonation.artifacts)}
    assert not {path.name for path in tmp_path.iterdir()} - {"out", "sample"}


def test_more_files_than_the_bound(run):
    one = b"".join(blob(b'{"id":%d,"size":4,"kind":"dropped"}' % n, struct.pack("<I", n), n) for n in range(700))
    detonation = run(saying(keeper=one))
    assert len(detonation.artifacts) == 512
    assert detonation.trace.lost.channel == 188


def test_flood(run, monkeypatch):
    """A port that sends more than its budget: the run is told to finish, the account says that it is cut."""
    small = {"trace": 1 << 20, "keeper": 1 << 20, "internet": 1 << 20}
    monkeypatch.setattr(listen, "BUDGETS", small)
    monkeypatch.setattr(detonate, "BUDGETS", small)
    told = []

    def guest(ends):
        ends["keeper"].sendall(START)
        ends["trace"].sendall(SAMPLE)
        ends["keeper"].setblocking(False)
        data = SAMPLE * 500
        for _ in range(100_000):
            ends["trace"].sendall(data)
            try:
                told.append(ends["keeper"].recv(100))
                break
            except BlockingIOError:
                pass
        ends["keeper"].setblocking(True)
        ends["keeper"].sendall(json_frame(event="done", time=2, ending="wall-time", reason=""))

    trace = run(guest, wall_time_s=60.0).trace
    assert told == [b"finish\n"]
    assert trace.ending is Ending.FLOODED
    assert "trace" in trace.reason
    assert trace.lost.channel
    assert trace.events


def test_silent_from_the_beginning(run, monkeypatch):
    monkeypatch.setattr(detonate, "FIRST_WORD", 0.2)
    with pytest.raises(DetonationError, match="did not take the job"):
        run(lambda ends: ends["keeper"].recv(1))


def test_deaf(run, monkeypatch):
    """Told to finish, it does not: the account is what there is."""
    monkeypatch.setattr(detonate, "HOMECOMING", 0.2)

    def guest(ends):
        ends["keeper"].sendall(START)
        ends["trace"].sendall(SAMPLE)
        while ends["keeper"].recv(100):
            pass

    trace = run(guest, wall_time_s=0.2).trace
    assert trace.ending is Ending.KEEPER_LOST
    assert "did not finish" in trace.reason
    assert trace.events


@pytest.mark.parametrize(("code", "ending"), [(0, Ending.GUEST_DIED), (-9, Ending.MACHINE_DIED)])
def test_machine_ends_by_itself(run, code, ending):
    def guest(ends):
        ends["keeper"].sendall(START)
        ends["trace"].sendall(SAMPLE)

    trace = run(guest, code).trace
    assert trace.ending is ending
    assert trace.reason
    assert trace.events


def test_panic_is_the_reason(run):
    def guest(ends):
        ends["keeper"].sendall(START)
        ends["console"].sendall(b"noise\n[   31.5] Kernel panic - not syncing: sysrq triggered crash\n")

    assert "sysrq triggered crash" in run(guest).trace.reason


def test_machine_ends_before_the_sample_began(run):
    with pytest.raises(DetonationError, match="before the sample was started"):
        run(lambda _ends: None, -9)
