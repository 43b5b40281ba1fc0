"""What the host writes on the medium is what the guest's keeper reads; nothing of it has a name on the host."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lazaretto.domain.errors import InputError
from lazaretto.sandbox.guest.keeper.medium import Medium
from lazaretto.sandbox.machine import hardware, medium


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[int]:
    fd = medium.create(tmp_path)
    yield fd
    os.close(fd)


def test_it_has_no_name_and_takes_no_place(tmp_path: Path, disk: int) -> None:
    about = os.fstat(disk)
    assert list(tmp_path.iterdir()) == []
    assert about.st_nlink == 0
    assert about.st_size == medium.SIZE
    assert about.st_blocks == 0
    assert medium.SIZE % hardware.DISK_ALIGNMENT == 0


@pytest.mark.parametrize("size", [0, 1, 4096, (1 << 20) - 1, (1 << 20) + 1, 3_000_000])
def test_the_keeper_reads_what_was_written(tmp_path: Path, disk: int, size: int) -> None:
    sample = tmp_path / "sample"
    sample.write_bytes(os.urandom(size))
    medium.write(disk, medium.JOB, {"name": "ä" * 5000}, sample)
    try:
        reader = Medium(f"/proc/self/fd/{disk}")
    except OSError:
        pytest.skip("this file system cannot read past the page cache")
    assert reader.description(medium.BOOT) is None
    found = reader.description(medium.JOB)
    assert found == ({"name": "ä" * 5000}, size)
    assert b"".join(reader.sample(size)) == sample.read_bytes()
    os.close(reader._fd)


def test_a_boot_has_no_sample(disk: int) -> None:
    medium.write(disk, medium.BOOT, {"profile": "linux"})
    assert os.pread(disk, 8, 0) == medium.BOOT


def test_bounds(tmp_path: Path, disk: int) -> None:
    with pytest.raises(ValueError, match="too long"):
        medium.write(disk, medium.JOB, {"name": "x" * (1 << 20)})
    large = tmp_path / "large"
    large.touch()
    os.truncate(large, medium.MOST_SAMPLE + 1)
    with pytest.raises(InputError):
        medium.write(disk, medium.JOB, {}, large)
    with pytest.raises(InputError):
        medium.write(disk, medium.JOB, {}, tmp_path / "not there")
    assert os.pread(disk, 8, 0) == bytes(8)  # no head: the guest never takes half a job
