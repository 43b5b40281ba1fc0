"""ACE archives, by acefile."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import acefile  # type: ignore[import-untyped]  # of its types nothing is known

from lazaretto.analysis.engine import Output
from lazaretto.analysis.unpackers._unpacking import MOST_MEMBERS, Unpacking, guessed


def members(data: bytes, unpacking: Unpacking) -> Iterator[Output]:
    """The files of the archive."""
    try:
        archive = acefile.open(io.BytesIO(data))
        entries = [one for one in archive.getmembers() if not one.is_dir()]
    except Exception as error:  # acefile raises many kinds
        yield from unpacking.damaged("(all files)", str(error) or type(error).__name__)
        return
    for entry in entries[:MOST_MEMBERS]:
        if unpacking.full:
            return
        yield from _member(archive, entry, unpacking)


def _member(archive: Any, entry: Any, unpacking: Unpacking) -> Iterator[Output]:
    if entry.size > unpacking.left:
        yield from unpacking.too_much(entry.filename, entry.size)
        return
    password = ""
    if entry.is_enc():
        found = guessed(unpacking.passwords, lambda word: _read(archive, entry, word)[0] is not None)
        if found is None:
            yield from unpacking.encrypted(entry.filename)
            return
        password = found
    data, why = _read(archive, entry, password)
    if data is None:
        yield from unpacking.damaged(entry.filename, why)
    else:
        yield from unpacking.member(entry.filename, data, password=password)


def _read(archive: Any, entry: Any, password: str) -> tuple[bytes | None, str]:
    try:
        return bytes(archive.read(entry, pwd=password or None)), ""
    except Exception as error:  # acefile raises many kinds, also for a wrong password
        return None, str(error) or type(error).__name__
