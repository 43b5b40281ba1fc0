"""NTFS: files, and their other streams. Source: the layout as the Linux kernel's `fs/ntfs3` has it.

Read from the master file table alone. Compressed and encrypted files are named and not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lazaretto.analysis.unpackers._disk.found import MOST_DEPTH, MOST_FILES, Found, Unreadable
from lazaretto.analysis.unpackers._disk.volume import Volume, numbers

_NAME, _DATA, _END = 0x30, 0x80, 0xFFFFFFFF
_ROOT, _FIRST_OWN = 5, 16  # numbers of the root folder and of the first file that is not the file system's
_MOST_RUNS = 4_096
_MOST_ATTRIBUTES = 128


@dataclass(frozen=True)
class _Stream:
    """A file's content. `place`: the bytes themselves where they are few, else runs of clusters."""

    size: int
    place: bytes | list[tuple[int, int]]
    barred: str = ""  # why it cannot be read


@dataclass
class _Record:
    number: int
    folder: bool
    parent: int = -1
    name: str = ""
    hidden: bool = False
    streams: dict[str, _Stream] = field(default_factory=dict)


@dataclass(frozen=True)
class _Ntfs:
    volume: Volume
    cluster: int
    record: int


def files(volume: Volume) -> Iterator[Found] | None:
    """All files; None where this is no NTFS."""
    boot = volume.read(0, 512)
    if boot[3:11] != b"NTFS    ":
        return None
    sector, per_cluster = numbers("<HB", boot, 11)
    (start,) = numbers("<Q", boot, 48)
    (size,) = numbers("<b", boot, 64)
    cluster = sector * (per_cluster if per_cluster <= 128 else 1 << (256 - per_cluster))
    record = 1 << -size if size < 0 else size * cluster
    if not 512 <= cluster <= 1 << 21 or not 512 <= record <= 1 << 16:
        return None
    return _files(_Ntfs(volume, cluster, record), start * cluster)


def _files(ntfs: _Ntfs, start: int) -> Iterator[Found]:
    first = _parsed(0, ntfs.volume.read(start, ntfs.record))
    if first is None or "" not in first.streams:
        return
    table = first.streams[""]
    count = min(table.size // ntfs.record, MOST_FILES)
    data = _content(ntfs, count * ntfs.record, table.place)
    records = {}
    for number in range(count):
        raw = data[number * ntfs.record : (number + 1) * ntfs.record]
        if raw[:4] == b"FILE" and (found := _parsed(number, raw)) is not None:
            records[number] = found
    for number, one in records.items():
        if number < _FIRST_OWN or not one.name:
            continue
        path = _path(records, one)
        if path.startswith("$Extend/"):
            continue
        for name, stream in one.streams.items():
            if name or not one.folder:
                yield _found(ntfs, f"{path}:{name}" if name else path, stream, hidden=one.hidden)


def _found(ntfs: _Ntfs, name: str, stream: _Stream, *, hidden: bool) -> Found:
    def read() -> bytes:
        if stream.barred:
            raise Unreadable(stream.barred)
        return _content(ntfs, stream.size, stream.place)

    return Found(name, stream.size, read, hidden)


def _path(records: dict[int, _Record], one: _Record) -> str:
    parts = [one.name]
    at = one.parent
    while at != _ROOT and at in records and len(parts) < MOST_DEPTH:
        parts.append(records[at].name)
        at = records[at].parent
    return "/".join(reversed(parts))


def _parsed(number: int, raw: bytes) -> _Record | None:
    """A record in use; None for any other. What does not fit into one record (a long list of runs) is left out."""
    data = _fixed(raw)
    (flags,) = numbers("<H", data, 22)
    if not flags & 1:
        return None
    found = _Record(number, bool(flags & 2))
    (at,) = numbers("<H", data, 20)
    for _ in range(_MOST_ATTRIBUTES):
        kind, length = numbers("<II", data, at)
        if kind == _END or length < 24 or at + length > len(data):
            break
        attribute = data[at : at + length]
        if kind == _NAME:
            _named(found, attribute)
        elif kind == _DATA:
            _streamed(found, attribute)
        at += length
    return found


def _fixed(raw: bytes) -> bytes:
    """The last two bytes of every sector are kept elsewhere in the record, and put back here."""
    at, count = numbers("<HH", raw, 4)
    data = bytearray(raw)
    for number in range(1, min(count, len(raw) // 512 + 1)):
        end = number * 512
        data[end - 2 : end] = raw[at + 2 * number : at + 2 * number + 2].ljust(2, b"\0")
    return bytes(data)


def _named(record: _Record, attribute: bytes) -> None:
    (start,) = numbers("<H", attribute, 20)
    body = attribute[start:]
    length, space = numbers("<BB", body, 64)
    if record.name and space == 2:  # the short name of old times, beside the real one
        return
    record.parent = numbers("<Q", body)[0] & 0xFFFFFFFFFFFF
    record.hidden = bool(numbers("<I", body, 56)[0] & 2)
    record.name = body[66 : 66 + 2 * length].decode("utf-16-le", "replace")


def _streamed(record: _Record, attribute: bytes) -> None:
    elsewhere, length, at, flags = numbers("<BBHH", attribute, 8)
    name = attribute[at : at + 2 * length].decode("utf-16-le", "replace")
    if not elsewhere:
        size, start = numbers("<IH", attribute, 16)
        record.streams[name] = _Stream(size, attribute[start : start + size])
        return
    (runs,) = numbers("<H", attribute, 32)
    (size,) = numbers("<Q", attribute, 48)
    barred = "it is compressed by the file system" if flags & 0xFF else ""
    barred = "it is encrypted by the file system" if flags & 0x4000 else barred
    record.streams[name] = _Stream(size, _runs(attribute[runs:]), barred)


def _runs(data: bytes) -> list[tuple[int, int]]:
    """Pairs of first cluster (-1: never written) and number of clusters."""
    found: list[tuple[int, int]] = []
    at, place = 0, 0
    while at < len(data) and data[at] and len(found) < _MOST_RUNS:
        sizes = data[at]
        length = int.from_bytes(data[at + 1 : at + 1 + (sizes & 15)], "little")
        moved = data[at + 1 + (sizes & 15) : at + 1 + (sizes & 15) + (sizes >> 4)]
        place += int.from_bytes(moved, "little", signed=True)
        found.append((place if moved else -1, length))
        at += 1 + (sizes & 15) + (sizes >> 4)
    return found


def _content(ntfs: _Ntfs, size: int, place: bytes | list[tuple[int, int]]) -> bytes:
    if isinstance(place, bytes):
        return place[:size]
    pieces, left = [], size
    for first, count in place:
        length = min(count * ntfs.cluster, left)
        if length <= 0:
            break
        pieces.append(bytes(length) if first < 0 else ntfs.volume.read(first * ntfs.cluster, length))
        left -= length
    return b"".join(pieces)
