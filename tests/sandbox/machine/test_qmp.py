"""QEMU's machine protocol against a peer that answers well, badly, late or never."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lazaretto.domain.errors import MachineFailed
from lazaretto.sandbox.machine.qmp import Qmp


class Peer:
    """Plays QEMU: `script` is what it says to each command, bytes as they are, anything else as a JSON line."""

    def __init__(self, connection: socket.socket, script: list[Any]) -> None:
        self.heard: list[dict[str, Any]] = []
        self.descriptors: list[int] = []
        self._connection = connection
        self._script = script
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        for answer in self._script:
            data, descriptors, _, _ = socket.recv_fds(self._connection, 65536, 4)
            if not data:
                break
            self.heard.append(json.loads(data))
            self.descriptors += descriptors
            said = answer if isinstance(answer, bytes) else json.dumps(answer).encode() + b"\n"
            try:
                self._connection.sendall(said)
            except BrokenPipeError:  # who was told too much has hung up
                return
        self._connection.shutdown(socket.SHUT_WR)


Play = Callable[..., tuple[Qmp, Peer]]


@pytest.fixture
def play() -> Iterator[Play]:
    opened: list[socket.socket] = []
    peers: list[Peer] = []

    def start(*script: Any, timeout: float = 5.0) -> tuple[Qmp, Peer]:
        ours, theirs = socket.socketpair()
        opened.extend((ours, theirs))
        peers.append(Peer(theirs, list(script)))
        return Qmp(ours, timeout), peers[-1]

    yield start
    for end in opened[::2]:
        end.close()
    for peer in peers:
        peer.thread.join()
        for fd in peer.descriptors:
            os.close(fd)
    for end in opened[1::2]:
        end.close()


def test_call(play: Play) -> None:
    qmp, peer = play({"return": {"status": "running"}})
    assert qmp.call("query-status", wanted=1) == {"status": "running"}
    assert peer.heard == [{"execute": "query-status", "arguments": {"wanted": 1}}]


def test_events_come_at_any_time(play: Play) -> None:
    qmp, _ = play(b'{"event": "STOP"}\n{"event": "RESUME"}\n{"return": 1}\n{"event": "X"}\n', {"return": 2})
    assert qmp.call("stop") == 1
    assert qmp.call("cont") == 2


def test_descriptors_travel(play: Play) -> None:
    reader, writer = os.pipe()
    qmp, peer = play({"return": {}})
    qmp.call("getfd", [writer], fdname="state")
    os.write(peer.descriptors[0], b"x")
    assert os.read(reader, 1) == b"x"
    os.close(reader)
    os.close(writer)


def test_wait_until(play: Play) -> None:
    qmp, _ = play({"return": {"status": "active"}}, {"return": {}}, {"return": {"status": "completed"}})
    assert qmp.wait_until("query-migrate", "status", {"completed"}, timeout=5) == "completed"


def test_waiting_has_an_end(play: Play) -> None:
    qmp, _ = play({"return": {"status": "active"}})
    with pytest.raises(MachineFailed, match="did not finish query-migrate"):
        qmp.wait_until("query-migrate", "status", {"completed"}, timeout=0)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"error": {"class": "GenericError", "desc": "no such thing"}}, "no such thing"),
        ({"error": "text"}, "refused"),
        (b"", "closed"),
        (b"{\n", "rubbish"),
        (b"[1]\n", "rubbish"),
        (b"[" * 5000 + b"\n", "rubbish"),
        (b"x" * (2 << 20), "without end"),
    ],
    ids=["refused", "odd error", "closed", "half", "list", "deep", "endless"],
)
def test_a_qemu_that_fails(play: Play, answer: Any, said: str) -> None:
    qmp, _ = play(answer)
    with pytest.raises(MachineFailed, match=said):
        qmp.call("cont")


def test_silence_is_a_failed_machine() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(MachineFailed, match="did not answer cont"):
        Qmp(ours, timeout=0.05).call("cont")


def test_a_dead_qemu_is_a_failed_machine() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, pytest.raises(MachineFailed, match="gone"):
        Qmp(ours).call("cont")
