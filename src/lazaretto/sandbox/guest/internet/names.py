"""Names and addresses of a world that does not exist: every name has an address, and every address its name.

Addresses are drawn by hash from networks of well-known hosters, so that a name always has the same one, in this guest
and in the next. `Names` remembers what it gave out, which is how a later connection to an address gets its name.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass, field

# Networks in which a program expects servers to be (content networks, clouds, hosters): first address, prefix length.
_POOL = tuple(
    ipaddress.ip_network(text)
    for text in (
        "104.21.0.0/18", "172.67.128.0/17", "151.101.0.0/16", "23.40.0.0/14", "52.84.0.0/15", "13.107.0.0/17",
        "20.50.0.0/16", "34.120.0.0/14", "35.186.0.0/16", "142.250.0.0/16", "46.4.0.0/16", "88.198.0.0/16",
        "51.75.0.0/16", "5.196.0.0/16", "167.99.0.0/16", "185.199.108.0/22", "194.163.128.0/18", "94.130.0.0/16",
    )
)  # fmt: skip
_POOL6 = tuple(
    ipaddress.ip_network(text)
    for text in ("2606:4700:3030::/48", "2a00:1450:4001::/48", "2a01:4f8:c17::/48", "2a04:4e42::/48")
)

# Addresses that many programs know by heart.
_KNOWN = {
    "dns.google": "8.8.8.8",
    "one.one.one.one": "1.1.1.1",
    "dns.quad9.net": "9.9.9.9",
    "resolver1.opendns.com": "208.67.222.222",
    "dns.msftncsi.com": "131.107.255.255",  # Windows compares this answer
}

# Never answered by a public resolver: reserved (RFC 6761, 6762, 8375) or only of this LAN. `example` is reserved too,
# but answered: harmless programs that behave like harmful ones use it, since outside it leads nowhere.
_NOWHERE = ("local", "localdomain", "lan", "home", "internal", "invalid", "test", "onion", "home.arpa", "corp")

_SECOND_LEVEL = {"co", "com", "org", "net", "gov", "ac", "edu", "or", "ne"}

LIMIT = 20_000  # names remembered


def normal(name: str) -> str:
    """The name in lower case without a final dot."""
    return name.lower().rstrip(".")


def registered(name: str) -> str:
    """The part of a name that someone registered: `www.a.co.uk` is `a.co.uk`. A guess, good enough to pretend."""
    labels = normal(name).split(".")
    keep = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL else 2
    return ".".join(labels[-keep:])


def looks_random(name: str) -> bool:
    """Whether the registered label looks made by a generator: long, and many digits or hardly any vowels."""
    label = registered(name).split(".")[0]
    if len(label) < 10 or label.startswith("xn--"):
        return False
    digits = sum(character.isdigit() for character in label)
    vowels = sum(character in "aeiouy" for character in label)
    if re.search(r"[bcdfghjklmnpqrstvwxz]{6}", label):
        return True
    return digits >= 4 or vowels * 6 < len(label) - digits


@dataclass
class Names:
    """What resolves to what.

    `zone` is the LAN's own domain; `gateway_name` in it is the router. `refuse_random`: names that look made by a
    generator do not exist. Off by default, so that a sample that tries its generated names reaches its first one; on,
    a sample that checks whether nonsense resolves finds an honest internet.
    """

    gateway: str = "192.168.178.1"
    gateway6: str = ""
    session: str = "192.168.178.34"
    hostname: str = ""
    zone: str = "fritz.box"
    refuse_random: bool = False
    _by_address: dict[str, str] = field(default_factory=dict)
    _by_name: dict[tuple[str, int], str] = field(default_factory=dict)

    def exists(self, name: str) -> bool:
        """Whether the name is known to the world at all."""
        name = normal(name)
        if not name or "." not in name or name.split(".")[0] in {"wpad", "isatap"}:
            return False
        if name == self.zone:
            return True
        if name.endswith("." + self.zone):
            return bool(self.hostname) and name == f"{self.hostname.lower()}.{self.zone}"
        if any(name == end or name.endswith("." + end) for end in _NOWHERE):
            return False
        return not (self.refuse_random and looks_random(name))

    def address(self, name: str, version: int) -> str:
        """The address of a name that exists, "" if it has none of this version (4 or 6)."""
        name = normal(name)
        if name == self.zone:
            return self.gateway if version == 4 else self.gateway6
        if name.endswith("." + self.zone):
            return self.session if version == 4 else ""
        known = self._by_name.get((name, version))
        if known is None:
            known = _KNOWN.get(name, "") if version == 4 else ""
            known = known or self._draw(name, version)
            if len(self._by_address) < LIMIT:
                self._by_name[name, version] = known
                self._by_address[known] = name
        return known

    def name(self, address: str) -> str:
        """The name under which the address was given out, "" if it was not."""
        return self._by_address.get(address, "")

    def _draw(self, name: str, version: int) -> str:
        # Another try when two names meet on one address: a connection must tell which was meant.
        address = ""
        for attempt in range(8):
            digest = hashlib.blake2s(f"{attempt}/{version}/{name}".encode()).digest()
            pool = _POOL if version == 4 else _POOL6
            network = pool[digest[0] % len(pool)]
            number = int.from_bytes(digest[1:9], "big") % (network.num_addresses - 2) + 1
            if version == 4 and number & 0xFF in {0, 255}:
                number ^= 0x55
            address = str(network[number])
            if self._by_address.get(address, name) == name:
                break
        return address
