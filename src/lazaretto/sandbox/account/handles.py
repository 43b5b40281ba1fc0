"""Windows handles: what each number means inside one process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lazaretto.sandbox.account.processes import Proc

MAX_HANDLES: Final = 65_536  # of one process
_SELF: Final = frozenset({0xFFFFFFFFFFFFFFFF, 0xFFFFFFFF})
_SELF_THREAD: Final = frozenset({0xFFFFFFFFFFFFFFFE, 0xFFFFFFFE})


@dataclass(slots=True)
class Handles:
    """One table for all processes: `(process key, handle)` -> name of a registry key, or a process."""

    _table: dict[tuple[int, int], str | Proc]

    def __init__(self) -> None:
        self._table = {}

    def put_key(self, proc: Proc, handle: int, name: str) -> None:
        self._put(proc, handle, name)

    def put_process(self, proc: Proc, handle: int, target: Proc) -> None:
        """A handle to `target` or to one of its threads."""
        self._put(proc, handle, target)

    def _put(self, proc: Proc, handle: int, what: str | Proc) -> None:
        place = (proc.key, handle)
        if place in self._table or proc.spend("handles", MAX_HANDLES):
            self._table[place] = what

    def close(self, proc: Proc, handle: int) -> None:
        if self._table.pop((proc.key, handle), None) is not None:
            proc.counts["handles"] -= 1

    def key(self, proc: Proc, handle: int) -> str:
        """The name of a registry key; a handle that we did not see being given out is named by its number."""
        found = self._table.get((proc.key, handle))
        return found if isinstance(found, str) else f"?{handle & 0xFFFFFFFFFFFFFFFF:#x}"

    def process(self, proc: Proc, handle: int) -> Proc | None:
        """Whose process or thread a handle is; None when it is not known."""
        if handle in _SELF or handle in _SELF_THREAD:
            return proc
        found = self._table.get((proc.key, handle))
        while isinstance(found, Proc) and found.real is not None:
            found = found.real
        return found if isinstance(found, Proc) else None
