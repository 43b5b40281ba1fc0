"""ar archives, and Debian packages, which are one. Format: `ar(5)`, `deb(5)`."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Output, Subject
from lazaretto.analysis.unpackers._unpacking import MOST_MEMBERS, MOST_OUTPUT, Unpacking

ENGINE = Engine(
    name="unpack-ar",
    version="1",
    module="lazaretto.analysis.unpackers.ar",
    wants=lambda kind: kind.name in {"ar", "deb"},
    sees="the files in ar archives and Debian packages",
    seconds=20.0,
    output=MOST_OUTPUT,
    essential=True,
)

_INDEXES = {"/", "//", "/SYM64/", "__.SYMDEF", "__.SYMDEF SORTED"}


def examine(subject: Subject) -> Iterator[Output]:
    unpacking = Unpacking(subject)
    data, at, names = subject.data, 8, b""
    for _ in range(4 * MOST_MEMBERS):
        if at + 60 > len(data) or unpacking.full:
            break
        header = data[at : at + 60]
        digits = header[48:58].strip()
        if header[58:60] != b"`\n" or not digits.isdigit():
            yield from unpacking.damaged("(the rest)", "what should be a header is none")
            break
        size = int(digits)
        content = data[at + 60 : at + 60 + size]
        raw = header[:16].rstrip()
        if raw == b"//":
            names = content
        name, content = _named(raw, content, names)
        if name not in _INDEXES and len(content) < size and at + 60 + size > len(data):
            yield from unpacking.damaged(name, "it ends too early", content)
        elif name not in _INDEXES:
            yield from unpacking.member(name, content)
        at += 60 + size + size % 2
    yield from unpacking.end()


def _named(raw: bytes, content: bytes, names: bytes) -> tuple[str, bytes]:
    """The name and what is left of the content: long names are in a table (GNU) or before the content (BSD)."""
    if raw.startswith(b"#1/") and raw[3:].isdigit():
        length = min(int(raw[3:]), len(content))
        return content[:length].rstrip(b"\0").decode("utf-8", "replace"), content[length:]
    if raw.startswith(b"/") and raw[1:].isdigit():
        place = int(raw[1:])
        return names[place : place + 1024].partition(b"\n")[0].rstrip(b"/").decode("utf-8", "replace"), content
    name = raw.decode("utf-8", "replace")
    return (name if name in _INDEXES else name.rstrip("/")), content
