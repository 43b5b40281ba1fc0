"""The members of a ZIP archive as its directory and its headers tell of them. Every offset is checked."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

MOST_ENTRIES = 20_000
_LOCAL, _CENTRAL, _END, _END64, _LOCATOR = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_FULL32 = 0xFFFFFFFF


@dataclass(frozen=True)
class Entry:
    """One member. `start` is where its packed bytes begin, `at` where its local header is; -1 if there is none."""

    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    at: int
    extra: bytes = b""
    attributes: int = 0
    start: int = -1
    other_name: bytes = b""  # what the local header calls it, where that is something else
    listed: bool = True  # in the directory

    @property
    def name(self) -> str:
        """UTF-8 where it is that, else the code page of the first PCs."""
        try:
            return self.raw_name.decode("utf-8")
        except UnicodeDecodeError:
            return self.raw_name.decode("cp437")

    @property
    def is_folder(self) -> bool:
        return self.raw_name.endswith((b"/", b"\\")) and not self.size

    @property
    def is_encrypted(self) -> bool:
        return bool(self.flags & 1)

    @property
    def is_link(self) -> bool:
        return (self.attributes >> 16) & 0o170000 == 0o120000


@dataclass(frozen=True)
class Directory:
    entries: tuple[Entry, ...]
    comment: bytes = b""
    whole: bool = True  # a directory was there and could be read to its end


def read_directory(data: bytes) -> Directory:
    """All members: those of the directory, and those that only have a header of their own."""
    listed, comment, whole = _listed(data)
    entries = [_with_local(data, entry) for entry in listed]
    hidden = list(_unlisted(data, entries))
    return Directory((*entries, *hidden), comment, whole)


def _listed(data: bytes) -> tuple[list[Entry], bytes, bool]:
    end = data.rfind(_END, max(0, len(data) - 66_000))
    if end < 0 or end + 22 > len(data):
        return [], b"", False
    count, size, offset, comment = struct.unpack_from("<HIIH", data, end + 10)
    if _FULL32 in {size, offset} or count == 0xFFFF:
        count, size, offset = _end64(data, end) or (count, size, offset)
    # Where something stands before the archive, offsets are wrong by its length and the distance from the end right.
    for start, shift in ((end - size, end - size - offset), (offset, 0), (end - size - 76, end - size - 76 - offset)):
        if 0 <= start < end and data[start : start + 4] == _CENTRAL:
            entries = list(_central(data, start, end, shift))
            return entries, data[end + 22 : end + 22 + comment], len(entries) >= min(count, MOST_ENTRIES)
    return [], data[end + 22 : end + 22 + comment], count == 0 and size == 0


def _end64(data: bytes, end: int) -> tuple[int, int, int] | None:
    """Number of entries, size and offset of the directory of a ZIP64 archive."""
    if data[end - 20 : end - 16] != _LOCATOR:
        return None
    at = struct.unpack_from("<Q", data, end - 12)[0]
    for place in (at, end - 20 - 56):
        if 0 <= place <= len(data) - 56 and data[place : place + 4] == _END64:
            count, size, offset = struct.unpack_from("<QQQ", data, place + 32)
            return count, size, offset
    return None


def _central(data: bytes, start: int, end: int, shift: int) -> Iterator[Entry]:
    at = start
    for _ in range(MOST_ENTRIES):
        if at + 46 > end or data[at : at + 4] != _CENTRAL:
            return
        flags, method, _, crc, packed, size, name, extra, comment, _, _, attributes, offset = struct.unpack_from(
            "<HHIIIIHHHHHII", data, at + 8
        )
        raw = data[at + 46 : at + 46 + name]
        more = data[at + 46 + name : at + 46 + name + extra]
        entry = Entry(raw, flags, method, crc, packed, size, offset, more, attributes)
        entry = _wide(entry)
        yield replace(entry, at=entry.at + shift)
        at += 46 + name + extra + comment


def _wide(entry: Entry) -> Entry:
    """With the numbers that ZIP64 keeps in a field beside."""
    field = extra_field(entry.extra, 1)
    numbers = iter(struct.unpack_from(f"<{len(field) // 8}Q", field)) if len(field) >= 8 else iter(())
    size = next(numbers, entry.size) if entry.size == _FULL32 else entry.size
    packed = next(numbers, entry.packed) if entry.packed == _FULL32 else entry.packed
    at = next(numbers, entry.at) if entry.at == _FULL32 else entry.at
    return replace(entry, size=size, packed=packed, at=at)


def extra_field(extra: bytes, wanted: int) -> bytes:
    """The extra field of this number; empty if there is none."""
    at = 0
    while at + 4 <= len(extra):
        number, size = struct.unpack_from("<HH", extra, at)
        if number == wanted:
            return extra[at + 4 : at + 4 + size]
        at += 4 + size
    return b""


def _with_local(data: bytes, entry: Entry) -> Entry:
    """With what the header before the member's bytes says."""
    at = entry.at
    if at < 0 or at + 30 > len(data) or data[at : at + 4] != _LOCAL:
        return replace(entry, at=-1)
    name, extra = struct.unpack_from("<HH", data, at + 26)
    local = data[at + 30 : at + 30 + name]
    other = local if _slashed(local) != _slashed(entry.raw_name) else b""
    return replace(entry, start=at + 30 + name + extra, other_name=other)


def _slashed(name: bytes) -> bytes:
    return name.replace(b"\\", b"/")


def _unlisted(data: bytes, known: list[Entry]) -> Iterator[Entry]:
    """Members between the known ones that no directory tells of."""
    reaches = sorted((entry.at, max(entry.start, 0) + entry.packed) for entry in known if entry.at >= 0)
    at = 0
    for begin, end in (*reaches, (len(data), len(data))):
        found = 0
        while at < begin and found < MOST_ENTRIES:
            at = data.find(_LOCAL, at, begin)
            if at < 0 or (entry := local_entry(data, at)) is None:
                at = begin if at < 0 else at + 4
                continue
            found += 1
            yield entry
            at = max(at + 30, entry.start + entry.packed)
        at = max(at, end)


def local_entry(data: bytes, at: int) -> Entry | None:
    """The member whose header is there; None where that is no sensible header."""
    if at + 30 > len(data):
        return None
    flags, method, _, crc, packed, size, name, extra = struct.unpack_from("<HHIIIIHH", data, at + 6)
    raw = data[at + 30 : at + 30 + name]
    if not name or len(raw) < name or method > 99 or any(byte < 32 for byte in raw):
        return None
    start = at + 30 + name + extra
    more = data[at + 30 + name : start]
    entry = _wide(Entry(raw, flags, method, crc, packed, size, 0, more))
    if flags & 8 and not entry.packed:  # sizes come after the bytes
        after = data.find(b"PK\x07\x08", start)
        following = data.find(_LOCAL, start)
        stop = min((place for place in (after, following) if place >= 0), default=len(data))
        entry = replace(entry, packed=stop - start, size=0, crc=0)
    return replace(entry, at=at, start=start, listed=False)
