"""Scripts: what they would do, however they hide it. Reading and folding is in `analysis.scripting`."""

# ruff: noqa: E501  a row of a table is one line

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lazaretto.analysis.engine import Engine, Fact, Finding, Indicator, Member, Output, Shortfall, Subject, short
from lazaretto.analysis.formats.types import FileType

if TYPE_CHECKING:
    from lazaretto.analysis.scripting.unfold import Folded

LANGUAGE = {
    "jscript": "javascript", "node": "javascript", "vbscript": "vbscript", "script-encoded": "vbscript", "batch": "batch",
    "powershell": "powershell", "shell": "shell", "bash": "bash", "python": "python", "php": "php",
}  # fmt: skip
EXTENSION = {
    "javascript": "js",
    "vbscript": "vbs",
    "batch": "bat",
    "powershell": "ps1",
    "shell": "sh",
    "python": "py",
    "php": "php",
    "html": "html",
}
_MOST_MEMBERS = 40
_MOST_CALLS = 60
_URL = re.compile(r"\b(?:https?|ftp)://[^\s'\"<>|^`)\]},;\\\ue000]{4,400}", re.IGNORECASE)

ENGINE = Engine(
    name="scripts",
    version="1",
    module="lazaretto.analysis.engines.scripts",
    wants=lambda kind: kind.name in LANGUAGE,
    sees="what a script would do: parsed, constants folded, decoded layers unfolded, calls judged by what they do",
    loads=("lazaretto.analysis.scripting.judge", "lazaretto.analysis.scripting.warm"),
    seconds=20.0,
    essential=True,
)


def examine(subject: Subject) -> Iterator[Output]:
    source = to_utf8(subject.data)
    if subject.kind.name == "script-encoded" or b"#@~^" in source[:4096]:
        yield Finding(id="script-encoded", detail="Windows Script Encoder")
        yield Shortfall(reason="the script is stored encoded and was not read")
        return
    language = language_of(subject.kind)
    yield from judged(source, language)


def judged(source: bytes, language: str, *, line: bool = False) -> Iterator[Output]:
    """What a source of a language says; shared with the engines of what carries scripts."""
    import sys  # noqa: PLC0415  only in the cage

    from lazaretto.analysis.scripting import judge, unfold  # noqa: PLC0415  only in the cage

    sys.setrecursionlimit(
        max(sys.getrecursionlimit(), 8_000)
    )  # ours is bounded by depth, which takes several frames each
    language = "shell" if language == "bash" else language
    layers = []
    for folded in unfold.unfold(source, language, line=line):
        layers.append(folded)
    yield from judge.findings(layers)
    first = layers[0]
    yield Fact(name="script-language", value=language)
    calls = tuple(dict.fromkeys(act.text[:200] for folded in layers for act in folded.acts if act.text))
    if calls:
        yield Fact(name="script-acts", value=calls[:_MOST_CALLS])
    if len(layers) > 1:
        yield Fact(name="script-layers", value=len(layers) - 1)
    yield from _addresses(layers)
    given = 0
    for layer in first.layers:
        if layer.how and not layer.line and len(layer.source) > 8 and given < _MOST_MEMBERS:
            given += 1
            yield Member(
                name=f"layer {given}.{EXTENSION.get(layer.language, 'txt')}", data=layer.source, relation="decoded"
            )
    for layer in first.layers:
        if layer.how and layer.line and layer.language == "powershell" and given < _MOST_MEMBERS:
            given += 1
            yield Member(name=f"layer {given}.ps1", data=layer.source, relation="decoded")
    for act in first.acts:
        if (
            isinstance(act.value, bytes)
            and len(act.value) > 64
            and act.origins
            and given < _MOST_MEMBERS
            and act.kind.value in {"write", "offer"}
        ):
            given += 1
            yield Member(
                name=act.path.rpartition("/")[2].rpartition("\\")[2] or f"file {given}",
                data=bytes(act.value),
                relation="embedded",
            )
    if first.share > 0.1 or any(made.hidden for made in first.calls):
        text = first.text()
        if text.encode("utf-8", "replace") != source:
            yield Member(
                name=f"folded.{EXTENSION[language]}.txt", data=text.encode("utf-8", "replace"), relation="decoded"
            )
    if len(source) > unfold.MOST_SOURCE:
        yield Shortfall(reason=f"only the first {unfold.MOST_SOURCE >> 20} MiB of the script were read")


def _addresses(layers: Sequence[Folded]) -> Iterator[Output]:
    from lazaretto.analysis.scripting.acts import Kind  # noqa: PLC0415  only in the cage

    seen: dict[str, None] = {}
    for folded in layers:
        for act in folded.acts:
            if act.kind in {Kind.FETCH, Kind.SEND, Kind.RUN, Kind.EVALUATE}:
                seen.update(dict.fromkeys(_URL.findall(act.text)))
    for url in list(seen)[:100]:
        yield Indicator(kind="url", value=short(url))


def language_of(kind: FileType) -> str:
    """The language in which a file of this type is read."""
    found = LANGUAGE[kind.name]
    return "shell" if found == "bash" else found


def to_utf8(data: bytes) -> bytes:
    """Text in UTF-8 without a mark, whatever it was in."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data.decode("utf-16", "replace").encode("utf-8")
    if len(data) > 16 and data[1:200:2].count(0) > 0.9 * len(data[1:200:2]):
        return data.decode("utf-16-le", "replace").encode("utf-8", "replace")
    return data.removeprefix(b"\xef\xbb\xbf")
