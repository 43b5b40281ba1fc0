"""What the mail engine is given beforehand: the world's names, brands, phrases, and what the settings add."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from lazaretto.analysis.addresses import world
from lazaretto.analysis.addresses.world import World
from lazaretto.analysis.engine import Brought
from lazaretto.analysis.rulefiles import LINE, default_folder, parse
from lazaretto.domain.errors import CatalogueError


class _Lists(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """`catalogue/mail.yaml`."""

    brands: dict[str, tuple[str, ...]]
    company_words: str
    free_mail: str
    urgency: tuple[str, ...]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Domains and phrases are lower case."""

    world: World
    brands: dict[str, tuple[str, ...]]
    company_words: frozenset[str]
    free_mail: frozenset[str]
    urgency: tuple[str, ...]
    own_domains: tuple[str, ...] = ()
    trusted_servers: tuple[str, ...] = ()


def read(options: Mapping[str, Any], folder: Path | None = None) -> tuple[Known, str]:
    """The catalogue's lists with what the settings add, and a version of both. Raises `CatalogueError`."""
    names, version = world.read(folder)
    file = (folder or default_folder()) / "mail.yaml"
    text = file.read_text("utf-8")
    said = parse(str(file), text)
    said.pop(LINE, None)
    said.get("brands", {}).pop(LINE, None)
    try:
        lists = msgspec.convert(said, _Lists)
    except msgspec.ValidationError as error:
        raise CatalogueError(str(file), 0, "", "", str(error)) from error
    more = {str(name): tuple(domains) for name, domains in dict(options.get("brands", {})).items()}
    known = Known(
        world=names,
        brands={
            name: tuple(domain.lower() for domain in domains) for name, domains in {**lists.brands, **more}.items()
        },
        company_words=frozenset(lists.company_words.split()),
        free_mail=frozenset(lists.free_mail.split()),
        urgency=tuple(phrase.lower() for phrase in lists.urgency),
        own_domains=tuple(str(domain).lower() for domain in options.get("own_domains", ())),
        trusted_servers=tuple(str(name).lower() for name in options.get("trusted_servers", ())),
    )
    digest = hashlib.sha256(f"{version}\0{text}\0{sorted(more.items())}".encode())
    return known, digest.hexdigest()[:12]


def brought(options: Mapping[str, Any]) -> Brought:
    """The same for the warden."""
    known, version = read(options)
    return Brought(msgspec.msgpack.encode(known), version)


_decoder = msgspec.msgpack.Decoder(Known)


def decoded(data: bytes) -> Known:
    """What `brought` made."""
    return _decoder.decode(data)
