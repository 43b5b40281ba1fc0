"""What the page shows of one run: processes, timeline, network, files, pictures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from lazaretto.analysis.accounts import Account
from lazaretto.analysis.digest import changed_files, children, short_name
from lazaretto.analysis.material import below
from lazaretto.analysis.wording import line, rank
from lazaretto.domain import trace as t
from lazaretto.domain.detonation import Artifact
from lazaretto.domain.errors import ReportError

MOST_EVENTS = 2_000
MOST_PROCESSES = 200
MOST_ROWS = 300  # of each table of the network and of files
MOST_PICTURES = 8
MOST_PICTURE = 2 << 20  # bytes of one
MOST_DEPTH = 10
MINOR = 2  # events of a lower rank are shown when they are asked for
_SECOND = 1e9
_PNG = b"\x89PNG\r\n\x1a\n"

_CAUSES = {
    t.Cause.SAMPLE: "the file itself",
    t.Cause.SERVICE: "started as a service",
    t.Cause.TASK: "started by the scheduler",
    t.Cause.SESSION: "came back after the restart",
    t.Cause.INJECTED: "was written into",
}

# The first word of a kind of event, for people.
GROUPS: Mapping[str, str] = {
    "process": "processes",
    "file": "files",
    "registry": "registry",
    "net": "network",
    "memory": "memory",
    "thread": "memory",
    "module": "code loaded",
    "kernel": "code loaded",
    "autostart": "coming back",
    "service": "coming back",
    "task": "coming back",
    "canary": "decoys",
    "window": "screen and keyboard",
    "input": "screen and keyboard",
    "clipboard": "screen and keyboard",
    "screen": "screen and keyboard",
    "console": "console",
}
OTHER_GROUP = "other calls"

_ENDINGS = {
    t.Ending.EXITED: "everything it started came to its end",
    t.Ending.GUEST_TIME: "its time in the machine was used up",
    t.Ending.WALL_TIME: "the time for the analysis ran out: the account stops early",
    t.Ending.GUEST_DIED: "its machine crashed or was shut down: the account stops early",
    t.Ending.MACHINE_DIED: "the virtual machine ended by itself: the account stops early",
    t.Ending.KEEPER_LOST: "the machine stopped answering: the account stops early",
    t.Ending.FLOODED: "it did more than an account can hold: the rest is missing",
    t.Ending.REFUSED: "it could not be started",
}


class Proc(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the process tree. `end` says how it ended, where that was not in order."""

    depth: int
    name: str
    pid: int
    cause: str
    command: str
    user: str
    end: str


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline; `times` counts the same thing done again by the same process."""

    anchor: str
    time: float  # seconds
    process: str
    group: str
    kind: str
    words: str
    times: int
    minor: bool
    telling: bool  # a finding rests on it


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a small table."""

    cells: tuple[str, ...]
    times: int = 1


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    png: bytes


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """One run as the page shows it."""

    where: str
    title: str
    profile: str
    ending: str
    complete: bool
    reason: str
    guest_time_s: float
    wall_time_s: float
    lost: int
    events: int
    processes: tuple[Proc, ...]
    timeline: tuple[Happened, ...]
    names: tuple[str, ...]  # processes of the timeline, for the filter
    groups: tuple[str, ...]
    anchors: dict[int, str]  # of events that are shown
    dns: tuple[Row, ...]
    http: tuple[Row, ...]
    connections: tuple[Row, ...]
    changed: tuple[tuple[str, str], ...]
    brought: tuple[Artifact, ...]
    pictures: tuple[Picture, ...]
    left_out: dict[str, int]


def ran(number: int, account: Account, needed: frozenset[int]) -> Ran:
    """The view of a run. `needed` are events that must be shown: findings rest on them."""
    trace = account.trace
    processes = list(_processes(trace))
    chosen, anchors = _timeline(number, trace, needed)
    changed = changed_files(trace.events)
    brought = [artifact for artifact in account.run.artifacts if artifact.kind != "screenshot"]
    dns, http, connections = _dns(trace.events), _http(trace.events), _connections(trace.events)
    return Ran(
        where="/".join(account.path),
        title=account.path[-1] if account.path else "",
        profile=account.run.profile,
        ending=_ENDINGS[trace.ending],
        complete=trace.ending.complete and not trace.lost.total,
        reason=trace.reason,
        guest_time_s=trace.guest_time,
        wall_time_s=trace.wall_time,
        lost=trace.lost.total,
        events=len(trace.events),
        processes=tuple(processes[:MOST_PROCESSES]),
        timeline=chosen,
        names=tuple(sorted({one.process for one in chosen})),
        groups=tuple(sorted({one.group for one in chosen})),
        anchors=anchors,
        dns=dns[:MOST_ROWS],
        http=http[:MOST_ROWS],
        connections=connections[:MOST_ROWS],
        changed=tuple(changed[:MOST_ROWS]),
        brought=tuple(brought[:MOST_ROWS]),
        pictures=tuple(_pictures(account)),
        left_out={
            "processes": max(0, len(processes) - MOST_PROCESSES),
            "timeline": len(trace.events) - sum(one.times for one in chosen),
            "dns": max(0, len(dns) - MOST_ROWS),
            "http": max(0, len(http) - MOST_ROWS),
            "connections": max(0, len(connections) - MOST_ROWS),
            "changed": max(0, len(changed) - MOST_ROWS),
            "brought": max(0, len(brought) - MOST_ROWS),
        },
    )


def _processes(trace: t.Trace) -> Iterator[Proc]:
    by_parent = children(trace.processes)
    waiting = [(0, process) for process in reversed(by_parent.get(0, []))]
    while waiting:
        depth, process = waiting.pop()
        yield Proc(
            depth=min(depth, MOST_DEPTH),
            name=short_name(process.image) or process.image or "?",
            pid=process.pid,
            cause=_CAUSES.get(process.cause, ""),
            command=process.command_line,
            user=process.user,
            end=_end(process),
        )
        waiting += [(depth + 1, child) for child in reversed(by_parent.get(process.key, []))]


def _end(process: t.Process) -> str:
    if process.signal:
        return f"killed by signal {process.signal}"
    return f"ended with {process.exit_code}" if process.exit_code else ""


def _timeline(number: int, trace: t.Trace, needed: frozenset[int]) -> tuple[tuple[Happened, ...], dict[int, str]]:
    """The events for which there is room, in order, and the anchor of each event that a line stands for."""
    alike: dict[tuple[int, str, str], list[t.AnyEvent]] = defaultdict(list)
    for event in trace.events:
        alike[event.process, event.kind, line(event)].append(event)
    lines = list(alike.items())
    lines.sort(key=lambda pair: (needed.isdisjoint(one.id for one in pair[1]), -rank(pair[1][0]), pair[1][0].id))
    lines = sorted(lines[:MOST_EVENTS], key=lambda pair: pair[1][0].id)
    anchors = {event.id: f"r{number}-e{same[0].id}" for _, same in lines for event in same if event.id in needed}
    return tuple(_happened(number, trace, words, same, needed) for (_, _, words), same in lines), anchors


def _happened(number: int, trace: t.Trace, words: str, same: list[t.AnyEvent], needed: frozenset[int]) -> Happened:
    event = same[0]
    process = trace.processes.get(event.process)
    telling = any(one.id in needed for one in same)
    return Happened(
        anchor=f"r{number}-e{event.id}",
        time=event.time / _SECOND,
        process=f"{short_name(process.image) or '?'} {process.pid}" if process else "-",
        group=GROUPS.get(event.kind.partition(".")[0], OTHER_GROUP),
        kind=event.kind,
        words=words,
        times=len(same),
        minor=rank(event) < MINOR and not telling,
        telling=telling,
    )


def _rows(cells: Iterable[tuple[str, ...]]) -> tuple[Row, ...]:
    return tuple(Row(cells=row, times=times) for row, times in Counter(cells).items())


def _dns(events: Iterable[t.AnyEvent]) -> tuple[Row, ...]:
    return _rows((e.name, e.type, ", ".join(e.answers)) for e in events if isinstance(e, t.NetDns))


def _http(events: Iterable[t.AnyEvent]) -> tuple[Row, ...]:
    return _rows(
        (e.method, e.url, str(len(e.body)) if e.body else "", f"{e.status or ''} {e.served}".strip())
        for e in events
        if isinstance(e, t.NetHttp)
    )


def _connections(events: Iterable[t.AnyEvent]) -> tuple[Row, ...]:
    def cells() -> Iterator[tuple[str, ...]]:
        for event in events:
            match event:
                case t.NetConnect(protocol=protocol, address=address, port=port, host=host):
                    yield "connects to", protocol, host, _place(address, port), ""
                case t.NetListen(protocol=protocol, address=address, port=port):
                    yield "listens on", protocol, "", _place(address, port), ""
                case t.NetData(protocol=protocol, address=address, port=port, sent=sent, received=received):
                    yield "speaks with", protocol, "", _place(address, port), f"{sent:,} out, {received:,} in"
                case t.NetMail(sender=sender, recipients=recipients, subject=subject):
                    yield "sends mail", "smtp", ", ".join(recipients), f"from {sender}", subject
                case t.NetRaw(family=family, type=kind):
                    yield "opens raw socket", family, "", kind, ""
                case _:
                    pass

    return _rows(cells())


def _place(address: str, port: int) -> str:
    shown = f"[{address}]" if ":" in address else address
    return f"{shown}:{port}" if port else address


def _pictures(account: Account) -> Iterator[Picture]:
    """The screenshots that are there: PNG files of a bounded size."""
    shots = [artifact for artifact in account.run.artifacts if artifact.kind == "screenshot"]
    for artifact in _spread(shots, MOST_PICTURES):
        try:
            place: Path = below(account.folder, artifact.path)
            if place.stat().st_size > MOST_PICTURE:
                continue
            content = place.read_bytes()
        except (OSError, ReportError, ValueError):
            continue
        if content.startswith(_PNG):
            yield Picture(name=artifact.name, png=content)


def _spread(shots: list[Artifact], most: int) -> list[Artifact]:
    """At most so many, spread over the run, the first and the last among them."""
    if len(shots) <= most:
        return shots
    return [shots[round(place * (len(shots) - 1) / (most - 1))] for place in range(most)]
