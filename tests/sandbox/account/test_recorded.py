"""Recorded runs, replayed: `data/NAME.bin` is what came in, `data/NAME.jsonl` the account that must come of it.

A recording holds frames as they came over the ports, each behind one byte that names the port (`PORTS`), after one JSON
line with the profile and the guest's manifest. When the account is meant to change, write the expected lines anew with

    LAZARETTO_REFRESH=1 uv run pytest tests/sandbox/account/test_recorded.py

and read the difference before committing it.
"""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lazaretto.domain.detonation import Artifact
from lazaretto.domain.trace import Ending, Lost, Trace, event_to_json
from lazaretto.sandbox.account.build import Account
from lazaretto.sandbox.account.manifest import GuestManifest, debian_manifest
from lazaretto.sandbox.account.records import Kind, RecordReader
from lazaretto.sandbox.machine.frames import FrameReader, FrameType

DATA = Path(__file__).parent / "data"
PORTS = {b"t": "trace", b"k": "keeper", b"i": "internet"}
RECORDINGS = sorted(path.stem for path in DATA.glob("*.bin"))


class Head(msgspec.Struct):
    profile: str
    manifest: GuestManifest


def replay(recording: bytes) -> Trace:
    head_line, _, rest = recording.partition(b"\n")
    head = msgspec.json.decode(head_line, type=Head)
    account, reader = Account(head.manifest, head.profile), RecordReader()
    blobs: dict[tuple[str, int], tuple[dict[str, Any], bytearray]] = {}
    frames = {port: FrameReader(1 << 30) for port in PORTS.values()}
    at = 0
    while at < len(rest):
        port = PORTS[rest[at : at + 1]]
        size = 8 + int.from_bytes(rest[at + 5 : at + 9], "little")
        for frame in frames[port].feed(rest[at + 1 : at + 1 + size]):
            if frame.type is FrameType.RECORDS:
                for record in reader.feed(frame.payload):
                    account.feed_record(record)
            elif frame.type is FrameType.JSON:
                account.feed_message(port, msgspec.json.decode(frame.payload))
            elif frame.type is FrameType.BLOB:
                about = msgspec.json.decode(frame.payload)
                blobs[port, about["id"]] = (about, bytearray())
            else:
                _blob(account, port, blobs, frame.type, frame.payload)
        at += 1 + size
    return account.finish(Ending.EXITED, "", 0.0, Lost(kernel=reader.lost_in_kernel, host=reader.unreadable))


def _blob(account: Account, port: str, blobs: Any, kind: FrameType, payload: bytes) -> None:
    number = int.from_bytes(payload[:4], "little")
    about, data = blobs[port, number]
    if kind is FrameType.DATA:
        data += payload[4:]
        return
    sha256 = hashlib.sha256(data).hexdigest()
    name = str(about.get("name", ""))
    account.feed_artifact(
        port, about, Artifact(kind=about["kind"], name=name, sha256=sha256, size=len(data), path=""), bytes(data)
    )


def lines(trace: Trace) -> bytes:
    return b"\n".join(event_to_json(event) for event in trace.events) + b"\n"


@pytest.mark.parametrize(
    "name", RECORDINGS or [pytest.param("", marks=pytest.mark.skip(reason="nothing recorded yet"))]
)
def test_recording(name, sound):
    trace = replay((DATA / f"{name}.bin").read_bytes())
    sound(trace)
    expected = DATA / f"{name}.jsonl"
    if os.environ.get("LAZARETTO_REFRESH"):
        expected.write_bytes(lines(trace))
    assert lines(trace).splitlines() == expected.read_bytes().splitlines()


def _frame(port: bytes, kind: FrameType, payload: bytes) -> bytes:
    return port + struct.pack("<HBBI", 0x5A4C, kind, 0, len(payload)) + payload


def _record(kind: Kind, time: int, *strings: bytes, a0: int = 0) -> bytes:
    lengths = struct.pack(f"<{len(strings)}H", *map(len, strings))
    body = lengths + b"".join(strings)
    return (
        struct.pack("<IHBBQIIIIq6Q", 88 + len(body), kind, len(strings), 0, time, 9, 9, 2, 1000, 0, a0, 0, 0, 0, 0, 0)
        + body
    )


def test_a_recording_is_what_came_over_the_ports():
    head = msgspec.json.encode(Head(profile="linux", manifest=debian_manifest("linux", "anna")))
    records = _record(Kind.JOIN, 10, a0=1) + _record(Kind.EXEC, 20, b"/tmp/s", b"./s\0", b"", b"/tmp", b"./s")
    recording = head + b"\n" + b"".join(
        (
            _frame(b"k", FrameType.JSON, b'{"event":"start","time":5}'),
            _frame(b"t", FrameType.RECORDS, records + _record(Kind.WRITE, 30, b"/tmp/x", b"abc")),
            _frame(b"i", FrameType.JSON, b'{"event":"dns","time":40,"name":"e.example","answers":["10.0.0.1"]}'),
            _frame(b"k", FrameType.BLOB, b'{"id":1,"kind":"dropped","name":"x","path":"/tmp/x","size":3}'),
            _frame(b"k", FrameType.DATA, b"\1\0\0\0abc"),
            _frame(b"k", FrameType.END, b"\1\0\0\0"),
        )
    )  # fmt: skip
    start, write, dns = replay(recording).events
    assert (start.time, start.image) == (15, "/tmp/s")
    assert write.sha256 == hashlib.sha256(b"abc").hexdigest()
    assert dns.name == "e.example"
