"""Frames that arrive from the guest (format: guest/tracer/record.h), taken apart with bounds.

The guest is hostile: lengths lie, frames never end, types are unknown. Nothing here raises; what cannot be read is
counted, and a stream that lost its frame boundary is abandoned, since everything after it is a guess.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

MAGIC = 0x5A4C
MOST = 1 << 20
"""The largest payload, bytes."""

_HEAD = struct.Struct("<HBBI")


class FrameType(IntEnum):
    RECORDS = 1
    JSON = 2
    BLOB = 3
    DATA = 4
    END = 5


@dataclass(frozen=True, slots=True)
class Frame:
    type: FrameType
    payload: bytes


@dataclass
class FrameReader:
    """The frames of one port. `budget` is how many bytes the port may send in its life."""

    budget: int
    lost: int = 0
    broken: bool = False
    exhausted: bool = False
    received: int = 0
    _input: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> Iterator[Frame]:
        self.received += len(data)
        if self.received > self.budget:
            self.exhausted = True
            self.lost += 1
            return
        if self.broken:
            return
        self._input += data
        at = 0
        while len(self._input) - at >= _HEAD.size:
            magic, kind, _, length = _HEAD.unpack_from(self._input, at)
            if magic != MAGIC or length > MOST:
                self.broken = True
                self.lost += 1
                self._input.clear()
                return
            end = at + _HEAD.size + length
            if len(self._input) < end:
                break
            payload = bytes(self._input[at + _HEAD.size : end])
            at = end
            try:
                yield Frame(FrameType(kind), payload)
            except ValueError:
                self.lost += 1
        del self._input[:at]
