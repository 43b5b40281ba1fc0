"""What all unpackers share: one container being opened, within what it may give, watched for tricks.

Nothing is ever written to a file system: a member is a name and bytes. What its name would do to somebody who unpacks
the container to a disk is evidence all the same.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator

from lazaretto.analysis.engine import Finding, Member, Output, Shortfall, Subject, short

MOST_MEMBERS = 4_000  # of one container: twice what the budget of a whole tree lets through
MOST_OUTPUT = 640 << 20  # bytes that an unpacker may write: more than any budget leaves room for
ROOM = 64 << 20  # where the host has not said how much there is
PIECE = 1 << 18
BOMB = 100  # times the packed size: what honest compression reaches only with long runs of the same
GUESSING = 12.0  # seconds for trying passwords

_DRIVE = re.compile(r"[A-Za-z]:/")


class Unpacking:
    """One container. `full` says that the rest stays where it is; `end` must be said at last."""

    def __init__(self, subject: Subject) -> None:
        self.packed = len(subject.data)
        self.room = max(0, int(subject.options.get("room", ROOM)))
        self.passwords = tuple(str(word) for word in subject.options.get("passwords", ()))
        self._from_user = subject.from_user
        self.beside = frozenset(str(word) for word in subject.options.get("words", ()))
        self.given = 0  # bytes
        self.members = 0
        self.full = ""
        self._said: set[Finding] = set()
        self._encrypted = 0
        self._damaged = 0
        self._torn = ""
        self._links: dict[str, str] = {}
        self._used: set[str] = set()

    # --- members

    def member(self, name: str, data: bytes, *, relation: str = "member", password: str = "") -> Iterator[Output]:
        """A member that was opened; nothing, if there is no room for it any more."""
        name = _told(name)
        yield from self._named(name)
        if self._no_room_for(len(data)):
            return
        self.members += 1
        self.given += len(data)
        if password and password not in self._used:
            self._used.add(password)
            if password in self.beside:
                yield Finding(id="archive-password-beside", detail=password)
            elif not self._from_user(password):
                yield Finding(id="archive-password-known", detail=password)
        yield Member(name=name, data=data, relation=relation, password=password)

    def encrypted(self, name: str, why: str = "encrypted, and no known password opens it") -> Iterator[Output]:
        """A member that stays closed because its password is not known."""
        name = _told(name)
        yield from self._named(name)
        self._encrypted += 1
        if self._counted():
            yield Member(name=name, closed=why)

    def damaged(self, name: str, why: str, data: bytes = b"", *, password: str = "") -> Iterator[Output]:
        """A member that could not be read, or only to a part, which is then looked at."""
        name = _told(name)
        yield from self._named(name)
        self._damaged += 1
        if data:
            yield from self.member(name, data, password=password)
        elif self._counted():
            yield Member(name=name, closed=short(_told(why)))

    def torn(self, why: str) -> None:
        """The container itself is damaged, whatever of it could be read."""
        self._torn = why

    def end(self) -> Iterator[Output]:
        """What is to be said of the whole."""
        if self._encrypted:
            yield Finding(id="archive-stays-closed", detail=f"{self._encrypted:,} files inside")
            yield Shortfall(reason=f"{self._encrypted:,} encrypted files inside could not be opened")
        if self._damaged:
            yield Finding(id="archive-damaged", detail=f"{self._damaged:,} files inside")
            yield Shortfall(reason=f"{self._damaged:,} files inside could not be read to their end")
        elif self._torn:
            yield Finding(id="archive-damaged", detail=short(self._torn))
            yield Shortfall(reason="the archive is damaged: not all that is inside could be read")
        if self.full:
            yield Shortfall(reason=f"not everything inside was looked at: {self.full}")

    # --- evidence on the way

    def once(self, finding: str, detail: str = "") -> Iterator[Output]:
        """The finding, unless exactly this was said before."""
        said = Finding(id=finding, detail=short(_told(detail)))
        if said not in self._said and len(self._said) < 64:
            self._said.add(said)
            yield said

    def link(self, name: str, target: str) -> None:
        """A symbolic link among the members: what is unpacked through it lands where it points."""
        if len(self._links) < MOST_MEMBERS:
            self._links[_plain(_told(name))] = _told(target)

    def _named(self, name: str) -> Iterator[Output]:
        plain = name.replace("\\", "/")
        if _climbs(plain):
            yield from self.once("archive-path-climbs", name)
        elif plain.startswith("/") or _DRIVE.match(plain):
            yield from self.once("archive-path-absolute", name)
        if self._links and (link := self._through(_plain(name))):
            yield from self.once("archive-path-through-link", f"{name} by the link to {self._links[link]}")

    def _through(self, plain: str) -> str:
        """The link pointing outside below which this name lies; empty if none."""
        at = plain.find("/")
        while at >= 0:
            target = self._links.get(plain[:at])
            if target is not None and _leaves(plain[:at], target):
                return plain[:at]
            at = plain.find("/", at + 1)
        return ""

    # --- bounds

    @property
    def left(self) -> int:
        """Bytes that may still come."""
        return max(0, self.room - self.given)

    def take(self, read: Callable[[int], bytes], declared: int = 0) -> tuple[bytes, bool]:
        """All that `read` gives, piece by piece, and whether it ended within what is left.

        `declared` is the size that the container claims: where it alone is too much nothing is unpacked.
        """
        if declared > self.left:
            return b"", False
        pieces, size = [], 0
        while piece := read(PIECE):
            size += len(piece)
            if size > self.left:
                return b"", False
            pieces.append(piece)
        return b"".join(pieces), True

    def too_much(self, name: str, size: int = 0) -> Iterator[Output]:
        """A member is larger than what may still come: it stays closed, and no other is read."""
        name = _told(name)
        unpacked = self.given + max(size, self.left)
        self.full = f"unpacked it is more than {self.room >> 20} MiB"
        if unpacked > BOMB * self.packed:
            yield from self.once("archive-bomb", f"{self.packed:,} bytes become more than {unpacked:,}")
        yield Member(name=name, closed=f"too large: {self.full}")

    def _no_room_for(self, size: int) -> bool:
        if size > self.left:
            self.full = self.full or f"unpacked it is more than {self.room >> 20} MiB"
            return True
        return not self._counted()

    def _counted(self) -> bool:
        if self.members >= MOST_MEMBERS:
            self.full = self.full or f"more than {MOST_MEMBERS:,} files are inside"
        return not self.full


def guessed(passwords: Iterable[str], opens: Callable[[str], bool], seconds: float = GUESSING) -> str | None:
    """The first password that opens it, tried for a bounded time; None if none does."""
    end = time.monotonic() + seconds
    for password in passwords:
        if opens(password):
            return password
        if time.monotonic() > end:
            break
    return None


def _told(name: str) -> str:
    """A name that can be written down: bytes of no encoding, which some readers keep as half characters, are marked."""
    return name.encode("utf-8", "replace").decode("utf-8") if not name.isascii() else name


def _plain(name: str) -> str:
    """A name as a file system would take it: no empty parts, no dots."""
    return "/".join(part for part in name.replace("\\", "/").split("/") if part not in {"", "."})


def _climbs(path: str) -> bool:
    """Whether a path leaves the folder in which it starts."""
    depth = 0
    for part in path.split("/"):
        depth += -1 if part == ".." else (part not in {"", "."})
        if depth < 0:
            return True
    return False


def _leaves(link: str, target: str) -> bool:
    """Whether a link at this place points outside of the container."""
    target = target.replace("\\", "/")
    if target.startswith("/") or _DRIVE.match(target):
        return True
    return _climbs("/".join([*link.split("/")[:-1], target]))
