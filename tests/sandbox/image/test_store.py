"""Images on disk: found by the recipe's hash, checked, removed. The images here are made up."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from lazaretto.domain.errors import ImageBroken, ImageMissing
from lazaretto.sandbox.image import recipe, store
from lazaretto.sandbox.image.store import FILES, ImageStore, sum_file

VERSION = "QEMU emulator version 7.2"


@pytest.fixture(autouse=True)
def qemu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "qemu_version", lambda: VERSION)


def make(home: Path, profile: str, digest: str = "") -> Path:
    folder = home / "images" / f"{profile}-{digest or recipe.image_digest(profile, VERSION)}"
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_text(f"{profile} {name}")
    (folder / "manifest.json").write_text('{"profile": "x"}')
    (folder / "sums.json").write_bytes(msgspec.json.encode({name: sum_file(folder / name) for name in FILES}))
    return folder


def test_find(tmp_path: Path) -> None:
    images = ImageStore(tmp_path)
    with pytest.raises(ImageMissing, match="lazaretto image build linux"):
        images.find("linux")
    folder = make(tmp_path, "linux")
    found = images.find("linux")
    assert found.path == folder
    assert found.manifest() == {"profile": "x"}
    assert found.files().disks == (folder / "tools.squashfs", folder / "root.squashfs")


def test_an_image_of_another_recipe_is_not_found(tmp_path: Path) -> None:
    make(tmp_path, "linux", "0123456789abcdef")
    images = ImageStore(tmp_path)
    with pytest.raises(ImageMissing):
        images.find("linux")
    (listed,) = images.list()
    assert (listed.profile, listed.digest, listed.current) == ("linux", "0123456789abcdef", False)


def test_an_unfinished_image_is_none(tmp_path: Path) -> None:
    (make(tmp_path, "linux") / "sums.json").unlink()
    images = ImageStore(tmp_path)
    assert images.list() == []
    with pytest.raises(ImageMissing):
        images.find("linux")


def test_list_and_sizes(tmp_path: Path) -> None:
    for profile in ("office", "linux"):
        make(tmp_path, profile)
    (tmp_path / "images/.linux-scratch").mkdir()
    listed = ImageStore(tmp_path).list()
    assert [image.profile for image in listed] == ["linux", "office"]
    assert all(image.current and image.size > 0 for image in listed)


def test_verify(tmp_path: Path) -> None:
    folder = make(tmp_path, "linux")
    images = ImageStore(tmp_path)
    assert [check.problems for check in images.verify()] == [()]
    (folder / "initrd").write_text("another")
    (folder / "vmlinuz").unlink()
    (check,) = images.verify()
    assert check.problems == ("vmlinuz is missing", "initrd is not the file that was built")
    (folder / "sums.json").write_text("{")
    (check,) = images.verify()
    assert check.problems[0].startswith("sums.json: ")


def test_remove(tmp_path: Path) -> None:
    old, new, office = make(tmp_path, "linux", "0" * 16), make(tmp_path, "linux"), make(tmp_path, "office")
    parts = tmp_path / "parts/boot-1"
    parts.mkdir(parents=True)
    images = ImageStore(tmp_path)
    assert [image.path for image in images.remove((old.name,))] == [old]
    assert [image.path for image in images.remove(("linux",))] == [new]
    with pytest.raises(ImageBroken, match="no image is called linux"):
        images.remove(("linux",))
    assert parts.exists()
    assert [image.path for image in images.remove()] == [office]
    assert not parts.exists()
    assert images.remove() == []


def test_names_are_not_paths(tmp_path: Path) -> None:
    make(tmp_path, "linux")
    outside = tmp_path / "outside"
    outside.mkdir()
    with pytest.raises(ImageBroken):
        ImageStore(tmp_path).remove(("../outside",))
    assert outside.exists()


def test_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAZARETTO_HOME", "/somewhere")
    assert store.default_home() == Path("/somewhere")
    monkeypatch.delenv("LAZARETTO_HOME")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert store.default_home() == Path("/data/lazaretto")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert store.default_home() == Path("/var/lib/lazaretto")
