"""From a parser's tree to the common statements: what the readers of the languages share.

The trees come from tree-sitter's grammars, which give a tree for any text and mark what they do not understand: a broken
line costs itself, not the file.
"""

# ruff: noqa: E501  a row of a table is one line

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar

import tree_sitter

from lazaretto.analysis.scripting import ir

DEEPEST = 150
MOST_NODES = 400_000


@cache
def parser(module: str, function: str = "language") -> tree_sitter.Parser:
    """The parser of a grammar. Loaded by the warden before there is any sample."""
    return tree_sitter.Parser(tree_sitter.Language(getattr(importlib.import_module(module), function)()))


Handler = Callable[[Any, tree_sitter.Node], ir.Node]


class Lowering:
    """One reading of one source. A language gives handlers by the grammar's names of nodes."""

    HANDLERS: ClassVar[Mapping[str, Handler]] = {}
    SKIPPED: ClassVar[frozenset[str]] = frozenset({"comment"})

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.nodes = 0
        self.errors = 0
        self._depth = 0

    def text(self, node: tree_sitter.Node | None) -> str:
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace") if node is not None else ""

    def lower(self, node: tree_sitter.Node | None) -> ir.Node:
        """A node and all below it. What is nested too deeply or beyond the number that is looked at is nothing."""
        if node is None:
            return ir.NOTHING
        self.nodes += 1
        kind = node.type
        if kind == "ERROR":
            self.errors += 1
        if kind in self.SKIPPED or self.nodes > MOST_NODES or self._depth > DEEPEST:
            return ir.NOTHING
        handler = self.HANDLERS.get(kind)
        self._depth += 1
        try:
            return handler(self, node) if handler else self.children(node)
        finally:
            self._depth -= 1

    def children(self, node: tree_sitter.Node) -> ir.Node:
        """Whatever is inside, one after the other."""
        inside = [self.lower(child) for child in node.named_children]
        return inside[0] if len(inside) == 1 else ir.Block(inside)

    def all(self, nodes: list[tree_sitter.Node]) -> list[ir.Node]:
        return [self.lower(one) for one in nodes if one.type not in self.SKIPPED]

    def field(self, node: tree_sitter.Node, name: str) -> ir.Node:
        return self.lower(node.child_by_field_name(name))

    def optional(self, node: tree_sitter.Node, name: str) -> ir.Node | None:
        found = node.child_by_field_name(name)
        return self.lower(found) if found is not None else None

    def chain(self, node: tree_sitter.Node, kinds: frozenset[str], op: Callable[[tree_sitter.Node], str]) -> ir.Node:
        """A sum of any length without nesting: `a + b + c + ...` leans to the left."""
        above: list[tree_sitter.Node] = []
        at: tree_sitter.Node | None = node
        while at is not None and at.type in kinds:
            above.append(at)
            at = at.child_by_field_name("left") or (at.named_children[0] if at.named_children else None)
        made = self.lower(at)
        for one in reversed(above):
            right = one.child_by_field_name("right") or (one.named_children[-1] if one.named_children else None)
            made = ir.Binary(op(one), made, self.lower(right), span(one))
        return made


def span(node: tree_sitter.Node) -> ir.Span:
    return node.start_byte, node.end_byte


def operator(node: tree_sitter.Node) -> str:
    """The operator of a binary expression as it is written."""
    found = node.child_by_field_name("operator")
    if found is None:
        found = next((child for child in node.children if not child.is_named), None)
    return found.type if found is not None else ""
