"""What a file is made of: a tree of the files and parts inside, each with what the engines said of it.

A *part* (a macro, a stream, a decoded layer, a mail's text) is the file itself seen closer: what is found in it counts
with the file. A *file* inside (a member of an archive, an attachment) stands for itself and has a verdict of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lazaretto.analysis.engine import Fact, Indicator
from lazaretto.analysis.formats.types import FileType
from lazaretto.domain.evidence import Evidence
from lazaretto.domain.sample import Sample

PARTS = frozenset({"macro", "stream", "decoded", "body", "overlay", "memory", "resource"})


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """One engine's work on one file. `failed` says in words why it did not come to its end; empty if it did. `absent`
    says why it did not look at all: it is not set up here."""

    engine: str
    version: str
    seconds: float
    failed: str = ""
    detail: str = ""
    absent: str = ""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A file or part, and what is inside. `path` are the names from the outermost file's members down to this."""

    path: tuple[str, ...] = ()
    relation: str = ""
    sample: Sample
    kind: FileType
    closed: str = ""  # why nothing could be seen of it: encrypted, damaged, more than the budget allows
    password: str = ""
    same_as: tuple[str, ...] | None = None  # the path under which the same bytes were looked at
    looked: tuple[Looked, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    facts: tuple[Fact, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    not_done: tuple[str, ...] = ()
    children: tuple[Node, ...] = ()

    @property
    def is_part(self) -> bool:
        return self.relation in PARTS

    def walk(self) -> Iterator[Node]:
        """This node and all below, outermost first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def own(self) -> Iterator[Node]:
        """This node and its parts, without the files inside."""
        yield self
        for child in self.children:
            if child.is_part:
                yield from child.own()

    def files(self) -> Iterator[Node]:
        """The files that stand for themselves directly inside this one or its parts."""
        for node in self.own():
            yield from (child for child in node.children if not child.is_part)
