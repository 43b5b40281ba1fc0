"""Shell scripts (sh, bash and their like): reading and folding."""

# ruff: noqa: ARG001, ARG005, E501  a row of a table is one line; all functions of a table take the same

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import tree_sitter

from lazaretto.analysis.scripting import decoding, ir, methods, operators
from lazaretto.analysis.scripting.interpreter import Dialect, Machine
from lazaretto.analysis.scripting.lowering import Handler, Lowering, parser, span
from lazaretto.analysis.scripting.values import HOLE, NOWHERE, Text, Thing, Value, marked, origins

_ANSI = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|0?([0-7]{1,3})|(.))", re.DOTALL)
_PLAIN = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "f": "\f",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
}


def escaped(text: str) -> Value:
    """What `printf`, `echo -e` and $'...' make of backslashes."""
    if "\\" not in text:
        return text

    def put(found: re.Match[str]) -> str:
        if code := found[1] or found[2]:
            return chr(int(code, 16))
        return chr(int(found[3], 8) & 255) if found[3] else _PLAIN.get(found[4], found[0])

    codes = len(re.findall(r"\\(?:x[0-9a-fA-F]|u|0?[0-7]{2})", text))
    made = _ANSI.sub(put, text)
    return Text(made, origins(text) | {"hex"}) if codes > 3 or codes * 4 >= len(text) else made


class _Reader(Lowering):
    def word(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Const(re.sub(r"\\(\r?\n)?(.?)", r"\2", self.text(node), flags=re.DOTALL))

    def raw(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Const(self.text(node)[1:-1])

    def ansi(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Const(escaped(self.text(node)[2:-1]))

    def string(self, node: tree_sitter.Node) -> ir.Node:
        parts: list[ir.Node] = []
        at = node.start_byte + 1
        for child in node.named_children:
            # The grammar leaves blanks between expansions out of the content.
            if (
                child.start_byte > at
                and (between := self.source[at : child.start_byte].decode("utf-8", "replace")).isspace()
            ):
                parts.append(ir.Const(between))
            at = child.end_byte
            if child.type == "string_content":
                parts.append(ir.Const(re.sub(r"\\([\\\"$`\n])", r"\1", self.text(child))))
            else:
                parts.append(self.lower(child))
        if all(isinstance(part, ir.Const) for part in parts):
            return ir.Const("".join(str(part.value) for part in parts if isinstance(part, ir.Const)))
        return ir.Join(parts, span(node))

    def concatenation(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Join(self.all(node.named_children), span(node))

    def expansion(self, node: tree_sitter.Node) -> ir.Node:
        """`$x`, `${x}`, `${x:1:2}`, `${x/a/b}`, `${x:-y}`, `${!x}`."""
        text = self.text(node)
        if node.type == "simple_expansion":
            return ir.Name(text[1:])
        found = re.match(r"\$\{(!?)(\w+)(.*)\}$", text, re.DOTALL)
        if found is None:
            return ir.Name("?")
        of: ir.Node = ir.Name(found[2])
        rest = found[3]
        if piece := re.match(r":\s*\(?(-?\d+)\)?(?::(-?\d+))?$", rest):
            start, length = int(piece[1]), int(piece[2]) if piece[2] else None
            stop = None if length is None else start + length if length >= 0 else length
            return ir.Slice(of, ir.Const(start), ir.Const(stop if stop != 0 or start >= 0 else None), None)
        if changed := re.match(r"(//?)((?:\\.|[^/])+)(?:/(.*))?$", rest, re.DOTALL):
            return ir.Call(
                ir.Name("?replace"),
                [of, ir.Const(changed[2].replace("\\", "")), ir.Const(changed[3] or ""), ir.Const(changed[1] == "//")],
            )
        if rest.startswith((":-", "-", ":=", "=")):
            return ir.Call(ir.Name("?default"), [of, *self.all(node.named_children[1:])])
        return ir.Call(ir.Name("?expand"), [of]) if found[1] or rest else of

    def substitution(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Output(ir.Block(self.all(node.named_children)))

    def assign(self, node: tree_sitter.Node) -> ir.Node:
        name = node.child_by_field_name("name")
        value = node.child_by_field_name("value")
        text = self.text(name)
        if name is not None and name.type == "subscript":
            text = text.partition("[")[0]
        op = "concat" if "+=" in self.text(node)[len(text) : len(text) + 3] else ""
        return ir.Assign(ir.Name(text), op, self.lower(value) if value is not None else ir.Const(""), span(node))

    def array(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Items(self.all(node.named_children))

    def command(self, node: tree_sitter.Node) -> ir.Node:
        words: list[ir.Node] = []
        targets: list[tuple[str, ir.Node]] = []
        before: list[ir.Node] = []
        for child in node.named_children:
            if child.type == "command_name":
                words.append(self.children(child))
            elif child.type == "variable_assignment":
                before.append(self.lower(child))
            elif child.type.endswith("redirect"):
                targets += self._redirect(child)
            else:
                words.append(self.lower(child))
        made = ir.Command(words, targets, span(node))
        return ir.Block([*before, made]) if before and not words else made

    def _redirect(self, node: tree_sitter.Node) -> list[tuple[str, ir.Node]]:
        if node.type == "heredoc_redirect":
            made = []
            for child in node.named_children:
                if child.type == "heredoc_body":
                    made.append(("<<", self._heredoc(child)))
                elif child.type.endswith("redirect"):
                    made += self._redirect(child)
                elif child.type in {"pipeline", "command"}:
                    made.append(("|", self.lower(child)))
            return made
        how = "".join(child.type for child in node.children if not child.is_named)
        if node.type == "herestring_redirect":
            return [("<<<", self.lower(node.named_children[-1]))]
        return [(how, self.lower(one)) for one in node.children_by_field_name("destination")]

    def _heredoc(self, node: tree_sitter.Node) -> ir.Node:
        parts: list[ir.Node] = []
        at = node.start_byte
        for child in node.named_children:
            if child.type == "heredoc_content":
                continue
            parts += [ir.Const(self.source[at : child.start_byte].decode("utf-8", "replace")), self.lower(child)]
            at = child.end_byte
        parts.append(ir.Const(self.source[at : node.end_byte].decode("utf-8", "replace")))
        return ir.Join(parts)

    def redirected(self, node: tree_sitter.Node) -> ir.Node:
        body = self.field(node, "body")
        targets = [
            target for one in node.named_children if one.type.endswith("redirect") for target in self._redirect(one)
        ]
        after = [target for how, target in targets if how == "|"]
        targets = [pair for pair in targets if pair[0] != "|"]
        last = body
        if isinstance(body, ir.Pipe) and body.stages:
            last = body.stages[0] if any(how in {"<<", "<<<", "<"} for how, _ in targets) else body.stages[-1]
        if isinstance(last, ir.Command):
            last.targets += targets
        else:
            body = ir.Pipe([body, ir.Command([ir.Const("cat")], targets, span(node))])
        return ir.Pipe([body, *after]) if after else body

    def pipe(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Pipe(self.all(node.named_children), span(node))

    def declaration(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Block([self.lower(one) for one in node.named_children if one.type == "variable_assignment"])

    def condition(self, node: tree_sitter.Node) -> ir.Node:
        inside = [one for one in node.named_children if one.type != "comment"]
        tests = self.all(inside[:1])
        rest = inside[1:]
        others = [one for one in rest if one.type in {"elif_clause", "else_clause"}]
        made: ir.Node | None = None
        for one in reversed(others):
            made = (
                ir.Block(self.all(one.named_children))
                if one.type == "else_clause"
                else ir.If(ir.Name("?test"), ir.Block(self.all(one.named_children)), made)
            )
        then = ir.Block(self.all([one for one in rest if one not in others]))
        return ir.Block([*tests, ir.If(ir.Name("?test"), then, made)])

    def for_each(self, node: tree_sitter.Node) -> ir.Node:
        over = ir.Items([self.lower(one) for one in node.children_by_field_name("value")])
        return ir.ForEach([self.text(node.child_by_field_name("variable"))], over, self.field(node, "body"))

    def while_loop(self, node: tree_sitter.Node) -> ir.Node:
        test = node.child_by_field_name("condition")
        forever = self.text(test).strip() in {"true", ":"}
        return ir.Block(
            [
                self.lower(test),
                ir.Loop(
                    ir.Const(True) if forever else ir.Name("?test"), ir.Block([self.field(node, "body"), ir.Jump()])
                ),
            ]
        )

    def function(self, node: tree_sitter.Node) -> ir.Node:
        name = self.text(node.child_by_field_name("name"))
        return ir.Assign(ir.Name(name), "", ir.Function([], self.field(node, "body"), name))

    def test(self, node: tree_sitter.Node) -> ir.Node:
        return ir.Command(
            [ir.Const("test"), *(ir.Const(word) for word in self.text(node).strip("[]").split()[:12])], [], span(node)
        )

    HANDLERS: ClassVar[Mapping[str, Handler]] = {
        "word": word, "raw_string": raw, "ansi_c_string": ansi, "string": string, "concatenation": concatenation,
        "number": word, "simple_expansion": expansion, "expansion": expansion, "command_substitution": substitution,
        "process_substitution": substitution, "variable_assignment": assign, "array": array, "command": command,
        "redirected_statement": redirected, "pipeline": pipe, "declaration_command": declaration,
        "if_statement": condition, "for_statement": for_each, "while_statement": while_loop,
        "function_definition": function, "test_command": test, "arithmetic_expansion": lambda s, n: ir.Name("?number"),
    }  # fmt: skip


def read(source: bytes) -> ir.Node:
    """A shell source as statements."""
    return _Reader(source).lower(parser("tree_sitter_bash").parse(source).root_node)


def program(name: str) -> str:
    """The name of a program without its folders."""
    return name.rpartition("/")[2]


_SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "ash"}
_BEFORE = {
    "sudo",
    "nohup",
    "exec",
    "command",
    "env",
    "time",
    "nice",
    "setsid",
    "busybox",
    "doas",
    "stdbuf",
    "timeout",
    "builtin",
}


def bare_command(name: str, args: list[Value] | tuple[Value, ...]) -> tuple[str, list[Value]]:
    """The command behind `sudo`, `nohup`, `env X=1` and the like."""
    words = [name, *args]
    for _ in range(6):
        if not words or program(operators.to_text(words[0])) not in _BEFORE:
            break
        words = words[1:]
        while (
            words and isinstance(words[0], str) and (words[0].startswith("-") or re.match(r"\w+=|\d+[smh]?$", words[0]))
        ):
            words = words[1:]
    return (program(operators.to_text(words[0])), words[1:]) if words else ("", [])


def _command(machine: Machine, name: str, args: list[Value], piped: Value) -> Value:
    """What a command writes."""
    name, args = bare_command(name, args)
    made = _COMMANDS.get(name)
    if made is not None:
        return made(args, piped)
    if name in {"read", "local", "export", "declare"}:
        return None
    where = origins(piped) | origins(args)
    if name in {"curl", "wget", "fetch", "lwp-request", "aria2c"}:
        where |= {"net"}
    return Thing(f"{name}()", where)


def _words(args: list[Value]) -> list[str]:
    return [operators.to_text(one) for one in args]


def _echo(args: list[Value], piped: Value) -> Value:
    words = list(args)
    escapes = False
    while words and isinstance(words[0], str) and re.fullmatch(r"-[neE]+", words[0]):
        escapes |= "e" in words.pop(0)
    text = operators.joined(words, " ", "shell")
    return marked(escaped(text), *origins(text)) if escapes else text


def _printf(args: list[Value], piped: Value) -> Value:
    if args and isinstance(args[0], str) and args[0] == "--":
        args = args[1:]
    if not args:
        return ""
    pattern = escaped(operators.to_text(args[0]))
    given = [escaped(one) if isinstance(one, str) else one for one in args[1:]]
    made = operators.binary("%", re.sub(r"%b", "%s", pattern), given, "python")
    return marked(made, *origins(pattern), *origins(given))


def _base64(args: list[Value], piped: Value) -> Value:
    if any(re.fullmatch(r"-\w*[dD]\w*|--decode", word) for word in _words(args)):
        return decoding.as_text(decoding.from_base64(piped))
    return Thing("", origins(piped))


def _openssl(args: list[Value], piped: Value) -> Value:
    words = _words(args)
    if {"-d", "-base64"} <= set(words) or {"base64", "-d"} <= set(words):
        return decoding.as_text(decoding.from_base64(piped))
    return Thing("", origins(piped) | ({"encrypted"} if "-d" in words else NOWHERE))


def _xxd(args: list[Value], piped: Value) -> Value:
    return (
        decoding.as_text(decoding.from_hex(piped))
        if any("r" in word for word in _words(args) if word.startswith("-"))
        else Thing("", origins(piped))
    )


def _gunzip(args: list[Value], piped: Value) -> Value:
    if isinstance(piped, str):
        piped = Text(piped, origins(piped)).encode("latin-1", "replace")
    return decoding.as_text(decoding.inflated(piped))


def _tr(args: list[Value], piped: Value) -> Value:
    words = _words(args)
    if not isinstance(piped, str):
        return Thing("", origins(piped))
    if words[:1] == ["-d"] and len(words) == 2:
        return marked("".join(c for c in piped if c not in set(_set(words[1]))), *origins(piped), "replaced")
    if len(words) == 2:
        first, second = _set(words[0]), _set(words[1])
        second += second[-1:] * (len(first) - len(second))
        made = piped.translate(str.maketrans(first, second[: len(first)]))
        return marked(made, *origins(piped), "rotated") if made != piped else piped
    return piped


def _set(text: str) -> str:
    text = re.sub(
        r"(.)-(.)", lambda m: "".join(chr(c) for c in range(ord(m[1]), min(ord(m[2]), ord(m[1]) + 255) + 1)), text
    )
    return operators.to_text(escaped(text))


def _sed(args: list[Value], piped: Value) -> Value:
    words = [word for word in _words(args) if not word.startswith("-")]
    found = re.match(r"s(.)(.*?)\1(.*?)\1(g?)$", words[0]) if words else None
    if found is None or not isinstance(piped, str):
        return Thing("", origins(piped))
    return methods.substituted(piped, {"pattern": found[2], "flags": found[4]}, found[3])


def _shell_c(args: list[Value], piped: Value) -> Value:
    return Thing("", origins(args) | origins(piped))


_COMMANDS: dict[str, Any] = {
    "echo": _echo, "printf": _printf, "base64": _base64, "openssl": _openssl, "xxd": _xxd, "tr": _tr, "sed": _sed,
    "rev": lambda a, p: decoding.reversed_text(p), "cat": lambda a, p: p if p is not None else Thing("cat()", frozenset({"file"})),
    "gunzip": _gunzip, "zcat": _gunzip, "gzip": _gunzip, "tee": lambda a, p: p, "true": lambda a, p: None, ":": lambda a, p: None,
    **dict.fromkeys(_SHELLS, _shell_c), "mktemp": lambda a, p: "/tmp/tmp.file", "base32": lambda a, p: Thing("", origins(p) | {"base64"}),  # noqa: S108
    "pwd": lambda a, p: Thing("pwd()"), "test": lambda a, p: None, "[": lambda a, p: None, "cd": lambda a, p: None,
}  # fmt: skip


def _replace(machine: Machine, args: list[Value], named: Mapping[str, Value]) -> Value:
    return methods.substituted(args[0], args[1], args[2], once=not args[3])


DIALECT = Dialect(
    name="shell",
    functions={"?replace": _replace, "?default": lambda m, a, n: a[0] if not isinstance(a[0], Thing) else a[-1]},
    methods=methods.COMMON,
    globals={"HOME": "/home/user", "TMPDIR": "/tmp", "PATH": "/usr/bin:/bin", "SHELL": "/bin/bash", "IFS": " "},  # noqa: S108
    command=_command,
)

__all__ = ["DIALECT", "HOLE", "bare_command", "escaped", "program", "read"]
