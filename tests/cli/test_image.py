"""`lazaretto image build` by an ordinary user: root is needed only where there is something to make."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lazaretto.cli.errors import Exit
from lazaretto.cli.main import run
from lazaretto.domain.errors import ImageMissing
from lazaretto.sandbox.image.store import Image, ImageStore


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Image:
    """A user's home in which the Linux guest, and nothing else, is built."""
    image = Image(profile="linux", digest="0" * 16, path=tmp_path, current=True)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("LAZARETTO_HOME", str(tmp_path))

    def find(_: ImageStore, profile: str) -> Image:
        if profile != "linux":
            raise ImageMissing(f"the guest image {profile!r} is not built")
        return image

    monkeypatch.setattr(ImageStore, "find", find)
    return image


def test_what_is_built_already_needs_no_root(ready: Image, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["image", "build", "linux"]) == Exit.DONE
    assert "1 guest ready" in capsys.readouterr().out


def test_what_is_not_built_is_made_as_root(ready: Image, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["image", "build", "linux", "office"]) == Exit.FAILED
    told = capsys.readouterr().err
    assert "guests are built as root" in told
    assert f"sudo LAZARETTO_HOME={tmp_path}" in told
    assert told.rstrip().endswith("image build linux office")
