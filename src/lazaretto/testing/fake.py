"""A guest that is a function: what it writes to its ports reaches the host as a real guest's bytes would.

    def guest(ports): ports["keeper"].sendall(json_frame(event="start")); ...
    detonation = Sandbox(FakePool(guest))(request)

For tests of everything between the ports and the account, where a real machine cannot be made to misbehave at will.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import msgspec

from lazaretto.sandbox.account.manifest import debian_manifest
from lazaretto.sandbox.image.store import Image
from lazaretto.sandbox.machine import hardware
from lazaretto.sandbox.machine.frames import MAGIC, FrameType
from lazaretto.sandbox.machine.process import Machine
from lazaretto.sandbox.pool import Pool

Ports = Mapping[str, socket.socket]
Guest = Callable[[Ports], None]


def frame(kind: int, payload: bytes, *, length: int | None = None, magic: int = MAGIC) -> bytes:
    """A frame as record.h describes it; `length` is a lie, if given."""
    return struct.pack("<HBBI", magic, kind, 0, len(payload) if length is None else length) + payload


def json_frame(**message: Any) -> bytes:
    return frame(FrameType.JSON, msgspec.json.encode(message))


@dataclass
class _Process:
    """Stands for QEMU's process: it ends when the guest's function does."""

    code: int
    ended: threading.Event = field(default_factory=threading.Event)

    def wait(self, timeout: float | None = None) -> int:
        self.ended.wait(timeout)
        return self.code

    def poll(self) -> int | None:
        return self.code if self.ended.is_set() else None


class FakeMachine:
    """As much of `Machine` as a run uses."""

    def __init__(self, guest: Guest, code: int) -> None:
        pairs = {name: socket.socketpair() for name in (*hardware.PORTS, "console")}
        self.ports = {name: pair[0] for name, pair in pairs.items() if name != "console"}
        self.console = pairs["console"][0]
        self.medium = os.memfd_create("medium")
        self.process = _Process(code)
        self._theirs = {name: pair[1] for name, pair in pairs.items()}
        self._thread = threading.Thread(target=self._run, args=(guest,), daemon=True)

    running = True

    def resume(self) -> None:
        self._thread.start()

    def _run(self, guest: Guest) -> None:
        with contextlib.suppress(OSError):  # the host has hung up
            guest(self._theirs)
        for end in self._theirs.values():
            end.close()
        self.process.ended.set()

    def last_words(self) -> str:
        return ""

    def close(self) -> None:
        for end in (*self.ports.values(), self.console):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        if self._thread.ident is not None:
            self._thread.join(10)


class _Image(Image, frozen=True):
    def manifest(self) -> dict[str, Any]:
        return cast("dict[str, Any]", msgspec.to_builtins(debian_manifest(self.profile)))


class _Store:
    run_directory = Path("/nonexistent")

    def find(self, profile: str) -> Image:
        return _Image(profile=profile, digest="fake", path=Path("/nonexistent"))


class FakePool(Pool):
    """Each machine that it gives runs `guest`; `code` is with what QEMU seems to end."""

    def __init__(self, guest: Guest, code: int = 0) -> None:
        super().__init__(size=0)
        self._guest = guest
        self._code = code
        self.store = _Store()  # type: ignore[assignment]  # as much of it as a run uses

    def take(self, profile: str) -> Machine:  # noqa: ARG002 - all are the same
        return cast("Machine", FakeMachine(self._guest, self._code))
