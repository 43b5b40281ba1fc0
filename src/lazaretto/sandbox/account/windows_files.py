"""Files as Windows programs name them in calls.

Under Wine a file is opened, renamed and deleted by Wine's server, a process of the machine: the kernel sees the content
being written by the program itself, but not always the rest in its name. The calls fill that in. What the kernel has
already said of the same process and file is not said again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lazaretto.domain.trace import Event, FileCreate, FileDelete, FileMissing, FileMode, FileRead, FileRename, Source

if TYPE_CHECKING:
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
        draft = self._add(FileRename, record, proc, old, ok, to=new.shown)
        if draft is not None:
            if ok:
                self._files.moved(old.path, new.path)
            self._derive.file(draft, old, "rename")
            self._derive.file(draft, new, "write")

    def _add(self, cls: type[Event], record: Record, proc: Proc, place: Place, ok: bool, **fields: Any) -> Draft | None:
        """The draft, unless the kernel has told of it already."""
        if not self._files.first(cls, proc, place):
            return None
        return self._journal.add(
            cls, record.time, proc, Source.API, thread=record.tid, ok=ok, path=place.shown, **fields
        )
