"""ISO 9660 with Joliet and Rock Ridge names. Sources: ECMA-119; Microsoft "Joliet Specification"; IEEE P1282."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.unpackers._disk.found import Found, Walk
from lazaretto.analysis.unpackers._disk.volume import Volume, numbers

_SECTOR = 2048
_JOLIET = (b"%/@", b"%/C", b"%/E")
_MOST_FOLDER = 4 << 20
_HIDDEN, _FOLDER, _MORE = 1, 2, 0x80


def files(volume: Volume) -> Iterator[Found] | None:
    """All files; None where this is no ISO 9660 disc."""
    root, wide = b"", False
    for sector in range(16, 64):
        head = volume.read(sector * _SECTOR, _SECTOR)
        if head[1:6] != b"CD001" or head[0] == 255:
            break
        joliet = head[0] == 2 and head[88:91] in _JOLIET
        if joliet or (head[0] == 1 and not root):
            root, wide = head[156:190], joliet
    if not root:
        return None
    return _Iso(volume, wide).folder(root, "", 0)


class _Iso:
    def __init__(self, volume: Volume, wide: bool) -> None:
        self.volume = volume
        self.wide = wide
        self.walk = Walk()

    def folder(self, record: bytes, path: str, depth: int) -> Iterator[Found]:
        place, size = numbers("<I", record, 2)[0], numbers("<I", record, 10)[0]
        if not self.walk.enter(place, depth):
            return
        parts: list[tuple[int, int]] = []  # of a file that is in several
        for entry in _records(self.volume.read(place * _SECTOR, min(size, _MOST_FOLDER))):
            if not self.walk.step():
                return
            flags = entry[25]
            name = _name(entry, self.wide)
            if name in {"\0", "\1", ""}:
                continue
            if flags & _FOLDER:
                yield from self.folder(entry, f"{path}{name}/", depth + 1)
                continue
            # extended attributes, if there are any, come before the content
            parts.append((numbers("<I", entry, 2)[0] + entry[1], numbers("<I", entry, 10)[0]))
            if not flags & _MORE:
                yield _found(self.volume, path + name, tuple(parts), hidden=bool(flags & _HIDDEN))
                parts = []


def _found(volume: Volume, name: str, parts: tuple[tuple[int, int], ...], *, hidden: bool) -> Found:
    def read() -> bytes:
        return b"".join(volume.read(place * _SECTOR, size) for place, size in parts)

    return Found(name, sum(size for _, size in parts), read, hidden)


def _records(listing: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(listing):
        length = listing[at]
        if length < 34:
            at = (at // _SECTOR + 1) * _SECTOR  # a record never lies across two sectors
            continue
        yield listing[at : at + length].ljust(34, b"\0")
        at += length


def _name(entry: bytes, wide: bool) -> str:
    raw = entry[33 : 33 + entry[32]]
    if raw in {b"\0", b"\1"}:
        return raw.decode()
    if not wide and (long := _rock_ridge(entry[33 + entry[32] + (1 - entry[32] % 2) :])):
        return long
    name = raw.decode("utf-16-be" if wide else "latin-1", "replace")
    stem, _, version = name.rpartition(";")
    name = stem if stem and version.isdigit() else name
    return name if wide else name.rstrip(".")


def _rock_ridge(system: bytes) -> str:
    """The alternate name (NM) of the system use area."""
    at, name = 0, b""
    while at + 5 <= len(system) and system[at + 2] >= 4:
        if system[at : at + 2] == b"NM":
            name += system[at + 5 : at + system[at + 2]]
        at += system[at + 2]
    return name.decode("utf-8", "replace")
