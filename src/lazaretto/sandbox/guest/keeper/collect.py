"""Brings home what the run left: changed files, memory with code in it. Bounded; what is left out is said."""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Iterator, Sequence

from . import world
from .channel import Port

UPPER = "/run/memory/upper"
MOST_FILES = 256
MOST_FILE = 16 << 20
MOST_BYTES = 96 << 20
MOST_DUMPS = 48
MOST_DUMP = 8 << 20
MOST_AT_ONCE = 64 << 20

_MAP = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (....) \S+ \S+ (\d+)\s*(.*)$")


def changed(since: float) -> Iterator[tuple[str, os.stat_result]]:
    """Regular files of the sample's root whose content or name changed after `since` (wall time), small ones first.

    The overlay's upper layer holds exactly what was changed since boot; names are the sample's and stay bytes that
    cannot be shown until the host has cleaned them.
    """
    found = []
    for folder, _, names in os.walk(UPPER):
        for name in names:
            path = os.path.join(folder, name)
            try:
                about = os.lstat(path)
            except OSError:
                continue
            if stat.S_ISREG(about.st_mode) and about.st_ctime >= since:
                found.append((path, about))
    found.sort(key=lambda item: (item[1].st_size, item[0]))
    yield from ((path[len(UPPER) :], about) for path, about in found)


def files(port: Port, since: float, leave_out: Sequence[str]) -> None:
    """Send the changed files; for those beyond the bounds only what they are."""
    sent = count = 0
    for path, about in changed(since):
        if path.startswith(tuple(leave_out)):
            continue
        shown = os.fsencode(path).decode("utf-8", "replace")[:1024]
        about_it = {"path": shown, "mode": about.st_mode & 0o7777, "links": about.st_nlink}
        if count >= MOST_FILES or about.st_size > MOST_FILE or sent + about.st_size > MOST_BYTES:
            port.message(event="file-left", size=about.st_size, **about_it)
            continue
        try:
            with open(UPPER + path, "rb") as file:
                data = file.read(MOST_FILE)
        except OSError:
            continue
        port.blob(data, kind="dropped", name=shown, **about_it)
        sent += len(data)
        count += 1


def regions(pid: int) -> Iterator[tuple[int, int, str]]:
    """Executable regions of a process that no file explains, or that can also be written: start, end, protection."""
    try:
        with open(f"/proc/{pid}/maps") as maps:
            lines = maps.read(1 << 20).splitlines()
    except OSError:
        return
    for line in lines:
        found = _MAP.match(line)
        if not found:
            continue
        start, end, protection, inode, name = found.groups()
        if "x" in protection and not name.startswith("[v") and (inode == "0" or "w" in protection):
            yield int(start, 16), int(end, 16), protection


def makes_code(pid: int, programs: Sequence[str]) -> bool:
    """Whether the process is one of the machine's programs that make code by their nature (node, java, an emulator).

    A program that the sample put in such a place is none of them.
    """
    path = world.program(pid)
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in programs) and not os.path.lexists(UPPER + path)


def memory(port: Port, pids: Sequence[int], done: set[tuple[int, int, int]], leave_out: Sequence[str] = ()) -> None:
    """Send the code in memory of these processes, but of programs that make code by their nature (`leave_out`).

    `done` are regions sent before: pid, start, a sum of content. All of a process is read before the first byte is
    sent: it may be about to end, and goes on when we wait for the port.
    """
    for pid in pids:
        if len(done) >= MOST_DUMPS or makes_code(pid, leave_out):
            continue
        for start, protection, data in list(_filled(pid)):
            mark = (pid, start, hash(data))
            if len(done) >= MOST_DUMPS or mark in done:
                continue
            done.add(mark)
            port.blob(data, kind="memory", name=f"{pid}-{start:x}", pid=pid, address=start, protection=protection)


def _filled(pid: int) -> Iterator[tuple[int, str, bytes]]:
    """The regions of a process that hold something: start, protection, content up to MOST_DUMP."""
    left = MOST_AT_ONCE
    for start, end, protection in regions(pid):
        try:
            with open(f"/proc/{pid}/mem", "rb", 0) as space:
                space.seek(start)
                data = space.read(min(end - start, MOST_DUMP, left))
        except (OSError, ValueError, OverflowError):
            continue
        if data.strip(b"\0"):
            left -= len(data)
            yield start, protection, data
