"""Windows programs written byte by byte, for tests of what looks at them. They do nothing.

pe(imports={"kernel32.dll": ["ExitProcess"]}, resources=[("10", "1", data)], version={"CompanyName": "A"})
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CODE, DATA, READ_ONLY = 0x60000020, 0xC0000040, 0x40000040
_PAGE, _STEP = 0x1000, 0x200


@dataclass(frozen=True)
class Part:
    """A section. `memory` is its size in memory; 0: that of its content."""

    name: str
    content: bytes
    flags: int = DATA
    memory: int = 0


def pe(
    *,
    parts: Sequence[Part] | None = None,
    imports: Mapping[str, Sequence[str]] | None = None,
    exports: Sequence[tuple[str, str]] = (),
    export_name: str = "",
    resources: Sequence[tuple[str, str, bytes]] = (),
    version: Mapping[str, str] | None = None,
    entry: int | None = None,
    library: bool = False,
    wide: bool = True,
    stamp: int = 1_600_000_000,
    overlay: bytes = b"",
    callbacks: Sequence[int] = (),
    base: int = 0x400000,
) -> bytes:
    """A PE file. `exports` are names with where they are handed on to, empty for own ones; `callbacks` are addresses
    relative to the base; `entry` is the first section's begin unless it is said."""
    wanted = list(parts if parts is not None else [Part(".text", b"\x31\xc0\xc3".ljust(64, b"\x90"), CODE)])
    directories = [(0, 0)] * 16
    address = _PAGE
    placed: list[tuple[Part, int]] = []

    def place(part: Part) -> int:
        nonlocal address
        placed.append((part, address))
        here = address
        address += max(1, -(-max(part.memory, len(part.content)) // _PAGE)) * _PAGE
        return here

    for part in wanted:
        place(part)
    if imports:
        content = _imports(imports, address, wide=wide)
        directories[1] = (place(Part(".idata", content)), len(content))
    if exports:
        content = _exports(exports, export_name, address)
        directories[0] = (place(Part(".edata", content, READ_ONLY)), len(content))
    tree = list(resources)
    if version:
        tree.append(("16", "1", _version(version)))
    if tree:
        content = _resources(tree, address)
        directories[2] = (place(Part(".rsrc", content, READ_ONLY)), len(content))
    if callbacks:
        content = _callbacks(callbacks, address, base, wide=wide)
        directories[9] = (place(Part(".tls", content)), 40 if wide else 24)
    return _file(placed, directories, entry=_PAGE if entry is None else entry, library=library, wide=wide, stamp=stamp,
                 size=address, base=base) + overlay  # fmt: skip


def _file(
    placed: Sequence[tuple[Part, int]], directories: Sequence[tuple[int, int]], *, entry: int, library: bool,
    wide: bool, stamp: int, size: int, base: int,
) -> bytes:  # fmt: skip
    optional = 240 if wide else 224
    stub = b"MZ" + bytes(58) + struct.pack("<I", 0x80)
    stub += b"\x0e\x1f\xba\x0e\0\xb4\x09\xcd!\xb8\x01L\xcd!This program cannot be run in DOS mode.\r\r\n$"
    stub = stub.ljust(0x80, b"\0")
    headers = -(-(0x80 + 24 + optional + 40 * len(placed)) // _STEP) * _STEP
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664 if wide else 0x14C, len(placed), stamp, 0, 0, optional,
                       0x22 | (0x2000 if library else 0))  # fmt: skip
    first = struct.pack("<HBBIIIII", 0x20B if wide else 0x10B, 14, 0, 0x200, 0x200, 0, entry, _PAGE)
    first += struct.pack("<Q", base) if wide else struct.pack("<II", 0, base)
    first += struct.pack("<IIHHHHHHIIIIHH", _PAGE, _STEP, 6, 0, 0, 0, 6, 0, 0, size, headers, 0, 3, 0)
    first += struct.pack("<QQQQ" if wide else "<IIII", 0x100000, 0x1000, 0x100000, 0x1000) + struct.pack("<II", 0, 16)
    first += b"".join(struct.pack("<II", *pair) for pair in directories)
    rows, body = b"", b""
    for part, address in placed:
        padded = part.content + bytes(-len(part.content) % _STEP)
        rows += struct.pack("<8sIIIIIIHHI", part.name.encode("latin-1"), max(part.memory, len(part.content)), address,
                            len(padded), headers + len(body) if padded else 0, 0, 0, 0, 0, part.flags)  # fmt: skip
        body += padded
    return (stub + coff + first + rows).ljust(headers, b"\0") + body


def _imports(imports: Mapping[str, Sequence[str]], base: int, *, wide: bool) -> bytes:
    step, code = (8, "<Q") if wide else (4, "<I")
    rows, tail = b"", b""
    start = base + 20 * (len(imports) + 1)
    for library, functions in imports.items():
        names = start + len(tail) + step * (len(functions) + 1)
        entries, texts = b"", b""
        for function in functions:
            entries += struct.pack(code, names + len(texts))
            texts += b"\0\0" + function.encode() + b"\0"
        where = start + len(tail)
        rows += struct.pack("<IIIII", where, 0, 0, names + len(texts), where)
        tail += entries + bytes(step) + texts + library.encode() + b"\0"
    return rows + bytes(20) + tail


def _exports(exports: Sequence[tuple[str, str]], own: str, base: int) -> bytes:
    count = len(exports)
    tables = base + 40
    texts, where = b"", tables + 10 * count

    def text(value: str) -> int:
        nonlocal texts
        place = where + len(texts)
        texts += value.encode() + b"\0"
        return place

    functions = [text(there) if there else _PAGE for _, there in exports]
    names = [text(name) for name, _ in exports]
    title = text(own)
    head = struct.pack(
        "<IIHHIIIIIII", 0, 0, 0, 0, title, 1, count, count, tables, tables + 4 * count, tables + 8 * count
    )
    body = struct.pack(f"<{count}I", *functions) + struct.pack(f"<{count}I", *names)
    return head + body + struct.pack(f"<{count}H", *range(count)) + texts


def _resources(tree: Sequence[tuple[str, str, bytes]], base: int) -> bytes:
    """Three levels, each leaf with a branch of its own; names are numbers or texts."""
    count = len(tree)
    root = 16 + 8 * count
    leaves_at = root + count * (24 + 24)
    names_at = leaves_at + 16 * count
    texts, data = b"", b""

    def label(value: str) -> int:
        nonlocal texts
        if value.isdigit():
            return int(value)
        place = names_at + len(texts)
        texts += struct.pack("<H", len(value)) + value.encode("utf-16-le")
        return 0x80000000 | place

    rows, branches = b"", b""
    for number, (kind, name, _) in enumerate(tree):
        second = root + 48 * number
        rows += struct.pack("<II", label(kind), 0x80000000 | second)
        branches += struct.pack("<IIHHHH", 0, 0, 0, 0, 0, 1) + struct.pack("<II", label(name), 0x80000000 | second + 24)
        branches += struct.pack("<IIHHHH", 0, 0, 0, 0, 0, 1) + struct.pack("<II", 1033, leaves_at + 16 * number)
    texts += bytes(-len(texts) % 16)
    contents_at = names_at + len(texts)
    leaves = b""
    for _, _, content in tree:
        leaves += struct.pack("<IIII", base + contents_at + len(data), len(content), 0, 0)
        data += content + bytes(-len(content) % 16)
    named = sum(not kind.isdigit() for kind, _, _ in tree)
    return struct.pack("<IIHHHH", 0, 0, 0, 0, named, count - named) + rows + branches + leaves + texts + data


def _version(texts: Mapping[str, str]) -> bytes:
    """VS_VERSIONINFO with one table of texts."""
    strings = b"".join(_block(name, value.encode("utf-16-le") + b"\0\0", len(value) + 1, text=True)
                       for name, value in texts.items())  # fmt: skip
    table = _block("StringFileInfo", _block("040904b0", strings, 0, text=True), 0, text=True)
    fixed = struct.pack("<13I", 0xFEEF04BD, 0x10000, 0x10000, 0, 0x10000, 0, 0x3F, 0, 4, 1, 0, 0, 0)
    return _block("VS_VERSION_INFO", fixed + table, len(fixed), text=False)


def _block(name: str, content: bytes, length: int, *, text: bool) -> bytes:
    head = struct.pack("<HH", length, text) + name.encode("utf-16-le") + b"\0\0"
    head += bytes(-(len(head) + 2) % 4)
    whole = struct.pack("<H", len(head) + 2 + len(content)) + head + content
    return whole + bytes(-len(whole) % 4)


def _callbacks(callbacks: Sequence[int], address: int, base: int, *, wide: bool) -> bytes:
    code, size = ("Q", 40) if wide else ("I", 24)
    where = base + address
    head = struct.pack(f"<4{code}II", where + size, where + size, where + size, where + size, 0, 0)
    return head + struct.pack(f"<{len(callbacks) + 1}{code}", *(base + one for one in callbacks), 0)
