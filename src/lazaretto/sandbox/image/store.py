"""The finished images on disk.

    HOME/images/PROFILE-DIGEST/     vmlinuz, initrd, tools.squashfs, root.squashfs, state.lz4, manifest.json, sums.json
    HOME/parts/KIND-DIGEST/         finished parts of a build, by which an interrupted one goes on
    HOME/run/                       for machines; holds no file with a name

A folder without `sums.json` is unfinished: it is written last. Folders are moved into place whole.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from lazaretto.domain.errors import ImageBroken, ImageMissing
from lazaretto.domain.progress import Listener, nobody
from lazaretto.sandbox.image import recipe
from lazaretto.sandbox.machine.process import MachineFiles

FILES = ("vmlinuz", "initrd", "tools.squashfs", "root.squashfs", "state.lz4", "manifest.json")


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """One finished image. `size` is bytes on disk, `current` whether today's recipe would make the same."""

    profile: str
    digest: str
    path: Path
    size: int = 0
    current: bool = True

    def files(self) -> MachineFiles:
        return MachineFiles(
            kernel=self.path / "vmlinuz",
            initrd=self.path / "initrd",
            disks=(self.path / "tools.squashfs", self.path / "root.squashfs"),
        )

    @property
    def packed_state(self) -> Path:
        """The warm state, see `machine.state`."""
        return self.path / "state.lz4"

    def manifest(self) -> dict[str, Any]:
        return msgspec.json.decode((self.path / "manifest.json").read_bytes(), type=dict[str, Any])


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """What `verify` found of one image: `problems` is empty when it is as it was built."""

    image: Image
    problems: tuple[str, ...] = ()


def default_home() -> Path:
    """Where images live: LAZARETTO_HOME, /var/lib/lazaretto for root, the user's data folder otherwise."""
    if given := os.environ.get("LAZARETTO_HOME"):
        return Path(given)
    if os.geteuid() == 0:
        return Path("/var/lib/lazaretto")
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local/share") / "lazaretto"


@cache
def qemu_version() -> str:
    """The first line of QEMU's --version: a saved state fits only the QEMU that made it."""
    try:
        said = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise ImageMissing("QEMU is not installed: run 'lazaretto doctor'") from error
    return said.splitlines()[0]


def sum_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class ImageStore:
    """The images below `home`."""

    # Annotations below `list` would mean that method, so they say Sequence.

    def __init__(self, home: Path | None = None) -> None:
        self.home = home or default_home()

    @property
    def run_directory(self) -> Path:
        return self.home / "run"

    def list(self) -> list[Image]:
        """All finished images, by profile."""
        found = []
        for folder in sorted((self.home / "images").glob("*-*")):
            profile, _, digest = folder.name.rpartition("-")
            if (folder / "sums.json").is_file():
                size = sum(path.stat().st_blocks * 512 // max(path.stat().st_nlink, 1) for path in folder.iterdir())
                current = profile in recipe.PROFILES and recipe.image_digest(profile, qemu_version()) == digest
                found.append(Image(profile=profile, digest=digest, path=folder, size=size, current=current))
        return found

    def find(self, profile: str) -> Image:
        """The profile's current image; raises `ImageMissing` with the command that makes it."""
        digest = recipe.image_digest(profile, qemu_version())
        folder = self.home / "images" / f"{profile}-{digest}"
        if not (folder / "sums.json").is_file():
            raise ImageMissing(f"the guest image {profile!r} is not built: run 'lazaretto image build {profile}'")
        return Image(profile=profile, digest=digest, path=folder)

    def build(self, profiles: tuple[str, ...] = recipe.PROFILES, progress: Listener = nobody) -> Sequence[Image]:
        """Build what is missing; see `build.Builder`."""
        from lazaretto.sandbox.image.build import Builder  # noqa: PLC0415 - heavy, and it needs this module

        return Builder(self, progress).build(profiles)

    def verify(self) -> Sequence[Check]:
        """Compare every file of every image with what was written when it was built."""
        return [self._verify(image) for image in self.list()]

    def _verify(self, image: Image) -> Check:
        problems = []
        try:
            sums = msgspec.json.decode((image.path / "sums.json").read_bytes(), type=dict[str, str])
        except (OSError, msgspec.MsgspecError) as error:
            return Check(image=image, problems=(f"sums.json: {error}",))
        for name in FILES:
            path = image.path / name
            if not path.is_file():
                problems.append(f"{name} is missing")
            elif sum_file(path) != sums.get(name):
                problems.append(f"{name} is not the file that was built")
        return Check(image=image, problems=tuple(problems))

    def remove(self, names: tuple[str, ...] = ()) -> Sequence[Image]:
        """Remove the images of these profiles (or PROFILE-DIGEST names); without names all, and all parts."""
        removed = []
        for image in self.list():
            if not names or image.profile in names or image.path.name in names:
                shutil.rmtree(image.path)
                removed.append(image)
        if not names:
            shutil.rmtree(self.home / "parts", ignore_errors=True)
        elif not removed:
            raise ImageBroken(f"no image is called {' or '.join(names)}; 'lazaretto image list' shows what there is")
        return removed
