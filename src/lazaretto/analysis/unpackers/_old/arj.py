"""ARJ archives. Source: "ARJ archive file format" (technote of ARJ 2.85)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from lazaretto.analysis.engine import Output
from lazaretto.analysis.unpackers._old.lzh import Broken, unpacked
from lazaretto.analysis.unpackers._unpacking import MOST_MEMBERS, Unpacking, guessed

_MARK = b"\x60\xea"
_LOCKED, _BEGAN_BEFORE = 1, 8  # flags
_FILES = {0, 1}  # binary, text


@dataclass(frozen=True)
class _Entry:
    name: str
    flags: int
    method: int
    kind: int
    modifier: int  # of the password
    size: int
    crc: int
    packed: bytes
    whole: bool


def members(data: bytes, unpacking: Unpacking) -> Iterator[Output]:
    """The files of the archive."""
    for seen, entry in enumerate(_entries(data)):
        if unpacking.full or seen > 2 * MOST_MEMBERS:
            return
        if entry.kind in _FILES:
            yield from _member(entry, unpacking)


def _entries(data: bytes) -> Iterator[_Entry]:
    at = _after(data, 0)
    while data[at : at + 2] == _MARK and (size := struct.unpack_from("<H", data.ljust(at + 4), at + 2)[0]):
        head = data[at + 4 : at + 4 + size]
        if len(head) < 30:
            return
        packed, plain, crc = struct.unpack_from("<III", head, 12)
        name = head[head[0] :].partition(b"\0")[0]
        start = _after(data, at)
        content = data[start : start + packed]
        yield _Entry(
            name=_decoded(name), flags=head[4], method=head[5], kind=head[6], modifier=head[7], size=plain, crc=crc,
            packed=content, whole=len(content) == packed,
        )  # fmt: skip
        at = start + packed


def _after(data: bytes, at: int) -> int:
    """Where a header with its extensions ends."""
    at += 4 + int.from_bytes(data[at + 2 : at + 4], "little") + 4
    for _ in range(16):
        size = int.from_bytes(data[at : at + 2], "little")
        at += 2
        if not size:
            break
        at += size + 4
    return at


def _decoded(name: bytes) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name.decode("cp437")


def _member(entry: _Entry, unpacking: Unpacking) -> Iterator[Output]:
    if entry.size > unpacking.left:
        yield from unpacking.too_much(entry.name, entry.size)
        return
    if not entry.whole or entry.flags & _BEGAN_BEFORE or entry.method > 4:
        why = "it ends too early" if not entry.whole else "it is in several volumes, or packed in an unknown way"
        yield from unpacking.damaged(entry.name, why, b"" if entry.flags & _LOCKED else _salvaged(entry))
        return
    password = ""
    if entry.flags & _LOCKED:
        found = guessed(unpacking.passwords, lambda word: _fits(entry, word))
        if found is None:
            yield from unpacking.encrypted(entry.name)
            return
        password = found
    try:
        data = _content(entry, password)
    except Broken as broken:
        yield from unpacking.damaged(entry.name, str(broken), broken.data)
        return
    if zlib.crc32(data) != entry.crc:
        yield from unpacking.damaged(entry.name, "its check sum is wrong", data)
        return
    yield from unpacking.member(entry.name, data, password=password)


def _salvaged(entry: _Entry) -> bytes:
    try:
        return _content(entry, "")
    except Broken as broken:
        return broken.data


def _fits(entry: _Entry, password: str) -> bool:
    try:
        return bool(password) and zlib.crc32(_content(entry, password)) == entry.crc
    except Broken:
        return False


def _content(entry: _Entry, password: str) -> bytes:
    packed = entry.packed
    if password:
        key = [(entry.modifier + byte) & 0xFF for byte in password.encode("utf-8", "replace")]
        packed = bytes(byte ^ key[at % len(key)] for at, byte in enumerate(packed))
    if entry.method == 0:
        return packed[: entry.size]
    return unpacked(packed, entry.size, simple=entry.method == 4)
