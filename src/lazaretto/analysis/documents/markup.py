"""XML of a document as a flat run of elements and texts, without entities of its own and without building a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

_MOST_BYTES = 64 << 20
_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Element:
    """A start tag: names without their prefixes."""

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class End:
    name: str


Part = Element | End | str


class _Refused(Exception):
    """The text declares entities."""


def parts(data: bytes) -> Iterator[Part]:
    """Start tags, texts and end tags in their order, up to the first mistake."""
    found: list[Part] = []
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: found.append(
        Element(_bare(name), {_bare(key): value for key, value in attributes.items()})
    )
    parser.EndElementHandler = lambda name: found.append(End(_bare(name)))
    parser.CharacterDataHandler = found.append

    def refuse(*_: object) -> None:
        raise _Refused

    parser.EntityDeclHandler = refuse
    data = data[:_MOST_BYTES]
    for at in range(0, len(data), _AT_ONCE):
        last = at + _AT_ONCE >= len(data)
        try:
            parser.Parse(data[at : at + _AT_ONCE], last)
        except (expat.ExpatError, _Refused, ValueError, LookupError):
            yield from found
            return
        yield from found
        found.clear()


def elements(data: bytes) -> Iterator[Element]:
    return (part for part in parts(data) if isinstance(part, Element))


def _bare(name: str) -> str:
    return name.rpartition(":")[2]
