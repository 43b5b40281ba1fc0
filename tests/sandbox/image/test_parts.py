"""Parts of a build: made once, found again, and only whole ones are."""

from __future__ import annotations

import os
import struct
import threading
from pathlib import Path

import pytest

from lazaretto.domain.errors import ImageBroken
from lazaretto.domain.progress import Progress
from lazaretto.sandbox.image import roots
from lazaretto.sandbox.image.build import Builder
from lazaretto.sandbox.image.store import ImageStore


def test_a_finished_part_is_found_again(tmp_path: Path) -> None:
    told: list[Progress] = []
    builder = Builder(ImageStore(tmp_path), told.append)
    made = []

    def make(out: Path, say: roots.Say) -> None:
        made.append(out)
        say("packing")
        (out / "root").write_text("root")

    first = builder._part("linux", "a" * 16, make)
    assert builder._part("linux", "a" * 16, make) == first
    assert (first / "root").read_text() == "root"
    assert len(made) == 1
    assert {progress.detail for progress in told} >= {"packing", "done"}


def test_an_interrupted_part_is_made_anew(tmp_path: Path) -> None:
    builder = Builder(ImageStore(tmp_path), lambda _: None)

    def fail(out: Path, _say: roots.Say) -> None:
        (out / "half").touch()
        raise ImageBroken("the mirror is gone")

    with pytest.raises(ImageBroken):
        builder._part("linux", "a" * 16, fail)
    whole = builder._part("linux", "a" * 16, lambda out, _say: (out / "whole").touch())
    assert [path.name for path in whole.iterdir()] == ["whole"]


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    heard: list[str] = []
    with pytest.raises(ImageBroken, match=r"(?s)sh failed with 3:.*second"):
        roots.run(["sh", "-c", "echo first; echo second >&2; exit 3"], heard.append)
    assert heard == ["first", "second"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount and change roots")
def test_commands_in_one_root_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two parts are compiled in the same builder at a time; whatever is mounted there is gone with the command."""
    for name in ("proc", "sys", "dev", "usr"):
        (tmp_path / name).mkdir()
    for name in ("bin", "lib", "lib64"):
        (tmp_path / name).symlink_to(f"usr/{name}")
    # the programs of this computer, for the test alone
    with_programs = roots._INSIDE.replace("exec chroot", 'mount --bind /usr "$root/usr"\nexec chroot')
    monkeypatch.setattr(roots, "_INSIDE", with_programs)
    heard: list[list[str]] = [[], []]

    def work(number: int) -> None:
        script = "ls /proc/self/status /sys/kernel /dev/shm >/dev/null && sleep 0.3 && cat /proc/net/dev | wc -l"
        roots.run_inside(tmp_path, ["/bin/sh", "-ec", script], heard[number].append, network=False)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == [["3"], ["3"]]
    assert str(tmp_path) not in Path("/proc/mounts").read_text()


def test_kernel_payload_is_cut_out_by_its_header() -> None:
    image = bytearray(4096)
    image[0x1F1] = 3
    struct.pack_into("<II", image, 0x248, 100, 50)
    begin = 4 * 512 + 100
    image[begin : begin + 50] = b"p" * 46 + b"size"
    assert roots.kernel_payload(bytes(image)) == b"p" * 46
