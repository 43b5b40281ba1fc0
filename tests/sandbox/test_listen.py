"""The thread that reads a guest: what one port may send is bounded, and the end of a machine is noticed."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import Any

import pytest

from lazaretto.sandbox import listen
from lazaretto.sandbox.listen import Listener


@dataclass
class Guest:
    """Both ends of each port and of the console, as a machine has them."""

    ports: dict[str, socket.socket] = field(default_factory=dict)
    theirs: dict[str, socket.socket] = field(default_factory=dict)
    console: Any = None

    def __post_init__(self) -> None:
        for name in ("trace", "keeper", "internet", "console"):
            ours, self.theirs[name] = socket.socketpair()
            if name == "console":
                self.console = ours
            else:
                self.ports[name] = ours

    def close(self) -> None:
        for end in (*self.ports.values(), *self.theirs.values(), self.console):
            end.close()


@pytest.fixture
def guest() -> Any:
    made = Guest()
    yield made
    made.close()


def take(listener: Listener, until: tuple[str, bytes]) -> list[tuple[str, bytes]]:
    got = []
    while not got or got[-1] != until:
        got.append(listener.chunks.get(timeout=10))
    return got


def test_each_chunk_has_the_name_of_its_port(guest: Any) -> None:
    listener = Listener(guest)
    listener.start()
    guest.theirs["trace"].sendall(b"records")
    assert listener.chunks.get(timeout=10) == ("trace", b"records")
    guest.theirs["internet"].sendall(b"message")
    assert listener.chunks.get(timeout=10) == ("internet", b"message")
    listener.stop()


def test_the_end_of_the_machine_is_said_once(guest: Any) -> None:
    listener = Listener(guest)
    listener.start()
    for end in guest.theirs.values():
        end.close()
    got = take(listener, ("", b""))
    assert sorted(got) == [("", b""), ("internet", b""), ("keeper", b""), ("trace", b"")]
    listener.stop()


def test_beyond_its_budget_a_port_is_read_and_forgotten(guest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guest must not wait for us, and we must not keep what it floods us with."""
    monkeypatch.setitem(listen.BUDGETS, "trace", 1000)
    listener = Listener(guest)
    listener.start()
    sent = 4 << 20
    guest.theirs["trace"].sendall(bytes(sent))  # more than the socket holds: somebody reads
    guest.theirs["trace"].close()
    got = take(listener, ("trace", b""))
    kept = sum(len(data) for _, data in got)
    assert 1000 < kept <= 1000 + (1 << 18)
    assert listener.received["trace"] == sent
    listener.stop()


def test_of_the_console_the_end_is_kept(guest: Any) -> None:
    listener = Listener(guest)
    listener.start()
    guest.theirs["console"].sendall(b"x" * 500_000 + b"Kernel panic")
    for end in guest.theirs.values():
        end.close()
    take(listener, ("", b""))
    assert len(listener.console) == 64 * 1024
    assert listener.console.endswith(b"Kernel panic")
    listener.stop()
