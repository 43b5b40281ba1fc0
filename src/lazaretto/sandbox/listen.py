"""Reads everything that a running guest sends, in a thread of its own, so that the guest never waits for us.

A guest that waits is idle, and the clock of an idle guest jumps: a slow reader would change what the sample sees.
"""

from __future__ import annotations

import os
import queue
import selectors
import socket
import threading
from dataclasses import dataclass, field

from lazaretto.sandbox.machine.process import Machine

# Bytes that one port may send in one run.
BUDGETS = {"trace": 192 << 20, "keeper": 320 << 20, "internet": 96 << 20}
_CONSOLE_MOST = 64 * 1024


@dataclass
class Listener:
    """`chunks` receives (port, bytes); (port, b"") once when a port is closed; ("", b"") when the machine is gone."""

    machine: Machine
    chunks: queue.SimpleQueue[tuple[str, bytes]] = field(default_factory=queue.SimpleQueue)
    console: bytearray = field(default_factory=bytearray)
    received: dict[str, int] = field(default_factory=dict)
    _stop: tuple[int, int] = field(default_factory=os.pipe)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._listen, name="listen", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        os.write(self._stop[1], b".")
        if self._thread is not None:
            self._thread.join()
        for fd in self._stop:
            os.close(fd)

    def _listen(self) -> None:
        sockets: dict[int, tuple[str, socket.socket]] = {
            end.fileno(): (name, end) for name, end in [*self.machine.ports.items(), ("console", self.machine.console)]
        }
        with selectors.DefaultSelector() as selector:
            for fd in sockets:
                selector.register(fd, selectors.EVENT_READ)
            selector.register(self._stop[0], selectors.EVENT_READ)
            while sockets:
                for key, _ in selector.select():
                    if key.fd == self._stop[0]:
                        return
                    name, end = sockets[key.fd]
                    if not self._receive(name, end):
                        selector.unregister(key.fd)
                        del sockets[key.fd]
        self.chunks.put(("", b""))

    def _receive(self, name: str, end: socket.socket) -> bool:
        try:
            data = end.recv(1 << 18)
        except OSError:
            data = b""
        if name == "console":
            self.console += data
            del self.console[:-_CONSOLE_MOST]
            return bool(data)
        so_far = self.received.get(name, 0)
        self.received[name] = so_far + len(data)
        # Beyond its budget a port is still read, so that the guest goes on, but nothing is kept.
        if not data or so_far <= BUDGETS[name]:
            self.chunks.put((name, data))
        return bool(data)
