"""Files: one event for what a program did to a file, not for each call, and nothing of what loaders read.

What is left out is decided by what the file is on the machine (`Place.noise`) and only for reading and looking; a
change is never left out, but for what an office keeps for itself (`Place.host`), and only while it is the office.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from lazaretto.domain.trace import (
    DirectoryList,
    Event,
    FileAttribute,
    FileCreate,
    FileDelete,
    FileLink,
    FileMissing,
    FileMode,
    FileOwner,
    FileRead,
    FileRename,
    FileTime,
    FileWrite,
    InputHook,
    ModuleLoad,
    Mount,
    Source,
)
from lazaretto.sandbox.account import codes
from lazaretto.sandbox.account.codes import FLAG_UNRESOLVED
from lazaretto.sandbox.account.derive import Deriver
from lazaretto.sandbox.account.journal import Draft, Journal
from lazaretto.sandbox.account.paths import PathMap, Place
from lazaretto.sandbox.account.processes import Proc, Processes
from lazaretto.sandbox.account.records import Record
from lazaretto.sandbox.account.text import clean

MAX_MISSING: Final = 200  # looked-for files of one process
MAX_READS: Final = 5_000
_HEAD: Final = 64
_NO_FILES: Final = (b"/dev/pts/", b"/dev/null", b"/dev/tty", b"/dev/console", b"/memfd:")
_OPEN_EXEC: Final = 0x20  # the tracer's mark in the flags: opened to be executed
_EEXIST: Final = 17
_EISDIR: Final = 21
_MAX_INTERPRETERS: Final = 16
_INODE_FLAGS: Final = {0x10: "immutable", 0x20: "append-only", 0x1: "secure-deletion", 0x40: "no-dump"}  # FS_*_FL
_MAX_SAID: Final = 300_000


@dataclass(slots=True)
class _Life:
    """An open file that is being written: from its first write (or truncation) to its last close."""

    draft: Draft
    proc: Proc


_WINE_ATTRIBUTE: Final = "user.DOSATTRIB"


class Files:
    def __init__(self, processes: Processes, paths: PathMap, journal: Journal, derive: Deriver) -> None:
        self._processes = processes
        self._paths = paths
        self._journal = journal
        self._derive = derive
        self._lives: dict[str, list[_Life]] = {}  # by current path
        self._writes: dict[str, list[Draft]] = {}  # by current path: whose content the file at the end is
        self._about_to_run: dict[int, set[str]] = {}  # process key -> program, its interpreter
        self._created: set[str] = set()
        self._opened_existing: set[str] = set()
        self._once: set[tuple[type[Event], int, str]] = set()
        self._said: set[tuple[type[Event], int, str]] = set()  # for Windows programs: what the calls need not say again
        self.existed: Callable[[str], bool] | None = None  # whether a file of the image existed, by its Linux path

    # --- opening ----------------------------------------------------------------------------------------------------

    def open(self, record: Record) -> None:
        proc = self._processes.of(record)
        path = record.strings[0]
        if record.flags & FLAG_UNRESOLVED or record.result < 0:
            self._failed(record, proc, path)
            return
        flags, created, mode = record.a[0], record.a[1], record.a[2]
        place = self._paths.place(path, proc.windows)
        if created == 1:
            self._created.add(place.path)
            draft = self._add(FileCreate, record, proc, place)
            self._derive.file(draft, place, "write", content=False)
            return
        if flags & _OPEN_EXEC:
            program = self._about_to_run.setdefault(proc.key, set())
            if len(program) < _MAX_INTERPRETERS:
                program.add(place.path)  # its reading and mapping is the start of the program
            return
        if flags & codes.O_PATH == codes.O_PATH or mode & codes.S_IFMT == codes.S_IFDIR:
            return
        access = flags & codes.O_ACCMODE
        if access != codes.O_RDONLY:
            self._opened_existing.add(place.path)
            if flags & codes.O_TRUNC and mode & codes.S_IFMT in (0, codes.S_IFREG):
                self._begin(record, proc, place, 0, b"")
        if access == codes.O_RDONLY or (access == codes.O_RDWR and not flags & codes.O_TRUNC):
            self._read(record, proc, place, mode)

    def _read(self, record: Record, proc: Proc, place: Place, mode: int) -> None:
        key = (FileRead, proc.key, place.path)
        if place.noise or key in self._once or _own_proc(place.path, proc):
            return
        if not proc.spend("read", MAX_READS):
            return
        self._once.add(key)
        draft = self._add(FileRead, record, proc, place)
        if mode & codes.S_IFMT == codes.S_IFCHR and place.path.startswith("/dev/input/"):
            self._journal.add(
                InputHook, record.time, proc, Source.KERNEL, thread=record.tid, because=(draft,), how="device"
            )
        self._derive.file(draft, place, "read")

    def _failed(self, record: Record, proc: Proc, path: bytes) -> None:
        if record.flags & FLAG_UNRESOLVED and not path.startswith(b"/"):
            directory = clean(record.strings[1]) if len(record.strings) > 1 else proc.cwd
            if directory.startswith("/"):
                path = self._paths.absolute(clean(path), directory).encode()
        place = self._paths.place(path, proc.windows)
        writing = record.a[0] & codes.O_ACCMODE != codes.O_RDONLY
        if writing and (record.a[0] & codes.O_DIRECTORY or record.result == -_EISDIR or path.startswith(_NO_FILES)):
            return  # a file without a name (O_TMPFILE) where there are none; a terminal that is not there
        missing = record.result in (0, -codes.ENOENT, -codes.ENOTDIR)
        cls: type[Event] = FileMissing if missing else FileWrite if writing else FileRead
        key = (cls, proc.key, place.path)
        if key in self._once or (place.noise and not writing) or _own_proc(place.path, proc):
            return
        if not proc.spend("missing", MAX_MISSING):
            return
        self._once.add(key)
        draft = self._add(cls, record, proc, place, ok=False)
        if not missing:
            self._derive.file(draft, place, "write" if writing else "read")

    # --- writing ----------------------------------------------------------------------------------------------------

    def write(self, record: Record) -> None:
        proc = self._processes.of(record)
        path = record.strings[0]
        if not path.startswith(b"/") or path.startswith(_NO_FILES):
            return  # pipes, sockets and terminals: the console and the network have events of their own
        head = record.strings[1][:_HEAD] if len(record.strings) > 1 else b""
        place = self._paths.place(path, proc.windows)
        if not place.scratch:
            self._begin(record, proc, place, record.a[1], head)

    def _begin(self, record: Record, proc: Proc, place: Place, size: int, head: bytes) -> None:
        lives = self._lives.setdefault(place.path, [])
        life = next((life for life in lives if life.proc is proc), None)
        if life is not None and not life.draft.fields["head"]:  # truncated a moment ago, now filled
            life.draft.fields |= {"size": size, "head": head}
            return
        draft = self._add(
            FileWrite, record, proc, place, size=size, head=head,
            overwritten=place.path not in self._created and self._was_there(place.path),
        )  # fmt: skip
        if len(lives) < 64:
            lives.append(_Life(draft, proc))
        self._writes.setdefault(place.path, []).append(draft)
        self._derive.file(draft, place, "write")

    def _was_there(self, path: str) -> bool:
        return path in self._opened_existing or (self.existed is not None and self.existed(path))

    def close_write(self, record: Record) -> None:
        proc = self._processes.of(record)
        place = self._paths.place(record.strings[0], proc.windows)
        lives = self._lives.get(place.path)
        if not lives:
            return
        life = next((life for life in lives if life.proc is proc), lives[0])
        lives.remove(life)
        if not lives:
            del self._lives[place.path]
        life.draft.fields["size"] = max(record.a[0], 0)

    def truncate(self, record: Record) -> None:
        proc = self._processes.of(record)
        place = self._paths.place(record.strings[0], proc.windows)
        if any(life.proc is proc for life in self._lives.get(place.path, ())):
            return
        self._opened_existing.add(place.path)
        self._begin(record, proc, place, 0, b"")

    # --- names ------------------------------------------------------------------------------------------------------

    def unlink(self, record: Record) -> None:
        proc = self._processes.of(record)
        place = self._place(record, proc, 0)
        draft = self._add(FileDelete, record, proc, place, directory=record.a[0] == 1)
        if draft.ok:
            self._created.discard(place.path)
            self._lives.pop(place.path, None)
            self._writes.pop(place.path, None)
        self._derive.file(draft, place, "delete")

    def rename(self, record: Record) -> None:
        proc = self._processes.of(record)
        old = self._place(record, proc, 0)
        new = self._place(record, proc, 1)
        draft = self._add(FileRename, record, proc, old, to=new.shown)
        if draft.ok:
            self.moved(old.path, new.path)
        self._derive.file(draft, old, "rename")
        self._derive.file(draft, new, "write")

    def moved(self, old: str, new: str) -> None:
        """The file at one path lies at another from now on."""
        lives, writes = self._lives.pop(old, None), self._writes.pop(old, None)
        if lives is not None:
            self._lives[new] = lives
        if writes is not None:
            self._writes[new] = writes
        if old in self._created:
            self._created.discard(old)
            self._created.add(new)
        self._derive.moved(old, new)

    def link(self, record: Record) -> None:
        proc = self._processes.of(record)
        target = self._place(record, proc, 0)
        new = self._place(record, proc, 1)
        draft = self._add(FileLink, record, proc, new, target=target.shown)
        self._derive.file(draft, new, "write")

    def symlink(self, record: Record) -> None:
        proc = self._processes.of(record)
        new = self._place(record, proc, 1)
        draft = self._add(FileLink, record, proc, new, target=clean(record.strings[0]), symbolic=True)
        self._derive.file(draft, new, "write")

    def mkdir(self, record: Record) -> None:
        if record.result == -_EEXIST:
            return  # `mkdir -p` and the like: nothing was tried that could have changed anything
        proc = self._processes.of(record)
        place = self._place(record, proc, 0)
        self._created.add(place.path)
        self._add(FileCreate, record, proc, place, directory=True)

    def mknod(self, record: Record) -> None:
        proc = self._processes.of(record)
        place = self._place(record, proc, 0)
        self._created.add(place.path)
        self._add(FileCreate, record, proc, place, directory=stat.S_ISDIR(record.a[0] & 0xFFFF))

    # --- marks ------------------------------------------------------------------------------------------------------

    def chmod(self, record: Record) -> None:
        self._mark(FileMode, record, mode=record.a[0] & 0o7777)

    def chown(self, record: Record) -> None:
        self._mark(FileOwner, record, uid=record.a[0] & 0xFFFFFFFF, gid=record.a[1] & 0xFFFFFFFF)

    def utimes(self, record: Record) -> None:
        self._mark(FileTime, record)

    def xattr(self, record: Record) -> None:
        """An extended attribute, or (a0 = 1) the inode's flags as chattr(1) sets them."""
        if record.a[0] == 1:
            flags = [word for bit, word in _INODE_FLAGS.items() if record.a[1] & bit]
            self._mark(FileAttribute, record, name=",".join(flags) or "no flags")
        elif clean(record.strings[1]) != _WINE_ATTRIBUTE:  # how Wine keeps the attributes of Windows
            self._mark(FileAttribute, record, name=clean(record.strings[1]))

    def _mark(self, cls: type[Event], record: Record, **fields: Any) -> None:
        proc = self._processes.of(record)
        place = self._place(record, proc, 0)
        if proc.spend(cls.__name__, MAX_READS):
            self._add(cls, record, proc, place, **fields)

    def list_directory(self, record: Record) -> None:
        proc = self._processes.of(record)
        place = self._place(record, proc, 0)
        key = (DirectoryList, proc.key, place.path)
        if place.noise or key in self._once or not proc.spend("list", MAX_READS) or _own_proc(place.path, proc):
            return
        self._once.add(key)
        self._add(DirectoryList, record, proc, place)

    def mount(self, record: Record) -> None:
        proc = self._processes.of(record)
        place = self._paths.place(record.strings[1], proc.windows)
        self._add(Mount, record, proc, place, device=clean(record.strings[0]), filesystem=clean(record.strings[2]))

    def module(self, record: Record) -> None:
        """An executable mapping of a file: a library that was loaded."""
        proc = self._processes.of(record)
        place = self._paths.place(record.strings[0], proc.windows)
        key = (ModuleLoad, proc.key, place.path)
        own = place.path == proc.machine_image or place.path in self._about_to_run.get(proc.key, ())
        own = own or place.shown == proc.image
        if own or place.noise or (place.builtin and not self.made(place.path)) or key in self._once:
            return
        self._once.add(key)
        self._add(ModuleLoad, record, proc, place)

    def begun(self, proc: Proc) -> None:
        """The program that was about to run runs."""
        self._about_to_run.pop(proc.key, None)

    def made(self, path: str) -> bool:
        """Whether a process of the account made or wrote the file at that Linux path."""
        return path in self._created or path in self._writes

    def _place(self, record: Record, proc: Proc, at: int) -> Place:
        """The place of one of the record's paths; where it was not found, it is taken from the working directory."""
        path = record.strings[at]
        if record.flags & FLAG_UNRESOLVED and not path.startswith(b"/") and proc.cwd.startswith("/"):
            path = self._paths.absolute(clean(path), proc.cwd).encode()
        return self._paths.place(path, proc.windows)

    # --- what the keeper brought back ---------------------------------------------------------------------------------

    def brought_back(self, path: str, sha256: str) -> None:
        """The content hash of the file that lies at `path` (Linux) at the end of the run."""
        for draft in self._writes.get(clean(path), ()):
            draft.fields["sha256"] = sha256

    def made_by_server(self, place: Place) -> None:
        """Wine's server made it for a program of the account."""
        self._created.add(place.path)

    def was_there_already(self, place: Place) -> None:
        """Wine's server opened it for writing."""
        if place.path not in self._created:
            self._opened_existing.add(place.path)

    def told_better(self, cls: type[Event], proc: Proc, place: Place) -> None:
        """What the kernel said last of this kind is said again in the program's own words."""
        self._said.discard((cls, proc.key, place.path.casefold()))
        for draft in reversed(self._journal.drafts[-50:]):
            if draft.cls is cls and draft.proc is proc and draft.fields.get("path") == place.shown:
                draft.hidden = True
                return

    def first(self, cls: type[Event], proc: Proc, place: Place) -> bool:
        """Whether nothing of this kind was said of this process and file; from now on, it was."""
        mark = (cls, proc.key, place.path.casefold())
        if mark in self._said or len(self._said) > _MAX_SAID:
            return False
        self._said.add(mark)
        return True

    def _add(
        self, cls: type[Event], record: Record, proc: Proc, place: Place, *, ok: bool = True, **fields: Any
    ) -> Draft:
        if proc.windows:
            self.first(cls, proc, place)
        draft = self._journal.add(
            cls,
            record.time,
            proc,
            Source.KERNEL,
            thread=record.tid,
            ok=ok and record.result >= 0,
            path=place.shown,
            **fields,
        )
        draft.hidden = draft.hidden or (proc.host and place.host)
        return draft


def _own_proc(path: str, proc: Proc) -> bool:
    """/proc/<itself>: what runtimes read of their own process."""
    if not path.startswith("/proc/"):
        return False
    number = path[6:].partition("/")[0]
    return number.isdigit() and int(number) in (proc.inner_pid, proc.pid)
