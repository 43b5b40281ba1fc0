"""The pieces a persona is made of: a planned file, and the canary that it may be."""

from __future__ import annotations

import enum
import random
from datetime import datetime, timedelta

import msgspec


class Kind(enum.StrEnum):
    """What a canary is a decoy for; the value is the `canary` of the event `CanaryTouched`. Never renamed."""

    BROWSER_PASSWORDS = "browser-passwords"
    BROWSER_COOKIES = "browser-cookies"
    BROWSER_HISTORY = "browser-history"
    BROWSER_FORMS = "browser-forms"
    BROWSER_KEY = "browser-key"  # the key that opens the browser's stored passwords
    SSH_KEY = "ssh-key"
    CLOUD_KEY = "cloud-key"
    CREDENTIALS = "credentials"  # of other programs: git, netrc, FTP, VPN, package registries
    WALLET = "wallet"
    MAIL = "mail"
    MESSENGER = "messenger"
    DOCUMENT = "document"
    PICTURE = "picture"
    PASSWORD_LIST = "password-list"  # noqa: S105 - the name of a kind
    PASSWORD_SAFE = "password-safe"  # noqa: S105 - the name of a kind
    SHELL_HISTORY = "shell-history"


class Item(msgspec.Struct, frozen=True):
    """One planned file. `path` is relative to the user's home, with `/`; `age` counts back from the base date."""

    path: str
    content: bytes
    age: timedelta
    kind: Kind | None = None
    mode: int = 0o644


class Canary(msgspec.Struct, frozen=True):
    """A decoy in a guest: `path` as the guest's user would write it, `id` unique in the image."""

    id: str
    kind: Kind
    path: str


def stream(*names: object) -> random.Random:
    """A source of choices that depends only on the names: a new file changes nothing about the others."""
    return random.Random("/".join(str(name) for name in names))  # noqa: S311 - decoys must be reproducible


def worked_on(rng: random.Random, youngest: int = 1, oldest: int = 720) -> timedelta:
    """An age in days between the two, the younger the likelier, as files in use are."""
    days = youngest + (oldest - youngest) * rng.random() ** 2
    return timedelta(days=int(days), minutes=rng.randrange(0, 9 * 60), seconds=rng.randrange(60))


def moment(now: datetime, age: timedelta) -> datetime:
    """The time of an age: always within the working hours before the base date, never after it."""
    day = (now - age).replace(hour=8, minute=12, second=0, microsecond=0)
    if day.weekday() == 6:
        day -= timedelta(days=2)
    return min(day + (age - timedelta(days=age.days)), now - timedelta(minutes=3))


_list = msgspec.json.Decoder(tuple[Canary, ...])


def canaries_to_json(canaries: tuple[Canary, ...]) -> bytes:
    """The canaries as the guest's manifest holds them: a JSON list of `{id, kind, path}`."""
    return msgspec.json.format(msgspec.json.encode(canaries), indent=1)


def canaries_from_json(data: bytes) -> tuple[Canary, ...]:
    """The canaries of a manifest. Raises `msgspec.ValidationError` for anything else."""
    return _list.decode(data)
