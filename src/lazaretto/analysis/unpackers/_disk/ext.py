"""ext2, ext3 and ext4. Source: the Linux kernel's `Documentation/filesystems/ext4`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from lazaretto.analysis.unpackers._disk.found import Found, Unreadable, Walk
from lazaretto.analysis.unpackers._disk.volume import Volume, numbers

_ROOT = 2
_META_GROUPS, _WIDE = 0x10, 0x80  # what a reader must know
_ENCRYPTED, _TREE, _INLINE = 0x800, 0x80000, 0x10000000  # flags of a file
_KIND, _FOLDER, _FILE = 0xF000, 0x4000, 0x8000
_MOST_FOLDER, _MOST_RUNS, _MOST_TABLES = 8 << 20, 100_000, 100_000

_Run = tuple[int, int, int]  # first block of the file, first block of the disk (0 for none), number


@dataclass(frozen=True)
class _Ext:
    volume: Volume
    block: int  # bytes
    per_group: int  # files
    inode: int  # bytes
    groups: bytes
    group: int  # bytes of a group's description
    tables: Iterator[int]  # how many more may be read of those that say where content is

    def file(self, number: int) -> bytes:
        """The description of a file; zeros where there is none."""
        group, within = divmod(number - 1, self.per_group)
        at = group * self.group
        table = numbers("<I", self.groups, at + 8)[0]
        if self.group >= 64:
            table |= numbers("<I", self.groups, at + 40)[0] << 32
        return self.volume.read(table * self.block + within * self.inode, self.inode) if table else b""

    def content(self, inode: bytes, size: int) -> bytes:
        (flags,) = numbers("<I", inode, 32)
        if flags & _ENCRYPTED:
            raise Unreadable("it is encrypted by the file system")
        if flags & _INLINE:
            if size > 60:
                raise Unreadable("it is kept within the file system's own tables")
            return inode[40 : 40 + size]
        runs = self._tree(inode[40:100], 0) if flags & _TREE else self._lists(inode[40:100])
        out = bytearray()
        for _, (logical, place, count) in zip(range(_MOST_RUNS), runs, strict=False):
            start = logical * self.block
            if start >= size or start < len(out):
                continue
            out += bytes(start - len(out))
            length = min(count * self.block, size - start)
            out += self.volume.read(place * self.block, length) if place else bytes(length)
        # what no block holds at the end is zero, unless the image is cut
        return bytes(out + bytes(size - len(out))) if len(out) % self.block == 0 else bytes(out)

    def _tree(self, node: bytes, depth: int) -> Iterator[_Run]:
        mark, count, _, height = numbers("<HHHH", node)
        if next(self.tables, None) is None:
            raise Unreadable("it is in more pieces than can be")
        if mark != 0xF30A or depth > 6:
            return
        for at in range(12, min(12 + 12 * count, len(node) - 11), 12):
            if height:
                below, high = numbers("<IH", node, at + 4)
                yield from self._tree(self.volume.read((high << 32 | below) * self.block, self.block), depth + 1)
            else:
                logical, length, high, low = numbers("<IHHI", node, at)
                written = length <= 32_768  # others have room and no content yet
                yield logical, (high << 32 | low) if written else 0, length if written else length - 32_768

    def _lists(self, places: bytes) -> Iterator[_Run]:
        each = self.block // 4
        logical = 0
        for place in numbers("<12I", places):
            yield logical, place, 1
            logical += 1
        for depth, place in enumerate(numbers("<3I", places, 48)):
            yield from self._below(place, depth, logical)
            logical += each ** (depth + 1)

    def _below(self, place: int, depth: int, logical: int) -> Iterator[_Run]:
        if not place:
            return
        if next(self.tables, None) is None:
            raise Unreadable("it is in more pieces than can be")
        each = self.block // 4
        for number, one in enumerate(numbers(f"<{each}I", self.volume.read(place * self.block, self.block))):
            if depth:
                yield from self._below(one, depth - 1, logical + number * each**depth)
            elif one:
                yield logical + number, one, 1


def files(volume: Volume) -> Iterator[Found] | None:
    """All files; None where this is no ext."""
    head = volume.read(1024, 1024)
    if head[56:58] != b"\x53\xef":
        return None
    inodes, blocks = numbers("<II", head)
    first, bits = numbers("<II", head, 20)
    in_group, _, per_group = numbers("<III", head, 32)
    needs = numbers("<I", head, 96)[0] if numbers("<I", head, 76)[0] else 0
    inode = numbers("<H", head, 88)[0] if numbers("<I", head, 76)[0] else 128
    if bits > 6 or not in_group or not per_group or not 128 <= inode <= 4096 or needs & _META_GROUPS:
        return None
    block = 1024 << bits
    size = max(64, numbers("<H", head, 254)[0]) if needs & _WIDE else 32
    count = min(-(-blocks // in_group), -(-inodes // per_group) + 1)
    groups = volume.read((first + 1) * block, min(count * size, 4 << 20))
    ext = _Ext(volume, block, per_group, inode, groups, size, iter(range(_MOST_TABLES)))
    return _folder(ext, _ROOT, "", 0, Walk())


def _folder(ext: _Ext, number: int, path: str, depth: int, walk: Walk) -> Iterator[Found]:
    if not walk.enter(number, depth):
        return
    inode = ext.file(number)
    try:
        listing = ext.content(inode, min(numbers("<I", inode, 4)[0], _MOST_FOLDER))
    except Unreadable as error:
        yield Found(f"{path}(the folder)", 0, partial(_refuse, str(error)))
        return
    at = 4 if numbers("<I", inode, 32)[0] & _INLINE else 0  # behind the number of the folder above
    while at + 8 <= len(listing):
        below, length, letters = numbers("<IHB", listing, at)
        name = listing[at + 8 : at + 8 + letters]
        at += max(length, 8)
        if not below or name in {b".", b"..", b""}:
            continue
        if not walk.step():
            return
        inode = ext.file(below)
        (mode,) = numbers("<H", inode)
        told = path + name.decode("utf-8", "replace")
        if mode & _KIND == _FOLDER:
            yield from _folder(ext, below, f"{told}/", depth + 1, walk)
        elif mode & _KIND == _FILE:
            size = numbers("<I", inode, 4)[0] | numbers("<I", inode, 108)[0] << 32
            yield Found(told, size, partial(ext.content, inode, size))


def _refuse(why: str) -> bytes:
    raise Unreadable(why)
