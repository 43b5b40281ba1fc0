"""What is known of names in the world (`catalogue/indicators.yaml`): ends of domains, names that say nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from lazaretto.analysis.engine import Brought
from lazaretto.analysis.rulefiles import LINE, default_folder, parse
from lazaretto.domain.errors import CatalogueError


class World(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Lists of names, lower case. The file says what each is for."""

    tlds: frozenset[str]
    ambiguous_tlds: frozenset[str]
    plain_tlds: frozenset[str]
    second_levels: frozenset[str]
    shared: frozenset[str]
    benign: frozenset[str]
    drops: frozenset[str]
    programs: frozenset[str]
    shorteners: frozenset[str]

    def is_domain(self, name: str) -> bool:
        """Whether this can be a name of the public internet."""
        labels = name.lower().split(".")
        return (
            2 <= len(labels) <= 12
            and len(name) <= 253
            and labels[-1] in self.tlds
            and all(0 < len(label) <= 63 and label[0] != "-" != label[-1] for label in labels)
        )

    def is_benign(self, name: str) -> bool:
        """Whether this name or one above it is on the list of those that say nothing."""
        labels = name.lower().rstrip(".").split(".")
        return any(".".join(labels[at:]) in self.benign for at in range(len(labels)))

    def registered(self, name: str) -> str:
        """The part of a domain that somebody registered: `a.example.co.uk` -> `example.co.uk`, `x.github.io` -> itself.

        By the two rules in the data and not by the whole Public Suffix List, which is thirty times as long.
        """
        labels = name.lower().rstrip(".").split(".")
        keep = 2
        for at in range(len(labels) - 1):
            if ".".join(labels[at:]) in self.shared:
                keep = len(labels) - at + 1
                break
        else:
            if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in self.second_levels:
                keep = 3
        return ".".join(labels[-keep:])


def brought(folder: Path | None = None) -> Brought:
    """The lists of the catalogue for the warden. Raises `CatalogueError`."""
    world, version = read(folder)
    return Brought(msgspec.msgpack.encode(world), version)


def read(folder: Path | None = None) -> tuple[World, str]:
    """The lists of the catalogue and the hash of their text. Raises `CatalogueError`."""
    file = (folder or default_folder()) / "indicators.yaml"
    text = file.read_text("utf-8")
    lists = parse(str(file), text)
    lists.pop(LINE, None)
    try:
        world = msgspec.convert({name: str(words).split() for name, words in lists.items()}, World)
    except msgspec.ValidationError as error:
        raise CatalogueError(str(file), 0, "", "", str(error)) from error
    return world, hashlib.sha256(text.encode()).hexdigest()[:12]


_decoder = msgspec.msgpack.Decoder(World)


def decoded(data: bytes) -> World:
    """What `brought` made."""
    return _decoder.decode(data)
