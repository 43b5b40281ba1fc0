"""Opening a ZIP archive: every member once, passwords tried, lies told of."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from lazaretto.analysis.engine import Output, Subject
from lazaretto.analysis.unpackers._unpacking import Unpacking, guessed
from lazaretto.analysis.unpackers._zip.ciphers import Decrypted, aes, is_aes, old_cipher
from lazaretto.analysis.unpackers._zip.directory import Directory, Entry, read_directory
from lazaretto.analysis.unpackers._zip.methods import Broken, TooMuch, unpacked

_MOST_LINK = 4_096


def unpack(subject: Subject) -> Iterator[Output]:
    """The members of the archive. Only the first of those that share their bytes is unpacked."""
    directory = read_directory(subject.data)
    opening = _Opening(subject, directory)
    yield from opening.tricks()
    for entry in directory.entries:
        if opening.unpacking.full:
            break
        yield from opening.opened(entry)
    yield from opening.unpacking.end()


class _Opening:
    def __init__(self, subject: Subject, directory: Directory) -> None:
        self.data = subject.data
        self.directory = directory
        self.unpacking = Unpacking(subject)
        comment = directory.comment.decode("utf-8", "replace")
        self.passwords = [*self.unpacking.passwords, *re.findall(r"\S{3,64}", comment)[:20]]
        self.password: str | None = None
        self.overlapping = _overlapping(directory)
        self._twice = {id(entry) for entry in self.overlapping}

    def tricks(self) -> Iterator[Output]:
        """What the directory says other than the members' own headers."""
        if not self.directory.whole and self.directory.entries:
            yield from self.unpacking.once("archive-directory-broken")
        unlisted = [entry for entry in self.directory.entries if not entry.listed and not entry.is_folder]
        if self.directory.whole:
            for entry in unlisted[:8]:
                yield from self.unpacking.once("archive-member-unlisted", entry.name)
        for entry in self.directory.entries:
            if entry.other_name:
                told = entry.other_name.decode("utf-8", "replace")
                yield from self.unpacking.once("archive-two-names", f"{entry.name} and {told}")
        for entry in self.overlapping[:4]:
            yield from self.unpacking.once("archive-overlapping", entry.name)

    def opened(self, entry: Entry) -> Iterator[Output]:
        if entry.is_folder:
            return
        if id(entry) in self._twice:
            yield from self.unpacking.damaged(entry.name, "its bytes are another member's too")
            return
        packed = self.data[entry.start : entry.start + entry.packed] if entry.start >= 0 else b""
        if entry.start < 0:
            yield from self.unpacking.damaged(entry.name, "the directory names a place where it is not")
            return
        if not entry.is_encrypted:
            yield from self._unpacked(entry, Decrypted(packed, entry.method), "")
            return
        found = self._decrypted(entry, packed)
        if found is None:
            yield from self.unpacking.encrypted(entry.name)
        else:
            yield from self._unpacked(entry, found, self.password or "")

    def _unpacked(self, entry: Entry, packed: Decrypted, password: str) -> Iterator[Output]:
        try:
            data = unpacked(packed.data, packed.method, entry.size, self.unpacking.left)
        except TooMuch:
            yield from self.unpacking.too_much(entry.name, entry.size)
            return
        except Broken as broken:
            yield from self.unpacking.damaged(entry.name, str(broken), broken.data, password=password)
            return
        if entry.is_link and len(data) <= _MOST_LINK:
            self.unpacking.link(entry.name, data.decode("utf-8", "replace"))
            return
        if entry.crc and zlib.crc32(data) != entry.crc and not (is_aes(entry) and password):
            yield from self.unpacking.damaged(entry.name, "its check sum is wrong", data, password=password)
            return
        yield from self.unpacking.member(entry.name, data, password=password)

    def _decrypted(self, entry: Entry, packed: bytes) -> Decrypted | None:
        """With the password that opened the last one, else with any; a right one is remembered."""
        cipher = aes if is_aes(entry) else old_cipher

        def opens(password: str) -> Decrypted | None:
            found = cipher(packed, entry, password.encode("utf-8", "surrogateescape"))
            return found if found is not None and self._fits(entry, found) else None

        if self.password is not None and (found := opens(self.password)) is not None:
            return found
        password = guessed(self.passwords, lambda word: opens(word) is not None)
        if password is None:
            self.passwords = []  # each member has the same one, nearly always: trying all of them for each is no use
            return None
        self.password = password
        return opens(password)

    def _fits(self, entry: Entry, found: Decrypted) -> bool:
        """The old cipher lets wrong passwords pass: the check sum of the unpacked bytes decides."""
        if is_aes(entry):
            return True
        try:
            data = unpacked(found.data, found.method, entry.size, self.unpacking.left)
        except Broken:
            return False
        except TooMuch:
            return entry.size > self.unpacking.left
        return not entry.crc or zlib.crc32(data) == entry.crc


def _overlapping(directory: Directory) -> list[Entry]:
    """Members whose packed bytes lie in those of one before: how a small file unpacks to a huge one."""
    found: list[Entry] = []
    end = -1
    listed = [entry for entry in directory.entries if entry.listed and entry.start >= 0]
    for entry in sorted(listed, key=lambda one: (one.at, one.packed)):
        if entry.at < end and entry.packed:
            found.append(entry)
        end = max(end, entry.start + entry.packed)
    return found
