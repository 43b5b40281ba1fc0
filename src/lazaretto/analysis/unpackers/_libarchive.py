"""Members of what libarchive can read. It is C and has had its holes: here it has nothing to take."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from lazaretto.analysis.engine import Output, Shortfall
from lazaretto.analysis.unpackers._unpacking import Unpacking

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
    found = bytearray()
    try:
        for block in entry.get_blocks():
            found += block
            if len(found) > unpacking.left:
                yield from unpacking.too_much(name, len(found))
                return
    except library.ArchiveError as error:
        why = str(error.msg or error)
        if "ncrypted" in why or "assphrase" in why:
            yield from unpacking.encrypted(name)
        else:
            yield from unpacking.damaged(name, why, bytes(found))
        return
    yield from unpacking.member(name, bytes(found))


def _name(entry: Any) -> str:
    try:
        name = entry.pathname
    except UnicodeError:
        name = None
    if isinstance(name, bytes):
        return name.decode("utf-8", "replace")
    return str(name or "unnamed")


def prepare() -> Any:
    """libarchive, loaded; None where it is not installed."""
    os.environ.setdefault("LIBARCHIVE", "libarchive.so.13")  # else a compiler is asked where it lies
    try:
        import libarchive  # type: ignore[import-untyped]  # noqa: PLC0415  only in the cage
    except (OSError, AttributeError, ImportError):
        return None
    return libarchive
