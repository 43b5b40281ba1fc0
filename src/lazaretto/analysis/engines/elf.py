"""Structure of Linux programs, libraries and kernel modules (ELF), of every processor."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Output, Shortfall, Subject
from lazaretto.analysis.formats.types import FileType

KINDS = frozenset({"elf-exe", "elf-foreign", "elf-so", "elf-object"})


def _wants(kind: FileType) -> bool:
    return kind.name in KINDS


ENGINE = Engine(
    name="elf",
    version="1",
    module="lazaretto.analysis.engines.elf",
    wants=_wants,
    sees="structure of Linux programs: packers, forged headers, hidden programs, what stands before the C library",
    loads=(
        "lief",
        "lazaretto.analysis.programs.elf.carried",
        "lazaretto.analysis.programs.elf.facts",
        "lazaretto.analysis.programs.elf.shape",
        "lazaretto.analysis.programs.elf.uses",
    ),
    seconds=20.0,
    essential=True,
)


def examine(subject: Subject) -> Iterator[Output]:
    import lief  # noqa: PLC0415  only in the cage

    from lazaretto.analysis.programs.elf.carried import carried  # noqa: PLC0415
    from lazaretto.analysis.programs.elf.facts import facts  # noqa: PLC0415
    from lazaretto.analysis.programs.elf.image import elf_of  # noqa: PLC0415
    from lazaretto.analysis.programs.elf.shape import shape  # noqa: PLC0415
    from lazaretto.analysis.programs.elf.uses import uses  # noqa: PLC0415

    lief.logging.disable()
    elf = elf_of(subject.data, subject.name)
    if elf is None:
        yield Shortfall(reason="the program's header cannot be read")
        return
    if elf.parsed is None:
        yield Shortfall(reason="the program's tables (libraries, functions) cannot be read")
    yield from shape(elf)
    yield from uses(elf)
    yield from carried(elf)
    yield from facts(elf)
