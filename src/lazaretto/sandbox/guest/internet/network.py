"""Sets up the one wire between the sample's network namespace and the pretended internet.

`python3 -m internet.network --session /proc/PID/ns/net` run in the tools' namespace makes a veth pair: `eth0` in the
session, `lan` here. On this side every address of the world is local (one route), so the kernel answers echo requests
to any address and hands TCP and UDP to the look-up that `redirect.py` takes over. There is no other interface in
either namespace: nothing that is sent can leave.

The session needs, besides, an /etc/resolv.conf that names the gateway. Needs the module `veth` (modules.txt).
"""

from __future__ import annotations

import argparse
import ipaddress
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# In the local table, which is asked first: a more specific unicast route keeps the LAN itself reachable. The local
# table and no other, because the kernel only accepts a source address that it finds there (replies, echo).
_WORLD = ("route replace local 0.0.0.0/0 dev lo table local scope host",)
_WORLD6 = ("route replace local ::/0 dev lo table local",)

_SESSION = ipaddress.IPv4Interface("192.168.178.34/24")
_GATEWAY = ipaddress.IPv4Address("192.168.178.1")
_SESSION6 = ipaddress.IPv6Interface("fd3a:9c41:7be0:0:9ade:d0ff:fe2b:5c17/64")
_GATEWAY6 = ipaddress.IPv6Address("fd3a:9c41:7be0:0:3681:c4ff:feab:37e2")


@dataclass(frozen=True, kw_only=True)
class Wire:
    """Addresses of the pretended home network. `neighbours` are other machines of the LAN that are there too."""

    session: ipaddress.IPv4Interface = _SESSION
    gateway: ipaddress.IPv4Address = _GATEWAY
    session6: ipaddress.IPv6Interface = _SESSION6
    gateway6: ipaddress.IPv6Address = _GATEWAY6
    session_mac: str = "98:de:d0:2b:5c:17"  # TP-Link
    gateway_mac: str = "34:81:c4:ab:37:e2"  # AVM
    neighbours: tuple[ipaddress.IPv4Address, ...] = ()
    interface: str = "lan"
    session_interface: str = "eth0"


def gateway_commands(wire: Wire, *, ipv6: bool) -> list[str]:
    """Lines for `ip -batch` in the tools' namespace, once the pair exists."""
    lan = wire.interface
    network = wire.session.network
    lines = [
        "link set lo up",
        f"link set {lan} address {wire.gateway_mac}",
        f"addr replace {wire.gateway}/{network.prefixlen} brd + dev {lan}",
        f"link set {lan} up",
        f"route replace unicast {network} dev {lan} table local scope link src {wire.gateway}",
        *(f"route replace local {address} dev lo table local scope host" for address in wire.neighbours),
        *_WORLD,
    ]
    if ipv6:
        lines += [
            f"addr replace {wire.gateway6}/{wire.session6.network.prefixlen} dev {lan} nodad",
            f"route replace unicast {wire.session6.network} dev {lan} table local",
            f"route replace unicast fe80::/64 dev {lan} table local",
            *_WORLD6,
        ]
    return lines


def session_commands(wire: Wire, *, ipv6: bool) -> list[str]:
    """Lines for `ip -batch` in the session's namespace, once the pair exists."""
    eth = wire.session_interface
    lines = [
        "link set lo up",
        f"link set {eth} address {wire.session_mac}",
        f"addr replace {wire.session} brd + dev {eth}",
        f"link set {eth} up",
        f"route replace default via {wire.gateway} dev {eth}",
    ]
    if ipv6:
        lines += [
            f"addr replace {wire.session6} dev {eth} nodad",
            f"route replace default via {wire.gateway6} dev {eth}",
        ]
    return lines


def sysctls(interface: str, *, gateway: bool) -> dict[str, str]:
    """Settings under /proc/sys/net. IPv6 must be silent by itself: its timers would wake an idle guest."""
    settings = {f"ipv6/conf/{interface}/{name}": "0" for name in ("accept_ra", "router_solicitations", "accept_dad")}
    if gateway:
        settings |= {
            "ipv4/ip_forward": "0",
            "ipv4/conf/all/rp_filter": "0",
            f"ipv4/conf/{interface}/rp_filter": "0",
            "ipv4/icmp_ratelimit": "0",
            "ipv4/ip_default_ttl": "57",  # as of a server seven hops away
            f"ipv6/conf/{interface}/hop_limit": "57",
            "ipv4/ip_local_port_range": "32768 60999",
        }
    return settings


def set_up(wire: Wire, session: str) -> None:
    """Make the pair. `session` is the path of a network namespace (/proc/PID/ns/net, /run/netns/NAME)."""
    ipv6 = Path("/proc/sys/net/ipv6").exists()
    enter = ("nsenter", f"--net={session}")
    _ip(
        (),
        [f"link add {wire.interface} type veth peer name {wire.session_interface} netns {session}"],
    )
    _apply(sysctls(wire.interface, gateway=True))
    # /proc/sys/net shows the namespace of whoever looks. Best effort: there may be no IPv6.
    script = "".join(
        f"test ! -e /proc/sys/net/{name} || echo {value} > /proc/sys/net/{name}\n"
        for name, value in sysctls(wire.session_interface, gateway=False).items()
    )
    subprocess.run([*enter, "sh", "-c", script], check=False)
    _ip((), gateway_commands(wire, ipv6=ipv6))
    _ip(enter, session_commands(wire, ipv6=ipv6))


def _ip(prefix: tuple[str, ...], lines: list[str]) -> None:
    subprocess.run([*prefix, "ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)


def _apply(settings: dict[str, str]) -> None:
    for name, value in settings.items():
        path = Path("/proc/sys/net") / name
        if path.exists():
            path.write_text(value)


def main(arguments: list[str] | None = None) -> int:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(prog="internet.network", description=__doc__)
    default = Wire()
    parser.add_argument("--session", required=True, help="path of the session's network namespace")
    parser.add_argument("--address", type=ipaddress.IPv4Interface, default=default.session)
    parser.add_argument("--gateway", type=ipaddress.IPv4Address, default=default.gateway)
    parser.add_argument("--address6", type=ipaddress.IPv6Interface, default=default.session6)
    parser.add_argument("--gateway6", type=ipaddress.IPv6Address, default=default.gateway6)
    parser.add_argument("--mac", default=default.session_mac)
    parser.add_argument("--gateway-mac", default=default.gateway_mac)
    parser.add_argument("--neighbour", type=ipaddress.IPv4Address, action="append", default=[])
    given = parser.parse_args(arguments)
    wire = Wire(
        session=given.address,
        gateway=given.gateway,
        session6=given.address6,
        gateway6=given.gateway6,
        session_mac=given.mac,
        gateway_mac=given.gateway_mac,
        neighbours=tuple(given.neighbour),
    )
    set_up(wire, given.session)
    return 0


if __name__ == "__main__":
    sys.exit(main())
