"""A stream to another program that ends at a deadline, whatever the other side does."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lazaretto.analysis.outside.outside import NoAnswer
from lazaretto.domain.errors import SettingsError

Address = str | tuple[str, int]
"""Path of a socket, or host and port."""


def address(text: str) -> Address:
    """`/path`, `HOST:PORT` or `tcp:HOST:PORT`. Raises `SettingsError`."""
    if text.startswith("/"):
        return text
    host, colon, port = text.removeprefix("tcp:").rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsError(f"{text!r} is not an address: give a socket's path, or HOST:PORT")
    return host.strip("[]"), int(port)


@dataclass
class Stream:
    """A connection; every step of it must be over at `deadline` (monotonic seconds)."""

    socket: socket.socket
    deadline: float

    def send(self, data: bytes | memoryview) -> None:
        """All of it."""
        self._arm()
        self.socket.sendall(data)

    def finish(self) -> None:
        """Nothing more will be sent."""
        self.socket.shutdown(socket.SHUT_WR)

    def read(self, most: int) -> bytes:
        """What comes until the other side ends, at most so many bytes."""
        got = bytearray()
        while len(got) < most:
            self._arm()
            piece = self.socket.recv(min(65536, most - len(got)))
            if not piece:
                break
            got += piece
        return bytes(got)

    def read_to(self, end: bytes, most: int) -> bytes:
        """What comes until `end`, without it."""
        got = bytearray()
        while end not in got and len(got) < most:
            self._arm()
            piece = self.socket.recv(4096)
            if not piece:
                break
            got += piece
        return bytes(got).partition(end)[0]

    def _arm(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self.socket.settimeout(left)


@contextmanager
def connected(to: Address, seconds: float) -> Iterator[Stream]:
    """A stream to there for at most so long. What goes wrong with it, here or inside, is raised as `NoAnswer`."""
    deadline = time.monotonic() + seconds
    try:
        if isinstance(to, str):
            made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            made.settimeout(seconds)
        else:
            made = socket.create_connection(to, seconds)
        with made:
            if isinstance(to, str):
                made.connect(to)
            yield Stream(made, deadline)
    except OSError as error:  # TimeoutError is one
        raise NoAnswer(error.strerror or str(error)) from error
