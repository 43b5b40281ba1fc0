"""Packages of programming languages that look like plain archives: known by the files at their begin.

Sources: npm's `package.json`; the Python packaging guide, "Source distribution format".
"""

from __future__ import annotations

import bz2
import lzma
import re
import struct
import zlib
from collections.abc import Iterable

from lazaretto.analysis.formats.types import FileType, of

_UNPACKED = 1 << 20  # bytes that are unpacked to look at
_SDIST = re.compile(r"[^/]+/(?:PKG-INFO|pyproject\.toml|setup\.py)")
_NPM = re.compile(r"[^/]+/package\.json")


def packed_package(data: bytes, kind: str) -> FileType | None:
    """The type of a compressed tar archive that is a package; None where it is not one, or not at its begin."""
    names = tar_names(_begin(data, kind))
    if not names:
        return None
    return _package(names) or of(kind, "tar")


def _package(names: list[str]) -> FileType | None:
    plain = [name.removeprefix("./") for name in names]
    if any(name == "package/package.json" for name in plain):
        return of("npm-package")
    own = {name for name in plain if _SDIST.fullmatch(name)}
    if any(name.endswith("/PKG-INFO") for name in own) or len(own) > 1:
        return of("python-sdist")
    return None


def zipped_package(names: Iterable[str]) -> str:
    """The type of a ZIP archive that is a package; empty where it is none."""
    own = [name for name in names if _SDIST.fullmatch(name)]
    if any(name.endswith("/PKG-INFO") for name in own):
        return "python-sdist-zip"
    return "nuget" if any("/" not in name and name.endswith(".nuspec") for name in names) else ""


def tar_names(data: bytes) -> list[str]:
    """Names of the members at the begin of a tar archive; empty where it is none."""
    names: list[str] = []
    at = 0
    while at + 512 <= len(data) and data[at + 257 : at + 262] == b"ustar":
        size = data[at + 124 : at + 136].strip(b" \0")
        if not re.fullmatch(rb"[0-7]{1,11}", size):
            break
        prefix = data[at + 345 : at + 500].partition(b"\0")[0] if data[at + 263 : at + 265] == b"00" else b""
        name = data[at : at + 100].partition(b"\0")[0]
        if data[at + 156 : at + 157] in {b"0", b"\0", b"5"}:
            names.append(b"/".join(part for part in (prefix, name) if part).decode("utf-8", "replace"))
        at += 512 + (int(size, 8) + 511) // 512 * 512
    return names


def _begin(data: bytes, kind: str) -> bytes:
    """The begin of what is inside; what can be had where it is broken."""
    head = data[:_UNPACKED]
    try:
        if kind == "gzip":
            return zlib.decompressobj(31).decompress(head, _UNPACKED)
        if kind == "bzip2":
            return bz2.BZ2Decompressor().decompress(head, _UNPACKED)
        return lzma.LZMADecompressor(memlimit=256 << 20).decompress(head, _UNPACKED)
    except (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError, struct.error):
        return b""
