"""Who lives in a guest, and what the account must know of the finished machine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from lazaretto.sandbox.account.manifest import GuestManifest, debian_manifest
from lazaretto.sandbox.image.recipe import GATEWAY, Recipe
from lazaretto.sandbox.persona import Canary, make_person, write_linux, write_windows

# The files of a persona count their age back from here: an image is the same whenever it is built.
BASE_DATE = datetime(2026, 9, 14, 8, 30, tzinfo=UTC)


def write_persona(wanted: Recipe, folder: Path) -> tuple[Canary, ...]:
    """Write the files of the recipe's person below `folder`; nothing if the recipe has none.

    Layout "linux": `home/NAME`, `root`; layout "windows": `windows`, the content of the user's folder.
    """
    table = wanted.settings.get("persona")
    if not table:
        return ()
    person = make_person(table["seed"])
    if table.get("layout", "linux") == "windows":
        return write_windows(person, BASE_DATE, folder / "windows")
    return write_linux(person, BASE_DATE, folder, f"/home/{person.user}")


def manifest(wanted: Recipe, canaries: tuple[Canary, ...]) -> GuestManifest:
    """The facts of this image: Debian's, the recipe's own ([manifest] in profile.toml), and the decoys."""
    table = wanted.settings.get("persona")
    user = wanted.session.get("person") or (make_person(table["seed"]).user if table else "user")
    own: Mapping[str, Any] = wanted.settings.get("manifest", {})
    facts = debian_manifest(wanted.name, user, own.get("user_sid", ""), (GATEWAY,))
    merged = msgspec.to_builtins(facts)
    for name, value in own.items():
        if isinstance(value, Mapping):
            merged[name] = {**merged.get(name, {}), **value}
        elif isinstance(value, list):
            merged[name] = [*merged.get(name, []), *value]
        else:
            merged[name] = value
    decoys = {_guest_path(canary.path, facts): canary.kind.value for canary in canaries}
    merged["canaries"] = {**merged.get("canaries", {}), **decoys}
    return msgspec.convert(merged, GuestManifest)


def _guest_path(path: str, facts: GuestManifest) -> str:
    """A canary's path as Linux has it: C:\\users\\anna\\x lies below the root of drive C."""
    for drive in facts.drives:
        if path.startswith(f"{drive.windows}\\"):
            return drive.root + path[len(drive.windows) :].replace("\\", "/")
    return path
