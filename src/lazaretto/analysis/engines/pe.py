"""Structure of Windows programs, libraries and drivers (PE).

Reads headers, sections, imports, exports, resources, version information and signature with LIEF and a small reader of
its own that follows what Windows' loader does. It runs nothing and disassembles nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Output, Shortfall, Subject
from lazaretto.analysis.formats.types import FileType

KINDS = frozenset({"pe-exe", "pe-dll", "pe-driver", "pe-dotnet", "pe-efi", "pe-foreign"})


def _wants(kind: FileType) -> bool:
    return kind.name in KINDS


ENGINE = Engine(
    name="pe",
    version="1",
    module="lazaretto.analysis.engines.pe",
    wants=_wants,
    sees="structure of Windows programs: packers, hidden programs, signature, borrowed names, what the imports allow",
    loads=(
        "lief",
        "cryptography.x509",
        "encodings.utf_16_le",
        "lazaretto.analysis.programs.roots",
        "lazaretto.analysis.programs.pe.carried",
        "lazaretto.analysis.programs.pe.facts",
        "lazaretto.analysis.programs.pe.identity",
        "lazaretto.analysis.programs.pe.shape",
        "lazaretto.analysis.programs.pe.uses",
    ),
    seconds=20.0,
    essential=True,
)


def examine(subject: Subject) -> Iterator[Output]:
    import lief  # noqa: PLC0415  only in the cage

    from lazaretto.analysis.programs.pe.carried import carried  # noqa: PLC0415
    from lazaretto.analysis.programs.pe.facts import facts  # noqa: PLC0415
    from lazaretto.analysis.programs.pe.identity import identity  # noqa: PLC0415
    from lazaretto.analysis.programs.pe.image import image_of  # noqa: PLC0415
    from lazaretto.analysis.programs.pe.shape import shape  # noqa: PLC0415
    from lazaretto.analysis.programs.pe.uses import uses  # noqa: PLC0415
    from lazaretto.analysis.programs.roots import with_more  # noqa: PLC0415

    lief.logging.disable()
    image = image_of(subject.data, subject.name)
    if image is None:
        yield Shortfall(reason="the program's headers cannot be read")
        return
    if image.parsed is None:
        yield Shortfall(reason="the program's tables (imports, resources, signature) cannot be read")
    yield from shape(image)
    yield from identity(image, with_more(subject.options.get("roots", ())))
    yield from uses(image)
    yield from carried(image)
    yield from facts(image)
