"""The network: what the kernel saw being connected, joined with what the pretended internet was told.

The kernel says which process owns which local port; the internet's messages say what went over it. Both reach the host
by ways of their own, so messages wait until the run is over and find every record there.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from lazaretto.domain.trace import (
    ApiCall,
    Event,
    NetConnect,
    NetData,
    NetDns,
    NetHttp,
    NetListen,
    NetMail,
    NetRaw,
    Source,
)
from lazaretto.sandbox.account import codes, messages
from lazaretto.sandbox.account.derive import Deriver
from lazaretto.sandbox.account.journal import Draft, Journal
from lazaretto.sandbox.account.manifest import GuestManifest, PathSet
from lazaretto.sandbox.account.processes import Proc, Processes
from lazaretto.sandbox.account.records import Kind, Record
from lazaretto.sandbox.account.text import clean

MAX_SAME: Final = 200  # connections of one process to one address and port
_MAX: Final = 100_000
_MAX_NOTES: Final = 4
_CONNECTING: Final = frozenset({0, -115, -114, -11})  # EINPROGRESS, EALREADY, EAGAIN: on its way

Port = tuple[str, int]
_Endpoint = tuple[Proc, str, str, int]  # who, protocol, address, port


class Network:
    def __init__(self, manifest: GuestManifest, processes: Processes, journal: Journal, derive: Deriver) -> None:
        self._processes = processes
        self._journal = journal
        self._derive = derive
        self._noise = PathSet(manifest.noise)
        self._resolvers = frozenset(manifest.resolvers)
        self._local: dict[Port, list[tuple[int, Proc]]] = {}  # (protocol, local port) -> who had it, since when
        self._remote: dict[tuple[str, str, int], list[tuple[int, Proc]]] = {}
        self._connects: list[Draft] = []
        self._by_server: set[tuple[str, str, int]] = set()  # where Wine's server connected to
        self._names: dict[str, str] = {}  # address -> name under which the DNS gave it out
        self._talks: dict[int, Draft] = {}  # connection number -> its net.data
        self._understood: set[int] = set()  # connections that have events of their own protocol
        self.lost = 0
        self.notes: list[str] = []  # what is missing of the account, in words

    # --- records ------------------------------------------------------------------------------------------------------

    def connect(self, record: Record) -> None:
        """R_CONNECT, R_SENDTO."""
        found = self._endpoint(record)
        if found is None:
            return
        proc, protocol, address, port = found
        if protocol != "unix":
            self._own(record, found, record.a[3])
        if port == 53 and address in self._resolvers:
            return  # the question itself is an event
        if protocol == "udp" and record.kind == Kind.CONNECT:
            return  # nothing is sent yet: resolvers connect only to learn by which way they would send
        if protocol == "unix" and address.removeprefix("@") in self._noise:
            return
        if proc.spend(f"connect {protocol} {address} {port}", MAX_SAME):
            draft = self._journal.add(
                NetConnect, record.time, proc, Source.KERNEL, thread=record.tid,
                ok=record.result in _CONNECTING or record.result > 0,
                protocol=protocol, address=address, port=port,
            )  # fmt: skip
            self._connects.append(draft)

    def accept(self, record: Record) -> None:
        """R_ACCEPT: somebody came to a port of the sample; its answers go by that port."""
        found = self._endpoint(record)
        if found is not None and found[1] != "unix":
            self._own(record, found, record.a[3])

    def bind(self, record: Record) -> None:
        """R_BIND: the local port is known; an event only once it listens, or for datagrams."""
        found = self._endpoint(record)
        if found is None:
            return
        proc, protocol, address, port = found
        if protocol == "unix":
            return
        self._own(record, (proc, protocol, "", port), port)
        if protocol == "udp" and port and record.result >= 0:
            self._listen(record, proc, protocol, address, port)

    def listen(self, record: Record) -> None:
        found = self._endpoint(record)
        if found is not None:
            self._listen(record, *found)

    def _listen(self, record: Record, proc: Proc, protocol: str, address: str, port: int) -> None:
        if proc.spend(f"listen {protocol} {address} {port}", 2):
            self._journal.add(
                NetListen, record.time, proc, Source.KERNEL, thread=record.tid, ok=record.result >= 0,
                protocol=protocol,
                address=address, port=port,
            )  # fmt: skip

    def socket(self, record: Record) -> None:
        proc = self._processes.of(record)
        family = codes.FAMILIES.get(record.a[0], str(record.a[0]))
        kind = codes.SOCKET_TYPES.get(record.a[1] & 0xF, str(record.a[1] & 0xF))
        if proc.spend(f"socket {family} {kind}", 20):
            self._journal.add(
                NetRaw,
                record.time,
                proc,
                Source.KERNEL,
                thread=record.tid,
                ok=record.result >= 0,
                family=family,
                type=kind,
            )

    def _endpoint(self, record: Record) -> _Endpoint | None:
        proc = self._processes.of(record)
        family, number, port = record.a[0], record.a[1], record.a[2] & 0xFFFF
        raw = record.strings[0] if record.strings else b""
        if family == codes.AF_UNIX:
            return proc, "unix", clean(raw.rstrip(b"\0").replace(b"\0", b"@", 1), 256), 0
        if family == codes.AF_INET and len(raw) >= 4:
            address = str(ipaddress.IPv4Address(raw[:4]))
        elif family == codes.AF_INET6 and len(raw) >= 16:
            six = ipaddress.IPv6Address(raw[:16])
            address = str(six.ipv4_mapped or six)
        else:
            return None
        return proc, codes.PROTOCOLS.get(number, "raw"), address, port

    def _own(self, record: Record, found: _Endpoint, local: int) -> None:
        """The process has that local port from now on, and talks to that end."""
        proc, protocol, address, port = found
        mine = local & 0xFFFF
        if mine and len(self._local) < _MAX:
            self._local.setdefault((protocol, mine), []).append((record.time, proc))
        if port and address and len(self._remote) < _MAX:
            self._remote.setdefault((protocol, address, port), []).append((record.time, proc))

    # --- messages of the pretended internet ---------------------------------------------------------------------------

    def finish(self, told: list[messages.Internet]) -> None:
        """All messages of the run; each kind in the order in which it was sent."""
        told.sort(key=lambda message: message.time)
        for message in told:
            if isinstance(message, messages.Dns):
                for answer in message.answers:
                    self._names.setdefault(clean(answer, 256), clean(message.name, 256))
        for message in told:
            self._message(message)
        for draft in self._connects:
            draft.fields["host"] = self._names.get(draft.fields["address"], "")

    def _message(self, message: messages.Internet) -> None:  # noqa: PLR0912 - one branch a kind
        if isinstance(message, messages.Served):
            self._derive.served(clean(message.url), message.sha256, message.head)
            for _, sha256 in message.members:
                self._derive.served(clean(message.url), sha256, b"")
            return
        if isinstance(message, messages.Finished):
            self._finished(message)
            return
        if isinstance(message, messages.Trouble):
            self.lost += 1
            self._note(f"the pretended internet failed at {clean(message.where, 64)}: {clean(message.reason, 200)}")
            return
        if message.client[0].startswith("127."):
            return  # the session has a loopback of its own: this is a part of the guest talking to itself
        protocol = "udp" if isinstance(message, messages.Dns) and message.transport == "udp" else "tcp"
        if isinstance(message, (messages.Data, messages.Connect)) and message.protocol == "udp":
            protocol = "udp"
        proc = self._owner(message, protocol)
        if proc is None:
            return
        if protocol == "tcp" and not isinstance(message, messages.Dns):
            self._connected_by_server(message, proc)
        if isinstance(message, messages.Dns):
            self._add(NetDns, message, proc, name=clean(message.name, 512), type=clean(message.type, 16),
                      answers=tuple(clean(a, 256) for a in message.answers[:32]),
                      ok=message.status == "NOERROR")  # fmt: skip
        elif isinstance(message, messages.Http):
            self._understood.add(message.connection)
            self._add(
                NetHttp, message, proc, method=clean(message.method, 32), url=clean(message.url, 2048), tls=message.tls,
                headers={clean(k, 128): clean(v, 1024) for k, v in message.headers[:64]}, body=message.body[:4096],
                status=message.status, served=clean(message.served, 32),
            )  # fmt: skip
        elif isinstance(message, messages.Smtp):
            self._understood.add(message.connection)
            self._add(
                NetMail, message, proc, sender=clean(message.sender, 320), subject=clean(message.subject, 1024),
                recipients=tuple(clean(r, 320) for r in message.recipients[:64]), size=message.size,
                head=message.head[:4096],
            )  # fmt: skip
        elif isinstance(message, messages.Connect):
            self._connected(message, proc)
        elif isinstance(message, messages.Data):
            self._talk(message, proc, message.protocol, message.head, message.size)
        elif isinstance(message, messages.Tls):
            if not message.ok:
                self._talk(message, proc, "tls", message.hello, len(message.hello))
        elif isinstance(message, messages.Login):
            self._api(message, proc, message.protocol, "login", message.user, message.password)
        elif isinstance(message, messages.Ftp):
            self._understood.add(message.connection)
            self._api(message, proc, "ftp", message.action, message.path, str(message.size))
        elif isinstance(message, messages.Line):
            self._talk(message, proc, message.protocol, message.text.encode("utf-8", "replace"), 0)
        elif isinstance(message, messages.Close):
            self._closed(message, proc)

    def _finished(self, message: messages.Finished) -> None:
        counts = (message.lost_messages, message.lost_blobs, message.refused_connections)
        self.lost += sum(max(count, 0) for count in counts)
        if message.refused_connections > 0:
            self._note(f"{message.refused_connections} connections more than the pretended internet takes")
        if message.pcap_cut:
            self._note("the PCAP is cut at its bound")

    def _note(self, text: str) -> None:
        if len(self.notes) < _MAX_NOTES and text not in self.notes:
            self.notes.append(text)

    def _connected_by_server(self, message: messages.Internet, proc: Proc) -> None:
        """Wine's server connects in the name of its programs: then the kernel saw nobody of the account do it."""
        address, port = message.server
        there = ("tcp", address, port)
        if not proc.windows or not port or there in self._remote or there in self._by_server:
            return
        if len(self._by_server) < _MAX:
            self._by_server.add(there)
            self._connects.append(
                self._add(NetConnect, message, proc, protocol="tcp", address=clean(address, 64), port=port)
            )

    def _connected(self, message: messages.Connect, proc: Proc) -> None:
        """What the kernel's records tell already is not said again: only what went around sockets."""
        address, port = message.server
        if (message.protocol, address, port) not in self._remote and message.protocol != "tcp":
            if proc.spend(f"connect {message.protocol} {address} {port}", MAX_SAME):
                draft = self._add(NetConnect, message, proc, protocol=clean(message.protocol, 16),
                address=clean(address, 64),
                                  port=port)  # fmt: skip
                self._connects.append(draft)
            if message.head:
                self._talk(message, proc, message.protocol, message.head, message.size)

    def _talk(self, message: messages.Internet, proc: Proc, protocol: str, head: bytes, size: int) -> None:
        known = self._talks.get(message.connection) if message.connection else None
        if known is not None:
            if len(known.fields["head"]) < 4096 and protocol in ("irc", "telnet", "stratum"):
                known.fields["head"] = (known.fields["head"] + b"\n" + head)[:4096]
            return
        address, port = message.server
        draft = self._add(NetData, message, proc, protocol=clean(protocol, 32), address=clean(address, 64), port=port,
                          sent=size, head=head[:4096])  # fmt: skip
        if message.connection:
            self._talks[message.connection] = draft

    def _closed(self, message: messages.Close, proc: Proc) -> None:
        draft = self._talks.get(message.connection)
        if draft is not None:
            draft.fields |= {"sent": message.sent, "received": message.received}
            if len(message.head) > len(draft.fields["head"]):
                draft.fields["head"] = message.head[:4096]
        elif message.sent and message.connection not in self._understood:
            self._talk(message, proc, message.protocol or "tcp", message.head, message.sent)
            talk = self._talks.get(message.connection)
            if talk is not None:
                talk.fields |= {"sent": message.sent, "received": message.received}

    def _api(self, message: messages.Internet, proc: Proc, module: str, function: str, *arguments: str) -> None:
        self._add(ApiCall, message, proc, module=clean(module, 64), function=clean(function, 64),
                  arguments=tuple(clean(a, 1024) for a in arguments))  # fmt: skip

    def _owner(self, message: messages.Internet, protocol: str) -> Proc | None:
        """The process at the sample's end of a connection; the sample itself when the kernel did not see it."""
        address, port = message.server
        for owners in (
            self._local.get((protocol, message.client[1])), self._remote.get((protocol, address, port)),
        ):  # fmt: skip
            if owners:
                before = [proc for time, proc in owners if time <= message.time + 1_000_000]
                return before[-1] if before else owners[0][1]
        proc = self._processes.sample
        if proc is None:
            proc = next((p for p in self._processes.all if p.start is not None), None)
        if proc is None:
            self.lost += 1
        return proc

    def _add(self, cls: type[Event], message: messages.Internet, proc: Proc, ok: bool = True, **fields: Any) -> Draft:
        return self._journal.add(cls, message.time, proc, Source.INTERNET, ok=ok, **fields)
