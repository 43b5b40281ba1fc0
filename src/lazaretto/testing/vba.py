"""Makes documents with macros for tests: Word and Excel packages with a VBA project, OpenDocument with Basic.

The VBA project is written after [MS-OVBA], its container after [MS-CFB]. Only what a reader needs is in it: the source
of each module, no compiled code.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

_SECTOR, _MINI, _CUTOFF = 512, 64, 4096
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD

Tree = Mapping[str, "bytes | Tree"]


# --- the container ([MS-CFB]) ----------------------------------------------------------------------------------------


@dataclass
class _Entry:
    name: str
    kind: int  # 1 storage, 2 stream, 5 root
    data: bytes = b""
    children: list[_Entry] = field(default_factory=list)
    number: int = 0
    left: int = _FREE
    right: int = _FREE
    child: int = _FREE
    start: int = _END


def compound(tree: Tree) -> bytes:
    """A compound file with these storages (mappings) and streams (bytes)."""
    root = _Entry("Root Entry", 5, children=_entries(tree))
    entries = _numbered(root)
    sectors: list[bytes] = []
    chain: list[int] = []

    def store(data: bytes) -> int:
        count = -(-len(data) // _SECTOR)
        if not count:
            return _END
        first = len(sectors)
        sectors.extend(data[at : at + _SECTOR].ljust(_SECTOR, b"\0") for at in range(0, count * _SECTOR, _SECTOR))
        chain.extend([*range(first + 1, first + count), _END])
        return first

    mini = b""
    minis: list[int] = []
    for entry in entries:
        if entry.kind != 2:
            continue
        if len(entry.data) >= _CUTOFF:
            entry.start = store(entry.data)
        elif entry.data:
            count = -(-len(entry.data) // _MINI)
            entry.start = len(minis)
            minis += [*range(len(minis) + 1, len(minis) + count), _END]
            mini += entry.data.ljust(count * _MINI, b"\0")
    root.data, root.start = mini, store(mini)
    mini_table = store(b"".join(struct.pack("<I", number) for number in minis) + b"\xff" * (-len(minis) * 4 % _SECTOR))
    directory = store(b"".join(_directory_entry(entry) for entry in entries) + _padding(len(entries)))
    tables = 1
    while (len(chain) + tables) * 4 > tables * _SECTOR:
        tables += 1
    first_table = len(chain)
    chain += [_FAT] * tables
    table = b"".join(struct.pack("<I", number) for number in chain)
    table += b"\xff" * (tables * _SECTOR - len(table))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack(
        "<IIIIIIIII", 0, tables, directory, 0, _CUTOFF, mini_table, -(-len(minis) * 4 // _SECTOR), _END, 0
    )
    head += b"".join(struct.pack("<I", first_table + n) for n in range(tables)).ljust(436, b"\xff")
    return head + b"".join(sectors) + table


def _entries(tree: Tree) -> list[_Entry]:
    return [
        _Entry(name, 2, data=part) if isinstance(part, bytes) else _Entry(name, 1, children=_entries(part))
        for name, part in tree.items()
    ]


def _numbered(root: _Entry) -> list[_Entry]:
    entries = [root]
    waiting = [root]
    while waiting:
        parent = waiting.pop()
        for entry in parent.children:
            entry.number = len(entries)
            entries.append(entry)
            waiting.append(entry)
        ordered = sorted(parent.children, key=lambda entry: (len(entry.name), entry.name.upper()))
        parent.child = _balance(ordered)
    return entries


def _balance(ordered: Sequence[_Entry]) -> int:
    """Siblings are a search tree by length and upper-case name."""
    if not ordered:
        return _FREE
    middle = len(ordered) // 2
    entry = ordered[middle]
    entry.left, entry.right = _balance(ordered[:middle]), _balance(ordered[middle + 1 :])
    return entry.number


def _directory_entry(entry: _Entry) -> bytes:
    name = entry.name.encode("utf-16-le") + b"\0\0"
    return (
        name.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(name), entry.kind, 1, entry.left, entry.right, entry.child)
        + bytes(16 + 4 + 8 + 8)
        + struct.pack("<IQ", entry.start, len(entry.data))
    )


def _padding(count: int) -> bytes:
    empty = bytes(68) + struct.pack("<III", _FREE, _FREE, _FREE) + bytes(48)
    return empty * (-count % 4)


# --- the project ([MS-OVBA]) -----------------------------------------------------------------------------------------


def compress(data: bytes) -> bytes:
    """The container of 2.4.1, with literals only (no copies)."""
    out = bytearray(b"\x01")
    for at in range(0, len(data), 4096):
        block = data[at : at + 4096]
        if len(block) > 3640:  # literals would not fit: a raw chunk, which is always 4096 bytes
            out += struct.pack("<H", 4095 | 0x3000) + block.ljust(4096, b"\n")
            continue
        tokens = b"".join(b"\0" + block[start : start + 8] for start in range(0, len(block), 8))
        out += struct.pack("<H", len(tokens) - 1 | 0xB000) + tokens
    return bytes(out)


def vba_project(modules: Mapping[str, str], document: str) -> Tree:
    """Storages and streams of a project; `document` names the module that is the document itself."""
    storage: dict[str, bytes | Tree] = {
        "_VBA_PROJECT": bytes.fromhex("cc61ffff000000"),
        "dir": compress(_dir_stream(modules, document)),
    }
    for name, source in modules.items():
        kind = 'Attribute VB_Base = "1Normal.ThisDocument"\r\n' if name == document else ""
        text = f'Attribute VB_Name = "{name}"\r\n{kind}' + source.replace("\r\n", "\n").replace("\n", "\r\n")
        storage[name] = compress(text.encode("cp1252"))
    listed = "".join(f"Document={n}/&H00000000\r\n" if n == document else f"Module={n}\r\n" for n in modules)
    project = (
        'ID="{5B9D4A53-0C9B-4E2E-9B57-11A5C2F0A7B1}"\r\n' + listed + 'Name="Project"\r\nHelpContextID="0"\r\n'
        'VersionCompatible32="393222000"\r\nCMG="0705D8E3D8EDDBF1DBF1DBF1DBF1"\r\nDPB="0E0CD1ECDFF4E7F5E7F5E7"\r\n'
        'GC="1517CAF1D6F9D7F9D706"\r\n\r\n[Host Extender Info]\r\n&H00000001={3832D640-CF90-11CF-8E43-00A0C911005A};'
        "VBE;&H00000000\r\n"
    )
    return {"VBA": storage, "PROJECT": project.encode("cp1252")}


def _dir_stream(modules: Mapping[str, str], document: str) -> bytes:
    def record(number: int, data: bytes) -> bytes:
        return struct.pack("<HI", number, len(data)) + data

    out = record(1, struct.pack("<I", 3)) + record(2, struct.pack("<I", 0x409)) + record(0x14, struct.pack("<I", 0x409))
    out += record(3, struct.pack("<H", 1252)) + record(4, b"Project") + record(5, b"") + record(0x40, b"")
    out += record(6, b"") + record(0x3D, b"") + record(7, struct.pack("<I", 0)) + record(8, struct.pack("<I", 0))
    out += struct.pack("<HIIH", 9, 4, 1, 0) + record(0xC, b"") + record(0x3C, b"")
    out += record(0xF, struct.pack("<H", len(modules))) + record(0x13, struct.pack("<H", 0xFFFF))
    for name in modules:
        narrow, wide = name.encode("cp1252"), name.encode("utf-16-le")
        out += record(0x19, narrow) + record(0x47, wide) + record(0x1A, narrow) + record(0x32, wide)
        out += record(0x1C, b"") + record(0x48, b"") + record(0x31, struct.pack("<I", 0))
        out += record(0x1E, struct.pack("<I", 0)) + record(0x2C, struct.pack("<H", 0xFFFF))
        out += record(0x22 if name == document else 0x21, b"") + record(0x2B, b"")
    return out + record(0x10, b"")


# --- documents -------------------------------------------------------------------------------------------------------

_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_VBA = "http://schemas.microsoft.com/office/2006/relationships/vbaProject"


def docm(this_document: str, modules: Mapping[str, str] | None = None, text: str = "Please enable content.") -> bytes:
    """A Word document with macros: the source of ThisDocument, and of further modules by name."""
    body = (
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r>'
        f"<w:t>{escape(text)}</w:t></w:r></w:p></w:body></w:document>"
    )
    project = compound(vba_project({"ThisDocument": this_document, **(modules or {})}, "ThisDocument"))
    main = "application/vnd.ms-word.document.macroEnabled.main+xml"
    return _package({"word/document.xml": (body, main)}, "word/document.xml", {"word/vbaProject.bin": project}, {})


def xlsm(this_workbook: str, modules: Mapping[str, str] | None = None) -> bytes:
    """An Excel workbook with macros: the source of ThisWorkbook, and of further modules by name."""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    book = (
        f'<workbook xmlns="{space}" xmlns:r="{_OFFICE}"><workbookPr codeName="ThisWorkbook"/><sheets>'
        '<sheet name="Sheet1" sheetId="1" r:id="rId2"/></sheets></workbook>'
    )
    sheet = f'<worksheet xmlns="{space}"><sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData></worksheet>'
    project = compound(vba_project({"ThisWorkbook": this_workbook, **(modules or {})}, "ThisWorkbook"))
    parts = {
        "xl/workbook.xml": (book, "application/vnd.ms-excel.sheet.macroEnabled.main+xml"),
        "xl/worksheets/sheet1.xml": (
            sheet,
            "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml",
        ),
    }
    more = {"rId2": (f"{_OFFICE}/worksheet", "worksheets/sheet1.xml")}
    return _package(parts, "xl/workbook.xml", {"xl/vbaProject.bin": project}, more)


def _package(
    parts: Mapping[str, tuple[str, str]], main: str, binaries: Mapping[str, bytes], more: Mapping[str, tuple[str, str]]
) -> bytes:
    def relations(items: Mapping[str, tuple[str, str]]) -> str:
        lines = "".join(f'<Relationship Id="{i}" Type="{kind}" Target="{to}"/>' for i, (kind, to) in items.items())
        return f'<Relationships xmlns="{_RELATIONS}">{lines}</Relationships>'

    folder, name = main.split("/")
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="bin" '
        'ContentType="application/vnd.ms-office.vbaProject"/>'
        + "".join(f'<Override PartName="/{part}" ContentType="{kind}"/>' for part, (_, kind) in parts.items())
        + "</Types>"
    )
    texts = {
        "[Content_Types].xml": types,
        "_rels/.rels": relations({"rId1": (f"{_OFFICE}/officeDocument", main)}),
        f"{folder}/_rels/{name}.rels": relations({"rId1": (_VBA, "vbaProject.bin"), **more}),
        **{part: text for part, (text, _) in parts.items()},
    }
    everything = {name: b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode() for name, text in texts.items()}
    return _zip({**everything, **binaries})


def odt(macro: str, text: str = "A letter.") -> bytes:
    """A text document whose Basic module's `Main` runs when it is opened."""
    office = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<office:document-content xmlns:office="{office}:office:1.0" xmlns:text="{office}:text:1.0" '
        'xmlns:script="urn:oasis:names:tc:opendocument:xmlns:script:1.0" xmlns:xlink="http://www.w3.org/1999/xlink" '
        'xmlns:dom="http://www.w3.org/2001/xml-events" xmlns:ooo="http://openoffice.org/'
        '2004/office" office:version="1.2">'
        '<office:scripts><office:event-listeners><script:event-listener script:language="ooo:script" '
        'script:event-name="dom:load" xlink:href="vnd.sun.star.script:Standard.Module1.Main?language=Basic&amp;'
        'location=document" xlink:type="simple"/></office:event-listeners></office:scripts>'
        f"<office:body><office:text><text:p>{escape(text)}</text:p></office:text></office:body></office:document-content>"
    )
    library = "http://openoffice.org/2000/library"
    doctype = '<!DOCTYPE library:library{} PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "library{}.dtd">\n'
    libraries = (
        doctype.format("ries", "") + f'<library:libraries xmlns:library="{library}" '
        'xmlns:xlink="http://www.w3.org/1999/xlink"><library:library library:name="Standard" library:link="false"/>'
        "</library:libraries>"
    ).replace("library.dtd", "libraries.dtd")
    standard = (
        doctype.format("", "") + f'<library:library xmlns:library="{library}" library:name="Standard" '
        'library:readonly="false" library:passwordprotected="false"><library:element '
        'library:name="Module1"/></library:library>'
    )
    module = (
        '<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">\n'
        '<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" '
        f'script:language="StarBasic">{escape(macro)}</script:module>'
    )
    texts = {
        "content.xml": content,
        "Basic/script-lc.xml": libraries,
        "Basic/Standard/script-lb.xml": standard,
        "Basic/Standard/Module1.xml": module,
    }
    entries = "".join(f'<m:file-entry m:full-path="{name}" m:media-type="text/xml"/>' for name in texts)
    kind = "application/vnd.oasis.opendocument.text"
    manifest = (
        f'<m:manifest xmlns:m="{office}:manifest:1.0" m:version="1.2"><m:file-entry '
        f'm:full-path="/" m:media-type="{kind}"/>'
        f"{entries}</m:manifest>"
    )
    texts["META-INF/manifest.xml"] = manifest
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n'
    return _zip({"mimetype": kind.encode(), **{name: head + text.encode() for name, text in texts.items()}})


def _zip(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, (2024, 5, 6, 9, 30, 0))
            info.compress_type = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            file.writestr(info, content)
    return out.getvalue()
