"""A module's source with what was put together written out."""

from __future__ import annotations

from collections.abc import Mapping

from lazaretto.analysis.documents.basic.values import Text

_LONGEST = 100_000


def rewritten(module: str, source: str, texts: Mapping[tuple[str, int, int], Text | None]) -> str:
    """Expressions replaced by the one text that each turned out to be, outermost first; unchanged if there is none."""
    spans = sorted(
        (start, -end, value)
        for (name, start, end), value in texts.items()
        if name == module and value is not None and value.made
    )
    out = []
    at = 0
    for start, negative, value in spans:
        end = -negative
        if start < at:
            continue
        out += [source[at:start], _literal(value)]
        at = end
    return "".join([*out, source[at:]]) if out else source


def _literal(value: str) -> str:
    printable = "".join(c if c.isprintable() or c == "\t" else "·" for c in value[:_LONGEST])
    return '"' + printable.replace('"', '""') + '"'
