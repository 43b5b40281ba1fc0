"""Contents of installers made with NSIS (Nullsoft Scriptable Install System).

Behind the program: flags, mark, length of the script, length of all; then the script and the files, each with its
length before it, packed one by one or all together. Source: NSIS `Source/exehead/fileform.h` and `fileform.c`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

from lazaretto.analysis.engine import Engine, Output, Subject
from lazaretto.analysis.unpackers._unpacking import MOST_MEMBERS, MOST_OUTPUT, PIECE, Unpacking

ENGINE = Engine(
    name="unpack-nsis",
    version="1",
    module="lazaretto.analysis.unpackers.nsis",
    wants=lambda kind: "installer-nsis" in kind.traits,
    sees="the files in NSIS installers",
    loads=("lzma",),
    seconds=30.0,
    output=MOST_OUTPUT,
    essential=True,
)

_MARK = b"\xef\xbe\xad\xdeNullsoftInst"
_PACKED = 0x80000000
_EXTRACT_FILE = 20  # an instruction of the script: its second and third number are the name's and the file's place
_MOST_INSTRUCTIONS = 100_000


class _TooMuch(Exception):
    """It unpacks to more than may be."""


class _Broken(Exception):
    """It is damaged, or packed in a way that is not known here."""


def examine(subject: Subject) -> Iterator[Output]:
    unpacking = Unpacking(subject)
    at = subject.data.find(_MARK)
    body = subject.data[at + len(_MARK) + 8 :] if at >= 0 else b""
    try:
        yield from _contents(body, unpacking)
    except _TooMuch:
        yield from unpacking.too_much("(the rest)")
    except _Broken as error:
        yield from unpacking.damaged("(the rest)", str(error))
    yield from unpacking.end()


def _contents(body: bytes, unpacking: Unpacking) -> Iterator[Output]:
    """The first item is the script; places in it count from behind it."""
    # properties of LZMA look like a length with the mark of a packed item, but a zero follows them
    together = body[:3] == b"\x5d\0\0" and body[5:6] == b"\0"
    separate = len(body) >= 4 and not together and bool(struct.unpack_from("<I", body)[0] & _PACKED)
    stream = body if separate else _unpacked(body, unpacking.left)
    script, at = _item(stream, 0, separate, unpacking.left)
    yield from unpacking.member("script of the installer", script, relation="stream")
    names, begin = _names(script), at
    for number in range(1, MOST_MEMBERS):
        if at + 4 > len(stream) or unpacking.full:
            return
        place = at - begin
        try:
            data, at = _item(stream, at, separate, unpacking.left)
        except _Broken:
            if len(stream) - at <= 8:  # the check sum at the end
                return
            raise
        if data:
            yield from unpacking.member(names.get(place) or f"file {number}", data)


def _item(stream: bytes, at: int, separate: bool, most: int) -> tuple[bytes, int]:
    """One item, and where the next begins."""
    if at + 4 > len(stream):
        raise _Broken("it ends too early")
    (size,) = struct.unpack_from("<I", stream, at)
    packed = separate and bool(size & _PACKED)
    size &= ~_PACKED
    end = at + 4 + size
    if end > len(stream):
        raise _Broken("it ends too early")
    data = stream[at + 4 : end]
    return (_unpacked(data, most) if packed else data), end


def _unpacked(data: bytes, most: int) -> bytes:
    """LZMA, with or without a byte for a filter, or Deflate. What is broken gives what came before the break."""
    import lzma  # noqa: PLC0415  only in the cage

    if data[:1] == b"\x31":
        raise _Broken("it is packed with the installer's own kind of bzip2")
    skipped = 1 if data[:1] in {b"\0", b"\1"} and data[1:2] == b"\x5d" else 0
    machine: Any = zlib.decompressobj(-15)
    if data[skipped : skipped + 1] == b"\x5d":
        properties = data[skipped : skipped + 5]
        try:
            chosen = lzma._decode_filter_properties(lzma.FILTER_LZMA1, properties)  # type: ignore[attr-defined]
            machine = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[chosen])
        except lzma.LZMAError as error:
            raise _Broken(str(error)) from error
        data = data[skipped + 5 :]
    found = bytearray()
    try:
        for at in range(0, len(data), PIECE):
            piece = data[at : at + PIECE]
            while True:
                found += machine.decompress(piece, PIECE * 4)
                if len(found) > most:
                    raise _TooMuch
                piece = getattr(machine, "unconsumed_tail", b"")
                if machine.eof or not (piece or not getattr(machine, "needs_input", True)):
                    break
            if machine.eof:
                break
    except (zlib.error, lzma.LZMAError) as error:
        if not found:
            raise _Broken(str(error)) from error
    return bytes(found)


def _names(script: bytes) -> dict[int, str]:
    """Names of the files by their place. The script has a table of its parts: the third are instructions of seven
    numbers each, the fourth texts."""
    if len(script) < 68:
        return {}
    first, count = struct.unpack_from("<II", script, 4 + 16)
    (texts,) = struct.unpack_from("<I", script, 4 + 24)
    wide = script[texts : texts + 2] == b"\0\0"
    found = {}
    for number in range(min(count, _MOST_INSTRUCTIONS)):
        at = first + 28 * number
        if at + 28 > len(script):
            break
        kind, _, name, place = struct.unpack_from("<IIII", script, at)
        if kind == _EXTRACT_FILE:
            found[place] = _text(script, texts, name, wide=wide)
    return found


def _text(script: bytes, texts: int, place: int, *, wide: bool) -> str:
    """A text without the codes for folders and variables: one of four small numbers, and what it stands for."""
    step = 2 if wide else 1
    at, letters = texts + place * step, []
    for _ in range(260):
        code = int.from_bytes(script[at : at + step], "little")
        at += step
        if not code:
            break
        if code <= 4:
            at += 2
        elif code >= 32:
            letters.append(chr(code))
    return "".join(letters).replace("\\", "/").lstrip("/")
