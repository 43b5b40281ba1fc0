import itertools
import math
import random
import struct
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lazaretto.sandbox.guest.human import plan
from lazaretto.sandbox.guest.human.screen import Screen

points = st.tuples(st.integers(0, 1920), st.integers(0, 1080))


def test_the_human_acts_in_the_first_minute_and_then_ever_less() -> None:
    times = list(plan.moments())
    assert sum(at <= 60 for at in times) >= 5
    assert len(times) < 20
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps == sorted(gaps)


@given(points, points, st.integers(0, 1000))
def test_a_hand_ends_where_it_wants_to_and_never_jumps(start: plan.Point, end: plan.Point, seed: int) -> None:
    way = [start, *plan.curve(start, end, random.Random(seed))]
    assert math.dist(way[-1], end) <= 1
    assert max(math.dist(a, b) for a, b in itertools.pairwise(way)) <= max(40.0, 0.45 * math.dist(start, end) + 4)


def test_a_coloured_button_on_a_white_page_invites_a_click_once() -> None:
    white, blue = b"\xff\xff\xff\x00", b"\xe6\x4d\x1a\x00"
    rows = [(y, white * 150 + (blue if 300 <= y < 360 else white) * 300 + white * 200) for y in range(100, 700, 12)]
    places = plan.inviting(rows, left=10)
    assert places
    assert all(160 <= x <= 460 and 300 <= y < 360 for x, y in places)
    assert len(places) <= 2


def test_a_grey_page_invites_to_nothing() -> None:
    assert plan.inviting([(y, b"\x80\x80\x80\x00" * 500) for y in range(0, 600, 12)], 0) == []


def test_difference_is_a_share() -> None:
    assert plan.difference(b"aaaa", b"aaab") == 0.25
    assert plan.difference(b"aaaa", b"aaaa") == 0.0
    assert plan.difference(b"aaaa", b"aaa") == 1.0


def test_a_screen_is_read_from_a_window_dump(tmp_path: Path) -> None:
    width, height, pitch = 32, 24, 32 * 4 + 8
    fields = [0] * 25
    fields[0], fields[4], fields[5], fields[11], fields[12], fields[19] = 160, width, height, 32, pitch, 2
    rows = b"".join(bytes([y]) * (width * 4) + b"\xee" * 8 for y in range(height))
    file = tmp_path / "Xvfb_screen0"
    file.write_bytes(struct.pack(">25I", *fields).ljust(160, b"\0") + bytes(24) + rows)
    screen = Screen(str(file))
    assert (screen.width, screen.height) == (width, height)
    assert screen.pixels() == b"".join(bytes([y]) * (width * 4) for y in range(height))
    assert screen.row(5, 2, 4) == bytes([5]) * 8
    assert screen.sample() == bytes([0, 0, 12, 12])
