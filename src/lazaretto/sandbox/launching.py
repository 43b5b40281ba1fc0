"""How a sample of a kind is started in a guest: the job that the keeper finds on the medium. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lazaretto.domain.detonation import DetonationRequest
from lazaretto.domain.errors import Unsupported

_UNSAFE = re.compile(r"[^\w.()+,@= -]", re.ASCII)
_MOST_NAME = 120


def clean_name(name: str, fallback: str = "sample") -> str:
    """A file name that means the same to every program of the guest: one part, no control or shell characters."""
    cleaned = _UNSAFE.sub("_", name.replace("\\", "/").rsplit("/", 1)[-1]).strip(" .-")
    stem, dot, ending = cleaned.rpartition(".")
    if len(cleaned) > _MOST_NAME:
        cleaned = f"{stem[: _MOST_NAME - len(ending) - 1]}{dot}{ending[:16]}"
    return cleaned or fallback


def job(request: DetonationRequest, settings: Mapping[str, Any], now: float) -> dict[str, Any]:
    """The description for the keeper, from the profile's settings. `now` is the wall time that the guest will show.

    Raises `Unsupported` when the profile has no way to start this kind.
    """
    ways = settings.get("run", {})
    way = ways.get(request.launch)
    if way is None:
        known = ", ".join(sorted(ways))
        raise Unsupported(f"the guest {request.profile!r} starts no {request.launch!r} files; it starts: {known}")
    session = settings["session"]
    name = clean_name(request.name)
    ending = way.get("ending", "")
    if ending and not name.lower().endswith(ending):
        name += ending
    return {
        "name": name,
        "place": session.get("place", f"{session['home']}/Downloads"),
        "user": session["user"],
        "mode": way.get("mode", 0o644),
        "run": {word: way[word] for word in ("argv", "environment", "through", "line", "join") if word in way},
        "arguments": list(request.arguments),
        # a viewer stays open for ever: what a document does by itself it does in its first minutes
        "guest_time": min(request.guest_time_s, way.get("guest_time", request.guest_time_s)),
        "idle": way.get("idle", 0),
        "viewers": way.get("viewers", 1),
        "time": now,
        "reboot": request.reboot,
        "again": settings.get("again", {}),
        "schedules": settings.get("watch", {}).get("schedules", []),
        "leave_out": settings.get("watch", {}).get("leave_out", []),
    }
