"""The command line of powershell.exe: which script it is given, decoded.

Switches may be cut to any unambiguous prefix and begin with -, / or a dash of typography (about_PowerShell_exe);
-EncodedCommand is base64 of UTF-16LE. Nested -EncodedCommand calls inside a script are decoded too, to a depth.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Final

import msgspec

from lazaretto.sandbox.account.text import LONG, clean

_DASHES: Final = "-/–—―"
# Each switch with the shortest prefix that PowerShell takes for it, and whether a value follows
_SWITCHES: Final = (
    ("encodedcommand", "e", True), ("ec", "ec", True), ("command", "c", True), ("commandwithargs", "commandw", True),
    ("file", "f", True), ("executionpolicy", "ex", True), ("ep", "ep", True), ("windowstyle", "w", True),
    ("version", "v", True), ("psconsolefile", "p", True), ("inputformat", "i", True), ("outputformat", "o", True),
    ("configurationname", "config", True), ("workingdirectory", "wo", True), ("wd", "wd", True), ("custompipename",
    "cus", True),
    ("encodedarguments", "encodeda", True), ("settingsfile", "settings", True),
    ("nologo", "nol", False), ("noexit", "noe", False), ("noprofile", "nop", False), ("noninteractive", "noni", False),
    ("sta", "s", False), ("mta", "m", False), ("interactive", "interact", False), ("login", "l", False), ("help", "h",
    False),
)  # fmt: skip
_ENCODED = re.compile(r"(?i)[-/–—―]e(?:c|n[a-z]*)?\s+[\"']?([A-Za-z0-9+/=]{16,})")
_FROM_BASE64 = re.compile(r"(?i)FromBase64String\s*\(\s*[\"']([A-Za-z0-9+/=]{16,})[\"']")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What PowerShell would run: a script's text (with what is encoded in it after it), or a file."""

    script: str = ""
    file: str = ""
    hidden: bool = False
    policy: str = ""


def read(arguments: Sequence[str]) -> Asked:
    """`arguments` without the program's name."""
    hidden, policy = False, ""
    index = 0
    while index < len(arguments):
        word = arguments[index]
        if not word or word[0] not in _DASHES:
            return Asked(script=_unfold(" ".join(arguments[index:])), hidden=hidden, policy=policy)
        name, colon, inline = word[1:].casefold().partition(":")
        switch, takes = _switch(name)
        value = inline if colon else arguments[index + 1] if index + 1 < len(arguments) else ""
        if switch == "encodedcommand":
            return Asked(script=_unfold(decode(value)), hidden=hidden, policy=policy)
        if switch in ("command", "commandwithargs"):
            return Asked(script=_unfold(" ".join(arguments[index + 1 :])), hidden=hidden, policy=policy)
        if switch == "file":
            return Asked(file=clean(" ".join(arguments[index + 1 :])), hidden=hidden, policy=policy)
        if switch == "windowstyle":
            hidden = hidden or value.casefold().startswith("h") or value == "1"
        elif switch == "executionpolicy":
            policy = clean(value, 64)
        index += 2 if takes and not colon else 1
    return Asked(hidden=hidden, policy=policy)


def _switch(name: str) -> tuple[str, bool]:
    for full, shortest, takes in _SWITCHES:
        if full.startswith(name) and name.startswith(shortest):
            return {"ec": "encodedcommand", "ep": "executionpolicy", "wd": "workingdirectory"}.get(full, full), takes
    return "", False


def decode(value: str) -> str:
    """The text of a base64 argument: UTF-16LE as PowerShell wants it, else UTF-8; "" if it is no base64."""
    try:
        data = base64.b64decode(value.strip("\"' ") + "==", validate=False)
    except (binascii.Error, ValueError):
        return ""
    zeros = data[1:200:2].count(0)
    if zeros * 2 > len(data[1:200:2]):
        return clean(data[: len(data) & ~1].decode("utf-16-le", "replace"), LONG)
    return clean(data, LONG)


def _unfold(script: str, depth: int = 4) -> str:
    """The script, and below it the text of what is encoded in it: `IEX` of base64, a powershell within powershell."""
    parts = [clean(script, LONG)]
    for _ in range(depth):
        found = _ENCODED.search(parts[-1]) or _FROM_BASE64.search(parts[-1])
        inner = decode(found.group(1)) if found else ""
        if not inner or sum(map(len, parts)) > LONG:
            break
        parts.append(inner)
    return clean("\n".join(parts), LONG)
