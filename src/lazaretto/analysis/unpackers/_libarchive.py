"""Members of what libarchive can read. It is C and has had its holes: here it has nothing to take."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

from lazaretto.analysis.engine import Output, Shortfall
from lazaretto.analysis.unpackers._unpacking import PIECE, Unpacking

LOADS = ("lazaretto.analysis.unpackers._libarchive_loaded",)


def members(
    data: bytes, unpacking: Unpacking, *, formats: str = "all", filters: str = "none", only: str = ""
) -> Iterator[Output]:
    """The files inside. `only`: the name of the one that is there, where the format has none."""
    from lazaretto.analysis.unpackers._libarchive_loaded import library  # noqa: PLC0415  only in the cage

    if library is None:
        yield Shortfall(reason="libarchive is not installed: the files inside were not looked at")
        return
    try:
        with library.memory_reader(data, format_name=formats, filter_name=filters) as archive:
            for entry in archive:
                if unpacking.full:
                    return
                yield from _entry(library, entry, only, unpacking)
    except library.ArchiveError as error:
        yield from unpacking.damaged(only or "(the rest)", str(error.msg or error))


def _entry(library: Any, entry: Any, only: str, unpacking: Unpacking) -> Iterator[Output]:
    name = only or _name(entry)
    if entry.issym:
        unpacking.link(name, str(entry.linkpath or ""))
        return
    if not entry.isreg and not only:
        return
    if (entry.size or 0) > unpacking.left:
        yield from unpacking.too_much(name, entry.size)
        return
    found, why = _content(library, entry, unpacking.left)
    if len(found) > unpacking.left:
        yield from unpacking.too_much(name, len(found))
    elif not why:
        yield from unpacking.member(name, found)
    elif "ncrypted" in why or "assphrase" in why:
        yield from unpacking.encrypted(name)
    else:
        yield from unpacking.damaged(name, why, found)


def _content(library: Any, entry: Any, most: int) -> tuple[bytes, str]:
    """The bytes, at most one piece beyond `most`, and what is wrong with them; empty if nothing is."""
    from lazaretto.analysis.unpackers._libarchive_loaded import read_data  # noqa: PLC0415  only in the cage

    found, buffer = bytearray(), ctypes.create_string_buffer(PIECE)
    while len(found) <= most:
        got = read_data(entry._archive_p, buffer, PIECE)
        if got < 0:
            return bytes(found), (library.ffi.error_string(entry._archive_p) or b"damaged").decode("utf-8", "replace")
        if not got:
            break
        found += buffer.raw[:got]
    return bytes(found), ""


def _name(entry: Any) -> str:
    try:
        name = entry.pathname
    except UnicodeError:
        name = None
    if isinstance(name, bytes):
        return name.decode("utf-8", "replace")
    return str(name or "unnamed")
