"""Python, 2 and 3: reading and folding."""

# ruff: noqa: ARG001, ARG005, E501  a row of a table is one line; all functions of a table take the same

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import tree_sitter

from lazaretto.analysis.scripting import decoding, ir, methods, operators
from lazaretto.analysis.scripting.interpreter import Dialect, Machine
from lazaretto.analysis.scripting.lowering import Handler, Lowering, operator, parser, span
from lazaretto.analysis.scripting.values import UNKNOWN, Blob, Thing, Value, marked, origins

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|(\r\n|.))", re.DOTALL)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "\n": "", "\r\n": "", "\\": "\\",
          "'": "'", '"': '"'}  # fmt: skip


def _unescaped(text: str) -> str:
    def put(found: re.Match[str]) -> str:
        if code := found[1] or found[2] or found[3]:
            return chr(min(int(code, 16), 0x10FFFF))
        if found[4]:
            return chr(int(found[4], 8))
        return _PLAIN.get(found[5], found[0])

    return _ESCAPE.sub(put, text) if "\\" in text else text


class _Reader(Lowering):
    def string(self, node: tree_sitter.Node) -> ir.Node:
        start = self.text(node.named_children[0]).lower() if node.named_children else "'"
        prefix = start.rstrip("'\"")
        parts: list[ir.Node] = []
        for child in node.named_children:
            if child.type == "string_content":
                text = self.text(child)
                parts.append(ir.Const(text if "r" in prefix else _unescaped(text)))
            elif child.type == "interpolation":
                parts.append(self.field(child, "expression"))
        if "b" in prefix:
            text = "".join(str(one.value) for one in parts if isinstance(one, ir.Const))
            return ir.Const(bytes(ord(c) & 255 for c in text))
        if len(parts) == 1 and isinstance(parts[0], ir.Const):
            return parts[0]
        return ir.Join(parts, span(node)) if parts else ir.Const("")

    def concatenated(self, node: tree_sitter.Node) -> ir.Node:
        parts = self.all(node.named_children)
        if parts and all(isinstance(one, ir.Const) and isinstance(one.value, bytes) for one in parts):
            return ir.Const(b"".join(one.value for one in parts if isinstance(one, ir.Const)))
        return ir.Join(parts)

    def number(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Const(operators.number(self.text(node).replace("_", "").rstrip("lL")))

    def name(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Name(self.text(node))

    def attribute(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Member(
            self.field(node, "object"), ir.Const(self.text(node.child_by_field_name("attribute"))), span(node)
        )

    def subscript(self, node: tree_sitter.Node) -> ir.Node:
        index = node.child_by_field_name("subscript")
        of = self.field(node, "value")
        if index is not None and index.type == "slice":
            places: list[ir.Node | None] = [None]
            for child in index.children:
                if child.type == ":":
                    places.append(None)
                else:
                    places[-1] = self.lower(child)
            start, stop, step = (*places, None, None)[:3]
            return ir.Slice(of, start, stop, step)
        return ir.Member(of, self.lower(index), span(node))

    def binary(self, node: tree_sitter.Node) -> ir.Node:
        names = {"and": "&&", "or": "||"}
        return self.chain(
            node, frozenset({"binary_operator", "boolean_operator"}), lambda n: names.get(operator(n), operator(n))
        )

    def compare(self, node: tree_sitter.Node) -> ir.Node:
        inside = self.all(node.named_children)
        op = self.text(node.child_by_field_name("operators"))
        op = {"is": "==", "is not": "!="}.get(op, op)
        return ir.Binary(op, inside[0], inside[1]) if len(inside) == 2 else ir.Block(inside)

    def unary(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Unary(operator(node), self.field(node, "argument"))

    def negated(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Unary("!", self.field(node, "argument"))

    def call(self, node: tree_sitter.Node) -> ir.Node:
        given: list[ir.Node] = []
        named: dict[str, ir.Node] = {}
        arguments = node.child_by_field_name("arguments")
        if arguments is not None and arguments.type == "generator_expression":
            given.append(self.lower(arguments))
        elif arguments is not None:
            for one in arguments.named_children:
                if one.type == "keyword_argument":
                    named[self.text(one.child_by_field_name("name"))] = self.field(one, "value")
                elif one.type != "comment":
                    given.append(self.lower(one))
        return ir.Call(self.field(node, "function"), given, named, span(node))

    def assign(self, node: tree_sitter.Node) -> ir.Node:
        right = node.child_by_field_name("right")
        if right is None:
            return ir.NOTHING
        op = self.text(node.child_by_field_name("operator")).rstrip("=") if node.type == "augmented_assignment" else ""
        return ir.Assign(self.field(node, "left"), op, self.lower(right), span(node))

    def items(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Items(self.all(node.named_children))

    def table(self, node: tree_sitter.Node) -> ir.Node:
        pairs = [
            (self.field(one, "key"), self.field(one, "value")) for one in node.named_children if one.type == "pair"
        ]
        return ir.Table(pairs)

    def comprehension(self, node: tree_sitter.Node) -> ir.Node:
        body = self.field(node, "body")
        made = body
        for clause in reversed([one for one in node.named_children if one.type == "for_in_clause"]):
            names = re.findall(r"\w+", self.text(clause.child_by_field_name("left")))
            tests = [self.children(one) for one in node.named_children if one.type == "if_clause"]
            made = ir.Each(made, names, self.field(clause, "right"), tests[0] if tests else None)
        return made

    def function(self, node: tree_sitter.Node) -> ir.Node:
        listed = node.child_by_field_name("parameters")
        names = []
        for one in listed.named_children if listed is not None else []:
            found = re.match(r"\w+", self.text(one))
            names.append(found[0] if found else "")
        body = self.field(node, "body")
        if node.type == "lambda":
            return ir.Function(names, ir.Return(body))
        name = self.text(node.child_by_field_name("name"))
        return ir.Assign(ir.Name(name), "", ir.Function(names, body, name))

    def class_(self, node: tree_sitter.Node) -> ir.Node:
        """A class: its body is walked where it stands; its functions keep their class's name before their own."""
        name = self.text(node.child_by_field_name("name"))
        body = self.field(node, "body")
        for one in body.body if isinstance(body, ir.Block) else [body]:
            if isinstance(one, ir.Assign) and isinstance(one.value, ir.Function):
                one.value.name = f"{name}.{one.value.name}"
                one.target = ir.Name(one.value.name)
        bases = node.child_by_field_name("superclasses")
        return ir.Block([*(self.all(bases.named_children) if bases is not None else []), body])

    def condition(self, node: tree_sitter.Node) -> ir.Node:
        others = [child for child in node.named_children if child.type in {"elif_clause", "else_clause"}]
        made: ir.Node | None = None
        for one in reversed(others):
            if one.type == "else_clause":
                made = self.field(one, "body")
            else:
                made = ir.If(self.field(one, "condition"), self.field(one, "consequence"), made)
        return ir.If(self.field(node, "condition"), self.field(node, "consequence"), made)

    def ternary(self, node: tree_sitter.Node) -> ir.Node:
        then, test, other = (*self.all(node.named_children), ir.NOTHING, ir.NOTHING)[:3]
        return ir.Cond(test, then, other)

    def for_loop(self, node: tree_sitter.Node) -> ir.Node:
        names = re.findall(r"\w+", self.text(node.child_by_field_name("left")))
        return ir.ForEach(names, self.field(node, "right"), self.field(node, "body"))

    def while_loop(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Loop(self.field(node, "condition"), self.field(node, "body"))

    def give(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Return(self.children(node) if node.named_child_count else None)

    def leave(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Jump(node.type == "continue_statement")

    def imported(self, node: tree_sitter.Node) -> ir.Node:
        """`import a.b`, `import a as b`, `from m import a as b`: names of things of those modules."""
        module = node.child_by_field_name("module_name")
        before = f"{self.text(module)}." if module is not None else ""
        binds: list[ir.Node] = []
        for one in node.children_by_field_name("name"):
            name = self.text(one.child_by_field_name("name") if one.type == "aliased_import" else one)
            as_ = self.text(one.child_by_field_name("alias")) if one.type == "aliased_import" else ""
            if as_ or before:
                binds.append(ir.Assign(ir.Name(as_ or name), "", ir.Const(Thing(f"{before}{name}"))))
        return ir.Block(binds)

    def exec_statement(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Call(ir.Name("exec"), self.all(node.named_children)[:1], {}, span(node))

    def with_(self, node: tree_sitter.Node) -> ir.Node:
        return self.children(node)

    def as_pattern(self, node: tree_sitter.Node) -> ir.Node:
        """`open(...) as f`."""
        alias = node.child_by_field_name("alias")
        value = self.lower(node.named_children[0]) if node.named_children else ir.NOTHING
        return ir.Assign(ir.Name(self.text(alias)), "", value) if alias is not None else value

    HANDLERS: ClassVar[Mapping[str, Handler]] = {
        "string": string, "concatenated_string": concatenated, "integer": number, "float": number, "identifier": name,
        "attribute": attribute, "subscript": subscript, "binary_operator": binary, "boolean_operator": binary,
        "comparison_operator": compare, "unary_operator": unary, "not_operator": negated, "call": call,
        "assignment": assign, "augmented_assignment": assign, "named_expression": assign, "list": items, "tuple": items,
        "set": items, "expression_list": items, "pattern_list": items, "tuple_pattern": items, "dictionary": table,
        "list_comprehension": comprehension, "generator_expression": comprehension, "set_comprehension": comprehension,
        "lambda": function, "function_definition": function, "class_definition": class_, "if_statement": condition,
        "conditional_expression": ternary, "for_statement": for_loop, "while_statement": while_loop,
        "return_statement": give, "break_statement": leave, "continue_statement": leave, "import_statement": imported,
        "import_from_statement": imported, "exec_statement": exec_statement, "with_item": with_, "as_pattern": as_pattern,
        "true": lambda s, n: ir.Const(True), "false": lambda s, n: ir.Const(False), "none": lambda s, n: ir.NOTHING,
        "type": lambda s, n: ir.NOTHING,
    }  # fmt: skip


def read(source: bytes) -> ir.Node:
    """A Python source as statements."""
    return _Reader(source).lower(parser("tree_sitter_python").parse(source).root_node)


Named = Mapping[str, Value]


def _import(machine: Machine, args: list[Value], named: Named) -> Value:
    return Thing(str(args[0])) if isinstance(args[0], str) else UNKNOWN


def _getattr(machine: Machine, args: list[Value], named: Named) -> Value:
    owner, key = args[0], args[1]
    if isinstance(owner, Thing):
        path = owner.path.removeprefix("builtins.").removeprefix("__builtins__.")
        return Thing(f"{path}.{key}" if path not in {"builtins", "__builtins__"} else str(key))
    return UNKNOWN


def _compile(machine: Machine, args: list[Value], named: Named) -> Value:
    return args[0]


def _range(machine: Machine, args: list[Value], named: Named) -> Value:
    return list(range(*args)) if all(isinstance(one, int) for one in args) and len(range(*args)) <= 65536 else UNKNOWN


def _to_bytes(machine: Machine, args: list[Value], named: Named) -> Value:
    if not args:
        return b""
    if isinstance(args[0], int):
        return bytes(args[0]) if 0 <= args[0] < 1 << 16 else UNKNOWN
    made = decoding.as_bytes(args[0])
    return Blob(made, origins(args[0])) if made is not None else Thing("", origins(args))


def _int(machine: Machine, args: list[Value], named: Named) -> Value:
    base = args[1] if len(args) > 1 and isinstance(args[1], int) else 10
    return int(args[0], base) if isinstance(args[0], str) else int(args[0])


def _map(machine: Machine, args: list[Value], named: Named) -> Value:
    made = []
    for one in machine.items(args[1])[:20_000]:
        machine.fuel -= 1
        if machine.fuel <= 0:
            return Thing("", origins(args))
        made.append(machine.call(args[0], [one], {}, (0, 0)))
    return made


def _str(machine: Machine, args: list[Value], named: Named) -> Value:
    return decoding.as_text(args[0]) if isinstance(args[0], bytes) else operators.to_text(args[0], "python")


def _codecs(machine: Machine, args: list[Value], named: Named) -> Value:
    return methods.COMMON["decode"](machine, args[0], args[1:], named)


def _opened(machine: Machine, args: list[Value], named: Named) -> Value:
    own = isinstance(args[0], Thing) and args[0].path == "__file__"
    return Thing("open()", origins(args[0]) | {"self" if own else "file"})


def _marshalled(machine: Machine, args: list[Value], named: Named) -> Value:
    """Never unmarshalled here: what comes out is code all the same."""
    return Thing("marshal.loads()", origins(args[0]) | {"marshal"})


_B64 = ("base64.b64decode", "base64.urlsafe_b64decode", "base64.standard_b64decode", "base64.decodebytes",
        "base64.decodestring", "binascii.a2b_base64")  # fmt: skip
_FUNCTIONS: dict[str, Any] = {
    **dict.fromkeys(_B64, lambda m, a, n: decoding.from_base64(a[0])),
    **dict.fromkeys(("binascii.unhexlify", "binascii.a2b_hex", "bytes.fromhex", "bytearray.fromhex", "base64.b16decode"),
                    lambda m, a, n: decoding.from_hex(a[0])),
    **dict.fromkeys(("zlib.decompress", "gzip.decompress"), lambda m, a, n: decoding.inflated(a[0])),
    "base64.b85decode": lambda m, a, n: decoding.decoded(a[0], "base64", __import__("base64").b85decode),
    "base64.a85decode": lambda m, a, n: decoding.decoded(a[0], "base64", __import__("base64").a85decode),
    "base64.b32decode": lambda m, a, n: decoding.decoded(a[0], "base64", __import__("base64").b32decode),
    "bz2.decompress": lambda m, a, n: decoding.bunzipped(a[0]), "lzma.decompress": lambda m, a, n: decoding.unlzma(a[0]),
    "codecs.decode": _codecs, "marshal.loads": _marshalled, "__import__": _import, "importlib.import_module": _import,
    "getattr": _getattr, "compile": _compile, "builtins.compile": _compile, "range": _range, "xrange": _range,
    "chr": lambda m, a, n: decoding.characters(a), "unichr": lambda m, a, n: decoding.characters(a),
    "ord": lambda m, a, n: ord(a[0]) if isinstance(a[0], str) else a[0][0], "int": _int, "str": _str, "bytes": _to_bytes,
    "bytearray": _to_bytes, "list": lambda m, a, n: m.items(a[0]) if not isinstance(a[0], Thing) else UNKNOWN,
    "tuple": lambda m, a, n: m.items(a[0]) if not isinstance(a[0], Thing) else UNKNOWN, "len": lambda m, a, n: len(a[0]),
    "map": _map, "reversed": lambda m, a, n: [marked(one, "reversed") for one in m.items(a[0])[::-1]] if not isinstance(a[0], Thing) else a[0],
    "zip": lambda m, a, n: [list(pair) for pair in zip(*(m.items(one) for one in a), strict=False)] if not any(isinstance(one, Thing) for one in a) else UNKNOWN,
    "enumerate": lambda m, a, n: [[place, one] for place, one in enumerate(m.items(a[0]))] if not isinstance(a[0], Thing) else UNKNOWN,
    "itertools.cycle": lambda m, a, n: m.items(a[0]) * (65536 // max(1, len(m.items(a[0])))), "sum": lambda m, a, n: sum(a[0]),
    "abs": lambda m, a, n: abs(a[0]), "sorted": lambda m, a, n: sorted(a[0]), "urllib.parse.unquote": lambda m, a, n: decoding.url_decoded(a[0]),
    "open": _opened, "io.open": _opened,
    "os.path.join": lambda m, a, n: operators.joined(a, "/"), "os.path.expanduser": lambda m, a, n: a[0],
    "os.path.expandvars": lambda m, a, n: a[0], "pathlib.path": lambda m, a, n: a[0], "str.join": lambda m, a, n: operators.joined(list(a[1]), a[0]),
    "tempfile.gettempdir": lambda m, a, n: "/tmp", "io.bytesio": lambda m, a, n: a[0], "io.stringio": lambda m, a, n: a[0],  # noqa: S108
    "constant os.sep": lambda m, a, n: "/", "types.functiontype": lambda m, a, n: Thing("types.functiontype", origins(a) | {"code"}),
}  # fmt: skip

DIALECT = Dialect(
    name="python",
    functions=_FUNCTIONS,
    methods=methods.COMMON,
    sources={
        **dict.fromkeys(
            ("urllib.request.urlopen()", "urllib2.urlopen()", "urllib.urlopen()", "requests.get()", "requests.post()",
             "requests.request()", "http.client.httpsconnection()", "http.client.httpconnection()", "httpx.get()",
             "aiohttp.clientsession()", "urllib3.poolmanager()", "socket.socket()", "requests.session()"), "net"),
        **dict.fromkeys(("os.environ", "os.getenv()", "os.environ.copy()", "os.environ.get()"), "environment"),
        "sys.argv": "argument", "input()": "argument",
    },
)  # fmt: skip
