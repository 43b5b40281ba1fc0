"""Compressed RTF of messages, [MS-OXRTFCP]: LZ77 over a ring of 4096 bytes that begins with words usual in RTF."""

from __future__ import annotations

import struct

MOST = 16 << 20  # bytes that come out

_WORDS = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    b"\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n"
    b"\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


def decompressed(data: bytes) -> bytes:
    """The RTF; as far as it goes where the data ends early. Empty where it is none."""
    if len(data) < 16:
        return b""
    _, raw_size, kind = struct.unpack_from("<II4s", data)
    if kind == b"MELA":
        return data[16 : 16 + min(raw_size, MOST)]
    return _unpacked(data[16:], min(raw_size, MOST)) if kind == b"LZFu" else b""


def _unpacked(data: bytes, size: int) -> bytes:
    ring = bytearray(4096)
    ring[: len(_WORDS)] = _WORDS
    write = len(_WORDS)
    out = bytearray()
    at = 0
    while at < len(data) and len(out) < size:
        control = data[at]
        at += 1
        for bit in range(8):
            if control >> bit & 1:
                if at + 2 > len(data):
                    return bytes(out[:size])
                reference = data[at] << 8 | data[at + 1]
                at += 2
                read, length = reference >> 4, (reference & 15) + 2
                if read == write:  # the end
                    return bytes(out[:size])
                for _ in range(length):
                    byte = ring[read]
                    out.append(byte)
                    ring[write] = byte
                    read, write = (read + 1) & 4095, (write + 1) & 4095
            else:
                if at >= len(data):
                    return bytes(out[:size])
                out.append(data[at])
                ring[write] = data[at]
                at += 1
                write = (write + 1) & 4095
    return bytes(out[:size])
