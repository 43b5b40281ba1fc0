"""What the sandbox is asked for, and what it gives back. The sandbox implements `Detonator`; the analysis calls it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import msgspec

from lazaretto.domain.errors import DetonationError
from lazaretto.domain.trace import Trace

__all__ = ["Artifact", "Detonation", "DetonationError", "DetonationRequest", "Detonator", "Guest"]


class DetonationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One sample to run. Times are seconds.

    `name` is the name that the sample gets in the guest: a file name, no path; the sandbox cleans it. `profile` and
    `launch` are those of `analysis.identify.FileType`. `out` is an existing directory into which the sandbox writes
    `trace.jsonl` and the artifacts, and nothing else.
    """

    path: Path
    name: str
    profile: str  # windows, linux, office
    launch: str  # exe, dll, js, elf, sh, doc, ...
    out: Path
    machine: str = ""  # of an ELF file for another CPU: arm, aarch64, mips, ...
    guest_time_s: float = 600.0
    wall_time_s: float = 60.0
    reboot: bool = False  # restart the guest's session after the run
    accelerator: str = "auto"  # tcg, kvm, or auto: KVM, if it works, for what TCG did not finish in its wall time
    arguments: tuple[str, ...] = ()


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """A file that the sandbox brought back. Its content is the sample's: hostile, never executable here."""

    kind: str  # dropped, memory, pcap, screenshot, console, trace
    name: str  # as the guest called it; for showing only, never used as a path
    sha256: str
    size: int
    path: str  # relative to the request's `out`, made by the host


class Guest(msgspec.Struct, frozen=True, kw_only=True):
    """Which machine ran it."""

    profile: str
    image: str  # hash of the image
    accelerator: str = "tcg"  # tcg (with time warp) or kvm


class Detonation(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one run."""

    trace: Trace
    guest: Guest
    engine_version: str
    artifacts: tuple[Artifact, ...] = ()
    stages: dict[str, float] = {}  # seconds by the name of the stage


class Detonator(Protocol):
    """Runs one sample in a machine of its own and disposes of the machine, whatever happens.

    Returns also when the run was cut short: `trace.ending` says so. Raises a `DetonationError` only when there is no
    account at all. Any other exception is a defect.
    """

    def __call__(self, request: DetonationRequest) -> Detonation: ...
