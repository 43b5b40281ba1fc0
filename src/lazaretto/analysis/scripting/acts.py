"""What a script would do, apart from how its language says it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from lazaretto.analysis.scripting.values import NOWHERE, Value


class Kind(enum.StrEnum):
    RUN = "run"  # starts a program; `text` is the command line
    EVALUATE = "evaluate"  # runs text as code; `value` is the text
    FETCH = "fetch"  # gets something over the network; `text` is the address, `path` where it is put
    SEND = "send"  # sends something over the network
    CONNECT = "connect"  # opens a raw connection
    WRITE = "write"  # writes a file at `path`
    READ = "read"  # reads a file at `path`
    DELETE = "delete"
    PERSIST = "persist"  # is started again later
    UNPROTECT = "unprotect"  # switches protection off
    FIREWALL = "firewall"
    UNLOG = "unlog"  # switches logging off, deletes logs
    DELETE_COPIES = "delete-copies"
    DESTROY = "destroy"
    ACCOUNT = "account"
    ADMIN = "admin"
    WAIT = "wait"  # `seconds`
    CHECK = "check"  # asks whether it is watched
    SHELL = "shell"  # a shell on a network connection
    INJECT = "inject"  # memory and threads through the system's own functions
    TAMPER = "tamper"  # changes its interpreter's inner state by reflection
    ENCRYPT = "encrypt"
    OFFER = "offer"  # a file that a page makes itself and offers for saving
    ENUMERATE = "enumerate"  # lists many files


@dataclass(frozen=True, slots=True)
class Act:
    """One thing done. `origins` is where what it uses came from; `hidden`: no window is shown."""

    kind: Kind
    text: str = ""
    value: Value = None
    path: str = ""
    origins: frozenset[str] = NOWHERE
    hidden: bool = False
    seconds: float = 0.0
    language: str = ""
    depth: int = 0  # decoded layers above it
    folded: bool = False  # what it names was put together or decoded by the script
    where: str = ""


@dataclass(frozen=True, slots=True)
class Layer:
    """Code inside code. `how` are the origins of its text; none: it stood there as it is."""

    language: str
    source: bytes
    how: frozenset[str] = NOWHERE
    line: bool = False  # a command line, not a file


@dataclass
class Found:
    """What one call says."""

    acts: list[Act] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
