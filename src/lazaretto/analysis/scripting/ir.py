"""The statements and expressions that all languages are brought to before they are folded.

`span` is where something stands in the source, as byte offsets; the folded source is made from it.
"""

from __future__ import annotations

from typing import Any

import msgspec

Span = tuple[int, int]
NOWHERE: Span = (0, 0)


class Node(msgspec.Struct, gc=False):
    """Anything of a program."""


class Const(Node):
    value: Any


class Name(Node):
    name: str


class Join(Node):
    """Text made of pieces."""

    parts: list[Node]
    span: Span = NOWHERE


class Binary(Node):
    op: str
    left: Node
    right: Node
    span: Span = NOWHERE


class Unary(Node):
    op: str
    operand: Node


class Call(Node):
    callee: Node
    args: list[Node]
    named: dict[str, Node] = {}
    span: Span = NOWHERE
    new: bool = False


class Member(Node):
    of: Node
    name: Node
    span: Span = NOWHERE


class Slice(Node):
    of: Node
    start: Node | None
    stop: Node | None
    step: Node | None


class Items(Node):
    items: list[Node]


class Table(Node):
    pairs: list[tuple[Node, Node]]


class Function(Node):
    params: list[str]
    body: Node
    name: str = ""
    runs: bool = False  # walked where it stands: a script block that a pipeline or a call surely enters


class Assign(Node):
    target: Node
    op: str  # "" or the operator before the equals sign
    value: Node
    span: Span = NOWHERE
    old: bool = False  # its worth is what was there before: x++


class Cond(Node):
    test: Node
    then: Node
    other: Node


class Each(Node):
    """A comprehension: `body` for every value of `over` bound to `names`."""

    body: Node
    names: list[str]
    over: Node
    test: Node | None = None


class Command(Node):
    """A command of a shell: the words, and where what it reads and writes comes from and goes to."""

    words: list[Node]
    targets: list[tuple[str, Node]] = []
    span: Span = NOWHERE


class Pipe(Node):
    """Commands of which each reads what the one before wrote."""

    stages: list[Node]
    span: Span = NOWHERE


class Output(Node):
    """What statements write, as text: `$(...)`."""

    body: Node


class Block(Node):
    body: list[Node]


class If(Node):
    test: Node
    then: Node
    other: Node | None = None


class Loop(Node):
    """`test` before each turn; `step` after it. `least` turns are made whatever the test says."""

    test: Node | None
    body: Node
    step: Node | None = None


class ForEach(Node):
    names: list[str]
    over: Node
    body: Node
    keys: bool = False  # the names get the keys, not the values


class Return(Node):
    value: Node | None


class Jump(Node):
    """Leaves a loop, or goes on with its next turn (`again`)."""

    again: bool = False


NOTHING = Const(None)
