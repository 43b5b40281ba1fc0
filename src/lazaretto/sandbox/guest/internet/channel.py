"""The way to the host: frames (guest/tracer/record.h) on one file descriptor, bounded in number and in waiting bytes.

Nothing here waits for the host: what does not fit is dropped and counted, so a slow reader never stops the services.
Only `drain`, used at the end of a run, waits.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import struct
from collections import deque

from .messages import Message, encode

MAGIC = 0x5A4C
FRAME_JSON, FRAME_BLOB, FRAME_DATA, FRAME_END = 2, 3, 4, 5
_HEADER = struct.Struct("<HBBI")
_BLOB_ID = struct.Struct("<I")

PIECE = 64 * 1024  # bytes of a blob in one frame
MESSAGES_LIMIT = 20_000  # in a run
BLOBS_LIMIT = 32  # bodies in a run; pcap and keys come on top
BLOB_LIMIT = 1024 * 1024  # bytes of one body
WAITING_LIMIT = 8 * 1024 * 1024  # bytes not yet taken by the host


def frame(kind: int, payload: bytes) -> bytes:
    """One frame as it goes over the wire."""
    return _HEADER.pack(MAGIC, kind, 0, len(payload)) + payload


def blob_begin(number: int, kind: str, name: str, size: int) -> bytes:
    """The frame that opens a blob."""
    head = {"id": number, "kind": kind, "name": name[:256], "size": size}
    return frame(FRAME_BLOB, json.dumps(head, separators=(",", ":")).encode())


def blob_piece(number: int, data: bytes) -> bytes:
    """A frame with a piece of a blob, at most `PIECE` bytes."""
    return frame(FRAME_DATA, _BLOB_ID.pack(number) + data)


def blob_end(number: int) -> bytes:
    """The frame that closes a blob."""
    return frame(FRAME_END, _BLOB_ID.pack(number))


class Channel:
    """Sends messages and blobs. `lost_messages` and `lost_blobs` count what was dropped since `reset`."""

    def __init__(self, descriptor: int, loop: asyncio.AbstractEventLoop) -> None:
        self._descriptor = descriptor
        self._loop = loop
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._drained = asyncio.Event()
        self._drained.set()
        os.set_blocking(descriptor, False)
        # A regular file can't be polled and never makes us wait.
        self._pollable = not stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._broken = False
        self.reset()

    def reset(self) -> None:
        """A new run begins: bounds and counts start anew."""
        self._messages = 0
        self._blobs = 0
        self._next_blob = 1
        self.lost_messages = 0
        self.lost_blobs = 0

    def send(self, message: Message, *, always: bool = False) -> bool:
        """Send one message; false if it was dropped. `always` is for the last message of a run."""
        if not always and (self._messages >= MESSAGES_LIMIT or self._waiting_bytes > WAITING_LIMIT):
            self.lost_messages += 1
            return False
        self._messages += 1
        self._write(frame(FRAME_JSON, encode(message)))
        return True

    def send_blob(self, kind: str, name: str, data: bytes) -> int:
        """Send a body whole; its id, or 0 if there is nothing to send or no room."""
        if not data:
            return 0
        too_many = self._blobs >= BLOBS_LIMIT or len(data) > BLOB_LIMIT
        if too_many or self._waiting_bytes + len(data) > WAITING_LIMIT:
            self.lost_blobs += 1
            return 0
        self._blobs += 1
        number = self._begin(kind, name, len(data))
        for start in range(0, len(data), PIECE):
            self._write(blob_piece(number, data[start : start + PIECE]))
        self._write(blob_end(number))
        return number

    async def send_large(self, kind: str, name: str, data: bytes | bytearray) -> int:
        """Send a blob of any size at the pace of the host; for the end of a run."""
        number = self._begin(kind, name, len(data))
        for start in range(0, len(data), PIECE):
            self._write(blob_piece(number, bytes(data[start : start + PIECE])))
            await self.drain()
        self._write(blob_end(number))
        return number

    async def drain(self) -> None:
        """Wait until the host has taken everything."""
        await self._drained.wait()

    def _begin(self, kind: str, name: str, size: int) -> int:
        number = self._next_blob
        self._next_blob += 1
        self._write(blob_begin(number, kind, name, size))
        return number

    def _write(self, data: bytes) -> None:
        if self._broken:
            return
        if self._waiting:
            self._queue(data)
            return
        written = self._try(data)
        if written < len(data) and not self._broken:
            self._queue(data[written:])

    def _queue(self, data: bytes) -> None:
        if not self._waiting:
            self._drained.clear()
            self._loop.add_writer(self._descriptor, self._writable)
        self._waiting.append(data)
        self._waiting_bytes += len(data)

    def _try(self, data: bytes) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0
        except OSError:
            # Without a host nobody reads: go on serving, the run is lost anyway.
            self._broken = True
            self._finish_waiting()
            return 0

    def _writable(self) -> None:
        while self._waiting:
            data = self._waiting.popleft()
            self._waiting_bytes -= len(data)
            written = self._try(data)
            if self._broken:
                return
            if written < len(data):
                self._waiting.appendleft(data[written:])
                self._waiting_bytes += len(data) - written
                return
        self._finish_waiting()

    def _finish_waiting(self) -> None:
        self._waiting.clear()
        self._waiting_bytes = 0
        self._drained.set()
        if self._pollable:
            self._loop.remove_writer(self._descriptor)


def open_port(port: str) -> int:
    """The descriptor of `--port`: a path (virtio port, file, unix socket) or `fd:N` of an inherited descriptor."""
    if port.startswith("fd:"):
        return int(port[3:])
    try:
        return os.open(port, os.O_RDWR | os.O_CREAT | os.O_NOCTTY | os.O_CLOEXEC, 0o600)
    except OSError:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(port)
            return connection.detach()
