"""Squashfs 4, as in snaps, AppImages and firmware. Source: the Linux kernel's `fs/squashfs/squashfs_fs.h`."""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from lazaretto.analysis.unpackers._disk.found import Found, Unreadable, Walk
from lazaretto.analysis.unpackers._disk.volume import Volume, numbers

_METADATA = 8192  # bytes of a block of inodes or folders
_MOST_BLOCK = 1 << 20
_MOST_FOLDER = 4 << 20
_MOST_MEMORY = 64 << 20  # bytes of a dictionary, whose size a block says: one larger than the block has no use
_NO_FRAGMENT = 0xFFFFFFFF
_FOLDERS, _FILES = {1, 8}, {2, 9}


@dataclass
class _Squash:
    volume: Volume
    block: int
    packing: int
    inodes: int
    folders: int
    fragments: int
    kept: dict[int, tuple[bytes, int]] = field(default_factory=dict)  # blocks of metadata, and where the next is
    walk: Walk = field(default_factory=Walk)

    def metadata(self, at: int, offset: int, size: int) -> bytes:
        """So many bytes of the run of blocks that begins there."""
        found = b""
        while len(found) < offset + size:
            if at not in self.kept:
                (head,) = numbers("<H", self.volume.read(at, 2))
                packed = self.volume.read(at + 2, head & 0x7FFF)
                data = packed if head & 0x8000 else self.unpack(packed, _METADATA)
                if len(self.kept) > 4096:
                    self.kept.clear()
                self.kept[at] = data, at + 2 + (head & 0x7FFF)
            data, at = self.kept[at]
            if not data:
                break
            found += data
        return found[offset : offset + size]

    def unpack(self, packed: bytes, most: int) -> bytes:
        """At most so many bytes. Raises `Unreadable`."""
        from backports import zstd  # noqa: PLC0415  only in the cage

        try:
            match self.packing:
                case 1:
                    return zlib.decompressobj().decompress(packed, most)
                case 2:
                    return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_MOST_MEMORY).decompress(packed, most)
                case 4:
                    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_MEMORY).decompress(packed, most)
                case 5:
                    return _lz4(packed, most)
                case 6:
                    return zstd.ZstdDecompressor().decompress(packed, most)
        except (zlib.error, lzma.LZMAError, zstd.ZstdError, EOFError, ValueError) as error:
            raise Unreadable(f"a block of it is damaged: {error}") from error
        raise Unreadable("it is packed in a way that is not known here")


def files(volume: Volume) -> Iterator[Found] | None:
    """All files; None where this is no squashfs."""
    head = volume.read(0, 96)
    (block,), (packing,) = numbers("<I", head, 12), numbers("<H", head, 20)
    if head[:4] != b"hsqs" or not 4096 <= block <= _MOST_BLOCK:
        return None
    (root,) = numbers("<Q", head, 32)
    inodes, folders, fragments = numbers("<QQQ", head, 64)
    return _folder(_Squash(volume, block, packing, inodes, folders, fragments), root, "", 0)


def _folder(fs: _Squash, reference: int, path: str, depth: int) -> Iterator[Found]:
    if not fs.walk.enter(reference, depth):
        return
    try:
        listing = _listing(fs, reference)
    except Unreadable as error:
        yield Found(f"{path}(folder)", 0, partial(_raise, str(error)))
        return
    at = 0
    while at + 12 <= len(listing):
        count, start = numbers("<II", listing, at)
        at += 12
        for _ in range(min(count + 1, 256)):
            offset, _, kind, length = numbers("<HhHH", listing, at)
            name = listing[at + 8 : at + 9 + length].decode("utf-8", "replace")
            at += 9 + length
            if not fs.walk.step() or at > len(listing):
                return
            if kind in _FOLDERS:
                yield from _folder(fs, start << 16 | offset, f"{path}{name}/", depth + 1)
            elif kind in _FILES:
                yield _file(fs, start << 16 | offset, path + name)


def _raise(why: str) -> bytes:
    raise Unreadable(why)


def _inode(fs: _Squash, reference: int, size: int) -> bytes:
    return fs.metadata(fs.inodes + (reference >> 16), reference & 0xFFFF, size)


def _listing(fs: _Squash, reference: int) -> bytes:
    inode = _inode(fs, reference, 40)
    (kind,) = numbers("<H", inode)
    if kind == 8:
        size, block = numbers("<II", inode, 20)
        (offset,) = numbers("<H", inode, 34)
    else:
        (block,), (size, offset) = numbers("<I", inode, 16), numbers("<HH", inode, 24)
    return fs.metadata(fs.folders + block, offset, min(max(0, size - 3), _MOST_FOLDER))


def _file(fs: _Squash, reference: int, name: str) -> Found:
    try:
        inode = _inode(fs, reference, 56)
    except Unreadable as error:
        return Found(name, 0, partial(_raise, str(error)))
    if numbers("<H", inode)[0] == 9:
        start, size = numbers("<QQ", inode, 16)
        fragment, offset = numbers("<II", inode, 44)
        table = 56
    else:
        start, fragment, offset, size = numbers("<IIII", inode, 16)
        table = 32
    whole = size // fs.block if fragment != _NO_FRAGMENT else -(-size // fs.block)

    def read() -> bytes:
        sizes = _inode(fs, reference, table + 4 * whole)[table:]
        pieces, at = [], start
        for number in range(whole):
            (word,) = numbers("<I", sizes, 4 * number)
            length = min(fs.block, size - number * fs.block)
            pieces.append(_block(fs, at, word, length))
            at += word & 0xFFFFFF
        if fragment != _NO_FRAGMENT:
            (where,) = numbers("<Q", fs.volume.read(fs.fragments + 8 * (fragment // 512), 8))
            begin, word = numbers("<QI", fs.metadata(where, fragment % 512 * 16, 16))
            pieces.append(_block(fs, begin, word, fs.block)[offset : offset + size % fs.block])
        return b"".join(pieces)

    return Found(name, size, read)


def _block(fs: _Squash, at: int, word: int, size: int) -> bytes:
    if not word & 0xFFFFFF:
        return bytes(size)
    data = fs.volume.read(at, word & 0xFFFFFF)
    return data[:size] if word & 1 << 24 else fs.unpack(data, size)


def _lz4(packed: bytes, most: int) -> bytes:
    """One block of LZ4 ("LZ4 Block Format Description")."""
    out, at = bytearray(), 0

    def more(count: int) -> int:
        nonlocal at
        while count >= 15:
            at += 1
            count += packed[at - 1]
            if packed[at - 1] != 255:
                break
        return count

    try:
        while at < len(packed) and len(out) < most:
            token = packed[at]
            at += 1
            literals = more(token >> 4)
            out += packed[at : at + literals]
            at += literals
            if at >= len(packed):
                break
            back = packed[at] | packed[at + 1] << 8
            at += 2
            length = more(token & 15) + 4
            if not 0 < back <= len(out):
                raise ValueError("it points before its own begin")
            for place in range(len(out) - back, len(out) - back + min(length, most - len(out))):
                out.append(out[place])
    except IndexError as error:
        raise ValueError("it ends too early") from error
    return bytes(out[:most])
