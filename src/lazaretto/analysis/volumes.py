"""Which files beside each other are the pieces of one: `a.7z.001`, `a.7z.002`, ... By their names alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PIECE = re.compile(r"(.+)\.(\d{3})", re.DOTALL)


def together(names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """For the name of each whole the places of its pieces in `names`, in their order; only where none is missing."""
    found: dict[str, dict[int, int]] = {}
    for place, name in enumerate(names):
        if piece := _PIECE.fullmatch(name):
            found.setdefault(piece[1], {}).setdefault(int(piece[2]), place)
    return {
        name: tuple(pieces[number] for number in sorted(pieces))
        for name, pieces in found.items()
        if len(pieces) > 1 and sorted(pieces) == list(range(1, len(pieces) + 1)) and name not in names
    }
