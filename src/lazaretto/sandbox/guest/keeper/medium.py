"""The medium: a raw disk by which the host hands over the job and the sample's bytes.

Layout: 8 bytes magic, u32 length of the JSON, u64 length of the sample (little endian); the JSON at 4096, the sample
at 1 MiB. At boot it carries the description of the session (magic BOOT); a restored machine finds the job (JOB).
It is read past the page cache, since the host changes it behind the guest's back.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import time
from collections.abc import Iterator
from typing import Any

BOOT, JOB = b"LZBOOT01", b"LZJOB001"
_HEAD = struct.Struct("<8sIQ")
_JSON_AT = 4096
_SAMPLE_AT = 1 << 20
_BLOCK = 1 << 20


class Medium:
    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
        self._buffer = mmap.mmap(-1, _BLOCK)  # page aligned, as O_DIRECT wants it

    def _read(self, at: int, size: int) -> bytes:
        rounded = -(-size // 4096) * 4096
        got = os.preadv(self._fd, [memoryview(self._buffer)[:rounded]], at)
        return self._buffer[: min(size, got)]

    def description(self, magic: bytes) -> tuple[dict[str, Any], int] | None:
        """The JSON and the sample's size, if the medium is of that kind."""
        found, length, sample = _HEAD.unpack(self._read(0, 4096)[: _HEAD.size])
        if found != magic:
            return None
        return json.loads(self._read(_JSON_AT, length)), sample

    def wait(self, magic: bytes) -> tuple[dict[str, Any], int]:
        """Look again every millisecond of guest time: the warm state is saved in here, and a restored guest goes on."""
        while (found := self.description(magic)) is None:
            time.sleep(0.001)
        return found

    def sample(self, size: int) -> Iterator[bytes]:
        for at in range(0, size, _BLOCK):
            yield self._read(_SAMPLE_AT + at, min(_BLOCK, size - at))
