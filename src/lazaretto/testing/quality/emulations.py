"""The own set of emulated attacks: what an entry of quality/emulations/*/*.yaml is, and the file made of it.

An emulation does one thing that attacks do, harmless in itself, and is only ever run in a guest. `half` is the folder:
`open` is for who writes rules, `held` nobody who writes rules looks at, so that the difference of the two shows how
much the rules were made for the set.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from lazaretto.testing.programs import Programs

HALVES = ("open", "held")
_WINDOWS = "#include <windows.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
_ENDINGS = {"bat": ".bat", "js": ".js", "vbs": ".vbs", "ps1": ".ps1", "sh": ".sh", "python": ".py", "perl": ".pl"}
_FIRST_LINES = {
    "sh": "#!/bin/sh\n",
    "bash": "#!/bin/bash\n",
    "python": "#!/usr/bin/python3\n",
    "perl": "#!/usr/bin/perl\n",
}


class Emulation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One act. `techniques` are ATT&CK ids, of which any is a right answer: an act often has several names."""

    id: str
    platform: str  # windows or linux
    half: str
    tactic: str
    techniques: tuple[str, ...]
    language: str
    source: str
    libraries: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.half}/{self.platform}/{self.id}"

    def made(self, programs: Programs) -> Path:
        """The file to detonate. Its name says nothing of what it does."""
        name = f"sample{_number(self.key)}"
        if self.language == "c":
            first = "".join(f"#include <{header}>\n" for header in self.includes)
            if self.platform == "linux":
                return programs.c(self.source, name=name)
            return programs.pe(first + _WINDOWS + self.source, *self.libraries, name=f"{name}.exe")
        ending = _ENDINGS.get(self.language, ".sh")
        return programs.file(name + ending, _FIRST_LINES.get(self.language, "") + self.source)

    def recognised(self, techniques: tuple[str, ...]) -> bool:
        """Whether one of the techniques found is one of those expected, or its parent or child."""
        return any(_related(found, expected) for found in techniques for expected in self.techniques)


def load(folder: Path) -> tuple[Emulation, ...]:
    """All entries below `folder`, sorted by key. Raises `msgspec.ValidationError` for one that is none."""
    return tuple(sorted(_entries(folder), key=lambda entry: entry.key))


def _entries(folder: Path) -> Iterator[Emulation]:
    for half in HALVES:
        for file in sorted((folder / half).glob("*.yaml")):
            for entry in msgspec.yaml.decode(file.read_bytes(), type=list[dict[str, Any]]):
                yield msgspec.convert({**entry, "half": half, "platform": file.stem}, Emulation)


def _related(found: str, expected: str) -> bool:
    return found == expected or found.startswith(f"{expected}.") or expected.startswith(f"{found}.")


def _number(text: str) -> int:
    return zlib.crc32(text.encode()) % 1_000_000
