"""The first record of a TLS client (RFC 8446, 4.1.2): the wanted name and what the client can do. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

LIMIT = 16 * 1024 + 5


@dataclass(frozen=True, kw_only=True)
class Hello:
    """`ecdsa`: whether the client can verify an ECDSA signature of the server. `protocols`: ALPN offers."""

    server_name: str = ""
    protocols: tuple[str, ...] = ()
    ecdsa: bool = True


def record_size(data: bytes) -> int | None:
    """Size of the first record with its header, None while the header is not whole."""
    return None if len(data) < 5 else 5 + int.from_bytes(data[3:5], "big")


class _Reader:
    """Cuts pieces off; past the end everything is empty, which no valid hello depends on."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        self._at += count
        return piece

    def vector(self, width: int) -> bytes:
        return self.take(int.from_bytes(self.take(width), "big"))

    @property
    def left(self) -> bool:
        return self._at < len(self._data)


def parse(record: bytes) -> Hello:
    """What a ClientHello record says; rubbish says nothing."""
    reader = _Reader(record[5:LIMIT])
    if reader.take(1) != b"\x01":
        return Hello()
    reader.take(3 + 2 + 32)
    reader.vector(1)
    raw = reader.vector(2)
    suites = struct.unpack(f"!{len(raw) // 2}H", raw[: len(raw) // 2 * 2])
    reader.vector(1)
    extensions = _Reader(reader.vector(2))
    name, curves = "", False
    protocols: tuple[str, ...] = ()
    while extensions.left:
        kind = int.from_bytes(extensions.take(2), "big")
        content = extensions.vector(2)
        if kind == 0:
            name = _server_name(content)
        elif kind == 10:
            curves = b"\x00\x17" in content  # secp256r1
        elif kind == 16:
            protocols = _protocols(content)
    modern = any(suite >> 8 == 0x13 or suite in _ECDSA_SUITES for suite in suites)
    return Hello(server_name=name, protocols=protocols, ecdsa=modern and curves)


# TLS_ECDHE_ECDSA_* (IANA's registry).
_ECDSA_SUITES = {*range(0xC006, 0xC00B), 0xC023, 0xC024, 0xC02B, 0xC02C, 0xC0AC, 0xC0AD, 0xC0AE, 0xC0AF, 0xCCA9}


def _server_name(content: bytes) -> str:
    entry = _Reader(_Reader(content).vector(2))
    return entry.vector(2).decode("ascii", "replace")[:255] if entry.take(1) == b"\0" else ""


def _protocols(content: bytes) -> tuple[str, ...]:
    reader = _Reader(_Reader(content).vector(2))
    found: list[str] = []
    while reader.left and len(found) < 16:
        found.append(reader.vector(1).decode("ascii", "replace"))
    return tuple(found)
