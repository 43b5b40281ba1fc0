"""Traces written by hand: what a rule's own tests are made of.

An event is a mapping with `kind` and the fields that matter. `at` is seconds since the start (else one hundredth of a
second after the event before); `process` is 1, the sample, unless it says otherwise. Processes come from the
`process.start` events; a trace that needs others is a mapping with `events` and `processes` (key to fields), and may
set `profile`, `name` and `sha256`. An event with `repeat: N` stands for N of them, with `{n}` in its texts replaced by
1 to N.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from lazaretto.analysis.behaviours.rules import Rule
from lazaretto.analysis.behaviours.view import SampleFacts
from lazaretto.analysis.rulefiles import LINE
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


def rehearsals(rule: Rule) -> Iterator[tuple[bool, Trace, SampleFacts]]:
    """The rule's own tests: whether it must be found, and the trace. Without a `profile`: the rule's first platform."""
    platform = next(name for name in _SAMPLE if name in rule.platforms)
    for kind, expected in (("positive", True), ("negative", False)):
        for raw in rule.tests.get(kind, ()):
            yield (expected, *trace_of(raw, platform))


def _events(raw: Any) -> tuple[AnyEvent, ...]:
    events: list[AnyEvent] = []
    time = 0
    for given in raw:
        for turn in range(int(given.get("repeat", 1))):
            fields = {key: value for key, value in given.items() if key not in {LINE, "at", "repeat"}}
            time = int(given["at"] * 10**9) if "at" in given and turn == 0 else time + _STEP
            whole = {"process": 1, **_clean(fields, turn + 1), "id": len(events), "time": time}
            events.append(msgspec.convert(whole, AnyEvent))
    return tuple(events)


def _clean(value: Any, number: int = 1) -> Any:
    """Without the line numbers that the reader left in mappings, numbered, and with bytes where the trace has them."""
    if isinstance(value, Mapping):
        plain = {key: _clean(item, number) for key, item in value.items() if key != LINE}
        return {key: item.encode("latin-1") if key in {"head", "body"} else item for key, item in plain.items()}
    if isinstance(value, list):
        return [_clean(item, number) for item in value]
    if isinstance(value, str):
        return value.replace("{n}", str(number))
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
