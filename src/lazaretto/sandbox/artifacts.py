"""What comes home from a guest as files: bounded in size and number, named by the host, never executable.

Names that the guest gives are kept as text beside the file and are never used as a path.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import structlog

from lazaretto.domain.detonation import Artifact
from lazaretto.sandbox.picture import png_of_bgrx

log = structlog.get_logger(__name__)

# kind of blob -> (kind of artifact, folder, ending)
_KINDS = {
    "dropped": ("dropped", "dropped", ".bin"),
    "memory": ("memory", "memory", ".bin"),
    "pcap": ("pcap", "network", ".pcap"),
    "tlskeys": ("tls-keys", "network", ".keys"),
    "body": ("network", "network", ".bin"),
    "mail": ("network", "network", ".bin"),
    "upload": ("network", "network", ".bin"),
    "screenshot": ("screenshot", "screenshots", ".png"),
}
_MOST_NAME = 1024


@dataclass(frozen=True)
class Limits:
    """Bounds of one run: bytes and numbers."""

    files: int = 512
    file: int = 64 << 20
    total: int = 256 << 20


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    """What the begin of every blob says. Types are checked: a number may be text or infinite, a kind a list."""

    id: int
    size: int
    kind: str
    name: str = ""


class _Size(msgspec.Struct, frozen=True, kw_only=True):
    """What a screenshot's begin says besides: pixels."""

    width: int
    height: int


@dataclass
class _Open:
    about: Mapping[str, Any]
    size: int
    data: bytearray = field(default_factory=bytearray)


@dataclass
class Collector:
    """Puts blobs together and writes them below `out`. Never raises for what a guest sends; `lost` counts refusals."""

    out: Path
    limits: Limits = Limits()
    artifacts: list[Artifact] = field(default_factory=list)
    lost: int = 0
    _open: dict[tuple[str, int], _Open] = field(default_factory=dict)
    _total: int = 0

    def begin(self, port: str, payload: bytes) -> None:
        try:
            about = msgspec.json.decode(payload, type=dict[str, Any])
            head = msgspec.convert(about, _Head)
        except (msgspec.MsgspecError, RecursionError):
            self.lost += 1
            return
        ident, size = head.id, head.size
        fits = 0 <= size <= self.limits.file and self._total + size <= self.limits.total
        full = len(self.artifacts) >= self.limits.files or len(self._open) > 8
        if head.kind not in _KINDS or not fits or full or (port, ident) in self._open:
            self.lost += 1
            return
        self._total += size
        self._open[port, ident] = _Open(about, size)

    def data(self, port: str, payload: bytes) -> None:
        blob = self._open.get((port, int.from_bytes(payload[:4], "little")))
        if blob is None:
            return
        if len(blob.data) + len(payload) - 4 > blob.size:
            del self._open[port, int.from_bytes(payload[:4], "little")]
            self.lost += 1
            return
        blob.data += payload[4:]

    def end(self, port: str, payload: bytes) -> tuple[Mapping[str, Any], Artifact, bytes] | None:
        """The finished blob: what the guest said of it, the artifact made of it, its content."""
        blob = self._open.pop((port, int.from_bytes(payload[:4], "little")), None)
        if blob is None or len(blob.data) != blob.size:
            self.lost += blob is not None
            return None
        content = bytes(blob.data)
        artifact = self.add(str(blob.about["kind"]), str(blob.about.get("name", "")), content, blob.about)
        return (blob.about, artifact, content) if artifact else None

    def add(self, kind: str, name: str, content: bytes, about: Mapping[str, Any] | None = None) -> Artifact | None:
        """Write one artifact; the same content is written once."""
        artifact_kind, folder, ending = _KINDS[kind]
        if kind == "screenshot":
            try:
                size = msgspec.convert(about or {}, _Size)
                content = png_of_bgrx(content, size.width, size.height)
            except (msgspec.ValidationError, ValueError):
                self.lost += 1
                return None
        digest = hashlib.sha256(content).hexdigest()
        place = Path(folder) / f"{digest[:32]}{ending}"
        if kind == "screenshot":
            # in the order of the run; with the digest, since a folder may hold the pictures of an earlier run
            place = Path(folder) / f"{sum(a.kind == 'screenshot' for a in self.artifacts):02d}-{digest[:16]}{ending}"
        _write(self.out / place, content)
        made = Artifact(kind=artifact_kind, name=name[:_MOST_NAME], sha256=digest, size=len(content), path=str(place))
        self.artifacts.append(made)
        return made


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return
    with os.fdopen(fd, "wb") as file:
        file.write(content)
