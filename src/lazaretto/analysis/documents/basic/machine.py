"""Runs a program of Basic as far as its values are known, and writes down what it would ask of the machine.

Where a condition is unknown both ways are gone, one after the other; a loop of unknown length is gone through once. So
what is written down may be more than one run would do, and never hangs: every step costs fuel.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from lazaretto.analysis.documents.basic import functions
from lazaretto.analysis.documents.basic.operators import binary, compared, partly, unary
from lazaretto.analysis.documents.basic.tree import (
    Assign,
    Call,
    Chain,
    Dim,
    Do,
    Each,
    Exit,
    Expression,
    For,
    If,
    Literal,
    Loop,
    Member,
    Name,
    New,
    Procedure,
    Program,
    Select,
    Spanned,
    Statement,
    Unary,
    With,
)
from lazaretto.analysis.documents.basic.values import (
    MOST_ITEMS,
    NOTHING,
    Array,
    Text,
    Thing,
    Unknown,
    Value,
    joined,
    number_of,
    origin_of,
    text_of,
    truth,
    whole,
)

_QUALIFIERS = frozenset({
    "vba", "strings", "conversion", "interaction", "information", "math", "filesystem", "vbproject",
})  # fmt: skip
_DEEPEST_CALL = 25
_MOST_ACTS = 3_000
_MOST_SPANS = 20_000


@dataclass(frozen=True)
class Act:
    """What a program would ask of the machine: `name` in lower case, objects by the name they were made with."""

    name: str
    arguments: tuple[Value, ...]
    procedure: str
    entry: str  # the procedure that was started from outside

    @property
    def texts(self) -> tuple[Text, ...]:
        return tuple(value for value in self.arguments if isinstance(value, Text))


class _LeaveError(Exception):
    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class _OutOfFuelError(Exception):
    pass


@dataclass
class _Frame:
    procedure: str
    names: dict[str, Value]
    own: frozenset[str] = frozenset()
    withs: list[Value] = field(default_factory=list)
    module: str = ""


@dataclass
class Machine:
    """`texts` are whole expressions that are no literals and turned out to be one text: (module, start, end)."""

    program: Program
    fuel: int = 400_000
    seconds: float = 5.0
    acts: list[Act] = field(default_factory=list)
    texts: dict[tuple[str, int, int], Text | None] = field(default_factory=dict)
    ran: set[str] = field(default_factory=set)
    reads: dict[str, str] = field(default_factory=dict)  # properties that were asked for, and from which entry
    exhausted: bool = False

    def __post_init__(self) -> None:
        self._globals: dict[str, Value] = {}
        self._depth = 0
        self._entry = ""
        self._until = time.monotonic() + self.seconds
        self._seen: set[tuple[str, tuple[str, ...], str]] = set()
        self._bytes = 0
        for module, statements in self.program.level:
            self._guarded(_Frame("", self._globals, module=module), statements)

    def start(self, name: str, entry: str) -> None:
        """Run a procedure from outside, its parameters unknown; `entry` is written down with what it does."""
        procedure = self.program.procedures.get(name)
        if procedure is None:
            return
        self._entry = entry
        self._guarded(None, (), procedure)

    def _guarded(
        self, frame: _Frame | None, statements: Sequence[Statement], procedure: Procedure | None = None
    ) -> None:
        self._depth = 0
        try:
            if procedure is not None:
                self._call(procedure, [NOTHING] * len(procedure.parameters))
            elif frame is not None:
                self._run(frame, statements)
        except _LeaveError:
            pass
        except (_OutOfFuelError, RecursionError):
            self.exhausted = True

    def _burn(self, amount: int = 1) -> None:
        self.fuel -= amount
        if self.fuel < 0 or (self.fuel & 0xFF == 0 and time.monotonic() > self._until):
            self.fuel = min(self.fuel, 0)
            raise _OutOfFuelError

    # --- procedures ---

    def _call(self, procedure: Procedure, arguments: Sequence[Value]) -> Value:
        if self._depth >= _DEEPEST_CALL:
            return NOTHING
        self._burn(5)
        self.ran.add(procedure.name)
        names: dict[str, Value] = {}
        for place, name in enumerate(procedure.parameters):
            names[name] = arguments[place] if place < len(arguments) else NOTHING
        frame = _Frame(procedure.name, names, procedure.own | {procedure.name}, module=procedure.module)
        self._depth += 1
        try:
            self._run(frame, procedure.body)
        except _LeaveError as left:
            if left.what == "end":
                raise
        finally:
            self._depth -= 1
        return names.get(procedure.name)

    # --- statements ---

    def _run(self, frame: _Frame, statements: Sequence[Statement]) -> None:
        for statement in statements:
            self._burn()
            self._step(frame, statement)

    def _step(self, frame: _Frame, statement: Statement) -> None:
        match statement:
            case Assign():
                self._assign(frame, statement.target, self._value(frame, statement.value))
            case Do():
                self._do(frame, statement.call)
            case If():
                self._if(frame, statement)
            case For():
                self._for(frame, statement)
            case Each():
                self._each(frame, statement)
            case Loop():
                self._loop(frame, statement)
            case Select():
                self._select(frame, statement)
            case With():
                frame.withs.append(self._value(frame, statement.of))
                try:
                    self._run(frame, statement.body)
                finally:
                    frame.withs.pop()
            case Exit():
                raise _LeaveError(statement.what)
            case Dim():
                self._dim(frame, statement)

    def _do(self, frame: _Frame, call: Expression) -> None:
        self._value(frame, call if isinstance(call, Call) else Call(call, ()))

    def _both(self, frame: _Frame, body: Sequence[Statement]) -> None:
        """A way that may or may not be gone: leaving the procedure in it does not end what follows."""
        try:
            self._run(frame, body)
        except _LeaveError:
            return

    def _if(self, frame: _Frame, statement: If) -> None:
        unknown = False
        for condition, body in statement.branches:
            known = truth(self._value(frame, condition))
            if known is None:
                unknown = True
                self._both(frame, body)
            elif known:
                if unknown:
                    self._both(frame, body)
                else:
                    self._run(frame, body)
                return
        if unknown:
            self._both(frame, statement.otherwise)
        else:
            self._run(frame, statement.otherwise)

    def _for(self, frame: _Frame, statement: For) -> None:
        begin = number_of(self._value(frame, statement.begin))
        end = number_of(self._value(frame, statement.end))
        step = number_of(self._value(frame, statement.step)) if statement.step else 1
        if begin is None or end is None or not step:
            self._set(frame, statement.name, NOTHING)
            self._both(frame, statement.body)
            return
        at = begin
        while at <= end if step > 0 else at >= end:
            self._burn()
            self._set(frame, statement.name, at)
            if self._left(frame, statement.body, "for"):
                return
            at += step
        self._set(frame, statement.name, at)

    def _left(self, frame: _Frame, body: Sequence[Statement], what: str) -> bool:
        try:
            self._run(frame, body)
        except _LeaveError as left:
            if left.what == what:
                return True
            raise
        return False

    def _each(self, frame: _Frame, statement: Each) -> None:
        of = self._value(frame, statement.of)
        if not isinstance(of, Array):
            self._set(frame, statement.name, of if isinstance(of, Thing) else Unknown(origin_of(of)))
            self._both(frame, statement.body)
            return
        for item in list(of.items):
            self._burn()
            self._set(frame, statement.name, item)
            if self._left(frame, statement.body, "for"):
                return

    def _loop(self, frame: _Frame, statement: Loop) -> None:
        first = statement.after
        while True:
            self._burn()
            if not first and statement.condition is not None:
                known = truth(self._value(frame, statement.condition))
                if known is None:
                    self._both(frame, statement.body)
                    return
                if known == statement.until:
                    return
            first = False
            if self._left(frame, statement.body, "do"):
                return

    def _select(self, frame: _Frame, statement: Select) -> None:
        of = self._value(frame, statement.of)
        for tests, body in statement.cases:
            results = [self._fits(frame, of, test) for test in tests]
            if True in results:
                self._run(frame, body)
                return
            if None in results:
                self._both(frame, body)

    def _fits(self, frame: _Frame, of: Value, test: tuple[str, Expression, Expression | None]) -> bool | None:
        operator, low, high = test
        if operator == "else":
            return True
        if operator == "to" and high is not None:
            from_low = compared(">=", of, self._value(frame, low))
            to_high = compared("<=", of, self._value(frame, high))
            return None if from_low is None or to_high is None else from_low and to_high
        return compared(operator, of, self._value(frame, low))

    def _dim(self, frame: _Frame, statement: Dim) -> None:
        for name, bounds in statement.names:
            if bounds is None:
                if not statement.again:
                    frame.names.setdefault(name, None)
                continue
            upper = whole(self._value(frame, bounds[0])) if bounds else None
            known = self._get(frame, name)
            kept = list(known.items) if statement.keep and isinstance(known, Array) else []
            size = min(max(0, upper + 1), MOST_ITEMS) if upper is not None else len(kept)
            self._burn(size // 50)
            self._set(frame, name, Array((kept + [None] * size)[: max(size, 0)]))

    # --- names ---

    def _get(self, frame: _Frame, name: str) -> Value:
        if name in frame.names:
            return frame.names[name]
        return self._globals.get(name)

    def _set(self, frame: _Frame, name: str, value: Value) -> None:
        if name not in frame.names and name in self._globals:
            self._globals[name] = value
        else:
            frame.names[name] = value

    def _assign(self, frame: _Frame, target: Expression, value: Value) -> None:
        match target:
            case Name(name):
                self._set(frame, name, value)
            case Call(Name(name), arguments) if name in frame.names or name in self._globals:
                self._assign_item(frame, name, arguments, value)
            case Call(Name("mid"), (Name(name), *_)):
                self._set(frame, name, NOTHING)
            case Member(of, name):
                self._assign_member(frame, self._of(frame, of), name, value)
            case Call(Member(of, name), arguments):
                for argument in arguments:
                    self._value(frame, argument)
                self._assign_member(frame, self._of(frame, of), name, value)
            case _:
                return

    def _assign_item(self, frame: _Frame, name: str, arguments: Sequence[Expression], value: Value) -> None:
        array = self._get(frame, name)
        place = whole(self._value(frame, arguments[0])) if arguments else None
        if not isinstance(array, Array) or len(arguments) != 1:
            return
        if place is None:
            self._set(frame, name, Unknown(origin_of(value)))
        elif 0 <= place < MOST_ITEMS:
            if place >= len(array.items):
                self._burn((place - len(array.items)) // 50)
                array.items.extend([None] * (place + 1 - len(array.items)))
            array.items[place] = value

    def _assign_member(self, frame: _Frame, of: Value, name: str, value: Value) -> None:
        owner = of.name if isinstance(of, Thing) else "?"
        if isinstance(of, Thing):
            of.state[name] = value
        self._act(frame, f"{owner}.{name}=", (value,))

    # --- expressions ---

    def _value(self, frame: _Frame, expression: Expression) -> Value:  # noqa: PLR0911  one line a kind of expression
        self._burn()
        match expression:
            case Spanned(inner, start, end):
                value = self._value(frame, inner)
                if isinstance(value, Text) and not isinstance(inner, Literal | Name | Member):
                    self._note(frame, start, end, value)
                return value
            case Literal(value):
                return Text(value) if isinstance(value, str) else value
            case Name(name):
                return self._name(frame, name)
            case Member(of, name):
                return self._member(frame, self._of(frame, of), name, None, of)
            case Call():
                return self._called(frame, expression)
            case Unary(operator, operand):
                return unary(operator, self._value(frame, operand))
            case Chain(operands, operators):
                return self._chain(frame, operands, operators)
            case New(name):
                return Thing(name)
        return NOTHING  # an argument that was left out

    def _note(self, frame: _Frame, start: int, end: int, value: Text) -> None:
        place = (frame.module, start, end)
        if place in self.texts:
            known = self.texts[place]
            if known is not None and known != value:
                self.texts[place] = None
        elif len(self.texts) < _MOST_SPANS:
            self.texts[place] = value

    def _of(self, frame: _Frame, expression: Expression | None) -> Value:
        if expression is None:
            return frame.withs[-1] if frame.withs else NOTHING
        return self._value(frame, expression)

    def _name(self, frame: _Frame, name: str) -> Value:
        if name in frame.names:
            return frame.names[name]
        if name in self._globals:
            return self._globals[name]
        if name in self.program.procedures and name != frame.procedure:
            return self._call(self.program.procedures[name], [])
        if name in functions.CONSTANTS:
            return functions.CONSTANTS[name]
        if name in frame.own or name in self.program.names:
            return None
        return self._outside(frame, name, [])

    def _outside(self, frame: _Frame, name: str, arguments: list[Value]) -> Value:
        """A name that is neither the program's own nor a pure function of the language."""
        found = functions.call(name, arguments) if arguments else None
        if found is not None:
            return found[0]
        if name in {"now", "date", "time", "timer", "rnd", "freefile", "dir", "inputbox", "msgbox"}:
            if name == "dir":
                self._act(frame, name, arguments)
            return NOTHING
        if name in {"environ", "createobject", "getobject", "createunoservice", "callbyname", "eval", "evaluate"}:
            return self._special(frame, name, arguments)
        return Thing(name)

    def _special(self, frame: _Frame, name: str, arguments: list[Value]) -> Value:
        self._act(frame, name, arguments)
        first = text_of(arguments[0]) if arguments else None
        match name:
            case "environ":
                return Text(f"%{first.upper()}%") if first else Unknown("environment")
            case "callbyname" if len(arguments) > 1:
                method = text_of(arguments[1])
                return self._member(frame, arguments[0], method.lower() if method else "?", arguments[3:], None)
            case "createobject" | "createunoservice" | "getobject":
                if first is None:
                    return Thing("?")
                return Thing(first.lower(), made=first.made)
        return NOTHING

    def _called(self, frame: _Frame, expression: Call) -> Value:
        what = expression.what
        if isinstance(what, Name):
            return self._called_name(frame, what.name, expression.arguments)
        arguments = [self._value(frame, argument) for argument in expression.arguments]
        if isinstance(what, Member):
            return self._member(frame, self._of(frame, what.of), what.name, arguments, what.of)
        return self._item(self._value(frame, what), arguments)

    def _called_name(  # noqa: PLR0911  a name may be many things
        self, frame: _Frame, name: str, given: Sequence[Expression]
    ) -> Value:
        arguments = [self._value(frame, argument) for argument in given]
        known = self._get(frame, name)
        if known is not None and (name != frame.procedure or isinstance(known, Array)):
            return self._item(known, arguments)
        if name in self.program.procedures:
            procedure = self.program.procedures[name]
            result = self._call(procedure, arguments)
            return Text(str(result), made=True) if self._decodes(result, arguments) else result
        if name in self.program.declared:
            library, real = self.program.declared[name]
            self._act(frame, f"{_library(library)}!{real.lower()}", arguments)
            return NOTHING
        found = functions.call(name, arguments)
        if found is not None:
            return found[0]
        if name in {"environ", "createobject", "getobject", "createunoservice", "callbyname", "eval", "evaluate"}:
            return self._special(frame, name, arguments)
        if name in frame.own and known is None:
            return NOTHING
        if name == "wait":
            return NOTHING
        return self._asked(frame, name, arguments)

    def _decodes(self, result: Value, arguments: Sequence[Value]) -> bool:
        """Whether a function of the program's own turned something unreadable into a text: none of the text's words
        stand anywhere in the source."""
        if not isinstance(result, Text) or len(result) < 4 or result.made or len(result) > 100_000:
            return False
        if not any(isinstance(argument, Text | Array) for argument in arguments):
            return False
        self._burn(len(self.program.source) // 2_000)
        words = [word for word in re.split(r"[^A-Za-z]+", result) if len(word) >= 4]
        return bool(words) and not any(word in self.program.source for word in words[:50])

    def _asked(self, frame: _Frame, name: str, arguments: list[Value]) -> Value:
        self._act(frame, name, arguments)
        return Thing(name)

    def _item(self, value: Value, arguments: list[Value]) -> Value:
        if isinstance(value, Array) and len(arguments) == 1:
            place = whole(arguments[0])
            if place is not None and 0 <= place < len(value.items):
                return value.items[place]
            return NOTHING
        if isinstance(value, Thing):
            return Thing(value.name)
        return Unknown(origin_of(value))

    def _member(
        self, frame: _Frame, of: Value, name: str, arguments: list[Value] | None, written: Expression | None
    ) -> Value:
        if isinstance(written, Name) and isinstance(of, Thing) and of.name == written.name:
            own = self._qualified(frame, written.name, name, arguments or [])
            if own is not None:
                return own[0]
        if not isinstance(of, Thing):
            if arguments is not None:
                self._act(frame, f"?.{name}", arguments)
            return Unknown(origin_of(of))
        if name in of.state and not arguments:
            return of.state[name]
        if decoded := _decoded(of, name):
            return decoded
        whole_name = f"{of.name}.{name}"[-200:]
        if name in {"run", "ontime"} and of.name.startswith(("application", "app")) and arguments:
            self._started(frame, arguments[1 if name == "ontime" and len(arguments) > 1 else 0])
        if arguments is not None:
            self._act(frame, whole_name, arguments)
        elif len(self.reads) < _MOST_ACTS:
            self.reads.setdefault(whole_name, self._entry)
        if name == "createobject" and arguments:
            first = text_of(arguments[0])
            return Thing(first.lower() if first else "?", made=bool(first and first.made))
        return Thing(whole_name)

    def _qualified(  # noqa: PLR0911  a name may be many things
        self, frame: _Frame, owner: str, name: str, arguments: list[Value]
    ) -> tuple[Value] | None:
        """`Module.Procedure` and `VBA.Function`."""
        procedure = self.program.procedures.get(f"{owner}.{name}")
        if procedure is not None:
            return (self._call(procedure, arguments),)
        if owner in _QUALIFIERS:
            if name in _QUALIFIERS:
                return (Thing(name),)
            if name in functions.CONSTANTS:
                return (functions.CONSTANTS[name],)
            found = functions.call(name, arguments)
            if found is not None:
                return found
            if name == "shell":
                return (self._asked(frame, name, arguments),)
            return (self._outside(frame, name, arguments),)
        return None

    def _started(self, frame: _Frame, what: Value) -> None:
        name = (text_of(what) or "").split("!")[-1].lower()
        procedure = self.program.procedures.get(name) or self.program.procedures.get(name.rpartition(".")[2])
        if procedure is not None and procedure.name != frame.procedure:
            self._call(procedure, [NOTHING] * len(procedure.parameters))

    def _chain(self, frame: _Frame, operands: Sequence[Expression], operators: Sequence[str]) -> Value:
        values = [self._value(frame, operand) for operand in operands]
        if operators[0] == "&":
            texts = [text_of(value) for value in values]
            if all(text is not None for text in texts):
                return joined([text for text in texts if text is not None])
            return partly(values)
        result = values[0]
        for operator, value in zip(operators, values[1:], strict=True):
            self._burn()
            result = binary(operator, result, value)
        return result

    def _act(self, frame: _Frame, name: str, arguments: Sequence[Value]) -> None:
        key = (name, tuple(_shown(value) for value in arguments), self._entry)
        if key in self._seen or len(self.acts) >= _MOST_ACTS:
            return
        self._seen.add(key)
        self.acts.append(Act(name, tuple(arguments), frame.procedure, self._entry))


def _shown(value: Value) -> str:
    return value[:2_000] if isinstance(value, Text) else repr(value)[:200]


def _library(name: str) -> str:
    return re.split(r"[\\/]", name.lower())[-1].removesuffix(".dll")


def _decoded(of: Thing, name: str) -> Value:
    """What a node of MSXML gives back: the text as bytes, where its type says how they are written."""
    kind, text = text_of(of.state.get("datatype")), of.state.get("text")
    if name != "nodetypedvalue" or not kind or not isinstance(text, Text):
        return None
    try:
        if kind == "bin.base64":
            data = base64.b64decode(text + "=" * (-len(text) % 4))
        elif kind == "bin.hex":
            data = bytes.fromhex(text)
        else:
            return None
    except (binascii.Error, ValueError):
        return None
    return Text(data.decode("cp1252", "replace"), made=True)
