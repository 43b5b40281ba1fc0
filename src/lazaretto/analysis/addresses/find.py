"""Indicators in a text: what is found, what is left out."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
import string
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from lazaretto.analysis.addresses.wallets import wallets
from lazaretto.analysis.addresses.world import World
from lazaretto.analysis.engine import Indicator

MOST = 400  # of one kind
_MOST_TRIED = 20_000  # of one kind

# Each is looked for from the mark that it must have, which the search for a fixed text finds quickly.
_SCHEME = re.compile(r"(?i)(?:https?|hxxps?|ftps?|wss?|stratum\+(?:tcp|ssl)|tcp|ldaps?)\Z")
_REST = re.compile(r"[^\s\"'<>\\^`{|}\x7f]{3,2000}")
_NAME = re.compile(
    r"(?<![\w.@/\\$%#*+=&-])[A-Za-z0-9][A-Za-z0-9-]{0,62}(?:\.[A-Za-z0-9][A-Za-z0-9-]{0,62}){1,8}(?![\w.(@\\=\[-])"
)
_ADDRESS = re.compile(r"(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w.-])")
# The first dot of a name and of an address: rare, and found as a fixed text; the whole patterns
# would be tried everywhere.
_DOT = re.compile(r"\.(?<=[A-Za-z0-9-].)(?=[A-Za-z0-9])")
_NAME_LETTERS, _DIGITS = string.ascii_letters + string.digits + "-", string.digits
_LOCAL = re.compile(r"[A-Za-z0-9._%+-]{1,64}\Z")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])")
_ONION = re.compile(r"(?<![a-z2-7])[a-z2-7]{56}\Z")
_HIVE = re.compile(
    r"(?i)(?<![a-z0-9_\\])(?:HKEY_(?:LOCAL_MACHINE|CURRENT_USER|CLASSES_ROOT|USERS|CURRENT_CONFIG)|HK(?:LM|CU|CR|U)):?\Z"
)
_KEY = re.compile(r"\\[^\x00-\x1f\"'<>|,;%]{3,200}")
_TRAILING = ".,;:!?)]}*'\"_~"


def indicators(text: str, world: World, *, code: bool) -> Iterator[Indicator]:
    """Everything by which others can look for the same. `code`: the text is a program's or a script's, where names with
    dots are mostly parts of the program, so only whole words between quotes or blanks count as domains."""
    yield from _kind("url", (url for url in urls(text) if _counts(url, world)))
    yield from _kind("onion", onions(text))
    yield from _kind("wallet", wallets(text))
    yield from _kind("ip", _addresses(text))
    yield from _kind("email", _mails(text, world))
    yield from _kind("domain", _domains(text, world, code=code))
    yield from _kind("registry", _registry(text))


def urls(text: str) -> Iterator[str]:
    """Addresses as they stand, without the punctuation of the sentence around them."""
    for at in _marks("://", text):
        scheme, rest = _SCHEME.search(text, max(0, at - 12), at), _REST.match(text, at + 3)
        if not scheme or not rest:
            continue
        url = f"{scheme[0]}://{rest[0]}"
        # a bracket belongs to the address if it was opened in it
        while url and url[-1] in _TRAILING and not (url[-1] == ")" and url.count("(") >= url.count(")")):
            url = url[:-1]
        if re.match(r"(?i)hxxp", url):
            url = f"http{url[4:]}"
        yield url


def split(url: str) -> SplitResult | None:
    """The parts of an address; None if it is none."""
    try:
        parts = urlsplit(url)
        return parts if parts.hostname else None
    except ValueError:
        return None


def host_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host of a URL is, in any of the spellings that browsers take; None for a name.

    0x7f000001, 2130706433, 0177.0.0.1 and 127.1 are all the same one (WHATWG URL, "IPv4 parser")."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    parts = host.split(".")
    if not 1 <= len(parts) <= 4 or not all(re.fullmatch(r"(?i)0x[0-9a-f]{1,8}|[0-9]{1,11}", part) for part in parts):
        return None
    try:
        numbers = [int(part, 16 if part[:2].lower() == "0x" else 8 if part[0] == "0" else 10) for part in parts]
    except ValueError:
        return None
    last = numbers.pop()
    if any(number > 255 for number in numbers) or last >= 256 ** (4 - len(numbers)):
        return None
    return ipaddress.IPv4Address(sum(number << (24 - 8 * at) for at, number in enumerate(numbers)) + last)


def onions(text: str) -> Iterator[str]:
    """Names of version 3 whose checksum is right (Tor's rend-spec-v3, "Encoding onion addresses")."""
    for at in _marks(".onion", text):
        found = _ONION.search(text, max(0, at - 57), at)
        if not found:
            continue
        raw = base64.b32decode(found[0].upper())
        key, check, version = raw[:32], raw[32:34], raw[34:]
        if version == b"\x03" and hashlib.sha3_256(b".onion checksum" + key + version).digest()[:2] == check:
            yield f"{found[0]}.onion"


def _counts(url: str, world: World) -> bool:
    parts = split(url)
    if parts is None or parts.hostname is None:
        return False
    host = parts.hostname
    if address := host_address(host):
        return address.is_global
    return (world.is_domain(host) or host.endswith(".onion")) and not world.is_benign(host)


def _domains(text: str, world: World, *, code: bool) -> Iterator[str]:
    for found in _some(_NAME, text, _NAME_LETTERS, 63):
        name = found[0]
        end = name.rpartition(".")[2].lower()
        if end not in world.tlds or name not in {name.lower(), name.upper()}:
            continue
        usual = end in world.plain_tlds if code else end not in world.ambiguous_tlds
        if not usual and not name.lower().startswith("www."):
            continue
        if code and not _alone(text, found):
            continue
        if world.is_domain(name) and not world.is_benign(name):
            yield name.lower()


def _alone(text: str, found: re.Match[str]) -> bool:
    before, after = text[max(0, found.start() - 1) : found.start()], text[found.end() : found.end() + 1]
    return before in {"", "\n", '"', "'", "`"} and after in {"", "\n", '"', "'", "`", ":", "/"}


def _mails(text: str, world: World) -> Iterator[str]:
    for at in _marks("@", text):
        local, domain = _LOCAL.search(text, max(0, at - 64), at), _DOMAIN.match(text, at + 1)
        if not local or not domain or not local[0][0] != "." != local[0][-1]:
            continue
        if world.is_domain(domain[0]) and not world.is_benign(domain[0]):
            yield f"{local[0]}@{domain[0]}"


def _registry(text: str) -> Iterator[str]:
    for at in _marks("\\", text):
        if hive := _HIVE.search(text, max(0, at - 22), at):
            key = _KEY.match(text, at)
            if key and len(key[0]) > 4:
                yield f"{hive[0]}{key[0]}".rstrip(" .\\")


def _addresses(text: str) -> Iterator[str]:
    for found in _some(_ADDRESS, text, _DIGITS, 3):
        octets = [int(part) for part in found[0].split(".")]
        if max(octets) > 255 or any(
            part != str(octet) for part, octet in zip(found[0].split("."), octets, strict=True)
        ):
            continue
        # four small numbers are a version, or the beginning of an object identifier
        if octets.count(0) > 1 or sum(octet >= 10 for octet in octets) < 2 or max(octets) < 32:
            continue
        if ipaddress.IPv4Address(found[0]).is_global:
            yield found[0]


def _marks(mark: str, text: str) -> Iterator[int]:
    """Where the mark stands."""
    at = text.find(mark)
    for _ in range(_MOST_TRIED):
        if at < 0:
            return
        yield at
        at = text.find(mark, at + 1)


def _some(pattern: re.Pattern[str], text: str, letters: str, most: int) -> Iterator[re.Match[str]]:
    """What `pattern.finditer` gives, for a pattern of at most so many of these letters before its first dot,
    and none of them right before it."""
    number = end = 0
    for dot in _DOT.finditer(text):
        at = dot.start()
        before = text[max(end, at - most - 1) : at]
        begin = at - len(before) + len(before.rstrip(letters))
        if at < end or at - begin > most or not (found := pattern.match(text, begin)):
            continue
        number, end = number + 1, found.end()
        yield found
        if number >= _MOST_TRIED:
            return


def _kind(kind: str, values: Iterator[str]) -> Iterator[Indicator]:
    seen: dict[str, None] = {}
    for value in values:
        if value not in seen:
            seen[value] = None
            yield Indicator(kind=kind, value=value)
        if len(seen) >= MOST:
            return
