"""7z, RAR, tar, cabinets, packages and the rest: whole, locked, damaged."""

from __future__ import annotations

import binascii
import bz2
import gzip
import io
import lzma
import random
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import py7zr
import pytest
import rars
from backports import zstd

from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.engine import Member
from lazaretto.analysis.identify import identify
from lazaretto.testing import archives
from lazaretto.testing.opened import Opened, engine_of, open_with

FILES = {"a.txt": b"hello " * 200, "sub/b.bin": bytes(range(256)) * 30}


def sevenzip(files: dict[str, bytes], password: str = "", *, names: bool = False) -> bytes:
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w", password=password or None, header_encryption=names) as archive:
        for name, data in files.items():
            archive.writestr(data, name)
    return buffer.getvalue()


def rar(files: dict[str, bytes], password: str = "", **options: object) -> bytes:
    builder = rars.RarBuilder(**({"password": password} if password else {}), **options)
    for name, data in files.items():
        builder.add_bytes(data, name)
    return bytes(builder.to_bytes())


def xz_bz2_tar(packer: Callable[[bytes], bytes]) -> bytes:
    return packer(archives.tarred(FILES))


MAKERS: dict[str, tuple[str, bytes]] = {
    "7z": ("sevenzip", sevenzip(FILES)),
    "rar5": ("rar", rar(FILES)),
    "rar solid": ("rar", rar(FILES, solid=True)),
    "tar": ("tars", archives.tarred(FILES)),
    "cab": ("others", archives.cabinet(FILES)),
    "cpio": ("others", archives.cpio(FILES)),
    "ar": ("ar", archives.ar({"a.txt": FILES["a.txt"], "b.bin": FILES["sub/b.bin"]})),
    "rpm": ("rpm", archives.rpm(FILES)),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_whole(kind: str) -> None:
    module, data = MAKERS[kind]
    opened = open_with(module, data)
    assert sorted(opened.files.values()) == sorted(FILES.values())
    assert not opened.findings
    assert not opened.short


@pytest.mark.parametrize("kind", MAKERS)
def test_damaged_ends_in_outputs(kind: str) -> None:
    module, data = MAKERS[kind]
    chance = random.Random(7)
    for _ in range(25):
        broken = bytearray(data[: chance.randrange(8, len(data) + 1)])
        for _ in range(chance.randrange(4)):
            broken[chance.randrange(8, len(broken)) if len(broken) > 8 else 0] = chance.randrange(256)
        type_ = identify(data, "").name
        open_with(module, bytes(broken), kind=type_, room=1 << 20, passwords=["infected"])


@pytest.mark.parametrize("kind", ["7z", "rar5", "tar", "cab", "ar"])
def test_cut_is_said(kind: str) -> None:
    module, data = MAKERS[kind]
    opened = open_with(module, data[: min(len(data) * 2 // 3, 5_000)], kind=identify(data, "").name)
    assert opened.found == {"archive-damaged"}
    assert opened.short


@pytest.mark.parametrize("make", [sevenzip, rar], ids=["sevenzip", "rar"])
def test_locked(make: Callable[..., bytes]) -> None:
    module = make.__name__
    data = make(FILES, "swordfish")
    shut = open_with(module, data, passwords=["infected"])
    assert not shut.files
    assert "archive-stays-closed" in shut.found
    assert shut.short
    opened = open_with(module, data, passwords=["infected", "swordfish"], words=["swordfish"])
    assert opened.files == FILES
    assert opened.found - {"archive-names-encrypted"} == {"archive-password-beside"}


def test_locked_names() -> None:
    data = sevenzip(FILES, "swordfish", names=True)
    shut = open_with("sevenzip", data, passwords=["infected"])
    assert shut.found == {"archive-names-encrypted", "archive-stays-closed"}
    assert open_with("sevenzip", data, passwords=["swordfish"]).files == FILES


@pytest.mark.parametrize("make", [sevenzip, rar], ids=["sevenzip", "rar"])
def test_bombs(make: Callable[..., bytes]) -> None:
    opened = open_with(make.__name__, make({"z": bytes(8 << 20)}), room=1 << 20)
    assert opened.found == {"archive-bomb"}
    assert opened.short


@pytest.mark.parametrize("make", [archives.tarred, archives.cpio, archives.cabinet])
def test_names_that_climb(make: Callable[..., bytes]) -> None:
    module = "tars" if make is archives.tarred else "others"
    assert open_with(module, make({"../x": b"1"})).found == {"archive-path-climbs"}
    assert not open_with(module, make({"y/x": b"1"})).findings


def test_tar_links() -> None:
    out = archives.tarred({"here/file": b"x"}, {"here": "../../etc"})
    assert open_with("tars", out).found == {"archive-path-through-link"}
    assert not open_with("tars", archives.tarred({"here/file": b"x"}, {"here": "there"})).findings
    assert not open_with("tars", archives.tarred({"file": b"x"}, {"here": "/etc"})).findings


def test_a_name_in_an_old_encoding_can_be_told() -> None:
    data = bytearray(archives.tarred({"name": b"x"}))
    data[:4] = b"\xe4\xf6\xfc."
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    (name,) = open_with("tars", bytes(data)).files
    assert name.encode() == b"???."


def test_tar_that_lies_about_a_size() -> None:
    data = bytearray(archives.tarred({"a": b"x"}))
    data[124:136] = b"77777777777\0"
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    opened = open_with("tars", bytes(data), room=1 << 20)
    assert opened.closed
    assert opened.short


def one(opened: Opened) -> bytes:
    (data,) = opened.files.values()
    return data


STREAMS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "zst": zstd.compress,
    "lz4": archives.lz4_stored,
    "z": archives.compress_z,
}


@pytest.mark.parametrize("suffix", STREAMS)
def test_one_file_packed(suffix: str) -> None:
    content = bytes(range(250))
    opened = open_with("compressed", STREAMS[suffix](content), f"report.pdf.{suffix}")
    assert opened.files == {"report.pdf": content}
    assert not opened.findings


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz", "zst"])
def test_streams_one_behind_the_other_and_what_is_behind(suffix: str) -> None:
    pack = STREAMS[suffix]
    assert one(open_with("compressed", pack(b"one ") + pack(b"two"), f"a.{suffix}")) == b"one two"
    assert not open_with("compressed", pack(b"one") + bytes(512), f"a.{suffix}").findings
    opened = open_with("compressed", pack(b"one") + b"MZ something", f"a.{suffix}")
    assert opened.found == {"archive-something-behind"}
    assert opened.files["behind the compressed data"] == b"MZ something"


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz", "zst", "lz4"])
def test_streams_cut_and_too_large(suffix: str) -> None:
    content = random.Random(1).randbytes(60_000)
    packed = STREAMS[suffix](content)
    cut = open_with("compressed", packed[: len(packed) // 2], f"a.{suffix}", kind=identify(packed, "").name)
    assert cut.found == {"archive-damaged"}
    assert cut.short
    large = open_with("compressed", STREAMS[suffix](bytes(3 << 20)), f"a.{suffix}", room=1 << 20)
    assert not large.files
    assert large.short
    assert large.found == (set() if suffix == "lz4" else {"archive-bomb"})


def test_the_name_that_gzip_keeps() -> None:
    buffer = io.BytesIO()
    with gzip.GzipFile("inner.js", "wb", fileobj=buffer) as file:
        file.write(b"x")
    assert list(open_with("compressed", buffer.getvalue(), "a.pdf.gz").files) == ["inner.js"]
    assert list(open_with("compressed", gzip.compress(b"x"), "a.tgz").files) == ["a.tar"]


def test_uuencoded() -> None:
    content = b"The content\n" * 20
    lines = b"".join(binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45))
    opened = open_with("compressed", b"begin 644 tool.exe\n" + lines + b"`\nend\n")
    assert opened.files == {"tool.exe": content}
    assert open_with("compressed", b"begin 644 tool.exe\n" + lines).found == {"archive-damaged"}


def test_lha() -> None:
    assert open_with("others", archives.lha("a.txt", b"content")).files == {"a.txt": b"content"}


def test_debian_package() -> None:
    opened = open_with("ar", archives.deb({"./usr/bin/x": b"1"}, b"#!/bin/sh\n"))
    assert set(opened.files) == {"debian-binary", "control.tar.gz", "data.tar.gz"}
    control = open_with("compressed", opened.files["control.tar.gz"], "control.tar.gz")
    assert "./postinst" in open_with("tars", control.files["control.tar"]).files


def test_the_scripts_of_an_rpm_package() -> None:
    opened = open_with("rpm", archives.rpm({"./usr/bin/x": b"1"}, script=b"echo hi"))
    assert opened.files["script after installation"] == b"echo hi"
    assert [fact.value for fact in opened.facts] == ["sample"]
    assert open_with("rpm", archives.rpm({"a": b"1"})[:150], kind="rpm").found == {"archive-damaged"}


@pytest.mark.skipif(shutil.which("wixl") is None, reason="no wixl")
def test_windows_installer(tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_bytes(b"content")
    (tmp_path / "action.js").write_bytes(b"var x = 1;")
    (tmp_path / "p.wxs").write_text(_WXS)
    subprocess.run(["wixl", "-o", "p.msi", "p.wxs"], cwd=tmp_path, check=True, capture_output=True)
    data = (tmp_path / "p.msi").read_bytes()
    opened = open_with("msi", data)
    assert opened.files["Binary.Act"] == b"var x = 1;"
    assert list(open_with("others", opened.files["product.cab"]).files.values()) == [b"content"]
    assert opened.details("installer-runs-command") == ["cmd.exe /c echo hi"]
    assert "installer-runs-script" in opened.found
    assert {fact.name: fact.value for fact in opened.facts}["ProductName"] == "Example"
    (tmp_path / "q.wxs").write_text("".join(line for line in _WXS.splitlines(True) if "<Custom" not in line))
    subprocess.run(["wixl", "-o", "q.msi", "q.wxs"], cwd=tmp_path, check=True, capture_output=True)
    assert not open_with("msi", (tmp_path / "q.msi").read_bytes()).findings
    chance = random.Random(3)
    for _ in range(40):
        broken = bytearray(data[: chance.randrange(512, len(data))])
        for _ in range(chance.randrange(6)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        open_with("msi", bytes(broken), kind="msi")


_WXS = """<?xml version="1.0" encoding="utf-8"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
<Product Id="*" UpgradeCode="12345678-1234-1234-1234-111111111111" Name="Example" Version="1.0" Manufacturer="Ex"
 Language="1033">
<Package InstallerVersion="200" Compressed="yes"/>
<Media Id="1" Cabinet="product.cab" EmbedCab="yes"/>
<Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="ProgramFilesFolder"><Directory Id="INSTALLDIR" Name="Ex">
<Component Id="C" Guid="12345678-1234-1234-1234-222222222222"><File Id="F" Source="file.txt" KeyPath="yes"/></Component>
</Directory></Directory></Directory>
<Binary Id="Act" SourceFile="action.js"/><Property Id="SHELL" Value="cmd.exe"/>
<CustomAction Id="Go" Property="SHELL" ExeCommand="/c echo hi" Return="ignore"/>
<CustomAction Id="Scr" BinaryKey="Act" JScriptCall="Main"/>
<InstallExecuteSequence><Custom Action="Go" After="InstallFiles"/></InstallExecuteSequence>
<Feature Id="Default" Level="1"><ComponentRef Id="C"/></Feature></Product></Wix>
"""


def with_dictionary(size: int) -> bytes:
    """An LZMA file whose header asks for a dictionary of so many bytes."""
    packed = lzma.compress(b"hello " * 50, lzma.FORMAT_ALONE)
    return packed[:1] + size.to_bytes(4, "little") + packed[5:]


def test_a_file_that_asks_for_more_memory_than_there_is_costs_nothing() -> None:
    assert one(open_with("compressed", with_dictionary(64 << 20), "a.lzma")) == b"hello " * 50
    assert "archive-damaged" in open_with("compressed", with_dictionary(0x7FFFFFFF), "a.lzma", "lzma").found
    opened = open_with("compressed", lzma.compress(b"hello", lzma.FORMAT_ALONE) + with_dictionary(0x7FFFFFFF), "a.lzma")
    assert opened.files["a"] == b"hello"
    assert opened.found == {"archive-something-behind"}


def test_a_member_of_a_zip_cannot_ask_for_all_memory() -> None:
    """The size of the dictionary stands behind four bytes and one of properties (APPNOTE 5.8)."""
    packed = bytearray(archives.zipped({"a.txt": b"hello " * 500}, zipfile.ZIP_LZMA))
    at = packed.index(b"\x09\x04\x05\0") + 5
    packed[at : at + 4] = b"\xff\xff\xff\x7f"
    with Cage(at_once=1) as cage, sheet(bytes(packed)) as fd:
        done = cage.run(engine_of("zips"), fd, name="a.zip", kind=identify(bytes(packed), "a.zip"))
    assert done.failed == ""
    assert [member.name for member in done.outputs if isinstance(member, Member)] == ["a.txt"]
