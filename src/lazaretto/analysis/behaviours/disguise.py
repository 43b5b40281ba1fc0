"""The same acts under other names: what an author could call otherwise is called otherwise in a trace.

A rule names what was done. So it must hold when base names of files, users, hosts, names of values, services and tasks,
the words of command lines and, on Windows, the case of all of them are others. What is not the author's to choose (a
place that the system looks at, a program of the system, a word that a program of the system understands) a rule
declares in `fixed`, with the reason; those stay.

Names change letter by letter (each letter to the one seven further, digits of base names by three), so the same name
always becomes the same other one, a long one stays long, and different ones stay different. Everything after the first
dot of a base name stays: it says what kind of file it is. Words of the observers (`action`, `mechanism`, ...), names of
functions and system calls, and contents stay too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

import msgspec

from lazaretto.analysis.behaviours.view import SampleFacts
from lazaretto.domain.trace import AnyEvent, Trace

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_TURNED: Final = _LETTERS[7:] + _LETTERS[:7]
_TURN_LETTERS: Final = str.maketrans(_LETTERS + _LETTERS.upper(), _TURNED + _TURNED.upper())
_TURN_DIGITS: Final = str.maketrans("0123456789", "3456789012")
_WORD: Final = re.compile(r'(?:"[^"]*"|[^\s"])+')
_SPACES: Final = re.compile(r'(?<=\S) (?=\S)(?=(?:[^"]*"[^"]*")*[^"]*$)')  # outside of quotes
_RUN: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9_]+")
_URL: Final = re.compile(r"(?i)\b(https?|ftp|wss?)://[^\s\"'<>()|;,]+")
_WINDOWS_PATH: Final = re.compile(r"(?:[A-Za-z]:|\\\\|%\w+%)?\\?(?:[^\s\\\"',;=<>|()/]+\\)+[^\s\\\"',;=<>|()/]*")
_QUOTED_PATH: Final = re.compile(r"[A-Za-z]:\\[^\"]+")
_LINUX_PATH: Final = re.compile(r"(?:\.{1,2}|~)?/[^\s\"',;=<>|&()]*")
_USER: Final = re.compile(r"(?i)((?:^|[\\/])(?:users|home)[\\/])([^\\/]+)")
_ADDRESS: Final = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}")
_NOBODY: Final = ("public", "default", "all users")  # folders beside those of users

_PATHS: Final = ("path", "to", "target", "image", "target_image", "location", "working_directory", "key", "device")
_LINES: Final = ("command", "detail", "data")
_NAMES: Final = ("name", "user", "title", "subject")
_HOSTS: Final = ("host", "address")
_NAMED: Final = (*_PATHS, *_LINES, *_NAMES, "command_line")
# Kinds whose `name` is a word of the observer
_OWN_NAMES: Final = ("file.attribute", "syscall")

Noted = Callable[[str, str], None]


class Disguise:
    """Renames what is not fixed. `noted` is told of each name that is found, and what it is a name of."""

    def __init__(self, fixed: Iterable[str] = (), noted: Noted | None = None) -> None:
        self._fixed = tuple(name.casefold() for name in fixed)
        self._noted = noted or (lambda _name, _kind: None)

    def trace(self, trace: Trace, sample: SampleFacts) -> tuple[Trace, SampleFacts]:
        """The trace and what is known about its sample, under other names."""
        windows = trace.profile == "windows"
        processes = {
            key: msgspec.structs.replace(process, **self._fields(process, "process.start", windows=windows))
            for key, process in trace.processes.items()
        }
        events: list[AnyEvent] = [
            msgspec.structs.replace(event, **self._fields(event, event.kind, windows=windows)) for event in trace.events
        ]
        changed = msgspec.structs.replace(trace, processes=processes, events=tuple(events))
        return changed, SampleFacts(name=self._base(sample.name, "file"), sha256=sample.sha256)

    def _fields(self, record: Any, kind: str, *, windows: bool) -> dict[str, Any]:
        changed: dict[str, Any] = {}
        for field in record.__struct_fields__:
            value = getattr(record, field)
            if isinstance(value, str) and value:
                changed[field] = self._text(field, value, kind, windows=windows)
            elif field == "arguments" and kind == "api":
                changed[field] = tuple(self._line(item, windows=windows) for item in value)
            elif field == "environment":
                changed[field] = {name: self._line(item, windows=windows) for name, item in value.items()}
            elif field == "recipients":
                changed[field] = tuple(self._mail(item) for item in value)
        return changed

    def _text(self, field: str, value: str, kind: str, *, windows: bool) -> str:
        if field == "url":
            return self._url(value)
        if field in _HOSTS and not value.startswith("/"):
            return self._host(value)
        if field == "sender":
            return self._mail(value)
        if field == "name" and (kind in _OWN_NAMES or kind == "net.dns"):
            return self._host(value) if kind == "net.dns" else value
        return self._case(self._words(field, value, windows=windows), windows=windows and field in _NAMED)

    def _words(self, field: str, value: str, *, windows: bool) -> str:
        if field in _PATHS or field in _HOSTS:
            said = {"key": "registry", "image": "program"}.get(field, "file")
            return self._path(value, said, windows=windows or "\\" in value)
        if field in _LINES:
            return self._line(value, windows=windows)
        if field == "command_line":
            return _SPACES.sub("  ", self._line(value, windows=windows))
        return self._turn(value, "name", digits=True) if field in _NAMES else value

    def _stays(self, name: str) -> bool:
        folded = name.casefold()
        return any(fnmatchcase(folded, fixed.replace("[", "[[]")) for fixed in self._fixed)

    def _turn(self, name: str, kind: str, *, digits: bool = False) -> str:
        self._noted(name, kind)
        if self._stays(name):
            return name
        turned = name.translate(_TURN_LETTERS)
        return turned.translate(_TURN_DIGITS) if digits else turned

    def _base(self, name: str, kind: str) -> str:
        """A base name: what comes before its first dot changes, but for dots at its head."""
        self._noted(name, kind)
        if self._stays(name):
            return name
        bare = name.lstrip(".")
        stem, dot, kinds = bare.partition(".")
        return name[: len(name) - len(bare)] + stem.translate(_TURN_LETTERS).translate(_TURN_DIGITS) + dot + kinds

    def _path(self, path: str, kind: str, *, windows: bool) -> str:
        if self._stays(path):
            self._noted(path, kind)
            return path
        cut = max(path.rfind("\\") if windows else -1, path.rfind("/"))
        folder, base = path[: cut + 1], path[cut + 1 :]
        folder = _USER.sub(lambda found: found[1] + self._person(found[2]), folder)
        return folder + (self._base(base, kind) if base else "")

    def _person(self, name: str) -> str:
        return name if name.casefold() in _NOBODY else self._turn(name, "user")

    def _host(self, host: str) -> str:
        self._noted(host, "host")
        if self._stays(host):
            return host
        if _ADDRESS.fullmatch(host):
            network, _, last = host.rpartition(".")
            return f"{network}.{(int(last) + 3) % 256}"
        labels = host.split(".")
        return ".".join([label.translate(_TURN_LETTERS) for label in labels[:-1]] + labels[-1:])

    def _url(self, url: str) -> str:
        if self._stays(url):
            self._noted(url, "address")
            return url
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        name, colon, port = host.partition(":")
        parts = [self._base(part, "address") for part in path.split("/")]
        return f"{scheme}://{self._host(name)}{colon}{port}{slash}{'/'.join(parts)}"

    def _mail(self, address: str) -> str:
        person, at, host = address.partition("@")
        return f"{self._turn(person, 'user')}{at}{self._host(host)}" if at else self._turn(address, "user")

    def _line(self, line: str, *, windows: bool) -> str:
        """A command line, each of its words changed."""
        return _WORD.sub(lambda word: self._word(word[0], windows=windows), line)

    def _word(self, word: str, *, windows: bool) -> str:
        plain = word.strip("\"'")
        if self._stays(plain):
            self._noted(plain, "word")
            return word
        found = _URL.search(word)
        change: Callable[[str], str] = self._url
        if found is None and (windows or "\\" in word):
            found = _QUOTED_PATH.search(word) if '"' in word else _WINDOWS_PATH.search(word)
            change = self._windows_path
        elif found is None:
            found, change = _LINUX_PATH.search(word), self._linux_path
        if found is not None:
            before, after = word[: found.start()], word[found.end() :]
            return self._runs(before) + change(found[0]) + self._runs(after)
        if "." in plain.strip(".") and not any(character in plain for character in "()[]{}=;,"):
            return word.replace(plain, self._base(plain, "word"))
        return self._runs(word)

    def _windows_path(self, path: str) -> str:
        return self._path(path, "file", windows=True)

    def _linux_path(self, path: str) -> str:
        return self._path(path, "file", windows=False)

    def _runs(self, text: str) -> str:
        """Every run of two letters and more; single letters are switches."""
        return _RUN.sub(lambda found: self._turn(found[0], "word"), text)

    @staticmethod
    def _case(text: str, *, windows: bool) -> str:
        return text.swapcase() if windows else text


def disguised(trace: Trace, sample: SampleFacts, fixed: Mapping[str, str]) -> tuple[Trace, SampleFacts]:
    """The trace under other names, but for those that a rule holds to be fixed."""
    return Disguise(fixed).trace(trace, sample)
