"""Apple's disk images, made in the test: HFS+ below, each packing, Apple's map of partitions."""

from __future__ import annotations

import base64
import contextlib
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from lazaretto.analysis.identify import identify
from lazaretto.analysis.unpackers._disk import adc, lzfse
from lazaretto.testing import images
from lazaretto.testing.opened import open_with

FILES = {f"file {number}.txt": b"%d\n" % number * 2000 for number in range(25)} | {
    "tool": b"\xcf\xfa\xed\xfe" + bytes(9)
}
HFS = images.hfs(FILES, hidden=["file 1.txt"], links={"Applications": "/Applications"})
IN_SUB = {f"sub/{name}": data for name, data in FILES.items()}
# Packed by Apple's reference implementation, in the two ways that it chooses by the size.
SQUARES, WORDS = bytes(number * number % 251 for number in range(500)) * 10, b"alpha beta gamma " * 20
LZFSE = base64.b64decode(
    "YnZ4MogTAAAEASAOAAQAQAEkcIEKEQBA4wAAADJwEAuPAABwCAAAh4cAAAAAHD4Cj8KjAAAAAADAowA8CgAAAAAAAAAAAHuz92ZzAQcHHNwc"
    "wMHBwQE3HBzAAXBww8EBB8ABHNxwcADAAQdwcHNwcHBwABwcHAAHBzccHBwccHDAwcHBAQA3BxxwcMABBxwcHBxwcHDAwcHBwQEAB8ABwAEH"
    "HMABB3BwcHBwAHAABwAHwMHBAXBwcAAAHBxwwMHBwcEBHMDBAQcHBxzAARwcHHBwAAccABwcAAdwcMABB8ABAAAAAACCGBrccCXOTLB1Gdxw"
    "Jc7MCaQzmiiH/EMiSsbTec5tMo33F9ExEScNSh971Jpv4csofrwKYW8+a7QKiZy717L941K7x+2ln4ul5AoLrEl4qORMwIDdlj9w0l8/caTr"
    "ExUqfpGjQhHqc/omhT29bWVd3trrJBIcHvV+E8vUoy2LU5/XCS9UZqh/OY74mqnox6Y5hf+MbhiKeJgA8ZRlFHKTr5aPTJvTbVToXr52zQ+L"
    "1DoVzrakUjkvXd618dkJLTQiKkeQJ/F9NzAZX3m5hDQpknxSJ5rJooAfko26KQQVAAAAAAAAAAAAHQfn/3yC+QVidngk"
)
LZVN = base64.b64decode("YnZ4blQBAAAkAAAA4AFhbHBoYSBiZXRhIGdhbW1hIDgR8P/wGOJhIAYAAAAAAAAAYnZ4JA==")


def test_hfs() -> None:
    assert identify(HFS, "a.img").name == "disk"
    opened = open_with("disks", HFS)
    assert opened.files == IN_SUB  # and not what a link points to
    assert not opened.short
    assert not opened.findings


def test_resource_forks_and_hidden_programs() -> None:
    data = images.hfs({"a": b"x", "a:rsrc": b"icon" * 3000, ".run": b"#!/bin/sh\n"}, hidden=[".run"])
    opened = open_with("disks", data)
    assert opened.files == {"sub/a": b"x", "sub/a:rsrc": b"icon" * 3000, "sub/.run": b"#!/bin/sh\n"}
    assert opened.details("data-hidden-program") == ["sub/.run"]


@pytest.mark.skipif(shutil.which("xorriso") is None, reason="no xorriso")
def test_hfs_by_a_real_tool(tmp_path: Path) -> None:
    folder = tmp_path / "files" / "d"
    folder.mkdir(parents=True)
    contents = {f"d/{number}": random.Random(number).randbytes(number * 50) for number in range(150)}
    for name, data in contents.items():
        (tmp_path / "files" / name).write_bytes(data)
    command = ["xorriso", "-as", "mkisofs", "-quiet", "-hfsplus", "-o", "image", "files"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    image = (tmp_path / "image").read_bytes()
    start = next(at - 1024 for at in range(1024, len(image), 512) if image[at : at + 4] == b"H+\0\4")
    assert open_with("disks", image[start:], kind="disk").files == contents


@pytest.mark.parametrize("packing", images.DMG_PACKINGS)
def test_packings(packing: str) -> None:
    data = images.dmg(HFS, packing)
    assert identify(data, "a.dmg").name == "dmg"
    opened = open_with("disks", data)
    assert opened.files == IN_SUB
    assert not opened.short


def test_lzfse() -> None:
    assert (LZFSE[:4], LZVN[:4]) == (b"bvx2", b"bvxn")
    assert lzfse.unpacked(LZFSE, len(SQUARES)) == SQUARES
    assert lzfse.unpacked(LZVN, 1000) == WORDS


def test_adc_repeats() -> None:
    assert adc.unpacked(b"\x82abc" + bytes([0x03 << 2, 2]) + bytes([0x40 | 2, 0, 0]), 100) == b"abcabcabc" + b"c" * 6
    with pytest.raises(ValueError, match="begin"):
        adc.unpacked(b"\x00\x05", 100)


def test_apples_map_of_partitions() -> None:
    data = images.apple_map(HFS, images.fat12({"a.txt": b"text"}))
    assert identify(data, "a.dmg").name == "disk"
    found = open_with("disks", images.dmg(data)).files
    assert found == {**{f"partition 1/{name}": data for name, data in IN_SUB.items()}, "partition 2/a.txt": b"text"}


def test_what_stays_closed_is_said() -> None:
    apfs = bytes(32) + b"NXSB" + bytes(4096)
    assert identify(apfs, "a.img").name == "disk"
    opened = open_with("disks", images.dmg(apfs))
    assert opened.short == ["what is inside was not looked at: nothing here opens APFS"]
    beside = open_with("disks", images.dmg(images.apple_map(HFS, apfs + bytes(-len(apfs) % 512))))
    assert beside.files
    assert "APFS" in beside.short[0]
    locked = b"encrcdsa" + bytes(600)
    assert identify(locked, "a.dmg").name == "dmg"
    assert open_with("disks", locked).found == {"archive-stays-closed"}
    assert "part 1 of an image in 3 files" in open_with("disks", images.dmg(HFS, segments=3)).closed["(the disk)"]


def test_damaged_pieces_are_said() -> None:
    data = bytearray(images.dmg(HFS, "bzip2"))
    at = data.rindex(b"BZh")
    data[at : at + 4] = b"xxxx"
    opened = open_with("disks", bytes(data))
    assert opened.short
    assert "archive-damaged" in opened.found
    cut = open_with("disks", bytes(data[100:]), kind="dmg")
    assert cut.short


def test_damage_ends_in_outputs() -> None:
    chance = random.Random(5)
    small = images.hfs({"a": b"text", "b": b"more"})
    for original in (small, images.dmg(small), images.apple_map(small)):
        for _ in range(150):
            broken = bytearray(original)
            for _ in range(chance.randrange(1, 10)):
                at = chance.randrange(len(broken)) if len(broken) < 9000 else chance.randrange(1024, 12_900)
                broken[at] = chance.randrange(256)
            open_with("disks", bytes(broken[: chance.choice([len(broken), 9000])]), kind="dmg", room=1 << 20)
    for original in (LZFSE, LZVN):
        for _ in range(300):
            broken = bytearray(original[: chance.randrange(20, len(original) + 1)])
            broken[chance.randrange(4, len(broken))] = chance.randrange(256)
            with contextlib.suppress(ValueError):
                assert len(lzfse.unpacked(bytes(broken), 5000)) <= 5000


@pytest.mark.parametrize(
    ("old", "new"), [(b"UTF-8", b"UTF-X"), (b"<dict>", b"<dikt>"), (b"blkx", b"blky"), (b"<data>", b"<date>")]
)
def test_a_property_list_that_is_none_is_said(old: bytes, new: bytes) -> None:
    opened = open_with("disks", images.dmg(HFS).replace(old, new))
    assert "list of pieces" in opened.closed["(the disk)"]


def test_a_packed_file_with_a_false_trailer_stays_what_it_is() -> None:
    assert identify(b"BZh91AY&SY" + bytes(600) + b"koly\0\0\0\4" + bytes(504), "a.bz2").name == "bzip2"
