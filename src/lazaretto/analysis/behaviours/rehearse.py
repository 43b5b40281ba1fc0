"""Traces written by hand: what a rule's own tests are made of.

An event is a mapping with `kind` and the fields that matter. `at` is seconds since the start (else one hundredth of a
second after the event before); `process` is 1, the sample, unless it says otherwise. Processes come from the
`process.start` events; a trace that needs others is a mapping with `events` and `processes` (key to fields), and may set `profile`,
`name` and `sha256`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from lazaretto.analysis.behaviours.rules import LINE
from lazaretto.analysis.behaviours.view import SampleFacts
from lazaretto.domain.trace import AnyEvent, Cause, Ending, Process, ProcessStart, Trace

_STEP = 10_000_000  # ns
_SAMPLE = {
    "windows": "C:\\Users\\Anna\\Downloads\\sample.exe",
    "linux": "/home/anna/Downloads/sample",
    "office": "/usr/lib/libreoffice/program/soffice.bin",
}


def trace_of(raw: Any, platform: str) -> tuple[Trace, SampleFacts]:
    """The trace that a test describes, and what is known about its sample. Raises `msgspec.ValidationError`."""
    whole = raw if isinstance(raw, Mapping) else {"events": raw}
    profile = str(whole.get("profile", platform))
    events = _events(whole["events"])
    trace = Trace(
        profile=profile,
        ending=Ending.EXITED,
        processes=_processes(events, whole.get("processes", {}), profile),
        events=events,
    )
    name = str(whole.get("name", _SAMPLE[profile].replace("\\", "/").rpartition("/")[2]))
    return trace, SampleFacts(name=name, sha256=str(whole.get("sha256", "")))


def _events(raw: Any) -> tuple[AnyEvent, ...]:
    events = []
    time = 0
    for number, given in enumerate(raw):
        fields = {key: value for key, value in given.items() if key not in {LINE, "at"}}
        time = int(given["at"] * 10**9) if "at" in given else time + _STEP
        for key in ("head", "body"):
            if isinstance(fields.get(key), str):
                fields[key] = fields[key].encode("latin-1")
        whole = {"process": 1, **_clean(fields), "id": number, "time": time}
        events.append(msgspec.convert(whole, AnyEvent))
    return tuple(events)


def _clean(value: Any) -> Any:
    """Without the line numbers that the reader left in nested mappings."""
    if isinstance(value, Mapping):
        return {key: _clean(item) for key, item in value.items() if key != LINE}
    return value


def _processes(events: tuple[AnyEvent, ...], raw: Mapping[Any, Any], profile: str) -> dict[int, Process]:
    found = {1: Process(key=1, pid=100, image=_SAMPLE[profile], command_line=_SAMPLE[profile], cause=Cause.SAMPLE)}
    for event in events:
        if isinstance(event, ProcessStart):
            found[event.process] = Process(
                key=event.process,
                pid=100 + event.process,
                parent=event.parent,
                image=event.image,
                command_line=event.command_line,
                cause=event.cause,
                started=event.time,
            )
    for key, given in raw.items():
        if key != LINE:
            found[int(key)] = msgspec.convert({"pid": 100 + int(key), **_clean(given), "key": int(key)}, Process)
    return found
