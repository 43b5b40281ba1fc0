"""Archives in several files: says that only a part of one is here, and which.

Sources: PKWARE APPNOTE 6.3.10, 4.4.19; RARLAB, "RAR 5.0 archive format"; [MS-CAB] 2.1; 7-Zip's `7zFormat.txt`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Finding, Output, Shortfall, Subject

ENGINE = Engine(
    name="parts",
    version="1",
    module="lazaretto.analysis.unpackers.parts",
    wants=lambda kind: kind.name in {"zip", "7z", "rar", "cab", "data"},
    sees="that a file is one part of an archive in several files, and which",
)
_SPLIT = re.compile(r"\.(?:7z|zip|rar|tar|gz|xz|bz2|tgz|iso|z|r|part|arj|ace)\.?(\d{2,3})$", re.IGNORECASE)
_ZIP_TAIL = 66_000  # bytes from the end in which the record at the end of a ZIP is


def examine(subject: Subject) -> Iterator[Output]:
    which = _which(subject)
    if which:
        yield Finding(id="archive-part", detail=which)
        yield Shortfall(reason=f"only one part of an archive in several files is here ({which})")


def _which(subject: Subject) -> str:
    data, kind = subject.data, subject.kind.name
    if kind == "zip":
        return _zip(data)
    if kind == "rar":
        return _rar(data)
    if kind == "cab":
        flags = int.from_bytes(data[30:32], "little")
        return " and ".join(word for bit, word in ((1, "others come before"), (2, "others follow")) if flags & bit)
    split = _SPLIT.search(subject.name)
    if kind == "7z":
        size = 32 + int.from_bytes(data[12:20], "little") + int.from_bytes(data[20:28], "little")
        return f"the first {len(data):,} of {size:,} bytes" if split and len(data) < size else ""
    return f"part {int(split[1])}, by its name" if split else ""


def _zip(data: bytes) -> str:
    if data[:4] == b"PK\x07\x08":
        return "the first part"
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - _ZIP_TAIL))
    if end < 0:
        return ""
    number = int.from_bytes(data[end + 4 : end + 6], "little")
    return f"the last of {number + 1} parts" if 0 < number < 0xFFFF else ""


def _rar(data: bytes) -> str:
    if data[6:8] != b"\1\0":  # before version 5
        flags = int.from_bytes(data[10:12], "little") if data[9:10] == b"\x73" else 0
        return "" if not flags & 1 else "the first part" if flags & 0x100 else "a part"
    at = 12
    _, at = _number(data, at)
    kind, at = _number(data, at)
    flags, at = _number(data, at)
    if flags & 1:
        _, at = _number(data, at)
    own, at = _number(data, at)
    if kind != 1 or not own & 1:
        return ""
    return f"part {_number(data, at)[0] + 1}" if own & 2 else "the first part"


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at] if at < len(data) else 0
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
    return value, at
