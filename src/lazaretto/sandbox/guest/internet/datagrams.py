"""UDP: DNS and time are answered, everything else is recorded once for each address and port."""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
import time

from . import dns
from .messages import Connect, Data, Dns, Endpoint
from .sniff import guess
from .world import World

_NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
_TOLD_LIMIT = 1024  # destinations in a run
_BATCH = 64  # datagrams before other connections have their turn

# linux/in.h, linux/in6.h; Python 3.11 does not name them.
IP_PKTINFO, IP_RECVORIGDSTADDR = 8, 20
IPV6_RECVORIGDSTADDR, IPV6_FREEBIND = 74, 78


def udp_header(source_port: int, target_port: int, data: bytes) -> bytes:
    """A UDP header without checksum (the kernel fills it in for IPv6, and IPv4 allows none)."""
    return struct.pack("!HHHH", source_port, target_port, 8 + len(data), 0)


def udp4_checksum(source: bytes, target: bytes, datagram: bytes) -> int:
    """The checksum of a datagram whose checksum field is 0 (RFC 768). Addresses are 4 bytes each."""
    covered = source + target + struct.pack("!HH", socket.IPPROTO_UDP, len(datagram)) + datagram
    covered += b"\0" * (len(covered) % 2)
    total = sum(struct.unpack(f"!{len(covered) // 2}H", covered))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF or 0xFFFF


def ntp_answer(query: bytes, now_ns: int) -> bytes | None:
    """The answer of a time server (RFC 5905) at a wall clock time, None if it is no question."""
    if len(query) < 48 or query[0] & 7 not in {1, 3}:
        return None
    seconds, rest = divmod(now_ns, 10**9)
    stamp = struct.pack("!II", (seconds + _NTP_EPOCH) & 0xFFFFFFFF, (rest << 32) // 10**9)
    # No leap second, the same version, server; stratum 2; poll as asked; precision 2^-23 s.
    head = bytes((query[0] & 0x38 | 4, 2, query[2], 0xE9)) + struct.pack("!II", 0x0000_0A3D, 0x0000_0B21)
    reference = struct.pack("!II", (seconds - 64 + _NTP_EPOCH) & 0xFFFFFFFF, 0)
    return head + bytes((192, 53, 103, 108)) + reference + query[40:48] + stamp + stamp


class Datagrams:
    """The two UDP sockets behind the redirection, and the raw sockets that answer from any address."""

    def __init__(self, world: World, loop: asyncio.AbstractEventLoop) -> None:
        self._world = world
        self._loop = loop
        self._told: set[tuple[Endpoint, Endpoint]] = set()
        self.sockets: dict[int, socket.socket] = {}
        self._raw: dict[int, socket.socket] = {}
        for family in (socket.AF_INET, socket.AF_INET6):
            try:
                self._open(family)
            except OSError:
                if family == socket.AF_INET:
                    raise
                # a machine without IPv6

    def reset(self) -> None:
        """A new run begins."""
        self._told.clear()

    def _open(self, family: socket.AddressFamily) -> None:
        sock = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, 1)
            sock.bind(("::1", 0))
        else:
            sock.setsockopt(socket.IPPROTO_IP, IP_RECVORIGDSTADDR, 1)
            sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        # One raw socket answers in the name of every address and port; a socket for each would race with the
        # next datagram of the sample. It must not receive: it would get a copy of all UDP.
        raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_UDP)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
        _receive_nothing(raw)
        if family == socket.AF_INET6:
            raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_CHECKSUM, 6)
            # Else only addresses of an interface may be the source; for IPv4 the route is enough.
            raw.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
        self.sockets[family] = sock
        self._raw[family] = raw
        self._loop.add_reader(sock, self._readable, sock)

    def _readable(self, sock: socket.socket) -> None:
        for _ in range(_BATCH):
            try:
                data, control, _, sender = sock.recvmsg(65536, 256)
            except OSError:
                return
            server = _original(control)
            if server is not None:
                self._handle(data, (sender[0].partition("%")[0], sender[1]), server, sock.family)

    def _handle(self, data: bytes, client: Endpoint, server: Endpoint, family: int) -> None:
        if server[1] == 53:
            reply = dns.answer(data, self._world.names, limit=512 if len(data) < 512 else 1232)
            if reply is not None:
                self._send(reply.wire, server, client, family)
                self._world.channel.send(
                    Dns(
                        time=time.monotonic_ns(), client=client, server=server, name=reply.name, type=reply.type,
                        answers=reply.answers, status=reply.status,
                    )
                )  # fmt: skip
                return
        answer = ntp_answer(data, time.time_ns()) if server[1] == 123 else None
        if answer is not None:
            self._send(answer, server, client, family)
        self._tell(data, client, server, "ntp" if answer else guess(data, server[1]))

    def _tell(self, data: bytes, client: Endpoint, server: Endpoint, looks: str) -> None:
        if (client, server) in self._told or len(self._told) >= _TOLD_LIMIT:
            return
        self._told.add((client, server))
        now, host = time.monotonic_ns(), self._world.names.name(server[0])
        send = self._world.channel.send
        send(Connect(time=now, client=client, server=server, host=host, protocol="udp", size=len(data)))
        send(
            Data(
                time=now, client=client, server=server, host=host, protocol="udp", head=data, size=len(data),
                guess=looks,
            )
        )  # fmt: skip

    def _send(self, data: bytes, source: Endpoint, target: Endpoint, family: int) -> None:
        header = udp_header(source[1], target[1], data)
        address = socket.inet_pton(family, source[0])
        if family == socket.AF_INET:
            checksum = udp4_checksum(address, socket.inet_aton(target[0]), header + data)
            header = header[:6] + struct.pack("!H", checksum)
            control = (socket.IPPROTO_IP, IP_PKTINFO, struct.pack("=I4s4s", 0, address, bytes(4)))
        else:
            control = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, address + struct.pack("=I", 0))
        try:
            self._raw[family].sendmsg([header, data], [control], 0, (target[0], 0))
        except OSError:
            return  # the sample's network is gone


def _receive_nothing(sock: socket.socket) -> None:
    # A classic BPF program of one instruction: return 0.
    code = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    sock.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", 1, ctypes.addressof(code)))  # SO_ATTACH_FILTER


def _original(control: list[tuple[int, int, bytes]]) -> Endpoint | None:
    for level, kind, data in control:
        if level == socket.IPPROTO_IP and kind == IP_RECVORIGDSTADDR:
            return socket.inet_ntoa(data[4:8]), int.from_bytes(data[2:4], "big")
        if level == socket.IPPROTO_IPV6 and kind == IPV6_RECVORIGDSTADDR:
            return socket.inet_ntop(socket.AF_INET6, data[8:24]), int.from_bytes(data[2:4], "big")
    return None
