"""What the pretended internet tells the host: one record per kind of message, and their JSON.

On the wire a message is one FRAME_JSON frame (guest/tracer/record.h) holding a flat object: the fields below
plus `"event"`, the tag by which `EVENTS` finds the class. `bytes` fields are base64, tuples are arrays. The
host turns an object into its record with `msgspec.convert(raw, EVENTS[raw["event"]])` after removing `event`,
which also checks it.

What holds for all of them:

* `time` is CLOCK_MONOTONIC of the guest's first time namespace in nanoseconds, the same clock as the tracer's
  records.
* `client` is the sample's end of the connection and `server` the address it believes it talks to, each
  (address, port). The tracer's R_CONNECT with the same local port names the process; for UDP and ICMP match
  address and port.
* `connection` numbers TCP connections from 1 in the order in which they were accepted since `start`; 0 means
  none.
* `host` is the name under which the pretended DNS gave `server`'s address out, "" if it never did.
* texts are decoded leniently and cut at 2048 characters, heads at 4096 bytes; sizes are the whole size.
* `blob` is the id of the FRAME_BLOB that holds the whole content, 0 if there is none (empty, over 1 MiB, or
  more than 32 blobs in this run).

Kinds of blobs (`"kind"` in the JSON of FRAME_BLOB, with "id", "name", "size"): "body" (HTTP request body),
"mail" (one message as sent), "upload" (a file stored by FTP), "pcap" (all traffic, tcpdump's format,
nanoseconds, Ethernet), "tlskeys" (key log lines with which Wireshark decrypts the pcap). Fields are only
added, with a default; tags are never used again.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, fields

Endpoint = tuple[str, int]  # address, port
NOWHERE: Endpoint = ("", 0)

TEXT_LIMIT = 2048
HEAD_LIMIT = 4096


@dataclass(frozen=True, kw_only=True)
class Message:
    """What all messages share."""

    time: int  # ns
    client: Endpoint = NOWHERE
    server: Endpoint = NOWHERE
    host: str = ""
    connection: int = 0


@dataclass(frozen=True, kw_only=True)
class Dns(Message):
    """A question and what it was answered. `transport`: udp, tcp, tls, https."""

    name: str
    type: str = "A"
    answers: tuple[str, ...] = ()  # as text: addresses, names, "10 mail.example.com"
    status: str = "NOERROR"  # NOERROR, NXDOMAIN, FORMERR, NOTIMP
    transport: str = "udp"


@dataclass(frozen=True, kw_only=True)
class Connect(Message):
    """A TCP connection was established, or (protocol udp, icmp, ip-N) the first packet to an address and port
    came.

    UDP to port 53 is not reported here, only as `Dns`. Packets to broadcast and multicast addresses are.
    """

    protocol: str = "tcp"
    head: bytes = b""  # of the first packet's payload, for protocols without connections
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class Tls(Message):
    """A TLS handshake was tried. `ok` false: the sample refused the certificate, or speaks a version unknown
    to us."""

    server_name: str = ""  # SNI
    version: str = ""  # TLSv1 ... TLSv1.3
    cipher: str = ""
    offered: tuple[str, ...] = ()  # ALPN
    hello: bytes = b""  # the ClientHello record, for fingerprints
    ok: bool = True
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Http(Message):
    """A request and its answer. Sent when the answer is decided."""

    method: str
    url: str  # absolute, as a browser would write it
    version: str = "HTTP/1.1"
    headers: tuple[tuple[str, str], ...] = ()  # at most 64, order and case as sent
    body: bytes = b""
    body_size: int = 0
    blob: int = 0
    tls: bool = False
    proxy: bool = False  # asked as of a proxy (absolute target or inside CONNECT)
    status: int = 0
    # page, text, json, script, program, archive, image, document, data, none, tunnel, websocket
    served: str = ""
    media_type: str = ""
    size: int = 0  # of the answer's body


@dataclass(frozen=True, kw_only=True)
class Served(Message):
    """A harmless program, script or archive was handed out: its execution later on is recognised by these.

    Every URL gets other bytes, so `sha256` names the URL. For an archive, `members` are (name, sha256) of
    what is in it.
    """

    url: str
    sha256: str
    size: int
    head: bytes  # first 64 bytes
    category: str  # program, script, archive
    file: str  # which recorder: recorder32.exe, recorder.sh, ...
    members: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Smtp(Message):
    """One mail was handed over. Several in one connection are several messages."""

    sender: str = ""
    recipients: tuple[str, ...] = ()  # at most 64
    recipient_count: int = 0
    subject: str = ""
    hello: str = ""
    size: int = 0
    head: bytes = b""
    blob: int = 0
    tls: bool = False


@dataclass(frozen=True, kw_only=True)
class Login(Message):
    """A name and a password were presented. `protocol`: smtp, ftp, pop3, imap, irc, telnet, socks, http,
    stratum."""

    protocol: str
    user: str = ""
    password: str = ""


@dataclass(frozen=True, kw_only=True)
class Ftp(Message):
    """A transfer or change on a pretended FTP server."""

    action: str  # store, retrieve, list, delete, rename, mkdir, rmdir
    path: str
    size: int = 0
    head: bytes = b""
    blob: int = 0


@dataclass(frozen=True, kw_only=True)
class Line(Message):
    """A line of a text protocol that matters: irc (all client lines, at most 64), telnet (shell commands),
    stratum."""

    protocol: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Data(Message):
    """The first bytes of a conversation in none of the protocols above, sent as soon as they came.

    `protocol`: tcp, tls, udp, websocket. `guess`: what it looks like (ntp, ssh, smb, socks, stratum, ...), ""
    if unknown.
    """

    protocol: str
    head: bytes
    size: int = 0  # of this first piece
    guess: str = ""


@dataclass(frozen=True, kw_only=True)
class Close(Message):
    """A TCP connection ended (or the run did, `open` true). `head`: first bytes the sample sent, inside TLS
    if any."""

    sent: int = 0  # bytes by the sample
    received: int = 0  # bytes by the server
    protocol: str = ""  # what it was taken for: http, smtp, ..., "" if the sample said nothing
    head: bytes = b""
    open: bool = False


@dataclass(frozen=True, kw_only=True)
class Trouble(Message):
    """A handler of ours failed; the connection was closed. Shows a fault of ours or a very odd client."""

    where: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Finished(Message):
    """The last message of a run, after all blobs. What was dropped for want of room is counted here."""

    lost_messages: int = 0
    lost_blobs: int = 0
    refused_connections: int = 0
    packets: int = 0
    pcap_cut: bool = False


EVENTS: dict[str, type[Message]] = {
    "dns": Dns,
    "connect": Connect,
    "tls": Tls,
    "http": Http,
    "served": Served,
    "smtp": Smtp,
    "login": Login,
    "ftp": Ftp,
    "line": Line,
    "data": Data,
    "close": Close,
    "trouble": Trouble,
    "finished": Finished,
}
_TAGS = {kind: tag for tag, kind in EVENTS.items()}
_NAMES = {kind: tuple(field.name for field in fields(kind)) for kind in _TAGS}


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value[:HEAD_LIMIT]).decode()
    if isinstance(value, str):
        return value[:TEXT_LIMIT]
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def encode(message: Message) -> bytes:
    """The payload of the message's FRAME_JSON. Cuts texts and heads to their bounds."""
    kind = type(message)
    plain: dict[str, object] = {"event": _TAGS[kind]}
    for name in _NAMES[kind]:
        plain[name] = _plain(getattr(message, name))
    return json.dumps(plain, separators=(",", ":")).encode()
