"""Decoders that scripts use, each bounded, each marking its result with how it was made."""

from __future__ import annotations

import base64
import binascii
import bz2
import codecs
import lzma
import re
import zlib
from collections.abc import Callable
from urllib.parse import unquote

from lazaretto.analysis.scripting.values import HOLE, MOST_TEXT, Blob, Text, Thing, Value, marked, origins

_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


def as_bytes(value: Value) -> bytes | None:
    """Bytes, or a text or list of numbers as bytes; None for anything else."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str) and HOLE not in value:
        return (
            value.encode("latin-1")
            if all(ord(c) < 256 for c in value[:4096]) and value.isascii()
            else value.encode("utf-8", "replace")
        )
    if isinstance(value, list) and value and all(isinstance(one, int) and -256 < one < 256 for one in value):
        return bytes(one & 255 for one in value)
    return None


def decoded(value: Value, how: str, decode: Callable[[bytes], bytes]) -> Value:
    """`decode` over the value's bytes; what cannot be decoded is unknown, with the origins kept."""
    data = as_bytes(value)
    if data is None:
        return Thing("", origins(value) | {how})
    try:
        return Blob(decode(data), origins(value) | {how})
    except (ValueError, zlib.error, OSError, EOFError, lzma.LZMAError):
        return Thing("", origins(value) | {how})


def from_base64(value: Value) -> Value:
    """Base64 in the ordinary or the URL alphabet; other characters are skipped, as most decoders do."""

    def decode(data: bytes) -> bytes:
        plain = _BASE64.sub(b"", data.translate(bytes.maketrans(b"-_", b"+/")))
        if len(plain) % 4 == 1:
            plain = plain[:-1]
        return base64.b64decode(plain + b"=" * (-len(plain) % 4))

    return decoded(value, "base64", decode)


def from_hex(value: Value) -> Value:
    return decoded(value, "hex", lambda data: binascii.unhexlify(re.sub(rb"[\s:,-]|0x|\\x", b"", data)))


def inflated(value: Value) -> Value:
    """zlib, gzip or raw deflate, whichever it is."""
    return decoded(value, "compressed", _inflate)


def _inflate(data: bytes) -> bytes:
    for bits in (47, -15):
        try:
            return zlib.decompressobj(bits).decompress(data, MOST_TEXT)
        except zlib.error:
            continue
    raise zlib.error("not deflated")


def bunzipped(value: Value) -> Value:
    return decoded(value, "compressed", lambda data: bz2.BZ2Decompressor().decompress(data, MOST_TEXT))


def unlzma(value: Value) -> Value:
    return decoded(
        value, "compressed", lambda data: lzma.LZMADecompressor(memlimit=64 << 20).decompress(data, MOST_TEXT)
    )


def rotated(value: Value) -> Value:
    if not isinstance(value, str):
        return Thing("", origins(value) | {"rotated"})
    return Text(codecs.encode(value, "rot13"), origins(value) | {"rotated"})


def reversed_text(value: Value) -> Value:
    if isinstance(value, list):
        return value[::-1]
    return marked(value[::-1], "reversed") if isinstance(value, str | bytes) else Thing("", origins(value))


def url_decoded(value: Value) -> Value:
    """`%41` and the script engines' `%u0041`."""
    if not isinstance(value, str):
        return Thing("", origins(value))
    if "%" not in value:
        return value
    plain = re.sub(r"%u([0-9A-Fa-f]{4})", lambda m: chr(int(m[1], 16)), value)
    plain = unquote(plain, errors="replace") if "%" in plain else plain
    escapes = value.count("%")
    return Text(plain, origins(value) | ({"hex"} if escapes * 6 > len(value) else set()))


def as_text(value: Value, encoding: str = "utf-8") -> Value:
    """Bytes as text. UTF-16 is recognised by its zeros, whatever was said."""
    data = as_bytes(value)
    if isinstance(value, str) or data is None:
        return value if isinstance(value, str) else Thing("", origins(value))
    if encoding == "utf-8" and (
        data[:2] == b"\xff\xfe" or (len(data) > 3 and data[1:60:2].count(0) > 0.8 * len(data[1:60:2]))
    ):
        encoding = "utf-16-le"
    try:
        return Text(data.decode(encoding, "replace").removeprefix("\ufeff"), origins(value))
    except LookupError:
        return Text(data.decode("latin-1"), origins(value))


def characters(codes: list[Value]) -> Value:
    """Text from the numbers of its characters."""
    plain: list[str] = []
    for code in codes:
        if isinstance(code, bool) or not isinstance(code, int | float):  # noqa: SIM102
            if not (isinstance(code, str) and code.strip().isdigit()):
                plain.append(HOLE)
                continue
        plain.append(chr(int(code) & 0xFFFF if int(code) < 0 or int(code) > 0x10FFFF else int(code)))
    return Text("".join(plain), origins(codes) | {"characters"})
