"""Damaged copies of a file, the same ones every time: cut short, bytes changed, lengths blown up, pieces repeated."""

from __future__ import annotations

import random
from collections.abc import Iterator


def damaged(content: bytes, seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """`count` variants, each with a name that says what was done. Empty content gives none."""
    if not content:
        return
    chance = random.Random(seed)  # noqa: S311  repeatable, nothing secret
    kinds = (_cut, _flipped, _large, _repeated, _zeroed)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        yield f"{kind.__name__.strip('_')}-{number}", kind(content, chance)


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(1, len(content) + 1)]


def _flipped(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(1 + len(changed) // 500):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _large(content: bytes, chance: random.Random) -> bytes:
    """Numbers of the first pages become huge: that is where formats have their lengths and offsets."""
    changed = bytearray(content)
    for _ in range(6):
        at = chance.randrange(min(len(changed), 4096))
        changed[at : at + 4] = b"\xff\xff\xff\x7f"[: len(changed) - at]
    return bytes(changed)


def _repeated(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content))
    piece = content[start : start + chance.randrange(1, 4096)]
    return content[:start] + piece * chance.randrange(2, 30) + content[start:]


def _zeroed(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content))
    length = min(chance.randrange(1, 2048), len(content) - start)
    return content[:start] + bytes(length) + content[start + length :]
