"""The registry as Windows programs see it: handles to names, values to text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from lazaretto.domain.trace import Event, RegistryCreate, RegistryDelete, RegistryQuery, RegistrySet, Source
from lazaretto.sandbox.account.codes import REG_TYPES, nt_ok
from lazaretto.sandbox.account.derive import Deriver
from lazaretto.sandbox.account.handles import Handles
from lazaretto.sandbox.account.journal import Draft, Journal
from lazaretto.sandbox.account.manifest import GuestManifest
from lazaretto.sandbox.account.processes import Proc, Processes
from lazaretto.sandbox.account.records import Record
from lazaretto.sandbox.account.text import clean, wide

MAX_QUERIES: Final = 3_000  # of one process
_NEW_KEY: Final = 1


class Registry:
    def __init__(
        self,
        manifest: GuestManifest,
        processes: Processes,
        handles: Handles,
        journal: Journal,
        derive: Deriver,
        *,
        by_library: Callable[[Proc, int], bool] = lambda _proc, _tid: False,
    ) -> None:
        """`by_library` says whether a thread is inside a call that asks the registry for reasons of its own."""
        self._by_library = by_library
        self._processes = processes
        self._handles = handles
        self._journal = journal
        self._derive = derive
        user = f"\\registry\\user\\{manifest.user_sid}".casefold() if manifest.user_sid else "\\registry\\user\\?"
        self._roots = (  # the longest first
            (user + "_classes", "HKCU\\Software\\Classes"),
            (user, "HKCU"),
            ("\\registry\\user", "HKU"),
            ("\\registry\\machine", "HKLM"),
        )
        self._noise = tuple(key.casefold() for key in manifest.noise_keys)
        self._own = tuple(key.casefold() for key in manifest.own_keys)
        self._queried: set[tuple[int, str, str | None]] = set()

    def name(self, absolute: str) -> str:
        """`\\Registry\\...` in the words of regedit."""
        folded = absolute.casefold()
        for root, short in self._roots:
            if folded.startswith(root) and folded[len(root) : len(root) + 1] in ("", "\\"):
                return (short + absolute[len(root) :]).rstrip("\\")
        return absolute.rstrip("\\")

    def _is_own(self, key: str) -> bool:
        """Whether Wine's libraries keep their books there, in the name of every program."""
        return bool(self._own) and _below(key.casefold(), self._own)

    def _is_noise(self, key: str) -> bool:
        return bool(self._noise) and _below(key.casefold(), self._noise)

    def _opened(self, record: Record) -> tuple[Proc, str]:
        proc = self._processes.of(record)
        name = wide(record.strings[0]) if record.strings else ""
        root = record.a[1]
        if root and not name.startswith("\\"):
            parent = self._handles.key(proc, root)
            return proc, f"{parent}\\{name}".rstrip("\\") if name else parent
        return proc, self.name(name)

    def create(self, record: Record) -> None:
        proc, key = self._opened(record)
        if nt_ok(record.result):
            self._handles.put_key(proc, record.a[2], key)
        if self._is_own(key):
            return
        if record.a[3] == _NEW_KEY or not nt_ok(record.result):
            draft = self._add(RegistryCreate, record, proc, key=key)
            self._derive.registry(draft, key, None, "")
        else:
            self._query(record, proc, key, None)

    def open(self, record: Record) -> None:
        proc, key = self._opened(record)
        if nt_ok(record.result):
            self._handles.put_key(proc, record.a[2], key)
        self._query(record, proc, key, None)

    def set_value(self, record: Record) -> None:
        proc = self._processes.of(record)
        key = self._handles.key(proc, record.a[1])
        name = wide(record.strings[0])
        if self._is_own(key) or self._is_own(f"{key}\\{name}"):
            return
        kind = record.a[2]
        data = value_text(kind, record.strings[1] if len(record.strings) > 1 else b"", record.a[3])
        draft = self._add(
            RegistrySet, record, proc, key=key, name=name, type=REG_TYPES.get(kind, f"REG_{kind}"), data=data
        )
        self._derive.registry(draft, key, name, data)

    def delete_key(self, record: Record) -> None:
        proc = self._processes.of(record)
        key = self._handles.key(proc, record.a[1])
        if not self._is_own(key):
            self._add(RegistryDelete, record, proc, key=key)

    def delete_value(self, record: Record) -> None:
        proc = self._processes.of(record)
        key = self._handles.key(proc, record.a[1])
        if not self._is_own(key):
            self._add(RegistryDelete, record, proc, key=key, name=wide(record.strings[0]))

    def query_value(self, record: Record) -> None:
        proc = self._processes.of(record)
        name = wide(record.strings[0]) if record.strings else ""
        self._query(record, proc, self._handles.key(proc, record.a[1]), name)

    def _query(self, record: Record, proc: Proc, key: str, name: str | None) -> None:
        if self._is_own(key):
            return
        once = (proc.key, key, name)
        if once in self._queried or self._is_noise(key) or (name and self._is_noise(f"{key}\\{name}")):
            return
        if self._by_library(proc, record.tid):
            return
        if not proc.spend("query", MAX_QUERIES):
            return
        self._queried.add(once)
        self._add(RegistryQuery, record, proc, key=key, name=name)

    def _add(self, cls: type[Event], record: Record, proc: Proc, **fields: Any) -> Draft:
        return self._journal.add(
            cls, record.time, proc, Source.NATIVE, thread=record.tid, ok=nt_ok(record.result), **fields
        )


def _below(key: str, prefixes: tuple[str, ...]) -> bool:
    """Whether the key is one of these or below one; a root, or one that ends in a backslash, stands for itself."""
    return any(
        key == p.rstrip("\\") or ("\\" in p and not p.endswith("\\") and key.startswith(p + "\\")) for p in prefixes
    )


def value_text(kind: int, data: bytes, size: int) -> str:
    """Registry data as regedit would show it, at most 4096 characters; `size` is the whole length in bytes.

    Strings are shown as they are, parts of a REG_MULTI_SZ one a line, numbers as `0x0000002a (42)`, the rest in hex.
    """
    if kind in (1, 2, 6):
        return wide(data) + ("…" if size > len(data) >= 2 else "")
    if kind == 7:
        return clean("\n".join(part for part in data.decode("utf-16-le", "replace").split("\0") if part))
    if kind in (4, 5) and len(data) >= 4:
        number = int.from_bytes(data[:4], "little" if kind == 4 else "big")
        return f"0x{number:08x} ({number})"
    if kind == 11 and len(data) >= 8:
        number = int.from_bytes(data[:8], "little")
        return f"0x{number:016x} ({number})"
    return clean(data[:1365].hex(" "))
