"""What of an account is shown: the telling, in order, bounded, and nothing a hostile trace can break."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import msgspec
import pytest

from lazaretto.analysis import digest, wording
from lazaretto.cli import account
from lazaretto.domain import trace as t
from lazaretto.domain.detonation import Artifact


def a_trace(*events: t.AnyEvent, processes: tuple[t.Process, ...] = ()) -> t.Trace:
    return t.Trace(
        profile="windows",
        ending=t.Ending.EXITED,
        processes={process.key: process for process in processes},
        events=tuple(msgspec.structs.replace(event, id=number) for number, event in enumerate(events)),
    )


def minimal(kind: type[t.Event]) -> t.AnyEvent:
    """An event of the kind with its required fields filled with hostile text or numbers."""
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if field.required:
            values[field.name] = "\x1b[2J evil" if field.type is str else 1
    return kind(**values)  # type: ignore[return-value]  # one of AnyEvent


@pytest.mark.parametrize("kind", get_args(t.AnyEvent), ids=lambda kind: kind.__name__)
def test_every_kind_has_words_and_a_rank(kind: type[t.Event]) -> None:
    event = minimal(kind)
    words = wording.line(event)
    assert words.strip()
    assert "\x1b" not in words
    assert 0 <= wording.rank(event) <= 5


def test_the_table_has_each_kind_once() -> None:
    assert sorted(kind.__name__ for kind in wording.RANK) == sorted(kind.__name__ for kind in get_args(t.AnyEvent))
    assert len(wording._TABLE) == len(wording.RANK)


def test_a_refused_event_says_so() -> None:
    assert wording.line(t.FileDelete(path="C:\\x", ok=False)) == "deletes C:\\x (refused)"


def test_telling_prefers_what_matters_and_keeps_the_order() -> None:
    noise = [t.FileCreate(path=f"C:\\{n}") for n in range(100)]
    run_key = t.Autostart(mechanism="run-key", location="HKCU\\...\\Run")
    trace = a_trace(
        *noise[:50], run_key, *noise[50:], t.NetHttp(method="GET", url="http://a.example/"), t.FileRead(path="x")
    )
    chosen = digest.telling(trace.events, limit=3)
    assert [item.event.kind for item in chosen] == ["file.create", "autostart", "net.http"]


def test_repetitions_are_one_line(draw: Callable[..., str]) -> None:
    trace = a_trace(*[t.NetDns(name="a.example") for _ in range(1000)])
    assert [(item.event.id, item.times) for item in digest.telling(trace.events)] == [(0, 1000)]
    assert "x1,000" in draw(account.timeline(trace))


def test_a_timeline_says_what_it_left_out(draw: Callable[..., str]) -> None:
    trace = a_trace(*[t.FileCreate(path=f"/tmp/{n}") for n in range(1_000)])
    assert "and 960 events that tell less" in draw(account.timeline(trace))


def test_a_tree_shows_who_started_whom(draw: Callable[..., str]) -> None:
    trace = a_trace(
        processes=(
            t.Process(key=1, pid=40, image="C:\\windows\\system32\\wscript.exe", command_line="wscript.exe a.js"),
            t.Process(key=2, pid=44, parent=1, image="C:\\windows\\system32\\cmd.exe", exit_code=3),
            t.Process(key=3, pid=50, image="C:\\x\\svc.exe", cause=t.Cause.SERVICE),
        )
    )
    assert draw(account.process_tree(trace)).splitlines() == [
        "processes",
        "├── wscript.exe 40  wscript.exe a.js",
        "│   └── cmd.exe 44  exit 3",
        "└── svc.exe 50 as a service",
    ]


def test_a_ring_of_parents_ends(draw: Callable[..., str]) -> None:
    ring = a_trace(processes=(t.Process(key=1, pid=1, parent=2), t.Process(key=2, pid=2, parent=1)))
    assert draw(account.process_tree(ring)).count("?") == 2


def test_a_fork_bomb_is_bounded(draw: Callable[..., str]) -> None:
    bomb = a_trace(processes=tuple(t.Process(key=n, pid=n, parent=n - 1, image="/tmp/bomb") for n in range(1, 5000)))
    drawn = draw(account.process_tree(bomb))
    assert len(drawn.splitlines()) <= account.MAX_PROCESSES + 2
    assert "more processes" in drawn


def test_network_and_files(draw: Callable[..., str]) -> None:
    trace = a_trace(
        t.NetDns(name="a.example"),
        t.NetHttp(method="GET", url="http://a.example/x"),
        t.NetConnect(protocol="tcp", address="10.0.0.9", port=443, host="b.example"),
        t.FileWrite(path="C:\\a.bat", size=3),
        t.FileDelete(path="C:\\a.bat"),
    )
    assert [(peer.place, peer.what) for peer in digest.peers(trace.events)] == [
        ("a.example", "DNS A"),
        ("http://a.example/x", "GET"),
        ("b.example:443", "tcp"),
    ]
    assert digest.changed_files(trace.events) == [("writes", "C:\\a.bat"), ("deletes", "C:\\a.bat")]
    table = account.files(trace, [Artifact(kind="dropped", name="a.bat", sha256="0" * 64, size=3, path="files/0")])
    assert table is not None
    assert "dropped, 3 bytes" in draw(table)
    assert account.network(a_trace()) is None
    assert account.files(a_trace()) is None


def test_nothing_is_wider_than_the_terminal(draw: Callable[..., str]) -> None:
    long = "C:\\" + "very long name \x1b[31m" * 400
    trace = a_trace(
        t.FileWrite(path=long, process=1),
        t.NetHttp(method="GET", url="http://" + "a" * 5000),
        processes=(t.Process(key=1, pid=1, image=long, command_line=long),),
    )
    for renderable in (
        account.timeline(trace),
        account.process_tree(trace),
        account.network(trace),
        account.files(trace),
    ):
        assert renderable is not None
        drawn = draw(renderable)
        assert max(map(len, drawn.splitlines())) <= 80
        assert "\x1b" not in drawn
