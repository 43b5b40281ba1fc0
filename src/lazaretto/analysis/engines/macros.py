"""What the macros of a document do: read, run as far as everything is known, and judged by what they would ask for.

A document with macros is an ordinary document. What counts is what the code does, whether it does so by itself, and
whether it hides it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from lazaretto.analysis.documents import kinds, ovba
from lazaretto.analysis.documents.basic import entries
from lazaretto.analysis.documents.basic.deeds import ASKING, Deed, Kind, brings, deeds, memory_code
from lazaretto.analysis.documents.basic.machine import Machine
from lazaretto.analysis.documents.basic.rewritten import rewritten
from lazaretto.analysis.documents.basic.syntax import read
from lazaretto.analysis.documents.contents import LOADS, Contents, contents
from lazaretto.analysis.documents.ovba import Module
from lazaretto.analysis.engine import Engine, Fact, Finding, Indicator, Member, Output, Shortfall, Subject

ENGINE = Engine(
    name="macros",
    version="2",
    module="lazaretto.analysis.engines.macros",
    wants=lambda kind: kind.name in kinds.OFFICE,
    sees="what VBA and OpenOffice Basic in a document do, which of it runs by itself, and what was hidden in it",
    loads=LOADS,
    seconds=20.0,
    essential=True,
)

_MOST_SOURCE = 4 << 20  # characters of all modules that are run
_MOST_PARTS = 40
_MANY_MADE = 3


def examine(subject: Subject) -> Iterator[Output]:
    found = contents(subject.data, subject.kind)
    modules = [module for module in found.modules if module.source.strip()]
    yield from _of_the_compiled(found.modules)
    if not modules:
        return
    yield Fact(name="macros", value=tuple(module.name for module in modules[:100]))
    if not any(_has_code(module.source) for module in modules):
        return  # empty modules of sheets are in every workbook that once had a macro
    yield Finding(id="macro-code", detail=", ".join(m.name for m in modules if _has_code(m.source)))
    if sum(len(module.source) for module in modules) > _MOST_SOURCE:
        yield Shortfall(reason="it has more macro code than is run")
    yield from _run(found, modules)


def _of_the_compiled(modules: Iterable[Module]) -> Iterator[Output]:
    """Macros whose source is not what runs."""
    for module in modules:
        foreign = ovba.foreign_literals(module)
        if foreign and not _has_code(module.source):
            yield Finding(id="macro-source-missing", detail=f"{module.name}: {foreign[0]}")
        elif len(foreign) > 1:
            yield Finding(id="macro-source-differs", detail=f"{module.name}: {foreign[0]}")
        if foreign:
            yield Member(name=f"{module.name}.compiled.txt", data="\n".join(foreign).encode(), relation="decoded")


def _has_code(source: str) -> bool:
    return bool(
        re.search(
            r"^[ \t]*(?:(?:public|private|friend|static)[ \t]+)*(?:sub|function|property)\b",
            source,
            re.IGNORECASE | re.MULTILINE,
        )
    )


def _run(found: Contents, modules: Sequence[Module]) -> Iterator[Output]:
    program = read([(module.name, module.source) for module in _bounded(modules)])
    machine = Machine(program)
    names = [name for name in program.procedures if "." not in name]
    by_itself = [*entries.automatic(names), *entries.bound(found.bound)]
    drawn = list(entries.drawn(names)) if any(module.document for module in modules) else []
    for name in (*by_itself, *drawn):
        machine.start(name, name)
    for name in names:
        if name not in machine.ran:
            machine.start(name, "")
    if machine.exhausted:
        yield Fact(name="macros run", value="not to their end: the rest was only read")
    if by_itself:
        yield Finding(id="macro-auto-start", detail=", ".join(dict.fromkeys(by_itself)))
    done = list(deeds(machine.acts))
    if drawn and any(deed.act.entry in drawn for deed in done):
        yield Finding(id="macro-starts-when-drawn", detail=", ".join(drawn))
    yield from _findings(done)
    yield from _of_the_declared([real for _, real in program.declared.values()])
    yield from _asking(machine, done)
    yield from _decoded(machine, modules, done)


def _bounded(modules: Iterable[Module]) -> Iterator[Module]:
    left = _MOST_SOURCE
    for module in modules:
        left -= len(module.source)
        if left >= 0:
            yield module


# --- what it does ---------------------------------------------------------------------------------------------------

_FINDINGS: dict[Kind, tuple[str, str]] = {  # of what is done when asked, and by itself
    Kind.OPENS: ("macro-opens-program", "macro-auto-opens-program"),
    Kind.STARTS: ("macro-starts-program", "macro-auto-starts-program"),
    Kind.FETCHES: ("macro-uses-network", "macro-auto-uses-network"),
    Kind.SAVES: ("macro-writes-file", "macro-writes-file"),
    Kind.DROPS: ("macro-writes-program", "macro-auto-writes-program"),
    Kind.STAYS: ("macro-stays", "macro-stays"),
    Kind.WEAKENS: ("macro-weakens-protection", "macro-weakens-protection"),
    Kind.EVALUATES: ("macro-runs-text", "macro-auto-runs-text"),
    Kind.REWRITES: ("macro-writes-macros", "macro-auto-writes-macros"),
    Kind.MAILS: ("macro-sends-mail", "macro-auto-sends-mail"),
    Kind.DELETES: ("macro-deletes-files", "macro-deletes-files"),
    Kind.ASKS: ("macro-asks-about-machine", "macro-asks-about-machine"),
}
# Things to do that nobody has a reason to hide.
_WORTH_HIDING = frozenset({Kind.STARTS, Kind.FETCHES, Kind.DROPS, Kind.STAYS, Kind.WEAKENS, Kind.EVALUATES})


def _findings(done: Sequence[Deed]) -> Iterator[Output]:
    for deed in done:
        asked, by_itself = _FINDINGS[deed.kind]
        yield Finding(id=by_itself if deed.act.entry else asked, detail=_detail(deed))
        if deed.hidden and deed.kind in _WORTH_HIDING:
            yield Finding(id="macro-hides-what-it-does", detail=_detail(deed))
    for entry in dict.fromkeys(deed.act.entry for deed in done):
        together = [deed for deed in done if deed.act.entry == entry]
        fetched = next((deed for deed in together if deed.kind is Kind.FETCHES), None)
        used = [deed for deed in together if deed.kind in {Kind.STARTS, Kind.DROPS}]
        # A command of a button that has an address in it may as well show a page.
        if fetched and any(entry or deed.act is not fetched.act or brings(deed.what) for deed in used):
            yield Finding(id="macro-fetches-program", detail=_detail(fetched))


def _detail(deed: Deed) -> str:
    return f"{deed.act.procedure}: {deed.what or deed.act.name}"


def _of_the_declared(names: Sequence[str]) -> Iterator[Output]:
    memory = memory_code(names)
    if memory:
        yield Finding(id="macro-memory-code", detail=", ".join(memory))


def _asking(machine: Machine, done: Sequence[Deed]) -> Iterator[Output]:
    """Only where it decides about something that is worth hiding: by itself it is ordinary."""
    asked = [name for name, entry in machine.reads.items() if entry and ASKING.search(name)]
    if asked and any(deed.act.entry and deed.kind in _WORTH_HIDING for deed in done):
        yield Finding(id="macro-looks-around", detail=", ".join(asked[:5]))


# --- what was hidden ------------------------------------------------------------------------------------------------

_ADDRESS = re.compile(r"\b(?:https?|ftp)://[^\s\"'<>|)\]\x00-\x1f]{4,500}", re.IGNORECASE)


def _decoded(machine: Machine, modules: Sequence[Module], done: Sequence[Deed]) -> Iterator[Output]:
    made = [text for text in machine.texts.values() if text is not None and text.made and len(text) >= 6]
    if len(made) >= _MANY_MADE:
        yield Finding(id="macro-hidden-texts", detail=" · ".join(made[:5]))
    parts = 0
    for module in modules:
        text = rewritten(module.name, module.source, machine.texts)
        if text != module.source and parts < _MOST_PARTS:
            parts += 1
            data = ovba.exported(module.name, text)
            yield Member(name=f"{module.name}.decoded.bas", data=data, relation="decoded")
    addresses = [
        address.rstrip(".,;")
        for source in (*(text for text in machine.texts.values() if text), *(m.source for m in modules))
        for address in _ADDRESS.findall(source[:1_000_000])
    ]
    for address in list(dict.fromkeys(addresses))[:200]:
        yield Indicator(kind="url", value=address)
    for deed in done:
        if deed.kind in {Kind.SAVES, Kind.DROPS} and len(deed.what) > 3:
            yield Indicator(kind="path", value=deed.what)
    yield from _handed_on(done, _MOST_PARTS)


def _handed_on(done: Sequence[Deed], most: int) -> Iterator[Output]:
    """Commands and scripts that the macro gives to others, for the engines of those languages."""
    seen: set[str] = set()
    for deed in done:
        script = deed.kind is Kind.EVALUATES
        if deed.kind is not Kind.STARTS and not script:
            continue
        if len(deed.what) > (20 if script else 3) and deed.what not in seen and len(seen) < most:
            seen.add(deed.what)
            name = f"text {len(seen)}.vbs" if script else f"command {len(seen)}.cmd"
            yield Member(name=name, data=deed.what.encode(), relation="decoded")
