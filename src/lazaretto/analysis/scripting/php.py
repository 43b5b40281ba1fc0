"""PHP: reading and folding."""

# ruff: noqa: ARG001, ARG002, ARG005, E501  a row of a table is one line; all functions of a table take the same

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import tree_sitter

from lazaretto.analysis.scripting import decoding, ir, methods, operators
from lazaretto.analysis.scripting.interpreter import Dialect, Machine
from lazaretto.analysis.scripting.lowering import Handler, Lowering, operator, parser, span
from lazaretto.analysis.scripting.values import UNKNOWN, Blob, Text, Thing, Value, origins

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|u\{([0-9a-fA-F]{1,6})\}|([0-7]{1,3})|([nrtvef\\$\"]))")
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "e": "\x1b", "f": "\f"}
_FUNCTION_CALLS = frozenset({"include", "include_once", "require", "require_once"})


def _unescaped(text: str) -> str:
    def put(found: re.Match[str]) -> str:
        if code := found[1] or found[2]:
            return chr(min(int(code, 16), 0x10FFFF))
        return chr(int(found[3], 8)) if found[3] else _PLAIN.get(found[4], found[4])

    return _ESCAPE.sub(put, text) if "\\" in text else text


class _Reader(Lowering):
    SKIPPED = frozenset({"comment", "php_tag", "text", "php_end_tag", "text_interpolation"})

    def string(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Const(self.text(node)[1:-1].replace("\\'", "'").replace("\\\\", "\\"))

    def encapsed(self, node: tree_sitter.Node) -> ir.Node:
        parts: list[ir.Node] = []
        for child in node.named_children:
            if child.type in {"string_content", "escape_sequence"}:
                parts.append(ir.Const(_unescaped(self.text(child))))
            else:
                parts.append(self.lower(child))
        if all(isinstance(part, ir.Const) for part in parts):
            return ir.Const("".join(str(part.value) for part in parts if isinstance(part, ir.Const)))
        return ir.Join(parts, span(node))

    def heredoc(self, node: tree_sitter.Node) -> ir.Node:
        body = next((one for one in node.named_children if one.type.endswith("_body")), None)
        return ir.Const(self.text(body).strip("\n")) if body is not None else ir.Const("")

    def number(self, node: tree_sitter.Node) -> ir.Node:
        text = self.text(node).replace("_", "")
        return ir.Const(int(text, 8) if re.fullmatch(r"0[0-7]+", text) else operators.number(text))

    def variable(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Name(self.text(node))

    def dynamic(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Name("?$$")

    def name(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Name(self.text(node).lstrip("\\").rpartition("\\")[2])

    def boolean(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Const(self.text(node).lower() == "true")

    def binary(self, node: tree_sitter.Node) -> ir.Node:
        names = {".": "concat", "and": "&&", "or": "||", "<>": "!="}
        return self.chain(node, frozenset({"binary_expression"}), lambda n: names.get(operator(n).lower(), operator(n)))

    def unary(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Unary(operator(node), self.lower(node.named_children[-1] if node.named_children else None))

    def update(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Assign(self.field(node, "argument"), "+" if "+" in self.text(node) else "-", ir.Const(1))

    def _given(self, node: tree_sitter.Node) -> list[ir.Node]:
        arguments = node.child_by_field_name("arguments")
        return self.all(arguments.named_children) if arguments is not None else []

    def call(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Call(self.field(node, "function"), self._given(node), {}, span(node))

    def method(self, node: tree_sitter.Node) -> ir.Node:
        name = node.child_by_field_name("name")
        key = ir.Const(self.text(name)) if name is not None and name.type == "name" else self.lower(name)
        return ir.Call(ir.Member(self.field(node, "object"), key), self._given(node), {}, span(node))

    def static(self, node: tree_sitter.Node) -> ir.Node:
        name = node.child_by_field_name("name")
        key = ir.Const(self.text(name)) if name is not None and name.type == "name" else self.lower(name)
        return ir.Call(ir.Member(self.field(node, "scope"), key), self._given(node), {}, span(node))

    def create(self, node: tree_sitter.Node) -> ir.Node:
        given = next((one for one in node.named_children if one.type == "arguments"), None)
        cls = node.named_children[0] if node.named_children else None
        return ir.Call(
            self.lower(cls), self.all(given.named_children) if given is not None else [], {}, span(node), True
        )

    def shell(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Call(ir.Name("shell_exec"), [self.encapsed(node)], {}, span(node))

    def include(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Call(ir.Name("include"), self.all(node.named_children), {}, span(node))

    def said(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Call(ir.Name("echo"), self.all(node.named_children), {}, span(node))

    def exit_(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Block(self.all(node.named_children))

    def access(self, node: tree_sitter.Node) -> ir.Node:
        inside = self.all(node.named_children)
        return (
            ir.Member(inside[0], inside[1] if len(inside) > 1 else ir.Const("[]"), span(node)) if inside else ir.NOTHING
        )

    def property(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Member(self.field(node, "object"), ir.Const(self.text(node.child_by_field_name("name"))))

    def assign(self, node: tree_sitter.Node) -> ir.Node:
        op = self.text(node.child_by_field_name("operator")).rstrip("=") if node.type.startswith("augmented") else ""
        op = "concat" if op == "." else op
        return ir.Assign(self.field(node, "left"), op, self.field(node, "right"), span(node))

    def array(self, node: tree_sitter.Node) -> ir.Node:
        items: list[ir.Node] = []
        pairs: list[tuple[ir.Node, ir.Node]] = []
        for one in node.named_children:
            inside = self.all(one.named_children)
            if len(inside) == 2:
                pairs.append((inside[0], inside[1]))
            elif inside:
                items.append(inside[0])
        return ir.Table(pairs) if pairs and not items else ir.Items(items)

    def function(self, node: tree_sitter.Node) -> ir.Node:
        listed = node.child_by_field_name("parameters")
        names = [
            self.text(one.child_by_field_name("name")) for one in (listed.named_children if listed is not None else [])
        ]
        name = self.text(node.child_by_field_name("name"))
        body = self.field(node, "body")
        if node.type == "arrow_function":
            body = ir.Return(body)
        made = ir.Function(names, body, name)
        return ir.Assign(ir.Name(name), "", made) if name else made

    def block(self, node: tree_sitter.Node) -> ir.Node:
        inside = [one for one in node.named_children if one.type not in self.SKIPPED]
        declared = [one for one in inside if one.type == "function_definition"]
        return ir.Block([*self.all(declared), *self.all([one for one in inside if one not in declared])])

    def condition(self, node: tree_sitter.Node) -> ir.Node:
        made: ir.Node | None = None
        for one in reversed(node.children_by_field_name("alternative")):
            if one.type == "else_clause":
                made = self.field(one, "body")
            else:
                made = ir.If(self.field(one, "condition"), self.field(one, "body"), made)
        return ir.If(self.field(node, "condition"), self.field(node, "body"), made)

    def ternary(self, node: tree_sitter.Node) -> ir.Node:
        test = self.field(node, "condition")
        body = node.child_by_field_name("body")
        return ir.Cond(test, self.lower(body) if body is not None else test, self.field(node, "alternative"))

    def for_loop(self, node: tree_sitter.Node) -> ir.Node:
        loop = ir.Loop(self.optional(node, "condition"), self.field(node, "body"), self.optional(node, "update"))
        return ir.Block([self.field(node, "initialize"), loop])

    def for_each(self, node: tree_sitter.Node) -> ir.Node:
        inside = [one for one in node.named_children if one.type not in self.SKIPPED]
        names = re.findall(r"\$\w+", self.text(inside[1])) if len(inside) > 1 else ["$_"]
        return ir.ForEach(names[-1:], self.lower(inside[0]) if inside else ir.NOTHING, self.field(node, "body"))

    def while_loop(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Loop(self.field(node, "condition"), self.field(node, "body"))

    def give(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Return(self.children(node) if node.named_child_count else None)

    def leave(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Jump(node.type == "continue_statement")

    HANDLERS: ClassVar[Mapping[str, Handler]] = {
        "program": block, "string": string, "encapsed_string": encapsed, "heredoc": heredoc, "nowdoc": heredoc,
        "integer": number, "float": number, "boolean": boolean, "null": lambda s, n: ir.NOTHING,
        "variable_name": variable, "dynamic_variable_name": dynamic, "name": name, "qualified_name": name,
        "binary_expression": binary, "unary_op_expression": unary, "update_expression": update,
        "function_call_expression": call, "member_call_expression": method, "nullsafe_member_call_expression": method,
        "scoped_call_expression": static, "object_creation_expression": create, "shell_command_expression": shell,
        "include_expression": include, "include_once_expression": include, "require_expression": include,
        "require_once_expression": include, "echo_statement": said, "print_intrinsic": said, "exit_statement": exit_,
        "subscript_expression": access, "member_access_expression": property, "assignment_expression": assign,
        "augmented_assignment_expression": assign, "array_creation_expression": array, "function_definition": function,
        "method_declaration": function, "anonymous_function": function, "anonymous_function_creation_expression": function,
        "arrow_function": function, "if_statement": condition, "conditional_expression": ternary,
        "for_statement": for_loop, "foreach_statement": for_each, "while_statement": while_loop,
        "return_statement": give, "break_statement": leave, "continue_statement": leave,
    }  # fmt: skip


def read(source: bytes) -> ir.Node:
    """A PHP source as statements. Code without an opening tag, as `eval` is given it, gets one."""
    if b"<?" not in source:
        source = b"<?php " + source
    return _Reader(source).lower(parser("tree_sitter_php", "language_php").parse(source).root_node)


def _replaced(machine: Machine, args: list[Value], named: Mapping[str, Value]) -> Value:
    what, by, text = args[:3]
    if isinstance(what, list):
        for place, one in enumerate(what[:200]):
            put = by[place] if isinstance(by, list) and place < len(by) else "" if isinstance(by, list) else by
            text = methods.substituted(text, one, put)
        return text
    return methods.substituted(text, what, by)


def _imploded(machine: Machine, args: list[Value], named: Mapping[str, Value]) -> Value:
    between, items = (args[0], args[1]) if len(args) > 1 else ("", args[0])
    if isinstance(between, list):
        between, items = items, between
    return operators.joined(items, between) if isinstance(items, list) else Thing("", origins(items))


def _packed(machine: Machine, args: list[Value], named: Mapping[str, Value]) -> Value:
    return decoding.from_hex(args[1]) if str(args[0]).startswith("H") else decoding.characters(args[1:])


def _called(machine: Machine, args: list[Value], named: Mapping[str, Value]) -> Value:
    return machine.call(args[0], args[1:], {}, (0, 0))


def _called_with(machine: Machine, args: list[Value], named: Mapping[str, Value]) -> Value:
    return machine.call(args[0], args[1] if isinstance(args[1], list) else [UNKNOWN], {}, (0, 0))


def _mapped(machine: Machine, args: list[Value], named: Mapping[str, Value]) -> Value:
    return [machine.call(args[0], [one], {}, (0, 0)) for one in machine.items(args[1])[:2000]]


def _formatted(machine: Machine, args: list[Value], named: Mapping[str, Value]) -> Value:
    return operators.binary("%", args[0], args[1:], "python")


def _sub(machine: Machine, args: list[Value], named: Mapping[str, Value]) -> Value:
    text, start = args[0], int(args[1])
    length = args[2] if len(args) > 2 else None
    stop = None if length is None else start + int(length) if int(length) >= 0 else int(length)
    return operators.piece(text, start, None if stop == 0 and start < 0 else stop, None)


def _as_string(make: Any) -> Any:
    """PHP has no bytes: what a decoder gives is a string."""

    def function(machine: Machine, args: list[Value], named: Mapping[str, Value]) -> Value:
        made = make(args[0])
        return Text(made.decode("latin-1"), origins(made)) if isinstance(made, bytes) else made

    return function


def _from_text(data: Value) -> Value:
    """A PHP string as its bytes."""
    return (
        data.encode("latin-1", "replace")
        if isinstance(data, str) and not isinstance(data, Text)
        else (Blob(data.encode("latin-1", "replace"), origins(data)) if isinstance(data, str) else data)
    )


_FUNCTIONS: dict[str, Any] = {
    "base64_decode": _as_string(decoding.from_base64), "hex2bin": _as_string(decoding.from_hex),
    **dict.fromkeys(("gzinflate", "gzuncompress", "gzdecode", "zlib_decode"), _as_string(lambda v: decoding.inflated(_from_text(v)))),
    "bzdecompress": _as_string(lambda v: decoding.bunzipped(_from_text(v))), "str_rot13": lambda m, a, n: decoding.rotated(a[0]),
    "strrev": lambda m, a, n: decoding.reversed_text(a[0]), "str_replace": _replaced, "str_ireplace": _replaced,
    "chr": lambda m, a, n: decoding.characters([a[0] % 256]), "ord": lambda m, a, n: ord(a[0][0]), "implode": _imploded, "join": _imploded,
    "explode": lambda m, a, n: a[1].split(a[0]), "str_split": lambda m, a, n: [a[0][i : i + (a[1] if len(a) > 1 else 1)] for i in range(0, len(a[0]), a[1] if len(a) > 1 else 1)],
    "substr": _sub, "strlen": lambda m, a, n: len(a[0]), "count": lambda m, a, n: len(a[0]), "strtolower": lambda m, a, n: a[0].lower(),
    "strtoupper": lambda m, a, n: a[0].upper(), "trim": lambda m, a, n: a[0].strip(), "urldecode": lambda m, a, n: decoding.url_decoded(a[0]),
    "rawurldecode": lambda m, a, n: decoding.url_decoded(a[0]), "pack": _packed, "sprintf": _formatted, "hexdec": lambda m, a, n: int(a[0], 16),
    "intval": lambda m, a, n: int(operators.number(a[0]) or 0), "array_map": _mapped, "call_user_func": _called, "call_user_func_array": _called_with,
    "range": lambda m, a, n: list(range(a[0], a[1] + 1)) if a[1] - a[0] < 65536 else UNKNOWN, "array_reverse": lambda m, a, n: a[0][::-1],
    "strtr": lambda m, a, n: a[0].translate(str.maketrans(a[1], a[2])) if len(a) > 2 else UNKNOWN, "stripslashes": lambda m, a, n: a[0].replace("\\", ""),
    "convert_uudecode": lambda m, a, n: decoding.decoded(a[0], "base64", lambda d: b"".join(__import__("binascii").a2b_uu(line) for line in d.splitlines() if line.strip())),
}  # fmt: skip

DIALECT = Dialect(
    name="php",
    functions=_FUNCTIONS,
    methods=methods.COMMON,
    sources={
        **dict.fromkeys(("$_get", "$_post", "$_request", "$_cookie", "$_files", "getallheaders()", "apache_request_headers()"), "input"),
        "curl_exec()": "net", "$_server": "server",
    },
)  # fmt: skip
