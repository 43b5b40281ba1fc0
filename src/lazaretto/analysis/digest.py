"""What of an account is told: the telling events, who started whom, whom it spoke to, what it changed.

Pure. A trace may be huge and is the sample's doing, so what is chosen is bounded where it is asked for.
"""

from __future__ import annotations

import ntpath
from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from lazaretto.analysis.wording import line, rank
from lazaretto.domain import trace as t

MAX_EVENTS = 40


def short_name(image: str) -> str:
    """The file name of a program's path, of either system; empty if there is none."""
    return ntpath.basename(image.replace("/", "\\"))


class Peer(msgspec.Struct, frozen=True):
    """One place on the network that the sample spoke to, and what about."""

    place: str
    what: str
    events: int


class Chosen(msgspec.Struct, frozen=True):
    """One line of the timeline; `times` counts the same event of the same process repeated in a row."""

    event: t.AnyEvent
    times: int = 1


def telling(events: Iterable[t.AnyEvent], limit: int = MAX_EVENTS) -> list[Chosen]:
    """The `limit` events that tell most, in the order in which they happened; repetitions are one."""
    seen: dict[tuple[int, str], Chosen] = {}
    for event in events:
        if rank(event) == 0:
            continue
        key = (event.process, line(event))
        known = seen.get(key)
        seen[key] = Chosen(event) if known is None else Chosen(known.event, known.times + 1)
    best = sorted(seen.values(), key=lambda chosen: -rank(chosen.event))[:limit]
    return sorted(best, key=lambda chosen: chosen.event.id)


def children(processes: Mapping[int, t.Process]) -> dict[int, list[t.Process]]:
    """Processes by the key of their parent, in order of start; under 0 those whose parent is not in the account.

    A parent that is younger than its child, or a ring of parents, cannot come from an honest trace: such processes are
    put under 0 too, so that a tree drawn from this ends.
    """
    by_parent: dict[int, list[t.Process]] = defaultdict(list)
    for process in sorted(processes.values(), key=lambda process: (process.started, process.key)):
        known = process.parent in processes and process.parent < process.key
        by_parent[process.parent if known else 0].append(process)
    return dict(by_parent)


def peers(events: Iterable[t.AnyEvent]) -> list[Peer]:
    """Whom the sample asked for or spoke to, each once, in order of first contact."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for event in events:
        match event:
            case t.NetHttp(method=method, url=url):
                found[url, method] += 1
            case t.NetMail(recipients=recipients):
                found[", ".join(recipients), "mail"] += 1
            case t.NetDns(name=name, type=kind):
                found[name, f"DNS {kind}"] += 1
            case t.NetConnect(protocol=protocol, address=address, port=port, host=host):
                found[f"{host or address}:{port}", protocol] += 1
            case t.NetData(protocol=protocol, address=address, port=port):
                found[f"{address}:{port}", f"{protocol} data"] += 1
            case t.NetListen(protocol=protocol, address=address, port=port):
                found[f"{address}:{port}", f"listens, {protocol}"] += 1
            case _:
                pass
    return [Peer(place, what, count) for (place, what), count in found.items()]


def changed_files(events: Iterable[t.AnyEvent]) -> list[tuple[str, str]]:
    """What was done to which file, each once: (`writes`, path), in order of the first."""
    found: dict[tuple[str, str], None] = {}
    for event in events:
        match event:
            case t.FileWrite(path=path, overwritten=overwritten):
                found["overwrites" if overwritten else "writes", path] = None
            case t.FileDelete(path=path):
                found["deletes", path] = None
            case t.FileRename(path=path, to=to):
                found["renames", f"{path} -> {to}"] = None
            case _:
                pass
    return list(found)
