"""NSIS installers, put together as makensis does."""

from __future__ import annotations

import lzma
import random
import struct
import zlib
from collections.abc import Callable

import pytest

from lazaretto.analysis.engine import Subject
from lazaretto.analysis.formats.types import of
from lazaretto.analysis.unpackers import nsis
from lazaretto.testing.opened import Opened, sorted_outputs

FILES = {"tool.exe": b"MZ" + bytes(range(256)) * 40, "sub/readme.txt": b"hello " * 50}


def deflate(data: bytes) -> bytes:
    machine = zlib.compressobj(9, zlib.DEFLATED, -15)
    return machine.compress(data) + machine.flush()


def lzma1(data: bytes) -> bytes:
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 23}]
    return b"\x5d" + struct.pack("<I", 1 << 23) + lzma.compress(data, lzma.FORMAT_RAW, filters=filters)


def script(places: dict[str, int]) -> bytes:
    """A script that only extracts: a table of eight parts, instructions, texts."""
    texts, instructions = "\0", b""
    for name, place in places.items():
        instructions += struct.pack("<7I", 20, 0, len(texts), place, 0, 0, 0)
        texts += "\3\x15\\" + name.replace("/", "\\") + "\0"  # a folder's code first
    table = [(0, 0)] * 8
    table[2], table[3] = (68, len(places)), (68 + len(instructions), 0)
    head = bytes(4) + b"".join(struct.pack("<II", *part) for part in table)
    return head + instructions + texts.encode("utf-16-le")


def installer(pack: Callable[[bytes], bytes], *, together: bool) -> bytes:
    def item(data: bytes) -> bytes:
        packed = data if together else pack(data)
        return struct.pack("<I", len(packed) | (0 if together else 1 << 31)) + packed

    places, body = {}, b""
    for name, data in FILES.items():
        places[name] = len(body)
        body += item(data)
    body = item(script(places)) + body
    body = pack(body) if together else body
    return b"stub" * 100 + bytes(4) + b"\xef\xbe\xad\xdeNullsoftInst" + struct.pack("<II", 0, len(body)) + body


def opened(data: bytes, room: int = 64 << 20) -> Opened:
    return sorted_outputs(
        nsis.examine(Subject(data=data, name="setup.exe", kind=of("pe-exe", "installer-nsis"), options={"room": room}))
    )


@pytest.mark.parametrize("pack", [deflate, lzma1])
@pytest.mark.parametrize("together", [True, False])
def test_files_by_their_names(pack: Callable[[bytes], bytes], together: bool) -> None:
    found = opened(installer(pack, together=together))
    assert {name: data for name, data in found.files.items() if name != "script of the installer"} == FILES
    assert not found.findings
    assert not found.short


def test_an_unknown_packing_is_said() -> None:
    found = opened(b"\xef\xbe\xad\xdeNullsoftInst" + bytes(8) + b"\x31abcdef")
    assert "bzip2" in found.closed["(the rest)"]
    assert found.short


def test_too_much() -> None:
    assert opened(installer(deflate, together=True), room=500).found == set()
    assert opened(installer(deflate, together=True), room=500).short


@pytest.mark.parametrize("pack", [deflate, lzma1])
@pytest.mark.parametrize("together", [True, False])
def test_damage_ends_in_outputs(pack: Callable[[bytes], bytes], together: bool) -> None:
    original = installer(pack, together=together)
    chance = random.Random(9)
    for _ in range(40):
        broken = bytearray(original[: chance.randrange(420, len(original) + 1)])
        for _ in range(chance.randrange(5)):
            broken[chance.randrange(416, len(broken))] = chance.randrange(256)
        opened(bytes(broken), room=1 << 20)
