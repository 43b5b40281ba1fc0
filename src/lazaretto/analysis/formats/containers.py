"""Archives and the formats that are one: ZIP (OOXML, ODF, JAR, APK), OLE compound files, ar, tar, disc images.

Formats: PKWARE APPNOTE; [MS-CFB]; POSIX ustar; ECMA-119. Nothing is unpacked except one small member of a ZIP, into at
most 256 KiB.
"""

from __future__ import annotations

import struct
import uuid
import zlib

from lazaretto.analysis.formats.disks import disk
from lazaretto.analysis.formats.packages import zipped_package
from lazaretto.analysis.formats.types import TYPES, FileType, of

_MAX_MEMBERS = 8192  # names read from a ZIP's directory
_MAX_INFLATED = 1 << 18
_MAX_DIRECTORY = 1024  # entries read from an OLE directory

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x1f\x9d", "compress"),
    (b"MSCF\0\0\0\0", "cab"),
    (b"\x60\xea", "arj"),
    (b"\xed\xab\xee\xdb", "rpm"),
    (b"\x89LZO\0\r\n\x1a\n", "lzop"),
    (b"LZIP", "lzip"),
    (b"xar!\0\x1c", "xar"),
    (b"MSWIM\0\0\0", "wim"),
    (b"WLPWM\0\0\0", "wim"),
    (b"7kSt", "zpaq"),
    (b"zPQ", "zpaq"),
    (b"StuffIt", "stuffit"),
    (b"SIT!", "stuffit"),
    (b"WARC/", "warc"),
    (b"(This file must be converted with BinHex", "binhex"),
    (b"\x78\x9f\x3e\x22", "tnef"),
    (b"!BDN", "pst"),
    (b"sqsh", "squashfs"),
    (b"070701", "cpio"),
    (b"070702", "cpio"),
    (b"070707", "cpio"),
    (b"hsqs", "squashfs"),
    (b"conectix", "vhd"),
    (b"vhdxfile", "vhd"),
    (b"KDMV", "vhd"),
    (b"QFI\xfb", "vhd"),
    (b"ITSF\x03\0\0\0", "chm"),
    (b"Cr24", "browser-extension"),
    *((b"\x5d" + (1 << power).to_bytes(4, "little") + b"\xff\xff", "lzma") for power in range(18, 28)),  # dictionaries
)


def container(data: bytes) -> FileType | None:
    """The type of an archive or a compound file, or None."""
    if data[:4] in {b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"}:
        return _zip(data)
    if data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return _ole(data)
    if data[:8] == b"!<arch>\n":
        return of("deb") if data[8:21] == b"debian-binary" else of("ar")
    for magic, name in _MAGIC:
        if data.startswith(magic):
            # the first piece of a disk image of Apple's, by itself, is such a file
            return of("dmg" if name in {"bzip2", "xz"} and _has_trailer(data) else name)
    return _by_offset(data) or disk(data)


def _has_trailer(data: bytes) -> bool:
    """Whether a disk image of Apple's ends here, with its property list where the trailer says."""
    if data[-512:-504] != b"koly\0\0\0\4":
        return False
    at = struct.unpack(">Q", data[-296:-288])[0]
    return data[at : at + 64].lstrip().startswith((b"<?xml", b"<plist", b"<!DOCTYPE plist"))


def _by_offset(data: bytes) -> FileType | None:  # noqa: PLR0911 (one return a format reads best)
    """Formats whose mark is not at the beginning."""
    if data[7:14] == b"**ACE**":
        return of("ace")
    if data[2:5] in {b"-lh", b"-lz"} and data[6:7] == b"-":
        return of("lha")
    if data[257:262] == b"ustar" or _old_tar(data):
        return of("tar")
    if any(data[sector * 2048 + 1 : sector * 2048 + 6] in {b"CD001", b"BEA01"} for sector in (16, 17, 18)):
        return of("iso")
    if data[-512:-504] == b"koly\0\0\0\4":
        return of("dmg")
    if data[:8] == b"encrcdsa" or data[-8:] == b"cdsaencr":
        return of("dmg", "encrypted")
    if data[-512:-504] == b"conectix":
        return of("vhd")
    return None


def _old_tar(data: bytes) -> bool:
    """A tar file from before `ustar`: the header's check sum is right."""
    header = data[:512]
    if len(header) < 512 or not header[0] or not header[148:154].strip(b" \0").isdigit():
        return False
    try:
        stored = int(header[148:156].strip(b" \0"), 8)
    except ValueError:
        return False
    return stored == sum(header[:148]) + 8 * 0x20 + sum(header[156:])


# --- ZIP ------------------------------------------------------------------------------------------------------------


def _zip(data: bytes) -> FileType:  # noqa: PLR0911 (one return a format reads best)
    members = _zip_members(data)
    names = {name for name, _ in members}
    traits = ["encrypted"] if any(flags & 1 for _, flags in members) else []
    if "[Content_Types].xml" in names:
        return _ooxml(data, names, traits)
    if members and members[0][0] == "mimetype":
        declared = _first_member(data)
        if declared.startswith(b"application/vnd.oasis.opendocument."):
            return _odf(declared[len(b"application/vnd.oasis.opendocument.") :], names, traits)
        if declared.startswith(b"application/epub"):
            return of("epub", *traits)
    if "AndroidManifest.xml" in names and ("classes.dex" in names or "resources.arsc" in names):
        return of("apk", *traits)
    if any(name.endswith(".dist-info/WHEEL") for name in names):
        return of("wheel", *traits)
    first = {name for name, _ in members[:2]}
    manifest = "META-INF/MANIFEST.MF" in names
    if manifest and ("META-INF/MANIFEST.MF" in first or any(name.endswith(".class") for name in names)):
        return of("jar", *traits)
    if any(name.startswith("Payload/") and name.endswith(".app/Info.plist") for name in names):
        return of("ipa", *traits)
    if (package := zipped_package(names)) in TYPES:
        return of(package, *traits)
    if "manifest.json" in names and "META-INF/mozilla.rsa" in names:
        return of("browser-extension", *traits)
    return of("zip", *traits)


def _ooxml(data: bytes, names: set[str], traits: list[str]) -> FileType:  # noqa: PLR0911 (one return a format)
    if "AppxManifest.xml" in names:
        return of("appx", *traits)
    macros = any(name.rpartition("/")[2] == "vbaProject.bin" for name in names)
    if macros:
        traits.append("macros")
    if any("/embeddings/" in name for name in names):
        traits.append("embedded")
    if any("/externalLinks/" in name for name in names):
        traits.append("links")
    if "xl/workbook.bin" in names:
        return of("xlsb", *traits)
    for folder, plain, macro in (
        ("word/", "docx", "docm"),
        ("xl/", "xlsx", "xlsm"),
        ("ppt/", "pptx", "pptm"),
    ):
        if any(name.startswith(folder) for name in names):
            # Excel 4 macro sheets need no VBA project.
            old_macros = any(name.startswith("xl/macrosheets/") for name in names)
            return of(macro if macros or old_macros or _macro_type(data) else plain, *traits)
    if "FixedDocSeq.fdseq" in names or "FixedDocumentSequence.fdseq" in names:
        return of("xps", *traits)
    if any("/" not in name and name.endswith(".nuspec") for name in names):
        return of("nuget", *traits)
    if any(name.startswith("visio/") for name in names):
        return of("visio", *traits)
    return of("ooxml-other", *traits)


def _macro_type(data: bytes) -> bool:
    """Whether [Content_Types].xml, where it is the first member, calls the main part macro-enabled."""
    return b"macroEnabled" in _first_member(data)


def _odf(kind: bytes, names: set[str], traits: list[str]) -> FileType:
    if any(name.startswith(("Basic/", "Scripts/")) and not name.endswith("/") for name in names):
        traits.append("macros")
    for prefix, name in ((b"text", "odt"), (b"spreadsheet", "ods"), (b"presentation", "odp")):
        if kind.startswith(prefix):
            return of(name, *traits)
    return of("odf-other", *traits)


def _zip_members(data: bytes) -> list[tuple[str, int]]:
    """Name and flags of the members, from the directory at the end, else from the headers before the members."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - 66_000))
    if end >= 0 and end + 22 <= len(data):
        size, offset = struct.unpack_from("<II", data, end + 12)
        # Where something stands before the archive (a stub), the offsets are wrong and the distance from the end right.
        for start in (end - size, offset):
            found = _zip_directory(data, start, end)
            if found:
                return found
    return _zip_local(data)


def _zip_directory(data: bytes, start: int, end: int) -> list[tuple[str, int]]:
    members: list[tuple[str, int]] = []
    at = start
    while at >= 0 and at + 46 <= end and data[at : at + 4] == b"PK\x01\x02" and len(members) < _MAX_MEMBERS:
        flags = struct.unpack_from("<H", data, at + 8)[0]
        name, extra, comment = struct.unpack_from("<HHH", data, at + 28)
        members.append((data[at + 46 : at + 46 + name].decode("utf-8", "replace"), flags))
        at += 46 + name + extra + comment
    return members


def _zip_local(data: bytes) -> list[tuple[str, int]]:
    """Members of a truncated archive, as far as their sizes are known."""
    members: list[tuple[str, int]] = []
    at = 0
    while at + 30 <= len(data) and data[at : at + 4] == b"PK\x03\x04" and len(members) < _MAX_MEMBERS:
        flags = struct.unpack_from("<H", data, at + 6)[0]
        size = struct.unpack_from("<I", data, at + 18)[0]
        name, extra = struct.unpack_from("<HH", data, at + 26)
        members.append((data[at + 30 : at + 30 + name].decode("utf-8", "replace"), flags))
        at += 30 + name + extra + size
    return members


def _first_member(data: bytes) -> bytes:
    """Content of the first member, at most 256 KiB."""
    if len(data) < 30 or data[:4] != b"PK\x03\x04":
        return b""
    method = struct.unpack_from("<H", data, 8)[0]
    size, _, name, extra = struct.unpack_from("<IIHH", data, 18)
    start = 30 + name + extra
    if method == 0:
        return data[start : start + min(size, _MAX_INFLATED)]
    try:
        return zlib.decompressobj(-15).decompress(data[start : start + _MAX_INFLATED], _MAX_INFLATED)
    except zlib.error:
        return b""


# --- OLE ------------------------------------------------------------------------------------------------------------

_CLSID_TYPES = {
    "000c1084-0000-0000-c000-000000000046": "msi",
    "000c1086-0000-0000-c000-000000000046": "msp",
    "000c1082-0000-0000-c000-000000000046": "msp",
}
_STREAM_TYPES = (
    ("EncryptedPackage", "ooxml-encrypted"),
    ("__properties_version1.0", "msg"),
    ("WordDocument", "doc"),
    ("Workbook", "xls"),
    ("Book", "xls"),
    ("PowerPoint Document", "ppt"),
    ("VisioDocument", "visio"),
    ("HwpSummaryInformation", "hwp"),
)
_MACRO_STORAGES = {"_VBA_PROJECT_CUR", "_VBA_PROJECT", "Macros", "VBA"}


def _ole(data: bytes) -> FileType:
    clsid, names = _ole_directory(data)
    if clsid in _CLSID_TYPES:
        return of(_CLSID_TYPES[clsid])
    traits = []
    if names & _MACRO_STORAGES:
        traits.append("macros")
    if "ObjectPool" in names or any(name.startswith("MBD") for name in names):
        traits.append("embedded")
    for stream, kind in _STREAM_TYPES:
        if stream in names:
            return of(kind, *traits)
    return of("ole-other", *traits)


def _ole_directory(data: bytes) -> tuple[str, set[str]]:
    """Class id of the root and the names of all entries, following the directory's sector chain."""
    if len(data) < 512:
        return "", set()
    shift = struct.unpack_from("<H", data, 30)[0]
    if shift not in {9, 12}:
        return "", set()
    size = 1 << shift
    fat_sectors = [sector for sector in struct.unpack_from("<109I", data, 76) if sector < 0xFFFFFFFA]
    sector = struct.unpack_from("<I", data, 48)[0]
    clsid, names = "", set()
    for turn in range(_MAX_DIRECTORY * 128 // size):
        start = (sector + 1) * size
        block = data[start : start + size]
        if sector >= 0xFFFFFFFA or not block:
            break
        for at in range(0, len(block) - 127, 128):
            length = struct.unpack_from("<H", block, at + 64)[0]
            name = block[at : at + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
            if name:
                names.add(name.lstrip("\x05\x06\x01\x03"))
            if turn == 0 and at == 0:
                clsid = str(uuid.UUID(bytes_le=block[80:96]))
        sector = _next_sector(data, fat_sectors, sector, size)
    return clsid, names


def _next_sector(data: bytes, fat_sectors: list[int], sector: int, size: int) -> int:
    place, within = divmod(sector, size // 4)
    if place >= len(fat_sectors):
        return 0xFFFFFFFE
    at = (fat_sectors[place] + 1) * size + within * 4
    return int(struct.unpack_from("<I", data, at)[0]) if at + 4 <= len(data) else 0xFFFFFFFE
