"""A trace as rules look at it: what the sample caused, with fields ready to compare and facts drawn once.

Everything in a trace was chosen by the sample, lengths and counts too, so what is done for each event is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lazaretto.domain.trace import (
    AnyEvent,
    Cause,
    FileLink,
    FileRename,
    FileWrite,
    ProcessStart,
    Trace,
)

Value = str | int | float | bool | tuple[str | int, ...] | None

MAX_TEXT = 4096  # characters of a field that are looked at
_MAX_WORDS = 256  # words of a command line that are looked at
_WORD = re.compile(r"\"([^\"]{1,1024})\"|'([^']{1,1024})'|([^\s\"';,=<>|&()]{1,1024})")

# Which systems' rules a profile's traces are judged by.
PLATFORMS: dict[str, frozenset[str]] = {
    "windows": frozenset({"windows"}),
    "linux": frozenset({"linux"}),
    "office": frozenset({"linux", "office"}),
}


class SampleFacts:
    """What is known about the sample before its trace is read: the name it had in the guest, and its hash."""

    def __init__(self, name: str = "", sha256: str = "") -> None:
        self.name = name
        self.sha256 = sha256


class View:
    """The events that the sample caused, in order, and what rules ask about them.

    `fold` says that names are compared without regard to case, as on Windows. An event's *actor* is the process that
    did it: the one that started the program for `process.start`, the event's own process for all others.
    """

    def __init__(self, trace: Trace, sample: SampleFacts) -> None:
        self.trace = trace
        self.fold = trace.profile == "windows"
        self.platforms = PLATFORMS.get(trace.profile, frozenset())
        self.events: tuple[AnyEvent, ...] = tuple(e for e in trace.events if self._caused(e))
        self._current = -1  # id of the event whose values are kept: rules look at one event after the other
        self._values: dict[str, Value] = {}
        self._sample_paths = self._paths_of_sample(sample)
        self._copies: set[str] = set()
        self._dropped: dict[str, int] = {}
        self._note_files(sample)

    def text(self, value: object) -> str:
        """A value as rules compare it: cut, and folded where the system does not tell cases apart."""
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        text = text[:MAX_TEXT]
        return text.lower() if self.fold else text

    def actor(self, event: AnyEvent) -> int:
        """Key of the process that did it."""
        return event.parent if isinstance(event, ProcessStart) else event.process

    def value(self, event: AnyEvent, field: str) -> Value:
        """The value of a field, also of `actor.FIELD` (the acting process) and `subject.FIELD` (a target process)."""
        if self._current == event.id and field in self._values:
            return self._values[field]
        found = self._look_up(event, field)
        return self._keep(event, field, found)

    def kept(self, event: AnyEvent, name: str, make: Callable[[View, AnyEvent], Value]) -> Value:
        """A value that many rules ask for, made once for each event; `name` says which."""
        if self._current == event.id and name in self._values:
            return self._values[name]
        return self._keep(event, name, make(self, event))

    def _keep(self, event: AnyEvent, name: str, value: Value) -> Value:
        if self._current != event.id:
            self._current = event.id
            self._values = {}
        self._values[name] = value
        return value

    def written_by(self, path: str, before: int | None) -> int | None:
        """Id of the event that first wrote this file, if it was the sample's doing (and, if asked, before that id)."""
        first = self._dropped.get(self.path(path))
        return first if first is not None and (before is None or first < before) else None

    def is_sample(self, path: str) -> bool:
        """Whether this path is the sample itself or a copy that it made of itself."""
        plain = self.path(path)
        return plain in self._sample_paths or plain in self._copies

    def path(self, text: str) -> str:
        """A path in the one spelling that is compared."""
        plain = self.text(text)
        if self.fold:
            plain = plain.replace("/", "\\").removeprefix("\\\\?\\").removeprefix("\\??\\")
        return plain

    def paths_in(self, event: AnyEvent, text: str) -> Iterator[str]:
        """Everything in a command line that could be a path, also taken from the working directory."""
        directory = self.path(str(event.working_directory)) if isinstance(event, ProcessStart) else ""
        separator = "\\" if self.fold else "/"
        for place, found in enumerate(_WORD.finditer(text[:MAX_TEXT])):
            if place >= _MAX_WORDS:
                return
            word = self.path(next(group for group in found.groups() if group is not None))
            yield word
            if directory and not word.startswith(separator) and word[1:2] != ":":
                yield f"{directory.rstrip(separator)}{separator}{word.removeprefix('.' + separator)}"

    def descends(self, process: int, ancestor: int) -> bool:
        """Whether the process is the ancestor or was started by it over at most 64 steps."""
        for _ in range(64):
            if process == ancestor:
                return True
            record = self.trace.processes.get(process)
            if record is None or record.parent == 0:
                return False
            process = record.parent
        return False

    def _caused(self, event: AnyEvent) -> bool:
        record = self.trace.processes.get(event.process)
        return record is None or record.cause is not Cause.MACHINE

    def _look_up(self, event: AnyEvent, field: str) -> Value:
        owner, dot, name = field.partition(".")
        if not dot:
            return self._plain(getattr(event, field, None))
        key = self.actor(event) if owner == "actor" else getattr(event, "target", 0)
        record = self.trace.processes.get(key)
        return self._plain(getattr(record, name, None)) if record else None

    def _plain(self, value: object) -> Value:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, tuple):
            return tuple(item if isinstance(item, int) else self.text(item) for item in value[:_MAX_WORDS])
        if isinstance(value, dict):
            return tuple(self.text(f"{key}={item}") for key, item in list(value.items())[:_MAX_WORDS])
        return self.text(value)

    def _paths_of_sample(self, sample: SampleFacts) -> set[str]:
        """Where the sample lies in the guest: the paths with its name in the image and arguments of its process."""
        name = self.text(sample.name)
        if not name:
            return set()
        separator = "\\" if self.fold else "/"
        paths = set()
        for record in self.trace.processes.values():
            if record.cause is Cause.SAMPLE:
                words = [
                    record.image,
                    *(
                        next(filter(None, found.groups()), "")
                        for found in _WORD.finditer(record.command_line[:MAX_TEXT])
                    ),
                ]
                paths |= {self.path(word) for word in words if self.path(word).rpartition(separator)[2] == name}
        return paths

    def _note_files(self, sample: SampleFacts) -> None:
        for event in self.events:
            if isinstance(event, FileWrite):
                self._dropped.setdefault(self.path(event.path), event.id)
                if sample.sha256 and event.sha256 == sample.sha256:
                    self._copies.add(self.path(event.path))
            elif isinstance(event, FileRename | FileLink) and event.ok:
                self._note_renamed(event)

    def _note_renamed(self, event: FileRename | FileLink) -> None:
        old, new = (event.path, event.to) if isinstance(event, FileRename) else (event.target, event.path)
        if self.path(old) in self._dropped:
            self._dropped.setdefault(self.path(new), event.id)
        if self.is_sample(old):
            self._copies.add(self.path(new))
