"""Which addresses of a process belong to which kind of module, learned from its executable mappings of files."""

from __future__ import annotations

from bisect import bisect_right, insort

from lazaretto.sandbox.account.processes import Proc

_MAX = 4096  # mappings of one process


class Modules:
    def __init__(self) -> None:
        self._known: set[int] = set()  # keys of processes in which a DLL of Wine's own was seen
        self._ranges: dict[int, list[tuple[int, int, bool]]] = {}  # process key -> (start, end, Wine's own)

    def add(self, proc: Proc, start: int, length: int, path: str, builtin: bool) -> None:
        ranges = self._ranges.setdefault(proc.key, [])
        if len(ranges) < _MAX and length > 0:
            insort(ranges, (start, start + length, builtin))
        if builtin and ".dll" in path:
            self._known.add(proc.key)

    def forget(self, proc: Proc) -> None:
        """The process became another program: its address space is new."""
        self._ranges.pop(proc.key, None)
        self._known.discard(proc.key)

    def known(self, proc: Proc) -> bool:
        """Whether we see Wine's own DLLs being mapped in this process, so that an unknown address is none of them."""
        return proc.key in self._known

    def builtin(self, proc: Proc, address: int) -> bool | None:
        """Whether the address lies in one of Wine's own modules; None when no mapping explains it."""
        ranges = self._ranges.get(proc.key)
        if not ranges:
            return None
        at = bisect_right(ranges, (address, 1 << 64, True)) - 1
        if at < 0 or not ranges[at][0] <= address < ranges[at][1]:
            return None
        return ranges[at][2]
