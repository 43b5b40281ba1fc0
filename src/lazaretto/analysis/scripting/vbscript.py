"""VBScript (and what VBA has in common with it): reading and folding. The reader is our own: no parser of it is alive.

Lines are statements, a colon parts them, ` _` at the end joins the next line. Where something is not understood the rest
of the line is left out, and the next one is read. Macros of documents have a reader of their own
(`documents/basic/syntax.py`), since they need declarations and places in the source, and this tree is all languages'.
"""

# ruff: noqa: ARG001, ARG005, E501  a row of a table is one line; all functions of a table take the same

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from lazaretto.analysis.scripting import decoding, environment, ir, methods, operators
from lazaretto.analysis.scripting.interpreter import Dialect, Machine
from lazaretto.analysis.scripting.values import UNKNOWN, Text, Thing, Value, marked, origins

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\n]|"")*"?)|(?P<comment>'[^\n]*|\brem\b[^\n]*)|(?P<number>&h[0-9a-f]+&?|&o[0-7]+&?|\d+(?:\.\d+)?(?:e[+-]?\d+)?[%&!\#@]?)
    |(?P<date>\#[^#\n]{1,40}\#)|(?P<name>\[[^\]\n]*\]|[^\W\d]\w*[%$!@]?)|(?P<op><>|<=|>=|:=|[-+*/\\^&=<>().,!])|(?P<end>\n|:)|(?P<blank>[ \t\r]+|.)""",
    re.IGNORECASE | re.VERBOSE,
)
_BINARY: dict[str, tuple[int, str]] = {
    "imp": (1, "imp"), "eqv": (1, "=="), "xor": (2, "^"), "or": (3, "||"), "and": (4, "&&"), "=": (6, "=="), "<>": (6, "!="),
    "<": (6, "<"), ">": (6, ">"), "<=": (6, "<="), ">=": (6, ">="), "is": (6, "=="), "&": (7, "concat"), "+": (8, "+"),
    "-": (8, "-"), "mod": (9, "%"), "\\": (10, "\\"), "*": (11, "*"), "/": (11, "/"), "^": (12, "**"),
}  # fmt: skip
_DEEPEST = 60
_CLOSING = {"end", "next", "loop", "wend", "else", "elseif", "case"}


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def tokens(source: str) -> list[_Token]:
    """The tokens of a source, blanks and comments left out."""
    source = re.sub(r"[ \t]_[ \t]*\r?\n", " ", source)
    found = []
    for one in _TOKEN.finditer(source):
        kind = one.lastgroup or "blank"
        if kind not in {"blank", "comment"}:
            found.append(_Token(kind, one[0], one.start()))
    return found


class _Reader:
    def __init__(self, source: str) -> None:
        self.tokens = tokens(source)
        self.at = 0
        self._depth = 0
        self._with: list[ir.Node] = []

    # -- tokens -------------------------------------------------------------------------------------------------------

    def word(self, ahead: int = 0) -> str:
        """The token ahead in lower case; empty at the end. Texts come back with their quote."""
        place = self.at + ahead
        return self.tokens[place].text.lower() if place < len(self.tokens) else ""

    def kind(self, ahead: int = 0) -> str:
        place = self.at + ahead
        return self.tokens[place].kind if place < len(self.tokens) else "end"

    def take(self, *words: str) -> bool:
        if self.word() in words and self.kind() != "text":
            self.at += 1
            return True
        return False

    def skip_line(self) -> None:
        while self.kind() != "end" and self.at < len(self.tokens):
            self.at += 1

    @property
    def done(self) -> bool:
        return self.at >= len(self.tokens)

    # -- statements ---------------------------------------------------------------------------------------------------

    def program(self) -> ir.Node:
        body: list[ir.Node] = []
        while not self.done:
            before = self.at
            body += self.block()
            if self.at == before or (not self.done and self.word() in _CLOSING):
                self.at += 1
                self.skip_line()
        return ir.Block(
            sorted(body, key=lambda one: not (isinstance(one, ir.Assign) and isinstance(one.value, ir.Function)))
        )

    def block(self) -> list[ir.Node]:
        """Statements up to a word that closes a block, which is left."""
        body: list[ir.Node] = []
        self._depth += 1
        try:
            while not self.done and self._depth < _DEEPEST:
                if self.kind() == "end":
                    self.at += 1
                    continue
                if (
                    self.word() in _CLOSING
                    and self.kind() == "name"
                    and not (self.word() == "end" and self.kind(1) == "end")
                ):
                    break
                before = self.at
                body.append(self.statement())
                if self.kind() != "end" and self.word() not in _CLOSING:
                    self.skip_line()
                if self.at == before:
                    self.at += 1
        finally:
            self._depth -= 1
        return body

    def statement(self) -> ir.Node:
        word = self.word()
        reader = {
            "if": self._if, "for": self._for, "do": self._do, "while": self._while, "function": self._function,
            "sub": self._function, "select": self._select, "with": self._with_block, "class": self._class,
            "property": self._function,
        }.get(word)  # fmt: skip
        if word in {"public", "private", "default", "static"}:
            self.at += 1
            return (
                self.statement() if self.word() in {"sub", "function", "const", "default", "property"} else self._dim()
            )
        if word in {"dim", "redim", "on", "option", "erase", "randomize"}:
            return self._dim()
        if word == "exit":
            self.skip_line()
            return ir.Jump()
        if reader is not None and self.kind() == "name":
            self.at += 1
            return reader()
        self.take("set", "let", "const", "call")
        return self._simple()

    def _dim(self) -> ir.Node:
        self.skip_line()
        return ir.NOTHING

    def _simple(self) -> ir.Node:
        """An assignment or a call without brackets."""
        begin = self.at
        target = self.postfix()
        if self.take("="):
            return ir.Assign(target, "", self.expression(), self._span(begin))
        if self.kind() == "end" or self.word() in _CLOSING:
            return target if isinstance(target, ir.Call) else ir.Call(target, [], {}, self._span(begin))
        # `obj.Run (x) & y, 0`: what looked like the call's brackets were the first argument's.
        if isinstance(target, ir.Call) and target.args and (self.word() in {",", *_BINARY}):
            first: ir.Node = target.args[0]
            if self.word() != ",":
                first = self._binary(first, 0)
            args = [first]
            target = target.callee
            if self.take(","):
                args += self.arguments()
        else:
            args = self.arguments()
        return ir.Call(target, args, {}, self._span(begin))

    def _span(self, begin: int) -> ir.Span:
        end = self.tokens[min(self.at, len(self.tokens)) - 1]
        return self.tokens[begin].at, end.at + len(end.text)

    def arguments(self) -> list[ir.Node]:
        given: list[ir.Node] = []
        while self.kind() != "end" and self.word() != ")" and not self.done:
            if self.take(","):
                given.append(ir.NOTHING)
                continue
            before = self.at
            if self.kind() == "name" and self.word(1) == ":=":
                self.at += 2
            given.append(self.expression())
            if not self.take(",") or self.at == before:
                break
        return given

    def _if(self) -> ir.Node:
        test = self.expression()
        self.take("then")
        if self.kind() != "end":  # all on one line
            then = [self.statement()]
            while self.word() == ":" and not self.done and self.word(1) not in _CLOSING:
                self.at += 1
                if self.kind() == "end":
                    break
                then.append(self.statement())
            other = ir.Block([self.statement()]) if self.take("else") else None
            if self.word() == "end" and self.word(1) == "if":
                self.at += 2
            return ir.If(test, ir.Block(then), other)
        then = self.block()
        made = ir.If(test, ir.Block(then))
        if self.take("elseif"):
            made.other = self._if()
            return made
        if self.take("else"):
            made.other = ir.Block(self.block())
        self._end()
        return made

    def _end(self) -> None:
        if self.take("end"):
            self.take("if", "function", "sub", "with", "select", "class", "property")

    def _for(self) -> ir.Node:
        if self.take("each"):
            name = self.word()
            self.at += 1
            self.take("in")
            over = self.expression()
            body = ir.Block(self.block())
            self._next()
            return ir.ForEach([name], over, body)
        name = self.word()
        self.at += 1
        self.take("=")
        first = self.expression()
        self.take("to")
        last = self.expression()
        step: ir.Node = self.expression() if self.take("step") else ir.Const(1)
        body = ir.Block(self.block())
        self._next()
        down = isinstance(step, ir.Unary)
        loop = ir.Loop(
            ir.Binary(">=" if down else "<=", ir.Name(name), last), body, ir.Assign(ir.Name(name), "+", step)
        )
        return ir.Block([ir.Assign(ir.Name(name), "", first), loop])

    def _next(self) -> None:
        if self.take("next") and self.kind() == "name":
            self.at += 1

    def _do(self) -> ir.Node:
        test: ir.Node | None = None
        if self.word() in {"while", "until"}:
            test = self._test()
        body = ir.Block(self.block())
        self.take("loop")
        if self.word() in {"while", "until"}:
            return ir.Block([body, ir.Loop(self._test(), body)])
        return ir.Loop(test, body)

    def _test(self) -> ir.Node:
        until = self.word() == "until"
        self.at += 1
        test = self.expression()
        return ir.Unary("!", test) if until else test

    def _while(self) -> ir.Node:
        test = self.expression()
        body = ir.Block(self.block())
        self.take("wend")
        return ir.Loop(test, body)

    def _function(self) -> ir.Node:
        self.take("get", "let", "set")
        name = self.word()
        self.at += 1
        params = []
        if self.take("("):
            while self.word() != ")" and self.kind() != "end":
                if self.kind() == "name" and self.word() not in {"byval", "byref", "optional", "as"}:
                    params.append(self.word())
                self.at += 1
            self.take(")")
        self.skip_line() if self.word() == "as" else None
        body = ir.Block(self.block())
        self._end()
        return ir.Assign(ir.Name(name), "", ir.Function(params, body, name))

    def _select(self) -> ir.Node:
        self.take("case")
        parts: list[ir.Node] = [self.expression()]
        parts += self.block()
        while self.take("case"):
            if not self.take("else"):
                self.arguments()
            parts.append(ir.If(ir.Name("?case"), ir.Block(self.block())))
        self._end()
        return ir.Block(parts)

    def _with_block(self) -> ir.Node:
        self._with.append(self.expression())
        body = ir.Block(self.block())
        self._with.pop()
        self._end()
        return body

    def _class(self) -> ir.Node:
        self.skip_line()
        body = ir.Block(self.block())
        self._end()
        return body

    # -- expressions --------------------------------------------------------------------------------------------------

    def expression(self) -> ir.Node:
        self._depth += 1
        try:
            return self._binary(self._unary(), 0) if self._depth < _DEEPEST else ir.NOTHING
        finally:
            self._depth -= 1

    def _binary(self, left: ir.Node, least: int) -> ir.Node:
        begin = self.at
        while self.kind() in {"op", "name"} and (found := _BINARY.get(self.word())) and found[0] >= least:
            self.at += 1
            right = self._unary()
            while (after := _BINARY.get(self.word())) and self.kind() != "text" and after[0] > found[0]:
                right = self._binary(right, after[0])
            left = ir.Binary(found[1], left, right, self._span(max(0, begin - 1)))
        return left

    def _unary(self) -> ir.Node:
        self._depth += 1
        try:
            if self._depth >= _DEEPEST:
                return ir.NOTHING
            if self.take("-"):
                return ir.Unary("-", self._unary())
            if self.take("+"):
                return self._unary()
            if self.take("not"):
                return ir.Unary("!", self._binary(self._unary(), 6))
            self.take("new")
            return self.postfix()
        finally:
            self._depth -= 1

    def postfix(self) -> ir.Node:
        """A value with members and brackets behind it."""
        begin = self.at
        made = self._primary()
        while not self.done:
            if self.word() == "." and self.kind() == "op" and self.kind(1) in {"name", "number"}:
                self.at += 1
                made = ir.Member(made, ir.Const(self.word()), self._span(begin))
                self.at += 1
            elif self.word() == "(" and isinstance(made, ir.Name | ir.Member | ir.Call):
                self.at += 1
                given = self.arguments()
                self.take(")")
                made = ir.Call(made, given, {}, self._span(begin))
            else:
                break
        return made

    def _primary(self) -> ir.Node:
        kind, word = self.kind(), self.word()
        if kind == "text":
            text = self.tokens[self.at].text
            self.at += 1
            return ir.Const(text[1:].removesuffix('"').replace('""', '"'))
        if kind == "number":
            self.at += 1
            return ir.Const(_number(word))
        if self.take("("):
            made = self.expression()
            self.take(")")
            return ir.Items([made]) if False else made
        if word == "." and self._with:
            return self._with[-1]
        if kind == "name":
            self.at += 1
            return ir.Const(_CONSTANTS[word]) if word in _CONSTANTS else ir.Name(word.strip("[]").rstrip("$%!@"))
        if kind != "end":
            self.at += 1
        return ir.NOTHING


def _number(word: str) -> int | float | None:
    if word.startswith("&h"):
        return int(word[2:].rstrip("&"), 16)
    if word.startswith("&o"):
        return int(word[2:].rstrip("&"), 8)
    return operators.number(word.rstrip("%&!#@").lstrip("0") or "0")


_CONSTANTS: dict[str, Value] = {
    "true": True, "false": False, "nothing": None, "null": None, "empty": "", "vbcrlf": "\r\n", "vbnewline": "\r\n",
    "vblf": "\n", "vbcr": "\r", "vbtab": "\t", "vbnullstring": "", "vbhide": 0,
}  # fmt: skip


def read(source: bytes) -> ir.Node:
    """A VBScript source as statements."""
    return _Reader(source.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")).program()


Named = Mapping[str, Value]


def _object(machine: Machine, args: list[Value], named: Named) -> Value:
    name = operators.to_text(args[0]).lower()
    return Thing(re.sub(r"\.\d$", "", name) if not name.startswith("winmgmts") else "winmgmts:", origins(args))


def _execute(machine: Machine, args: list[Value], named: Named) -> Value:
    return UNKNOWN


def _mid(machine: Machine, args: list[Value], named: Named) -> Value:
    start = int(operators.number(args[1]) or 1) - 1
    return operators.piece(
        args[0], max(0, start), max(0, start) + int(args[2]) if len(args) > 2 and args[2] is not None else None, None
    )


def _joined(machine: Machine, args: list[Value], named: Named) -> Value:
    return (
        operators.joined(args[0], operators.to_text(args[1]) if len(args) > 1 else " ")
        if isinstance(args[0], list)
        else Thing("", origins(args))
    )


def _split(machine: Machine, args: list[Value], named: Named) -> Value:
    by = args[1] if len(args) > 1 else " "
    return (
        [marked(one, *origins(args[0])) for one in args[0].split(by)]
        if by and isinstance(by, str)
        else Thing("", origins(args))
    )


def _code(machine: Machine, args: list[Value], named: Named) -> Value:
    return ord(args[0][0])


def _int(machine: Machine, args: list[Value], named: Named) -> Value:
    value = args[0]
    if isinstance(value, str) and value.lower().startswith("&h"):
        return int(value[2:].rstrip("&"), 16)
    found = operators.number(value)
    return UNKNOWN if found is None else round(found)


def _hex(machine: Machine, args: list[Value], named: Named) -> Value:
    return format(int(args[0]) & 0xFFFFFFFF, "X")


def _instr(machine: Machine, args: list[Value], named: Named) -> Value:
    texts = [one for one in args if isinstance(one, str)]
    return texts[0].lower().find(texts[1].lower()) + 1


def _filtered(machine: Machine, args: list[Value], named: Named) -> Value:
    return [one for one in args[0] if operators.to_text(args[1]) in one]


def _expand(machine: Machine, args: list[Value], named: Named) -> Value:
    return marked(environment.expanded(args[0]), *origins(args[0])) if isinstance(args[0], str) else UNKNOWN


def _environ(machine: Machine, args: list[Value], named: Named) -> Value:
    return environment.WINDOWS.get(operators.to_text(args[0]).lower(), "\ue000")


def _special(machine: Machine, args: list[Value], named: Named) -> Value:
    return {
        0: environment.WINDOWS["windir"],
        1: environment.WINDOWS["windir"] + r"\System32",
        2: environment.WINDOWS["temp"],
    }.get(args[0], UNKNOWN)


def _folder(machine: Machine, args: list[Value], named: Named) -> Value:
    places = {"startup": environment.WINDOWS["appdata"] + r"\Microsoft\Windows\Start Menu\Programs\Startup", "appdata": environment.WINDOWS["appdata"],
              "desktop": environment.WINDOWS["userprofile"] + r"\Desktop", "mydocuments": environment.WINDOWS["userprofile"] + r"\Documents"}  # fmt: skip
    return places.get(operators.to_text(args[0]).lower(), UNKNOWN)


def _first(change: Any) -> Any:
    return lambda m, a, n: marked(change(a[0]), *origins(a[0])) if isinstance(a[0], str) else Thing("", origins(a))


_NET = ("msxml2.xmlhttp", "microsoft.xmlhttp", "msxml2.serverxmlhttp", "winhttp.winhttprequest.5.1", "winhttp.winhttprequest.5",
        "msxml2.xmlhttp.6.0", "msxml2.serverxmlhttp.6.0", "msxml2.xmlhttp.3.0")  # fmt: skip
_FUNCTIONS: dict[str, Any] = {
    "createobject": _object, "getobject": _object, "wscript.createobject": _object, "chr": lambda m, a, n: decoding.characters([_int(m, a, n)]),
    "chrw": lambda m, a, n: decoding.characters([_int(m, a, n)]), "chrb": lambda m, a, n: decoding.characters([_int(m, a, n)]),
    "asc": _code, "ascw": _code, "strreverse": lambda m, a, n: decoding.reversed_text(a[0]), "replace": lambda m, a, n: methods.substituted(a[0], a[1], a[2]),
    "mid": _mid, "midb": _mid, "left": lambda m, a, n: operators.piece(a[0], 0, int(a[1]), None), "right": lambda m, a, n: operators.piece(a[0], max(0, len(a[0]) - int(a[1])), None, None),
    "len": lambda m, a, n: len(a[0]), "ubound": lambda m, a, n: len(a[0]) - 1, "lbound": lambda m, a, n: 0, "array": lambda m, a, n: list(a),
    "split": _split, "join": _joined, "ucase": _first(str.upper), "lcase": _first(str.lower), "trim": _first(str.strip), "ltrim": _first(str.lstrip),
    "rtrim": _first(str.rstrip), "cstr": lambda m, a, n: operators.to_text(a[0], "vbscript"), "cint": _int, "clng": _int, "cbyte": _int, "cdbl": _int, "int": _int,
    "val": _int, "hex": _hex, "space": lambda m, a, n: " " * min(int(a[0]), 10_000), "string": lambda m, a, n: (a[1] if isinstance(a[1], str) else chr(a[1])) * min(int(a[0]), 10_000),
    "instr": _instr, "filter": _filtered, "unescape": lambda m, a, n: decoding.url_decoded(a[0]), "abs": lambda m, a, n: abs(a[0]), "sgn": lambda m, a, n: (a[0] > 0) - (a[0] < 0),
    "operator ^": lambda m, a, n: marked(operators.binary("^", a[0], a[1], ""), "xor"), "eval": _execute, "execute": _execute, "executeglobal": _execute,
    "wscript.shell.expandenvironmentstrings": _expand, "environ": _environ, "scripting.filesystemobject.getspecialfolder": _special,
    "wscript.shell.specialfolders": _folder, "scripting.filesystemobject.buildpath": lambda m, a, n: operators.joined(a, "\\"),
    "constant wscript.scriptfullname": lambda m, a, n: Text(r"C:\Users\user\Downloads\sample.vbs", {"self"}),
    "constant wscript.scriptname": lambda m, a, n: Text("sample.vbs", {"self"}), "iif": lambda m, a, n: a[1] if a[0] else a[2],
}  # fmt: skip

DIALECT = Dialect(
    name="vbscript",
    functions=_FUNCTIONS,
    methods=methods.COMMON,
    sources={f"{name}.{what}": "net" for name in _NET for what in ("responsetext", "responsebody", "responsestream")},
    folds_case=True,
)

_CODED = bytes.maketrans(b"", b"")
