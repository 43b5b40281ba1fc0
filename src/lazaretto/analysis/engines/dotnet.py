""".NET assemblies: metadata, calls to Windows, code that is loaded from memory, what resources hide.

Metadata are read by a reader of our own: those at hand decode every row of every table beforehand, which takes seconds
for an assembly of a few megabytes. The code itself (IL) is not read.
"""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Output, Shortfall, Subject
from lazaretto.analysis.formats.types import FileType


def _wants(kind: FileType) -> bool:
    return kind.name == "pe-dotnet"


ENGINE = Engine(
    name="dotnet",
    version="1",
    module="lazaretto.analysis.engines.dotnet",
    wants=_wants,
    sees=".NET programs: calls to Windows, code loaded from memory, scrambled names, programs hidden in resources",
    loads=("encodings.utf_16_le", "lazaretto.analysis.programs.dotnet.look", "lazaretto.analysis.programs.dotnet.uses"),
    seconds=15.0,
    essential=True,
)


def examine(subject: Subject) -> Iterator[Output]:
    from lazaretto.analysis.programs.dotnet.assembly import Assembly  # noqa: PLC0415  only in the cage
    from lazaretto.analysis.programs.dotnet.look import contents, facts, names  # noqa: PLC0415
    from lazaretto.analysis.programs.dotnet.metadata import metadata  # noqa: PLC0415
    from lazaretto.analysis.programs.dotnet.uses import uses  # noqa: PLC0415
    from lazaretto.analysis.programs.pelayout import layout  # noqa: PLC0415

    found = layout(subject.data)
    read = metadata(subject.data, found) if found else None
    if read is None:
        yield Shortfall(reason="the assembly's metadata cannot be read")
        return
    assembly = Assembly(read)
    yield from uses(assembly)
    yield from names(assembly)
    yield from contents(assembly)
    yield from facts(assembly)
