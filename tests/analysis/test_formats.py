"""Types beyond those of `test_identify.py`: disks, installers, packages, texts that start something, languages."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazaretto.analysis.formats.types import TYPES
from lazaretto.analysis.identify import identify, identify_packed
from lazaretto.domain.sample import Category
from lazaretto.testing import archives, images

KINDS: list[tuple[str, bytes, str]] = [
    ("a.img", images.fat12({"a": b"1"}), "disk"),
    ("a.img", images.ntfs({"a": b"1"}), "disk"),
    ("a.img", images.mbr(images.fat12({})), "disk"),
    ("a.img", bytes(1080) + b"\x53\xef\x01\0\x01\0" + bytes(2000), "disk"),
    ("a.iso", images.iso({"a": b"1"}), "iso"),
    ("a.vhdx", images.vhdx(bytes(512)), "vhd"),
    ("a.dmg", bytes(2048) + b"koly\0\0\0\4" + bytes(504), "dmg"),
    ("a.pkg", b"xar!\0\x1c\0\1" + bytes(40), "xar"),
    ("a.wim", b"MSWIM\0\0\0" + bytes(40), "wim"),
    ("a.lz", b"LZIP\1\x0c" + bytes(40), "lzip"),
    ("a.lzh", archives.lha("a", b"1"), "lha"),
    ("a.ipa", archives.plain_zip({"Payload/x.app/Info.plist": b""}), "ipa"),
    ("a.nupkg", archives.plain_zip({"x.nuspec": b"", "lib/x.dll": b""}), "nuget"),
    ("a.zip", archives.plain_zip({"x-1/PKG-INFO": b"", "x-1/setup.py": b""}), "python-sdist-zip"),
    ("a.jar", archives.plain_zip({"META-INF/MANIFEST.MF": b"", "x.properties": b""}), "jar"),
    ("a.xps", archives.plain_zip({"[Content_Types].xml": b"", "FixedDocSeq.fdseq": b""}), "xps"),
    ("a.mdb", b"\0\1\0\0Standard Jet DB\0" + bytes(40), "access"),
    ("a.dat", b"\x78\x9f\x3e\x22" + bytes(40), "tnef"),
    ("a.pst", b"!BDN" + bytes(40), "pst"),
    ("a.evtx", b"ElfFile\0" + bytes(40), "event-log"),
    ("a.scf", b"[Shell]\r\nCommand=2\r\nIconFile=\\\\host\\a.ico\r\n", "scf"),
    ("a.inf", b"; comment\r\n[Version]\r\nSignature=\"$CHICAGO$\"\r\n", "inf"),
    ("a.rdp", b"screen mode id:i:2\r\nfull address:s:host\r\n", "rdp"),
    ("a.desktop", b"# x\n[Desktop Entry]\nExec=sh\n", "desktop"),
    ("a.slk", b"ID;PWXL;N;E\r\nP;PGeneral\r\n", "slk"),
    ("a.iqy", b"WEB\r\n1\r\nhttp://a.example/x\r\n", "iqy"),
    ("a.bas", b'Attribute VB_Name = "Module1"\r\nSub A()\r\nEnd Sub\r\n', "vba"),
    ("a.settingcontent-ms", b'<?xml version="1.0"?><PCSettings><x/></PCSettings>', "settings-shortcut"),
    ("a.library-ms", b'<?xml version="1.0"?><libraryDescription xmlns="x"/>', "settings-shortcut"),
    ("a.msc", b'<?xml version="1.0"?><MMC_ConsoleFile ConsoleVersion="3.0"/>', "msc"),
    ("a.jnlp", b'<?xml version="1.0"?><jnlp codebase="x"/>', "jnlp"),
    ("a.csproj", b'<Project Sdk="Microsoft.NET.Sdk"><x/></Project>', "msbuild"),
    ("a.application", b'<asmv1:assembly xmlns="x"><deployment install="true"/></asmv1:assembly>', "clickonce"),
    ("a.svg", b'<?xml version="1.0"?><!DOCTYPE svg PUBLIC "x" "y"><svg><title>x</title></svg>', "svg"),
    ("a.xml", b'<?xml version="1.0"?><rss><channel><title>x</title></channel></rss>', "xml"),
    ("a.lua", b"local function f(a)\n  return a\nend\nlocal x = f(1)\n", "lua"),
    ("a.tcl", b"package require Tk\nproc f {a} {\n  set b [expr 1]\n}\n", "tcl"),
    ("a.ahk", b"#NoEnv\n^j::\nSend, hello\nreturn\n", "autohotkey"),
    ("a.au3", b"#include <File.au3>\nLocal $a = 1\nShellExecute(\"x\")\n", "autoit"),
    ("a.aspx", b'<%@ Page Language="C#" %>\n<% Response.Write("x"); %>', "server-page"),
    ("a.jsp", b'<%@ page import="java.io.*" %><% Runtime.getRuntime(); %>', "server-page"),
    ("a.pem", b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "key-or-certificate"),
    ("a.json", b'{"a": [' + b'"$true set-item -eq", ' * 5_000 + b"1]}", "json"),
    ("a.txt", "Привет, мир.\nКак дела?\n".encode("koi8-r") * 8, "text"),
    ("a.bin", bytes(4096), "data"),
    ("a.obj", struct.pack("<HHIIIHH", 0x8664, 1, 0, 60, 0, 0, 4) + b".text\0\0\0" + bytes(40), "coff-object"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "kind"), KINDS, ids=[f"{row[2]}-{n}" for n, row in enumerate(KINDS)])
def test_kinds(name: str, data: bytes, kind: str) -> None:
    found = identify(data, name)
    assert found.name == kind
    assert not found.mismatch
    assert identify(data, "").name == kind


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packages_of_languages(pack: object) -> None:
    def packed(*names: str) -> str:
        return identify_packed(pack(archives.tarred(dict.fromkeys(names, b"x"))), "").name  # type: ignore[operator]  # a function

    assert packed("package/index.js", "package/package.json") == "npm-package"
    assert packed("x-1.0/x.py", "x-1.0/PKG-INFO") == "python-sdist"
    assert packed("x-1.0/pyproject.toml", "x-1.0/setup.py") == "python-sdist"
    assert packed("x/package.json", "x/readme") in {"gzip", "bzip2", "xz"}
    whole = pack(b"no tar at all" * 50)  # type: ignore[operator]  # a function
    assert identify_packed(whole, "").name == identify(whole, "").name


def program(overlay: bytes = b"", inside: bytes = b"") -> bytes:
    """A Windows program with one section, and something behind it."""
    header = bytearray(512)
    header[:2], header[60:64] = b"MZ", struct.pack("<I", 64)
    optional = bytearray(240)
    struct.pack_into("<H", optional, 0, 0x20B)
    struct.pack_into("<H", optional, 68, 2)
    head = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x22) + bytes(optional)
    head += b".text\0\0\0" + struct.pack("<IIII", 512, 4096, 512, 512) + bytes(16)
    header[64 : 64 + len(head)] = head
    return bytes(header) + inside.ljust(512, b"\0") + overlay


@pytest.mark.parametrize(
    ("overlay", "trait"),
    [
        (bytes(4) + b"\xef\xbe\xad\xdeNullsoftInst" + bytes(40), "installer-nsis"),
        (b"zlb\x1a" + bytes(40), "installer-inno"),
    ],
)
def test_which_installer_a_program_is(overlay: bytes, trait: str) -> None:
    assert set(identify(program(overlay)).traits) == {"64-bit", "gui", trait}
    assert identify(program(overlay)).name == "pe-exe"


def test_a_program_that_is_no_installer() -> None:
    assert identify(program(archives.zipped({"a": b"1"}))).traits == ("64-bit", "gui")
    assert identify(program(bytes(100))).traits == ("64-bit", "gui")
    assert identify(program(inside=b"NullsoftInst 7z PK")).traits == ("64-bit", "gui")


def test_quoted_code_is_no_script() -> None:
    code = b"const fs = require('fs');\nmodule.exports = () => { return 1; };\nconsole.log(1);\n"
    assert identify(b"# How to\n```js\n" + code + b"```\n", "readme.md").name == "text"
    assert identify(code, "x.js").name == "node"


def test_platforms() -> None:
    wanted = {
        "pe-exe": "windows", "msi": "windows", "lnk": "windows", "elf-so": "linux", "shell": "linux", "docx": "office",
        "mach-o": "macos", "dmg": "macos", "apk": "android", "ipa": "ios", "png": "", "zip": "",
    }  # fmt: skip
    assert {name: TYPES[name].platform for name in wanted} == wanted


def test_machines_of_mach_o() -> None:
    found = identify(struct.pack("<IIII", 0xFEEDFACF, 0x100000C, 0, 6) + bytes(40))
    assert (found.name, found.machine, found.traits) == ("mach-o", "aarch64", ("library",))


def test_every_category_is_there() -> None:
    assert {kind.category for kind in TYPES.values()} == set(Category)


@given(st.sampled_from([row[1] for row in KINDS]), st.data())
def test_no_changed_byte_breaks_it(data: bytes, draw: st.DataObject) -> None:
    broken = bytearray(data[:8192])
    for _ in range(4):
        broken[draw.draw(st.integers(0, len(broken) - 1))] = draw.draw(st.integers(0, 255))
    assert identify_packed(bytes(broken), "").name in TYPES
