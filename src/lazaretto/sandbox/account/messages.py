"""JSON messages of the guest's parts, as the host reads them: strict in types, tolerant of what it does not know.

The internet's are those of guest/internet/messages.py, the keeper's of guest/keeper. All carry `event`, the tag; `time`
is the tracer's clock in nanoseconds. A tag that is not here is none of the account's business.
"""

from __future__ import annotations

from typing import Final

import msgspec

from lazaretto.sandbox.account.journal import MAX_EVENTS

Endpoint = tuple[str, int]  # address, port
_NOWHERE: Final = ("", 0)
MAX_MESSAGES: Final = MAX_EVENTS // 2


class Internet(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """What the pretended internet's messages share. `client` is the sample's end."""

    time: int = 0
    client: Endpoint = _NOWHERE
    server: Endpoint = _NOWHERE
    host: str = ""
    connection: int = 0


class Dns(Internet, frozen=True, kw_only=True, tag="dns"):
    name: str
    type: str = "A"
    answers: tuple[str, ...] = ()
    status: str = "NOERROR"
    transport: str = "udp"


class Connect(Internet, frozen=True, kw_only=True, tag="connect"):
    protocol: str = "tcp"
    head: bytes = b""
    size: int = 0


class Tls(Internet, frozen=True, kw_only=True, tag="tls"):
    server_name: str = ""
    hello: bytes = b""
    ok: bool = True


class Http(Internet, frozen=True, kw_only=True, tag="http"):
    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    tls: bool = False
    status: int = 0
    served: str = ""


class Served(Internet, frozen=True, kw_only=True, tag="served"):
    url: str
    sha256: str = ""
    head: bytes = b""
    members: tuple[tuple[str, str], ...] = ()


class Smtp(Internet, frozen=True, kw_only=True, tag="smtp"):
    sender: str = ""
    recipients: tuple[str, ...] = ()
    subject: str = ""
    size: int = 0
    head: bytes = b""


class Login(Internet, frozen=True, kw_only=True, tag="login"):
    protocol: str = ""
    user: str = ""
    password: str = ""


class Ftp(Internet, frozen=True, kw_only=True, tag="ftp"):
    action: str = ""
    path: str = ""
    size: int = 0


class Line(Internet, frozen=True, kw_only=True, tag="line"):
    protocol: str = ""
    text: str = ""


class Data(Internet, frozen=True, kw_only=True, tag="data"):
    protocol: str = "tcp"
    head: bytes = b""
    size: int = 0


class Close(Internet, frozen=True, kw_only=True, tag="close"):
    sent: int = 0
    received: int = 0
    protocol: str = ""
    head: bytes = b""


class Trouble(Internet, frozen=True, kw_only=True, tag="trouble"):
    """Something in the pretended internet itself went wrong: what went over it may be missing."""

    where: str = ""
    reason: str = ""


class Finished(Internet, frozen=True, kw_only=True, tag="finished"):
    lost_messages: int = 0
    lost_blobs: int = 0
    refused_connections: int = 0
    pcap_cut: bool = False


class Keeper(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """What the keeper's messages share (those of the pretended human come through the keeper)."""

    time: int = 0


class Inhabitants(Keeper, frozen=True, kw_only=True, tag="machine"):
    """Who lived in the session before the sample did: outer pid and program, as Linux has them; Windows pid, image."""

    processes: tuple[tuple[int, str], ...] = ()
    windows: tuple[tuple[int, str], ...] = ()


class Started(Keeper, frozen=True, kw_only=True, tag="start"):
    path: str = ""


class ConsoleOutput(Keeper, frozen=True, kw_only=True, tag="console"):
    stream: str = "out"
    data: bytes = b""


class WindowSeen(Keeper, frozen=True, kw_only=True, tag="window"):
    """A window that the human found on the screen. `pid` is the session's."""

    title: str = ""
    text: str = ""
    window_class: str = msgspec.field(default="", name="class")
    dialog: bool = False
    pid: int = 0


class Launcher(Keeper, frozen=True, kw_only=True, tag="launcher"):
    """One line that a program of the session said which starts or opens samples (`name` as in the profile)."""

    name: str = ""
    line: str = ""


class Blob(Keeper, frozen=True, kw_only=True, tag="blob"):
    """A dropped file or a piece of memory that the host has stored. Made by the host, not sent by the guest."""

    kind: str
    sha256: str
    path: str = ""  # dropped: where it lay (Linux)
    pid: int = 0  # memory: the outer pid
    address: int = 0


class Restarted(Keeper, frozen=True, kw_only=True, tag="restart"):
    """The session was started anew: what comes back persists."""


class Done(Keeper, frozen=True, kw_only=True, tag="done"):
    ending: str = ""
    reason: str = ""


AnyInternet = Dns | Connect | Tls | Http | Served | Smtp | Login | Ftp | Line | Data | Close | Trouble | Finished
AnyKeeper = Inhabitants | Started | ConsoleOutput | WindowSeen | Launcher | Blob | Restarted | Done

INTERNET_TAGS: Final = frozenset(
    ("dns", "connect", "tls", "http", "served", "smtp", "login", "ftp", "line", "data", "close", "trouble", "finished")
)
KEEPER_TAGS: Final = frozenset(("machine", "start", "console", "window", "launcher", "blob", "restart", "done"))


def read(port: str, message: dict[str, object]) -> AnyInternet | AnyKeeper | None:
    """The record of a message; None if it is none of ours. Raises `msgspec.ValidationError` if it is malformed."""
    tag = message.get("event")
    if not isinstance(tag, str):  # a list has no hash, and is no tag either
        return None
    if port == "internet":
        return msgspec.convert(message, AnyInternet) if tag in INTERNET_TAGS else None
    return msgspec.convert(message, AnyKeeper) if tag in KEEPER_TAGS else None
