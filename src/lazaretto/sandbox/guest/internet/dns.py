"""DNS messages (RFC 1035 and what came after): reading questions, writing answers. Pure; never raises on rubbish."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

from .names import Names, normal, registered

TYPES = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV",
    35: "NAPTR", 41: "OPT", 43: "DS", 48: "DNSKEY", 64: "SVCB", 65: "HTTPS", 251: "IXFR", 252: "AXFR", 255: "ANY",
    257: "CAA",
}  # fmt: skip
NUMBERS = {name: number for number, name in TYPES.items()}
NOERROR, FORMERR, NXDOMAIN, NOTIMP = 0, 1, 3, 4
STATUS = {NOERROR: "NOERROR", FORMERR: "FORMERR", NXDOMAIN: "NXDOMAIN", NOTIMP: "NOTIMP"}

_HEADER = struct.Struct("!HHHHHH")
_QUESTION = struct.Struct("!HH")
_RECORD = struct.Struct("!HHIH")
_SERVICE_PORTS = {
    "_ldap": 389, "_kerberos": 88, "_sip": 5060, "_sips": 5061, "_xmpp-client": 5222, "_xmpp-server": 5269,
    "_imaps": 993, "_submission": 587, "_autodiscover": 443, "_minecraft": 25565,
}  # fmt: skip
TTL = 300


@dataclass(frozen=True, kw_only=True)
class Question:
    """The first question of a query. `name` as asked (case kept), escaped where it holds odd bytes."""

    id: int
    flags: int
    name: str
    type: int
    klass: int
    raw: bytes  # the question section as sent, to be echoed
    edns: bool = False

    @property
    def type_name(self) -> str:
        return TYPES.get(self.type, f"TYPE{self.type}")


@dataclass(frozen=True, kw_only=True)
class Record:
    """One resource record of an answer; `text` is how it is reported."""

    name: str
    type: int
    data: bytes
    text: str


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What is answered: the wire form and what to report."""

    wire: bytes
    name: str = ""
    type: str = ""
    status: str = "NOERROR"
    answers: tuple[str, ...] = ()


def _label(raw: bytes) -> str:
    return "".join(chr(byte) if 33 <= byte < 127 and byte not in b".\\" else f"\\{byte:03d}" for byte in raw)


def parse(data: bytes) -> Question | None:
    """The question of a query; None for an answer, for rubbish, and for a message without a question."""
    if len(data) < 12:
        return None
    identity, flags, questions, _, _, additional = _HEADER.unpack_from(data)
    if flags & 0x8000 or not questions:
        return None
    position, labels, total = 12, [], 0
    while True:
        if position >= len(data):
            return None
        length = data[position]
        position += 1
        if not length:
            break
        total += length + 1
        # A pointer in the first question could only point at the header: nobody sends that honestly.
        if length > 63 or total > 254 or position + length > len(data):
            return None
        labels.append(_label(data[position : position + length]))
        position += length
    if position + 4 > len(data):
        return None
    kind, klass = _QUESTION.unpack_from(data, position)
    position += 4
    return Question(
        id=identity,
        flags=flags,
        name=".".join(labels),
        type=kind,
        klass=klass,
        raw=data[12:position],
        edns=bool(additional) and data[position : position + 3] == b"\0\0\x29",
    )


def encode_name(name: str) -> bytes:
    """A name in wire form, without compression. Labels are cut to 63 bytes."""
    labels = [label.encode("utf-8", "replace")[:63] for label in name.split(".") if label]
    while sum(len(label) + 1 for label in labels) > 254:
        labels.pop(0)
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def answer(data: bytes, names: Names, *, limit: int = 65535) -> Reply | None:
    """The answer to a query, None where a server would stay silent. `limit` is the largest answer in bytes (UDP)."""
    question = parse(data)
    if question is None:
        if len(data) < 12 or data[2] & 0x80:
            return None
        return Reply(wire=data[:2] + b"\x81\x81" + bytes(8), status="FORMERR")
    if question.flags & 0x7800 or question.klass not in {1, 255}:
        return _reply(question, NOTIMP, [], limit)
    status, records = resolve(normal(question.name), question.type, names)
    return _reply(question, status, records, limit)


def resolve(name: str, kind: int, names: Names) -> tuple[int, list[Record]]:
    """Status and records for a name in lower case."""
    if name.endswith((".in-addr.arpa", ".ip6.arpa")):
        return _reverse(name, kind, names)
    if not names.exists(name):
        return NXDOMAIN, []
    return NOERROR, _records(name, kind, names)


def _address_record(owner: str, address: str) -> Record:
    ip = ipaddress.ip_address(address)
    return Record(name=owner, type=1 if ip.version == 4 else 28, data=ip.packed, text=address)


def _records(name: str, kind: int, names: Names) -> list[Record]:
    base = registered(name)
    wanted = TYPES.get(kind, "")
    if wanted in {"A", "AAAA", "ANY"}:
        address = names.address(name, 6 if wanted == "AAAA" else 4)
        return [_address_record(name, address)] if address else []
    if wanted == "CNAME" and name.startswith("www."):
        return [_name_record(name, kind, base)]
    if wanted == "NS" and name == base:
        return [_name_record(name, kind, f"ns{number}.{base}") for number in (1, 2)]
    if wanted == "MX":
        target = f"mail.{name}"
        return [
            Record(name=name, type=kind, data=b"\0\x0a" + encode_name(target), text=f"10 {target}"),
        ]
    if wanted == "TXT":
        texts = [f"v=spf1 mx include:_spf.{base} ~all"] if name == base else []
        return [Record(name=name, type=kind, data=bytes((len(t),)) + t.encode(), text=t) for t in texts]
    if wanted == "SOA":
        return [_start_of_authority(name, base)]
    if wanted == "SRV":
        port = _SERVICE_PORTS.get(name.split(".", maxsplit=1)[0], 443)
        target = f"srv.{base}"
        data = struct.pack("!HHH", 0, 5, port) + encode_name(target)
        return [Record(name=name, type=kind, data=data, text=f"0 5 {port} {target}")]
    return []


def _name_record(owner: str, kind: int, target: str) -> Record:
    return Record(name=owner, type=kind, data=encode_name(target), text=target)


def _start_of_authority(owner: str, base: str) -> Record:
    numbers = struct.pack("!IIIII", 2024031501, 7200, 900, 1209600, 300)
    data = encode_name(f"ns1.{base}") + encode_name(f"hostmaster.{base}") + numbers
    return Record(name=owner, type=6, data=data, text=f"ns1.{base} hostmaster.{base}")


def _reverse(name: str, kind: int, names: Names) -> tuple[int, list[Record]]:
    address = reverse_address(name)
    if address is None or kind not in {12, 255}:
        return NXDOMAIN if address is None else NOERROR, []
    text = str(address)
    known = names.name(text)
    if text == names.gateway:
        known = names.zone
    if not known and (address.is_private or address.is_multicast):
        return NXDOMAIN, []
    if not known:
        known = "host-" + text.replace(".", "-").replace(":", "-") + ".static.as-hosting.net"
    return NOERROR, [_name_record(name, 12, known)]


def reverse_address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a name under in-addr.arpa or ip6.arpa stands for."""
    labels = normal(name).split(".")[:-2][::-1]
    try:
        if name.endswith(".ip6.arpa"):
            if len(labels) != 32 or any(len(label) != 1 for label in labels):
                return None
            return ipaddress.IPv6Address(int("".join(labels), 16))
        return ipaddress.IPv4Address(".".join(labels))
    except ValueError:
        return None


def _reply(question: Question, status: int, records: list[Record], limit: int) -> Reply:
    owner = normal(question.name)
    parts = [_wire(record, owner) for record in records]
    extra = b"\0\0\x29\x04\xd0\0\0\0\0\0\0" if question.edns else b""
    authority = b""
    if not records and "." in owner and status in {NOERROR, NXDOMAIN}:
        zone = registered(owner)
        authority = _wire(_start_of_authority(zone, zone), "")
    flags = 0x8180 | question.flags & 0x0110 | status
    body = b"".join(parts)
    if 12 + len(question.raw) + len(body) + len(authority) + len(extra) > limit:
        flags, parts, body, authority = flags | 0x0200, [], b"", b""
    header = _HEADER.pack(question.id, flags, 1, len(parts), bool(authority), bool(extra))
    return Reply(
        wire=header + question.raw + body + authority + extra,
        name=owner,
        type=question.type_name,
        status=STATUS.get(status, str(status)),
        answers=tuple(record.text for record in records),
    )


def _wire(record: Record, asked: str) -> bytes:
    # 0xc00c points at the question, which every answer repeats.
    owner = b"\xc0\x0c" if record.name == asked else encode_name(record.name)
    return owner + _RECORD.pack(record.type, 1, TTL, len(record.data)) + record.data
