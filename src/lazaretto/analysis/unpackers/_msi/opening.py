"""Opening an installer package."""

from __future__ import annotations

import io
from collections.abc import Iterator

import olefile  # type: ignore[import-untyped]  # of its types nothing is known

from lazaretto.analysis.engine import Fact, Output, Subject, short
from lazaretto.analysis.unpackers._msi.tables import Database, Row, plain_name
from lazaretto.analysis.unpackers._unpacking import MOST_MEMBERS, Unpacking

_MOST_COMMANDS = 50
_SUMMARY = "\5"


def unpack(subject: Subject) -> Iterator[Output]:
    unpacking = Unpacking(subject)
    try:
        package = _Package(subject.data)
    except Exception as error:  # olefile raises many kinds
        yield from unpacking.damaged("(all files)", str(error) or type(error).__name__)
        yield from unpacking.end()
        return
    database = Database(package.read)
    yield from _described(database)
    yield from _actions(database, unpacking)
    yield from _streams(package, _cabinets(database), unpacking)
    yield from unpacking.end()


class _Package:
    """The streams by their plain names."""

    def __init__(self, data: bytes) -> None:
        self._file = olefile.OleFileIO(io.BytesIO(data), raise_defects=olefile.DEFECT_FATAL)
        paths = self._file.listdir(streams=True, storages=False)
        self.paths = {"/".join(plain_name(part) for part in path): path for path in paths[:MOST_MEMBERS]}

    def size(self, name: str) -> int:
        return int(self._file.get_size(self.paths[name]))

    def read(self, name: str) -> bytes:
        """Empty where it is not there or its chain of sectors is broken."""
        if name not in self.paths:
            return b""
        try:
            return bytes(self._file.openstream(self.paths[name]).read())
        except Exception:  # olefile raises many kinds
            return b""


def _described(database: Database) -> Iterator[Output]:
    wanted = {"ProductName", "Manufacturer", "ProductVersion"}
    for row in database.rows("Property"):
        if row.get("Property") in wanted:
            yield Fact(name=str(row["Property"]), value=short(str(row.get("Value", ""))))


def _cabinets(database: Database) -> set[str]:
    """Names of the streams that are cabinets."""
    names = [str(row.get("Cabinet", "")) for row in database.rows("Media")]
    return {name[1:] for name in names if name.startswith("#")}


def _actions(database: Database, unpacking: Unpacking) -> Iterator[Output]:
    """What the package runs at installation beside the installer's own actions ("Custom Action Types" of the SDK)."""
    commands: list[str] = []
    for row in database.rows("CustomAction"):
        kind = int(row.get("Type") or 0) & 0x3F
        name, text = str(row.get("Action", "")), str(row.get("Target", ""))
        if kind in {37, 38}:
            yield from unpacking.once("installer-runs-script", name)
            suffix = "js" if kind == 37 else "vbs"
            yield from unpacking.member(f"action {name}.{suffix}", text.encode(), relation="macro")
        elif kind in {5, 6, 21, 22, 53, 54}:
            yield from unpacking.once("installer-runs-script", name)
        elif kind in {34, 50} and len(commands) < _MOST_COMMANDS:
            command = f"{_start(database, row)} {text}".strip()
            commands.append(short(command))
            yield from unpacking.once("installer-runs-command", command)
    if commands:
        yield Fact(name="commands at installation", value=tuple(commands))


def _start(database: Database, action: Row) -> str:
    """The program that an action starts, where a property names it."""
    source = str(action.get("Source", ""))
    if int(action.get("Type") or 0) & 0x3F != 50:
        return ""
    values = {str(row.get("Property")): str(row.get("Value")) for row in database.rows("Property")}
    return values.get(source, source)


def _streams(package: _Package, cabinets: set[str], unpacking: Unpacking) -> Iterator[Output]:
    for name in sorted(package.paths):
        if name.startswith(("!", _SUMMARY)) or unpacking.full:
            continue
        size = package.size(name)
        if size > unpacking.left:
            yield from unpacking.too_much(name, size)
            return
        data = package.read(name)
        if size and not data:
            yield from unpacking.damaged(name, "its sectors cannot be read")
            continue
        called = f"{name}.cab" if name in cabinets and not name.lower().endswith(".cab") else name
        yield from unpacking.member(called, data, relation="embedded")
