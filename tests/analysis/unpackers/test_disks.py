"""Images of disks and discs, made in the test; what real tools make was compared when the readers were written."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lazaretto.analysis.identify import identify
from lazaretto.testing import images
from lazaretto.testing.opened import open_with

FILES = {"read me.txt": b"hello\n" * 10, "A program with a long name.exe": b"MZ" + bytes(range(256)) * 20, "empty": b""}
FAT = images.fat12(FILES)
NTFS = images.ntfs(FILES, {"read me.txt:Zone.Identifier": b"[ZoneTransfer]"})
MAKERS = {"vhd": images.vhd, "vhdx": images.vhdx, "vmdk": images.vmdk, "qcow2": images.qcow2}


def named(files: dict[str, bytes], before: str = "") -> dict[str, bytes]:
    return {before + name: data for name, data in files.items()}


def test_fat() -> None:
    assert identify(FAT, "a.img").name == "disk"
    opened = open_with("disks", FAT)
    assert opened.files == FILES
    assert not opened.short


def test_exfat() -> None:
    program = next(name for name in FILES if name.endswith(".exe"))
    data = images.exfat({**FILES, "last": b"x" * 1500}, hidden=[program])
    assert identify(data, "a.img").name == "disk"
    opened = open_with("disks", data)
    assert opened.files == named({**FILES, "last": b"x" * 1500}, "sub/")
    assert opened.details("data-hidden-program") == [f"sub/{program}"]
    assert not opened.short
    chance = random.Random(4)
    for _ in range(100):
        broken = bytearray(data[: chance.choice([len(data), 34_000])])
        for _ in range(6):
            broken[
                chance.choice([chance.randrange(11, 128), chance.randrange(512, 700), chance.randrange(33_000, 34_000)])
            ] ^= 1 << chance.randrange(8)
        open_with("disks", bytes(broken), kind="disk", room=1 << 20)


@pytest.mark.skipif(shutil.which("mke2fs") is None, reason="no mke2fs")
@pytest.mark.parametrize("kind", ["ext2", "ext3", "ext4", "ext4 -O inline_data"])
@pytest.mark.parametrize("block", [1024, 4096])
def test_ext(tmp_path: Path, kind: str, block: int) -> None:
    contents = {
        "a.txt": b"hello " * 100,
        "empty": b"",
        "d/large.bin": random.Random(1).randbytes(600_000),
        "d/hole": bytes(300_000) + b"end",
        **{f"d/e/{number}": b"%d" % number for number in range(60)},
    }
    for name, data in contents.items():
        (tmp_path / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "files" / name).write_bytes(data)
    (tmp_path / "files" / "link").symlink_to("/etc/passwd")
    command = ["mke2fs", "-q", "-b", str(block), "-t", *kind.split(), "-d", "files", "image", "8M"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    image = (tmp_path / "image").read_bytes()
    assert identify(image, "a.img").name == "disk"
    opened = open_with("disks", image)
    assert opened.files == contents
    assert not opened.short
    chance = random.Random(2)
    for _ in range(12):
        broken = bytearray(image)
        for _ in range(40):
            broken[chance.choice([chance.randrange(1024, 1300), chance.randrange(2048, 300_000)])] = chance.randrange(
                256
            )
        open_with("disks", bytes(broken), kind="disk", room=4 << 20)


def test_ext_that_points_to_itself_ends() -> None:
    """A table of places whose entries are itself, three deep, holds a thousand millions of nothing."""
    image = bytearray(64 << 10)
    image[1080:1082] = b"\x53\xef"
    struct.pack_into("<II", image, 1024, 16, 64)
    struct.pack_into("<IIIII", image, 1044, 1, 0, 8192, 0, 16)
    struct.pack_into("<I", image, 2048 + 8, 4)
    root = 4096 + 128
    struct.pack_into("<HHI", image, root, 0x41ED, 0, 1 << 20)
    struct.pack_into("<I", image, root + 40 + 56, 8)
    image[8192:9216] = struct.pack("<256I", *[8] * 256)
    opened = open_with("disks", bytes(image), kind="disk", room=1 << 20)
    assert not opened.files


def test_ntfs_and_its_other_streams() -> None:
    assert identify(NTFS, "").name == "disk"
    opened = open_with("disks", NTFS)
    assert opened.files == {**FILES, "read me.txt:Zone.Identifier": b"[ZoneTransfer]"}


@pytest.mark.parametrize("joliet", [True, False])
def test_iso(joliet: bool) -> None:
    data = images.iso(FILES, joliet=joliet)
    assert identify(data, "").name == "iso"
    assert open_with("disks", data).files == named(FILES, "sub/")


def test_udf() -> None:
    data = images.udf(FILES)
    assert open_with("disks", data, kind="iso").files == FILES


@pytest.mark.skipif(shutil.which("mksquashfs") is None, reason="no mksquashfs")
@pytest.mark.parametrize("packing", ["gzip", "xz", "zstd", "lz4"])
def test_squashfs(tmp_path: Path, packing: str) -> None:
    (tmp_path / "files/sub").mkdir(parents=True)
    contents = {
        "a.txt": b"hello " * 100,
        "sub/large.bin": random.Random(1).randbytes(200_000) + bytes(200_000),
        "e": b"",
    }
    for name, data in contents.items():
        (tmp_path / "files" / name).write_bytes(data)
    command = ["mksquashfs", "files", "image", "-comp", packing, "-quiet"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    image = (tmp_path / "image").read_bytes()
    assert open_with("disks", image).files == contents
    chance = random.Random(2)
    for _ in range(20):
        broken = bytearray(image)
        for _ in range(8):
            head, tail = chance.randrange(96), chance.randrange(len(image) - 2000, len(image))
            broken[chance.choice([head, tail])] = chance.randrange(256)
        open_with("disks", bytes(broken), kind="squashfs", room=4 << 20)


def test_partitions() -> None:
    data = images.mbr(FAT, NTFS)
    assert identify(data, "").name == "disk"
    found = open_with("disks", data).files
    assert found == {
        **named(FILES, "partition 1/"),
        **named(FILES, "partition 2/"),
        "partition 2/read me.txt:Zone.Identifier": b"[ZoneTransfer]",
    }


@pytest.mark.parametrize("maker", MAKERS)
def test_virtual_disks(maker: str) -> None:
    data = MAKERS[maker](FAT)
    assert identify(data, "").name == "vhd"
    assert open_with("disks", data).files == FILES


def test_a_disk_that_builds_on_another_is_said() -> None:
    data = bytearray(images.vhd(FAT))
    data[63] = data[-512 + 63] = 4
    opened = open_with("disks", bytes(data))
    assert not opened.files
    assert "builds on another" in opened.closed["(the disk)"]
    assert opened.short


def test_a_hidden_program_is_told_of() -> None:
    program = next(name for name in FILES if name.endswith(".exe"))
    for data in (images.fat12(FILES, hidden=[program]), images.iso(FILES, hidden=[program])):
        assert open_with("disks", data).found == {"data-hidden-program"}
    assert not open_with("disks", images.fat12(FILES, hidden=["read me.txt"])).found


@pytest.mark.parametrize("mark", [(1080, b"\x53\xef"), (1024, b"H+\0\4"), (3, b"EXFAT   ")])
def test_the_mark_of_another_file_system_hides_nothing(mark: tuple[int, bytes]) -> None:
    data = bytearray(images.iso(FILES))
    data[mark[0] : mark[0] + len(mark[1])] = mark[1]
    struct.pack_into(">I", data, 1064, 4096)  # a block, for the one
    data[108] = 9  # a sector, for the other
    assert open_with("disks", bytes(data), kind="iso").files == named(FILES, "sub/")


def test_no_file_system_is_said() -> None:
    opened = open_with("disks", bytes(4096), kind="disk")
    assert "no file system" in opened.short[0]


def test_too_much_is_left_alone() -> None:
    opened = open_with("disks", FAT, room=1000)
    assert "too large" in opened.closed["A program with a long name.exe"]
    assert opened.short


@pytest.mark.parametrize(
    "data", [FAT[:40960], NTFS, images.iso(FILES), images.udf(FILES)], ids=["fat", "ntfs", "iso", "udf"]
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=12), cut=st.floats(0.01, 1))
def test_damaged_images_end_in_outputs(data: bytes, changes: list[tuple[int, int]], cut: float) -> None:
    broken = bytearray(data[: int(len(data) * cut)])
    for at, byte in changes:
        broken[at % len(broken)] = byte
    open_with("disks", bytes(broken), kind="disk")


@pytest.mark.parametrize("maker", MAKERS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, 2048), st.integers(0, 255)), max_size=8))
def test_damaged_virtual_disks_end_in_outputs(maker: str, changes: list[tuple[int, int]]) -> None:
    broken = bytearray(MAKERS[maker](FAT[:40960]))
    for at, byte in changes:
        broken[at] = byte
    open_with("disks", bytes(broken), kind="vhd")
