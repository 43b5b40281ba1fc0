"""Code that the sandbox brought back from memory: parts of the file that ran, looked at like every other part.

The bytes are read here only to be handed to the cage. What a region is says the tree: a whole program that was in
executable memory and in no file is a finding of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from lazaretto.analysis.engine import Finding, Member, short
from lazaretto.analysis.examine import Examiner
from lazaretto.analysis.runs import Ran
from lazaretto.analysis.tree import Node

SOURCE = "memory"
RELATION = "memory"
MOST_REGIONS, MOST_BYTES = 48, 128 << 20  # of one run
_PROGRAMS = ("pe-", "elf-", "mach-o", "dos-exe")


def with_memory(examiner: Examiner, tree: Node, ran: Iterable[Ran], out: Path) -> Node:
    """The tree with the code from memory of each run as parts of the file that ran. `out` is the report's folder."""
    for one in ran:
        parts = _regions(one, out)
        if parts:
            tree = _told(examiner.with_parts(tree, one.path, parts), one.path, examiner)
    return tree


def _regions(ran: Ran, out: Path) -> list[Member]:
    """The regions that the sandbox stored, once each, as far as the bounds go."""
    found: dict[str, Member] = {}
    left = MOST_BYTES
    for artifact in ran.detonation.artifacts if ran.detonation else ():
        if artifact.kind != "memory" or artifact.sha256 in found or len(found) >= MOST_REGIONS:
            continue
        try:
            data = (out / ran.out / artifact.path).read_bytes()
        except OSError:
            continue
        if data and len(data) <= left:
            left -= len(data)
            found[artifact.sha256] = Member(name=f"memory {short(artifact.name, 80)}", data=data, relation=RELATION)
    return list(found.values())


def _told(node: Node, path: tuple[str, ...], examiner: Examiner) -> Node:
    """The finding where a region is a whole program."""
    if node.relation == RELATION and node.path[:-1] == path:
        if node.kind.name.startswith(_PROGRAMS) and node.same_as is None:
            said = examiner.meanings.evidence([Finding(id="memory-program", detail=node.kind.title)], SOURCE)
            where = "/".join(node.path)
            more = tuple(msgspec.structs.replace(one, where=where) for one in said)
            return msgspec.structs.replace(node, evidence=(*node.evidence, *more))
        return node
    return msgspec.structs.replace(node, children=tuple(_told(child, path, examiner) for child in node.children))
