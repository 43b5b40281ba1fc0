"""The record of all packets, and a look at those that reach no socket.

Capturing costs nothing while the sample runs: the kernel keeps the packets in a socket's queue that nobody reads until
the end. The queue is bounded; what does not fit is dropped and counted by the kernel.
"""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
import time

from .messages import HEAD_LIMIT, Connect, Endpoint
from .world import World

PCAP_LIMIT = 16 * 1024 * 1024
_QUEUE = 24 * 1024 * 1024  # the kernel counts its own overhead too
_SNAP = 262_144  # offloaded segments can be longer than a frame on a wire
_TOLD_LIMIT = 256

# linux/if_ether.h, linux/if_packet.h, asm-generic/socket.h
_ETH_P_ALL, _SOL_PACKET, _PACKET_STATISTICS = 3, 263, 6
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE, _SO_TIMESTAMPNS = 26, 33, 35


def pcap_head() -> bytes:
    """File header: nanoseconds, Ethernet."""
    return struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, _SNAP, 1)


def pcap_packet(seconds: int, nanoseconds: int, data: bytes) -> bytes:
    """One packet with its header."""
    return struct.pack("<IIII", seconds, nanoseconds, len(data), len(data)) + data


class Capture:
    """All frames on an interface since the last `reset`."""

    def __init__(self, interface: str) -> None:
        self._interface = interface
        self._socket = self._open()

    def _open(self) -> socket.socket:
        # Bound only after everything is set, so that no frame of another interface slips in.
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _QUEUE)
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sock.setblocking(False)
        sock.bind((self._interface, _ETH_P_ALL))
        return sock

    def reset(self) -> None:
        """Forget everything so far."""
        self._socket.close()
        self._socket = self._open()

    def collect(self) -> tuple[bytearray, int, bool]:
        """The packets as a pcap file, their number, and whether some did not fit. Empties the queue."""
        out, count, cut = bytearray(pcap_head()), 0, False
        while True:
            try:
                data, control, _, _ = self._socket.recvmsg(_SNAP, 64)
            except BlockingIOError:
                break
            if len(out) + len(data) + 16 > PCAP_LIMIT:
                cut = True
                continue
            count += 1
            out += pcap_packet(*_stamp(control), data)
        _, dropped = struct.unpack("II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        return out, count, cut or dropped > 0


def _stamp(control: list[tuple[int, int, bytes]]) -> tuple[int, int]:
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) >= 16:
            seconds, nanoseconds = struct.unpack("qq", data[:16])
            return seconds, nanoseconds
    return divmod(time.time_ns(), 10**9)


def _filter() -> bytes:
    """Classic BPF: incoming IPv4 that is neither TCP nor UDP to a single host, and IPv6 echo requests.

    Offset 0 is the IP header (SOCK_DGRAM cuts the link layer off). Rows: label, code, jump if true, if false, value;
    "" is the next row.
    """
    packet_type, protocol = 0xFFFFF004, 0xFFFFF000  # SKF_AD_OFF + SKF_AD_PKTTYPE, SKF_AD_PROTOCOL
    load_half, load_byte, load_word, equal, at_least, mask, leave = 0x28, 0x30, 0x20, 0x15, 0x35, 0x54, 0x06
    rows = [
        ("", load_half, "", "", packet_type),
        ("", equal, "drop", "", 4),  # PACKET_OUTGOING
        ("", load_half, "", "", protocol),
        ("", equal, "", "ipv6", 0x0800),
        ("", load_byte, "", "", 9),
        ("", equal, "drop", "", socket.IPPROTO_TCP),
        ("", equal, "", "keep", socket.IPPROTO_UDP),
        ("", load_word, "", "", 16),
        ("", at_least, "keep", "", 0xE0000000),  # multicast and 255.255.255.255
        ("", mask, "", "", 0xFF),
        ("", equal, "keep", "drop", 0xFF),  # broadcast in a network of 256 addresses
        ("ipv6", equal, "", "drop", 0x86DD),
        ("", load_byte, "", "", 6),
        ("", equal, "", "drop", socket.IPPROTO_ICMPV6),
        ("", load_byte, "", "", 40),
        ("", equal, "keep", "drop", 128),  # echo request
        ("drop", leave, "", "", 0),
        ("keep", leave, "", "", 0xFFFF),
    ]
    places = {label: index for index, (label, *_) in enumerate(rows) if label}

    def jump(label: str, index: int) -> int:
        return places[label] - index - 1 if label else 0

    return b"".join(
        struct.pack("HBBI", code, jump(yes, index), jump(no, index), value)
        for index, (_, code, yes, no, value) in enumerate(rows)
    )


def summary(packet: bytes) -> tuple[str, Endpoint, Endpoint, bytes] | None:
    """Protocol, both ends and payload of an IP packet; None if it is none. Protocols: icmp, udp, ip-N."""
    if len(packet) >= 20 and packet[0] >> 4 == 4:
        header = (packet[0] & 15) * 4
        source, target = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
        number, payload = packet[9], packet[header:]
    elif len(packet) >= 40 and packet[0] >> 4 == 6:
        source, target = (socket.inet_ntop(socket.AF_INET6, packet[at : at + 16]) for at in (8, 24))
        number, payload = packet[6], packet[40:]
    else:
        return None
    if number == socket.IPPROTO_UDP and len(payload) >= 8:
        from_port, to_port = struct.unpack_from("!HH", payload)
        return "udp", (source, from_port), (target, to_port), payload[8:]
    name = "icmp" if number in {socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6} else f"ip-{number}"
    return name, (source, 0), (target, 0), payload[8:] if name == "icmp" else payload


class Watch:
    """Tells the host of echo requests, unusual protocols, broadcasts and multicasts: one message a destination."""

    def __init__(self, interface: str, world: World, loop: asyncio.AbstractEventLoop) -> None:
        self._world = world
        self._told: set[tuple[str, Endpoint]] = set()
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        program = _filter()
        code = ctypes.create_string_buffer(program, len(program))
        address = struct.pack("HL", len(program) // 8, ctypes.addressof(code))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, address)
        self._socket.setblocking(False)
        self._socket.bind((interface, _ETH_P_ALL))
        loop.add_reader(self._socket, self._readable)

    def reset(self) -> None:
        """A new run begins."""
        self._told.clear()

    def _readable(self) -> None:
        for _ in range(64):
            try:
                packet = self._socket.recv(2048)
            except OSError:
                return
            seen = summary(packet)
            if seen is None or (seen[0], seen[2]) in self._told or len(self._told) >= _TOLD_LIMIT:
                continue
            protocol, client, server, payload = seen
            self._told.add((protocol, server))
            self._world.channel.send(
                Connect(
                    time=time.monotonic_ns(), client=client, server=server, host=self._world.names.name(server[0]),
                    protocol=protocol, head=payload[:HEAD_LIMIT], size=len(payload),
                )
            )  # fmt: skip
