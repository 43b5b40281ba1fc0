"""What a guest is made from. Everything that decides an image's content is in its recipe, and its hash names the image.

A profile is a folder below `guest/`: `profile.toml`, `files/` (copied over the root), `setup.sh` (run inside the root),
`src/` with a Makefile (compiled in the builder root), `trim.txt` (removed at the end).
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lazaretto.domain.errors import Unsupported
from lazaretto.sandbox.machine import hardware

GUEST = Path(__file__).parent.parent / "guest"
PERSONA = Path(__file__).parent.parent / "persona"
# What writes an image's manifest.json.
MANIFEST = (Path(__file__).parent / "furnish.py", Path(__file__).parent.parent / "account/manifest.py")
PROFILES = ("linux", "windows", "office")

SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
# Raised when the builder makes something else from the same recipe.
BUILDER_VERSION = 1
# The guest's only way out, at which the pretended internet begins, and its name server (guest/internet/network.py).
GATEWAY = "192.168.178.1"

_IGNORED = {"__pycache__", "README.md"}


@dataclass(frozen=True)
class Recipe:
    """The recipe of one root: the tools' (`name` "tools"), the builder's, or a profile's."""

    name: str
    folder: Path
    packages: tuple[str, ...]
    architectures: tuple[str, ...]
    session: dict[str, Any]
    settings: dict[str, Any]  # the whole profile.toml

    @property
    def packages_digest(self) -> str:
        """Names the bare root: Debian with the packages, before anything of ours is in it."""
        parts = [str(BUILDER_VERSION), SUITE, *self.architectures, "", *self.packages]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    @property
    def digest(self) -> str:
        """Names the root: 16 hexadecimal digits over everything that goes into it."""
        parts = [str(BUILDER_VERSION), SUITE, *_contents(self.folder)]
        if self.name in PROFILES:
            parts += _contents(PERSONA)
            parts += [_sum(path) for path in MANIFEST]
        if self.name == "tools":
            for part in ("keeper", "tracer", "internet", "human"):
                parts += _contents(GUEST / part)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def load(name: str) -> Recipe:
    """The recipe of that name; raises `Unsupported` if there is none."""
    folder = GUEST / name
    table = folder / "profile.toml"
    if not table.is_file():
        raise Unsupported(f"there is no guest profile {name!r}; there are: {', '.join(PROFILES)}")
    settings = tomllib.loads(table.read_text())
    image = settings.get("image", {})
    return Recipe(
        name=name,
        folder=folder,
        packages=tuple(image.get("packages", ())),
        architectures=tuple(image.get("architectures", ("amd64",))),
        session=settings.get("session", {}),
        settings=settings,
    )


def authority_digest() -> str:
    """Names the certificate authority of the guests: by what makes it, and the root in which it is made."""
    parts = [load("tools").packages_digest, _sum(GUEST / "internet/certificates.py")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def image_digest(profile: str, qemu_version: str) -> str:
    """Names a finished image: its root, the tools, the kernel's arguments, and the machine that its state fits."""
    machine = hardware.arguments(
        hardware.Hardware(kernel="k", initrd="i", disks=((0, 0), (1, 0), (2, 0)), qmp=3, ports=(4, 5, 6), console=7)
    )
    parts = [load("builder").digest, load("tools").digest, load(profile).digest, qemu_version, *machine]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _contents(folder: Path) -> Iterable[str]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if _IGNORED.intersection(name.parts):
            continue
        if path.is_symlink():
            yield f"{name} -> {path.readlink()}"
        elif path.is_file():
            mode = "x" if path.stat().st_mode & 0o100 else "-"
            yield f"{name} {mode} {_sum(path)}"


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
