"""One connection of the sample, as a stream of bytes that can change into TLS at any point.

A stream keeps the first bytes the sample said (`head`), counts both directions, and can look ahead without taking
(`peek`). Everything read is bounded by the caller's limits.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Protocol

from .messages import HEAD_LIMIT, Endpoint

_CHUNK = 64 * 1024


class TooLong(Exception):
    """The sample sent more than a protocol allows where a bound is needed."""


class Layer(Protocol):
    """What carries bytes: the socket, or TLS over another layer."""

    async def receive(self) -> bytes: ...

    async def send(self, data: bytes) -> None: ...


class SocketLayer:
    """A connected, non-blocking socket."""

    def __init__(self, sock: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        self._socket = sock
        self._loop = loop

    async def receive(self) -> bytes:
        try:
            return await self._loop.sock_recv(self._socket, _CHUNK)
        except OSError:
            return b""

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._socket, data)


class TlsLayer:
    """The server's end of TLS over another layer. `first` are bytes that were read from there already."""

    def __init__(self, lower: Layer, context: ssl.SSLContext, first: bytes) -> None:
        self._lower = lower
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._incoming.write(first)
        self.session = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    async def handshake(self) -> None:
        """Raises `ssl.SSLError` if the sample does not want to."""
        while True:
            try:
                self.session.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._more()
            except ssl.SSLError:
                await self._flush()  # the alert
                raise
            else:
                await self._flush()
                return

    async def receive(self) -> bytes:
        while True:
            try:
                data = self.session.read(_CHUNK)
            except ssl.SSLWantReadError:
                await self._flush()
                await self._more()
            except (ssl.SSLError, OSError):
                return b""
            else:
                await self._flush()
                return data

    async def send(self, data: bytes) -> None:
        self.session.write(data)
        await self._flush()

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self._lower.send(self._outgoing.read())

    async def _more(self) -> None:
        data = await self._lower.receive()
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()


class Stream:
    """See the module's text. `server` is where the sample believes to be; a proxy request changes it."""

    def __init__(self, layer: Layer, client: Endpoint, server: Endpoint, number: int) -> None:
        self._layer = layer
        self._buffer = bytearray()
        self._ended = False
        self._pending: asyncio.Future[bytes] | None = None
        self.client = client
        self.server = server
        self.number = number
        self.server_name = ""  # wanted by TLS or a proxy request
        self.protocol = ""  # what it was taken for
        self.encrypted = False
        self.proxied = False
        self.sent = 0
        self.received = 0
        self.head = bytearray()
        self.finished = asyncio.Event()  # set by whoever took a connection over (FTP data) when done with it

    @property
    def at_end(self) -> bool:
        """The sample will say nothing more, and everything it said was taken."""
        return self._ended and not self._buffer

    async def _fill(self) -> bool:
        if self._ended:
            return False
        if self._pending is None:
            return self._took(await self._layer.receive())
        data = await self._pending
        self._pending = None
        return self._took(data)

    async def more(self, seconds: float) -> bool:
        """Whether the sample says something more, or ends, within a time of the guest's clock."""
        if self._ended:
            return True
        if self._pending is None:
            self._pending = asyncio.ensure_future(self._layer.receive())
        # Not cancelled when the time is over: what it was just about to receive would be lost.
        done, _ = await asyncio.wait({self._pending}, timeout=seconds)
        if not done:
            return False
        await self._fill()
        return True

    def abandon(self) -> None:
        """Stop receiving; the connection is about to be closed."""
        self._ended = True
        if self._pending is not None:
            self._pending.cancel()

    def _took(self, data: bytes) -> bool:
        if not data:
            self._ended = True
            return False
        self.sent += len(data)
        if len(self.head) < HEAD_LIMIT:
            self.head += data[: HEAD_LIMIT - len(self.head)]
        self._buffer += data
        return True

    async def peek(self, count: int = 1) -> bytes:
        """All bytes there are, at least `count` unless the sample stops before; nothing is taken."""
        while len(self._buffer) < count and await self._fill():
            pass
        return bytes(self._buffer)

    def take(self, count: int) -> bytes:
        """Take bytes that a `peek` showed."""
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    async def some(self) -> bytes:
        """Whatever comes next; empty at the end."""
        if not self._buffer:
            await self._fill()
        return self.take(len(self._buffer))

    async def exactly(self, count: int) -> bytes:
        """`count` bytes, fewer only at the end. For small counts."""
        await self.peek(count)
        return self.take(count)

    async def until(self, mark: bytes, limit: int) -> bytes:
        """Everything up to and with `mark`; what there is at the end. Raises `TooLong` beyond `limit`."""
        start = 0
        while True:
            found = self._buffer.find(mark, start)
            if found >= 0:
                return self.take(found + len(mark))
            if len(self._buffer) > limit:
                raise TooLong
            start = max(0, len(self._buffer) - len(mark) + 1)
            if not await self._fill():
                return self.take(len(self._buffer))

    async def line(self, limit: int = 8192) -> str | None:
        """One line without its end, leniently decoded; None at the end."""
        raw = await self.until(b"\n", limit)
        return raw.rstrip(b"\r\n").decode("utf-8", "replace") if raw else None

    async def send(self, data: bytes | str) -> None:
        """Send; quietly nothing once the sample is gone."""
        raw = data.encode() if isinstance(data, str) else data
        try:
            await self._layer.send(raw)
            self.received += len(raw)
        except (OSError, ssl.SSLError):
            self._ended = True

    async def start_tls(self, context: ssl.SSLContext) -> ssl.SSLObject:
        """Go on inside TLS. Raises `ssl.SSLError` or `OSError` if the handshake fails."""
        layer = TlsLayer(self._layer, context, self.take(len(self._buffer)))
        await layer.handshake()
        self._layer = layer
        self.encrypted = True
        self.head.clear()
        return layer.session
