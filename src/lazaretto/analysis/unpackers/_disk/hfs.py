"""HFS+ and HFSX: files, and their resource forks. Source: Apple, Technical Note TN1150 "HFS Plus Volume Format"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from lazaretto.analysis.unpackers._disk.found import MOST_DEPTH, MOST_FILES, Found, Unreadable
from lazaretto.analysis.unpackers._disk.volume import Volume, numbers

_MOST_TREE = 64 << 20  # bytes of one of the file system's own files
_LEAF, _FOLDER_RECORD, _FILE_RECORD = 0xFF, 1, 2
_ROOT, _EXTENTS_FILE, _CATALOG_FILE = 2, 3, 4
_DATA_FORK, _RESOURCE_FORK = 0, 0xFF
_INVISIBLE, _COMPRESSED, _KIND_OF_FILE, _LINK = 0x4000, 0x20, 0xF000, 0xA000

_Extents = tuple[tuple[int, int], ...]  # first block and number of blocks


@dataclass(frozen=True)
class _Fork:
    size: int
    blocks: int
    extents: _Extents


@dataclass
class _Hfs:
    volume: Volume
    block: int
    more: dict[tuple[int, int], list[tuple[int, _Extents]]] = field(default_factory=dict)  # by file and fork

    def content(self, number: int, kind: int, fork: _Fork) -> bytes:
        extents = list(fork.extents)
        reached = sum(count for _, count in extents)
        for start, further in sorted(self.more.get((number, kind), ())):
            if start == reached:
                extents += further
                reached += sum(count for _, count in further)
        pieces, left = [], fork.size
        for start, count in extents:
            if left <= 0:
                break
            piece = self.volume.read(start * self.block, min(count * self.block, left))
            pieces.append(piece)
            left -= min(count * self.block, left)
        return b"".join(pieces)


def files(volume: Volume) -> Iterator[Found] | None:
    """All files; None where this is no HFS+."""
    head = volume.read(1024, 512)
    if head[:4] not in {b"H+\0\4", b"HX\0\5"}:
        return None
    (block,) = numbers(">I", head, 40)
    if not 512 <= block <= 1 << 24 or block & block - 1:
        return None
    return _files(_Hfs(volume, block), head)


def _files(hfs: _Hfs, head: bytes) -> Iterator[Found]:
    for key, record in _records(hfs, _EXTENTS_FILE, _fork(head, 192)):
        kind, number, start = numbers(">BxII", key)
        hfs.more.setdefault((number, kind), []).append((start, _extents(record, 0)))
    folders: dict[int, tuple[int, str]] = {}
    entries: list[tuple[int, str, bytes]] = []
    for key, record in _records(hfs, _CATALOG_FILE, _fork(head, 272)):
        parent, letters = numbers(">IH", key)
        name = key[6 : 6 + 2 * letters].decode("utf-16-be", "replace").strip("\0").replace("/", ":")
        (kind,) = numbers(">H", record)
        if kind == _FOLDER_RECORD:
            folders[numbers(">I", record, 8)[0]] = (parent, name)
        elif kind == _FILE_RECORD and len(entries) < MOST_FILES:
            entries.append((parent, name, record))
    for parent, name, record in entries:
        yield from _file(hfs, _path(folders, parent) + name, record)


def _path(folders: dict[int, tuple[int, str]], at: int) -> str:
    parts: list[str] = []
    while at != _ROOT and at in folders and len(parts) < MOST_DEPTH:
        at, name = folders[at]
        parts.append(name)
    return "".join(f"{part}/" for part in reversed(parts))


def _file(hfs: _Hfs, name: str, record: bytes) -> Iterator[Found]:
    (number,) = numbers(">I", record, 8)
    own_flags, mode = numbers(">BH", record, 41)
    hidden = bool(numbers(">H", record, 56)[0] & _INVISIBLE)
    data, resources = _fork(record, 88), _fork(record, 168)
    if mode & _KIND_OF_FILE == _LINK:
        return
    if own_flags & _COMPRESSED and not data.size:
        yield Found(name, resources.size, _compressed, hidden)
        return
    yield Found(name, data.size, partial(hfs.content, number, _DATA_FORK, data), hidden)
    if resources.size:
        read = partial(hfs.content, number, _RESOURCE_FORK, resources)
        yield Found(f"{name}:rsrc", resources.size, read)


def _compressed() -> bytes:
    raise Unreadable("it is compressed by the file system")


def _fork(data: bytes, at: int) -> _Fork:
    size, _, blocks = numbers(">QII", data, at)
    return _Fork(size, blocks, _extents(data, at + 16))


def _extents(data: bytes, at: int) -> _Extents:
    found = numbers(">16I", data, at)
    return tuple((found[one], found[one + 1]) for one in range(0, 16, 2) if found[one + 1])


def _records(hfs: _Hfs, number: int, fork: _Fork) -> Iterator[tuple[bytes, bytes]]:
    """Keys and records of a tree's leaves, in their order."""
    tree = hfs.content(number, _DATA_FORK, _Fork(min(fork.size, _MOST_TREE), fork.blocks, fork.extents))
    (size,) = numbers(">H", tree, 32)
    (at,) = numbers(">I", tree, 24)
    if not 512 <= size <= 32_768:
        return
    seen: set[int] = set()
    while at and at not in seen:
        seen.add(at)
        node = tree[at * size : (at + 1) * size]
        following, _, kind, _, count = numbers(">IIBBH", node)
        if kind != _LEAF:
            return
        places = numbers(f">{min(count, size // 4)}H", node, size - 2 * min(count, size // 4))[::-1]
        for place in places:
            (length,) = numbers(">H", node, place)
            start = place + 2 + length
            yield node[place + 2 : start], node[start + start % 2 : start + 520]
        at = following
