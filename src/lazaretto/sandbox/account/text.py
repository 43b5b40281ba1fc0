"""Text from the guest, made safe: valid Unicode, bounded, no control characters but newline and tab."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterable
from typing import Final

LIMIT: Final = 4096  # characters of one ordinary text
LONG: Final = 24_000  # characters of a command line or script: Windows allows 32,767, an event 32 KiB

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(value: bytes | str, limit: int = LIMIT) -> str:
    """`value` as safe text, at most `limit` characters; what is no UTF-8 or a control character becomes U+FFFD."""
    if isinstance(value, bytes):
        value = value[: limit * 4].decode("utf-8", "replace")
    if len(value) > limit:
        value = value[: limit - 1] + "…"
    if value.isprintable():
        return value
    return _CONTROL.sub("\ufffd", value)


def wide(value: bytes, limit: int = LIMIT) -> str:
    """UTF-16LE text up to its first NUL, as Windows strings end."""
    text = value[: limit * 2 + 2].decode("utf-16-le", "replace")
    end = text.find("\0")
    return clean(text if end < 0 else text[:end], limit)


def split_nul(value: bytes, most: int = 4096) -> list[str]:
    """The strings of an argv or environment block."""
    if not value:
        return []
    return [part.decode("utf-8", "replace") for part in value.removesuffix(b"\0").split(b"\0")[:most]]


def posix_command_line(argv: Iterable[str]) -> str:
    return clean(shlex.join(argv), LONG)


def windows_command_line(argv: Iterable[str]) -> str:
    """Quoted by the rules of the Microsoft C runtime."""
    return clean(subprocess.list2cmdline(argv), LONG)


def split_windows(command_line: str) -> list[str]:
    """The arguments of a Windows command line, by the rules of CommandLineToArgvW; at most 1024."""
    arguments: list[str] = []
    position = 0
    while len(arguments) < 1024:
        while command_line[position : position + 1] in (" ", "\t", "\n"):
            position += 1
        if position >= len(command_line):
            break
        argument, position = _windows_argument(command_line, position)
        arguments.append(argument)
    return arguments


def _windows_argument(line: str, position: int) -> tuple[str, int]:
    """One argument and where it ended. Before a quote, two backslashes are one, and an odd one makes it literal."""
    parts: list[str] = []
    quoted = False
    while position < len(line) and (quoted or line[position] not in " \t\n"):
        start = position
        while line[position : position + 1] == "\\":
            position += 1
        slashes = position - start
        if line[position : position + 1] != '"':
            parts.append("\\" * slashes or line[position])
            position += 0 if slashes else 1
            continue
        parts.append("\\" * (slashes // 2))
        position += 1
        if slashes % 2:
            parts.append('"')
        elif quoted and line[position : position + 1] == '"':
            parts.append('"')
            position += 1
        else:
            quoted = not quoted
    return "".join(parts), position


def basename(path: str) -> str:
    """The last part of a Linux or Windows path."""
    return re.split(r"[\\/]", path)[-1]
