"""What the human decides, without a display: when to act, how a hand moves, what on a screen invites a click."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

Point = tuple[int, int]

FIRST_ACTIONS = (0.4, 1.5, 4.0, 9.0, 18.0, 32.0, 55.0)
"""Guest seconds after the start at which the human moves by itself; later ones at doubled distances."""

# What to press while a dialog stays open: the default button, then the letters that installers and warnings use for
# "accept", "next", "install", "yes", "OK", "run", "enable", then the next control.
ANSWERS = (
    ("Return",),
    ("Alt_L", "a"),
    ("Return",),
    ("Alt_L", "n"),
    ("Alt_L", "i"),
    ("Alt_L", "y"),
    ("Alt_L", "e"),
    ("Tab", "space"),
)

_GRID = 12
"""Every how many pixels the screen is looked at for things to click."""


def moments(budget: float = 3600.0) -> Iterator[float]:
    """Guest seconds after the start at which to act, growing apart: about 14 in an hour."""
    yield from FIRST_ACTIONS
    at = FIRST_ACTIONS[-1]
    while at * 2 < budget:
        at *= 2
        yield at


def curve(start: Point, end: Point, choose: random.Random) -> list[Point]:
    """Points of a hand's movement: a bow that is quick in the middle and slow at both ends, with a little tremor."""
    distance = math.dist(start, end)
    steps = max(4, min(18, int(distance / 45)))
    bend = choose.uniform(-0.18, 0.18) * distance
    across = ((end[1] - start[1]) / (distance or 1), -(end[0] - start[0]) / (distance or 1))
    points = []
    for step in range(1, steps + 1):
        way = (1 - math.cos(math.pi * step / steps)) / 2
        side = bend * math.sin(math.pi * way)
        tremor = 0 if step == steps else choose.choice((-1, 0, 0, 1))
        x = start[0] + (end[0] - start[0]) * way + across[0] * side + tremor
        y = start[1] + (end[1] - start[1]) * way + across[1] * side + tremor
        points.append((round(x), round(y)))
    return points


def difference(before: bytes, now: bytes) -> float:
    """The share of samples that differ (0 to 1)."""
    if len(before) != len(now):
        return 1.0
    return sum(map(int.__ne__, before, now)) / (len(now) or 1)


def inviting(rows: Sequence[tuple[int, bytes]], left: int, most: int = 4) -> list[Point]:
    """Places that look like links or buttons: the strongest coloured patches on a mostly grey page.

    `rows` are (y, pixels of that row from x = `left`, four bytes each: blue, green, red, unused), taken sparsely.
    """
    patches: dict[Point, list[Point]] = {}
    for y, row in rows:
        for x in range(0, len(row) // 4, _GRID):
            blue, green, red = row[4 * x], row[4 * x + 1], row[4 * x + 2]
            high, low = max(blue, green, red), min(blue, green, red)
            if high - low > 110 and high > 120:
                patches.setdefault(((left + x) // 160, y // 48), []).append((left + x, y))
    chosen: list[Point] = []
    for patch in sorted(patches.values(), key=lambda patch: (-len(patch), patch[0][1], patch[0][0])):
        x, y = patch[len(patch) // 2]
        if all(abs(x - other[0]) > 170 or abs(y - other[1]) > 60 for other in chosen):  # else the same button
            chosen.append((x, y))
    return chosen[:most]
