"""ClamAV, asked over clamd's socket with INSTREAM (clamd(8), section COMMANDS)."""

from __future__ import annotations

import re
import struct
from functools import partial

from lazaretto.analysis.engine import Fact, Finding, Output, Subject
from lazaretto.analysis.outside.outside import Answer, NoAnswer, Outside
from lazaretto.analysis.outside.sockets import Address, address, connected
from lazaretto.analysis.settings import ClamavSettings

_CHUNK = 1 << 20
_MOST = 4096  # bytes of an answer
_FOUND = re.compile(r"^stream: (?P<name>.+?) FOUND$")


def engine(settings: ClamavSettings) -> Outside:
    """As set up, or as absent."""
    return Outside(
        name="clamav",
        version="1",
        wants=lambda kind: kind.name != "empty",
        sees="files that ClamAV's signatures know, where its daemon is set up",
        ask=partial(_ask, address(settings.socket), settings.seconds) if settings.socket else None,
    )


def _ask(to: Address, seconds: float, subject: Subject) -> Answer:
    version = _version(to, seconds)
    with connected(to, seconds) as stream:
        stream.send(b"zINSTREAM\0")
        view = memoryview(subject.data)
        for at in range(0, len(view), _CHUNK):
            piece = view[at : at + _CHUNK]
            stream.send(struct.pack(">I", len(piece)))
            stream.send(piece)
        stream.send(struct.pack(">I", 0))
        said = stream.read_to(b"\0", _MOST).decode("utf-8", "replace").strip()
    if said == "stream: OK":
        return Answer((), version)
    if found := _FOUND.match(said):
        return Answer(_named(found["name"]), version)
    raise NoAnswer(f"it said: {said}" if said else "it ended without an answer")


def _version(to: Address, seconds: float) -> str:
    with connected(to, seconds) as stream:
        stream.send(b"zVERSION\0")
        said = stream.read_to(b"\0", _MOST).decode("utf-8", "replace").strip()
    # "ClamAV 1.4.6/27430/Mon Sep  1 08:30:00 2025": the program, its database, and when that was made
    return "/".join(said.split("/")[:2])


def _named(name: str) -> tuple[Output, ...]:
    """The finding for a signature's name. ClamAV's naming: PUA.* is unwanted, not harmful; Heuristics.* are guesses;
    .UNOFFICIAL comes from a database that is not ClamAV's own."""
    if name.startswith("PUA."):
        kind = "clamav-unwanted"
    elif name.startswith("Heuristics."):
        kind = "clamav-heuristic"
    elif name.endswith(".UNOFFICIAL"):
        kind = "clamav-unofficial"
    else:
        kind = "clamav-known"
    return (Finding(id=kind, detail=name), Fact(name="clamav.signature", value=name))
