"""Whole small files of the formats that no collection of benign files has: what is damaged begins with them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import marshal
import struct
import tarfile
import zipfile
from collections.abc import Mapping

from lazaretto.testing import archives, documents, images, installers, mails, pdfs, vba
from lazaretto.testing.linux_files import elf
from lazaretto.testing.windows_files import pe

_TEXT = b"".join(b"%d bottles stand on the wall.\r\n" % number for number in range(200))
_SCRIPT = b"WScript.Echo(1 + 2);\r\n" * 20
_MACRO = 'Private Sub Document_Open()\r\n    Range("A1").Value = "Hello" & Chr(33)\r\nEnd Sub\r\n'


def seeds() -> dict[str, bytes]:
    """Each under a name with its usual ending."""
    return {**_archives(), **_images(), **_documents(), **_programs(), **_others()}


def _archives() -> dict[str, bytes]:
    program = pe(imports={"kernel32.dll": ["ExitProcess"]})
    files: Mapping[str, bytes] = {"read me.txt": _TEXT, "sub/a.js": _SCRIPT, "b.exe": program}
    tar = archives.tarred(files)
    return {
        "inner.zip": archives.zipped({**files, "c.zip": archives.zipped(files)}),
        "bzip2.zip": archives.zipped(files, zipfile.ZIP_BZIP2),
        "lzma.zip": archives.zipped(files, zipfile.ZIP_LZMA),
        "aes.zip": archives.aes_zipped(files, "infected"),
        "locked.zip": archives.old_locked_zip("a.txt", _TEXT, "infected"),
        "a.tar": tar,
        "a.tar.gz": gzip.compress(tar),
        "a.tar.bz2": bz2.compress(tar),
        "a.tar.xz": lzma.compress(tar),
        "a.lzma": lzma.compress(_TEXT, lzma.FORMAT_ALONE),
        "a.cab": archives.cabinet(files),
        "a.cpio": archives.cpio(files),
        "a.lzh": archives.lha("a.txt", _TEXT),
        "a.arj": archives.arj("a.txt", _TEXT),
        "a.ace": archives.ace("a.txt", _TEXT),
        "a.a": archives.ar(files),
        "a.deb": archives.deb(files, b"#!/bin/sh\nexit 0\n"),
        "a.rpm": archives.rpm(files, b"exit 0\n"),
        "a.Z": archives.compress_z(_TEXT[:250]),
        "a.lz4": archives.lz4_stored(_TEXT),
        "sdist.tar.gz": _sdist(),
    }


def _sdist() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in {
            "a-1/PKG-INFO": b"Metadata-Version: 2.1\nName: a\nVersion: 1\n",
            "a-1/setup.py": b"from setuptools import setup\nsetup(name='a', version='1')\n",
        }.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def _images() -> dict[str, bytes]:
    files = {"read me.txt": _TEXT, "a.js": _SCRIPT}
    fat = images.fat12(files)
    ntfs = images.ntfs(files, {"read me.txt:Zone.Identifier": b"[ZoneTransfer]"})
    return {
        "fat.img": fat,
        "ntfs.img": ntfs,
        "parts.img": images.mbr(fat, ntfs),
        "a.iso": images.iso(files),
        "udf.iso": images.udf(files),
        "a.vhd": images.vhd(fat),
        "a.vhdx": images.vhdx(fat),
        "a.vmdk": images.vmdk(fat),
        "a.qcow2": images.qcow2(fat),
    }


def _documents() -> dict[str, bytes]:
    wrapped = documents.object1("a.js", _SCRIPT)
    return {
        "a.docm": vba.docm(_MACRO),
        "a.xlsm": vba.xlsm(_MACRO.replace("Document_Open", "Workbook_Open")),
        "macro.odt": vba.odt("Sub Main\n  MsgBox 1 + 2\nEnd Sub\n"),
        "a.doc": vba.compound({"WordDocument": b"\xec\xa5" + bytes(600), "\1Ole10Native": wrapped}),
        "object.rtf": b"{\\rtf1 a {\\object\\objemb{\\*\\objdata " + wrapped.hex().encode() + b"}}}",
        "script.pdf": pdfs.pdf(
            {7: "<</S/JavaScript/JS 8 0 R>>", 8: pdfs.stream(b"app.alert(1);")}, root="/OpenAction 7 0 R"
        ),
        "a.msg": mails.msg(
            {"0037": "Tomorrow", "1000": "See you."}, [{"3707": "a.zip", "3701": archives.zipped({"a": b"1"})}]
        ),
        "a.eml": mails.mail(
            html="<a href='https://example.org/'>here</a>", files=[("a.zip", archives.zipped({"a": b"1"}))]
        ),
        "winmail.dat": mails.tnef([("a.txt", _TEXT)], html="<b>hello</b>"),
        "a.slk": b'ID;PWXL;N;E\r\nP;PGeneral\r\nC;X1;Y1;K"a";E1+2\r\nE\r\n',
    }


def _programs() -> dict[str, bytes]:
    program = pe(imports={"kernel32.dll": ["ExitProcess"]}, version={"CompanyName": "A", "FileDescription": "B"})
    code = marshal.dumps(compile("print(1)", "a", "exec"))
    return {
        "version.exe": program,
        "upx.exe": installers.upx_pe(program, {"kernel32.dll": ["ExitProcess"]}),
        "upx": installers.upx_elf(elf()),
        "nsis.exe": installers.nsis({"$INSTDIR\\a.txt": _TEXT, "$INSTDIR\\b.js": _SCRIPT}),
        "solid.exe": installers.nsis({"$INSTDIR\\a.txt": _TEXT}, method="lzma", solid=True),
        "inno.exe": installers.inno(["Setup", "{app}\\a.txt"], [_TEXT, _SCRIPT]),
        "pyinstaller.exe": installers.pyinstaller({"main": code}, {"a": code}, {"a.txt": _TEXT}),
        "a.elf": elf(),
        "a.macho": _macho(),
        "a.class": b"\xca\xfe\xba\xbe\0\0\0\x34\0\x05\7\0\2\1\0\1A\7\0\4\1\0\x10java/lang/Object" + bytes(20),
    }


def _macho() -> bytes:
    """A 64-bit program of one segment (mach-o/loader.h: mach_header_64, segment_command_64)."""
    command = struct.pack("<II16sQQQQiiII", 0x19, 72, b"__TEXT", 0x100000000, 4096, 0, 4096, 5, 5, 0, 0)
    head = struct.pack("<8I", 0xFEEDFACF, 0x01000007, 3, 2, 1, len(command), 0, 0)
    return (head + command).ljust(4096, b"\x90")


def _others() -> dict[str, bytes]:
    return {
        "a.lnk": _shortcut("C:\\Windows\\System32\\notepad.exe", "a.txt"),
        "a.url": b"[InternetShortcut]\r\nURL=https://example.org/\r\nIconFile=C:\\a.ico\r\n",
        "a.js": _SCRIPT,
        "a.vbs": b'Dim a\r\nFor i = 1 To 3\r\n  a = a & Chr(64 + i)\r\nNext\r\nMsgBox a\r\n' * 5,
        "a.ps1": b"$a = 'x','y' -join ''\nforeach ($i in 1..3) { Write-Output ($a * $i) }\n" * 5,
        "a.bat": b"@echo off\r\nset a=1\r\nfor %%i in (1 2 3) do echo %a%%%i\r\n" * 5,
        "a.sh": b"#!/bin/sh\nfor i in 1 2 3; do echo $(printf '%s' \"$i\" | tr 1 2); done\n" * 5,
        "a.py": b"#!/usr/bin/python3\nimport base64\nprint(base64.b64decode('aGVsbG8='))\n" * 5,
        "a.php": b"<?php foreach ([1, 2] as $i) { echo strrev(base64_encode($i)); } ?>\n" * 5,
        "a.hta": b"<html><hta:application id=a><script language=vbscript>MsgBox 1</script></html>\n",
        "a.reg": b"Windows Registry Editor Version 5.00\r\n\r\n[HKEY_CURRENT_USER\\Software\\A]\r\n\"a\"=\"b\"\r\n",
        "a.desktop": b"[Desktop Entry]\nType=Application\nName=A\nExec=true\n",
        "a.ics": b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:A\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    }  # fmt: skip


def _shortcut(target: str, arguments: str) -> bytes:
    """A shortcut with a relative path and arguments ([MS-SHLLINK] 2.1, 2.4)."""
    guid = bytes.fromhex("0114020000000000c000000000000046")
    made = struct.pack("<I16sIIQQQIIIHHII", 0x4C, guid, 0x80 | 8 | 32, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0)
    for text in (target, arguments):
        made += struct.pack("<H", len(text)) + text.encode("utf-16-le")
    return made + bytes(4)
