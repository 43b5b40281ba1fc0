"""Small disks and discs, just whole enough for what reads them."""

from __future__ import annotations

import bz2
import lzma
import plistlib
import struct
import uuid
import zlib
from collections.abc import Callable, Collection, Mapping

Files = Mapping[str, bytes]


def fat12(files: Files, hidden: Collection[str] = ()) -> bytes:
    """A floppy-sized FAT12 file system with long names in its root folder; a cluster is a sector."""
    boot = bytearray(512)
    boot[:3], boot[3:11], boot[510:] = b"\xeb\x3c\x90", b"MSDOS5.0", b"\x55\xaa"
    struct.pack_into("<HBHBHHBH", boot, 11, 512, 1, 1, 1, 64, 2880, 0xF8, 9)
    chain, listing, content = {0: 0xFF8, 1: 0xFFF}, b"", b""
    for number, (name, data) in enumerate(files.items()):
        first = 2 + len(content) // 512
        sectors = -(-len(data) // 512)
        for at in range(first, first + sectors):
            chain[at] = at + 1 if at + 1 < first + sectors else 0xFFF
        content += data + bytes(-len(data) % 512)
        short = b"FILE%04d" % number + b"BIN"
        listing += _long_name(name) + short + bytes([2 if name in hidden else 0]) + bytes(14)
        listing += struct.pack("<HI", first if data else 0, len(data))
    table = bytearray(9 * 512)
    for at, following in chain.items():
        pair, shift = at * 3 // 2, 4 * (at & 1)
        value = struct.unpack_from("<H", table, pair)[0] | following << shift
        struct.pack_into("<H", table, pair, value & 0xFFFF)
    return (bytes(boot) + bytes(table) + listing.ljust(64 * 32, b"\0") + content).ljust(2880 * 512, b"\0")


def exfat(files: Files, hidden: Collection[str] = ()) -> bytes:
    """An exFAT file system with one folder `sub` below the root. Every second file has a chain of clusters."""
    boot = bytearray(512)
    boot[:3], boot[3:11], boot[510:] = b"\xeb\x76\x90", b"EXFAT   ", b"\x55\xaa"
    heap, root, sub, first = 65, 2, 3, 20
    chains = {root: 0xFFFFFFFF, **{at: at + 1 for at in range(sub, first - 1)}, first - 1: 0xFFFFFFFF}
    content, listing = b"", b""
    for number, (name, data) in enumerate(files.items()):
        start = first + len(content) // 512
        sectors = -(-len(data) // 512)
        chained = number % 2 == 1
        if chained:
            chains |= {at: at + 1 for at in range(start, start + sectors)}
        listing += _exfat_entry(
            name, 2 if name in hidden else 0x20, start if data else 0, len(data), chained=bool(chained)
        )
        content += data + bytes(-len(data) % 512)
    clusters = first + len(content) // 512
    struct.pack_into("<QIIIII", boot, 72, heap + clusters, 1, 64, heap, clusters, root)
    boot[108:112] = bytes([9, 0, 1, 0x80])
    table = b"".join(struct.pack("<I", chains.get(at, 0)) for at in range(clusters + 2)).ljust(64 * 512, b"\0")
    folder = _exfat_entry("sub", 0x10, sub, (first - sub) * 512, chained=True).ljust(512, b"\0")
    return bytes(boot) + table + folder + listing.ljust((first - sub) * 512, b"\0") + content


def _exfat_entry(name: str, attributes: int, first: int, size: int, *, chained: bool) -> bytes:
    raw = name.encode("utf-16-le")
    names = b"".join(b"\xc1\0" + raw[at : at + 30].ljust(30, b"\0") for at in range(0, len(raw), 30))
    entry = struct.pack("<BBHH", 0x85, 1 + len(names) // 32, 0, attributes).ljust(32, b"\0")
    stream = struct.pack("<BBBBIQIIQ", 0xC0, 1 if chained else 3, 0, len(name), 0, size, 0, first, size)
    return entry + stream + names


def _long_name(name: str) -> bytes:
    raw = name.encode("utf-16-le") + b"\0\0"
    raw += b"\xff" * (-len(raw) % 26)
    parts = [raw[at : at + 26] for at in range(0, len(raw), 26)]
    entries = []
    for number, part in enumerate(parts, 1):
        order = number | (0x40 if number == len(parts) else 0)
        entries.append(bytes([order]) + part[:10] + b"\x0f\0\0" + part[10:22] + b"\0\0" + part[22:])
    return b"".join(reversed(entries))


def mbr(*partitions: bytes) -> bytes:
    """A disk divided into these."""
    table, body, at = b"", b"", 1
    for one in partitions:
        table += bytes(4) + b"\x07" + bytes(3) + struct.pack("<II", at, len(one) // 512)
        body += one
        at += len(one) // 512
    return bytes(446) + table.ljust(64, b"\0") + b"\x55\xaa" + body


def iso(files: Files, hidden: Collection[str] = (), *, joliet: bool = True) -> bytes:
    """A disc with one folder `sub` below the root that has all files."""
    root, sub, start = 20, 21, 22
    places, content = {}, b""
    for name, data in files.items():
        places[name] = start + len(content) // 2048
        content += data + bytes(-len(data) % 2048)
    encoding = "utf-16-be" if joliet else "latin-1"
    listing = _record(b"\0", sub, 2048, 2) + _record(b"\1", root, 2048, 2)
    for name, data in files.items():
        flags = 1 if name in hidden else 0
        listing += _record(f"{name};1".encode(encoding), places[name], len(data), flags)
    above = (
        _record(b"\0", root, 2048, 2) + _record(b"\1", root, 2048, 2) + _record("sub".encode(encoding), sub, 2048, 2)
    )
    descriptors = [_volume(1, root)]
    if joliet:
        descriptors.append(_volume(2, root, b"%/E"))
    descriptors.append(b"\xffCD001\1".ljust(2048, b"\0"))
    head = (bytes(16 * 2048) + b"".join(descriptors)).ljust(root * 2048, b"\0")
    return head + above.ljust(2048, b"\0") + listing.ljust(2048, b"\0") + content


def _volume(kind: int, root: int, escape: bytes = b"") -> bytes:
    data = bytearray(2048)
    data[:7] = bytes([kind]) + b"CD001\1"
    data[88 : 88 + len(escape)] = escape
    record = _record(b"\0", root, 2048, 2)
    data[156 : 156 + len(record)] = record
    return bytes(data)


def _record(name: bytes, place: int, size: int, flags: int) -> bytes:
    body = struct.pack("<I", place) + struct.pack(">I", place) + struct.pack("<I", size) + struct.pack(">I", size)
    body += bytes(7) + bytes([flags, 0, 0]) + struct.pack("<H", 1) + struct.pack(">H", 1) + bytes([len(name)]) + name
    body += bytes(1 - len(name) % 2)
    return bytes([len(body) + 2, 0]) + body


def udf(files: Files) -> bytes:
    """A UDF disc with all files in its root folder, each in one piece."""
    block, start = 2048, 300
    marks = (b"BEA01", b"NSR02", b"TEA01")
    blocks = {number: b"\0" + mark + b"\1" for number, mark in enumerate(marks, 16)}
    blocks |= {256: _tagged(2, struct.pack("<II", 16 * block, 32), 512)}
    partition = bytearray(512)
    struct.pack_into("<I", partition, 188, start)
    blocks[32] = _tagged(5, bytes(partition[16:]), 512)
    logical = bytearray(512)
    struct.pack_into("<IIH", logical, 248, block, 0, 0)
    struct.pack_into("<I", logical, 268, 1)
    struct.pack_into("<BBHH", logical, 440, 1, 6, 1, 0)
    blocks[33] = _tagged(6, bytes(logical[16:]), 512)
    blocks[34] = _tagged(8, b"", 512)
    file_set = bytearray(512)
    struct.pack_into("<IIH", file_set, 400, block, 1, 0)
    blocks[start] = _tagged(256, bytes(file_set[16:]), 512)
    listing, at = b"", 10
    for name, data in files.items():
        blocks[start + at] = _file_entry(data, at + 1)
        for number in range(-(-len(data) // block)):
            blocks[start + at + 1 + number] = data[number * block : (number + 1) * block]
        raw = b"\x08" + name.encode("latin-1")
        one = (
            struct.pack("<HBB", 1, 0, len(raw))
            + struct.pack("<IIH", block, at, 0)
            + bytes(6)
            + struct.pack("<H", 0)
            + raw
        )
        one = _tagged(257, one, 16 + len(one))
        listing += one + bytes(-len(one) % 4)
        at += 2 + len(data) // block
    blocks[start + 1] = _file_entry(listing, 2)
    blocks[start + 2] = listing
    size = max(blocks) + 2
    return b"".join(blocks.get(number, b"").ljust(block, b"\0") for number in range(size))


def _file_entry(data: bytes, place: int) -> bytes:
    body = bytearray(168 + 8 + 8 - 16)
    struct.pack_into("<Q", body, 56 - 16, len(data))
    struct.pack_into("<I", body, 172 - 16, 8)
    struct.pack_into("<II", body, 176 - 16, len(data), place)
    return _tagged(261, bytes(body), 512)


def _tagged(kind: int, body: bytes, size: int) -> bytes:
    head = struct.pack("<HHBBHHHI", kind, 2, 0, 0, 0, 0, 0, 0)
    head = head[:4] + bytes([sum(head[:4] + head[5:]) & 0xFF]) + head[5:]
    return (head + body).ljust(size, b"\0")


def ntfs(files: Files, streams: Mapping[str, bytes] | None = None) -> bytes:
    """An NTFS with all files in its root folder: small contents in their records, larger ones (over 300 bytes) in
    clusters. `streams`: `name:stream` and its content."""
    cluster, table = 4096, 4
    boot = bytearray(512)
    boot[:11], boot[510:] = b"\xeb\x52\x90NTFS    ", b"\x55\xaa"
    struct.pack_into("<HB", boot, 11, 512, 8)
    struct.pack_into("<QQ", boot, 40, 8000, table)
    struct.pack_into("<b", boot, 64, -10)
    count = 16 + len(files)
    free = table + -(-count * 1024 // cluster)
    clusters: dict[int, bytes] = {}
    records = [_record_of(_outside(count * 1024, table, -(-count * 1024 // cluster)))]
    records += [bytes(1024)] * 15
    for name, data in files.items():
        raw = name.encode("utf-16-le")
        named = struct.pack("<Q", 5) + bytes(48) + struct.pack("<IIBB", 0, 0, len(name), 1) + raw
        if len(data) > 300:
            body = _outside(len(data), free, -(-len(data) // cluster))
            clusters[free] = data
            free += -(-len(data) // cluster)
        else:
            body = _inside(0x80, data)
        for stream, content in (streams or {}).items():
            if stream.startswith(f"{name}:"):
                body += _inside(0x80, content, stream.partition(":")[2])
        records.append(_record_of(_inside(0x30, named) + body))
    clusters[table] = b"".join(records)
    image = bytearray(free * cluster + cluster)
    image[:512] = boot
    for at, data in clusters.items():
        image[at * cluster : at * cluster + len(data)] = data
    return bytes(image)


def _record_of(attributes: bytes) -> bytes:
    data = bytearray(1024)
    data[:4] = b"FILE"
    struct.pack_into("<HH", data, 4, 48, 3)
    struct.pack_into("<HH", data, 20, 56, 1)
    body = attributes + struct.pack("<I", 0xFFFFFFFF)
    data[56 : 56 + len(body)] = body
    data[48:50] = b"\1\0"
    data[50:52], data[52:54] = data[510:512], data[1022:1024]
    data[510:512] = data[1022:1024] = b"\1\0"
    return bytes(data)


def _inside(kind: int, content: bytes, name: str = "") -> bytes:
    raw = name.encode("utf-16-le")
    start = 24 + len(raw) + (-len(raw)) % 8
    size = start + len(content) + (-(start + len(content))) % 8
    head = struct.pack("<IIBBHHHIHH", kind, size, 0, len(name), 24, 0, 0, len(content), start, 0)
    return (head + raw).ljust(start, b"\0") + content + bytes(size - start - len(content))


def _outside(size: int, place: int, count: int) -> bytes:
    runs = b"\x22" + struct.pack("<H", count) + struct.pack("<h", place) + b"\0"
    head = struct.pack("<IIBBHHHQQHHIQQQ", 0x80, 72, 1, 0, 64, 0, 0, 0, count - 1, 64, 0, 0, count * 4096, size, size)
    return (head + runs).ljust(72, b"\0")


def vhd(disk: bytes) -> bytes:
    """A disk in a growing VHD of blocks of 64 KiB; those of zeros are left out."""
    block = 64 << 10
    count = -(-len(disk) // block)
    footer = bytearray(512)
    footer[:8] = b"conectix"
    struct.pack_into(">Q", footer, 16, 512)
    struct.pack_into(">Q", footer, 48, len(disk))
    struct.pack_into(">I", footer, 60, 3)
    header = bytearray(1024)
    header[:8] = b"cxsparse"
    struct.pack_into(">Q", header, 16, 1536)
    struct.pack_into(">II", header, 28, count, block)
    table, body = b"", b""
    start = 1536 + (count * 4 + 511) // 512 * 512
    for number in range(count):
        piece = disk[number * block : (number + 1) * block].ljust(block, b"\0")
        if any(piece):
            table += struct.pack(">I", (start + len(body)) // 512)
            body += b"\xff" * 512 + piece
        else:
            table += b"\xff" * 4
    return bytes(footer) + bytes(header) + table.ljust(start - 1536, b"\xff") + body + bytes(footer)


def vhdx(disk: bytes) -> bytes:
    """A disk in a VHDX of blocks of 1 MiB."""
    block = 1 << 20
    count = -(-len(disk) // block)
    bat, metadata, start = 1 << 20, 2 << 20, 3 << 20
    image = bytearray(start + count * block)
    image[:8] = b"vhdxfile"
    _table(image, 192 << 10, b"regi", {
        "2dc27766-f623-4200-9d64-115e9bfd4a08": struct.pack("<QII", bat, 1 << 20, 1),
        "8b7ca206-4790-4b9a-b8fe-575f050f886e": struct.pack("<QII", metadata, 1 << 20, 1),
    })  # fmt: skip
    _table(image, metadata, b"metadata", {
        "caa16737-fa36-4d43-b3b6-33f0aa44e76b": struct.pack("<IIII", 1 << 16, 8, 0, 0),
        "2fa54224-cd1b-4876-b211-5dbed83bf4b8": struct.pack("<IIII", (1 << 16) + 8, 8, 0, 0),
        "8141bf1d-a96f-4709-ba47-f233a8faab5f": struct.pack("<IIII", (1 << 16) + 16, 4, 0, 0),
    })  # fmt: skip
    struct.pack_into("<IIQI", image, metadata + (1 << 16), block, 0, len(disk), 512)
    for number in range(count):
        struct.pack_into("<Q", image, bat + 8 * number, start + number * block | 6)
    image[start : start + len(disk)] = disk
    return bytes(image)


def _table(image: bytearray, at: int, mark: bytes, entries: Mapping[str, bytes]) -> None:
    count_at, first = (8, 16) if mark == b"regi" else (10, 32)
    image[at : at + len(mark)] = mark
    struct.pack_into("<H", image, at + count_at, len(entries))
    for number, (guid, rest) in enumerate(entries.items()):
        place = at + first + 32 * number
        image[place : place + 32] = uuid.UUID(guid).bytes_le + rest


def vmdk(disk: bytes) -> bytes:
    """A disk in a sparse VMDK with grains of 64 KiB."""
    grain = 128
    count = -(-len(disk) // (grain * 512))
    header = struct.pack("<4sIIQQQQI", b"KDMV", 1, 3, len(disk) // 512, grain, 0, 0, 512) + struct.pack("<QQ", 0, 1)
    start = 16
    table = b"".join(struct.pack("<I", start + number * grain) for number in range(count))
    image = header.ljust(512, b"\0") + struct.pack("<I", 2).ljust(512, b"\0") + table
    return image.ljust(start * 512, b"\0") + disk + bytes(-len(disk) % (grain * 512))


def qcow2(disk: bytes) -> bytes:
    """A disk in a QCOW2 with clusters of 64 KiB."""
    cluster = 1 << 16
    count = -(-len(disk) // cluster)
    header = b"QFI\xfb" + struct.pack(">IQIIQIIQ", 2, 0, 0, 16, len(disk), 0, 1, cluster)
    entries = b"".join(struct.pack(">Q", (3 + number) * cluster) for number in range(count))
    parts = (header, struct.pack(">Q", 2 * cluster), entries)
    return b"".join(part.ljust(cluster, b"\0") for part in parts) + disk + bytes(-len(disk) % cluster)


def hfs(files: Files, hidden: Collection[str] = (), links: Mapping[str, str] | None = None) -> bytes:
    """An HFS+ file system with one folder `sub` below the root that has all files; a block is 4,096 bytes.

    A name that ends in `:rsrc` is the resource fork of the file before it.
    """
    block, first = 4096, 40
    content = b""
    leaves: list[bytes] = [_hfs_entry(2, "sub", struct.pack(">HHII", 1, 0, 1, 16) + bytes(76))]
    forks: dict[str, bytes] = {}
    everything = {**files, **{name: target.encode() for name, target in (links or {}).items()}}
    for name, data in everything.items():
        blocks = -(-len(data) // block)
        forks[name] = struct.pack(">QII", len(data), 0, blocks)
        # in two pieces, where it has two blocks
        extents = [(first + len(content) // block, min(1, blocks)), (first + len(content) // block + 1, blocks - 1)]
        used = [struct.pack(">II", *one) for one in extents if one[1] > 0]
        forks[name] += b"".join(used).ljust(64, b"\0")
        content += data + bytes(-len(data) % block)
    for number, name in enumerate(one for one in everything if not one.endswith(":rsrc")):
        mode = 0xA1FF if links and name in links else 0x81A4
        record = struct.pack(">HHII", 2, 0, 0, 20 + number).ljust(40, b"\0") + struct.pack(">BBH", 0, 0, mode)
        record = record.ljust(56, b"\0") + struct.pack(">H", 0x4000 if name in hidden else 0)
        record = record.ljust(88, b"\0") + forks[name] + forks.get(f"{name}:rsrc", bytes(80))
        leaves.append(_hfs_entry(16, name, record))
    catalog = _hfs_tree(leaves, block)
    head = b"H+\0\4".ljust(40, b"\0") + struct.pack(">II", block, first + len(content) // block)
    head = head.ljust(272, b"\0") + struct.pack(
        ">QIIII", len(catalog), 0, len(catalog) // block, 1, len(catalog) // block
    )
    return (bytes(1024) + head).ljust(block, b"\0") + catalog.ljust((first - 1) * block, b"\0") + content


def _hfs_entry(parent: int, name: str, record: bytes) -> bytes:
    key = struct.pack(">IH", parent, len(name)) + name.encode("utf-16-be")
    return struct.pack(">H", len(key)) + key + record


def _hfs_tree(leaves: list[bytes], size: int) -> bytes:
    """A tree with up to ten records in a leaf, the leaves behind each other."""
    groups = [leaves[at : at + 10] for at in range(0, len(leaves), 10)]
    head = bytes(14) + struct.pack(">HIIIIH", 1, 1, len(leaves), 1, len(groups), size)
    nodes = [head.ljust(size, b"\0")]
    for number, group in enumerate(groups, 1):
        body = struct.pack(">IIBBHH", number + 1 if number < len(groups) else 0, 0, 0xFF, 1, len(group), 0)
        places = []
        for one in group:
            places.append(len(body))
            body += one
        nodes.append(body.ljust(size - 2 * len(group), b"\0") + b"".join(struct.pack(">H", at) for at in places[::-1]))
    return b"".join(nodes)


def apple_map(*partitions: bytes) -> bytes:
    """A disk divided into these by Apple's map."""
    at, entries, body = 1 + len(partitions), b"", b""
    for one in partitions:
        entry = struct.pack(">2sHIII", b"PM", 0, len(partitions), at, len(one) // 512)
        entries += (entry.ljust(48, b"\0") + b"Apple_HFS").ljust(512, b"\0")
        body += one
        at += len(one) // 512
    return b"ER".ljust(512, b"\0") + entries + body


def adc(data: bytes) -> bytes:
    """Packed by ADC with its literals alone."""
    return b"".join(
        bytes([0x7F + len(part)]) + part for part in (data[at : at + 128] for at in range(0, len(data), 128))
    )


DMG_PACKINGS: Mapping[str, tuple[int, Callable[[bytes], bytes]]] = {
    "raw": (1, bytes),
    "adc": (0x80000004, adc),
    "zlib": (0x80000005, zlib.compress),
    "bzip2": (0x80000006, bz2.compress),
    "lzma": (0x80000008, lzma.compress),
}


def dmg(disk: bytes, packing: str = "zlib", *, segments: int = 1) -> bytes:
    """Apple's disk image of it, in pieces of 64 KiB; pieces of zeros are left out."""
    kind, pack = DMG_PACKINGS[packing]
    disk += bytes(-len(disk) % 512)
    body, entries = b"", []
    for at in range(0, len(disk), 1 << 16):
        piece = disk[at : at + (1 << 16)]
        packed = pack(piece) if any(piece) else b""
        place = struct.pack(">QQQQ", at // 512, len(piece) // 512, len(body), len(packed))
        entries.append(struct.pack(">II", kind if packed else 2, 0) + place)
        body += packed
    entries.append(struct.pack(">II", 0xFFFFFFFF, 0) + struct.pack(">QQQQ", len(disk) // 512, 0, len(body), 0))
    table = struct.pack(">4sIQQQ", b"mish", 1, 0, len(disk) // 512, 0).ljust(200, b"\0")
    table += struct.pack(">I", len(entries)) + b"".join(entries)
    listing = plistlib.dumps({"resource-fork": {"blkx": [{"Name": "whole disk", "Data": table}]}})
    trailer = struct.pack(">4sIIIQQQQQII", b"koly", 4, 512, 1, 0, 0, len(body), 0, 0, 1, segments)
    trailer = trailer.ljust(216, b"\0") + struct.pack(">QQ", len(body), len(listing))
    return body + listing + trailer.ljust(492, b"\0") + struct.pack(">Q", len(disk) // 512).ljust(20, b"\0")
