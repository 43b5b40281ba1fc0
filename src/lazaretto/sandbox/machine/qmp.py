"""QEMU's machine protocol, as much as a disposable machine needs (docs/interop/qmp-spec in QEMU's source)."""

from __future__ import annotations

import socket
import time
from typing import Any

import msgspec

from lazaretto.domain.errors import MachineFailed

_MOST = 1 << 20  # an answer that never ends is QEMU gone mad, or somebody else


class Qmp:
    """One connection. Every call has a deadline, since the process on the other side has run hostile code."""

    def __init__(self, connection: socket.socket, timeout: float = 20.0) -> None:
        self._socket = connection
        self._timeout = timeout
        self._input = b""

    def greet(self) -> None:
        self._next(time.monotonic() + self._timeout)
        self.call("qmp_capabilities")

    def call(self, command: str, fds: list[int] | None = None, **arguments: Any) -> Any:
        """Execute and return the result; raises `MachineFailed` for an error, silence or a closed connection."""
        line = msgspec.json.encode({"execute": command, "arguments": arguments})
        try:
            socket.send_fds(self._socket, [line], fds or [])
        except OSError as error:
            raise MachineFailed(f"QEMU is gone ({command}): {error}") from error
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                answer = self._next(deadline)
            except TimeoutError as error:
                raise MachineFailed(f"QEMU did not answer {command} in {self._timeout:.0f} s") from error
            if "error" in answer:
                raise MachineFailed(f"QEMU refused {command}: {str(answer['error'])[:500]}")
            if "return" in answer:
                return answer["return"]
            # an event: nobody here waits for one

    def wait_until(self, command: str, field: str, wanted: set[str], timeout: float) -> str:
        """Ask again until `field` of the command's answer is one of `wanted`."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            answer = self.call(command)
            value = answer.get(field) if isinstance(answer, dict) else None
            if isinstance(value, str) and value in wanted:
                return value
            time.sleep(0.005)
        raise MachineFailed(f"QEMU did not finish {command} in {timeout:.0f} s")

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\n" not in self._input:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.0001))
            try:
                chunk = self._socket.recv(65536)
            except TimeoutError:
                raise
            except OSError as error:
                raise MachineFailed(f"QEMU is gone: {error}") from error
            if not chunk:
                raise MachineFailed("QEMU closed its control connection")
            self._input += chunk
            if len(self._input) > _MOST:
                raise MachineFailed("QEMU answered without end")
        line, _, self._input = self._input.partition(b"\n")
        try:
            answer = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise MachineFailed("QEMU answered with rubbish") from error
        if not isinstance(answer, dict):
            raise MachineFailed("QEMU answered with rubbish")
        return answer
