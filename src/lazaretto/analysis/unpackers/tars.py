"""tar archives of all kinds: old, ustar, pax, GNU."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from lazaretto.analysis.engine import Engine, Output, Subject
from lazaretto.analysis.unpackers._unpacking import MOST_MEMBERS, MOST_OUTPUT, Unpacking

if TYPE_CHECKING:
    from tarfile import TarFile, TarInfo

ENGINE = Engine(
    name="unpack-tar",
    version="1",
    module="lazaretto.analysis.unpackers.tars",
    wants=lambda kind: kind.name == "tar",
    sees="the files in tar archives, and links that lead out of them",
    loads=("tarfile",),
    seconds=30.0,
    output=MOST_OUTPUT,
    essential=True,
)


def examine(subject: Subject) -> Iterator[Output]:
    import tarfile  # noqa: PLC0415  only in the cage

    unpacking = Unpacking(subject)
    try:
        with tarfile.open(fileobj=io.BytesIO(subject.data), mode="r:", errorlevel=0) as archive:
            yield from _members(archive, unpacking)
    except (tarfile.TarError, ValueError, OverflowError, RecursionError) as error:
        yield from unpacking.damaged("(the rest)", str(error))
    yield from unpacking.end()


def _members(archive: TarFile, unpacking: Unpacking) -> Iterator[Output]:
    seen = 0
    while (info := archive.next()) is not None and not unpacking.full:
        seen += 1
        if seen > 4 * MOST_MEMBERS:
            unpacking.full = f"more than {4 * MOST_MEMBERS:,} entries are inside"
            return
        if info.issym():
            unpacking.link(info.name, info.linkname)
        elif info.isreg():
            yield from _member(archive, info, unpacking)
        archive.members = []  # type: ignore[attr-defined]  # else it keeps every header, and a loop would not end in less than all memory


def _member(archive: TarFile, info: TarInfo, unpacking: Unpacking) -> Iterator[Output]:
    if info.size > unpacking.left or (info.sparse and info.size > unpacking.left):
        yield from unpacking.too_much(info.name, info.size)
        return
    stream: IO[bytes] | None = archive.extractfile(info)
    assert stream is not None  # it is a regular file
    data = b""
    try:
        data = stream.read(info.size)
    except (EOFError, OSError, ValueError) as error:  # tarfile has some of each for a file cut short
        yield from unpacking.damaged(info.name, str(error) or "it ends too early")
        return
    if len(data) < info.size:
        yield from unpacking.damaged(info.name, "it ends too early", data)
    else:
        yield from unpacking.member(info.name, data)
