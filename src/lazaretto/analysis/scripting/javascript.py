"""JavaScript and JScript: reading and folding."""

# ruff: noqa: ARG001, ARG002, ARG005, E501  a row of a table is one line; all functions of a table take the same

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import tree_sitter

from lazaretto.analysis.scripting import decoding, ir, methods, operators
from lazaretto.analysis.scripting.interpreter import Dialect, Machine
from lazaretto.analysis.scripting.lowering import Handler, Lowering, operator, parser, span
from lazaretto.analysis.scripting.values import UNKNOWN, Blob, Thing, Value, origins

_ESCAPE = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-7]{1,3})|(\r\n|.))", re.DOTALL
)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "\n": "", "\r\n": ""}


def unescaped(text: str) -> str:
    """A string literal's inside as the text that it is."""
    if "\\" not in text:
        return text

    def put(found: re.Match[str]) -> str:
        code = found[1] or found[2] or found[3]
        if code:
            return chr(min(int(code, 16), 0x10FFFF))
        if found[4]:
            return chr(int(found[4], 8))
        return _PLAIN.get(found[5], found[5])

    return _ESCAPE.sub(put, text)


_LARGE = 200_000  # bytes; libraries and bundles
_TELLING = re.compile(
    rb"\beval\b|\bFunction\b|ActiveX|WScript|require|child_process|atob|fromC(?:har|ode)|charCodeAt|unescape|decodeURI|Blob"
    rb"|\bfetch\b|\bexec|spawn|XMLHttp|\\x|constructor|https?:|process\b|document\.write|['\"]\s*\+\s*['\"]|\]\s*\("
    rb"|\.(?:reverse|shift|push)\b|execScript|createObjectURL|writeFile|download|Buffer"
)


class _Reader(Lowering):
    SKIPPED = frozenset({"comment", "hash_bang_line", "empty_statement"})

    def string(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Const(unescaped(self.text(node)[1:-1]))

    def number(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Const(operators.number(self.text(node).replace("_", "").removesuffix("n")))

    def template(self, node: tree_sitter.Node) -> ir.Node:
        parts: list[ir.Node] = []
        for child in node.named_children:
            if child.type == "template_substitution":
                parts.append(self.children(child))
            else:
                parts.append(ir.Const(unescaped(self.text(child))))
        return ir.Join(parts, span(node)) if parts else ir.Const("")

    def regex(self, node: tree_sitter.Node) -> ir.Node:
        pattern, flags = self.text(node.child_by_field_name("pattern")), self.text(node.child_by_field_name("flags"))
        return ir.Const({"pattern": pattern, "flags": flags})

    def name(self, node: tree_sitter.Node) -> ir.Node:
        text = self.text(node)
        return ir.Const(None) if text == "undefined" else ir.Name(text)

    def member(self, node: tree_sitter.Node) -> ir.Node:
        name = ir.Const(self.text(node.child_by_field_name("property")))
        return ir.Member(self.field(node, "object"), name, span(node))

    def subscript(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Member(self.field(node, "object"), self.field(node, "index"), span(node))

    def binary(self, node: tree_sitter.Node) -> ir.Node:
        return self.chain(node, frozenset({"binary_expression"}), operator)

    def unary(self, node: tree_sitter.Node) -> ir.Node:
        op = operator(node)
        if op in {"typeof", "delete"}:
            return ir.Block([self.field(node, "argument"), ir.Name("?typeof")])
        if op == "void":
            return ir.Const(None)
        return ir.Unary(op, self.field(node, "argument"))

    def update(self, node: tree_sitter.Node) -> ir.Node:
        text = self.text(node)
        op = "+" if text.startswith("++") or text.endswith("++") else "-"
        return ir.Assign(self.field(node, "argument"), op, ir.Const(1), old=text.endswith(("++", "--")))

    def call(self, node: tree_sitter.Node) -> ir.Node:
        arguments = node.child_by_field_name("arguments")
        callee = self.lower(node.child_by_field_name("function") or node.child_by_field_name("constructor"))
        given = self.all(arguments.named_children) if arguments is not None and arguments.type == "arguments" else []
        new = node.type == "new_expression"
        made = ir.Call(callee, given, {}, span(node), new)
        if isinstance(callee, ir.Function):
            callee.runs = not given and not callee.params
        return made

    def sequence(self, node: tree_sitter.Node) -> ir.Node:
        parts = self.all(node.named_children)
        return ir.Member(ir.Items(parts), ir.Const(len(parts) - 1)) if parts else ir.NOTHING

    def assign(self, node: tree_sitter.Node) -> ir.Node:
        op = self.text(node.child_by_field_name("operator")).rstrip("=") if node.child_by_field_name("operator") else ""
        return ir.Assign(self.field(node, "left"), op, self.field(node, "right"), span(node))

    def declare(self, node: tree_sitter.Node) -> ir.Node:
        value = node.child_by_field_name("value")
        return ir.Assign(self.field(node, "name"), "", self.lower(value), span(node))

    def pattern(self, node: tree_sitter.Node) -> ir.Node:
        names: list[ir.Node] = []
        for child in node.named_children:
            if child.type == "pair_pattern":
                names.append(ir.Name(self.text(child.child_by_field_name("value"))))
            else:
                names.append(ir.Name(self.text(child)))
        return ir.Items(names)

    def array(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Items(self.all(node.named_children))

    def table(self, node: tree_sitter.Node) -> ir.Node:
        pairs: list[tuple[ir.Node, ir.Node]] = []
        for child in node.named_children:
            if child.type == "pair":
                key = child.child_by_field_name("key")
                name = (
                    ir.Const(self.text(key))
                    if key is not None and key.type == "property_identifier"
                    else self.lower(key)
                )
                pairs.append((name, self.field(child, "value")))
            elif child.type == "method_definition":
                pairs.append((ir.Const(self.text(child.child_by_field_name("name"))), self.function(child)))
            else:
                pairs.append((ir.Const(self.text(child)), self.lower(child)))
        return ir.Table(pairs)

    def function(self, node: tree_sitter.Node) -> ir.Node:
        listed = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
        names: list[str] = []
        if listed is not None:
            inside = [listed] if listed.type == "identifier" else listed.named_children
            for one in inside:
                left = one.child_by_field_name("left") if one.type == "assignment_pattern" else one
                names.append(self.text(left))
        body = node.child_by_field_name("body")
        lowered = self.lower(body) if self._tells(body) else ir.Block([])
        if body is not None and body.type != "statement_block":
            lowered = ir.Return(lowered)
        return ir.Function(names, lowered, self.text(node.child_by_field_name("name")))

    def _tells(self, body: tree_sitter.Node | None) -> bool:
        """Whether a function is worth reading: in a large file only one that has a word of what matters here."""
        if len(self.source) < _LARGE or body is None:
            return True
        return _TELLING.search(self.source, body.start_byte, body.end_byte) is not None

    def declared(self, node: tree_sitter.Node) -> ir.Node:
        made = self.function(node)
        return ir.Assign(ir.Name(self.text(node.child_by_field_name("name"))), "", made)

    def block(self, node: tree_sitter.Node) -> ir.Node:
        inside = [one for one in node.named_children if one.type not in self.SKIPPED]
        # Functions are there before the first statement.
        declared: list[tree_sitter.Node] = []
        others: list[tree_sitter.Node] = []
        for one in inside:
            (declared if one.type.endswith("function_declaration") else others).append(one)
        return ir.Block([*self.all(declared), *self.all(others)])

    def condition(self, node: tree_sitter.Node) -> ir.Node:
        return ir.If(self.field(node, "condition"), self.field(node, "consequence"), self.optional(node, "alternative"))

    def ternary(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Cond(self.field(node, "condition"), self.field(node, "consequence"), self.field(node, "alternative"))

    def for_loop(self, node: tree_sitter.Node) -> ir.Node:
        first = node.child_by_field_name("initializer")
        test = node.child_by_field_name("condition")
        tested = self.lower(test) if test is not None and test.is_named and test.type != "empty_statement" else None
        loop = ir.Loop(tested, self.field(node, "body"), self.optional(node, "increment"))
        return ir.Block([self.lower(first), loop]) if first is not None else loop

    def for_in(self, node: tree_sitter.Node) -> ir.Node:
        keys = self.text(node.child_by_field_name("operator")) == "in"
        left = self.text(node.child_by_field_name("left"))
        return ir.ForEach([left], self.field(node, "right"), self.field(node, "body"), keys)

    def while_loop(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Loop(self.field(node, "condition"), self.field(node, "body"))

    def do_loop(self, node: tree_sitter.Node) -> ir.Node:
        body = self.field(node, "body")
        return ir.Block([body, ir.Loop(self.field(node, "condition"), body)])

    def give(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Return(self.children(node) if node.named_child_count else None)

    def leave(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Jump(node.type == "continue_statement")

    def imported(self, node: tree_sitter.Node) -> ir.Node:
        """`import a, {b as c}, * as d from "m"`: names of things of that module."""
        module = unescaped(self.text(node.child_by_field_name("source"))[1:-1]).removeprefix("node:")
        binds: list[ir.Node] = []
        waiting = list(node.named_children)
        while waiting:
            one = waiting.pop()
            if one.type == "import_specifier":
                name = self.text(one.child_by_field_name("name"))
                as_ = self.text(one.child_by_field_name("alias")) or name
                binds.append(ir.Assign(ir.Name(as_), "", ir.Const(Thing(f"{module}.{name}"))))
            elif one.type == "identifier":
                binds.append(ir.Assign(ir.Name(self.text(one)), "", ir.Const(Thing(module))))
            elif one.type in {"import_clause", "named_imports", "namespace_import"}:
                waiting.extend(one.named_children)
        return ir.Block(binds)

    def case(self, node: tree_sitter.Node) -> ir.Node:
        """A switch: every case is walked."""
        unknown = ir.Const(UNKNOWN)
        return ir.Block([ir.If(unknown, self.lower(child)) for child in node.named_children])

    def label(self, node: tree_sitter.Node) -> ir.Node:
        return self.field(node, "body")

    def nothing(self, node: tree_sitter.Node) -> ir.Node:
        return ir.NOTHING

    HANDLERS: ClassVar[Mapping[str, Handler]] = {
        "program": block, "statement_block": block, "string": string, "number": number, "template_string": template,
        "regex": regex, "identifier": name, "shorthand_property_identifier": name, "this": name, "super": name,
        "undefined": nothing, "null": nothing, "true": lambda s, n: ir.Const(True), "false": lambda s, n: ir.Const(False),
        "member_expression": member, "subscript_expression": subscript, "binary_expression": binary,
        "unary_expression": unary, "update_expression": update, "call_expression": call, "new_expression": call,
        "sequence_expression": sequence, "assignment_expression": assign, "augmented_assignment_expression": assign,
        "variable_declarator": declare, "object_pattern": pattern, "array_pattern": pattern, "array": array,
        "object": table, "function_expression": function, "function": function, "arrow_function": function,
        "generator_function": function, "function_declaration": declared, "generator_function_declaration": declared,
        "method_definition": declared, "if_statement": condition, "ternary_expression": ternary,
        "for_statement": for_loop, "for_in_statement": for_in, "while_statement": while_loop, "do_statement": do_loop,
        "return_statement": give, "break_statement": leave, "continue_statement": leave, "import_statement": imported,
        "switch_body": case, "labeled_statement": label,
    }  # fmt: skip


def read(source: bytes) -> ir.Node:
    """A JavaScript source as statements."""
    return _Reader(source).lower(parser("tree_sitter_javascript").parse(source).root_node)


Named = Mapping[str, Value]


def _module(machine: Machine, args: list[Value], named: Named) -> Value:
    return Thing(str(args[0]).removeprefix("node:")) if isinstance(args[0], str) else UNKNOWN


def _object(machine: Machine, args: list[Value], named: Named) -> Value:
    return Thing(str(args[0]).lower().removesuffix(".1"), origins(args)) if isinstance(args[0], str) else UNKNOWN


def _buffer(machine: Machine, args: list[Value], named: Named) -> Value:
    encoding = str(args[1]).lower() if len(args) > 1 else ""
    if encoding.startswith("base64"):
        return decoding.from_base64(args[0])
    if encoding == "hex":
        return decoding.from_hex(args[0])
    data = decoding.as_bytes(args[0])
    return Blob(data, origins(args[0])) if data is not None else Thing("", origins(args))


def _parse_int(machine: Machine, args: list[Value], named: Named) -> Value:
    if isinstance(args[0], int):
        return args[0]
    base = args[1] if len(args) > 1 and isinstance(args[1], int) else 0
    text = args[0].strip().lower()
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"[: base or 10]
    if text.startswith("0x") and base in {0, 16}:
        return int(re.match(r"0x[0-9a-f]+", text)[0], 16)  # type: ignore[index]
    found = re.match(rf"-?[{digits}]+", text)
    return int(found[0], base or 10) if found else UNKNOWN


def _code(machine: Machine, args: list[Value], named: Named) -> Value:
    """`Function(..., "body")`: calling what it gives back runs the body, which is written down already."""
    return Thing("function()", origins(args))


def _latin(machine: Machine, args: list[Value], named: Named) -> Value:
    return decoding.as_text(decoding.from_base64(args[0]), "latin-1")


_FUNCTIONS: dict[str, Any] = {
    "require": _module, "activexobject": _object, "wscript.createobject": _object, "getobject": _object,
    "atob": _latin, "window.atob": _latin, "unescape": lambda m, a, n: decoding.url_decoded(a[0]),
    "decodeuri": lambda m, a, n: decoding.url_decoded(a[0]), "decodeuricomponent": lambda m, a, n: decoding.url_decoded(a[0]),
    "string.fromcharcode": lambda m, a, n: decoding.characters(a if not (len(a) == 1 and isinstance(a[0], list)) else a[0]),
    "string.fromcodepoint": lambda m, a, n: decoding.characters(a), "parseint": _parse_int, "number.parseint": _parse_int,
    "number": lambda m, a, n: operators.number(a[0]), "parsefloat": lambda m, a, n: operators.number(a[0]),
    "string": lambda m, a, n: operators.to_text(a[0], "javascript"), "buffer.from": _buffer, "buffer": _buffer,
    "math.floor": lambda m, a, n: int(a[0] // 1), "math.abs": lambda m, a, n: abs(a[0]), "math.min": lambda m, a, n: min(a),
    "math.max": lambda m, a, n: max(a), "array": lambda m, a, n: [None] * a[0] if len(a) == 1 and isinstance(a[0], int) and a[0] < 65536 else a,
    "array.from": lambda m, a, n: m.dialect.methods["map"](m, m.items(a[0]), a[1:], {}) if len(a) > 1 else m.items(a[0]),
    "uint8array": lambda m, a, n: a[0] if isinstance(a[0], list | bytes) else [0] * a[0] if a[0] < 65536 else UNKNOWN,
    "uint8array.from": lambda m, a, n: a[0] if len(a) == 1 else m.dialect.methods["map"](m, a[0], a[1:], {}),
    "blob": lambda m, a, n: {"blob": a[0], "type": a[1].get("type", "") if len(a) > 1 and isinstance(a[1], dict) else ""},
    "file": lambda m, a, n: {"blob": a[0], "type": "", "name": a[1]}, "function": _code, "object.keys": lambda m, a, n: list(a[0]),
    "zlib.gunzipsync": lambda m, a, n: decoding.inflated(a[0]), "zlib.inflatesync": lambda m, a, n: decoding.inflated(a[0]),
    "zlib.inflaterawsync": lambda m, a, n: decoding.inflated(a[0]), "textdecoder": lambda m, a, n: Thing("textdecoder"),
    "textdecoder().decode": lambda m, a, n: decoding.as_text(a[0]), "textdecoder.decode": lambda m, a, n: decoding.as_text(a[0]),
    "regexp": lambda m, a, n: {"pattern": a[0], "flags": a[1] if len(a) > 1 else ""} if isinstance(a[0], str) else UNKNOWN,
    "date": lambda m, a, n: Thing("date"), "json.parse": lambda m, a, n: Thing("", origins(a[0])),
}  # fmt: skip

DIALECT = Dialect(
    name="javascript",
    functions=_FUNCTIONS,
    methods=methods.COMMON,
    sources={
        "fetch()": "net", "msxml2.xmlhttp.responsetext": "net", "msxml2.xmlhttp.responsebody": "net",
        "microsoft.xmlhttp.responsetext": "net", "microsoft.xmlhttp.responsebody": "net",
        "msxml2.serverxmlhttp.responsetext": "net", "msxml2.serverxmlhttp.responsebody": "net",
        "winhttp.winhttprequest.5.responsetext": "net", "winhttp.winhttprequest.5.responsebody": "net",
        "http.get()": "net", "https.get()": "net", "axios.get()": "net", "got()": "net", "request()": "net",
        "process.env": "environment", "location.hash": "input", "location.search": "input",
        "xmlhttprequest().responsetext": "net", "xmlhttprequest().response": "net",
    },
)  # fmt: skip
