"""The list of packages: what an entry of quality/material.toml is."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path

import msgspec


class Registry(StrEnum):
    """Where a package is fetched, and the name of the folder its files are kept in."""

    DEBIAN = "debian"
    PYPI = "pypi"  # the source distribution
    NPM = "npm"


class Package(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One package in one version."""

    registry: Registry
    name: str
    version: str
    what: str  # it is listed for
    odd: str = ""  # what of it is not an ordinary document: test cases that were made broken, locked or with macros
    mails: tuple[str, ...] = ()  # patterns of paths in it that are mails, whatever their ending

    @property
    def key(self) -> str:
        return f"{self.registry} {self.name} {self.version}"


def load(path: Path) -> tuple[Package, ...]:
    """All packages of the list, in its order."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return msgspec.convert(content["package"], tuple[Package, ...])
