"""The readable texts in a file's bytes: ASCII and UTF-16, one to a line."""

from __future__ import annotations

MOST_BYTES = 24 << 20  # of a file that are looked at: its beginning and its end
MOST_TEXT = 8 << 20  # characters that come out

_PRINTABLE = bytes([0x09, *range(0x20, 0x7F)])
_ONLY = bytes(byte if byte in _PRINTABLE else 0 for byte in range(256))
_MASK = bytes(0xFF if byte in _PRINTABLE else 0 for byte in range(256))
_ZERO = bytes(0xFF if byte == 0 else 0 for byte in range(256))
_BLANK = 0x01  # stands for blanks while the text is taken apart at what is not there
_APART = bytes(0x20 if byte == 0 else _BLANK if byte in b"\t " else byte for byte in range(256))
_TOGETHER = bytes(0x20 if byte == _BLANK else byte for byte in range(256))


def texts(data: bytes) -> str:
    """Runs of at least five printable characters, in the order of the file, the UTF-16 ones (little endian) last."""
    if len(data) > MOST_BYTES:
        half = MOST_BYTES // 2
        data = data[:half] + b"\0\0" + data[-half:]
    even, odd = data[::2], data[1::2]
    parts = [_runs(data.translate(_ONLY)), _runs(_wide(even, odd)), _runs(_wide(odd, even[1:]))]
    return "\n".join(part for part in parts if part)


def _wide(low: bytes, high: bytes) -> bytes:
    """The printable low bytes whose high byte is zero; zero for all others."""
    size = min(len(low), len(high))
    return _both(low[:size].translate(_ONLY), high[:size].translate(_ZERO))


def _both(a: bytes, b: bytes) -> bytes:
    """Bit by bit, what is in both. Whole files as one number: this is C's speed, where a loop or an expression over
    the bytes takes a second for four megabytes."""
    return (int.from_bytes(a, "little") & int.from_bytes(b, "little")).to_bytes(len(a), "little")


def _runs(characters: bytes) -> str:
    """Of characters with zeros between, the runs of five and more, one to a line."""
    mask = int.from_bytes(characters.translate(_MASK), "little")
    two = mask & mask >> 8
    begin = two & two >> 16 & mask >> 32  # where five begin
    kept = begin | begin << 8
    kept |= kept << 16
    kept |= begin << 32
    only = (int.from_bytes(characters, "little") & kept).to_bytes(len(characters), "little")
    return b"\n".join(only.translate(_APART).split()).translate(_TOGETHER)[:MOST_TEXT].decode("ascii")
