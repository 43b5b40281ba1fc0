"""Folds a program: computes what can be computed and writes down every call that would touch the world.

Statements are walked in order. A condition that is known chooses; one that is not is walked on both sides. Loops whose
tests are known are turned, functions of the script with known arguments are entered; both cost `fuel`, and when that is
used up they are walked once. Functions nobody called are walked at the end with unknown arguments. So every statement is
seen at least once, and the work is bounded by the size of the source and the fuel.
"""

# ruff: noqa: E501  a row of a table is one line

from __future__ import annotations  # noqa: I001

import binascii
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lazaretto.analysis.scripting import ir, operators
from lazaretto.analysis.scripting.values import HOLE, UNKNOWN, Text, Thing, Value, known, marked, origins
import contextlib

FUEL = 40_000  # nodes evaluated inside loops and functions
MOST_TURNS = 20_000
_ENDLESS_TURNS = 200
MOST_CALLS = 6_000
MOST_FOLDED = 16 << 20  # characters of all texts that were folded: a text that grows line by line is there once a line
DEEPEST = 120  # nested expressions; well below Python's own limit
_DEEPEST_CALL = 12
_MOST_USELESS = 8
_SHORTEST_FOLD = 3

# What computing hostile operands raises; then the value is unknown.
FAILURES = (
    TypeError, ValueError, LookupError, ArithmeticError, AttributeError, zlib.error, binascii.Error, EOFError, OSError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """A call that the script would make. `name` is the path of what is called, lower case."""

    name: str
    args: tuple[Value, ...]
    named: Mapping[str, Value] = field(default_factory=dict)
    piped: Value = None  # what a pipe gives it
    targets: tuple[tuple[str, Value], ...] = ()  # redirections: how and where
    span: ir.Span = ir.NOWHERE
    where: str = ""  # the function it is in, empty at the top
    hidden: bool = False  # its name is put together by the script

    def arg(self, place: int, *names: str) -> Value:
        """An argument by place or name; None if it is not given."""
        for name in names:
            if name in self.named:
                return self.named[name]
        return self.args[place] if 0 <= place < len(self.args) else None


@dataclass(eq=False, slots=True)
class Closure:
    """A function of the script."""

    params: list[str]
    body: ir.Node
    scope: dict[str, Value]
    outer: tuple[dict[str, Value], ...]
    name: str = ""
    walked: bool = False
    active: bool = False  # it is being entered: it is not entered again from inside
    useless: int = 0  # how often entering it gave nothing that is known

    def __call__(self) -> None:  # so that `callable` tells it from plain values
        raise TypeError


class _Leave(Exception):
    """A loop is left (`again`: only this turn of it)."""

    def __init__(self, again: bool) -> None:
        self.again = again


class _Give(Exception):
    """A function gives this back."""

    def __init__(self, value: Value) -> None:
        self.value = value


Pure = Callable[["Machine", list[Value], Mapping[str, Value]], Value]
Method = Callable[["Machine", Value, list[Value], Mapping[str, Value]], Value]


@dataclass(frozen=True)
class Dialect:
    """What the interpreter must know of a language. Names are lower case."""

    name: str
    functions: Mapping[str, Pure] = field(default_factory=dict)
    methods: Mapping[str, Method] = field(default_factory=dict)
    globals: Mapping[str, Value] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)  # path or what it begins with -> origin
    folds_case: bool = False
    command: Callable[[Machine, str, list[Value], Value], Value] | None = None  # what a command writes


class Machine:
    """Walks one program."""

    def __init__(self, dialect: Dialect, fuel: int = FUEL) -> None:
        self.dialect = dialect
        self.language = dialect.name
        self.fuel = fuel
        self.calls: list[Made] = []
        self.folds: dict[ir.Span, Value] = {}
        self._folded_text = 0
        self.scopes: tuple[dict[str, Value], ...] = (dict(dialect.globals),)
        self._closures: list[Closure] = []
        self._met: set[int] = set()
        self._seen: set[tuple[str, tuple[str, ...], ir.Span]] = set()
        self._depth = 0
        self._entered = 0
        self._turning = 0
        self._where = ""
        self._hidden = False
        self._piped: Value = None
        self._out: list[Value] | None = None

    # -- the program ------------------------------------------------------------------------------------------------

    def run(self, program: ir.Node) -> None:
        """Walks everything once."""
        self._guarded(program)
        for _ in range(50):
            waiting = [one for one in self._closures if not one.walked]
            if not waiting:
                return
            for closure in waiting:
                self._walk(closure)

    def _guarded(self, node: ir.Node) -> None:
        with contextlib.suppress(_Leave, _Give):
            self.execute(node)

    def _walk(self, closure: Closure) -> None:
        closure.walked = True
        scope: dict[str, Value] = {name: Thing("", frozenset({"argument"})) for name in closure.params}
        kept, self.scopes = self.scopes, (*closure.outer, scope)
        where, self._where = self._where, closure.name or self._where or "()"
        try:
            self._guarded(closure.body)
        finally:
            self.scopes, self._where = kept, where

    def execute(self, node: ir.Node | None) -> None:
        """A statement. Raises `_Leave` and `_Give`."""
        if node is None:
            return
        handler = self._STATEMENTS.get(type(node))
        if handler is None:
            value = self.value(node)
            if self._out is not None and value is not None and not isinstance(node, ir.Assign):
                self._out.append(value)
            return
        self._depth += 1
        try:
            if self._depth < DEEPEST:
                handler(self, node)
        finally:
            self._depth -= 1

    def _block(self, node: ir.Block) -> None:
        for one in node.body:
            self.execute(one)

    def _if(self, node: ir.If) -> None:
        held = operators.truth(self.value(node.test))
        # Both sides are walked even where one is chosen: what is switched off by a constant is still in the file.
        for side, wanted in ((node.then, True), (node.other, False)):
            if side is None:
                continue
            if held is None:
                try:
                    self.execute(side)
                except (_Leave, _Give):
                    continue
            elif held is wanted:
                self.execute(side)

    def _loop(self, node: ir.Loop) -> None:
        # A loop that only a jump leaves mostly waits for something of the world, which never comes here.
        for turn in range(_ENDLESS_TURNS if type(node.test) is ir.Const else MOST_TURNS):
            held = True if node.test is None else operators.truth(self.value(node.test))
            if held is False or (turn and (held is None or self.fuel <= 0 or node.test is None)):
                if not turn and held is False:
                    return
                break
            if not self._turned(node.body, turn):
                return
            if node.step is not None:
                self.value(node.step)

    def _turned(self, body: ir.Node, turn: int) -> bool:
        """One turn of a loop; whether another may follow."""
        self._turning += turn > 0
        try:
            self.execute(body)
        except _Leave as leave:
            return leave.again
        finally:
            self._turning -= turn > 0
        return True

    def _for_each(self, node: ir.ForEach) -> None:
        for turn, item in enumerate(self.items(self.value(node.over), keys=node.keys)):
            if turn and (self.fuel <= 0 or turn > MOST_TURNS):
                return
            self._bind(node.names, item)
            if not self._turned(node.body, turn):
                return

    def items(self, over: Value, *, keys: bool = False) -> list[Value]:
        """What a loop over this value sees; one unknown where it is not known."""
        if isinstance(over, dict):
            return list(over) if keys or self.language == "python" else list(over.values())
        if isinstance(over, list | str):
            if keys:
                return list(range(len(over)))
            return [marked(item, *origins(over)) for item in over] if isinstance(over, Text) else list(over)
        if isinstance(over, bytes):
            return list(over)
        return [Thing("", origins(over))]

    def _bind(self, names: list[str], item: Value) -> None:
        if len(names) == 1:
            self.assign(names[0], item)
            return
        for place, name in enumerate(names):
            self.assign(name, operators.item(item, place, self.language) if isinstance(item, list) else UNKNOWN)

    def _return(self, node: ir.Return) -> None:
        raise _Give(self.value(node.value) if node.value is not None else None)

    def _jump(self, node: ir.Jump) -> None:
        raise _Leave(node.again)

    _STATEMENTS: Mapping[type[ir.Node], Callable[..., None]] = {
        ir.Block: _block, ir.If: _if, ir.Loop: _loop, ir.ForEach: _for_each, ir.Return: _return, ir.Jump: _jump,
    }  # fmt: skip

    # -- names ------------------------------------------------------------------------------------------------------

    def look_up(self, name: str) -> Value:
        """What a name stands for: a value, or the thing of that name."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return Thing(name, self._origin(name))

    def assign(self, name: str, value: Value) -> None:
        """Binds a name where it is bound already, else in the innermost scope."""
        for scope in reversed(self.scopes):
            if name in scope:
                scope[name] = value
                return
        self.scopes[-1][name] = value

    def _origin(self, path: str) -> frozenset[str]:
        path = path.lower()
        found = self.dialect.sources.get(path)
        return frozenset({found}) if found else frozenset()

    # -- expressions ------------------------------------------------------------------------------------------------

    def value(self, node: ir.Node | None) -> Value:  # noqa: PLR0911
        """What an expression is worth."""
        if node is None:
            return None
        if type(node) is ir.Const:
            return node.value
        if type(node) is ir.Name:
            return self.look_up(node.name)
        if self._turning or self._entered:
            self.fuel -= 1
        handler = self._EXPRESSIONS.get(type(node))
        if handler is None:
            self.execute(node)
            return None
        self._depth += 1
        try:
            if self._depth >= DEEPEST:
                return UNKNOWN
            return operators.checked(handler(self, node))
        except FAILURES:
            return UNKNOWN
        finally:
            self._depth -= 1

    def _join(self, node: ir.Join) -> Value:
        return self._folded(node.span, operators.joined([self.value(part) for part in node.parts], "", self.language))

    def _binary(self, node: ir.Binary) -> Value:
        # A long sum leans to the left: it is unrolled, for it is nested as deeply as it is long.
        chain: list[ir.Binary] = []
        left: ir.Node = node
        while type(left) is ir.Binary:
            chain.append(left)
            left = left.left
        value = self._operand(left)
        while chain:
            texts = self._texts(chain) if type(value) is str else []
            if len(texts) > 1:  # put together once: a program as text is a sum of thousands
                last = [chain.pop() for _ in texts][-1]
                value = self._folded(last.span, operators.checked("".join([value, *texts])))
            else:
                value = self._combined(chain.pop(), value)
        return value

    def _texts(self, chain: list[ir.Binary]) -> list[str]:
        """The texts that the next links of a sum add, which are written down as they are."""
        found: list[str] = []
        for one in reversed(chain):
            right = one.right
            joins = one.op == "concat" or (one.op == "+" and self.language != "php")
            if not joins or type(right) is not ir.Const or type(right.value) is not str:
                break
            if f"operator {one.op}" in self.dialect.functions:
                break
            found.append(right.value)
        return found

    def _operand(self, node: ir.Node) -> Value:
        """An operand; in most languages a variable that was never set is empty."""
        value = self.value(node)
        if type(node) is ir.Name and isinstance(value, Thing) and value.path == node.name and not value.origins:  # noqa: SIM102
            if self.language == "vbscript" or (self.language in {"powershell", "php"} and node.name.startswith("$")):
                return None
        return value

    def _combined(self, node: ir.Binary, left: Value) -> Value:
        if node.op in {"&&", "||", "??"}:
            right = self.value(node.right)
            held = operators.truth(left)
            if held is None:
                return right if isinstance(left, Thing) and not isinstance(right, Thing) and node.op != "&&" else left
            return right if held is (node.op == "&&") else left
        right = self._operand(node.right)
        made = self.dialect.functions.get(f"operator {node.op}")
        value = made(self, [left, right], {}) if made else operators.binary(node.op, left, right, self.language)
        return self._folded(node.span, operators.checked(value))

    def _unary(self, node: ir.Unary) -> Value:
        return operators.unary(node.op, self.value(node.operand), self.language)

    def _items(self, node: ir.Items) -> Value:
        return [self.value(one) for one in node.items]

    def _table(self, node: ir.Table) -> Value:
        made: dict[str | int, Value] = {}
        for key, value in node.pairs:
            name = self.value(key)
            if isinstance(name, str | int):
                made[name] = self.value(value)
            else:
                self.value(value)
        return made

    def _function(self, node: ir.Function) -> Value:
        made = Closure(node.params, node.body, {}, self.scopes, node.name)
        if id(node) not in self._met:  # walked once, however often it is made
            self._met.add(id(node))
            self._closures.append(made)
        if node.runs:
            self._walk(made)
        return made

    def _cond(self, node: ir.Cond) -> Value:
        held = operators.truth(self.value(node.test))
        if held is None:
            one, other = self.value(node.then), self.value(node.other)
            return one if not isinstance(one, Thing) else other
        return self.value(node.then if held else node.other)

    def _each(self, node: ir.Each) -> Value:
        over = self.value(node.over)
        made: list[Value] = []
        scope: dict[str, Value] = {}
        kept, self.scopes = self.scopes, (*self.scopes, scope)
        self._turning += 1
        try:
            for item in self.items(over)[:MOST_TURNS]:
                for name in node.names:
                    scope.setdefault(name, UNKNOWN)
                self._bind(node.names, item)
                if node.test is not None and operators.truth(self.value(node.test)) is False:
                    continue
                made.append(self.value(node.body))
                if self.fuel <= 0:
                    break
        finally:
            self.scopes = kept
            self._turning -= 1
        return made if isinstance(over, list | str | bytes | dict) else Thing("", origins(over) | origins(made))

    def _assign(self, node: ir.Assign) -> Value:
        value = self.value(node.value)
        if isinstance(value, Closure) and not value.name and isinstance(node.target, ir.Name):
            value.name = node.target.name
        if node.op:
            before = self.value(node.target)
            if isinstance(before, Thing) and isinstance(node.target, ir.Name) and before.path == node.target.name:
                before = "" if isinstance(value, str) else 0 if isinstance(value, int) else before  # not set before
            value = self._combined(ir.Binary(node.op, node.target, ir.Const(value), node.span), before)
            if node.old:
                self._put(node.target, value)
                return before
        self._put(node.target, value)
        return value

    def _put(self, target: ir.Node, value: Value) -> None:
        if isinstance(target, ir.Name):
            self.assign(target.name, value)
        elif isinstance(target, ir.Items):
            for place, one in enumerate(target.items):
                self._put(
                    one, operators.item(value, place, self.language) if isinstance(value, list) else self.of(value, one)
                )
        elif isinstance(target, ir.Member):
            self._put_member(target, value)

    def of(self, value: Value, name: ir.Node) -> Value:
        """The member of a value that is taken apart into names: `{exec} = require(...)`."""
        return (
            self.member(value, name.name) if isinstance(name, ir.Name) and isinstance(value, Thing | dict) else UNKNOWN
        )

    def _put_member(self, target: ir.Member, value: Value) -> None:
        owner, key = self.value(target.of), self.value(target.name)
        if isinstance(owner, dict) and isinstance(key, str | int):
            owner[key] = value
        elif isinstance(owner, list) and isinstance(key, int):
            if 0 <= key < len(owner):
                owner[key] = value
            elif key == len(owner) < MOST_TURNS:
                owner.append(value)
        elif isinstance(owner, Thing):
            path = self._path(owner, operators.to_text(key))
            self._record(f"{path} =".lower(), [value], {}, target.span)
            if not owner.path.endswith("()"):
                self.assign(path.lower(), value)

    def _member(self, node: ir.Member) -> Value:
        return self.member(self.value(node.of), self.value(node.name))

    def member(self, owner: Value, key: Value) -> Value:
        """`owner.key` or `owner[key]`."""
        if isinstance(owner, Thing):
            path = self._path(owner, operators.to_text(key, self.language))
            for scope in reversed(self.scopes):
                if path.lower() in scope:
                    return scope[path.lower()]
            constant = self.dialect.functions.get(f"constant {path.lower()}")
            if constant:
                return constant(self, [owner], {})
            return Thing(path, owner.origins | self._origin(path))
        if isinstance(key, str) and not (isinstance(owner, dict) and key in owner):
            if key.lower() in {"length", "count"} and isinstance(owner, str | list | bytes):
                return len(owner)
            method = self.dialect.methods.get(f"get {key.lower()}")
            if method:
                return method(self, owner, [], {})
        return operators.item(owner, key, self.language)

    def _path(self, owner: Thing, key: str) -> str:
        base = owner.path
        for prefix in ("window", "globalthis", "self", "this", "global", "top", "parent", "frames"):
            if self.language == "javascript" and base.lower() == prefix:
                return key
        return f"{base}.{key}" if base else f"?.{key}"

    def _slice(self, node: ir.Slice) -> Value:
        of, start, stop, step = (self.value(one) for one in (node.of, node.start, node.stop, node.step))
        return operators.piece(of, start, stop, step)

    def _output(self, node: ir.Output) -> Value:
        kept, self._out = self._out, []
        try:
            self.execute(node.body)
            out = self._out
        finally:
            self._out = kept
        if len(out) == 1:
            return out[0]
        if self.language == "powershell":
            return out or None
        return operators.joined(out, "\n", self.language)

    # -- calls ------------------------------------------------------------------------------------------------------

    def _call(self, node: ir.Call) -> Value:
        callee = node.callee
        self._hidden = False
        if isinstance(callee, ir.Member):
            owner = self.value(callee.of)
            key = self.value(callee.name)
            args, named = self._arguments(node)
            self._hidden = (
                isinstance(callee.name, ir.Binary | ir.Call | ir.Join) and isinstance(key, str) and HOLE not in key
            )
            if not isinstance(owner, Thing) and isinstance(key, str):
                return self._folded(node.span, self._method(owner, key, args, named, node))
            called = self.member(owner, key)
        else:
            called = self.value(callee)
            args, named = self._arguments(node)
            self._hidden = isinstance(called, str) and self.language == "php"
        return self._folded(node.span, self.call(called, args, named, node.span))

    def _arguments(self, node: ir.Call) -> tuple[list[Value], dict[str, Value]]:
        return [self.value(one) for one in node.args], {name: self.value(one) for name, one in node.named.items()}

    def _method(self, owner: Value, key: str, args: list[Value], named: Mapping[str, Value], node: ir.Call) -> Value:
        if isinstance(owner, Closure):
            if key in {"call", "invoke"}:
                return self.call(owner, args[1:] if key == "call" else args, named, node.span)
            if key == "apply":
                return self.call(
                    owner, args[1] if len(args) > 1 and isinstance(args[1], list) else [], named, node.span
                )
            return UNKNOWN
        if isinstance(owner, dict) and key in owner:
            return self.call(owner[key], args, named, node.span)
        method = self.dialect.methods.get(key.lower())
        if method is None:
            self._record(f"?.{key}".lower(), [owner, *args], named, node.span)
            return Thing("", origins(owner))
        return method(self, owner, args, named)

    def call(self, called: Value, args: list[Value], named: Mapping[str, Value], span: ir.Span) -> Value:
        """Calls a value: a function of the script is entered, a pure one computed, anything else written down."""
        if isinstance(called, Closure):
            return self.enter(called, args)
        if isinstance(called, Text | str) and self.language == "php":
            called = Thing(called, origins(called))
        if isinstance(called, list | dict) and args and self.language == "vbscript":
            return operators.item(called, args[0], self.language)
        if not isinstance(called, Thing):
            return UNKNOWN
        name = called.path.lower().removesuffix(".call").removesuffix(".apply")
        if name != called.path.lower() and args:
            args = args[1] if called.path.lower().endswith(".apply") and isinstance(args[-1], list) else args[1:]
        self._record(name, args, named, span)
        pure = self._pure(name)
        if pure is not None:
            try:
                return operators.checked(pure(self, args, named))
            except FAILURES:
                return Thing(f"{name}()", origins(args) | origins(called))
        return Thing(f"{name}()", self._origin(f"{name}()") | origins(args) | called.origins)

    def _pure(self, name: str) -> Pure | None:
        found = self.dialect.functions.get(name)
        if found is None and name.startswith("system."):
            found = self.dialect.functions.get(name[7:])
        return found

    def enter(self, closure: Closure, args: list[Value]) -> Value:
        """Calls a function of the script, if there is fuel for it and something is known of what it is given."""
        if self._entered >= _DEEPEST_CALL or self.fuel <= 0 or closure.active or closure.useless > _MOST_USELESS:
            return Thing("", origins(args))
        if (
            args
            and not any(not isinstance(one, Thing) or one.origins - {"argument"} for one in args)
            and closure.walked
        ):
            return UNKNOWN
        closure.walked = closure.active = True
        try:
            value = self._inside(closure, args)
        finally:
            closure.active = False
        closure.useless += value is None or isinstance(value, Thing)
        return value

    def _inside(self, closure: Closure, args: list[Value]) -> Value:
        scope: dict[str, Value] = dict.fromkeys(closure.params)
        scope.update(zip(closure.params, args, strict=False))
        scope["arguments"] = args
        if self.language == "vbscript":
            scope.setdefault(closure.name)  # what is assigned to the function's name is what it gives back
        kept, self.scopes = self.scopes, (*closure.outer, scope)
        where, self._where = self._where, self._where
        out, self._out = self._out, []
        self._entered += 1
        try:
            self.execute(closure.body)
            written = self._out
        except _Give as give:
            return give.value
        except _Leave:
            return None
        finally:
            self._entered -= 1
            self.scopes, self._where, self._out = kept, where, out
        if self.language in {"powershell", "shell"} and written:
            return (
                written[0]
                if len(written) == 1
                else written
                if self.language == "powershell"
                else operators.joined(written, "\n")
            )
        if self.language == "vbscript" and closure.name in scope:
            return scope[closure.name]
        return None

    def _record(  # noqa: PLR0917
        self, name: str, args: list[Value], named: Mapping[str, Value], span: ir.Span,
        piped: Value = None, targets: tuple[tuple[str, Value], ...] = (),
    ) -> None:  # fmt: skip
        if len(self.calls) >= MOST_CALLS:
            return
        shape = (name, tuple(_brief(one) for one in args[:8]), span)
        if shape in self._seen:
            return
        self._seen.add(shape)
        self.calls.append(Made(name, tuple(args), dict(named), piped, targets, span, self._where, self._hidden))
        self._hidden = False

    # -- shells -----------------------------------------------------------------------------------------------------

    def _command(self, node: ir.Command) -> Value:
        words = [self.value(word) for word in node.words]
        targets = tuple((how, self.value(where)) for how, where in node.targets)
        piped = self._piped
        given = [value for how, value in targets if how in {"<<<", "<<"}]
        if given:
            piped = given[0]
        self._piped = None
        if words and isinstance(words[0], Closure):
            return self.enter(words[0], words[1:])
        if not words:
            return None
        name = operators.to_text(words[0], self.language)
        function = self.look_up(name.lower() if self.dialect.folds_case else name)
        if isinstance(function, Closure):
            return self._entered_function(function, words)
        args = words[1:]
        self._hidden = type(node.words[0]) is not ir.Const and isinstance(words[0], str) and HOLE not in name
        self._record(name.lower() if HOLE not in name else name, args, {}, node.span, piped, targets)
        if self.dialect.command is None:
            return UNKNOWN
        value = self.dialect.command(self, name.lower(), args, piped)
        return None if any(how in {">", ">>", "&>", ">&"} for how, _ in targets) else value

    def _entered_function(self, function: Closure, words: list[Value]) -> Value:
        args = [
            one
            for one in words[1:]
            if not (isinstance(one, str) and one.startswith("-") and self.language == "powershell")
        ]
        if self.language == "shell":
            kept, self.scopes = self.scopes, (*self.scopes, {str(place): one for place, one in enumerate(words)})
            try:
                outer, function.outer = function.outer, self.scopes
                return self.enter(function, [])
            finally:
                function.outer = outer
                self.scopes = kept
        return self.enter(function, args)

    def _pipe(self, node: ir.Pipe) -> Value:
        value: Value = None
        for place, stage in enumerate(node.stages):
            if isinstance(stage, ir.Command):
                self._piped = value if place else self._piped
                value = self.value(stage)
            elif place and isinstance(stage, ir.Block | ir.If | ir.Loop | ir.ForEach):
                self._piped = value
                value = self.value(ir.Output(stage))
            else:
                value = self.value(stage)
        self._piped = None
        return value

    # -- what was folded ----------------------------------------------------------------------------------------------

    def _folded(self, span: ir.Span, value: Value) -> Value:
        if isinstance(value, str) and len(value) >= _SHORTEST_FOLD and span[1] > span[0] and HOLE not in value:
            if span in self.folds and self.folds[span] != value:
                self.folds[span] = None  # another one each time
            elif span not in self.folds and len(self.folds) < MOST_TURNS and self._folded_text < MOST_FOLDED:
                self.folds[span] = value
                self._folded_text += len(value)
        return value

    _EXPRESSIONS: Mapping[type[ir.Node], Callable[..., Value]] = {
        ir.Join: _join, ir.Binary: _binary, ir.Unary: _unary, ir.Items: _items, ir.Table: _table,
        ir.Function: _function, ir.Cond: _cond, ir.Each: _each, ir.Assign: _assign, ir.Member: _member,
        ir.Slice: _slice, ir.Output: _output, ir.Call: _call, ir.Command: _command, ir.Pipe: _pipe,
    }  # fmt: skip


def _brief(value: Value) -> str:
    """Enough of an argument to tell two calls apart."""
    if isinstance(value, str):
        return value[:80]
    if isinstance(value, Thing):
        return value.path[:80]
    return str(value) if isinstance(value, int) and -1e9 < value < 1e9 else type(value).__name__


__all__ = ["UNKNOWN", "Closure", "Dialect", "Machine", "Made", "Text", "known"]
