"""Small archives and packages, made byte by byte where no library makes them or none makes them wrong enough."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping

Files = Mapping[str, bytes]


def zipped(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive as it should be."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def aes_zipped(files: Files, password: str) -> bytes:
    """A ZIP archive locked with AES as WinZip does it."""
    import pyzipper  # type: ignore[import-untyped]  # noqa: PLC0415  only where it is needed

    buffer = io.BytesIO()
    with pyzipper.AESZipFile(buffer, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(password.encode())
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def old_locked_zip(name: str, data: bytes, password: str) -> bytes:
    """A ZIP archive of one file, locked with the first cipher (APPNOTE 6.1), not packed."""
    crc = zlib.crc32(data)
    packed = _old_cipher(bytes(11) + bytes([crc >> 24]) + data, password.encode())
    return zip_of([(name, name, packed, crc, len(data), 1)])


def _old_cipher(plain: bytes, password: bytes) -> bytes:
    keys = [0x12345678, 0x23456789, 0x34567890]

    def crc(key: int, byte: int) -> int:
        return zlib.crc32(bytes([byte]), key ^ 0xFFFFFFFF) ^ 0xFFFFFFFF

    def update(byte: int) -> None:
        keys[0] = crc(keys[0], byte)
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = crc(keys[2], keys[1] >> 24)

    for byte in password:
        update(byte)
    found = bytearray()
    for byte in plain:
        k = keys[2] | 2
        found.append(byte ^ (((k * (k ^ 1)) >> 8) & 0xFF))
        update(byte)
    return bytes(found)


def zip_of(
    members: list[tuple[str, str, bytes, int, int, int]], *, listed: int | None = None, shared: bool = False
) -> bytes:
    """A ZIP archive of stored members: name in the list, name before the content, content, check sum, size, flags.

    Only the first `listed` are in the list of contents; with `shared` all entries point at the first member's bytes.
    """
    body, central, places = b"", b"", []
    for name, inner, data, crc, size, flags in members:
        places.append(0 if shared else len(body))
        if not shared or not body:
            head = struct.pack("<HHHIIIIHH", 20, flags, 0, 0, crc, len(data), size, len(inner), 0)
            body += b"PK\3\4" + head + inner.encode() + data
        numbers = (20, 20, flags, 0, 0, crc, len(data), size, len(name), 0, 0, 0, 0, 0, places[-1])
        entry = struct.pack("<HHHHIIIIHHHHHII", *numbers)
        if listed is None or len(places) <= listed:
            central += b"PK\1\2" + entry + name.encode()
    count = len(places) if listed is None else listed
    return body + central + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, count, count, len(central), len(body), 0)


def plain_zip(files: Files, *, listed: int | None = None) -> bytes:
    """Stored members, of which only the first are in the list of contents."""
    return zip_of([(name, name, data, zlib.crc32(data), len(data), 0) for name, data in files.items()], listed=listed)


def tarred(files: Files, links: Mapping[str, str] | None = None) -> bytes:
    """A tar archive: links first."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def cabinet(files: Files) -> bytes:
    """A cabinet of one folder that is not packed ([MS-CAB])."""
    entries, content = b"", b"".join(files.values())
    for name, data in files.items():
        at = len(b"".join(list(files.values())[: list(files).index(name)]))
        entries += struct.pack("<IIHHHH", len(data), at, 0, 0x21, 0, 0x20) + name.encode() + b"\0"
    first = 36 + 8
    start = first + len(entries)
    block = struct.pack("<IHH", 0, len(content), len(content)) + content
    header = struct.pack("<4sIIIIIBBHHHHH", b"MSCF", 0, start + len(block), 0, first, 0, 3, 1, 1, len(files), 0, 1, 0)
    return header + struct.pack("<IHH", start, 1, 0) + entries + block


def cpio(files: Files) -> bytes:
    """A cpio archive of the new portable format."""
    found = b""
    for name, data in {**files, "TRAILER!!!": b""}.items():
        raw = name.encode() + b"\0"
        numbers = (1, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0)
        entry = b"070701" + b"".join(b"%08X" % number for number in numbers) + raw
        found += entry + bytes(-len(entry) % 4) + data + bytes(-len(data) % 4)
    return found


def lha(name: str, data: bytes) -> bytes:
    """An LHA archive (header level 0) of one file that is not packed."""
    rest = b"-lh0-" + struct.pack("<IIIBBB", len(data), len(data), 0, 0x20, 0, len(name)) + name.encode()
    rest += struct.pack("<H", _crc16(data))
    return bytes([len(rest), sum(rest) & 0xFF]) + rest + data + b"\0"


def arj(name: str, data: bytes) -> bytes:
    """An ARJ archive of one file that is not packed."""
    first = bytes([30, 11, 1, 2, 0, 0, 2, 0]) + bytes(22) + b"a.arj\0\0"
    numbers = struct.pack("<III", len(data), len(data), zlib.crc32(data))
    entry = bytes([30, 11, 1, 2, 0, 0, 0, 0]) + bytes(4) + numbers + bytes(6) + name.encode() + b"\0\0"
    return _arj_header(first) + _arj_header(entry) + data + b"\x60\xea\0\0"


def _arj_header(body: bytes) -> bytes:
    return b"\x60\xea" + struct.pack("<H", len(body)) + body + struct.pack("<I", zlib.crc32(body)) + bytes(2)


def ace(name: str, data: bytes) -> bytes:
    """An ACE archive of one file that is not packed."""
    first = struct.pack("<BH", 0, 0x9000) + b"**ACE**" + bytes([20, 20, 2, 0]) + bytes(12) + b"\0"
    crc = zlib.crc32(data) ^ 0xFFFFFFFF
    entry = (
        struct.pack("<BHIIIIIBBHHH", 1, 1, len(data), len(data), 0, 0x20, crc, 0, 3, 0, 0, len(name)) + name.encode()
    )
    return _ace_header(first) + _ace_header(entry) + data


def _ace_header(body: bytes) -> bytes:
    return struct.pack("<HH", (zlib.crc32(body) ^ 0xFFFFFFFF) & 0xFFFF, len(body)) + body


def _crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def ar(files: Files) -> bytes:
    """An ar archive with short names."""
    found = b"!<arch>\n"
    for name, data in files.items():
        found += (
            f"{name + '/':16}{0:<12}{0:<6}{0:<6}{'100644':8}{len(data):<10}`\n".encode() + data + bytes(len(data) % 2)
        )
    return found


def deb(files: Files, script: bytes) -> bytes:
    """A Debian package with a script that runs after installation."""
    control = gzip.compress(tarred({"./control": b"Package: x\n", "./postinst": script}))
    return ar({"debian-binary": b"2.0\n", "control.tar.gz": control, "data.tar.gz": gzip.compress(tarred(files))})


def rpm(files: Files, script: bytes = b"") -> bytes:
    """An RPM package: lead, empty signature, header with a name and a script, packed cpio archive."""
    lead = b"\xed\xab\xee\xdb\3\0" + bytes(90)
    tags = {1000: b"sample\0", **({1024: script + b"\0"} if script else {})}
    index, store = b"", b""
    for tag, value in tags.items():
        index += struct.pack(">IIII", tag, 6, len(store), 1)
        store += value
    signature = b"\x8e\xad\xe8\1" + bytes(4) + struct.pack(">II", 0, 0)
    header = b"\x8e\xad\xe8\1" + bytes(4) + struct.pack(">II", len(tags), len(store)) + index + store
    return lead + signature + header + gzip.compress(cpio(files))


def compress_z(data: bytes) -> bytes:
    """What `compress` makes of up to 250 bytes: each is its own code of nine bits."""
    assert len(data) <= 250
    bits, count = 0, 0
    for byte in data:
        bits |= byte << count
        count += 9
    return b"\x1f\x9d\x90" + bits.to_bytes(-(-count // 8), "little")


def lz4_stored(data: bytes) -> bytes:
    """An LZ4 frame of one block that is not packed."""
    return b"\x04\x22\x4d\x18\x60\x70\x73" + struct.pack("<I", len(data) | 1 << 31) + data + bytes(4)
