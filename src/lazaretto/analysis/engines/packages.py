"""Packages of Python and Node: the code that runs when one installs or imports them, and names that imitate known ones.

What that code does decides, not that it is there: many honest packages compile or look something up when installed.
The archive is opened by the unpackers; here the files that matter are looked at as they come, told by their names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from lazaretto.analysis.engine import Engine, Fact, Finding, Output, Subject

if TYPE_CHECKING:
    from lazaretto.analysis.scripting.acts import Act

ENGINE = Engine(
    name="packages",
    version="1",
    module="lazaretto.analysis.engines.packages",
    wants=lambda kind: kind.name in {"python", "json", "text", "eml", "node", "jscript"},
    sees="what a Python or Node package does when it is installed or imported, and whether its name imitates another",
    loads=(
        "lazaretto.analysis.scripting.judge",
        "lazaretto.analysis.scripting.warm",
        "lazaretto.analysis.engines._known_packages",
    ),
    seconds=15.0,
)
_HOOKS = ("preinstall", "install", "postinstall", "prepare", "prepublish", "preprepare", "postprepare")
_MOST = 1 << 20


def examine(subject: Subject) -> Iterator[Output]:
    name = PurePosixPath(subject.name.replace("\\", "/")).name.lower()
    data = subject.data[:_MOST]
    if name == "package.json":
        yield from _node(data)
    elif name == "setup.py":
        yield from _installed(data)
    elif name == "__init__.py":
        yield from _imported(data)
    elif name.endswith(".pth"):
        yield from _started(data)
    elif name in {"metadata", "pkg-info"}:
        found = re.search(rb"^Name:[ \t]*(\S{1,100})", data[:4096], re.MULTILINE)
        if found:
            yield from _imitation("pypi", found[1].decode("ascii", "replace"))


def _acts(source: bytes, language: str) -> list[Act]:
    import sys  # noqa: PLC0415  only in the cage

    from lazaretto.analysis.scripting import unfold  # noqa: PLC0415  only in the cage

    sys.setrecursionlimit(max(sys.getrecursionlimit(), 8_000))
    return [act for folded in unfold.unfold(source, language, line=language == "batch") for act in folded.acts]


def _installed(data: bytes) -> Iterator[Output]:
    """`setup.py`: all of it can run at installation, the classes that it gives to `cmdclass` too."""
    yield from _judged(_acts(data, "python"), "install")


def _imported(data: bytes) -> Iterator[Output]:
    """`__init__.py`: what stands outside of functions runs when anything of the package is imported."""
    if len(data) < 40:
        return
    yield from _judged([act for act in _acts(data, "python") if not act.where], "import")


def _started(data: bytes) -> Iterator[Output]:
    """A `.pth` file: lines that begin with `import` run at every start of Python."""
    lines = [line for line in data.split(b"\n")[:200] if re.match(rb"import[ \t]", line)]
    acts = [act for line in lines for act in _acts(line, "python")]
    if lines:
        yield Fact(name="runs-at-every-start", value=tuple(line[:200].decode("utf-8", "replace") for line in lines[:8]))
    for act in acts:
        if act.kind.value in {"fetch", "run", "send", "connect"}:
            yield Finding(id="package-acts-at-every-start", detail=act.text)
    yield from _judged(acts, "import")


def _node(data: bytes) -> Iterator[Output]:
    try:
        package = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(package, dict):
        return
    scripts = package.get("scripts")
    hooks = (
        {name: text for name, text in scripts.items() if name in _HOOKS and isinstance(text, str)}
        if isinstance(scripts, dict)
        else {}
    )
    for hook in ("preinstall", "install", "postinstall"):
        if hook in hooks:
            yield Fact(name=f"runs-at-{hook}", value=hooks[hook][:300])
            yield from _judged(_acts(hooks[hook].encode("utf-8", "replace"), "shell"), "install")
    name = package.get("name")
    if isinstance(name, str):
        yield from _imitation("npm", name)


def _judged(acts: Sequence[Act], when: str) -> Iterator[Output]:
    kinds = {act.kind.value for act in acts}
    for act in acts:
        kind = act.kind.value
        if kind in {"evaluate", "run"} and "net" in act.origins:
            yield Finding(id=f"package-runs-fetched-code-at-{when}", detail=act.text)
        elif kind == "evaluate" and act.origins & {"base64", "hex", "compressed", "xor", "rotated", "marshal"}:
            yield Finding(id=f"package-runs-hidden-code-at-{when}", detail=act.text)
        elif kind == "send" and "environment" in act.origins:
            yield Finding(id="package-sends-environment", detail=act.text)
        elif kind in {"shell", "unprotect", "persist", "inject"} and when == "install":
            yield Finding(id="package-changes-machine-at-install", detail=act.text)
        elif kind == "read" and act.path:
            yield Finding(id="package-reads-secrets", detail=act.path)
    if "fetch" in kinds and when == "install":
        yield Finding(
            id="package-uses-network-at-install", detail=next(act.text for act in acts if act.kind.value == "fetch")
        )


def _imitation(registry: str, name: str) -> Iterator[Output]:
    from lazaretto.analysis.engines._known_packages import KNOWN  # noqa: PLC0415  only in the cage

    plain = re.sub(r"[-_.]+", "-", name.lower()).strip()
    yield Fact(name="package-name", value=name[:200])
    known = KNOWN[registry]
    if plain in known or plain.startswith("@") or len(plain) < 5 or len(plain) > 60:
        return
    for other in known:
        if len(other) >= 5 and plain != other and near(plain, other):
            yield Finding(id="package-name-imitates", detail=f"{name} ~ {other}")
            return


def near(a: str, b: str) -> bool:
    """Whether one letter was changed, added, left out or swapped with its neighbour, or only the dashes differ."""
    if a.replace("-", "") == b.replace("-", ""):
        return True
    if abs(len(a) - len(b)) > 1:
        return False
    begin = next((place for place, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest_a, rest_b = a[begin:], b[begin:]
    if len(a) == len(b):
        return rest_a[1:] == rest_b[1:] or (rest_a[:2] == rest_b[:2][::-1] and rest_a[2:] == rest_b[2:])
    return rest_a[1:] == rest_b if len(a) > len(b) else rest_a == rest_b[1:]
