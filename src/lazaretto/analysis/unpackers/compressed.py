"""One file packed by itself: gzip, bzip2, xz, lzma, Zstandard, LZ4, compress, lzip, uuencode."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from lazaretto.analysis.engine import Engine, Output, Subject
from lazaretto.analysis.unpackers import _libarchive
from lazaretto.analysis.unpackers._unpacking import MOST_OUTPUT, PIECE, Unpacking

_SUFFIXES = {
    "gzip": ("gz", "gzip", "tgz"),
    "npm-package": ("tgz", "gz"),
    "python-sdist": ("tgz", "gz"),
    "svgz": ("svgz",),
    "bzip2": ("bz2", "bz", "tbz", "tbz2"),
    "xz": ("xz", "txz"),
    "lzma": ("lzma", "tlz"),
    "zstd": ("zst", "zstd", "tzst"),
    "lz4": ("lz4",),
    "compress": ("z", "taz"),
    "lzip": ("lz",),
    "uue": ("uue", "uu"),
}
_TARS = {"tgz", "tbz", "tbz2", "txz", "tlz", "tzst", "taz"}
_BY_LIBARCHIVE = {"lz4": "lz4", "compress": "compress", "lzip": "lzip"}
_MOST_STREAMS = 10_000  # of one file, one behind the other
_MOST_MEMORY = 256 << 20  # bytes of a dictionary, whose size the file says; `xz -9` asks for 64 MiB

ENGINE = Engine(
    name="unpack-compressed",
    version="1",
    module="lazaretto.analysis.unpackers.compressed",
    wants=lambda kind: kind.name in _SUFFIXES,
    sees="the file inside a compressed file",
    loads=("bz2", "lzma", "backports.zstd", *_libarchive.LOADS),
    seconds=30.0,
    output=MOST_OUTPUT,
    essential=True,
)

_Machine = Any  # a decompressor of the standard library, or one of its shape


def examine(subject: Subject) -> Iterator[Output]:
    unpacking = Unpacking(subject)
    name = _inner_name(subject)
    if subject.kind.name == "uue":
        yield from _uuencoded(subject.data, name, unpacking)
    elif subject.kind.name in _BY_LIBARCHIVE:
        yield from _libarchive.members(
            subject.data, unpacking, formats="raw", filters=_BY_LIBARCHIVE[subject.kind.name], only=name
        )
    else:
        yield from _stream(subject.data, name, _machine(subject.kind.name), unpacking)
    yield from unpacking.end()


def _machine(kind: str) -> Callable[[], _Machine]:
    import bz2  # noqa: PLC0415  only in the cage
    import lzma  # noqa: PLC0415

    from backports import zstd  # noqa: PLC0415

    machines: dict[str, Callable[[], _Machine]] = {
        "bzip2": bz2.BZ2Decompressor,
        "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_MEMORY),
        "lzma": lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_MOST_MEMORY),
        "zstd": zstd.ZstdDecompressor,
    }
    return machines.get(kind, _Gzip)


class _Gzip:
    """zlib's decompressor in the shape of the others."""

    def __init__(self) -> None:
        self._machine = zlib.decompressobj(31)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._machine.decompress(self._machine.unconsumed_tail + data, max_length)

    @property
    def needs_input(self) -> bool:
        return not self._machine.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._machine.eof

    @property
    def unused_data(self) -> bytes:
        return self._machine.unused_data


def _stream(data: bytes, name: str, make: Callable[[], _Machine], unpacking: Unpacking) -> Iterator[Output]:
    """All streams behind each other are one file, as the programs hold it; what follows them is told of."""
    import lzma  # noqa: PLC0415  only in the cage

    from backports import zstd  # noqa: PLC0415

    found = bytearray()
    rest, broken = memoryview(data), ""
    for number in range(_MOST_STREAMS):
        machine = make()
        try:
            used = _one(machine, rest, found, unpacking.left)
        except (zlib.error, lzma.LZMAError, zstd.ZstdError, OSError, ValueError, EOFError) as error:
            if number:  # not a stream any more: padding, or something hidden
                break
            broken = str(error)
            break
        if len(found) > unpacking.left:
            yield from unpacking.too_much(name, len(found))
            return
        if not machine.eof:
            broken = "it ends too early"
            break
        rest = rest[used:]
        if not rest:
            break
    if broken:
        yield from unpacking.damaged(name, broken, bytes(found))
        return
    yield from unpacking.member(name, bytes(found))
    if bytes(rest).strip(b"\0"):
        yield from unpacking.once("archive-something-behind", f"{len(rest):,} bytes")
        yield from unpacking.member("behind the compressed data", bytes(rest), relation="overlay")


def _one(machine: _Machine, data: memoryview, found: bytearray, most: int) -> int:
    """Unpack one stream to the end of `found`, at most one piece beyond `most`; the bytes of `data` that it took."""
    at = 0
    while not machine.eof and len(found) <= most:
        piece = b""
        if machine.needs_input:
            piece = bytes(data[at : at + PIECE])
            at += len(piece)
            if not piece:
                break
        found += machine.decompress(piece, PIECE * 4)
    return at - len(machine.unused_data)


def _uuencoded(data: bytes, name: str, unpacking: Unpacking) -> Iterator[Output]:
    import binascii  # noqa: PLC0415  only in the cage

    head = re.search(rb"^begin [0-7]{3,4} ([^\r\n]{1,255})\r?$", data, re.MULTILINE)
    if head is None:
        return
    found, broken = bytearray(), "it ends too early"
    for line in data[head.end() :].lstrip(b"\r\n").splitlines():
        if line.strip() in {b"end", b"`", b""}:
            broken = ""
            break
        try:
            found += binascii.a2b_uu(line)
        except binascii.Error as error:
            broken = str(error)
            break
    told = head[1].decode("utf-8", "replace") or name
    if len(found) > unpacking.left:
        yield from unpacking.too_much(told, len(found))
    elif broken:
        yield from unpacking.damaged(told, broken, bytes(found))
    else:
        yield from unpacking.member(told, bytes(found))


def _inner_name(subject: Subject) -> str:
    """The name of the file inside: what the outer one is called without its last extension."""
    if subject.kind.name == "gzip" and (kept := _kept_name(subject.data)):
        return kept
    stem, dot, extension = subject.name.rpartition("/")[2].rpartition(".")
    extension = extension.lower()
    if not dot or not stem or extension not in _SUFFIXES[subject.kind.name]:
        return f"{subject.name or 'file'} (unpacked)"
    return f"{stem}.tar" if extension in _TARS else stem


def _kept_name(data: bytes) -> str:
    """The name that gzip keeps in its header (RFC 1952); empty if it does not."""
    if len(data) < 12 or not data[3] & 8:
        return ""
    at = 10
    if data[3] & 4:
        at += 2 + int.from_bytes(data[10:12], "little")
    return data[at : at + 255].partition(b"\0")[0].decode("utf-8", "replace")
