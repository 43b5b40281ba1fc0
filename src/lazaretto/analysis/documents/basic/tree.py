"""What a program in Basic is made of, once it was read."""

from __future__ import annotations

from dataclasses import dataclass, field

Number = int | float


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | int | float | bool


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """`of` is None where a `With` says whose."""

    of: Expression | None
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call or an index: Basic writes both alike."""

    what: Expression
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Chain:
    """Operands of one rank from left to right; `operators` has one less."""

    operands: tuple[Expression, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class New:
    name: str


@dataclass(frozen=True, slots=True)
class Omitted:
    pass


@dataclass(frozen=True, slots=True)
class Spanned:
    """A whole expression and where it stands in the source."""

    inner: Expression
    start: int
    end: int


Expression = Literal | Name | Member | Call | Unary | Chain | New | Omitted | Spanned


@dataclass(frozen=True, slots=True)
class Assign:
    target: Expression
    value: Expression


@dataclass(frozen=True, slots=True)
class Do:
    """A call as a statement."""

    call: Expression


@dataclass(frozen=True, slots=True)
class If:
    branches: tuple[tuple[Expression, tuple[Statement, ...]], ...]
    otherwise: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class For:
    name: str
    begin: Expression
    end: Expression
    step: Expression | None
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Each:
    name: str
    of: Expression
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """`until`: the condition ends it. `after`: it is asked after the body."""

    condition: Expression | None
    until: bool
    after: bool
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Select:
    of: Expression
    cases: tuple[tuple[tuple[tuple[str, Expression, Expression | None], ...], tuple[Statement, ...]], ...]


@dataclass(frozen=True, slots=True)
class With:
    of: Expression
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Exit:
    what: str  # sub, for, do, end


@dataclass(frozen=True, slots=True)
class Dim:
    """Names with the bounds of those that are arrays; `keep` is ReDim Preserve."""

    names: tuple[tuple[str, tuple[Expression, ...] | None], ...]
    keep: bool = False
    again: bool = False


Statement = Assign | Do | If | For | Each | Loop | Select | With | Exit | Dim


@dataclass(frozen=True, slots=True)
class Procedure:
    name: str
    module: str
    parameters: tuple[str, ...]
    body: tuple[Statement, ...]
    own: frozenset[str] = frozenset()  # names that it gives a value


@dataclass
class Program:
    """All modules of a project. `declared` are functions of libraries: name to library and real name."""

    procedures: dict[str, Procedure] = field(default_factory=dict)
    level: list[tuple[str, tuple[Statement, ...]]] = field(default_factory=list)  # statements outside of procedures
    declared: dict[str, tuple[str, str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)  # of variables and procedures, as they are spelled in lower case
    source: str = ""  # of all modules
