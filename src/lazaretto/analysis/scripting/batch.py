"""Batch files and Windows command lines: expanded and parted as cmd.exe does it. The reader is our own.

A line is expanded (`%x%`, `%x:~1,2%`, `%x:a=b%`, `!x!`), carets are taken away, then it is parted at `&`, `|` and
brackets. `set` binds, `for` over a plain list is turned, every branch is walked. `goto` is not followed: every line is
seen once, in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lazaretto.analysis.scripting import environment, operators
from lazaretto.analysis.scripting.interpreter import Dialect, Machine, Made
from lazaretto.analysis.scripting.values import HOLE, Text, Value

MOST_LINES = 20_000
MOST_CHARACTERS = 4 << 20  # of all lines after they were expanded
MOST_LENGTH = 32_768  # characters of a line; cmd.exe itself takes 8,191
_MOST_TURNS = 200
_DEEPEST = 12
_VARIABLE = r"([^%!:=\s][^%!:=]{0,200}?)(?::~\s*(-?\d+)\s*(?:,\s*(-?\d+))?|:([^%!=]{1,100})=([^%!]{0,100}))?"
_PERCENT = re.compile(rf"%(?:%|([0-9*])|~[a-z$:]*([0-9])|{_VARIABLE}%)", re.IGNORECASE)
_DELAYED = re.compile(rf"!{_VARIABLE}!")
_IF = re.compile(
    r"if\s+(?:/i\s+)?(?:not\s+)?(?:exist\s+(?:\"[^\"]*\"|\S+)|defined\s+\S+|errorlevel\s+\d+|"
    r"(?:\"[^\"]*\"|[^\s\"=]\S*?)\s*(?:==|\s(?:equ|neq|lss|leq|gtr|geq)\s)\s*(?:\"[^\"]*\"|\S+))\s*",
    re.IGNORECASE,
)
_FOR = re.compile(
    r"for\s+(/[a-z](?:\s+\"[^\"]*\"|\s+[^%\s]\S*)?\s+)?(%{1,2}\w)\s+in\s*\((.*?)\)\s*do\s+(.*)",
    re.IGNORECASE | re.DOTALL,
)
DIALECT = Dialect(name="batch", folds_case=True)


class Runner:
    """Walks a batch file, writing every command down in the machine."""

    def __init__(self, machine: Machine, *, command_line: bool = False) -> None:
        self.machine = machine
        self.variables: dict[str, str] = dict(environment.WINDOWS)
        self.left = MOST_LINES
        self.characters = MOST_CHARACTERS
        self._command_line = command_line
        self.expansions = 0

    def run(self, source: str) -> None:
        """Every line in order."""
        at = 0
        for line in _lines(source):
            self.line(line, at)
            at += len(line) + 1

    def line(self, raw: str, at: int = 0, depth: int = 0) -> None:
        """One logical line: expanded and parted."""
        self.left -= 1
        if self.left < 0 or depth > _DEEPEST:
            return
        raw = raw[:MOST_LENGTH].strip().lstrip("@").strip()
        if not raw or raw.startswith(":") or re.match(r"rem\b", raw, re.IGNORECASE):
            return
        if raw.startswith("(") and raw.count("(") == raw.count(")"):
            raw = raw[1:-1] if raw.endswith(")") else raw
        if found := _FOR.match(_uncareted(raw)):
            self._for(found, at, depth)
            return
        whole = self.expand(raw)
        self.characters -= len(whole)
        if self.characters < 0:
            self.left = 0
            return
        for piece, join in _parted(whole):
            self._simple(piece, join, at, depth)

    def expand(self, text: str) -> str:
        """The variables put in."""
        if "%" in text:
            text = _PERCENT.sub(self._percent, text)
        if "!" in text and not self._command_line:
            text = _DELAYED.sub(lambda found: self._value(found[0], found.groups()), text)
        return text[:MOST_LENGTH]

    def _percent(self, found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        if found[1] or found[2]:
            return HOLE if (found[1] or found[2]) != "0" else r"C:\Users\user\Downloads\sample.bat"
        return self._value(found[0], found.groups()[2:])

    def _value(self, whole: str, parts: tuple[str | None, ...]) -> str:
        name, start, length, what, by = parts
        value = self.variables.get((name or "").lower())
        if value is None:
            return whole if self._command_line else HOLE if _plain_name(name or "") and whole.startswith("%") else ""
        self.expansions += 1
        if start is not None:
            first = int(start)
            last = None if length is None else (first if first >= 0 else len(value) + first) + int(length)
            if length is not None and int(length) < 0:
                last = int(length)
            return value[first:last]
        if what is not None:
            return re.sub(re.escape(what), (by or "").replace("\\", "\\\\"), value, flags=re.IGNORECASE)
        return value

    def _for(self, found: re.Match[str], at: int, depth: int) -> None:
        switch, name, over, body = (found[1] or "").strip().lower(), found[2].strip("%"), found[3], found[4]
        items: list[str] = [HOLE]
        if switch.startswith("/f"):
            inner = over.strip()
            if inner[:1] in {"'", "`"}:
                self.line(inner[1:-1], at, depth + 1)
            elif inner[:1] == '"':
                items = [self.expand(inner.strip('"'))]
        elif switch.startswith("/l"):
            numbers = [int(one) for one in re.findall(r"-?\d+", over)[:3]]
            if len(numbers) == 3 and numbers[1]:
                items = [
                    str(one)
                    for one in range(numbers[0], numbers[2] + (1 if numbers[1] > 0 else -1), numbers[1])[:_MOST_TURNS]
                ]
        elif not switch:
            items = self.expand(over).replace(",", " ").split()[:_MOST_TURNS] or items
        for item in items:
            once = re.sub(rf"%{{1,2}}(?:~[a-z$:]*)?{name}(?!\w*%)", lambda _: item, body)  # noqa: B023
            self.line(once, at, depth + 1)

    def _simple(self, piece: str, join: str, at: int, depth: int) -> None:
        piece = piece.strip().lstrip("@(").strip()
        for _ in range(4):
            if found := _IF.match(piece):
                piece = piece[found.end() :].lstrip("( ")
            elif found := re.match(r"\)?\s*else\s*(?:if\b)?\s*\(?", piece, re.IGNORECASE):
                piece = piece[found.end() :]
        if found := _FOR.match(piece):
            self._for(found, at, depth)
            return
        words, targets = _words(piece)
        if not words:
            return
        name = words[0].lower()
        if name == "set":
            self._set(piece[3:].strip())
            return
        if name == "call" and len(words) > 1 and not words[1].startswith(":"):
            self.line(" ".join(words[1:]), at, depth + 1)
            return
        if name == "echo" and len(words) == 2 and words[1].lower() in {"off", "on"}:
            return
        if name in {"setlocal", "endlocal", "echo.", "goto", "pause", "title", "color", "cls", "exit"}:
            return
        piped: Value = Text(HOLE) if join == "|" else None
        line = Text(piece)
        self.machine.calls.append(
            Made(name, tuple(words[1:]), {"line": line}, piped, tuple(targets), (at, at + len(piece)))
        )

    def _set(self, text: str) -> None:
        if found := re.match(r"/a\s+\"?(\w+)\s*([-+*/^&|]?)=\s*\"?\s*(.*?)\"?$", text, re.IGNORECASE):
            self.variables[found[1].lower()] = self._computed(found[1], found[2], found[3])
            return
        if re.match(r"/p\s", text, re.IGNORECASE):
            name, _, _ = text[3:].strip().strip('"').partition("=")
            self.variables[name.lower()] = HOLE
            return
        if text.startswith('"'):
            text = text[1:].rpartition('"')[0] or text[1:]
        name, equals, value = text.partition("=")
        if equals:
            self.variables[name.strip().lower() if name.strip() else name] = value[:MOST_LENGTH]

    def _computed(self, name: str, op: str, text: str) -> str:
        known = {key: value for key, value in self.variables.items() if re.fullmatch(r"-?\d+", value)}
        text = re.sub(r"[a-z_]\w*", lambda found: known.get(found[0].lower(), "0"), text, flags=re.IGNORECASE)
        found = re.fullmatch(r"\s*(-?\d{1,9})\s*(?:([-+*/^&|]|%)\s*(-?\d{1,9}))?\s*", text)
        if not found:
            return HOLE
        value = int(found[1]) if not found[2] else operators.binary(found[2], int(found[1]), int(found[3]), "batch")
        if op:
            value = operators.binary(op, operators.number(known.get(name.lower(), "0")), value, "batch")
        return str(int(value)) if isinstance(value, int | float) else HOLE


def _plain_name(name: str) -> bool:
    return bool(re.fullmatch(r"[\w()#$.\-]+", name))


def _uncareted(text: str) -> str:
    return re.sub(r"\^(.)", r"\1", text) if "^" in text else text


def _lines(source: str) -> Iterator[str]:
    """Logical lines: a caret at the end joins, an open bracket goes on until it is closed."""
    held = ""
    depth = 0
    for number, line in enumerate(source.replace("\r\n", "\n").replace("\r", "\n").split("\n")):
        if number > MOST_LINES:
            return
        if line.endswith("^"):
            held += line[:-1]
            continue
        whole, held = held + line, ""
        plain = re.sub(r'"[^"]*"|\^.', "", whole)
        if depth or re.search(r"\bdo\s*\(|\bif\b.*\(\s*$", plain, re.IGNORECASE):
            depth += plain.count("(") - plain.count(")")
            # A block is walked line by line; a `for` with a block keeps its first line as its whole body.
            depth = max(0, min(depth, 50))
        yield whole
    if held:
        yield held


def _parted(text: str) -> Iterator[tuple[str, str]]:
    """The commands of an expanded line, each with what stands before it. Quotes hide, carets escape."""
    piece: list[str] = []
    join = ""
    quoted = False
    opened = 0
    at = 0
    while at < len(text):
        char = text[at]
        if char == '"':
            quoted = not quoted
        if char == "^" and not quoted:
            piece.append(text[at + 1 : at + 2])
            at += 2
            continue
        if char in "&|" and not quoted and not (piece and piece[-1] == ">"):
            yield "".join(piece), join
            join = char * 2 if text[at : at + 2] == char * 2 else char
            at += len(join)
            piece = []
            continue
        if (
            char == "("
            and not quoted
            and (not (held := "".join(piece).strip()) or re.match(r"(?:if|else|for)\b", held, re.IGNORECASE))
        ):
            opened += 1
            char = " "
        if char == ")" and not quoted and opened:
            opened -= 1
            yield "".join(piece), join
            piece, join = [], ""
            at += 1
            continue
        piece.append(char)
        at += 1
    yield "".join(piece), join


def _words(piece: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Words without their quotes, and redirections."""
    words: list[str] = []
    targets: list[tuple[str, str]] = []
    how = ""
    for found in re.finditer(r'(\d?>{1,2}&?|<)|((?:"[^"]*"?|[^\s"<>])+)', piece):
        if found[1]:
            how = found[1].lstrip("0123456789")
            continue
        word = re.sub(r'"([^"]*)"?', r"\1", found[2])
        if how:
            targets.append((how, word))
            how = ""
        elif not words:
            # the name ends at a switch or separator that sticks to it: cmd/c, powershell;...
            if (
                cut := re.match(r"([\w.:\\ \ue000~-]+?)(/[a-z].*|[,;=].*)$", word, re.IGNORECASE)
                if '"' not in found[2]
                else None
            ):
                words += [cut[1], cut[2].lstrip(",;=")] if cut[2].lstrip(",;=") else [cut[1]]
            else:
                words.append(word)
        else:
            words.append(word)
    return [word for word in words if word.strip(",;= ")], targets


def run(machine: Machine, source: bytes, *, command_line: bool = False) -> None:
    """Folds a batch file, or one command line."""
    runner = Runner(machine, command_line=command_line)
    runner.run(source.decode("utf-8", "replace"))
