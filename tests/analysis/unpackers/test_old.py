"""ARJ and ACE, and archives behind programs."""

from __future__ import annotations

import base64
import random

import pytest

from lazaretto.testing import archives
from lazaretto.testing.opened import open_with

TEXT = b"Alpha beta gamma, alpha beta gamma, alpha beta.\n" * 3
# Of this text, made by ARJ 3.10 with its methods 1 and 4.
PACKED = {
    1: "YOoqACILAQIQAAI1N5IFazeSBWsAAAAAAAAAAAAAAAAAAAAAAABxMS5hcmoAAH716lcAAGDqNQAuCwECEAEANzeSBWsoAAAAkAAAAOhL"
    "TOsAAKQRAAAAAAAAN5IFazeSBWsAAAAAdC50eHQAADVC640AAAAXQ22RKvV3AH7BG+4F8SMSgEhQcj3DBOAACdTcCffRcKoZHg5x+8Bg"
    "6gAA",
    4: "YOoqACILAQIQAAI1N5IFazeSBWsAAAAAAAAAAAAAAAAAAAAAAABxNC5hcmoAANna0gUAAGDqNQAuCwECEAQANzeSBWsdAAAAkAAAAOhL"
    "TOsAAKQRAAAAAAAAN5IFazeSBWsAAAAAdC50eHQAABaLJVcAACCbDgaDCIDEZToYRAZzCbTaYRYIDD6gRFwK/PheYOoAAA==",
}


@pytest.mark.parametrize("method", PACKED)
def test_packed_arj(method: int) -> None:
    opened = open_with("old", base64.b64decode(PACKED[method]))
    assert opened.files == {"t.txt": TEXT}
    assert not opened.findings


@pytest.mark.parametrize("make", [archives.arj, archives.ace])
def test_not_packed(make: object) -> None:
    opened = open_with("old", make("dir/a.exe", b"MZ content"))  # type: ignore[operator]  # a function
    assert opened.files == {"dir/a.exe": b"MZ content"}
    assert not opened.findings


@pytest.mark.parametrize("make", [archives.arj, archives.ace])
def test_cut_is_said(make: object) -> None:
    opened = open_with("old", make("a.exe", b"MZ content" * 20)[:150])  # type: ignore[operator]  # a function
    assert opened.found == {"archive-damaged"}
    assert opened.short


def test_locked_arj() -> None:
    data = bytearray(archives.arj("a", b"content"))
    entry = data.index(b"\x60\xea", 4) + 4
    data[entry + 4] = 1
    start = data.index(b"content")
    data[start : start + 7] = bytes(byte ^ b"key"[at % 3] for at, byte in enumerate(b"content"))
    assert open_with("old", bytes(data), passwords=["infected"]).found == {"archive-stays-closed"}
    assert open_with("old", bytes(data), passwords=["infected", "key"]).files == {"a": b"content"}


def test_what_nothing_opens_is_said() -> None:
    opened = open_with("unopened", b"!BDN" + bytes(80))
    assert "mail store" in opened.short[0]


def test_damage_ends_in_outputs() -> None:
    chance = random.Random(5)
    for original in (*(base64.b64decode(text) for text in PACKED.values()), archives.ace("a", TEXT)):
        for _ in range(60):
            broken = bytearray(original[: chance.randrange(20, len(original) + 1)])
            for _ in range(chance.randrange(5)):
                broken[chance.randrange(14, len(broken))] = chance.randrange(256)
            kind = "ace" if broken[7:14] == b"**ACE**" else "arj"
            open_with("old", bytes(broken), kind=kind, room=1 << 20, passwords=["x"])
