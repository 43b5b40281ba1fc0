"""The warden: `python -m lazaretto.analysis.cage.warden FD UID`, started by `host.Cage` in a sandbox of its own.

Hands each job on to the room of its engine, which it forks when it is first needed. If a room dies, which no sample can
bring about, the warden goes too, and the host starts another one.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys

import msgspec

from lazaretto.analysis.cage import encodings, wire
from lazaretto.analysis.cage.confine import compile_filter
from lazaretto.analysis.cage.room import Room

_job = msgspec.msgpack.Decoder(wire.Job)


class Warden:
    def __init__(self, host: socket.socket, user: int | None) -> None:
        self._host = host
        self._user = user
        self._filter = compile_filter()
        self._rooms: dict[str, socket.socket] = {}  # by the engine's module
        self._selector = selectors.DefaultSelector()
        self._selector.register(host, selectors.EVENT_READ)

    def run(self) -> None:
        """Until the host or a room is gone; what is still running dies with the pid namespace."""
        while all(key.fileobj is self._host for key, _ in self._selector.select()):
            packet, fds, _, _ = socket.recv_fds(self._host, wire.MAX_PACKET, 3)
            if not packet:
                return
            try:
                socket.send_fds(self._room(_job.decode(packet).module), [packet], fds)
            finally:
                for fd in fds:
                    os.close(fd)

    def _room(self, module: str) -> socket.socket:
        if module not in self._rooms:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            pid = os.fork()
            if not pid:
                self._in_room(theirs, ours)
            theirs.close()
            self._rooms[module] = ours
            self._selector.register(os.pidfd_open(pid), selectors.EVENT_READ)
        return self._rooms[module]

    def _in_room(self, jobs: socket.socket, other_end: socket.socket) -> None:
        """Never returns."""
        try:
            for end in (other_end, *self._rooms.values()):
                end.close()
            for key in list(self._selector.get_map().values()):
                if isinstance(key.fileobj, int):
                    os.close(key.fileobj)
            self._selector.close()
            Room(jobs, self._host, self._filter, self._user).run()
        finally:
            os._exit(1)


def main() -> None:
    fd, uid = map(int, sys.argv[1:3])
    encodings.load()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the host's to handle
    Warden(socket.socket(fileno=fd), uid if uid >= 0 else None).run()


if __name__ == "__main__":
    main()
