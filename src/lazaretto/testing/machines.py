"""Machines for tests: one sandbox with a pool for the whole run, and a look at what a detonation leaves on the host.

with machines() as guests:
    observed = guests.run(path, "linux", "sh", out)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lazaretto.domain.detonation import DetonationRequest
from lazaretto.sandbox.detonate import Sandbox, Tap
from lazaretto.sandbox.image.store import ImageStore
from lazaretto.sandbox.pool import Pool
from lazaretto.testing.observed import Observed

# Seconds of wall time: more than any harmless program needs, so that a slow computer does not change an ending.
WALL_TIME = 60.0


@dataclass
class Machines:
    """Runs samples. Folders for artifacts are made below `place`."""

    sandbox: Sandbox
    place: Path
    count: int = 0

    def run(self, sample: Path, profile: str, launch: str, *, tap: Tap | None = None, **request: Any) -> Observed:
        """Detonate; `request` are further fields of `DetonationRequest`."""
        self.count += 1
        out = self.place / f"{self.count:04d}"
        out.mkdir(parents=True)
        self.sandbox.tap = tap
        wanted: dict[str, Any] = {"name": sample.name, "wall_time_s": WALL_TIME} | request
        asked = DetonationRequest(path=sample, profile=profile, launch=launch, out=out, **wanted)
        return Observed(self.sandbox(asked), out)


@contextmanager
def machines(place: Path, store: ImageStore | None = None, waiting: int = 0) -> Iterator[Machines]:
    """A sandbox; with `waiting` > 0 so many restored machines of a profile wait for the next sample."""
    with Pool(store, size=waiting) as pool:
        yield Machines(Sandbox(pool), place)


@dataclass(frozen=True)
class Footprint:
    """What of a sandbox can be seen on this computer: its processes, its named files, our own descriptors."""

    qemus: frozenset[int]
    files: frozenset[str]
    descriptors: int

    @classmethod
    def take(cls, run_directory: Path) -> Footprint:
        names = frozenset(str(path) for path in run_directory.rglob("*")) if run_directory.is_dir() else frozenset()
        return cls(frozenset(qemus()), names, sum(1 for _ in Path("/proc/self/fd").iterdir()))


def qemus(ancestor: int | None = None) -> list[int]:
    """Pids of the QEMU processes below `ancestor` (this process, if none is given)."""
    parents, names = _processes()
    above = os.getpid() if ancestor is None else ancestor
    return [pid for pid, name in names.items() if name.startswith("qemu-system") and _below(pid, above, parents)]


def _processes() -> tuple[dict[int, int], dict[int, str]]:
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            name, _, rest = (entry / "stat").read_text().partition(" (")[2].rpartition(") ")
        except OSError:
            continue
        state, parent = rest.split()[:2]
        if state != "Z":
            parents[int(entry.name)], names[int(entry.name)] = int(parent), name
    return parents, names


def _below(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid > 1:
        pid = parents.get(pid, 0)
        if pid == ancestor:
            return True
    return False
