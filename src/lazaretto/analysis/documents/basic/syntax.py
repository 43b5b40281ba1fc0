"""From tokens to procedures. What cannot be understood is left out, one statement at a time.

`scripting/vbscript.py` reads nearly the same language, into the tree that all script languages there share; this one
keeps types, declarations and places in the source, without which modules could not be rewritten: so there are two.
"""

from __future__ import annotations

from collections.abc import Sequence

from lazaretto.analysis.documents.basic.lexer import Token, tokens
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
    Omitted,
    Procedure,
    Program,
    Select,
    Spanned,
    Statement,
    Unary,
    With,
)

_DEEPEST = 60  # of nested expressions and blocks
_VISIBILITY = frozenset({"public", "private", "friend", "static", "global"})
_PROCEDURES = frozenset({"sub", "function", "property"})
_BLOCK_ENDS = frozenset({"end", "next", "loop", "wend", "else", "elseif", "case", "endif"})
_RANKS: tuple[frozenset[str], ...] = (
    frozenset({"imp"}), frozenset({"eqv"}), frozenset({"xor"}), frozenset({"or", "orelse"}),
    frozenset({"and", "andalso"}), frozenset({"not"}),
    frozenset({"=", "<", ">", "<=", ">=", "<>", "=<", "=>", "><", "like", "is"}), frozenset({"&"}),
    frozenset({"+", "-"}), frozenset({"mod"}), frozenset({"\\"}), frozenset({"*", "/"}),
)  # fmt: skip
_NOT_RANK = 5
_RANK_OF = {word: rank for rank, words in enumerate(_RANKS) for word in words if rank != _NOT_RANK}


class _NotUnderstoodError(Exception):
    """A statement that this grammar does not know."""


def read(modules: Sequence[tuple[str, str]]) -> Program:
    """The program that these modules (name and source) are together."""
    program = Program(source="\n".join(source for _, source in modules))
    for name, source in modules:
        _Reader(program, name, tokens(source)).module()
    return program


class _Reader:
    def __init__(self, program: Program, module: str, found: list[Token]) -> None:
        self._program = program
        self._module = module
        self._tokens = found
        self._at = 0
        self._depth = 0
        self._own: set[str] = set()

    # --- tokens ---

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _word(self, ahead: int = 0) -> str:
        """The name or operator there, else empty."""
        place = min(self._at + ahead, len(self._tokens) - 1)
        token = self._tokens[place]
        return token.text if token.kind in {"name", "op"} else ""

    def _is(self, *words: str) -> bool:
        return self._token.kind in {"name", "op"} and self._token.text in words

    def _take(self) -> Token:
        token = self._token
        if self._at < len(self._tokens) - 1:
            self._at += 1
        return token

    def _accept(self, *words: str) -> bool:
        if self._is(*words):
            self._take()
            return True
        return False

    def _expect(self, *words: str) -> None:
        if not self._accept(*words):
            raise _NotUnderstoodError

    def _at_end(self) -> bool:
        return self._token.kind == "end"

    def _over(self) -> bool:
        return self._at >= len(self._tokens) - 1

    def _skip_line(self) -> None:
        while not self._at_end():
            self._take()

    def _name(self) -> str:
        if self._token.kind != "name":
            raise _NotUnderstoodError
        return self._take().text

    # --- modules and procedures ---

    def module(self) -> None:
        level: list[Statement] = []
        while not self._over():
            if self._at_end():
                self._take()
            elif self._is("attribute", "option", "implements", "event", "deftype"):
                self._skip_line()
            elif not self._procedure() and not self._declaration():
                level += self._statement()
        self._program.level.append((self._module, tuple(level)))

    def _procedure(self) -> bool:
        ahead = 0
        while self._word(ahead) in _VISIBILITY:
            ahead += 1
        if self._word(ahead) not in _PROCEDURES:
            return False
        self._at += ahead
        kind = self._take().text
        if kind == "property" and self._is("get", "let", "set"):
            self._take()
        if self._token.kind != "name":
            self._skip_line()
            return True
        name = self._take().text
        parameters = self._parameters()
        self._skip_line()
        self._own = set(parameters)
        body = self._block(frozenset({"end"}))
        self._end_of(kind)
        self._program.names |= {name, *self._own}
        made = Procedure(name, self._module, parameters, body, frozenset(self._own))
        self._program.procedures.setdefault(name, made)
        self._program.procedures[f"{self._module.lower()}.{name}"] = made
        self._own = set()
        return True

    def _end_of(self, kind: str) -> None:
        if self._is("end"):
            self._take()
            self._accept(kind)
            self._skip_line()

    def _parameters(self) -> tuple[str, ...]:
        found: list[str] = []
        if not self._accept("("):
            return ()
        depth = 1
        fresh = True
        while not self._at_end() and depth:
            token = self._take()
            if token.text == "(" and token.kind == "op":
                depth += 1
            elif token.text == ")" and token.kind == "op":
                depth -= 1
            elif token.text == "," and token.kind == "op" and depth == 1:
                fresh = True
            elif fresh and token.kind == "name" and token.text not in {"byval", "byref", "optional", "paramarray"}:
                found.append(token.text)
                fresh = False
        return tuple(found)

    def _declaration(self) -> bool:
        """`Declare Function NAME Lib "LIBRARY" Alias "REAL NAME"`, types and enumerations."""
        ahead = 0
        while self._word(ahead) in _VISIBILITY:
            ahead += 1
        word = self._word(ahead)
        if word == "declare":
            self._at += ahead + 1
            self._accept("ptrsafe")
            self._accept("sub", "function")
            name = self._take().text
            strings = []
            while not self._at_end() and not self._is("("):
                token = self._take()
                if token.kind == "string":
                    strings.append(token.text)
            self._skip_line()
            self._program.declared[name] = (strings[0] if strings else "", strings[1] if len(strings) > 1 else name)
            return True
        if word in {"type", "enum"} and self._tokens[min(self._at + ahead + 1, len(self._tokens) - 1)].kind == "name":
            self._at += ahead
            while not self._over() and not (self._is("end") and self._word(1) == word):
                self._take()
            self._skip_line()
            return True
        return False

    # --- statements ---

    def _block(self, ends: frozenset[str]) -> tuple[Statement, ...]:
        """Statements until a line begins with one of these words, or a procedure ends."""
        found: list[Statement] = []
        self._depth += 1
        while not self._over():
            if self._at_end():
                self._take()
                continue
            if self._stops(ends):
                break
            found += self._statement()
        self._depth -= 1
        return tuple(found)

    def _stops(self, ends: frozenset[str]) -> bool:
        word = self._word()
        if word == "end":
            after = self._word(1)
            return after in _PROCEDURES or (("end " + after) in ends if after else False)
        return word in ends

    def _statement(self) -> list[Statement]:
        begin = self._at
        depth = self._depth
        try:
            if self._depth > _DEEPEST:
                raise _NotUnderstoodError
            return self._understood()
        except _NotUnderstoodError:
            self._depth = depth
            if self._at == begin:
                self._take()
            self._skip_line()
            return []

    def _understood(self) -> list[Statement]:  # noqa: PLR0911, PLR0912  a grammar is a list of cases
        word = self._word()
        if word in _VISIBILITY and word != "static":
            self._take()
            word = self._word()
        if word in {"dim", "redim", "static"} or (self._tokens[max(0, self._at - 1)].text in _VISIBILITY):
            if word == "const":
                return self._const()
            return self._dim()
        if word == "const":
            return self._const()
        if word == "if":
            return self._if()
        if word == "for":
            return self._for()
        if word in {"do", "while"}:
            return self._loop()
        if word == "select":
            return self._select()
        if word == "with":
            return self._with()
        if word == "exit":
            self._take()
            return [Exit(self._take().text)]
        if word in {"goto", "gosub", "resume", "on", "option", "attribute", "stop"}:
            self._skip_line()
            return []
        if word == "end" and self._word(1) == "":
            self._take()
            return [Exit("end")]
        if word in _BLOCK_ENDS and word != "end":
            self._skip_line()
            return []
        return self._simple()

    def _const(self) -> list[Statement]:
        self._expect("const")
        found: list[Statement] = []
        while True:
            name = self._name()
            if self._accept("as"):
                self._name()
            self._expect("=")
            self._own.add(name)
            self._program.names.add(name)
            found.append(Assign(Name(name), self._expression()))
            if not self._accept(","):
                return found

    def _dim(self) -> list[Statement]:
        again = self._is("redim")
        self._accept("dim", "redim", "static")
        keep = self._accept("preserve")
        names: list[tuple[str, tuple[Expression, ...] | None]] = []
        made: list[Statement] = []
        while not self._at_end():
            self._accept("withevents")
            name = self._name()
            self._own.add(name)
            self._program.names.add(name)
            bounds = self._bounds() if self._is("(") else None
            names.append((name, bounds))
            if self._accept("as"):
                if self._accept("new"):
                    made.append(Assign(Name(name), New(self._dotted())))
                else:
                    self._dotted()
                if self._accept("*"):
                    self._expression()
            if not self._accept(","):
                break
        return [Dim(tuple(names), keep=keep, again=again), *made]

    def _bounds(self) -> tuple[Expression, ...]:
        """Upper bounds; `LOW To HIGH` counts as HIGH."""
        self._expect("(")
        found: list[Expression] = []
        while not self._accept(")"):
            if self._at_end():
                raise _NotUnderstoodError
            found.append(self._expression())
            if self._accept("to"):
                found[-1] = self._expression()
            self._accept(",")
        return tuple(found)

    def _dotted(self) -> str:
        name = self._name()
        while self._accept("."):
            name += "." + self._name()
        return name

    def _if(self) -> list[Statement]:
        self._expect("if")
        branches = [(self._expression(), self._then())]
        if branches[0][1] is not None:
            return self._one_line_if(branches[0][0], branches[0][1])
        whole: list[tuple[Expression, tuple[Statement, ...]]] = []
        ends = frozenset({"else", "elseif", "end if", "endif"})
        whole.append((branches[0][0], self._block(ends)))
        otherwise: tuple[Statement, ...] = ()
        while self._accept("elseif"):
            condition = self._expression()
            self._accept("then")
            whole.append((condition, self._block(ends)))
        if self._accept("else"):
            # "Else If" in two words opens a block of its own
            otherwise = tuple(self._statement()) if self._is("if") else self._block(ends)
        if self._accept("end"):
            self._accept("if")
        else:
            self._accept("endif")
        return [If(tuple(whole), otherwise)]

    def _then(self) -> tuple[Statement, ...] | None:
        """The statements of an `If` on one line; None where a block follows."""
        self._accept("then")
        if self._at_end() and self._line_ends():
            return None
        return self._rest_of_line()

    def _line_ends(self) -> bool:
        token = self._token
        return token.end == token.start or token.text == "\n"

    def _rest_of_line(self) -> tuple[Statement, ...]:
        found: list[Statement] = []
        while not self._over() and not (self._at_end() and self._line_ends()) and not self._is("else"):
            if self._at_end():
                self._take()
                continue
            found += self._statement()
        return tuple(found)

    def _one_line_if(self, condition: Expression, then: tuple[Statement, ...]) -> list[Statement]:
        otherwise = self._rest_of_line() if self._accept("else") else ()
        return [If(((condition, then),), otherwise)]

    def _for(self) -> list[Statement]:
        self._expect("for")
        if self._accept("each"):
            name = self._name()
            self._own.add(name)
            self._expect("in")
            of = self._expression()
            body = self._block(frozenset({"next"}))
            self._next()
            return [Each(name, of, body)]
        name = self._name()
        self._own.add(name)
        if self._accept("as"):
            self._dotted()
        self._expect("=")
        begin = self._expression()
        self._expect("to")
        end = self._expression()
        step = self._expression() if self._accept("step") else None
        body = self._block(frozenset({"next"}))
        self._next()
        return [For(name, begin, end, step, body)]

    def _next(self) -> None:
        if self._accept("next"):
            self._skip_line()

    def _loop(self) -> list[Statement]:
        if self._accept("while"):
            condition = self._expression()
            body = self._block(frozenset({"wend"}))
            self._accept("wend")
            return [Loop(condition, until=False, after=False, body=body)]
        self._expect("do")
        before: Expression | None = None
        until = False
        if self._is("while", "until"):
            until = self._take().text == "until"
            before = self._expression()
        body = self._block(frozenset({"loop"}))
        self._accept("loop")
        if before is None and self._is("while", "until"):
            until = self._take().text == "until"
            return [Loop(self._expression(), until=until, after=True, body=body)]
        return [Loop(before, until=until, after=False, body=body)]

    def _select(self) -> list[Statement]:
        self._expect("select")
        self._expect("case")
        of = self._expression()
        ends = frozenset({"case", "end select"})
        self._block(ends)  # nothing may stand before the first case
        cases = []
        while self._accept("case"):
            tests: list[tuple[str, Expression, Expression | None]] = []
            if self._accept("else"):
                tests.append(("else", Omitted(), None))
            while not self._at_end() and tests[-1:] != [("else", Omitted(), None)]:
                tests.append(self._case())
                if not self._accept(","):
                    break
            cases.append((tuple(tests), self._block(ends)))
        if self._accept("end"):
            self._accept("select")
        return [Select(of, tuple(cases))]

    def _case(self) -> tuple[str, Expression, Expression | None]:
        self._accept("is")
        if self._is("=", "<", ">", "<=", ">=", "<>"):
            operator = self._take().text
            return operator, self._expression(), None
        low = self._expression()
        if self._accept("to"):
            return "to", low, self._expression()
        return "=", low, None

    def _with(self) -> list[Statement]:
        self._expect("with")
        of = self._expression()
        body = self._block(frozenset({"end with"}))
        if self._accept("end"):
            self._accept("with")
        return [With(of, body)]

    def _simple(self) -> list[Statement]:
        """An assignment or a call."""
        begin = self._at
        self._accept("let", "set", "lset", "rset")
        if self._accept("call"):
            return [Do(self._postfix())]
        if self._is("open", "print", "put", "write", "name") and self._word(1) not in {"=", ".", "("}:
            return self._of_files()
        target = self._postfix()
        if self._accept("="):
            if isinstance(target, Name):
                self._own.add(target.name)
                self._program.names.add(target.name)
            elif isinstance(target, Call) and isinstance(target.what, Name):
                self._own.add(target.what.name)
            return [Assign(target, self._expression())]
        if self._at_end():
            return [Do(target if isinstance(target, Call) else Call(target, ()))]
        if isinstance(target, Call):
            # "Shell (a) & b": what looked like arguments is the begin of the first one
            self._at = begin
            target = self._postfix(gaps=False)
        return [Do(Call(target, self._arguments()))]

    def _of_files(self) -> list[Statement]:
        """Open PATH For MODE As #N; Print #N, VALUES; Put #N, , VALUE; Name OLD As NEW: calls with these arguments."""
        word = self._take().text
        arguments: list[Expression] = []
        while not self._at_end():
            if self._accept("#", ",", ";", "as"):
                continue
            if self._accept("for"):
                arguments.append(Literal(self._take().text))
                while self._is("access", "read", "write", "shared", "lock"):
                    self._take()
                continue
            arguments.append(self._expression())
        return [Do(Call(Name(f"{word} statement"), tuple(arguments)))]

    # --- expressions ---

    def _arguments(self) -> tuple[Expression, ...]:
        """Up to the end of the line or a closing bracket; a name before := is left out."""
        found: list[Expression] = []
        while not self._at_end() and not self._is(")", "else"):
            if self._is(",", ";"):
                found.append(Omitted())
            else:
                if self._word(1) == ":=":
                    self._at += 2
                self._accept("byval")
                found.append(self._expression())
            if not self._accept(",", ";"):
                break
        return tuple(found)

    def _expression(self) -> Expression:
        start = self._token.start
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _NotUnderstoodError
        inner = self._ranked(0)
        self._depth -= 1
        return Spanned(inner, start, self._tokens[max(0, self._at - 1)].end)

    def _ranked(self, lowest: int) -> Expression:
        """An expression of operators that bind at least so strongly; few calls deep, for texts nest at will."""
        found = self._negated() if self._is("not") else self._power()
        while (rank := self._rank()) >= lowest:
            operands, operators = [found], []
            while self._rank() == rank:
                operators.append(self._take().text)
                operands.append(self._ranked(rank + 1))
            found = Chain(tuple(operands), tuple(operators))
        return found

    def _rank(self) -> int:
        """How strongly the operator binds that comes next; -1 if none does."""
        return _RANK_OF.get(self._token.text, -1) if self._token.kind in {"op", "name"} else -1

    def _negated(self) -> Expression:
        times = 0
        while self._accept("not"):
            times += 1
        found = self._ranked(_NOT_RANK + 1)
        for _ in range(min(times, 2 - times % 2)):
            found = Unary("not", found)
        return found

    def _power(self) -> Expression:
        signs: list[str] = []
        while self._is("-", "+") and len(signs) < 100:
            signs.append(self._take().text)
        operands = [self._postfix()]
        while self._accept("^"):
            negative = self._accept("-")
            operand = self._postfix()
            operands.append(Unary("-", operand) if negative else operand)
        found: Expression = operands[0]
        if len(operands) > 1:
            found = Chain(tuple(operands), ("^",) * (len(operands) - 1))
        for sign in reversed(signs):
            found = Unary(sign, found) if sign == "-" else found
        return found

    def _postfix(self, *, gaps: bool = True) -> Expression:
        """A name with what belongs to it. Without `gaps` a bracket behind a space does not belong to it."""
        found = self._primary()
        for _ in range(2_000):
            if self._accept("."):
                found = Member(found, self._name())
            elif self._is("!") and self._tokens[min(self._at + 1, len(self._tokens) - 1)].kind == "name":
                self._take()
                found = Call(found, (Literal(self._name()),))
            elif self._is("(") and (gaps or self._token.start == self._tokens[self._at - 1].end):
                self._take()
                arguments = self._arguments()
                self._expect(")")
                found = Call(found, arguments)
            else:
                return found
        raise _NotUnderstoodError

    def _primary(self) -> Expression:  # noqa: PLR0911  a grammar is a list of cases
        token = self._token
        if token.kind == "string":
            return Literal(self._take().text)
        if token.kind == "number":
            return Literal(number(self._take().text))
        if token.kind == "date":
            return Literal(self._take().text)
        if self._accept("("):
            inner = self._expression()
            self._expect(")")
            return inner
        if self._is("."):
            self._take()
            return Member(None, self._name())
        if self._is("#"):
            self._take()
            return self._primary()
        if token.kind != "name":
            raise _NotUnderstoodError
        if self._accept("new"):
            return New(self._dotted())
        if self._accept("addressof"):
            return Call(Name("addressof"), (Literal(self._dotted()),))
        if self._accept("typeof"):
            return self._postfix()
        if token.text in {"true", "false"}:
            return Literal(self._take().text == "true")
        return Name(self._take().text)


def number(text: str) -> int | float:
    """The value of a number as Basic writes it. &H and &O with up to four digits are 16 bits wide and signed."""
    plain = text.rstrip("%@!^&")
    if plain[:1] == "&":
        base = 16 if plain[1] in "hH" else 8
        value = int(plain[2:], base)
        if not text.endswith("&") and 0x8000 <= value <= 0xFFFF:
            return value - 0x10000
        return value - 0x1_0000_0000 if 0x8000_0000 <= value <= 0xFFFF_FFFF else value
    if plain.isdigit():
        return int(plain[:300])
    try:
        return float(plain.lower().replace("d", "e"))
    except ValueError:
        return 0
