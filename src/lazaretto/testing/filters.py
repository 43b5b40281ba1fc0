"""Stand-ins for ClamAV's daemon, rspamd and SpamAssassin's daemon that speak the real protocols over real sockets.

Each knows one marker and answers as the real one does. `misbehave` makes it answer otherwise: silent, closing, or with
these bytes.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

EICAR_START = b"X5O!P%@AP"
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
SILENT, CLOSING = b"<silent>", b"<closing>"


@dataclass
class Filter:
    """A server that runs while the `with` lasts. `got` are the samples that it was given."""

    at: str  # how the settings name it
    listener: socket.socket
    misbehave: bytes = b""
    got: list[bytes] = field(default_factory=list)
    signature: str = "Eicar-Signature"

    def close(self) -> None:
        self.listener.close()


@contextlib.contextmanager
def clamd(path: Path, misbehave: bytes = b"") -> Iterator[Filter]:
    """clamd on a socket in the file system: VERSION and INSTREAM, in their NUL-terminated form."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    with _served(Filter(str(path), listener, misbehave), _clamd) as server:
        yield server


@contextlib.contextmanager
def rspamd(misbehave: bytes = b"") -> Iterator[Filter]:
    """rspamd's worker: POST /checkv2."""
    listener = socket.create_server(("127.0.0.1", 0))
    at = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with _served(Filter(at, listener, misbehave), _rspamd) as server:
        yield server


@contextlib.contextmanager
def spamd(misbehave: bytes = b"") -> Iterator[Filter]:
    """spamd: SYMBOLS of SPAMC/1.5."""
    listener = socket.create_server(("127.0.0.1", 0))
    with _served(Filter(f"127.0.0.1:{listener.getsockname()[1]}", listener, misbehave), _spamd) as server:
        yield server


@contextlib.contextmanager
def _served(server: Filter, answer: object) -> Iterator[Filter]:
    server.listener.listen()
    gone = threading.Event()

    def serve() -> None:
        while True:
            try:
                connection, _ = server.listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(10)
                if server.misbehave == SILENT:
                    gone.wait(10)
                elif server.misbehave != CLOSING:
                    answer(server, connection)  # type: ignore[operator]  # one of the functions below

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        gone.set()
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        thread.join(10)


def _exactly(connection: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        piece = connection.recv(count - len(got))
        if not piece:
            raise OSError
        got += piece
    return got


def _to(connection: socket.socket, end: bytes) -> bytes:
    got = b""
    while not got.endswith(end):
        got += _exactly(connection, 1)
    return got


def _clamd(server: Filter, connection: socket.socket) -> None:
    command = _to(connection, b"\0")
    if command == b"zVERSION\0":
        connection.sendall(b"ClamAV 1.4.6/27430/Mon Sep  1 08:30:00 2025\0")
        return
    assert command == b"zINSTREAM\0", command
    data = b""
    while size := struct.unpack(">I", _exactly(connection, 4))[0]:
        data += _exactly(connection, size)
    server.got.append(data)
    found = f"stream: {server.signature} FOUND\0".encode() if EICAR_START in data else b"stream: OK\0"
    connection.sendall(server.misbehave or found)


def _rspamd(server: Filter, connection: socket.socket) -> None:
    head = _to(connection, b"\r\n\r\n").decode()
    assert head.startswith("POST /checkv2 HTTP/1."), head
    size = next(int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length:"))
    data = _exactly(connection, size)
    server.got.append(data)
    spam = GTUBE in data
    bad = b"buy now" in data
    body = json.dumps(
        {
            "is_skipped": False,
            "score": 15.0 if spam else 7.5 if bad else 1.1,
            "required_score": 15.0,
            "action": "reject" if spam else "add header" if bad else "no action",
            "symbols": {
                name: {"name": name, "score": score, "metric_score": score, "description": "a test"}
                for name, score in (("GTUBE", 0.0), ("MISSING_DATE", 1.0))
            },
            "messages": {},
            "message-id": "undef",
        }
    ).encode()
    reply = (
        f"HTTP/1.1 200 OK\r\nServer: rspamd/3.4\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    )
    connection.sendall(server.misbehave or reply + body)


def _spamd(server: Filter, connection: socket.socket) -> None:
    head = _to(connection, b"\r\n\r\n").decode()
    assert head.startswith("SYMBOLS SPAMC/1."), head
    size = next(int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length:"))
    data = _exactly(connection, size)
    server.got.append(data)
    spam = GTUBE in data
    bad = b"buy now" in data
    score, names = (1001.3, "GTUBE,NO_RELAYS") if spam else (6.2, "BAD_WORDS") if bad else (0.3, "NO_RELAYS")
    flag = "True" if spam or bad else "False"
    reply = f"SPAMD/1.1 0 EX_OK\r\nContent-length: {len(names) + 2}\r\nSpam: {flag} ; {score} / 5.0\r\n\r\n{names}\r\n"
    connection.sendall(server.misbehave or reply.encode())
