"""A Sigma rule as it is kept and evaluated: plain records, in which nothing of the YAML's many spellings is left.

The condition is one tree. Its values have three truths: true, false, and *unknown* where an account cannot say what
the event's field was; a rule matches only where the tree is true.
"""

from __future__ import annotations

import enum

import msgspec

ANY_RUN, ANY_ONE, ANY_DASH = 0, 1, 2
"""Parts of a pattern that are no text: any characters, any single character, any of the dashes of a command line."""

Parts = tuple[str | int, ...]


class Test(msgspec.Struct, frozen=True, tag_field="t"):
    """One thing that is asked of a field's value."""


class Text(Test, frozen=True, tag="text"):
    """The whole value fits the parts. Without `cased`, the parts' texts are in lower case."""

    parts: Parts
    cased: bool = False


class Regex(Test, frozen=True, tag="re"):
    """The pattern is found somewhere in the value (RE2 syntax, flags in front)."""

    pattern: str


class Cidr(Test, frozen=True, tag="cidr"):
    network: str


class Number(Test, frozen=True, tag="number"):
    """The value is a number that stands so (lt, lte, gt, gte) to this one."""

    comparison: str
    number: float


class Null(Test, frozen=True, tag="null"):
    """The field is not there, or empty."""


class Exists(Test, frozen=True, tag="exists"):
    wanted: bool


class SameAs(Test, frozen=True, tag="ref"):
    """The value stands so (equals, contains, startswith, endswith) to that of another field of the event."""

    field: str
    relation: str = "equals"
    cased: bool = False


AnyTest = Text | Regex | Cidr | Number | Null | Exists | SameAs


class Node(msgspec.Struct, frozen=True, tag_field="n"):
    """A part of a condition."""


class Item(Node, frozen=True, tag="item"):
    """Tests of one field: one of them holds, or `every`. Without a field: keywords, looked for in the whole event."""

    field: str
    tests: tuple[AnyTest, ...]
    every: bool = False


class And(Node, frozen=True, tag="and"):
    parts: tuple[AnyNode, ...]


class Or(Node, frozen=True, tag="or"):
    parts: tuple[AnyNode, ...]


class Not(Node, frozen=True, tag="not"):
    part: AnyNode


AnyNode = Item | And | Or | Not

Gate = tuple[tuple[str, str], ...]
"""Pairs of a field and a lower-case text: the rule can only match an event that has at least one of them."""


class Level(enum.StrEnum):
    INFORMATIONAL = "informational"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a rule, in its author's words."""

    file: str
    line: int
    title: str
    id: str = ""
    name: str = ""
    description: str = ""
    status: str = ""
    level: Level | None = None
    tags: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()


class Rule(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="rule"):
    """A rule about single events. `systems`: of which systems' events; `channels`: names in `channels.CHANNELS`."""

    about: About
    systems: tuple[str, ...]
    channels: tuple[str, ...]
    condition: AnyNode
    gates: tuple[Gate, ...] = ()  # at most two, each of them needed; without any, every event may match
    unknown: tuple[str, ...] = ()  # fields of it that no account has: what depends on them is not seen
    fields: tuple[str, ...] = ()  # that it compares, of those that accounts have
    keywords: bool = False  # whether it looks for texts in the whole event


class Correlation(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="correlation"):
    """So many events, or different values of a field, of the named rules within a time (ns), in each group; or events
    of all of them (`bounds`: of so many of them), in any or in their order."""

    about: About
    type: str  # event_count, value_count, temporal, temporal_ordered
    rules: tuple[str, ...]  # ids or names
    group_by: tuple[str, ...]
    timespan: int
    bounds: tuple[tuple[str, int], ...]  # gt, gte, lt, lte, eq
    field: str = ""
    generate: bool = False
    aliases: dict[str, dict[str, str]] = {}


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that is not used. `broken`: it is not as the specification says; else it asks for what is not there."""

    file: str
    line: int
    title: str = ""
    id: str = ""
    problem: str
    remedy: str
    broken: bool = False


class RuleSet(msgspec.Struct, frozen=True, kw_only=True):
    """All that a folder holds."""

    rules: tuple[Rule, ...] = ()
    correlations: tuple[Correlation, ...] = ()
    refused: tuple[Refusal, ...] = ()


class Unusable(Exception):
    """A rule cannot be used. `broken` and the texts as in `Refusal`."""

    def __init__(self, problem: str, remedy: str, *, broken: bool = False, line: int = 0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.broken = broken
        self.line = line
