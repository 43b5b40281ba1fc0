"""Documents that are ZIP files: OOXML (ECMA-376) with its relationships, and OpenDocument."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from lazaretto.analysis.documents.markup import elements

MOST_MEMBERS = 5_000
MOST_MEMBER = 64 << 20
MOST_BYTES = 256 << 20


@dataclass(frozen=True)
class Relation:
    """A relationship of a part: `kind` is the last word of its type, `source` the part that has it."""

    source: str
    id: str
    kind: str
    target: str
    external: bool


class Package:
    """A ZIP file's members by name; what is read is bounded."""

    def __init__(self, data: bytes, most: int = MOST_BYTES) -> None:
        """Raises `ValueError` if it is no readable ZIP file."""
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            infos = self._zip.infolist()
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError, IndexError) as error:
            raise ValueError(f"its directory cannot be read: {error}") from error
        self.cut = len(infos) > MOST_MEMBERS
        # `is_dir` fails over a member without a name
        files = (info for info in infos[:MOST_MEMBERS] if info.filename and not info.is_dir())
        self._infos = {info.filename.replace("\\", "/"): info for info in files}
        self._left = most
        self.unread: list[str] = []  # members that could not be read, or that were too large

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._infos)

    def head(self, name: str, size: int = 16) -> bytes:
        try:
            with self._zip.open(self._infos[name]) as file:
                return file.read(size)
        except (*_BROKEN, KeyError):
            return b""

    def read(self, name: str) -> bytes:
        """A member's bytes; empty where it is not there, broken, or more than may be read."""
        info = self._infos.get(name)
        if info is None:
            return b""
        most = min(MOST_MEMBER, self._left)
        try:
            with self._zip.open(info) as file:
                data = file.read(most + 1)
        except _BROKEN:
            self.unread.append(name)
            return b""
        if len(data) > most:
            self.unread.append(name)
            return b""
        self._left -= len(data)
        return data

    def relations(self) -> Iterator[Relation]:
        """All relationships of all parts."""
        for name in self.names:
            if not name.lower().endswith(".rels"):
                continue
            folder, _, file = name.rpartition("/")
            source = posixpath.join(posixpath.dirname(folder), file[: -len(".rels")])
            for element in elements(self.read(name)):
                if element.name == "Relationship":
                    yield Relation(
                        source=source,
                        id=element.attributes.get("Id", ""),
                        kind=element.attributes.get("Type", "").rpartition("/")[2],
                        target=element.attributes.get("Target", ""),
                        external=element.attributes.get("TargetMode", "").lower() == "external",
                    )


_BROKEN = (
    zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError, ValueError, IndexError,
)  # fmt: skip
