"""How random bytes are, and whether that is because they are a known compressed kind."""

from __future__ import annotations

import math
from collections import Counter

MOST_MEASURED = 64 << 10  # bytes; more tell nothing new
RANDOM = 7.9  # bits a byte: encrypted or well compressed
PACKED = 7.2  # bits a byte: machine code stays below 6.9

# Files that are compressed by their kind, by their first bytes.
_COMPRESSED = (
    b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!",
    b"MSCF", b"\x28\xb5\x2f\xfd", b"OggS", b"ID3", b"\xff\xfb", b"RIFF", b"%PDF", b"wOFF", b"wOF2", b"\x04\x22\x4d\x18",
    b"\x00\x00\x01\x00", b"ITSF", b"fLaC", b"\x1aE\xdf\xa3", b"CWS", b"ZWS", b"MPQ", b"\x00\x00\x00\x18ftyp",
    b"\x00\x00\x00\x20ftyp", b"hsqs", b"MZ", b"\x7fELF",
)  # fmt: skip


def entropy(data: bytes) -> float:
    """Shannon entropy in bits a byte, 0 to 8, over at most MOST_MEASURED bytes spread evenly over them."""
    if len(data) > MOST_MEASURED:
        piece, gap = MOST_MEASURED // 16, len(data) // 16
        data = b"".join(data[start * gap : start * gap + piece] for start in range(16))
    if not data:
        return 0.0
    size = len(data)
    return -sum(count / size * math.log2(count / size) for count in Counter(data).values())


def of_a_compressed_kind(data: bytes) -> bool:
    """Whether the bytes begin as a file that is compressed, or a program, by its kind."""
    return data.startswith(_COMPRESSED) or _is_zlib(data)


def looks_encrypted(data: bytes, least: int = 16 << 10) -> bool:
    """Whether these are many bytes without any order, and not of a kind that always is so."""
    return len(data) >= least and entropy(data) > RANDOM and not of_a_compressed_kind(data)


def _is_zlib(data: bytes) -> bool:
    """RFC 1950: method 8, and the first two bytes as a number divisible by 31."""
    return len(data) > 2 and data[0] & 0x8F == 8 and (data[0] << 8 | data[1]) % 31 == 0
