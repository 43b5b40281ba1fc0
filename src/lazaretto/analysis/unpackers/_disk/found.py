"""A file of a file system, before its content is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

MOST_FILES = 20_000  # of one file system
MOST_DEPTH = 64  # folders in folders
_PROGRAM = (b"MZ", b"\x7fELF", b"#!", b"#@~^")
_ACTIVE = (".js", ".jse", ".vbs", ".vbe", ".wsf", ".hta", ".bat", ".cmd", ".ps1", ".lnk")


@dataclass(frozen=True)
class Found:
    """`read` gives the content; it may raise `Unreadable`."""

    name: str  # with the folders before it
    size: int  # bytes
    read: Callable[[], bytes]
    hidden: bool = False


def hidden_program(one: Found, data: bytes) -> bool:
    """Whether a file is marked as hidden and is something that can be started."""
    return one.hidden and (data.startswith(_PROGRAM) or one.name.lower().endswith(_ACTIVE))


class Unreadable(Exception):
    """The content cannot be had; the text says why."""


@dataclass
class Walk:
    """A walk through the folders of a file system that ends even where folders lie in each other."""

    left: int = MOST_FILES
    seen: set[object] = field(default_factory=set)

    def enter(self, folder: object, depth: int) -> bool:
        """Whether to go into this folder: not too deep, and not a second time."""
        if depth > MOST_DEPTH or folder in self.seen:
            return False
        self.seen.add(folder)
        return True

    def step(self) -> bool:
        """Whether to look at one more entry."""
        self.left -= 1
        return self.left >= 0
