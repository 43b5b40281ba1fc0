"""What a conversation is, told from its first bytes and, where the server talks first, from its port. Pure."""

from __future__ import annotations

import enum
import re


class Kind(enum.Enum):
    """A protocol that the pretended internet speaks. The value is the name under which it is reported."""

    TLS = "tls"
    HTTP = "http"
    SMTP = "smtp"
    FTP = "ftp"
    POP3 = "pop3"
    IMAP = "imap"
    IRC = "irc"
    TELNET = "telnet"
    SSH = "ssh"
    DNS = "dns"
    STRATUM = "stratum"
    SOCKS = "socks"
    OTHER = "other"


# Ports where the server speaks first; also the protocol expected inside TLS on ports that begin with TLS.
SERVER_FIRST = {
    21: Kind.FTP, 22: Kind.SSH, 23: Kind.TELNET, 25: Kind.SMTP, 110: Kind.POP3, 143: Kind.IMAP, 465: Kind.SMTP,
    587: Kind.SMTP, 990: Kind.FTP, 993: Kind.IMAP, 995: Kind.POP3, 2121: Kind.FTP, 2222: Kind.SSH, 2323: Kind.TELNET,
    2525: Kind.SMTP, 26: Kind.SMTP,
}  # fmt: skip
TLS_FIRST = {465, 990, 993, 995}
DNS_PORTS = {53, 853}

# A target begins so; "HELO mail.example" and "USER x" are other protocols.
_HTTP = re.compile(rb"[A-Z][A-Z-]{2,15} +(/|\*|[A-Za-z]{2,8}://)|CONNECT +\S+:\d|GET +\S")
_MAYBE_HTTP = re.compile(rb"[A-Z][A-Z-]{0,15}( +[A-Za-z]{0,8}(:/?)?)?\Z|CONNECT +[^\r\n]*\Z")
_IRC = re.compile(rb"(NICK|USER|PASS|CAP|JOIN) [^/\r\n]*\r?\n", re.IGNORECASE)
_IRC_WORDS = (b"NICK ", b"USER ", b"PASS ", b"CAP ", b"JOIN ")


def sniff(data: bytes, port: int) -> Kind | None:
    """The kind of a conversation whose client said `data` first; None while it may still become one we speak."""
    if not data:
        return None
    first = data[0]
    if first == 0x16:
        if len(data) < 3:
            return None if data in {b"\x16", b"\x16\x03"} else Kind.OTHER
        return Kind.TLS if data[1] == 3 and data[2] <= 4 else Kind.OTHER
    if port in DNS_PORTS:
        return Kind.DNS
    if data[:5].upper().startswith(_IRC_WORDS) and not re.match(rb"\w+ \S*(/|:)\S* +HTTP/", data):
        if _IRC.match(data):
            return Kind.IRC
        return None if b"\n" not in data and len(data) < 600 else Kind.OTHER
    if _HTTP.match(data):
        return Kind.HTTP
    if len(data) < 300 and _MAYBE_HTTP.match(data):
        return None
    if first == ord("{"):
        return _json(data)
    if first in {4, 5}:
        return _socks(data)
    return SERVER_FIRST.get(port, Kind.OTHER)


def _json(data: bytes) -> Kind | None:
    # Miners speak JSON-RPC a line at a time.
    if re.search(rb'"method"\s*:\s*"(mining\.|login|eth_submitLogin|eth_login|keepalived)', data[:4096]):
        return Kind.STRATUM
    return None if b"\n" not in data and len(data) < 4096 and not data.rstrip().endswith(b"}") else Kind.OTHER


def _socks(data: bytes) -> Kind | None:
    if data[0] == 5:
        if len(data) < 2 or (1 <= data[1] <= 8 and len(data) < 2 + data[1]):
            return None
        plausible = 1 <= data[1] <= 8 and len(data) == 2 + data[1] and all(m < 10 or m >= 128 for m in data[2:])
        return Kind.SOCKS if plausible else Kind.OTHER
    if len(data) < 9:
        return None if len(data) == 1 or data[1] in {1, 2} else Kind.OTHER
    return Kind.SOCKS if data[1] in {1, 2} and b"\0" in data[8:] else Kind.OTHER


def guess(data: bytes, port: int) -> str:
    """A word for what unknown bytes look like, "" if nothing comes to mind."""
    if data[:4] in {b"\0\0\0\x54", b"\0\0\0\x85"} or data[4:8] in {b"\xffSMB", b"\xfeSMB"}:
        return "smb"
    if data.startswith(b"SSH-"):
        return "ssh"
    if data[:2] == b"\x03\0" and len(data) > 5 and data[5] == 0xE0:
        return "rdp"
    if data.startswith(b"\x13BitTorrent protocol"):
        return "bittorrent"
    if data[:4] == b"JRMI":
        return "java-rmi"
    if data[:1] == b"*" and b"\r\n$" in data[:32]:
        return "redis"
    if data[:4] in {b"\xf9\xbe\xb4\xd9", b"\xfa\xbf\xb5\xda"}:
        return "bitcoin"
    return {445: "smb", 3389: "rdp", 1433: "tds", 3306: "mysql", 5432: "postgresql", 6379: "redis"}.get(port, "")
