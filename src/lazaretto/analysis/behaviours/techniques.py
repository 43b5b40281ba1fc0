"""The techniques of ATT&CK that findings name: `catalogue/techniques.yaml`, id to name and tactics."""

from __future__ import annotations

from pathlib import Path

import msgspec

from lazaretto.analysis.rulefiles import LINE, parse
from lazaretto.domain.errors import CatalogueError

TECHNIQUES = "techniques.yaml"


class Technique(msgspec.Struct, frozen=True, kw_only=True):
    """`tactics` are in ATT&CK's own short form: `defense-evasion`."""

    name: str
    tactics: tuple[str, ...]


def load_techniques(folder: Path) -> dict[str, Technique]:
    """All techniques of a catalogue by id. Raises `CatalogueError`."""
    file = folder / TECHNIQUES
    raw = parse(str(file), file.read_text("utf-8"))
    if not isinstance(raw, dict):
        raise CatalogueError(str(file), 1, "", "", "is a mapping of ids")
    found: dict[str, Technique] = {}
    for name, given in raw.items():
        if name == LINE:
            continue
        try:
            fields = {key: value for key, value in given.items() if key != LINE}
            found[str(name)] = msgspec.convert(fields, Technique)
        except (AttributeError, msgspec.ValidationError) as error:
            raise CatalogueError(str(file), raw.get(LINE, 0), str(name), "", str(error)) from error
    return found
