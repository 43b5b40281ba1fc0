"""Formulas of Excel as trees."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"]|"")*")|(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?)
    |(?P<name>(?:'(?:[^']|'')*'|[\w.]+)!\$?[A-Za-z]{1,3}\$?\d+|(?:'(?:[^']|'')*'|[\w.]+)![\w.]+
      |\$?[A-Za-z]{1,3}\$?\d{1,7}(?![\w.(])|[^\W\d][\w.]*|\#[A-Z/0]+[!?]?)
    |(?P<op><=|>=|<>|[-+*/^&=<>(),;:%{}!]))""",
    re.VERBOSE,
)
_DEEPEST = 60
_MOST_TOKENS = 20_000


@dataclass(frozen=True, slots=True)
class Constant:
    value: str | float | bool


@dataclass(frozen=True, slots=True)
class Reference:
    """A cell or a name, as it is written without dollar signs."""

    text: str


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """Operands of one rank from left to right."""

    operators: tuple[str, ...]
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    pass


Node = Constant | Reference | Function | Operation | Missing


class FormulaError(ValueError):
    """It is no formula that this grammar knows."""


def parse(text: str) -> Node:
    """Raises `FormulaError`."""
    return _Parser(text).whole()


_RANKS = (frozenset({"=", "<", ">", "<=", ">=", "<>"}), frozenset({"&"}), frozenset({"+", "-"}), frozenset({"*", "/"}))


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        text = text.strip().removeprefix("=")
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or len(self._tokens) > _MOST_TOKENS:
                raise FormulaError(text[at : at + 20])
            self._tokens.append((match.lastgroup or "", match[match.lastgroup or 0]))
            at = match.end()
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        found = self._ranked(0)
        if self._at < len(self._tokens):
            raise FormulaError(self._tokens[self._at][1])
        return found

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) and self._tokens[self._at][0] == "op" else ""

    def _ranked(self, rank: int) -> Node:
        if rank == len(_RANKS):
            return self._unary()
        if rank == 0:
            self._depth += 1
            if self._depth > _DEEPEST:
                raise FormulaError("nested too deeply")
        operands = [self._ranked(rank + 1)]
        operators = []
        while self._peek() in _RANKS[rank]:
            operators.append(self._peek())
            self._at += 1
            operands.append(self._ranked(rank + 1))
        if rank == 0:
            self._depth -= 1
        return Operation(tuple(operators), tuple(operands)) if operators else operands[0]

    def _unary(self) -> Node:
        negative = False
        while self._peek() in {"-", "+"}:
            negative ^= self._peek() == "-"
            self._at += 1
        found = self._primary()
        while self._peek() == "^":
            self._at += 1
            found = Operation(("^",), (found, self._primary()))
        while self._peek() == "%":
            self._at += 1
            found = Operation(("/",), (found, Constant(100.0)))
        return Operation(("-",), (Constant(0.0), found)) if negative else found

    def _primary(self) -> Node:
        if self._at >= len(self._tokens):
            raise FormulaError("it ends too early")
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind == "string":
            return Constant(text[1:-1].replace('""', '"'))
        if kind == "number":
            return Constant(float(text))
        if kind == "name":
            return self._named(text)
        if text == "(":
            found = self._ranked(0)
            self._close(")")
            return found
        raise FormulaError(text)

    def _named(self, text: str) -> Node:
        if self._peek() == "(":
            self._at += 1
            return Function(text.rpartition("!")[2].upper(), self._arguments())
        if text.upper() in {"TRUE", "FALSE"}:
            return Constant(text.upper() == "TRUE")
        found = text.replace("$", "")
        if self._peek() == ":":
            self._at += 1
            self._primary()  # of a range the first cell is what is read
        return Reference(found)

    def _arguments(self) -> tuple[Node, ...]:
        found: list[Node] = []
        while True:
            if self._peek() in {",", ";", ")"}:
                found.append(Missing())
            else:
                found.append(self._ranked(0))
            if self._peek() in {",", ";"}:
                self._at += 1
                continue
            self._close(")")
            return tuple(found)

    def _close(self, bracket: str) -> None:
        if self._peek() != bracket:
            raise FormulaError("a bracket is missing")
        self._at += 1
