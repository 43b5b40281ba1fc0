"""How much one file may unfold to before the rest is left alone, so that a bomb costs a bounded time."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """Sizes are bytes. `ratio` is how much larger than the outermost file all of it may become, beyond `free`."""

    depth: int = 12
    members: int = 2_000
    bytes: int = 512 << 20
    ratio: int = 250
    free: int = 32 << 20


@dataclass
class Budget:
    """What is left for one outermost file of `size` bytes; spent from several threads."""

    limits: Limits
    size: int
    members: int = 0
    bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, size: int, depth: int) -> str:
        """Why a member of that size, so deep inside, is left alone; empty if it is not, and then it is paid for."""
        with self._lock:
            if depth > self.limits.depth:
                return f"it lies more than {self.limits.depth} levels deep"
            if self.members >= self.limits.members:
                return f"more than {self.limits.members:,} files are inside"
            if self.bytes + size > self.most:
                return f"unpacked it is more than {self.most >> 20} MiB"
            self.members += 1
            self.bytes += size
            return ""

    @property
    def most(self) -> int:
        """Bytes in all."""
        return min(self.limits.bytes, max(self.limits.free, self.size * self.limits.ratio))

    @property
    def left(self) -> int:
        """Bytes that may still come, for an unpacker to know when to stop."""
        with self._lock:
            return max(0, self.most - self.bytes)
