"""Programs packed with UPX, unpacked from their own headers. Nothing of it is run.

Packed PE files have a header of 32 bytes (`UPX!`, version, format, method, level, two checksums, sizes) before the
packed image; in the unpacked image the old headers follow the code, with a compact list of imports. Packed ELF files
have three small headers behind the program headers (loader, program, and one for each block).

What comes out is made to be looked at: addresses of jumps stay as the packer turned them, and of a PE file the imports
are in a section of their own.
"""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lazaretto.analysis.programs.elflayout import LOAD, ElfLayout, elf_layout
from lazaretto.analysis.programs.nrv import Damaged, nrv2b, nrv2d, nrv2e
from lazaretto.analysis.programs.numbers import u16, u32
from lazaretto.analysis.programs.pelayout import CERTIFICATES, DEBUG, IMPORTS, RESOURCES, Layout

MAGIC = b"UPX!"
MOST_UNPACKED = 64 << 20  # bytes
MOST_NRV = 12 << 20  # of what is unpacked bit by bit
MOST_LOADER = 64 << 10  # bytes of the packer's own code
MOST_BLOCKS, MOST_SECTIONS, MOST_LIBRARIES, MOST_FUNCTIONS = 1_000, 64, 200, 10_000
_HEADER = 32
_IAT, _BOUND = 12, 11

_NRV: Mapping[int, tuple[Callable[[bytes, int, int], bytes], int]] = {
    2: (nrv2b, 32), 3: (nrv2b, 8), 4: (nrv2b, 16), 5: (nrv2d, 32), 6: (nrv2d, 8), 7: (nrv2d, 16), 8: (nrv2e, 32),
    9: (nrv2e, 8), 10: (nrv2e, 16),
}  # fmt: skip
_LZMA, _DEFLATE = 14, 15
_METHODS = frozenset({*_NRV, _LZMA, _DEFLATE})


Imports = list[tuple[bytes, list[bytes | int]]]
"""Libraries, and what is taken from each: names or numbers."""


class NotUnpacked(Exception):
    """Why, in words."""


@dataclass(frozen=True)
class Header:
    """Of a packed PE file. `data` is where the packed bytes begin; sizes are bytes."""

    method: int
    data: int
    packed: int
    unpacked: int


def unpack_block(packed: bytes, size: int, method: int) -> bytes:
    """What the method makes of it, `size` bytes. Raises `NotUnpacked`."""
    if size > (MOST_NRV if method in _NRV else MOST_UNPACKED):
        raise NotUnpacked("it is too large")
    try:
        if method in _NRV:
            unpack, width = _NRV[method]
            return unpack(packed, size, width)
        if method == _DEFLATE:
            return zlib.decompressobj(-15).decompress(packed, size)
        if method == _LZMA:
            return _unlzma(packed, size)
    except (Damaged, zlib.error, lzma.LZMAError, ValueError) as error:
        raise NotUnpacked("its data are damaged") from error
    raise NotUnpacked(f"its method of packing ({method}) is not known here")


def _unlzma(packed: bytes, size: int) -> bytes:
    """Two bytes of properties, then a bare stream."""
    if len(packed) < 3:
        raise NotUnpacked("its data are damaged")
    wanted = {
        "id": lzma.FILTER_LZMA1, "dict_size": max(4096, size), "pb": packed[0] & 7, "lp": packed[1] >> 4,
        "lc": packed[1] & 15,
    }  # fmt: skip
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[wanted]).decompress(packed[2:], size)


# --- PE -------------------------------------------------------------------------------------------------------------


def pe_header(data: bytes, layout: Layout) -> Header | None:
    """The packer's header: near the begin of the second section."""
    if len(layout.sections) < 3:
        return None
    near = max(0, layout.sections[1].offset - 64)
    at = data.find(MAGIC, near, near + 1024)
    if at < 0 or data[at + 6] not in _METHODS:
        return None
    return Header(method=data[at + 6], data=at + _HEADER, packed=u32(data, at + 20), unpacked=u32(data, at + 16))


def has_pe_names(layout: Layout) -> bool:
    """Whether the sections are called as the packer calls them."""
    return [one.name for one in layout.sections[:2]] == ["UPX0", "UPX1"]


def unpacked_pe(data: bytes, layout: Layout, header: Header) -> bytes:
    """The program that was packed. Raises `NotUnpacked`."""
    image = unpack_block(data[header.data : header.data + header.packed], header.unpacked, header.method)
    at = u32(image, len(image) - 4)
    size = 264 if layout.wide else 248
    old = image[at : at + size]
    count = u16(old, 6)
    if old[:4] != b"PE\0\0" or not 0 < count <= MOST_SECTIONS or at + size + 40 * count > len(image):
        raise NotUnpacked("the old headers are not where they should be")
    table = image[at + size : at + size + 40 * count]
    imports = _imports(data, layout, image, at + size + 40 * count)
    return _rebuilt(data, layout, image=image, old=bytearray(old), table=table, imports=list(imports))


def _imports(data: bytes, layout: Layout, image: bytes, extra: int) -> Iterator[tuple[bytes, list[bytes | int]]]:
    """Libraries and what is taken from each: names, or numbers. Libraries' names are in the packed file's list."""
    names = layout.offset(layout.directory(IMPORTS)[0])
    at = u32(image, extra)
    if names is None or not 0 < at < len(image):
        return
    for _ in range(MOST_LIBRARIES):
        if at + 8 > len(image) or not (place := u32(image, at)):
            return
        library = data[names + place : names + place + 256].split(b"\0", 1)[0]
        at += 8
        functions: list[bytes | int] = []
        while at < len(image) and image[at] and len(functions) < MOST_FUNCTIONS:
            if image[at] == 1:
                name = image[at + 1 : at + 1024].split(b"\0", 1)[0]
                functions.append(name)
                at += len(name) + 2
            elif image[at] == 0xFF:
                functions.append(u16(image, at + 1))
                at += 3
            else:
                at += 5
        yield library, functions
        at += 1


def _rebuilt(data: bytes, layout: Layout, *, image: bytes, old: bytearray, table: bytes, imports: Imports) -> bytes:
    """Headers, the old sections as they would lie in memory, the packed file's last section, and one with the imports.

    Resources stay where the packed file has them: their tree is in its last section, their data in the old ones.
    """
    first = u32(table, 12)
    last = layout.sections[-1]
    sections = []
    for at in range(0, len(table), 40):
        address, size = u32(table, at + 12), u32(table, at + 16)
        content = image[address - first : address - first + size]
        sections.append((table[at : at + 8], address, u32(table, at + 8), content, u32(table, at + 36)))
    kept = data[last.offset : last.offset + last.size]
    sections.append((b".rsrc\0\0\0", last.address, last.span, kept, last.flags))
    end = (last.address + last.span + 0xFFFF) & ~0xFFF
    table_of_imports = _import_section(imports, end, wide=layout.wide)
    sections.append((b".imports", end, len(table_of_imports), table_of_imports, 0x40000040))
    directories = 24 + (112 if layout.wide else 96)
    changed = {IMPORTS: (end, len(table_of_imports)) if imports else (0, 0), RESOURCES: layout.directory(RESOURCES)}
    for number, pair in {**dict.fromkeys((CERTIFICATES, DEBUG, _IAT, _BOUND), (0, 0)), **changed}.items():
        struct.pack_into("<II", old, directories + 8 * number, *pair)
    struct.pack_into("<H", old, 6, len(sections))
    struct.pack_into("<I", old, 24 + 56, end + ((len(table_of_imports) + 0xFFF) & ~0xFFF))
    return _written(bytes(old), sections)


def _written(old: bytes, sections: list[tuple[bytes, int, int, bytes, int]]) -> bytes:
    head = b"MZ" + bytes(58) + struct.pack("<I", 64) + old
    start = (len(head) + 40 * len(sections) + 0x1FF) & ~0x1FF
    head = head[: 64 + 24 + 60] + struct.pack("<I", start) + head[64 + 24 + 64 :]  # fmt: skip  SizeOfHeaders
    rows, body = b"", b""
    for name, address, virtual, content, flags in sections:
        padded = content + bytes(-len(content) % 0x200)
        place = start + len(body) if content else 0
        rows += struct.pack("<8sIIIIIIHHI", name, virtual, address, len(padded), place, 0, 0, 0, 0, flags)
        body += padded
    return (head + rows).ljust(start, b"\0") + body


def _import_section(imports: Imports, base: int, *, wide: bool) -> bytes:
    """A table of imports at address `base`: descriptors, then for each library its list and names."""
    step, mark = (8, 1 << 63) if wide else (4, 1 << 31)
    code = "<Q" if wide else "<I"
    descriptors, tail = b"", b""
    start = base + 20 * (len(imports) + 1)
    for library, functions in imports:
        entries, texts = b"", b""
        names = start + len(tail) + step * (len(functions) + 1)
        for function in functions:
            if isinstance(function, int):
                entries += struct.pack(code, mark | function)
                continue
            entries += struct.pack(code, names + len(texts))
            texts += b"\0\0" + function + b"\0"
        where = start + len(tail)
        descriptors += struct.pack("<IIIII", where, 0, 0, names + len(texts), where)
        tail += entries + bytes(step) + texts + library + b"\0"
    return descriptors + bytes(20) + tail


# --- ELF ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ElfPack:
    """Of a packed ELF file. `blocks` is where the first block's header begins; `marked`: it has the packer's mark."""

    blocks: int
    size: int
    marked: bool


def elf_pack(data: bytes, elf: ElfLayout) -> ElfPack | None:
    """The packer's headers behind the program headers, known by their numbers also where the mark was removed."""
    order = elf.order
    head = 64 if elf.wide else 52
    step = 56 if elf.wide else 32
    info = head + step * u16(data, 56 if elf.wide else 44, order)
    size, block = u32(data, info + 16, order), u32(data, info + 20, order)
    first = info + 24
    unpacked, packed, method = u32(data, first, order), u32(data, first + 4, order), data[first + 8 : first + 9]
    plausible = (
        elf.sections == 0 and bool(elf.loads) and head + step <= unpacked <= 0x2000 and 0 < packed <= unpacked
        and method[0:1] != b"" and method[0] in _METHODS and 0 < size <= 1 << 30 and 0 < block <= 1 << 30
        and size >= unpacked
    )  # fmt: skip
    marked = data[info + 4 : info + 8] == MAGIC
    return ElfPack(first, size, marked) if plausible else None


def unpacked_elf(data: bytes, elf: ElfLayout, pack: ElfPack) -> bytes:
    """The program that was packed. Raises `NotUnpacked`.

    First come the blocks of what is loaded, then the packer's own code, then what lies between: the table of sections
    and the like. If the latter are not found, the program has no table of sections.
    """
    if pack.size > MOST_UNPACKED:
        raise NotUnpacked("it is too large")
    first = _block(data, elf.order, pack.blocks, pack.size)
    header = first.content(data) if first else b""
    old = elf_layout(header)
    if first is None or old is None or len(header) > pack.size:
        raise NotUnpacked("the old headers are not where they should be")
    out = bytearray(pack.size)
    out[: len(header)] = header
    loaded, between = _places(old, len(header), pack.size)
    at = _filled(out, loaded, data, elf.order, first.end)
    rest = _rest_at(data, elf.order, at, sum(end - start for start, end in between))
    if rest:
        _filled(out, between, data, elf.order, rest)
    elif between:
        struct.pack_into(f"{elf.order}{'Q' if elf.wide else 'I'}", out, 40 if elf.wide else 32, 0)
        struct.pack_into(f"{elf.order}H", out, 60 if elf.wide else 48, 0)
    return bytes(out)


def _places(old: ElfLayout, header: int, size: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Where unpacked bytes go: what is loaded, and what lies between."""
    loads = sorted((one.offset, min(one.offset + one.size, size)) for one in old.segments if one.kind == LOAD)
    between, at = [], header
    for start, end in loads:
        between.append((at, min(start, size)))
        at = max(at, end)
    between.append((at, size))
    loaded = [(start or header, end) for start, end in loads]
    return [pair for pair in loaded if pair[0] < pair[1]], [pair for pair in between if pair[0] < pair[1]]


@dataclass(frozen=True)
class _Block:
    """A block's header: `at` is where its packed bytes begin."""

    at: int
    unpacked: int
    packed: int
    method: int

    @property
    def end(self) -> int:
        return self.at + self.packed

    def content(self, data: bytes) -> bytes:
        """Raises `NotUnpacked`."""
        packed = data[self.at : self.end]
        return packed if self.packed == self.unpacked else unpack_block(packed, self.unpacked, self.method)


def _block(data: bytes, order: str, at: int, most: int) -> _Block | None:
    """The block whose header is there; None where none can be."""
    if at + 12 > len(data):
        return None
    found = _Block(at + 12, u32(data, at, order), u32(data, at + 4, order), data[at + 8])
    possible = 0 < found.packed <= found.unpacked <= most and found.end <= len(data)
    return found if possible and (found.method in _METHODS or found.packed == found.unpacked) else None


def _filled(out: bytearray, places: list[tuple[int, int]], data: bytes, order: str, at: int) -> int:
    """Unpack blocks into these places, one after the other; where the blocks end."""
    waiting = list(places)
    for _ in range(MOST_BLOCKS):
        block = _block(data, order, at, sum(end - start for start, end in waiting))
        if block is None:
            break
        try:
            left = block.content(data)
        except NotUnpacked:
            break
        at = block.end
        while left and waiting:
            start, end = waiting.pop(0)
            taken = min(len(left), end - start)
            out[start : start + taken] = left[:taken]
            left = left[taken:]
            if start + taken < end:
                waiting.insert(0, (start + taken, end))
    return at


def _rest_at(data: bytes, order: str, at: int, total: int) -> int:
    """Where blocks begin that are together so many bytes, behind the packer's own code; 0 if nowhere."""
    aligned = range((at + 3) & ~3, min(at + MOST_LOADER, len(data)), 4)
    starts: list[int] = [at, *aligned] if total else []
    for start in starts:
        left, place = total, start
        for _ in range(MOST_BLOCKS):
            block = _block(data, order, place, left)
            if block is None:
                break
            left, place = left - block.unpacked, block.end
            if not left:
                return start
    return 0
