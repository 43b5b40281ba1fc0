"""Files as Windows programs name them, in Wine's native service and in calls of exported functions.

Under Wine a file is opened, renamed and deleted by Wine's server, a process of the machine: the kernel sees the content
being written by the program itself, but not the rest in its name. The native service that asks the server fills that
in, and the calls of exported functions what only they know. What was said of the same process and file by one of them
is not said again by another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lazaretto.domain.trace import Event, FileCreate, FileDelete, FileMissing, FileMode, FileRead, FileRename, Source
from lazaretto.sandbox.account.codes import nt_ok
from lazaretto.sandbox.account.text import wide

if TYPE_CHECKING:
    from collections.abc import Callable

    from lazaretto.sandbox.account.derive import Deriver
    from lazaretto.sandbox.account.files import Files
    from lazaretto.sandbox.account.journal import Draft, Journal
    from lazaretto.sandbox.account.paths import PathMap, Place
    from lazaretto.sandbox.account.processes import Proc, Processes
    from lazaretto.sandbox.account.records import Record
    from lazaretto.sandbox.account.relay import Argument

_GENERIC_WRITE: Final = (
    0x40000000 | 0x10000000 | 0x2 | 0x4
)  # GENERIC_WRITE, GENERIC_ALL, FILE_WRITE_DATA, FILE_APPEND_DATA
# [MS-SMB2] 2.2.13: access masks, create options, what was done; FILE_INFORMATION_CLASS.
_READS: Final = 0x1 | 0x80000000 | 0x10000000  # FILE_READ_DATA, GENERIC_READ, GENERIC_ALL
_DIRECTORY, _DELETE_ON_CLOSE = 0x1, 0x1000
_OPEN, _OVERWRITE = 1, 4
_OPENED, _MADE, _EMPTIED = 1, 2, 3
_NOT_FOUND: Final = frozenset({0xC0000034, 0xC000003A})
_RENAMES, _DELETES = (10, 65), (13, 64)
_MAX_OPEN: Final = 65_536

_CREATE_NEW, _CREATE_ALWAYS, _OPEN_EXISTING, _OPEN_ALWAYS, _TRUNCATE = 1, 2, 3, 4, 5


class WindowsFiles:
    functions: Final = (
        "CreateFile", "DeleteFile", "MoveFile", "MoveFileEx", "MoveFileWithProgress", "CopyFile", "CopyFileEx",
        "CreateDirectory", "CreateDirectoryEx", "RemoveDirectory", "SetFileAttributes", "ReplaceFile",
    )  # fmt: skip

    def __init__(self, processes: Processes, paths: PathMap, files: Files, journal: Journal, derive: Deriver) -> None:
        self._processes = processes
        self._paths = paths
        self._files = files
        self._journal = journal
        self._derive = derive
        # (process key, handle): what it was given out for last, and whether that is a directory
        self._open_files: dict[tuple[int, int], tuple[Place, bool]] = {}
        # whether a thread is in a call that looks at files for its own ends
        self.by_library: Callable[[Proc, int], bool] = lambda _proc, _tid: False

    # --- Wine's native service ----------------------------------------------------------------------------------------

    def opened(self, record: Record) -> None:
        """N_CREATE_FILE."""
        proc = self._processes.of(record)
        place = self._named(record, proc)
        if place is None:
            return
        ok, options = nt_ok(record.result), record.a[4] >> 32
        if ok and len(self._open_files) < _MAX_OPEN:
            self._open_files[proc.key, record.a[2]] = (place, bool(options & _DIRECTORY))
        if not ok:
            if record.result & 0xFFFFFFFF in _NOT_FOUND and record.a[4] & 0xFFFFFFFF in (_OPEN, _OVERWRITE):
                self._missing(record, proc, place)
            return
        self._take(record, proc, place, bool(options & _DIRECTORY))
        if options & _DELETE_ON_CLOSE:
            self._deleted(record, proc, place, bool(options & _DIRECTORY))

    def _named(self, record: Record, proc: Proc) -> Place | None:
        name = wide(record.strings[0]) if record.strings else ""
        if record.a[1] and not name.startswith("\\"):
            root, _ = self._open_files.get((proc.key, record.a[1]), (None, True))
            return self._paths.of_windows(f"{root.shown}\\{name}", proc.cwd) if root is not None and name else root
        name = name.removeprefix("\\??\\")
        return self._paths.of_windows(name, proc.cwd) if name[1:3] == ":\\" else None

    def _take(self, record: Record, proc: Proc, place: Place, directory: bool) -> None:
        access, done = record.a[3], record.a[5]
        if place.scratch:
            return
        if done == _MADE:
            self._files.made_by_server(place)
            draft = self._add(FileCreate, record, proc, place, ok=True, native=True, directory=directory)
            if draft is not None and not directory:
                self._derive.file(draft, place, "write", content=False)
            return
        if done == _EMPTIED or access & _GENERIC_WRITE:
            self._files.was_there_already(place)
        own = place.builtin and not self._files.made(place.path)
        if done != _OPENED or directory or not access & _READS or place.noise or own or place.shown == proc.image:
            return
        if not self.by_library(proc, record.tid) and proc.spend("read", 5000):
            draft = self._add(FileRead, record, proc, place, ok=True, native=True)
            if draft is not None:
                self._derive.file(draft, place, "read")

    def _missing(self, record: Record, proc: Proc, place: Place) -> None:
        # where a library was looked for says nothing: the call that names it does
        library = place.path.casefold().endswith((".dll", ".drv", ".acm"))
        if not library and not place.noise and not self.by_library(proc, record.tid) and proc.spend("missing", 200):
            self._add(FileMissing, record, proc, place, ok=False, native=True)

    def _deleted(self, record: Record, proc: Proc, place: Place, directory: bool) -> None:
        draft = self._add(FileDelete, record, proc, place, ok=True, native=True, directory=directory)
        if draft is not None:
            self._derive.file(draft, place, "delete")

    def told(self, record: Record) -> bool:
        """N_SET_FILE: whether what was asked for is an event of files."""
        proc = self._processes.of(record)
        (place, directory), kind = self._open_files.get((proc.key, record.a[1]), (None, False)), record.a[2]
        if place is None or not nt_ok(record.result):
            return False
        if kind in _DELETES:
            self._deleted(record, proc, place, directory)
        elif kind in _RENAMES:
            new = wide(record.strings[0]).removeprefix("\\??\\") if record.strings else ""
            if new[1:3] != ":\\":
                new = f"{place.shown.rpartition(chr(92))[0]}\\{new}"
            self._renamed(record, proc, place, self._paths.of_windows(new, proc.cwd), native=True)
        return True  # of other kinds only times and attributes are asked for here: the kernel sees those

    # --- calls of exported functions ----------------------------------------------------------------------------------

    def call(self, record: Record, proc: Proc, function: str, arguments: tuple[Argument, ...], ok: bool) -> None:
        """A call of one of `functions` (without A or W) has returned."""
        first = self._place(proc, arguments, 0)
        if first is None:
            return
        if function == "CreateFile":
            self._open(record, proc, first, arguments, ok)
        elif function in ("CopyFile", "CopyFileEx", "MoveFile", "MoveFileEx", "MoveFileWithProgress", "ReplaceFile"):
            self._two(record, function, (first, self._place(proc, arguments, 1)), ok)
        elif function == "SetFileAttributes":
            number = arguments[1].number if len(arguments) > 1 else 0
            self._files.told_better(FileMode, proc, first)
            self._add(FileMode, record, proc, first, ok, mode=(number or 0) & 0xFFFFFFFF)
        elif function.startswith("CreateDirectory"):
            self._add(FileCreate, record, proc, first, ok, directory=True)
        else:
            draft = self._add(FileDelete, record, proc, first, ok, directory=function == "RemoveDirectory")
            if draft is not None:
                self._derive.file(draft, first, "delete")

    def _place(self, proc: Proc, arguments: tuple[Argument, ...], at: int) -> Place | None:
        text = arguments[at].text if at < len(arguments) else None
        if not text or text.startswith(("\\\\.\\", "\\\\?\\pipe", "CON")):
            return None
        return self._paths.of_windows(text, proc.cwd)

    def _open(self, record: Record, proc: Proc, place: Place, arguments: tuple[Argument, ...], ok: bool) -> None:
        access = arguments[1].number or 0 if len(arguments) > 1 else 0
        how = arguments[4].number or 0 if len(arguments) > 4 else 0
        writes = bool(access & _GENERIC_WRITE)
        if not ok:
            if how in (_OPEN_EXISTING, _TRUNCATE) and not place.noise and proc.spend("missing", 200):
                self._add(FileMissing, record, proc, place, ok=False)
        elif how in (_CREATE_NEW, _CREATE_ALWAYS) and writes:
            draft = self._add(FileCreate, record, proc, place, ok=True)
            if draft is not None:
                self._derive.file(draft, place, "write", content=False)
        elif not writes and not place.noise and proc.spend("read", 5000):
            draft = self._add(FileRead, record, proc, place, ok=True)
            if draft is not None:
                self._derive.file(draft, place, "read")

    def _two(self, record: Record, function: str, places: tuple[Place, Place | None], ok: bool) -> None:
        proc, (old, new) = self._processes.of(record), places
        if function.startswith("Copy"):
            if new is not None:
                draft = self._add(FileCreate, record, proc, new, ok)
                if draft is not None:
                    self._derive.file(draft, new, "write")
            return
        if new is None:  # MoveFileEx without a new name deletes at the next start
            draft = self._add(FileDelete, record, proc, old, ok)
            if draft is not None:
                self._derive.file(draft, old, "delete")
            return
        if function == "ReplaceFile":
            old, new = new, old
        self._renamed(record, proc, old, new, ok)

    def _renamed(
        self, record: Record, proc: Proc, old: Place, new: Place, ok: bool = True, *, native: bool = False
    ) -> None:
        draft = self._add(FileRename, record, proc, old, ok, native=native, to=new.shown)
        if draft is not None:
            if ok:
                self._files.moved(old.path, new.path)
            self._derive.file(draft, old, "rename")
            self._derive.file(draft, new, "write")

    def _add(
        self,
        cls: type[Event],
        record: Record,
        proc: Proc,
        place: Place,
        ok: bool,
        *,
        native: bool = False,
        **fields: Any,
    ) -> Draft | None:
        """The draft, unless another observer has told of it already."""
        if not self._files.first(cls, proc, place):
            return None
        source = Source.NATIVE if native else Source.API
        return self._journal.add(cls, record.time, proc, source, thread=record.tid, ok=ok, path=place.shown, **fields)
