"""The records that the tracer in the guest writes, as typed values. The format is `sandbox/guest/tracer/record.h`.

A frame's payload of type `FRAME_RECORDS` goes into `RecordReader.feed`, which yields `Record`s and never raises: the
bytes come from the guest and may be rubbish. What cannot be read is counted; a record with a plausible size is skipped
alone, any other ends its payload, since nothing says where the next record would begin.

The numbers of kinds, reasons and services are the contract's and are never used again for something else. A kind that
this version does not know is handed on with its number.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator

import msgspec

PAYLOAD_MAX = 1 << 20  # bytes, the bound of a frame
STRINGS_MAX = 8  # strings of one record
RECORD_MAX = 1 << 16  # bytes of one record

# struct record_head: size, kind, nstrings, flags, time, pid, tid, inner_pid, uid, result, a[6]
_HEAD = struct.Struct("<IHBBQIIIIq6Q")


class Kind(enum.IntEnum):
    """enum record_kind: what happened. What `a` and `strings` hold for each is in record.h."""

    FORK = 1
    EXEC = 2
    EXIT = 3
    OPEN = 4
    WRITE = 5
    CLOSE_WRITE = 6
    UNLINK = 7
    RENAME = 8
    LINK = 9
    SYMLINK = 10
    MKDIR = 11
    MKNOD = 12
    CHMOD = 13
    CHOWN = 14
    UTIMES = 15
    XATTR = 16
    TRUNCATE = 17
    LISTDIR = 18
    MODULE_MAP = 19
    MEMORY = 20
    CONNECT = 21
    BIND = 22
    LISTEN = 23
    ACCEPT = 24
    SENDTO = 25
    SOCKET = 26
    PTRACE = 27
    PROCESS_VM = 28
    SIGNAL = 29
    SETUID = 30
    NAME = 31
    MOUNT = 32
    KMODULE = 33
    BPF = 34
    SYSCALL = 35
    VM_FOREIGN = 36
    WINE_DEBUG = 40
    WINE_NATIVE = 41
    JOIN = 50
    EMPTY = 51
    LOST = 60


class JoinReason(enum.IntEnum):
    """enum join_reason: why a process joined the account other than by fork (`Kind.JOIN`, a[0])."""

    SAMPLE = 1
    SERVICE = 2
    TASK = 3
    SESSION = 4
    INJECTED = 5


class Native(enum.IntEnum):
    """enum wine_native: the native system service of Wine (`Kind.WINE_NATIVE`, a[0])."""

    CREATE_KEY = 1
    OPEN_KEY = 2
    SET_VALUE = 3
    DELETE_KEY = 4
    DELETE_VALUE = 5
    QUERY_VALUE = 6
    CLOSE = 7
    OPEN_PROCESS = 8
    CREATE_PROCESS = 9
    WRITE_MEMORY = 10
    READ_MEMORY = 11
    PROTECT = 12
    ALLOCATE = 13
    CREATE_THREAD = 14
    QUEUE_APC = 15
    SET_CONTEXT = 16
    RESUME = 17
    MAP_SECTION = 18
    UNMAP_SECTION = 19
    TERMINATE = 20
    CREATE_MUTANT = 21
    LOAD_DRIVER = 22
    DELAY = 23
    PRIVILEGE = 24
    SET_FILE = 25
    SHUTDOWN = 26
    OPEN_THREAD = 27
    QUERY_SYSTEM = 28
    QUERY_PROCESS = 29
    HIDE_THREAD = 30
    OPEN_MUTANT = 31
    CREATE_FILE = 32


class MemoryBits(enum.IntFlag):
    """How memory became executable (`Kind.MEMORY`, a[3])."""

    MMAP = 1  # mapped so, anonymous
    MPROTECT = 2  # changed to it
    WRITABLE = 4  # was, is or stays writable, or was written
    PRIVATE_FILE = 8  # private copy of a file's pages
    SHARED = 16


class Flag(enum.IntFlag):
    """`Record.flags`."""

    UNRESOLVED = 1
    CUT = 2
    COMPAT = 4


class Record(msgspec.Struct, frozen=True):
    """One record. `time` is ns of the guest's monotonic clock; `pid` and `tid` are those of the guest's first pid
    namespace, `inner_pid` is what the process calls itself; `result` is 0, a value, -errno or an NTSTATUS, by kind."""

    kind: int  # Kind, or one that this version does not know
    flags: int
    time: int
    pid: int
    tid: int
    inner_pid: int
    uid: int
    result: int
    a: tuple[int, int, int, int, int, int]
    strings: tuple[bytes, ...]

    @property
    def unresolved(self) -> bool:
        """The object was not found: paths are the argument as given."""
        return bool(self.flags & Flag.UNRESOLVED)

    @property
    def cut(self) -> bool:
        """A string was longer than its bound."""
        return bool(self.flags & Flag.CUT)

    @property
    def compat(self) -> bool:
        """A 32-bit process, or (`Kind.SYSCALL`) an i386 number."""
        return bool(self.flags & Flag.COMPAT)

    def string(self, index: int) -> bytes:
        """The string of that index; empty if the record has fewer."""
        return self.strings[index] if index < len(self.strings) else b""

    def text(self, index: int) -> str:
        """A path or another text of the kernel. What is no UTF-8 stays distinguishable (surrogates)."""
        return self.string(index).decode("utf-8", "surrogateescape")

    def wide(self, index: int) -> str:
        """A text of Windows, UTF-16LE. Lone surrogates become U+FFFD."""
        return self.string(index).decode("utf-16-le", "replace")

    def texts(self, index: int) -> tuple[str, ...]:
        """A list with a NUL between (and behind) its members: argument vector, environment."""
        joined = self.string(index)
        if not joined:
            return ()
        members = joined.removesuffix(b"\0").split(b"\0")
        return tuple(member.decode("utf-8", "surrogateescape") for member in members)

    def signed(self, index: int) -> int:
        """`a[index]` as a signed number, for those that may be negative (lengths of time, Windows pseudo handles)."""
        value = self.a[index]
        return value - (1 << 64) if value >> 63 else value


class RecordReader:
    """The records of a trace port, frame by frame, and the counts of what was read and what was not."""

    __slots__ = ("lost_in_kernel", "read", "unreadable")

    def __init__(self) -> None:
        self.read = 0
        self.unreadable = 0  # records that made no sense, and each rest of a payload in which no record could be found
        self.lost_in_kernel = 0  # as the tracer last said: its ring was full

    def feed(self, payload: bytes) -> Iterator[Record]:
        """The records of one frame, in the order in which they were written. Never raises; see the module's text.

        `Kind.LOST` is counted here and yielded too.
        """
        view = memoryview(payload)[:PAYLOAD_MAX]
        start = 0
        while start < len(view):
            size = _size_at(view, start)
            if size is None:
                self.unreadable += 1
                return
            record = _record(view[start : start + size])
            start += size
            if record is None:
                self.unreadable += 1
                continue
            self.read += 1
            if record.kind == Kind.LOST:
                self.lost_in_kernel = max(self.lost_in_kernel, record.a[0])
            yield record
        self.unreadable += len(payload) > len(view)


def _size_at(view: memoryview, start: int) -> int | None:
    """The size that the record at `start` claims, if such a record can lie there."""
    left = len(view) - start
    if left < _HEAD.size:
        return None
    size = int.from_bytes(view[start : start + 4], "little")
    return size if _HEAD.size <= size <= min(left, RECORD_MAX) else None


def _record(view: memoryview) -> Record | None:
    """The record that fills `view` exactly, or None."""
    _, kind, count, flags, time, pid, tid, inner_pid, uid, result, *a = _HEAD.unpack_from(view)
    strings = _strings(view[_HEAD.size :], count)
    if strings is None:
        return None
    numbers = (a[0], a[1], a[2], a[3], a[4], a[5])
    return Record(kind, flags, time, pid, tid, inner_pid, uid, result, numbers, strings)


def _strings(view: memoryview, count: int) -> tuple[bytes, ...] | None:
    """`count` lengths (u16), then the strings; together exactly `view`."""
    if count > STRINGS_MAX or len(view) < 2 * count:
        return None
    lengths = struct.unpack_from(f"<{count}H", view)
    if 2 * count + sum(lengths) != len(view):
        return None
    start = 2 * count
    strings = []
    for length in lengths:
        strings.append(bytes(view[start : start + length]))
        start += length
    return tuple(strings)
