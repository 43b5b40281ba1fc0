"""What host and warden say to each other, one message a packet, MessagePack."""

from __future__ import annotations

import enum
from typing import Any

import msgspec

from lazaretto.analysis.formats.types import FileType

MAX_PACKET = 128 << 10  # bytes


class Job(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Have an engine look at a file. With it go two descriptors: the file's bytes, and where the outputs go.

    A third one, the first time, is what the engine brings (`Engine.brings`).
    """

    number: int
    module: str
    loads: tuple[str, ...]
    name: str
    kind: FileType | None
    options: dict[str, Any]
    seconds: float
    memory: int  # bytes
    output: int  # bytes


class End(enum.StrEnum):
    """How a child ended."""

    DONE = "done"
    RAISED = "raised"  # the engine met something it had not foreseen
    CRASHED = "crashed"  # killed by a signal of its own making
    TIME = "time"
    MEMORY = "memory"
    OUTPUT = "output"  # more was written than may be
    LOST = "lost"  # the warden is gone
    SILENT = "silent"  # an engine outside did not answer


class Ended(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A job is over."""

    number: int
    end: End
    seconds: float


# Exit codes of a child.
RAISED, NO_MEMORY, NO_ROOM = 10, 11, 12
