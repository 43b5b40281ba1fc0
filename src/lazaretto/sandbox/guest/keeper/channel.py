"""Frames to the host over one virtio-serial port (the format is in tracer/record.h)."""

from __future__ import annotations

import json
import os
import struct
from typing import Any

MAGIC = 0x5A4C
JSON, BLOB, DATA, END = 2, 3, 4, 5
_HEAD = struct.Struct("<HBBI")
_CHUNK = 256 * 1024


class Port:
    """The keeper's port. A port can be open only once, so nobody else in the guest can write to it."""

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDWR)
        self._blobs = 0
        self._input = b""

    def message(self, **fields: Any) -> None:
        self._frame(JSON, json.dumps(fields, ensure_ascii=True).encode())

    def blob(self, data: bytes | memoryview, **fields: Any) -> None:
        """Send `data` whole; `fields` says what it is."""
        self._blobs += 1
        self._frame(BLOB, json.dumps({"id": self._blobs, "size": len(data), **fields}).encode())
        number = struct.pack("<I", self._blobs)
        view = memoryview(data)
        for at in range(0, len(view), _CHUNK):
            self._frame(DATA, number + bytes(view[at : at + _CHUNK]))
        self._frame(END, number)

    def _frame(self, kind: int, payload: bytes) -> None:
        data = memoryview(_HEAD.pack(MAGIC, kind, 0, len(payload)) + payload)
        while data:
            data = data[os.write(self.fd, data) :]

    def words(self) -> list[str]:
        """The complete lines that the host has sent."""
        chunk = os.read(self.fd, 4096)
        *lines, self._input = (self._input + chunk).split(b"\n")
        return [line.decode("ascii", "replace") for line in lines]
