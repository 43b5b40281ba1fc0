"""The daemon: accepts everything, finds out what it is, and hands it to the protocol that speaks it.

Started before the snapshot; prints `ready` when it answers. Commands are lines on standard input:
`start` forgets everything recorded so far and begins a run (answers `started`), `finish` sends the pcap, the TLS keys
and the message `finished` to the host (answers `finished`). Without a sample that talks, nothing here ever wakes up.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import gc
import os
import resource
import socket
import ssl
import stat
import sys
import time
from pathlib import Path

from . import chat, mail, web
from .capture import Capture, Watch
from .certificates import Certificates
from .channel import Channel, open_port
from .content import Shelf
from .datagrams import Datagrams
from .ftp import Session as FtpSession
from .hello import LIMIT as HELLO_LIMIT
from .hello import Hello, parse, record_size
from .messages import Connect, Data, Endpoint, Finished, Tls, Trouble
from .names import Names
from .place import Place
from .redirect import redirect
from .sniff import SERVER_FIRST, TLS_FIRST, Kind, sniff
from .stream import SocketLayer, Stream, TooLong
from .web import Next
from .world import World

CONNECTIONS_LIMIT = 1024
_LAYERS_LIMIT = 8  # tunnels and TLS inside one another
# Guest time after which a client on a port where servers speak first is taken to wait for that.
_PATIENCE = 0.3


class Daemon:
    """All of it, in one event loop."""

    def __init__(self, world: World, interface: str, loop: asyncio.AbstractEventLoop) -> None:
        self._world = world
        self._loop = loop
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0
        self._refused = 0
        self._datagrams = Datagrams(world, loop)
        self._capture = Capture(interface)
        self._watch = Watch(interface, world, loop)
        self._listeners = [listener for listener in map(_listen, (socket.AF_INET, socket.AF_INET6)) if listener]
        sockets = {(int(sock.family), int(socket.IPPROTO_TCP)): sock for sock in self._listeners}
        for family, sock in self._datagrams.sockets.items():
            sockets[int(family), int(socket.IPPROTO_UDP)] = sock
        self._redirection = redirect(sockets)
        for listener in self._listeners:
            loop.add_reader(listener, self._accept, listener)

    def start(self) -> None:
        """Begin a run."""
        self._world.channel.reset()
        self._capture.reset()
        self._datagrams.reset()
        self._watch.reset()
        for stream in self._world.streams.values():
            stream.number = 0  # connections of the machine itself from before the run
        self._count = self._refused = 0
        _truncate(self._world.certificates.key_log)

    async def finish(self) -> None:
        """End a run: everything that was kept back goes to the host."""
        channel = self._world.channel
        for stream in list(self._world.streams.values()):
            self._world.tell_close(stream, still_open=True)
        packets, count, cut = self._capture.collect()
        await channel.send_large("pcap", "traffic.pcap", packets)
        keys = self._world.certificates.key_log
        if keys.exists() and keys.stat().st_size:
            await channel.send_large("tlskeys", "tls.keys", keys.read_bytes()[: 1024 * 1024])
        last = Finished(
            time=time.monotonic_ns(), lost_messages=channel.lost_messages, lost_blobs=channel.lost_blobs,
            refused_connections=self._refused, packets=count, pcap_cut=cut,
        )  # fmt: skip
        channel.send(last, always=True)
        await channel.drain()

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(64):
            try:
                sock, client = listener.accept()
            except OSError:
                return
            if len(self._tasks) >= CONNECTIONS_LIMIT:
                self._refused += 1
                sock.close()
                continue
            self._count += 1
            task = self._loop.create_task(self._connection(sock, _endpoint(client), self._count))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connection(self, sock: socket.socket, client: Endpoint, number: int) -> None:
        sock.setblocking(False)
        stream = Stream(SocketLayer(sock, self._loop), client, _endpoint(sock.getsockname()), number)
        self._world.streams[id(stream)] = stream
        try:
            self._world.tell(Connect, stream)
            await self._converse(stream)
        except (TooLong, asyncio.CancelledError, ConnectionError):
            pass
        except Exception as error:  # one odd client must not end the daemon
            where = f"{stream.protocol or 'connection'} {type(error).__name__}"
            self._world.tell(Trouble, stream, where=where, reason=str(error))
        finally:
            del self._world.streams[id(stream)]
            stream.abandon()
            self._world.tell_close(stream)
            sock.close()

    async def _converse(self, stream: Stream) -> None:
        waiting = self._world.expected.get(stream.server)
        if waiting is not None and not waiting.done():
            waiting.set_result(stream)
            await stream.finished.wait()
            return
        for _ in range(_LAYERS_LIMIT):
            kind = await self._kind(stream)
            if kind is None or await self._speak(kind, stream) is Next.CLOSE:
                return

    async def _kind(self, stream: Stream) -> Kind | None:
        """What the sample speaks; None if it left without a word."""
        port = stream.server[1]
        expected = SERVER_FIRST.get(port)
        speaks_first = expected is not None and (stream.encrypted or port not in TLS_FIRST)
        if speaks_first and not await stream.more(_PATIENCE):
            return expected
        data = await stream.peek()
        kind = sniff(data, port)
        while kind is None and data:
            # What could still become one of several protocols is none of them if nothing more comes.
            if not await stream.more(_PATIENCE):
                return SERVER_FIRST.get(port, Kind.OTHER)
            longer = await stream.peek()
            if len(longer) == len(data):
                return Kind.OTHER
            data, kind = longer, sniff(longer, port)
        return kind

    async def _speak(self, kind: Kind, stream: Stream) -> Next:
        world = self._world
        if kind is not Kind.TLS:
            stream.protocol = kind.value
        match kind:
            case Kind.TLS:
                return Next.AGAIN if await self._start_tls(stream) else Next.CLOSE
            case Kind.HTTP:
                return await web.serve(stream, world)
            case Kind.SOCKS:
                return await chat.socks(stream, world)
            case Kind.SMTP:
                await mail.smtp(stream, world, self._start_tls)
            case Kind.POP3:
                await mail.pop3(stream, world, self._start_tls)
            case Kind.IMAP:
                await mail.imap(stream, world, self._start_tls)
            case Kind.FTP:
                await FtpSession(stream, world, self._start_tls).run()
            case Kind.IRC:
                await chat.irc(stream, world)
            case Kind.TELNET:
                await chat.telnet(stream, world)
            case Kind.STRATUM:
                await chat.stratum(stream, world)
            case Kind.DNS:
                await chat.name_service(stream, world)
            case Kind.SSH:
                await stream.send(chat.SSH_BANNER)
                await chat.other(stream, world)
            case Kind.OTHER:
                await chat.other(stream, world)
        return Next.CLOSE

    async def _start_tls(self, stream: Stream) -> bool:
        raw = await stream.peek(5)
        size = record_size(raw)
        if size is None or size > HELLO_LIMIT or raw[0] != 0x16:
            if raw:
                self._world.tell(Data, stream, protocol="tcp", head=raw, size=len(raw))
            return False
        record = (await stream.peek(size))[:size]
        hello = parse(record)
        stream.server_name = hello.server_name or stream.server_name
        context = self._world.certificates.context(self._world.host(stream), modern=hello.ecdsa)
        try:
            session = await stream.start_tls(context)
        except (ssl.SSLError, OSError) as error:
            reason = getattr(error, "reason", None) or str(error)
            self._tell_tls(stream, hello, record, reason=reason)
            return False
        cipher = session.cipher()
        self._tell_tls(stream, hello, record, version=session.version() or "", cipher=cipher[0] if cipher else "")
        return True

    def _tell_tls(
        self, stream: Stream, hello: Hello, record: bytes, *, version: str = "", cipher: str = "", reason: str = ""
    ) -> None:
        self._world.tell(
            Tls, stream, server_name=hello.server_name, offered=hello.protocols, hello=record, ok=not reason,
            version=version, cipher=cipher, reason=reason,
        )  # fmt: skip


def _endpoint(address: tuple[str, int] | tuple[str, int, int, int]) -> Endpoint:
    return address[0].partition("%")[0], address[1]


def _listen(family: socket.AddressFamily) -> socket.socket | None:
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
    except OSError:
        if family == socket.AF_INET:
            raise
        return None  # a machine without IPv6
    listener.listen(1024)
    listener.setblocking(False)
    return listener


def _truncate(path: Path) -> None:
    # The contexts hold the file open for appending: it must stay the same file.
    with contextlib.suppress(FileNotFoundError):
        os.truncate(path, 0)


def warm_up(certificates: Certificates) -> None:
    """One handshake with ourselves, so that the snapshot holds everything that OpenSSL only does once."""
    for modern in (True, False):
        client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client_context.check_hostname, client_context.verify_mode = False, ssl.CERT_NONE
        ways = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = client_context.wrap_bio(*ways, server_hostname="localhost")
        server = certificates.context("localhost", modern=modern).wrap_bio(*ways[::-1], server_side=True)
        for _ in range(4):
            for side in (client, server):
                with contextlib.suppress(ssl.SSLWantReadError):
                    side.do_handshake()
    _truncate(certificates.key_log)


async def run(given: argparse.Namespace) -> None:
    """Serve until standard input tells to stop by the line `stop`."""
    loop = asyncio.get_running_loop()
    certificates = Certificates(given.authority, given.work, datetime.datetime.now(datetime.UTC))
    warm_up(certificates)
    names = Names(
        gateway=given.gateway, gateway6=given.gateway6, session=given.session, hostname=given.hostname,
        zone=given.zone, refuse_random=given.refuse_random,
    )  # fmt: skip
    channel = Channel(open_port(given.port), loop)
    place = Place(address=given.public_address)
    world = World(names=names, certificates=certificates, shelf=Shelf(given.decoys), channel=channel, place=place)
    daemon = Daemon(world, given.interface, loop)
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    await _commands(daemon, loop)


async def _commands(daemon: Daemon, loop: asyncio.AbstractEventLoop) -> None:
    if not stat.S_ISFIFO(os.fstat(0).st_mode) and not stat.S_ISSOCK(os.fstat(0).st_mode) and not os.isatty(0):
        await asyncio.Event().wait()  # /dev/null or a file: nobody will say anything
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        match line.strip():
            case b"start":
                daemon.start()
                print("started", flush=True)
            case b"finish":
                await daemon.finish()
                print("finished", flush=True)
            case b"stop":
                return
    # Whoever gave commands is gone; the sample may still talk.
    await asyncio.Event().wait()


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="internet", description=__doc__)
    parser.add_argument("--port", required=True, help="where to write frames: a path, or fd:N")
    parser.add_argument("--interface", default="lan", help="our end of the wire")
    own = Path("/opt/lazaretto")
    parser.add_argument("--authority", type=Path, default=own / "authority", help="made by internet.certificates")
    parser.add_argument("--decoys", type=Path, default=own / "bin/decoys", help="folder of recorder programs")
    parser.add_argument("--work", type=Path, default=Path("/run/internet"), help="folder in memory")
    parser.add_argument("--gateway", default="192.168.178.1")
    parser.add_argument("--gateway6", default="fd3a:9c41:7be0:0:3681:c4ff:feab:37e2")
    parser.add_argument("--session", default="192.168.178.34", help="the sample's address")
    parser.add_argument("--hostname", default="", help="the sample's host name, resolved in the LAN's zone")
    parser.add_argument("--zone", default="fritz.box", help="the LAN's domain; also the router's name")
    parser.add_argument("--public-address", default="91.64.137.52")
    parser.add_argument("--refuse-random", action="store_true", help="names that look generated do not exist")
    return parser


def main() -> int:
    """Entry point of `python3 -m internet`."""
    # Half for the sample's connections, the rest for ourselves.
    resource.setrlimit(resource.RLIMIT_NOFILE, (4 * CONNECTIONS_LIMIT, 4 * CONNECTIONS_LIMIT))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(arguments().parse_args()))
    return 0
