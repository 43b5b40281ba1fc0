"""The decoder of the tracer's records: what it reads, and that nothing a guest can send makes it raise."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from importlib import resources

from hypothesis import given
from hypothesis import strategies as st

from lazaretto.sandbox.account.records import RECORD_MAX, STRINGS_MAX, JoinReason, Kind, Native, Record, RecordReader

CONTRACT = (resources.files("lazaretto.sandbox") / "guest/tracer/record.h").read_text()
HEAD = struct.Struct("<IHBBQIIIIq6Q")


def packed(
    kind: int, strings: Sequence[bytes] = (), *, flags: int = 0, result: int = 0, a: Sequence[int] = ()
) -> bytes:
    """A record as the tracer packs it."""
    numbers = [*a, *[0] * (6 - len(a))]
    tail = struct.pack(f"<{len(strings)}H", *map(len, strings)) + b"".join(strings)
    return HEAD.pack(HEAD.size + len(tail), kind, len(strings), flags, 7, 100, 101, 3, 1000, result, *numbers) + tail


def read(payload: bytes) -> tuple[list[Record], RecordReader]:
    reader = RecordReader()
    return list(reader.feed(payload)), reader


def test_the_head_has_the_size_of_the_contract() -> None:
    assert HEAD.size == 88


def test_the_numbers_are_those_of_the_contract() -> None:
    for name, ours, prefix in (
        ("record_kind", Kind, "R_"),
        ("wine_native", Native, "N_"),
        ("join_reason", JoinReason, "JOIN_"),
    ):
        (body,) = re.findall(rf"enum {name} \{{(.*?)\}};", CONTRACT, re.DOTALL)
        theirs = {word.removeprefix(prefix): int(number) for word, number in re.findall(r"(\w+) = (\d+),?", body)}

        assert {member.name: member.value for member in ours} == theirs


def test_fields_and_strings_come_out_as_they_were_written() -> None:
    (record,), reader = read(packed(Kind.OPEN, [b"/etc/passwd", b""], flags=1 | 4, result=-2, a=[0o100, 1]))

    assert (record.kind, record.time, record.pid, record.tid) == (Kind.OPEN, 7, 100, 101)
    assert (record.inner_pid, record.uid, record.result) == (3, 1000, -2)
    assert record.a == (0o100, 1, 0, 0, 0, 0)
    assert record.strings == (b"/etc/passwd", b"")
    assert record.unresolved and record.compat and not record.cut
    assert (reader.read, reader.unreadable) == (1, 0)


def test_records_of_one_frame_keep_their_order() -> None:
    records, _ = read(packed(Kind.FORK) + packed(Kind.EXEC, [b"/bin/sh"]) + packed(Kind.EXIT))

    assert [record.kind for record in records] == [Kind.FORK, Kind.EXEC, Kind.EXIT]


def test_texts() -> None:
    (record,), _ = read(packed(Kind.EXEC, [b"/bin/\xff", b"sh\0-c\0\0", "Schlüssel".encode("utf-16-le"), b""]))

    assert record.text(0).encode("utf-8", "surrogateescape") == b"/bin/\xff"
    assert record.texts(1) == ("sh", "-c", "")
    assert record.wide(2) == "Schlüssel"
    assert record.texts(3) == ()
    assert record.text(9) == ""


def test_a_number_may_be_meant_signed() -> None:
    (record,), _ = read(packed(Kind.SYSCALL, a=[230, 0, 0, 0, 0, 2**64 - 1]))

    assert record.signed(5) == -1
    assert record.signed(0) == 230


def test_an_unknown_kind_is_kept_with_its_number() -> None:
    (record,), reader = read(packed(777))

    assert record.kind == 777
    assert reader.unreadable == 0


def test_the_kernels_count_of_lost_records_is_kept() -> None:
    _, reader = read(packed(Kind.LOST, a=[5]) + packed(Kind.LOST, a=[9]))

    assert reader.lost_in_kernel == 9


def test_a_record_that_contradicts_itself_is_counted_and_the_next_is_read() -> None:
    wrong = bytearray(packed(Kind.NAME, [b"abc"]))
    wrong[HEAD.size] = 200  # the string claims to be longer than its record
    many = bytearray(packed(Kind.NAME))
    many[6] = STRINGS_MAX + 1

    records, reader = read(bytes(wrong) + bytes(many) + packed(Kind.EXIT))

    assert [record.kind for record in records] == [Kind.EXIT]
    assert reader.unreadable == 2


def test_a_size_that_cannot_be_ends_the_payload() -> None:
    for size in (0, HEAD.size - 1, RECORD_MAX + 1, 2**32 - 1):
        wrong = struct.pack("<I", size) + packed(Kind.EXIT)[4:]

        records, reader = read(packed(Kind.FORK) + wrong + packed(Kind.EXIT))

        assert [record.kind for record in records] == [Kind.FORK]
        assert reader.unreadable == 1


def test_a_record_cut_off_is_counted() -> None:
    whole = packed(Kind.NAME, [b"abc"])
    for length in range(1, len(whole)):
        records, reader = read(whole[:length])

        assert not records
        assert reader.unreadable == 1


@given(st.binary(max_size=2000))
def test_rubbish_never_raises(payload: bytes) -> None:
    records, reader = read(payload)

    assert len(records) == reader.read
    assert bool(records) or bool(reader.unreadable) or not payload


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFF), st.binary(max_size=60)), max_size=20))
def test_plausible_sizes_around_rubbish_never_raise(pieces: list[tuple[int, int, bytes]]) -> None:
    payload = b""
    for kind, count, tail in pieces:
        head = bytearray(packed(kind))
        head[6] = count
        payload += struct.pack("<I", HEAD.size + len(tail)) + bytes(head[4:]) + tail

    records, reader = read(payload)

    for record in records:
        record.text(0), record.texts(0), record.wide(0), record.signed(5)
    assert reader.read + reader.unreadable == len(pieces)


@given(st.integers(0, 200), st.integers(0, 255))
def test_one_changed_byte_never_raises(place: int, value: int) -> None:
    payload = bytearray(packed(Kind.OPEN, [b"/tmp/a", b""]) + packed(Kind.EXIT))
    payload[place % len(payload)] = value

    records, _ = read(bytes(payload))

    assert len(records) <= 2
