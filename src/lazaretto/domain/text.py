"""Text from samples made safe and short for a terminal.

Names, paths, command lines and window texts are chosen by the sample. Printed raw they could move the cursor, change
the clipboard, or read backwards. Everything of a sample that reaches the terminal goes through `plain`.
"""

from __future__ import annotations

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # control, format (bidi, zero width), not for display
_KIB = 1024


def plain(text: str, limit: int = 400) -> str:
    """`text` on one line with every invisible character written as `\\xNN` or `\\uNNNN`, at most `limit` characters."""
    shown = "".join(_visible(character) for character in text[:limit])
    return shorten(shown + "…" if len(text) > limit else shown, limit)


def utf8(name: str) -> str:
    """A file name as text that can be stored: Linux lets names be bytes that are no text; those are spelled `\\xNN`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    if character in "\r\n\t":
        return {"\r": "\\r", "\n": "\\n", "\t": "\\t"}[character]
    code = ord(character)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def shorten(text: str, limit: int) -> str:
    """`text` cut in its middle to `limit` characters: the beginning and the end of a path or command tell the most."""
    if len(text) <= limit:
        return text
    if limit <= 1:
        return text[:limit]
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail]}…{text[len(text) - tail :] if tail else ''}"


def size(count: int) -> str:
    """A number of bytes as a person says it: `812 bytes`, `1.4 MiB`."""
    if count < _KIB:
        return f"{count} bytes" if count != 1 else "1 byte"
    amount = float(count)
    for unit in ("KiB", "MiB", "GiB"):
        amount /= _KIB
        if amount < _KIB or unit == "GiB":
            return f"{amount:.1f} {unit}"
    raise AssertionError("the last unit always returns")


def seconds(amount: float) -> str:
    """A duration as a person says it: `0.3 s`, `4 min 10 s`, `1 h 5 min`."""
    if amount < 60:
        return f"{amount:.1f} s"
    minutes, rest = divmod(round(amount), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def many(count: int, word: str, plural: str = "") -> str:
    """`1 file`, `3 files`."""
    return f"{count:,} {word if count == 1 else plural or word + 's'}"
