"""Archives of PyInstaller: programs in Python packed with their interpreter into one file.

Layout after PyInstaller's `PyInstaller/archive/readers.py`, version 2.1 and later. All numbers are big endian. At the
end is a cookie (magic, length of the package, place and length of its table, version, name of the library); entries of
the table say their own length, place, sizes, whether they are compressed, and a letter for what they are. `PYZ` entries
hold modules: a table written by `marshal`, and each module compressed.
"""

from __future__ import annotations

import marshal
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from lazaretto.analysis.programs.installers import PYINSTALLER
from lazaretto.analysis.programs.numbers import u32

MOST_ENTRIES, MOST_MODULES = 20_000, 50_000
MOST_UNPACKED = 128 << 20  # bytes of one entry
_COOKIES = (88, 24)  # bytes; the shorter one before version 2.1
_HEADER = 12  # bytes of a compiled file's header behind its magic: flags and two empty words


@dataclass(frozen=True)
class Entry:
    """`letter`: s script, m and M module, z modules, b library, x data, ... `data` is None where it is damaged."""

    name: str
    letter: str
    data: bytes | None


@dataclass(frozen=True)
class Module:
    """A compiled module. `data` is None where it is encrypted or damaged."""

    name: str
    data: bytes | None


def entries(data: bytes, cookie: int) -> Iterator[Entry]:
    """The archive's entries; none where the cookie makes no sense."""
    for size in _COOKIES:
        length, place, table = (u32(data, cookie + 8 + 4 * number, ">") for number in range(3))
        start = cookie + size - length
        if start >= 0 and place + table <= length and data[cookie : cookie + 8] == PYINSTALLER:
            found = list(_entries(data, start, start + place, start + place + table))
            if found:
                yield from found
                return


def _entries(data: bytes, start: int, at: int, end: int) -> Iterator[Entry]:
    for _ in range(MOST_ENTRIES):
        length = u32(data, at, ">")
        if length < 18 or at + length > end:
            return
        place, packed, _size = (u32(data, at + 4 + 4 * number, ">") for number in range(3))
        name = data[at + 18 : at + length].split(b"\0", 1)[0].decode("utf-8", "replace")
        content = data[start + place : start + place + packed]
        yield Entry(name, chr(data[at + 17]), _inflated(content) if data[at + 16] else content)
        at += length


def version(found: list[Entry]) -> bytes:
    """The magic of compiled files of the Python that is inside; empty if there are no modules."""
    return next((one.data[4:8] for one in found if one.letter == "z" and one.data and one.data[:4] == b"PYZ\0"), b"")


def compiled(code: bytes, magic: bytes) -> bytes:
    """Code as a file that Python would read: scripts are stored without the header."""
    return code if not magic or code[2:4] == b"\r\n" else magic + bytes(_HEADER) + code


def modules(archive: bytes) -> Iterator[Module]:
    """The modules of a `PYZ` entry. The table is a list or mapping of name to (kind, place, length)."""
    if archive[:4] != b"PYZ\0":
        return
    magic = archive[4:8]
    try:
        table = marshal.loads(archive[u32(archive, 8, ">") :])  # noqa: S302  it holds no code, and the cage bears a crash
    except (ValueError, EOFError, TypeError):
        return
    pairs = table.items() if isinstance(table, dict) else table if isinstance(table, list) else ()
    for pair, _ in zip(pairs, range(MOST_MODULES), strict=False):
        if found := _module(archive, pair, magic):
            yield found


def _module(archive: bytes, pair: object, magic: bytes) -> Module | None:
    match pair:
        case (str() | bytes() as name, (int() as kind, int() as place, int() as length)) if place >= 0 and length >= 0:
            shown = name if isinstance(name, str) else name.decode("utf-8", "replace")
            if kind == 3:  # a folder without code
                return None
            code = _inflated(archive[place : place + length])
            return Module(shown, None if code is None else compiled(code, magic))
        case _:
            return None


def _inflated(packed: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(packed, MOST_UNPACKED)
    except zlib.error:
        return None
