"""Recorded runs: what a guest sent, kept so that the account is tested by it without a machine.

    python -m lazaretto.testing.recording PROFILE LAUNCH SAMPLE RECORDING.bin

A recording holds one JSON line with the profile and the guest's manifest, then frames as they came, each behind one
byte that names the port. Blobs larger than `MOST_BLOB` bytes are left out whole.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from lazaretto.domain.detonation import DetonationRequest
from lazaretto.sandbox.detonate import Sandbox
from lazaretto.sandbox.machine.frames import Frame, FrameType
from lazaretto.testing.fake import frame as encoded

PORTS: Final = {"trace": b"t", "keeper": b"k", "internet": b"i"}
MOST_BLOB: Final = 16 * 1024


@dataclass
class Recording:
    """Takes frames as a sandbox's `tap`."""

    profile: str
    manifest: dict[str, Any]
    _frames: list[bytes] = field(default_factory=list)
    _left_out: set[tuple[str, int]] = field(default_factory=set)

    def tap(self, port: str, frame: Frame) -> None:
        if not self._too_large(port, frame):
            self._frames.append(PORTS[port] + encoded(frame.type, frame.payload))

    def _too_large(self, port: str, frame: Frame) -> bool:
        if frame.type is FrameType.BLOB:
            about = msgspec.json.decode(frame.payload)
            large = bool(about["size"] > MOST_BLOB)
            if large:
                self._left_out.add((port, about["id"]))
            return large
        blob = frame.type in {FrameType.DATA, FrameType.END}
        return blob and (port, int.from_bytes(frame.payload[:4], "little")) in self._left_out

    def content(self) -> bytes:
        head = msgspec.json.encode({"profile": self.profile, "manifest": self.manifest})
        return head + b"\n" + b"".join(self._frames)


def record(profile: str, launch: str, sample: Path, **request: Any) -> bytes:
    """Detonate once; returns the recording."""
    sandbox = Sandbox()
    recording = Recording(profile, sandbox.pool.store.find(profile).manifest())
    sandbox.tap = recording.tap
    with sandbox.pool, tempfile.TemporaryDirectory() as out:
        asked: dict[str, Any] = {"path": sample, "name": sample.name, "profile": profile, "launch": launch} | request
        sandbox(DetonationRequest(out=Path(out), **asked))
    return recording.content()


if __name__ == "__main__":
    _profile, _launch, _sample, _target = sys.argv[1:]
    Path(_target).write_bytes(record(_profile, _launch, Path(_sample)))
