"""Follows the formulas of macro sheets as far as their values are known, and writes down what they would do.

Not in the order in which Excel would run them: every formula is worked out, and again once others have written into
cells, until nothing changes or the fuel is spent. So what is written down may be more than one run would do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lazaretto.analysis.documents.excel4.formula import (
    Constant,
    FormulaError,
    Function,
    Node,
    Operation,
    Reference,
    parse,
)
from lazaretto.analysis.documents.excel4.sheets import Book, Cell, Sheet

_PASSES = 6
_FUEL = 400_000
_LONGEST = 20_000
_DEEPEST = 30
_MOST_DEEDS = 2_000

Value = str | float | bool | None  # None is unknown


@dataclass(frozen=True)
class Deed:
    """A command with what is known of its arguments, and in which sheet it stands."""

    name: str
    arguments: tuple[Value, ...]
    sheet: str

    @property
    def text(self) -> str:
        return " ".join(_text(value) or "…" for value in self.arguments if value != "")


@dataclass
class Followed:
    deeds: list[Deed] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)  # formulas that were written by formulas
    made: list[str] = field(default_factory=list)  # texts put together from character codes
    exhausted: bool = False


_COMMANDS = frozenset({
    "EXEC", "CALL", "REGISTER", "FOPEN", "FWRITE", "FWRITELN", "INITIATE", "EXECUTE", "POKE", "SEND.KEYS",
    "FILE.DELETE", "WORKBOOK.HIDE", "WINDOW.HIDE", "GET.WORKSPACE", "GET.WINDOW", "GET.CELL", "GET.DOCUMENT", "ALERT",
    "RUN", "GOTO", "ON.TIME", "SAVE.AS", "OPEN", "VBA.INSERT.FILE", "DIRECTORY", "APP.MINIMIZE", "ERROR", "ECHO",
    "HALT", "RETURN", "WAIT", "DELETE.DIRECTORY", "COPY.FILE",
})  # fmt: skip


class _FuelError(Exception):
    pass


def follow(book: Book) -> Followed:
    """Everything that the macro sheets would do."""
    return _Follower(book).run()


class _Follower:
    def __init__(self, book: Book) -> None:
        self._book = book
        self._sheets = {sheet.name.lower(): sheet for sheet in book.sheets}
        self._found = Followed()
        self._fuel = _FUEL
        self._names: dict[str, Value] = {}
        self._seen: set[tuple[str, tuple[Value, ...]]] = set()
        self._written: set[tuple[str, Cell, str]] = set()
        self._values: dict[tuple[str, Cell], Value] = {}
        self._registered: dict[str, tuple[Value, ...]] = {}
        self._depth = 0

    def run(self) -> Followed:
        try:
            for _ in range(_PASSES):
                before = len(self._written) + len(self._names)
                self._values.clear()
                for sheet in self._book.macro_sheets:
                    for cell in sorted(sheet.formulas, key=lambda cell: (cell[1], cell[0])):
                        self._cell(sheet, cell)
                if len(self._written) + len(self._names) == before:
                    break
        except _FuelError:
            self._found.exhausted = True
        return self._found

    def _burn(self, amount: int = 1) -> None:
        self._fuel -= amount
        if self._fuel < 0:
            raise _FuelError

    def _cell(self, sheet: Sheet, cell: Cell) -> Value:
        """The value of a cell; a formula is worked out once in each pass."""
        key = (sheet.name, cell)
        if key in self._values:
            return self._values[key]
        formula = sheet.formulas.get(cell)
        if formula is None:
            return sheet.values.get(cell)
        self._values[key] = None  # for a formula that comes back to itself
        self._burn(1 + len(formula) // 100)
        if self._depth > _DEEPEST:
            return None
        self._depth += 1
        try:
            self._values[key] = self._value(sheet, parse(formula))
        except FormulaError:
            self._values[key] = None
        finally:
            self._depth -= 1
        return self._values[key]

    def _value(self, sheet: Sheet, node: Node) -> Value:
        self._burn()
        match node:
            case Constant(value):
                return value
            case Reference(text):
                return self._reference(sheet, text)
            case Operation(operators, operands):
                return self._operation(sheet, operators, operands)
            case Function(name, arguments):
                return self._function(sheet, name, arguments)
        return ""  # an argument that was left out

    # --- places ---

    def _place(self, sheet: Sheet, text: str) -> tuple[Sheet, Cell] | None:
        owner, bang, rest = text.rpartition("!")
        if bang:
            other = self._sheets.get(owner.strip("'").lower())
            if other is None:
                return None
            sheet = other
        match = re.fullmatch(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})", rest) or None
        if match:
            column = 0
            for letter in match[1].upper():
                column = column * 26 + ord(letter) - 64
            return sheet, (int(match[2]) - 1, column - 1)
        match = re.fullmatch(r"R(\d{1,7})C(\d{1,5})", rest, re.IGNORECASE)
        if match:
            return sheet, (int(match[1]) - 1, int(match[2]) - 1)
        return None

    def _reference(self, sheet: Sheet, text: str) -> Value:
        place = self._place(sheet, text)
        if place:
            return self._cell(*place)
        name = text.rpartition("!")[2].lower()
        if name in self._names:
            return self._names[name]
        formula = self._book.names.get(name)
        if formula and self._depth < _DEEPEST:
            self._depth += 1
            try:
                return self._value(sheet, parse(formula))
            except FormulaError:
                return None
            finally:
                self._depth -= 1
        return None

    # --- operations ---

    def _operation(self, sheet: Sheet, operators: Sequence[str], operands: Sequence[Node]) -> Value:
        values = [self._value(sheet, operand) for operand in operands]
        if operators[0] == "&":
            texts = [_text(value) for value in values]
            if all(text is None for text in texts):
                return None
            # What is known of a text is kept, for a command in it can still be told.
            joined = "".join("…" if text is None else text for text in texts)[:_LONGEST]
            codes = sum(isinstance(one, Function) and one.name in {"CHAR", "UNICHAR"} for one in operands)
            if codes >= 3 and len(self._found.made) < 2_000 and joined not in self._found.made:
                self._found.made.append(joined)
            return joined
        result = values[0]
        for operator, value in zip(operators, values[1:], strict=True):
            result = _computed(operator, result, value)
        return result

    def _function(  # noqa: PLR0911  a table of functions
        self, sheet: Sheet, name: str, nodes: Sequence[Node]
    ) -> Value:
        name = name.removeprefix("_XLFN.").removeprefix("_XLL.")
        if name in {"FORMULA", "FORMULA.FILL", "SET.VALUE", "SET.NAME"}:
            return self._write(sheet, name, nodes)
        values = [self._value(sheet, node) for node in nodes]
        if name == "IF" and len(values) > 1:
            return _chosen(values)
        if name == "CHAR":
            number = _number(values[0])
            return chr(int(number) & 0xFF) if number is not None and 0 < number < 256 else None
        function = _FUNCTIONS.get(name)
        if function is not None:
            try:
                return function(values)
            except (IndexError, ValueError, TypeError, OverflowError, ZeroDivisionError):
                return None
        if name in {"INDIRECT", "TEXTREF", "EVALUATE"} and isinstance(values[0], str):
            return self._reference(sheet, values[0].lstrip("="))
        return self._command(sheet, name, values)

    def _command(self, sheet: Sheet, name: str, values: Sequence[Value]) -> Value:
        if name == "REGISTER" and len(values) > 3 and isinstance(values[3], str):
            self._registered[values[3].upper()] = tuple(values[:2])
        if name in self._registered:
            values = [*self._registered[name], *values]
            name = "CALL"
        elif name not in _COMMANDS:
            return None
        key = (name, tuple(values))
        if key not in self._seen and len(self._found.deeds) < _MOST_DEEDS:
            self._seen.add(key)
            self._found.deeds.append(Deed(name, tuple(values), sheet.name))
        return None

    def _write(self, sheet: Sheet, name: str, nodes: Sequence[Node]) -> Value:
        """FORMULA(text, cell), SET.VALUE(cell, value), SET.NAME(name, value)."""
        if len(nodes) < 2:
            return None
        what, where = (nodes[0], nodes[1]) if name.startswith("FORMULA") else (nodes[1], nodes[0])
        value = self._value(sheet, what)
        if name == "SET.NAME":
            title = where.value if isinstance(where, Constant) else where.text if isinstance(where, Reference) else ""
            if value is not None and len(self._names) < 5_000:
                self._names[str(title).lower()] = value
            return None
        place = self._place(sheet, where.text) if isinstance(where, Reference) else None
        if place is None and isinstance(where, Constant | Function | Operation):
            text = self._value(sheet, where)
            place = self._place(sheet, text) if isinstance(text, str) else None
        self._put(sheet, place, value)
        return None

    def _put(self, sheet: Sheet, place: tuple[Sheet, Cell] | None, value: Value) -> None:
        text = _text(value)
        if text is None:
            return
        if text.startswith("="):
            if text not in self._found.texts and len(self._found.texts) < 2_000:
                self._found.texts.append(text)
            if place is None:  # where it goes is not known, what it does is
                self._evaluated(sheet, text)
                return
        if place is None or (place[0].name, place[1], text) in self._written or len(self._written) > 20_000:
            return
        owner, cell = place
        self._written.add((owner.name, cell, text))
        if text.startswith("="):
            owner.formulas[cell] = text[1:]
            owner.macro = True
        else:
            owner.formulas.pop(cell, None)
            owner.values[cell] = value if value is not None else ""
        self._values.pop((owner.name, cell), None)

    def _evaluated(self, sheet: Sheet, text: str) -> None:
        try:
            self._value(sheet, parse(text))
        except FormulaError:
            return


def _chosen(values: Sequence[Value]) -> Value:
    known = _number(values[0])
    other = values[2] if len(values) > 2 else False
    if known is None:
        return values[1] if values[1] is not None else other
    return values[1] if known else other


def _text(value: Value) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return f"{value:.15g}"


def _number(value: Value) -> float | None:
    if isinstance(value, str):
        try:
            return float(value or "0")
        except ValueError:
            return None
    return None if value is None else float(value)


def _computed(operator: str, a: Value, b: Value) -> Value:  # noqa: PLR0911, PLR0912  a table of operators
    if a is None or b is None:
        return None
    if operator in {"=", "<>"}:
        same = str(a).lower() == str(b).lower() if isinstance(a, str) and isinstance(b, str) else a == b
        return same == (operator == "=")
    x, y = _number(a), _number(b)
    if x is None or y is None:
        return None
    try:
        match operator:
            case "+":
                return x + y
            case "-":
                return x - y
            case "*":
                return x * y
            case "/":
                return x / y
            case "^":
                return float(x**y) if abs(x) < 1e10 and abs(y) < 30 else None
            case "<":
                return x < y
            case ">":
                return x > y
            case "<=":
                return x <= y
            case ">=":
                return x >= y
    except (ZeroDivisionError, OverflowError, TypeError):
        return None
    return None


def _known(value: Value) -> str:
    text = _text(value)
    if text is None:
        raise ValueError
    return text


def _size(value: Value) -> int:
    number = _number(value)
    if number is None:
        raise ValueError
    return int(number)


def _mid(a: Sequence[Value]) -> Value:
    text, begin = _known(a[0]), _size(a[1])
    return text[begin - 1 : begin - 1 + max(0, _size(a[2]))] if begin > 0 else None


def _substitute(a: Sequence[Value]) -> Value:
    text, old, new = _known(a[0]), _known(a[1]), _known(a[2])
    return text.replace(old, new)[:_LONGEST] if old else text


_FUNCTIONS: dict[str, Callable[[Sequence[Value]], Value]] = {
    "CONCATENATE": lambda a: "".join(_known(one) for one in a)[:_LONGEST],
    "CONCAT": lambda a: "".join(_known(one) for one in a)[:_LONGEST],
    "MID": _mid, "SUBSTITUTE": _substitute,
    "LEFT": lambda a: _known(a[0])[: _size(a[1]) if len(a) > 1 else 1],
    "RIGHT": lambda a: _known(a[0])[-(_size(a[1]) if len(a) > 1 else 1) :],
    "LEN": lambda a: float(len(_known(a[0]))), "LOWER": lambda a: _known(a[0]).lower(),
    "UPPER": lambda a: _known(a[0]).upper(), "TRIM": lambda a: _known(a[0]).strip(),
    "CODE": lambda a: float(ord(_known(a[0])[0])), "INT": lambda a: float(_size(a[0])),
    "ABS": lambda a: abs(_number(a[0]) or 0.0), "VALUE": lambda a: _number(a[0]), "T": lambda a: _known(a[0]),
    "MOD": lambda a: (_number(a[0]) or 0.0) % (_number(a[1]) or 1.0),
    "SUM": lambda a: sum(_number(one) or 0.0 for one in a), "NOT": lambda a: not _number(a[0]),
    "REPT": lambda a: (_known(a[0]) * min(_size(a[1]), 1_000))[:_LONGEST],
    "REPLACE": lambda a: _known(a[0])[: _size(a[1]) - 1] + _known(a[3]) + _known(a[0])[_size(a[1]) - 1 + _size(a[2]) :],
    "AND": lambda a: all(bool(_number(one)) for one in a), "OR": lambda a: any(bool(_number(one)) for one in a),
    "CHOOSE": lambda a: a[_size(a[0])], "ROUND": lambda a: round(_number(a[0]) or 0.0, _size(a[1])),
}  # fmt: skip
