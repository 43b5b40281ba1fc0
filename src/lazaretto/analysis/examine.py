"""From bytes to a tree: identify, let every engine look that wants to, and do the same with all that was inside.

    bytes ──> identify ──> engines, unpackers (each in the cage) ──> findings, facts, indicators, members ──> again

What must always be true: the same bytes and engines give the same tree, in the same order; the work is bounded by the
budget; nothing here reads a sample's bytes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import msgspec

from lazaretto.analysis import names, volumes
from lazaretto.analysis.budget import Budget, Limits
from lazaretto.analysis.cage.host import Cage, Outcome, sheet
from lazaretto.analysis.discovery import all_engines
from lazaretto.analysis.engine import (
    PASSWORD,
    AnyOutput,
    Engine,
    Fact,
    Finding,
    Identified,
    Indicator,
    Member,
    Shortfall,
    Subject,
    short,
)
from lazaretto.analysis.findings import Meanings
from lazaretto.analysis.formats.types import TYPES, FileType
from lazaretto.analysis.identifier import ENGINE as IDENTIFY
from lazaretto.analysis.outside.outside import Outside
from lazaretto.analysis.outside.standard import not_set_up
from lazaretto.analysis.tree import Looked, Node
from lazaretto.domain.evidence import Evidence
from lazaretto.domain.sample import hash_bytes

MOST_PASSWORDS = 200
# What is tried on every locked archive: what those use who study harmful files, and what nobody thinks about.
PASSWORDS = (
    "infected",
    "malware",
    "virus",
    "password",
    "1234",
    "12345",
    "123456",
    "123",
    "0000",
    "1111",
    "abc123",
    "test",
)
_MOST_WHOLES = 8  # files in pieces, of one container
MOST_FACTS, MOST_INDICATORS = 500, 2_000

Options = Mapping[str, Mapping[str, Any]]
"""For an engine's name what it is told beside the file."""


@dataclass
class _Whole:
    """What is known across one outermost file."""

    budget: Budget
    seen: dict[str, tuple[str, ...]] = field(default_factory=dict)  # SHA-256 -> path
    lock: threading.Lock = field(default_factory=threading.Lock)

    def first(self, sha256: str, path: tuple[str, ...]) -> tuple[str, ...] | None:
        """The path under which the same bytes were met before; None if never."""
        with self.lock:
            known = self.seen.setdefault(sha256, path)
            return None if known == path else known


class Examiner:
    """Looks at files with all engines, in the cage that it is given."""

    def __init__(
        self,
        cage: Cage,
        meanings: Meanings,
        *,
        engines: Sequence[Engine] | None = None,
        limits: Limits | None = None,
        passwords: Sequence[str] = PASSWORDS,
        given: Sequence[str] = (),
        options: Options | None = None,
        outside: Sequence[Outside] | None = None,
    ) -> None:
        self.engines = all_engines() if engines is None else tuple(engines)
        self._cage = cage
        self.meanings = meanings
        self._limits = limits or Limits()
        self._passwords = tuple(passwords)
        self._given = tuple(given)  # words of who asks, tried before all others
        self._options = options or {}
        self._outside = not_set_up() if outside is None else tuple(outside)

    def __call__(
        self,
        data: bytes,
        name: str,
        *,
        kind: FileType | None = None,
        keep: Callable[[Node, bytes], None] = lambda _, __: None,
    ) -> Node:
        """The tree of a file. `kind` where it is known already; `keep` is given each file inside with its bytes."""
        whole = _Whole(Budget(self._limits, len(data)))
        with ThreadPoolExecutor(self._cage.at_once, thread_name_prefix="engines") as threads:
            return self._node(_Visit(whole, threads, keep), Member(name=name, data=data, relation=""), (), kind, ())

    def identify(self, data: bytes, name: str) -> FileType:
        """What these bytes are."""
        with sheet(data) as fd:
            return _kind(self._cage.run(IDENTIFY, fd, name=name, kind=None))

    def with_parts(self, tree: Node, path: tuple[str, ...], parts: Sequence[Member]) -> Node:
        """The tree with parts of the file at `path` that came to light after it was looked at, such as its memory.

        They have a budget of their own; bytes that are in the tree already are not looked at again.
        """
        whole = _Whole(Budget(self._limits, sum(len(part.data) for part in parts)))
        for node in tree.walk():
            whole.first(node.sample.hashes.sha256, node.path)
        with ThreadPoolExecutor(self._cage.at_once, thread_name_prefix="engines") as threads:
            # what a bound leaves alone is among them, closed, with the reason
            found, _ = self._children(_Visit(whole, threads, lambda _, __: None), path, parts, ())
        return _grown(tree, path, found)

    def _node(
        self, visit: _Visit, member: Member, path: tuple[str, ...], kind: FileType | None, words: tuple[str, ...]
    ) -> Node:
        sample = hash_bytes(member.data)
        bare = Node(
            path=path, relation=member.relation, sample=sample, kind=TYPES["data"], closed=short(member.closed),
            password=short(member.password),
        )  # fmt: skip
        if member.closed:
            return bare
        same = visit.whole.first(sample.hashes.sha256, path)
        if same is not None:  # the outermost file's path is empty
            return msgspec.structs.replace(bare, same_as=same)
        with sheet(member.data) as fd:
            identified = None if kind else self._cage.run(IDENTIFY, fd, name=member.name, kind=None)
            kind = kind or _kind(identified)
            ran = self._engines_over(visit, (fd, member.data), member.name, kind, words)
        outputs = [(engine, output) for engine, outcome in ran for output in outcome.outputs]
        told = [output.value for _, output in outputs if isinstance(output, Indicator) and output.kind == PASSWORD]
        words = tuple(dict.fromkeys([*words, *told]))[:MOST_PASSWORDS]
        members = [one for _, one in outputs if isinstance(one, Member)]
        children, refused = self._children(visit, path, members, words)
        evidence = (
            names.evidence_of_name(_last(member.name), kind) if member.relation in {"", "member", "attachment"} else ()
        )
        looked = (*(_looked(engine, outcome) for engine, outcome in ran), *(() if path else self._absent(kind)))
        whole = msgspec.structs.replace(bare, kind=kind)
        visit.keep(whole, member.data)
        return msgspec.structs.replace(
            whole,
            looked=looked if identified is None else (_looked(IDENTIFY, identified), *looked),
            evidence=(*evidence, *self._evidence(ran, path), *self._left_alone(refused, path)),
            facts=_facts(outputs),
            indicators=_indicators(outputs),
            not_done=tuple(dict.fromkeys([
                *(short(output.reason) for _, output in outputs if isinstance(output, Shortfall)),
                *(f"{engine.name} {outcome.failed}" for engine, outcome in ran if outcome.failed and engine.essential),
                *(f"not everything inside was looked at: {finding.detail}" for finding in refused),
            ])),
            children=children,
        )  # fmt: skip

    def _engines_over(
        self, visit: _Visit, sample: tuple[int, bytes], name: str, kind: FileType, words: tuple[str, ...]
    ) -> list[tuple[Engine | Outside, Outcome]]:
        """All that want to look at it, side by side; in their order, so that the tree is always the same."""
        fd, data = sample
        wanted: list[Engine | Outside] = [
            *(engine for engine in self.engines if engine.wants(kind) and self._can(engine)),
            *(engine for engine in self._outside if engine.wants(kind) and engine.ask),
        ]
        budget = visit.whole.budget
        passwords = _in_order(self._given, self._passwords, words)
        common = {"passwords": passwords, "given": self._given, "words": words, "room": budget.left}

        def run(engine: Engine | Outside) -> Outcome:
            if isinstance(engine, Outside):
                return engine.look(Subject(data=data, name=name, kind=kind))
            options = {**common, **self._options.get(engine.name, {})}
            return self._cage.run(engine, fd, name=name, kind=kind, options=options)

        return list(zip(wanted, visit.threads.map(run, wanted), strict=True))

    def _can(self, engine: Engine) -> bool:
        return not engine.needs or bool(self._options.get(engine.name, {}).get(engine.needs))

    def _absent(self, kind: FileType) -> tuple[Looked, ...]:
        """What would look at such a file if it were set up here."""
        missing = [
            *(engine.name for engine in self.engines if engine.wants(kind) and not self._can(engine)),
            *(engine.name for engine in self._outside if engine.wants(kind) and not engine.ask),
        ]
        return tuple(Looked(engine=name, version="", seconds=0.0, absent="is not set up") for name in missing)

    def _children(
        self, visit: _Visit, path: tuple[str, ...], members: Iterable[Member], words: tuple[str, ...]
    ) -> tuple[tuple[Node, ...], tuple[Finding, ...]]:
        """The files inside, and which bounds some of them went beyond.

        Texts first: they may say the password of what lies beside them. Then what is in several pieces, put together.
        The tree has the order of the file, and the wholes behind it.
        """
        budget, beyond = visit.whole.budget, dict[Finding, None]()
        nodes: dict[int, Node] = {}

        def look(number: int, member: Member) -> None:
            nonlocal words
            inside = (*path, member.name)
            refused = "" if member.closed else budget.spend(len(member.data), len(inside))
            if refused:
                deep = len(inside) > budget.limits.depth
                beyond.setdefault(Finding(id="archive-too-deep" if deep else "archive-too-much", detail=refused))
                member = msgspec.structs.replace(member, data=b"", closed=refused)
            nodes[number] = self._node(visit, member, inside, None, words)
            words = tuple(dict.fromkeys([*words, *_words(nodes[number])]))[:MOST_PASSWORDS]

        found = list(_renamed(members))
        for number, member in enumerate(found):
            if _may_tell(member):
                look(number, member)
        for number, (name, places) in enumerate(_wholes(found), len(found)):
            look(number, Member(name=name, data=b"".join(found[place].data for place in places)))
            if nodes[number].closed or not (nodes[number].children or nodes[number].evidence):
                del nodes[number]  # nothing came of it: the names said what is not so
            elif nodes[number].children and not nodes[number].not_done:
                for place in places:
                    found[place] = Member(name=found[place].name, closed=f"a piece of {name}, which was put together")
        for number, member in enumerate(found):
            if number not in nodes:
                look(number, member)
        return tuple(nodes[number] for number in sorted(nodes)), tuple(beyond)

    def _left_alone(self, refused: tuple[Finding, ...], path: tuple[str, ...]) -> tuple[Evidence, ...]:
        where = "/".join(path)
        found = self.meanings.evidence(refused, "budget")
        return tuple(msgspec.structs.replace(one, where=where) for one in found)

    def _evidence(self, ran: Iterable[tuple[Engine | Outside, Outcome]], path: tuple[str, ...]) -> tuple[Evidence, ...]:
        found: list[Evidence] = []
        for engine, outcome in ran:
            said = [output for output in outcome.outputs if isinstance(output, Finding)]
            also = outcome.brought.meanings if outcome.brought else {}
            found += self.meanings.evidence(said, engine.name, also)
        where = "/".join(path)
        return tuple(msgspec.structs.replace(one, where=where) for one in found)


def _grown(node: Node, path: tuple[str, ...], more: tuple[Node, ...]) -> Node:
    if node.path == path:
        return msgspec.structs.replace(node, children=(*node.children, *more))
    if node.path != path[: len(node.path)]:
        return node
    return msgspec.structs.replace(node, children=tuple(_grown(child, path, more) for child in node.children))


@dataclass(frozen=True)
class _Visit:
    """What goes along on the way down."""

    whole: _Whole
    threads: ThreadPoolExecutor
    keep: Callable[[Node, bytes], None]


def _kind(outcome: Outcome | None) -> FileType:
    for output in outcome.outputs if outcome else ():
        if isinstance(output, Identified) and output.kind.name in TYPES:
            return output.kind
    return TYPES["data"]


def _looked(engine: Engine | Outside, outcome: Outcome) -> Looked:
    return Looked(
        engine=engine.name,
        version=f"{engine.version} {outcome.brought.version}" if outcome.brought else engine.version,
        seconds=round(outcome.seconds, 4),
        failed=outcome.failed,
        detail=short(outcome.detail),
    )


def _renamed(members: Iterable[Member]) -> Iterable[Member]:
    """Names that are short, not empty, and not there twice."""
    seen: set[str] = set()
    for member in members:
        name = plain = short(member.name, 200) or member.relation or "unnamed"
        number = 2
        while name in seen:
            name = f"{plain} ({number})"
            number += 1
        seen.add(name)
        yield msgspec.structs.replace(member, name=name)


def _in_order(given: Sequence[str], policy: Sequence[str], words: Sequence[str]) -> list[str]:
    """The likeliest first, since some archives take half a second for each: those that were given, the first of the
    policy, those words that a text calls a password, the rest of the policy, all other words. A text may bring as many
    as it likes."""
    return list(dict.fromkeys([*given, *policy[:1], *words[:10], *policy[1:], *words[10:]]))[:MOST_PASSWORDS]


def _wholes(members: Sequence[Member]) -> list[tuple[str, tuple[int, ...]]]:
    """Names of what lies here in pieces, and the places of these, none of which is closed or a part of a file."""
    found = volumes.together([member.name for member in members])
    return [
        (short(name, 200), places)
        for name, places in found.items()
        if all(not members[place].closed and members[place].relation in {"member", "attachment"} for place in places)
    ][:_MOST_WHOLES]


def _last(name: str) -> str:
    """A name without the folders before it."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2] or name


def _may_tell(member: Member) -> bool:
    return member.relation == "body" or member.name.lower().endswith((".txt", ".md", ".html", ".nfo"))


def _words(node: Node) -> list[str]:
    return [indicator.value for inner in node.own() for indicator in inner.indicators if indicator.kind == PASSWORD]


def _facts(outputs: Iterable[tuple[Engine | Outside, AnyOutput]]) -> tuple[Fact, ...]:
    facts = [output for _, output in outputs if isinstance(output, Fact)]
    return tuple(facts[:MOST_FACTS])


def _indicators(outputs: Iterable[tuple[Engine | Outside, AnyOutput]]) -> tuple[Indicator, ...]:
    found = dict.fromkeys(output for _, output in outputs if isinstance(output, Indicator))
    return tuple(msgspec.structs.replace(one, value=short(one.value, 2_000)) for one in list(found)[:MOST_INDICATORS])
