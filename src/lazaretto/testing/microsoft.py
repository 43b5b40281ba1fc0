"""Compiled help and Windows images, made of a few files, for tests of their unpackers."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping

Files = Mapping[str, bytes]
_FRAME = 32_768
_STORAGE = "::DataSpace/Storage/MSCompressed/"
_TABLE = f"{_STORAGE}Transform/{{7FC28940-9D31-11D0-9B27-00A0C91E9C7C}}/InstanceData/ResetTable"


def lzx_raw(data: bytes) -> bytes:
    """LZX of one frame, not packed: no change of calls, a block of kind 3 that takes the frame to its end."""
    padded = data.ljust(_FRAME, b"\0")
    bits = 3 << 28 | len(padded) << 4  # 1 bit, 3 bits, 24 bits, and 4 to the end of the word
    return struct.pack("<HH", bits >> 16, bits & 0xFFFF) + struct.pack("<III", 1, 1, 1) + padded


def chm(files: Files, *, plain: Files | None = None) -> bytes:
    """Compiled help with these in its packed section, each frame packed by itself, and `plain` in the other one."""
    content = b"".join(files.values())
    frames = [lzx_raw(content[at : at + _FRAME]) for at in range(0, len(content), _FRAME)]
    return chm_of(frames, len(content), _placed(files), plain or {})


def _placed(files: Files) -> dict[str, tuple[int, int]]:
    found, at = {}, 0
    for name, data in files.items():
        found[name] = (at, len(data))
        at += len(data)
    return found


def chm_of(
    frames: list[bytes], size: int, packed: Mapping[str, tuple[int, int]], plain: Files, window: int = 2
) -> bytes:
    """Compiled help of frames that are packed already, with a window of so many times 32 KiB.

    `packed`: place and size of each file in what they unpack to.
    """
    places = [sum(map(len, frames[:number])) for number in range(len(frames))]
    table = struct.pack("<IIIIQQQ", 2, len(frames), 8, 40, size, sum(map(len, frames)), _FRAME)
    own = {
        "::DataSpace/NameList": b"".join(
            [struct.pack("<HH", 0, 2), *(_section_name(name) for name in ("Uncompressed", "MSCompressed"))]
        ),
        f"{_STORAGE}ControlData": struct.pack("<I4sIIIII", 6, b"LZXC", 2, 1, window, 1, 0),
        _TABLE: table + struct.pack(f"<{len(places)}Q", *places),
        f"{_STORAGE}Content": b"".join(frames),
        **plain,
    }
    entries = [_entry(name, 1, at, length) for name, (at, length) in packed.items()]
    entries += [_entry(name, 0, at, length) for name, (at, length) in _placed(own).items()]
    listing = b"".join(entries)
    chunk = 20 + len(listing) + 4
    start = 0x60 + 24
    directory = b"ITSP" + struct.pack("<IIII", 1, 0x54, 10, chunk) + bytes(0x40)
    directory += b"PMGL" + struct.pack("<IIii", 4, 0, -1, -1) + listing + bytes(4)
    content = start + len(directory)
    head = b"ITSF" + struct.pack("<IIIII", 3, 0x60, 1, 0, 0x409) + bytes(32)
    head += struct.pack("<QQQQQ", 0x60, 24, start, len(directory), content)
    return head + bytes(24) + directory + b"".join(own.values())


def _section_name(name: str) -> bytes:
    return struct.pack("<H", len(name)) + name.encode("utf-16-le") + b"\0\0"


def _entry(name: str, section: int, at: int, size: int) -> bytes:
    raw = name.encode()
    return b"".join([_number(len(raw)), raw, *map(_number, (section, at, size))])


def _number(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


def wim(files: Files, *, hidden: tuple[str, ...] = (), flags: int = 0, part: int = 1) -> bytes:
    """A Windows image of one folder, not packed. `part`: the one in which the contents are said to be."""
    body = bytearray(208)
    table = b""
    for data in files.values():
        if data:
            table += _resource(0, len(body), len(data)) + struct.pack("<HI", part, 1) + hashlib.sha1(data).digest()  # noqa: S324  as the format has it
            body += data
    children = b"".join(_dentry(name, data, 2 if name in hidden else 0x20) for name, data in files.items()) + bytes(8)
    root = _dentry("", b"", 0x10, 8 + 104 + 8)
    metadata = struct.pack("<II", 8, 0) + root + bytes(8) + children
    table += _resource(2, len(body), len(metadata)) + struct.pack("<HI", 1, 1) + hashlib.sha1(metadata).digest()  # noqa: S324
    body += metadata
    head = b"MSWIM\0\0\0" + struct.pack("<IIII", 208, 0x10D00, flags, _FRAME) + bytes(16)
    head += struct.pack("<HHI", 1, max(1, part), 1) + _resource(0, len(body), len(table))
    body[: len(head)] = head
    return bytes(body) + table


def _resource(flags: int, at: int, size: int) -> bytes:
    return struct.pack("<QQQ", flags << 56 | size, at, size)


def _dentry(name: str, data: bytes, attributes: int, children: int = 0) -> bytes:
    raw = name.encode("utf-16-le")
    sha1 = hashlib.sha1(data).digest() if data else bytes(20)  # noqa: S324
    body = struct.pack("<IiQ", attributes, -1, children) + bytes(40) + sha1 + bytes(12)
    body += struct.pack("<HHH", 0, 0, len(raw)) + raw + b"\0\0"
    body += bytes(-(len(body) + 8) % 8)
    return struct.pack("<Q", len(body) + 8) + body
