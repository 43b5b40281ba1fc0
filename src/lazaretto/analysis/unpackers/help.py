"""Compiled help (CHM): its pages, pictures and whatever else it carries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lazaretto.analysis.engine import Engine, Fact, Output, Shortfall, Subject, short
from lazaretto.analysis.unpackers._unpacking import MOST_OUTPUT, Unpacking

if TYPE_CHECKING:
    from lazaretto.analysis.unpackers._microsoft.chm import Entry, Help

_NAME = "lazaretto.analysis.unpackers._microsoft"

ENGINE = Engine(
    name="unpack-help",
    version="1",
    module="lazaretto.analysis.unpackers.help",
    wants=lambda kind: kind.name == "chm",
    sees="the pages and files in compiled help, and which page is shown first",
    loads=("encodings.utf_16_le", f"{_NAME}.chm", f"{_NAME}.lzx", f"{_NAME}.pages"),
    seconds=60.0,
    output=MOST_OUTPUT,
    essential=True,
)
_OWN = "::DataSpace/"  # what the format keeps for itself: names and tables of the sections
_PAGES = (".htm", ".html", ".hhc", ".hhk")
_SHOWN = (".gif", ".jpg", ".jpeg", ".png", ".bmp", ".css", ".ico", ".svg")
_MANY = 500  # files, beyond which pages that can do nothing are shown together
_LARGEST_PAGE, _TOGETHER = 256 << 10, 2 << 20  # bytes
_START, _TITLE, _MADE_BY = 2, 3, 9  # of the settings


def examine(subject: Subject) -> Iterator[Output]:
    from lazaretto.analysis.unpackers._microsoft import chm  # noqa: PLC0415  only in the cage

    unpacking = Unpacking(subject)
    try:
        help_ = chm.opened(subject.data)
    except chm.Unreadable as error:
        yield from unpacking.damaged("(the help)", str(error))
        yield from unpacking.end()
        return
    settings = _settings(help_)
    for code, name in ((_TITLE, "help-title"), (_START, "help-first-page"), (_MADE_BY, "help-made-by")):
        if settings.get(code):
            yield Fact(name=name, value=short(settings[code]))
    first = settings.get(_START, "").lstrip("/").lower()
    entries = [(name, one) for name, one in help_.entries.items() if not name.endswith("/") and _is_content(name, one)]
    yield Fact(name="help-files", value=len(entries))
    if not entries:
        yield Shortfall(reason="the directory of the help names no files")
    entries.sort(key=lambda pair: (_rank(pair[0].lower(), first), pair[1].section, pair[1].at))
    together = _Together(unpacking) if len(entries) > _MANY else None
    for name, entry in entries:
        if unpacking.full:
            break
        yield from _file(help_, name.lstrip("/"), entry, unpacking, together)
    if together:
        yield from together.end()
    yield from unpacking.end()


class _Together:
    """Pages that can do nothing, joined to parts of some megabytes."""

    def __init__(self, unpacking: Unpacking) -> None:
        self._unpacking = unpacking
        self._pages: list[bytes] = []
        self._size = self._parts = self._count = 0

    def takes(self, name: str, data: bytes) -> bool:
        """Whether it is such a page, which then must be given to `add`."""
        from lazaretto.analysis.unpackers._microsoft.pages import plain  # noqa: PLC0415  only in the cage

        return len(data) <= _LARGEST_PAGE and name.lower().endswith(_PAGES) and plain(data)

    def add(self, data: bytes) -> Iterator[Output]:
        self._pages.append(data)
        self._size += len(data)
        self._count += 1
        if self._size >= _TOGETHER:
            yield from self._give()

    def end(self) -> Iterator[Output]:
        yield from self._give()
        yield Fact(name="help-plain-pages", value=self._count)

    def _give(self) -> Iterator[Output]:
        if self._pages:
            self._parts += 1
            data = b"\n".join(self._pages)
            yield from self._unpacking.member(f"plain pages {self._parts}.html", data, relation="body")
        self._pages, self._size = [], 0


def _is_content(name: str, entry: Entry) -> bool:
    return bool(entry.size) and not name.startswith(_OWN)


def _file(help_: Help, name: str, entry: Entry, unpacking: Unpacking, together: _Together | None) -> Iterator[Output]:
    from lazaretto.analysis.unpackers._microsoft import chm  # noqa: PLC0415  only in the cage

    if entry.size > unpacking.left:
        yield from unpacking.too_much(name, entry.size)
        return
    try:
        data = help_.read(entry)
    except chm.Unreadable as error:
        yield from unpacking.damaged(name, str(error), error.data)
        return
    if together and together.takes(name, data):
        yield from together.add(data)
    else:
        yield from unpacking.member(name, data)


def _rank(name: str, first: str) -> int:
    """What can do most comes first, if there is not room for all: the first page, unknown kinds, pages, pictures."""
    if name.lstrip("/") == first:
        return 0
    return 3 if name.endswith(_SHOWN) or name.startswith(("/#", "/$")) else 2 if name.endswith(_PAGES) else 1


def _settings(help_: Help) -> dict[int, str]:
    """Texts of the file #SYSTEM, by their codes."""
    from lazaretto.analysis.unpackers._disk.volume import numbers  # noqa: PLC0415  only in the cage
    from lazaretto.analysis.unpackers._microsoft import chm  # noqa: PLC0415  only in the cage

    entry = help_.entries.get("/#SYSTEM")
    try:
        raw = help_.read(entry) if entry and entry.size < 1 << 20 else b""
    except chm.Unreadable as error:
        raw = error.data
    found: dict[int, str] = {}
    at = 4
    while at + 4 <= len(raw) and len(found) < 64:
        code, length = numbers("<HH", raw, at)
        found.setdefault(code, raw[at + 4 : at + 4 + length].split(b"\0")[0].decode("latin-1"))
        at += 4 + length
    return found
