"""PowerShell: reading and folding."""

# ruff: noqa: ARG001, ARG005, E501  a row of a table is one line; all functions of a table take the same

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import tree_sitter

from lazaretto.analysis.scripting import decoding, environment, ir, methods, operators
from lazaretto.analysis.scripting.interpreter import Closure, Dialect, Machine
from lazaretto.analysis.scripting.lowering import Handler, Lowering, parser, span
from lazaretto.analysis.scripting.values import HOLE, UNKNOWN, Blob, Text, Thing, Value, marked, origins

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b"}
_OPERATORS = {
    "-bxor": "^", "-band": "&", "-bor": "|", "-shl": "<<", "-shr": ">>", "-eq": "==", "-ne": "!=", "-gt": ">",
    "-lt": "<", "-ge": ">=", "-le": "<=", "-and": "&&", "-or": "||", "-f": "-f", "-ceq": "==", "-ieq": "==",
    "-creplace": "-replace", "-ireplace": "-replace", "-csplit": "-split", "-isplit": "-split",
}  # fmt: skip


def unticked(text: str) -> str:
    """A bare word or the inside of a double-quoted string without its backticks."""
    return re.sub(r"`(.)", lambda m: _ESCAPES.get(m[1], m[1]), text, flags=re.DOTALL) if "`" in text else text


def _bare(text: str) -> str:
    """A command's name or bare argument: backticks mean nothing there, quotes inside a word fall away."""
    return re.sub(r"[`]|(?<=\w)['\"]{2}(?=\w)", "", text).strip("'\"")


class _Reader(Lowering):
    def lower(self, node: tree_sitter.Node | None) -> ir.Node:
        # The grammar wraps every expression in a dozen levels of precedence with a single child each.
        while node is not None and node.type in _LEVELS and node.child_count == 1:
            node = node.children[0]
        return super().lower(node)

    def verbatim(self, node: tree_sitter.Node) -> ir.Node:
        text = self.text(node)
        if text.startswith("@"):
            return ir.Const(re.sub(r"^@'\r?\n|\r?\n'@$", "", text))
        return ir.Const(text[1:-1].replace("''", "'"))

    def expandable(self, node: tree_sitter.Node) -> ir.Node:
        here = self.text(node).startswith("@")
        begin, end = node.start_byte + (2 if here else 1), node.end_byte - (2 if here else 1)
        parts: list[ir.Node] = []
        at = begin
        for child in node.named_children:
            if child.type not in {"variable", "sub_expression"}:
                continue
            parts += self._literal(at, child.start_byte)
            parts.append(self.lower(child))
            at = child.end_byte
        parts += self._literal(at, end)
        if all(isinstance(part, ir.Const) for part in parts):
            return ir.Const("".join(str(part.value) for part in parts if isinstance(part, ir.Const)))
        return ir.Join(parts, span(node))

    def _literal(self, begin: int, end: int) -> list[ir.Node]:
        text = self.source[begin:end].decode("utf-8", "replace")
        return [ir.Const(unticked(text.replace('""', '"')))] if text else []

    def number(self, node: tree_sitter.Node) -> ir.Node:
        text = self.text(node).lower().rstrip("l")
        scale = {"kb": 10, "mb": 20, "gb": 30}.get(text[-2:], 0) if not text.startswith("0x") else 0
        found = operators.number(text[:-2] if scale else text)
        return ir.Const(int(found) << scale if found is not None and scale else found)

    def variable(self, node: tree_sitter.Node) -> ir.Node:
        name = self.text(node).lower().replace("${", "$").rstrip("}").replace("`", "")
        for scope in ("global:", "script:", "local:", "variable:"):
            name = name.replace(f"${scope}", "$", 1)
        return ir.Const(_CONSTANTS[name]) if name in _CONSTANTS else ir.Name(name)

    def operation(self, node: tree_sitter.Node) -> ir.Node:
        """Operands with operators between, however many."""
        made: ir.Node | None = None
        op = ""
        for child in node.children:
            is_operator = child.type.endswith("operator") or (not child.is_named and made is not None)
            if made is None:
                made = self.lower(child)
            elif is_operator:
                text = self.text(child).lower()
                op = _OPERATORS.get(text, text)
            elif op == "," and isinstance(made, ir.Items):
                made.items.append(self.lower(child))
            elif op == ",":
                made = ir.Items([made, self.lower(child)])
            else:
                made = ir.Binary(op, made, self.lower(child), (node.start_byte, child.end_byte))
        return made or ir.NOTHING

    def unary(self, node: tree_sitter.Node) -> ir.Node:
        op = node.children[0] if node.children else None
        operand = self.lower(node.children[-1]) if node.children else ir.NOTHING
        text = self.text(op).lower() if op is not None and op.type != "cast_expression" else ""
        if text in {"++", "--"} or self.text(node.children[-1] if node.children else None) in {"++", "--"}:
            return ir.Assign(self.lower(node.named_children[0]), "+" if "+" in self.text(node) else "-", ir.Const(1))
        if op is None or text == "" or node.child_count == 1:
            return operand
        if text in {"-join", "-split"}:
            return ir.Binary(text, operand, ir.Const("" if text == "-join" else " "), span(node))
        if text == ",":
            return operand
        return ir.Unary({"-not": "!", "-bnot": "~"}.get(text, text), operand)

    def step(self, node: tree_sitter.Node) -> ir.Node:
        of = self.lower(node.named_children[0]) if node.named_children else ir.NOTHING
        return ir.Assign(of, "+" if "+" in self.text(node) else "-", ir.Const(1))

    def cast(self, node: tree_sitter.Node) -> ir.Node:
        kind = node.named_children[0]
        return ir.Call(ir.Const(Thing(_type(self.text(kind)))), [self.lower(node.named_children[-1])], {}, span(node))

    def type_literal(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Const(Thing(_type(self.text(node))))

    def _name(self, node: tree_sitter.Node) -> ir.Node:
        inner = node.named_children[0] if node.named_children else node
        if inner.type == "simple_name" or not inner.is_named:
            return ir.Const(_bare(self.text(node)))
        lowered = self.lower(inner)
        return lowered if not isinstance(lowered, ir.Block) else ir.Const(_bare(self.text(node)))

    def member(self, node: tree_sitter.Node) -> ir.Node:
        names = [one for one in node.named_children if one.type == "member_name"]
        name = self._name(names[-1]) if names else self.lower(node.named_children[-1])
        return ir.Member(self.lower(node.named_children[0]), name, span(node))

    def invocation(self, node: tree_sitter.Node) -> ir.Node:
        inside = node.named_children
        arguments = next((one for one in inside if one.type == "argument_list"), None)
        names = [one for one in inside if one.type == "member_name"]
        owner = self.lower(inside[0])
        callee = ir.Member(owner, self._name(names[-1]), span(node)) if names else owner
        return ir.Call(callee, self._arguments(arguments), {}, span(node))

    def _arguments(self, node: tree_sitter.Node | None) -> list[ir.Node]:
        if node is None:
            return []
        given: list[ir.Node] = []
        for listed in node.named_children:
            if listed.type == "argument_expression_list":
                given += self.all(listed.named_children)
            else:
                given.append(self.lower(listed))
        return given

    def element(self, node: tree_sitter.Node) -> ir.Node:
        inside = self.all(node.named_children)
        return ir.Member(inside[0], inside[-1], span(node))

    def collected(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Output(self.children(node))

    def listed(self, node: tree_sitter.Node) -> ir.Node:
        made = self.children(node)
        return made if isinstance(made, ir.Items) else ir.Call(ir.Const(Thing("@()")), [ir.Output(made)])

    def table(self, node: tree_sitter.Node) -> ir.Node:
        pairs: list[tuple[ir.Node, ir.Node]] = []
        for entry in [one for body in node.named_children for one in (body.named_children or [])]:
            inside = list(entry.named_children)
            if len(inside) >= 2:
                pairs.append((ir.Const(_bare(self.text(inside[0]))), self.lower(inside[-1])))
        return ir.Table(pairs)

    def script_block(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Function([], self.children(node))

    def assign(self, node: tree_sitter.Node) -> ir.Node:
        target = self.lower(node.named_children[0])
        while isinstance(target, ir.Call) and target.args:
            target = target.args[0]  # [string]$x = ...
        op = next((self.text(one) for one in node.named_children if one.type == "assignement_operator"), "=")
        return ir.Assign(target, op.strip().rstrip("="), self.field(node, "value"), span(node))

    def pipe(self, node: tree_sitter.Node) -> ir.Node:
        stages = self.all(node.named_children)
        return stages[0] if len(stages) == 1 else ir.Pipe(stages, span(node))

    def command(self, node: tree_sitter.Node) -> ir.Node:
        words: list[ir.Node] = []
        targets: list[tuple[str, ir.Node]] = []
        name = node.child_by_field_name("command_name")
        if name is not None:
            words.append(ir.Const(_bare(self.text(name))) if name.type == "command_name" else self.children(name))
        for elements in node.named_children:
            if elements.type != "command_elements":
                continue
            for one in elements.named_children:
                self._word(one, words, targets)
        if len(words) == 1 and isinstance(words[0], ir.Const) and re.fullmatch(r"-?\d+\.\.-?\d+", str(words[0].value)):
            first, _, last = str(words[0].value).partition("..")
            return ir.Binary("..", ir.Const(int(first)), ir.Const(int(last)))
        return ir.Command(words, targets, span(node))

    def _word(self, one: tree_sitter.Node, words: list[ir.Node], targets: list[tuple[str, ir.Node]]) -> None:
        if one.type == "command_argument_sep":
            return
        if one.type == "argument_list" and words:
            given = self._arguments(one)
            # `(New-Object X).Do("y")` as an argument comes as a member with a list behind it.
            if isinstance(words[-1], ir.Member):
                words[-1] = ir.Call(words[-1], given, {}, (words[-1].span[0], one.end_byte))
            else:
                words += given
        elif one.type == "redirection":
            inside = one.named_children
            targets.append((">", ir.Const(_bare(self.text(inside[-1] if inside else one)))))
        elif one.type in {"generic_token", "command_parameter", "stop_parsing"}:
            words.append(ir.Const(_bare(self.text(one))))
        else:
            words.append(self.lower(one))

    def condition(self, node: tree_sitter.Node) -> ir.Node:
        blocks = [one for one in node.named_children if one.type == "statement_block"]
        other = node.child_by_field_name("else_clause")
        made = self.lower(other) if other is not None else None
        for clauses in node.named_children:
            if clauses.type == "elseif_clauses":
                for one in reversed(clauses.named_children):
                    inside = self.all(one.named_children)
                    made = ir.If(inside[0], inside[-1], made)
        return ir.If(self.field(node, "condition"), self.lower(blocks[0]) if blocks else ir.NOTHING, made)

    def for_each(self, node: tree_sitter.Node) -> ir.Node:
        names = [one for one in node.named_children if one.type == "variable"]
        over = [one for one in node.named_children if one.type == "pipeline"]
        body = [one for one in node.named_children if one.type == "statement_block"]
        return ir.ForEach(
            [self.text(names[0]).lower() if names else "$_"], self.lower(over[-1] if over else None),
            self.lower(body[-1] if body else None),
        )  # fmt: skip

    def for_loop(self, node: tree_sitter.Node) -> ir.Node:
        def part(name: str) -> ir.Node | None:
            found = node.child_by_field_name(name) or next(
                (one for one in node.named_children if one.type == name), None
            )
            return self.lower(found) if found is not None else None

        loop = ir.Loop(part("for_condition"), part("statement_block") or ir.NOTHING, part("for_iterator"))
        return ir.Block([part("for_initializer") or ir.NOTHING, loop])

    def while_loop(self, node: tree_sitter.Node) -> ir.Node:
        inside = node.named_children
        return ir.Loop(self.lower(inside[0]), self.lower(inside[-1])) if inside else ir.NOTHING

    def function(self, node: tree_sitter.Node) -> ir.Node:
        name = next((self.text(one).lower() for one in node.named_children if one.type == "function_name"), "")
        head = self.text(node)[:4000].lower()
        declared = re.match(r"[^{]*\(([^)]*)\)\s*\{", head) or re.search(r"\bparam\s*\(((?:[^()]|\([^()]*\))*)\)", head)
        params = re.findall(r"\$\w+", re.sub(r"=[^,]*", "", declared[1])) if declared else []
        body = ir.Block(
            self.all(
                [
                    one
                    for one in node.named_children
                    if one.type not in {"function_name", "function_parameter_declaration"}
                ]
            )
        )
        return ir.Assign(ir.Name(name), "", ir.Function(params, body, name))

    def give(self, node: tree_sitter.Node) -> ir.Node:
        text = self.text(node).lower()
        if text.startswith(("break", "continue")):
            return ir.Jump(text.startswith("continue"))
        if text.startswith("return"):
            return ir.Return(self.children(node) if node.named_child_count else None)
        return self.children(node)

    HANDLERS: ClassVar[Mapping[str, Handler]] = {
        "verbatim_string_characters": verbatim, "verbatim_here_string_characters": verbatim,
        "expandable_string_literal": expandable, "expandable_here_string_literal": expandable,
        "integer_literal": number, "real_literal": number, "variable": variable,
        "expression_with_unary_operator": unary, "cast_expression": cast, "type_literal": type_literal,
        "post_increment_expression": step, "post_decrement_expression": step, "pre_increment_expression": step,
        "pre_decrement_expression": step, "member_access": member, "invokation_expression": invocation,
        "element_access": element, "sub_expression": collected, "array_expression": listed,
        "hash_literal_expression": table, "script_block_expression": script_block, "assignment_expression": assign,
        "pipeline_chain": pipe, "command": command, "if_statement": condition, "foreach_statement": for_each,
        "for_statement": for_loop, "while_statement": while_loop, "function_statement": function,
        "flow_control_statement": give, "param_block": lambda s, n: ir.NOTHING,
        **dict.fromkeys(
            (f"{level}{kind}_expression" for level in ("logical", "bitwise", "comparison", "additive", "multiplicative", "format", "range", "array_literal")
             for kind in ("", "_argument")), operation),
    }  # fmt: skip


_LEVELS = frozenset(
    {f"{level}{kind}_expression" for level in ("logical", "bitwise", "comparison", "additive", "multiplicative", "format", "range", "array_literal")
     for kind in ("", "_argument")}
    | {"unary_expression", "argument_expression", "pipeline", "pipeline_chain", "string_literal", "parenthesized_expression", "statement_list"}
)  # fmt: skip


def _type(text: str) -> str:
    """`[System.Text.Encoding]` as `[text.encoding]`."""
    return "[" + re.sub(r"[\s`]", "", text.lower())[1:-1].removeprefix("system.") + "]"


_BRACKET = re.compile(rb"((?:\A|[\n;|&{(=])[ \t]*[A-Za-z][\w-]*)\((?=[^)])")


def prepared(source: bytes) -> bytes:
    """`iex(...)` as `iex (...)`, which is the same; the grammar takes the first for something else."""
    return _BRACKET.sub(rb"\1 (", source)


def read(source: bytes) -> ir.Node:
    """A PowerShell source as statements."""
    return _Reader(source).lower(parser("tree_sitter_powershell").parse(source).root_node)


_CONSTANTS: dict[str, Value] = {
    "$true": True, "$false": False, "$null": None, "$pshome": r"C:\Windows\System32\WindowsPowerShell\v1.0",
    "$shellid": "Microsoft.PowerShell", "$verbosepreference": "SilentlyContinue", "$home": r"C:\Users\user",
    **{f"$env:{name}": value for name, value in environment.WINDOWS.items()},
}  # fmt: skip
_ALIASES = {
    "iex": "invoke-expression", "iwr": "invoke-webrequest", "irm": "invoke-restmethod", "%": "foreach-object",
    "foreach": "foreach-object", "?": "where-object", "sal": "set-alias", "nal": "new-alias", "saps": "start-process",
    "gc": "get-content", "cat": "get-content", "type": "get-content", "sv": "set-variable", "gv": "get-variable",
    "icm": "invoke-command", "ipmo": "import-module", "gwmi": "get-wmiobject", "gcim": "get-ciminstance",
    "echo": "write-output", "write": "write-output", "sleep": "start-sleep", "ii": "invoke-item",
    "rm": "remove-item", "del": "remove-item", "ri": "remove-item", "cp": "copy-item", "copy": "copy-item",
    "mv": "move-item", "ni": "new-item", "si": "set-item", "sp": "set-itemproperty", "gi": "get-item",
    "start": "start-process", "select": "select-object", "sc": "set-content", "ac": "add-content", "wget": "invoke-webrequest",
    "curl": "invoke-webrequest", "kill": "stop-process", "spps": "stop-process", "spsv": "stop-service",
}  # fmt: skip
_NET = {"invoke-webrequest", "invoke-restmethod", "start-bitstransfer"}


def canonical(name: str) -> str:
    """A command's full name, without a module before it or `.exe` after it."""
    name = name.rpartition("\\")[2].removesuffix(".exe")
    return _ALIASES.get(name, name)


def parameters(args: list[Value] | tuple[Value, ...]) -> tuple[list[Value], dict[str, Value]]:
    """The words of a command as plain arguments and named ones (lower case, without the dash)."""
    plain: list[Value] = []
    named: dict[str, Value] = {}
    waiting = ""
    for one in args:
        if isinstance(one, str) and re.match(r"-[A-Za-z]", one):
            name, colon, value = one[1:].lower().partition(":")
            named[name] = value if colon and value else True
            waiting = name if not value else ""
        elif waiting:
            named[waiting] = one
            waiting = ""
        else:
            plain.append(one)
    return plain, named


def _command(machine: Machine, name: str, args: list[Value], piped: Value) -> Value:
    name = canonical(name)
    made = _COMMANDS.get(name)
    if made is not None:
        return made(machine, args, piped)
    alias = machine.look_up(f"alias {name}")
    if isinstance(alias, str):
        machine.call(Thing(alias), args, {}, ir.NOWHERE)
        return _command(machine, alias.lower(), args, piped)
    if name in _NET:
        return Thing(f"{name}()", frozenset({"net"}) | origins(args))
    return Thing(f"{name}()", origins(args) | origins(piped))


def _new_object(machine: Machine, args: list[Value], piped: Value) -> Value:
    plain, named = parameters([one for one in args if one is not None])
    kind = next(
        (
            value
            for name, value in named.items()
            if name and ("comobject".startswith(name) or "typename".startswith(name))
        ),
        None,
    )
    kind = kind if kind is not None else plain.pop(0) if plain else ""
    given = next((value for name, value in named.items() if name and "argumentlist".startswith(name)), None)
    given = given if given is not None else plain[0] if len(plain) == 1 else plain
    name = operators.to_text(kind).lower().removeprefix("system.")
    if "(" in name:
        name, _, _rest = name.partition("(")
    args = given if isinstance(given, list) and not (given and isinstance(given[0], int)) else [given]
    return _constructed(name, [one for one in args if one is not None])


def _constructed(name: str, args: list[Value]) -> Value:
    """An object of a class. Streams over known bytes are those bytes."""
    first = args[0] if args else None
    if name.endswith(("deflatestream", "gzipstream", "zlibstream")):
        return decoding.inflated(first)
    if name.endswith(("memorystream", "streamreader", "bufferedstream")):
        data = decoding.as_bytes(first)
        return Blob(data, origins(first)) if data is not None and args else Thing(name, origins(first))
    if name == "string" and args:
        return "".join(map(operators.to_text, first)) if isinstance(first, list) else first
    return Thing(name, origins(args))


def _for_each(machine: Machine, args: list[Value], piped: Value) -> Value:
    body = next((one for one in args if isinstance(one, Closure)), None)
    if body is None:
        return Thing("", origins(piped))
    made: list[Value] = []
    for place, one in enumerate(machine.items(piped) if not isinstance(piped, str) else [piped]):
        if place and machine.fuel <= 0:
            return Thing("", origins(piped))
        machine.assign("$_", one)
        machine.assign("$psitem", one)
        machine.fuel -= 1
        made.append(machine.enter(body, []))
    made = [item for one in made for item in (one if isinstance(one, list) else [one]) if item is not None]
    return made[0] if len(made) == 1 else made


def _set_variable(machine: Machine, args: list[Value], piped: Value) -> Value:
    plain, named = parameters(args)
    name, value = named.get("name", plain[0] if plain else None), named.get("value", plain[-1] if plain else None)
    if isinstance(name, str):
        machine.assign(f"${name.lower()}", value)
    return None


def _set_alias(machine: Machine, args: list[Value], piped: Value) -> Value:
    plain, named = parameters(args)
    given = [*plain, None, None]
    name, value = named.get("name", given[0]), named.get("value", given[1])
    if isinstance(name, str) and isinstance(value, str):
        machine.assign(f"alias {name.lower()}", value)
    return None


def _invoke_command(machine: Machine, args: list[Value], piped: Value) -> Value:
    for one in args:
        if isinstance(one, Closure):
            machine.enter(one, [])
    return UNKNOWN


def _own_or_piped(machine: Machine, args: list[Value], piped: Value) -> Value:
    return piped if piped is not None else args[0] if len(args) == 1 else list(args)


_COMMANDS: dict[str, Any] = {
    "new-object": _new_object, "foreach-object": _for_each, "set-variable": _set_variable, "set-alias": _set_alias,
    "new-alias": _set_alias, "invoke-command": _invoke_command, "write-output": _own_or_piped,
    "out-string": lambda m, a, p: p, "where-object": lambda m, a, p: p, "select-object": lambda m, a, p: p,
    "sort-object": lambda m, a, p: p, "out-null": lambda m, a, p: None, "write-host": lambda m, a, p: None,
    "get-variable": lambda m, a, p: m.look_up(f"${str(a[0]).lower()}") if a else UNKNOWN,
    "join-path": lambda m, a, p: operators.joined(parameters(a)[0] or list(parameters(a)[1].values()), "\\"),
    "get-content": lambda m, a, p: Thing("get-content()", frozenset({"file"})),
    "get-random": lambda m, a, p: Thing("", frozenset({"random"})), "get-command": lambda m, a, p: a[0] if a and isinstance(a[0], str) else UNKNOWN,
    "get-alias": lambda m, a, p: a[0] if a and isinstance(a[0], str) else UNKNOWN,
}  # fmt: skip

Named = Mapping[str, Value]


def _char(machine: Machine, args: list[Value], named: Named) -> Value:
    value = args[0]
    if isinstance(value, str) and len(value) == 1:
        return value
    return decoding.characters([int(operators.number(value) or 0) if not isinstance(value, Thing) else value])


def _chars(machine: Machine, args: list[Value], named: Named) -> Value:
    value = args[0]
    if isinstance(value, str):
        return [marked(one, *origins(value)) for one in value]
    return [decoding.characters([one]) for one in value] if isinstance(value, list) else Thing("", origins(value))


def _bytes(machine: Machine, args: list[Value], named: Named) -> Value:
    value = args[0]
    if isinstance(value, bytes):
        return value
    numbers = [operators.number(one) for one in machine.items(value)]
    return [int(one) for one in numbers if one is not None] if None not in numbers else Thing("", origins(value))


def _replace(machine: Machine, args: list[Value], named: Named) -> Value:
    text, pair = args
    what, by = (pair[0], pair[1]) if isinstance(pair, list) and len(pair) > 1 else (pair, "")
    if isinstance(text, list):
        return [_replace(machine, [one, pair], named) for one in text[:10_000]]
    if isinstance(what, list):
        what = "".join(map(operators.to_text, what))
    word = operators.to_text(what)
    if re.fullmatch(r"[\w\s:/,;=@#!%&~'\"<>-]*", word):
        found = re.compile(re.escape(word), re.IGNORECASE)
    else:
        found = methods.pattern(word, re.IGNORECASE) or re.compile(re.escape(word))
    text = operators.to_text(text)
    put = re.sub(r"\$(\d)", r"\\g<\1>", operators.to_text(by).replace("\\", "\\\\"))
    made = found.sub(put, text) if word else text
    return Text(made, origins(text) | ({"replaced"} if made != text else set()))


def _split(machine: Machine, args: list[Value], named: Named) -> Value:
    text, by = args
    by = by[0] if isinstance(by, list) and by else by
    if not isinstance(text, str):
        return Thing("", origins(text))
    found = methods.pattern(operators.to_text(by), re.IGNORECASE) or re.compile(re.escape(operators.to_text(by)))
    return [marked(one, *origins(text)) for one in found.split(text) if one is not None]


def _join(machine: Machine, args: list[Value], named: Named) -> Value:
    of, between = args
    if isinstance(of, bytes):
        of = list(of)
    if isinstance(of, Thing):
        return Thing("", origins(of))
    items = of if isinstance(of, list) else [of]
    return marked(operators.joined(items, operators.to_text(between), "powershell"), "joined")


def _range(machine: Machine, args: list[Value], named: Named) -> Value:
    first, last = (int(operators.number(one)) for one in args)  # type: ignore[arg-type]
    if abs(last - first) > 1 << 18:
        return UNKNOWN
    return list(range(first, last + 1) if last >= first else range(first, last - 1, -1))


def _to_int(machine: Machine, args: list[Value], named: Named) -> Value:
    base = args[1] if len(args) > 1 else 10
    value = args[0]
    return (
        int(value, base)
        if isinstance(value, str) and len(value) < 40
        else ord(value)
        if isinstance(value, str)
        else int(value)
    )


def _array_reverse(machine: Machine, args: list[Value], named: Named) -> Value:
    if isinstance(args[0], list):
        methods.COMMON["reverse"](machine, args[0], [], {})
    return None


def _scriptblock(machine: Machine, args: list[Value], named: Named) -> Value:
    return Thing("scriptblock", origins(args))


_ENCODINGS = {"utf8": "utf-8", "unicode": "utf-16-le", "ascii": "latin-1", "default": "latin-1", "utf7": "utf-7",
              "utf32": "utf-32-le", "bigendianunicode": "utf-16-be"}  # fmt: skip
_FUNCTIONS: dict[str, Any] = {
    "[convert].frombase64string": lambda m, a, n: decoding.from_base64(a[0]), "[char]": _char, "[char[]]": _chars,
    "[byte[]]": _bytes, "[byte]": lambda m, a, n: int(operators.number(a[0]) or 0) & 255 if not isinstance(a[0], str) or a[0].isdigit() else ord(a[0]),
    "[int]": _to_int, "[int32]": _to_int, "[convert].toint32": _to_int, "[convert].toint16": _to_int, "[convert].tobyte": _to_int,
    "[convert].tochar": lambda m, a, n: decoding.characters([a[0]]),
    "[string]": lambda m, a, n: operators.to_text(a[0], "powershell"), "[string].join": lambda m, a, n: _join(m, [a[1] if len(a) == 2 else a[1:], a[0]], n),
    "[string].format": lambda m, a, n: methods.formatted(a[0], a[1] if len(a) == 2 and isinstance(a[1], list) else a[1:]),
    "[string].new": lambda m, a, n: operators.joined(a[0] if isinstance(a[0], list) else [a[0]], ""),
    "[string].concat": lambda m, a, n: operators.joined(a, ""), "[array].reverse": _array_reverse,
    "[regex].replace": lambda m, a, n: _replace(m, [a[0], [a[1], a[2]]], n), "@()": lambda m, a, n: a[0] if isinstance(a[0], list) else [] if a[0] is None else [a[0]],
    "[regex].matches": lambda m, a, n: Thing("", origins(a)), "[scriptblock]": _scriptblock, "[scriptblock].create": _scriptblock,
    "[array]": lambda m, a, n: a[0] if isinstance(a[0], list) else [a[0]], "[string[]]": lambda m, a, n: a[0] if isinstance(a[0], list) else [a[0]],
    "[io.memorystream]": lambda m, a, n: _constructed("memorystream", [a[0] if not isinstance(a[0], list) or not a[0] or isinstance(a[0][0], int) else a[0][0]]),
    "[io.memorystream].new": lambda m, a, n: _constructed("memorystream", a), "[io.streamreader].new": lambda m, a, n: _constructed("streamreader", a),
    "[io.compression.gzipstream].new": lambda m, a, n: _constructed("gzipstream", a), "[io.compression.deflatestream].new": lambda m, a, n: _constructed("deflatestream", a),
    "[uri].unescapedatastring": lambda m, a, n: decoding.url_decoded(a[0]), "[io.path].gettemppath": lambda m, a, n: environment.WINDOWS["temp"] + "\\",
    "[io.path].combine": lambda m, a, n: operators.joined(a, "\\"), "[environment].getenvironmentvariable": lambda m, a, n: environment.WINDOWS.get(a[0].lower(), HOLE),
    "[environment].getfolderpath": lambda m, a, n: {"applicationdata": environment.WINDOWS["appdata"], "startup": environment.WINDOWS["appdata"] + r"\Microsoft\Windows\Start Menu\Programs\Startup", "localapplicationdata": environment.WINDOWS["localappdata"]}.get(a[0].lower(), HOLE),
    "[math].floor": lambda m, a, n: int(a[0] // 1), "[int[]]": _bytes,
    "operator -f": lambda m, a, n: methods.formatted(a[0], a[1] if isinstance(a[1], list) else [a[1]]),
    "operator -replace": _replace, "operator -split": _split, "operator -join": _join, "operator ..": _range,
    **{f"[text.encoding].{name}.getstring": (lambda m, a, n, e=encoding: decoding.as_text(a[0] if not isinstance(a[0], list) else bytes(a[0]), e)) for name, encoding in _ENCODINGS.items()},
    **{f"[text.encoding].{name}.getbytes": (lambda m, a, n, e=encoding: Blob(a[0].encode(e, "replace"), origins(a[0]))) for name, encoding in _ENCODINGS.items()},
}  # fmt: skip

DIALECT = Dialect(
    name="powershell",
    functions=_FUNCTIONS,
    methods=methods.COMMON,
    sources={
        **dict.fromkeys(
            ("net.webclient.downloadstring()", "net.webclient.downloaddata()", "net.webclient.openread()",
             "[net.webclient].new().downloadstring()", "msxml2.xmlhttp.responsetext", "winhttp.winhttprequest.5.1.responsetext",
             "net.http.httpclient.getstringasync()", "net.sockets.tcpclient", "net.webclient.downloadstringtaskasync()",
             "[net.webrequest].create()", "[net.httpwebrequest].create()", "net.sockets.tcpclient.getstream()"), "net"),
        "$args": "argument",
    },
    folds_case=True,
    command=_command,
)  # fmt: skip
