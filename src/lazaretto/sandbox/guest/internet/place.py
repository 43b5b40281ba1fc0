"""Where the guest pretends to be. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the guest pretends to be, as sites that tell one's address see it."""

    address: str = "91.64.137.52"
    country: str = "Germany"
    code: str = "DE"
    region: str = "Bavaria"
    city: str = "Munich"
    postcode: str = "80331"
    latitude: float = 48.1374
    longitude: float = 11.5755
    timezone: str = "Europe/Berlin"
    provider: str = "Vodafone Deutschland GmbH"
    network: str = "AS3209"
