"""Structure of macOS programs and libraries (Mach-O). A universal file's programs are files of their own.

Apple, `mach-o/loader.h` and `mach-o/fat.h`. What one program is made of is read by LIEF. Signatures of macOS are only
recognised, not checked.
"""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Output, Shortfall, Subject
from lazaretto.analysis.formats.types import FileType


def _wants(kind: FileType) -> bool:
    return kind.name == "mach-o"


ENGINE = Engine(
    name="macho",
    version="1",
    module="lazaretto.analysis.engines.macho",
    wants=_wants,
    sees="structure of macOS programs: writable code, encrypted parts, where libraries come from, what it can do",
    loads=("lief", "lazaretto.analysis.programs.macho.image", "lazaretto.analysis.programs.macho.look"),
    seconds=20.0,
    essential=True,
)


def examine(subject: Subject) -> Iterator[Output]:
    import lief  # noqa: PLC0415  only in the cage

    from lazaretto.analysis.programs.macho.image import macho_of, slices  # noqa: PLC0415
    from lazaretto.analysis.programs.macho.look import look  # noqa: PLC0415

    lief.logging.disable()
    inside = slices(subject.data)
    if inside:
        yield from inside
        return
    program = macho_of(subject.data)
    if program is None:
        yield Shortfall(reason="the program's headers cannot be read")
        return
    yield from look(program)
