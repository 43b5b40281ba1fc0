"""Programs of PyInstaller: their scripts, their own modules, libraries and data.

Modules of Python's standard library are left out: every such program carries hundreds of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Fact, Member, Output, Shortfall, Subject
from lazaretto.analysis.formats.types import FileType
from lazaretto.analysis.programs.installers import pyinstaller_at
from lazaretto.analysis.programs.pyinstaller import Entry, compiled, entries, modules, version
from lazaretto.analysis.programs.room import Room

MOST_SHOWN = 60
MOST_MODULES = 400
_KINDS = frozenset({"pe-exe", "pe-foreign", "elf-exe", "elf-foreign", "mach-o"})
# What PyInstaller itself puts before a program's own script.
_STARTERS = ("pyiboot01_bootstrap", "pyi_rth_", "pyimod0", "struct")


def _wants(kind: FileType) -> bool:
    return kind.name in _KINDS


ENGINE = Engine(
    name="pyinstaller",
    version="1",
    module="lazaretto.analysis.unpackers.pyinstaller",
    wants=_wants,
    sees="scripts, modules and files inside programs made with PyInstaller",
    loads=("zlib", "marshal"),
    seconds=30.0,
    output=256 << 20,
)


def examine(subject: Subject) -> Iterator[Output]:
    cookie = pyinstaller_at(subject.data)
    if cookie < 0:
        return
    found = list(entries(subject.data, cookie))
    if not found:
        yield Shortfall(reason="the Python program inside was not opened: its table is damaged")
        return
    yield Fact(name="packaged with", value="PyInstaller")
    room = Room.of(subject.options)
    yield from _scripts(found, room)
    yield from _modules(found, room)
    yield from _files(found, room)


def _scripts(found: list[Entry], room: Room) -> Iterator[Output]:
    magic = version(found)
    for entry in found:
        if entry.letter == "s" and entry.data is not None and not entry.name.startswith(_STARTERS):
            source = entry.data[:1] not in {b"\xe3", b"c"}  # not marshalled code
            name = f"{entry.name}.py" if source else f"{entry.name}.pyc"
            yield room.member(name, entry.data if source else compiled(entry.data, magic))


def _modules(found: list[Entry], room: Room) -> Iterator[Output]:
    names, closed = [], 0
    for entry in found:
        for module in modules(entry.data) if entry.letter == "z" and entry.data else ():
            if module.name.partition(".")[0] in sys.stdlib_module_names:
                continue
            names.append(module.name)
            closed += module.data is None
            if module.data is not None and len(names) <= MOST_MODULES:
                yield room.member(f"{module.name}.pyc", module.data)
    if names:
        yield Fact(name="Python modules", value=tuple(name[:80] for name in sorted(names)[:MOST_SHOWN]))
    if closed:
        yield Member(name="modules", closed=f"encrypted: {closed} modules")
    if len(names) > MOST_MODULES:
        yield Shortfall(reason=f"of {len(names)} Python modules inside {MOST_MODULES} were looked at")


def _files(found: list[Entry], room: Room) -> Iterator[Output]:
    for entry in found:
        if entry.letter in {"b", "x", "Z", "l"} and entry.data is not None:
            yield room.member(entry.name, entry.data)
