"""Frames from a hostile guest: never an exception, never more memory than the bound, every loss counted."""

from __future__ import annotations

import itertools
import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazaretto.sandbox.guest.keeper.channel import Port
from lazaretto.sandbox.machine.frames import MAGIC, MOST, Frame, FrameReader, FrameType


def frame(kind: int, payload: bytes, magic: int = MAGIC, length: int | None = None) -> bytes:
    return struct.pack("<HBBI", magic, kind, 0, len(payload) if length is None else length) + payload


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    marks = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(marks)]


@given(st.lists(st.tuples(st.sampled_from(list(FrameType)), st.binary(max_size=200))), st.lists(st.integers(0, 5000)))
def test_what_is_sent_arrives_however_it_is_cut(sent: list[tuple[FrameType, bytes]], cuts: list[int]) -> None:
    stream = b"".join(frame(kind, payload) for kind, payload in sent)
    reader = FrameReader(budget=1 << 20)
    got = [found for piece in pieces(stream, cuts) for found in reader.feed(piece)]
    assert got == [Frame(kind, payload) for kind, payload in sent]
    assert (reader.lost, reader.broken, reader.exhausted) == (0, False, False)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_rubbish_is_no_exception(chunks: list[bytes]) -> None:
    reader = FrameReader(budget=2000)
    for chunk in chunks:
        list(reader.feed(chunk))
    assert reader.received == sum(map(len, chunks))
    assert reader.exhausted == (reader.received > 2000)


@pytest.mark.parametrize(
    "bad",
    [frame(2, b"{}", magic=0x4C5A), frame(2, b"", length=MOST + 1), frame(2, b"", length=0xFFFFFFFF)],
    ids=["magic", "too long", "longest"],
)
def test_a_stream_that_lost_its_boundary_is_given_up(bad: bytes) -> None:
    reader = FrameReader(budget=1 << 20)
    got = list(reader.feed(frame(2, b"1") + bad + frame(2, b"2")))
    got += reader.feed(frame(2, b"3"))
    assert [found.payload for found in got] == [b"1"]
    assert (reader.broken, reader.lost) == (True, 1)


def test_an_unknown_type_costs_one_frame() -> None:
    reader = FrameReader(budget=1 << 20)
    got = list(reader.feed(frame(2, b"1") + frame(99, b"?") + frame(2, b"2")))
    assert [found.payload for found in got] == [b"1", b"2"]
    assert (reader.broken, reader.lost) == (False, 1)


def test_beyond_the_budget_nothing_is_kept() -> None:
    reader = FrameReader(budget=100)
    assert len(list(reader.feed(frame(2, b"x" * 50)))) == 1
    assert list(reader.feed(frame(2, b"x" * 50))) == []
    assert reader.exhausted
    assert reader.lost == 1


def test_the_keeper_speaks_the_same(tmp_path: Path) -> None:
    """Both ends of the channel, without a machine between them."""
    place = tmp_path / "port"
    place.touch()
    port = Port(str(place))
    port.message(event="ready", text="é\udcff")
    port.blob(b"x" * 300_000, kind="dropped", name="/a")
    os.close(port.fd)
    reader = FrameReader(budget=1 << 20)
    got = list(reader.feed(place.read_bytes()))
    assert [found.type for found in got] == [
        FrameType.JSON, FrameType.BLOB, FrameType.DATA, FrameType.DATA, FrameType.END,
    ]  # fmt: skip
    assert b"".join(found.payload[4:] for found in got if found.type is FrameType.DATA) == b"x" * 300_000
    assert reader.lost == 0
