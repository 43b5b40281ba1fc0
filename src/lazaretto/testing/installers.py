"""Installers and packed programs written byte by byte, for tests of what opens them."""

from __future__ import annotations

import lzma
import marshal
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence

from lazaretto.analysis.programs.elflayout import elf_layout
from lazaretto.analysis.programs.pelayout import layout
from lazaretto.testing.windows_files import DATA, Part, pe

# --- NSIS -----------------------------------------------------------------------------------------------------------

_LZMA: dict[str, int] = {"id": lzma.FILTER_LZMA1, "dict_size": 1 << 23, "lc": 3, "lp": 0, "pb": 2}


def nsis(
    files: Mapping[str, bytes],
    *,
    method: str = "zlib",
    solid: bool = False,
    wide_texts: bool = True,
    wide: bool = False,
) -> bytes:
    """An installer that writes files to folders, `folder\\name`; `method` is zlib, lzma or stored."""
    texts: list[str] = [""]
    data, rows = b"", b""

    def text(value: str) -> int:
        place = sum(len(one) + 1 for one in texts)
        texts.append(value)
        return place

    for path, content in files.items():
        folder, _, name = path.rpartition("\\")
        rows += struct.pack("<7I", 11, text(folder), 1, 0, 0, 0, 0)
        rows += struct.pack("<7I", 20, 0, text(name), len(data), 0, 0, 0)
        data += _block(content, "stored" if solid else method)
    raw = "\0".join([*texts, ""]).encode("utf-16-le" if wide_texts else "latin-1")
    size = 4 + 8 * (12 if wide else 8)
    places = [(0, 0), (0, 0), (size, 2 * len(files)), (size + len(rows), 1), *[(0, 0)] * 4]
    header = (
        struct.pack("<I", 0) + b"".join(struct.pack("<QI" if wide else "<II", *pair) for pair in places) + rows + raw
    )
    body = _stream(struct.pack("<I", len(header)) + header + data, method) if solid else _block(header, method) + data
    first = struct.pack("<II12sII", 0, 0xDEADBEEF, b"NullsoftInst", len(header), 28 + len(body))
    return pe(imports={"kernel32.dll": ["ExitProcess"]}, overlay=first + body)


def _block(content: bytes, method: str) -> bytes:
    if method == "stored":
        return struct.pack("<I", len(content)) + content
    packed = _stream(content, method)
    return struct.pack("<I", len(packed) | 0x80000000) + packed


def _stream(content: bytes, method: str) -> bytes:
    if method == "lzma":
        packed = lzma.compress(content, lzma.FORMAT_RAW, filters=[_LZMA])
        return b"\x5d" + struct.pack("<I", _LZMA["dict_size"]) + packed
    return zlib.compress(content, 9)[2:-4]


# --- Inno Setup -----------------------------------------------------------------------------------------------------


def inno(texts: Sequence[str], files: Sequence[bytes], *, version: str = "6.2.0", readable: bool = True) -> bytes:
    """An installer whose script has these texts, with all files in one chunk of LZMA2."""
    script = b"\0\0".join(text.encode("utf-16-le") for text in texts) + bytes(80)
    wanted = {"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "lc": 3, "lp": 0, "pb": 2}
    packed = b"\x5d" + struct.pack("<I", 1 << 16) + lzma.compress(script, lzma.FORMAT_RAW, filters=[wanted])
    stored = b"".join(
        struct.pack("<I", zlib.crc32(packed[at : at + 4096])) + packed[at : at + 4096]
        for at in range(0, len(packed), 4096)
    )
    head = f"Inno Setup Setup Data ({version}) (u)".encode().ljust(64, b"\0")
    block = struct.pack("<IIB", 0, len(stored), 1) + stored
    chunk = lzma.compress(b"".join(files), lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}])
    data = b"idska32\x1a" + bytes(8) + b"zlb\x1a" + b"\x10" + (chunk if readable else bytes(range(200, 256)) * 9)
    return pe(imports={"kernel32.dll": ["ExitProcess"]}, overlay=head + block + data)


# --- PyInstaller ----------------------------------------------------------------------------------------------------


def pyinstaller(
    scripts: Mapping[str, bytes], modules: Mapping[str, bytes], files: Mapping[str, bytes], *, encrypted: bool = False
) -> bytes:
    """A program with an archive of Python behind it. Scripts and modules are code as `marshal` writes it."""
    magic = b"\xa7\x0d\r\n"
    inner, table = b"PYZ\0" + magic + bytes(8), []
    for name, code in modules.items():
        packed = code if encrypted else zlib.compress(code)
        table.append((name, (0, len(inner), len(packed))))
        inner += packed
    inner = inner[:8] + struct.pack(">I", len(inner)) + inner[12:] + marshal.dumps(table)
    package, rows = b"", b""
    entries = [("s", name, code) for name, code in scripts.items()] + [("z", "PYZ.pyz", inner)]
    for letter, name, content in [*entries, *(("x", name, content) for name, content in files.items())]:
        packed = content if letter == "z" else zlib.compress(content)
        label = name.encode() + b"\0"
        rows += struct.pack(">IIIIBc", 18 + len(label), len(package), len(packed), len(content), letter != "z",
                            letter.encode()) + label  # fmt: skip
        package += packed
    length = len(package) + len(rows) + 88
    cookie = struct.pack(
        ">8sIIII64s", b"MEI\x0c\x0b\x0a\x0b\x0e", length, len(package), len(rows), 311, b"python311.dll"
    )
    return pe(imports={"kernel32.dll": ["ExitProcess"]}, overlay=package + rows + cookie)


# --- UPX ------------------------------------------------------------------------------------------------------------


def nrv_literals(data: bytes, *, later: bool) -> bytes:
    """A stream of NRV2B (or, `later`, of 2D and 2E) with literal bytes only, bits in words of 32."""
    out, bits, pending = bytearray(), 0, 0
    place = 0

    def bit(value: int) -> None:
        nonlocal bits, pending, place
        if not pending:
            place = len(out)
            out.extend(bytes(4))
            bits, pending = 0, 32
        pending -= 1
        bits |= value << pending
        struct.pack_into("<I", out, place, bits)

    for byte in data:
        bit(1)
        out.append(byte)
    bit(0)
    # the end: a distance of which all bits are ones, (2**24 + 2) before its last byte
    digits = bin((1 << 24) + 2)[3:]
    if later:
        _later_digits((1 << 24) + 2, bit)
    else:
        for number, digit in enumerate(digits):
            bit(int(digit))
            bit(int(number == len(digits) - 1))
    out.append(0xFF)
    return bytes(out)


def _later_digits(value: int, bit: Callable[[int], None]) -> None:
    """A distance of 2D and 2E, from its end back: v = 2 w + b, and before each further step w = 2 (v - 1) + c."""
    steps = []
    while True:
        last, value = value & 1, value >> 1
        if value == 1:
            steps.append((last, 0))
            break
        steps.append((last, value & 1))
        value = (value >> 1) + 1
    for number, (last, before) in enumerate(reversed(steps)):
        if number:
            bit(0)
            bit(before)
        bit(last)
    bit(1)


def _packed(data: bytes, method: int) -> bytes:
    """By 2 (NRV2B), 5 (NRV2D), 8 (NRV2E) or 14 (LZMA)."""
    if method != 14:
        return nrv_literals(data, later=method != 2)
    wanted = {"id": lzma.FILTER_LZMA1, "dict_size": 1 << 20, "lc": 3, "lp": 0, "pb": 2}
    return bytes([3 << 3 | 2, 3]) + lzma.compress(data, lzma.FORMAT_RAW, filters=[wanted])


def upx_pe(program: bytes, imports: Mapping[str, Sequence[str]], *, method: int = 14, named: bool = True) -> bytes:
    """A 64-bit program as the packer leaves it: its old headers and a list of its imports follow the packed code."""
    found = layout(program)
    assert found is not None
    first = found.sections[0].address
    image = bytearray(found.image_size - first)
    for section in found.sections:
        image[section.address - first : section.address - first + section.size] = program[
            section.offset : section.offset + section.size
        ]
    names = b"".join(library.encode() + b"\0" for library in imports)
    compact = len(image)
    place = 20 * 2 + 8
    for library, functions in imports.items():
        image += struct.pack("<II", place, 0) + b"".join(b"\1" + name.encode() + b"\0" for name in functions) + b"\0"
        place += len(library) + 1
    image += bytes(4)
    extra = len(image)
    rows = 40 * len(found.sections)
    image += (
        program[found.lfanew : found.lfanew + 264 + rows] + struct.pack("<II", compact, 0) + struct.pack("<I", extra)
    )
    packed = _packed(bytes(image), method)
    sizes = (len(image), len(packed), len(program))
    head = struct.pack("<4sBBBBIIIIIBBBB", b"UPX!", 13, 36, method, 9, 0, 0, *sizes, 0, 0, 0, 0)
    titles = ("UPX0", "UPX1", ".rsrc") if named else ("a", "b", "c")
    room = (found.image_size + 0xFFF) & ~0xFFF
    listed = bytes(20 * 2 + 8) + names
    parts = [Part(titles[0], b"", 0xE0000080, room), Part(titles[1], head + packed, 0xE0000040)]
    made = bytearray(pe(parts=[*parts, Part(titles[2], listed, DATA)], entry=0x1000 + room))
    made_layout = layout(bytes(made))
    assert made_layout is not None
    struct.pack_into("<II", made, 0x80 + 24 + 112 + 8, made_layout.sections[2].address, len(listed))
    return bytes(made)


def upx_elf(program: bytes, *, marked: bool = True, loader: bytes = b"") -> bytes:
    """A 64-bit little endian program as the packer leaves it: headers, then what is loaded, each a block."""
    found = elf_layout(program)
    assert found is not None
    header = 64 + 56 * len(found.segments)
    loads = sorted((one.offset, one.offset + one.size) for one in found.loads)
    pieces = [program[:header], *(program[start or header : end] for start, end in loads)]
    covered = [(0, header), *loads]
    at = 0
    for start, end in sorted(covered):
        if start > at:
            pieces.append(program[at:start])
        at = max(at, end)
    pieces.append(program[at:])
    blocks = b""
    for number, piece in enumerate(pieces):
        if number == 1 + len(loads):
            blocks += loader + bytes(-(len(blocks) + len(loader)) % 4)
        if not piece:
            continue
        packed = min(piece, _packed(piece, 14), key=len)
        blocks += struct.pack("<IIBBBB", len(piece), len(packed), 14, 0, 0, 0) + packed
    mark = b"UPX!" if marked else b"\0\1\2\3"
    info = struct.pack("<I4sHBB", 0, mark, 0, 13, 22) + struct.pack("<III", 0, len(program), len(program))
    body = info + blocks + struct.pack("<I4s", 0, b"UPX!") + b"\x90" * 64
    size = 64 + 56 + len(body)
    row = struct.pack("<IIQQQQQQ", 1, 7, 0, 0x100000, 0x100000, size, size, 0x1000)
    numbers = (2, 62, 1, 0x100000 + size - 64, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    head = b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack("<HHIQQQIHHHHHH", *numbers)
    return head + row + body
