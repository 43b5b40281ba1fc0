"""The one way in: a source and its language in, everything that it and the code inside it would do out.

Layers are unfolded to a depth and a number; each is read by the reader of its language. A program that is broken, or
nested so deeply that it is not read, still gives what was found up to there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from lazaretto.analysis.scripting import batch, effects, ir, javascript, php, powershell, python, shell, vbscript
from lazaretto.analysis.scripting.acts import Act, Layer
from lazaretto.analysis.scripting.interpreter import Dialect, Machine, Made
from lazaretto.analysis.scripting.values import DECODED, HOLE, Value, origins

MOST_LAYERS = 60
DEEPEST = 8
MOST_SOURCE = 4 << 20  # bytes of one source that are read
_LARGE = 300_000  # bytes: above it less is turned and entered
_LESS_FUEL = 15_000

READERS: dict[str, tuple[Callable[[bytes], ir.Node], Dialect]] = {
    "javascript": (javascript.read, javascript.DIALECT),
    "php": (php.read, php.DIALECT),
    "powershell": (powershell.read, powershell.DIALECT),
    "python": (python.read, python.DIALECT),
    "shell": (shell.read, shell.DIALECT),
    "vbscript": (vbscript.read, vbscript.DIALECT),
}
LANGUAGES = frozenset({*READERS, "batch"})


@dataclass
class Folded:
    """One source, folded. `folds` are places of the source with the text that they are worth."""

    language: str
    source: bytes
    depth: int = 0
    layer: Layer | None = None
    calls: list[Made] = field(default_factory=list)
    folds: dict[ir.Span, Value] = field(default_factory=dict)
    acts: list[Act] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    decoded: int = 0  # hidden layers above this one, itself counted

    def text(self) -> str:
        """The source with what was folded put in."""
        pieces: list[str] = []
        at = 0
        for (begin, end), value in sorted(self.folds.items(), key=lambda pair: (pair[0][0], -pair[0][1])):
            if begin < at or not isinstance(value, str):
                continue
            pieces += [self.source[at:begin].decode("utf-8", "replace"), _quoted(value)]
            at = end
        pieces.append(self.source[at:].decode("utf-8", "replace"))
        return "".join(pieces)

    @property
    def share(self) -> float:
        """How much of the source is text that was made readable by decoding, 0 to 1."""
        spans = [span for span, value in self.folds.items() if origins(value) & DECODED]
        return min(1.0, sum(end - begin for begin, end in _outermost(spans)) / max(1, len(self.source)))


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _outermost(spans: list[ir.Span]) -> Iterator[ir.Span]:
    at = 0
    for begin, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if begin >= at:
            yield begin, end
            at = end


def fold(source: bytes, language: str, *, line: bool = False) -> Folded:
    """Folds one source without going into its layers."""
    source = source[:MOST_SOURCE]
    if language == "powershell":
        source = powershell.prepared(source)
    folded = Folded(language, source)
    fuel = {} if len(source) < _LARGE else {"fuel": _LESS_FUEL}
    if language == "batch":
        machine = Machine(batch.DIALECT, **fuel)
        batch.run(machine, source, command_line=line)
    else:
        read, dialect = READERS[language]
        machine = Machine(dialect, **fuel)
        machine.run(read(source))
    folded.calls, folded.folds = machine.calls, machine.folds
    for made in folded.calls:
        found = effects.of_call(made, language)
        folded.acts += found.acts
        folded.layers += found.layers
    return folded


def unfold(source: bytes, language: str, *, line: bool = False) -> Iterator[Folded]:
    """The source folded, then the layers inside it, each once."""
    waiting = [(Layer(language, source, line=line), 0, 0)]
    seen: set[tuple[str, bytes]] = set()
    for _ in range(MOST_LAYERS):
        if not waiting:
            return
        layer, depth, hidden = waiting.pop(0)
        if layer.language not in LANGUAGES or (layer.language, layer.source) in seen:
            continue
        seen.add((layer.language, layer.source))
        folded = fold(layer.source, layer.language, line=layer.line)
        hidden += bool(layer.how & DECODED)
        folded.depth, folded.layer, folded.decoded = depth, layer if depth else None, hidden
        folded.acts = [
            replace(act, depth=hidden, language=act.language or layer.language, text=act.text.replace(HOLE, "…"))
            for act in folded.acts
        ]
        yield folded
        if depth < DEEPEST:
            waiting += [(one, depth + 1, hidden) for one in folded.layers]
