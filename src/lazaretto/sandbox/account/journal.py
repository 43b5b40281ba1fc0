"""Where events wait until the run is over: bounded, amended while their facts come in, put in order at the end.

An event is a `Draft` until then, because a record often tells only half (a file's size is known when it is closed, a
call's result when it returns) and because records of two observers can arrive out of order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lazaretto.domain.trace import (
    AnyEvent,
    ApiCall,
    Autostart,
    CanaryTouched,
    Console,
    DirectoryList,
    Event,
    FileDelete,
    FileLink,
    FileMissing,
    FileRead,
    FileRename,
    FileWrite,
    ModuleLoad,
    ProcessExit,
    ProcessStart,
    RegistryQuery,
    ServiceChange,
    Source,
    StandIn,
    SystemCall,
    TaskChange,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lazaretto.sandbox.account.processes import Proc

MAX_EVENTS: Final = 200_000
MAX_EVENT_BYTES: Final = 32 * 1024
_RESERVE: Final = 20_000  # places that the plentiful kinds may not take from the rare ones
_PLENTIFUL: Final = frozenset({ApiCall, FileRead, FileMissing, RegistryQuery, SystemCall, Console, ModuleLoad})
_LOOKS: Final = frozenset({FileRead, FileMissing, DirectoryList, RegistryQuery, SystemCall})
_LIFE: Final = frozenset({ProcessStart, ProcessExit})
_ASKED: Final = frozenset(
    {FileWrite, FileLink, FileDelete, FileRename, Autostart, TaskChange, ServiceChange, StandIn, CanaryTouched}
)
_MAX_EARLY: Final = 5_000
_MAX_TIME: Final = 1 << 62


@dataclass(slots=True, eq=False)
class Draft:
    """An event in the making. Fields named `target` and `parent` hold a `Proc` until the end."""

    cls: type[Event]
    time: int  # guest ns on the tracer's clock
    order: int
    proc: Proc
    source: Source
    thread: int
    fields: dict[str, Any]
    because: tuple[Draft, ...] = ()
    ok: bool = True
    hidden: bool = False  # turned out to be none of the sample's doing
    number: int = -1  # the event's id, once known


@dataclass(slots=True)
class Journal:
    """All drafts, in the order of arrival."""

    drafts: list[Draft] = field(default_factory=list)
    lost: int = 0
    limit: int = MAX_EVENTS
    latest: int = 0

    def add(
        self,
        cls: type[Event],
        time: int,
        proc: Proc,
        source: Source,
        *,
        thread: int = 0,
        because: tuple[Draft, ...] = (),
        ok: bool = True,
        **fields: Any,
    ) -> Draft:
        """A new draft; it is counted as lost (but still usable) when the bound is reached.

        What a fork of the machine does before it becomes a program (cron asks PAM, a launcher leads a new session) is
        nobody's of the account: such a draft is never kept.
        """
        count = len(self.drafts)
        if because:
            time = max(time, *(reason.time for reason in because))
        draft = Draft(cls, time, count, proc, source, thread, fields, because, ok)
        if proc.own is not None:
            draft.hidden = not _of_own_program(draft, proc)
            draft.proc = proc.own
        if proc.bare or draft.hidden:
            draft.hidden = True
        elif count >= self.limit - (_RESERVE if cls in _PLENTIFUL and self.limit > _RESERVE else 0):
            self.lost += 1
        else:
            self.drafts.append(draft)
            if proc.early is not None and cls in _LOOKS and len(proc.early) < _MAX_EARLY:
                proc.early.append(draft)
        return draft

    def close(self, origin: int, wanted: Callable[[Proc], bool], resolve: Callable[[Proc], Proc]) -> list[AnyEvent]:
        """The events of processes that are `wanted`, in order of time; times count from `origin`, in ns."""
        kept = [draft for draft in self.drafts if not draft.hidden and wanted(draft.proc)]
        kept.sort(key=attrgetter("time", "order"))
        for number, draft in enumerate(kept):
            draft.number = number
        return [self._event(draft, origin, resolve) for draft in kept]

    def _event(self, draft: Draft, origin: int, resolve: Callable[[Proc], Proc]) -> AnyEvent:
        fields = draft.fields
        for name in ("target", "parent"):
            proc = fields.get(name)
            if proc is not None and not isinstance(proc, (int, str)):  # a link has a target, too: a path
                proc = resolve(proc)
                fields[name] = proc.key
                if name == "target" and "target_image" in draft.cls.__struct_fields__:
                    fields.setdefault("target_image", proc.image)
        event = draft.cls(
            id=draft.number,
            time=min(max(draft.time - origin, 0), _MAX_TIME),
            process=resolve(draft.proc).key,
            thread=draft.thread,
            source=draft.source,
            because=tuple(sorted({reason.number for reason in draft.because if 0 <= reason.number < draft.number})),
            ok=draft.ok,
            **fields,
        )
        if (
            _characters(fields) * 4 >= MAX_EVENT_BYTES - 1024
        ):  # a character is at most 4 bytes of UTF-8; \n and \" are 2
            event = bounded(event)
        return event  # type: ignore[return-value]  # every class that is ever added is one of AnyEvent


def _of_own_program(draft: Draft, proc: Proc) -> bool:
    """Of a program of the machine only what it was asked for counts: that it was started, and what it changed."""
    if draft.cls in _LIFE:
        return proc.own is proc
    return draft.cls in _ASKED and not str(draft.fields.get("path", "")).startswith("/run/")


def bounded(event: Event) -> Event:
    """`event`, its texts cut until it fits into `MAX_EVENT_BYTES` of JSON."""
    cut = 16_384
    while cut and len(msgspec.json.encode(event)) > MAX_EVENT_BYTES:
        event = msgspec.structs.replace(
            event, **{name: _cut(getattr(event, name), cut) for name in event.__struct_fields__ if name != "because"}
        )
        cut //= 2
    return event


def _characters(fields: dict[str, Any]) -> int:
    """About how much text there is in fields: a bound for the ordinary event, so that only odd ones are encoded."""
    total = 0
    for value in fields.values():
        if isinstance(value, (str, bytes)):
            total += len(value)
        elif isinstance(value, tuple):
            total += sum(len(part) + 8 if isinstance(part, str) else 24 for part in value)
        elif isinstance(value, dict):
            total += sum(len(name) + len(text) + 8 for name, text in value.items())
    return total


def _cut(value: Any, size: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= size else value[: size - 1] + "…"
    if isinstance(value, bytes):
        return value[:size]
    if isinstance(value, tuple):
        return tuple(_cut(part, max(size // 4, 1)) for part in value[: max(size // 16, 1)])
    if isinstance(value, dict):
        return {k[:256]: _cut(v, max(size // 4, 1)) for k, v in list(value.items())[: max(size // 16, 1)]}
    return value
