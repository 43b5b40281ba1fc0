"""Strings of every file, and the indicators in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lazaretto.analysis.addresses import world as known
from lazaretto.analysis.addresses.find import host_address, indicators, split, urls
from lazaretto.analysis.addresses.texts import texts
from lazaretto.analysis.addresses.world import World
from lazaretto.analysis.engine import Brought, Engine, Fact, Finding, Indicator, Output, Subject
from lazaretto.domain.sample import Category


def _brings(_: Mapping[str, Any]) -> Brought:
    return known.brought()


ENGINE = Engine(
    name="indicators",
    version="1",
    module="lazaretto.analysis.engines.indicators",
    wants=lambda kind: kind.name != "empty",
    sees="addresses, wallets, onion names, registry paths in any file's strings, without those that say nothing",
    brings=_brings,
)

_TEXTS = {"text", "html", "xml", "json"}
_ACTIVE = {Category.EXECUTABLE, Category.SCRIPT}
_ACTIVE_TYPES = {"lnk", "hta", "url", "msi", "reg", "jar"}
_MOST_URLS = 2_000
_world: list[World] = []  # of this process: one


def take(data: bytes) -> None:
    """The lists, read once for all files of this process."""
    _world[:] = [known.decoded(data)]


def examine(subject: Subject) -> Iterator[Output]:
    world = _world[0]
    text = _decoded(subject.data) if subject.kind.name in _TEXTS else texts(subject.data)
    code = subject.kind.category in _ACTIVE or subject.kind.name in {"data", "jar"}
    counts: dict[str, int] = {}
    for found in indicators(text, world, code=code):
        counts[found.kind] = counts.get(found.kind, 0) + 1
        yield found
        yield from _of_one(found, subject)
    yield from _of_addresses(text, world, subject)
    if counts:
        yield Fact(name="indicators", value=tuple(f"{kind}: {count}" for kind, count in sorted(counts.items())))


def _decoded(data: bytes) -> str:
    """A text file's characters, whatever they are written in."""
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
        if data.startswith(mark):
            return data[len(mark) : 8 << 20].decode(encoding, "replace")
    return data[: 8 << 20].decode("utf-8", "replace")


def _of_one(found: Indicator, subject: Subject) -> Iterator[Output]:
    if not _acts(subject):
        return
    if found.kind == "onion":
        yield Finding(id="indicators-onion", detail=found.value)
    if found.kind == "wallet":
        yield Finding(id="indicators-wallet", detail=found.value)


def _of_addresses(text: str, world: World, subject: Subject) -> Iterator[Output]:
    """What an address itself says, whoever it belongs to."""
    for number, url in enumerate(dict.fromkeys(urls(text))):
        parts = split(url) if number < _MOST_URLS else None
        if parts is None or parts.hostname is None:
            continue
        address = host_address(parts.hostname)
        if address and parts.hostname != str(address) and not parts.hostname.startswith("[") and address.is_global:
            if _disguised(parts.hostname):
                yield Finding(id="indicators-address-disguised", detail=url)
        elif address and address.is_global and _names_program(parts.path, world) and _acts(subject):
            yield Finding(id="indicators-program-from-address", detail=url)
        bare = url.partition("://")[2].lower()
        if _acts(subject) and any(bare.startswith(drop) and len(bare) > len(drop) for drop in world.drops):
            yield Finding(id="indicators-drop", detail=url)


def _disguised(host: str) -> bool:
    """Whether an address is spelt as nobody spells it who wants it to be read: one number, or hexadecimal ones."""
    return "0x" in host.lower() or host.count(".") < 3


def _names_program(path: str, world: World) -> bool:
    return path.rpartition(".")[2].lower() in world.programs


def _acts(subject: Subject) -> bool:
    return subject.kind.category in _ACTIVE or subject.kind.name in _ACTIVE_TYPES
