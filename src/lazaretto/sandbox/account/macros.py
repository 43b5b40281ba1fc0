"""What macros ask of the office: the lines that its objects of Windows and its stand-ins for programs print.

One JSON object a line (guest/office: oleautomation, standin.py):

    {"call": {"object": "WScript.Shell", "name": "Run", "arguments": ["cmd /c ..."], "result": "0"}}
    {"standin": {"program": "wscript", "command_line": "...", "action": "script", "detail": "text of the script"}}

They come from processes of the sample's own and can be forged by it: a line that is not of this shape is nothing, and
everything has a bound. What a stand-in was started with is known from the kernel; its line only adds what it read.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from lazaretto.domain.trace import ApiCall, Event, RegistryDelete, RegistryQuery, RegistrySet, Source, StandIn, Window
from lazaretto.sandbox.account.derive import Deriver
from lazaretto.sandbox.account.journal import Draft, Journal
from lazaretto.sandbox.account.processes import Proc, Processes
from lazaretto.sandbox.account.text import clean

LAUNCHER: Final = "office"  # the name of the step in profile.toml whose output these lines are
_MAX_LINES: Final = 10_000
_REPEATS: Final = 100  # of one function
_MAX_ARGUMENTS: Final = 8
_ACTIONS: Final = {"script": "run-script", "download": "download", "decode": "decode-file", "load": "run-library"}
_HIVES: Final = {
    "HKEY_CURRENT_USER": "HKCU", "HKEY_LOCAL_MACHINE": "HKLM", "HKEY_CLASSES_ROOT": "HKCR", "HKEY_USERS": "HKU",
}  # fmt: skip


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A method of an object, or a property that was set."""

    object: str
    name: str
    arguments: tuple[str, ...] = ()
    result: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a stand-in was asked for."""

    program: str
    command_line: str = ""
    action: str = ""
    detail: str = ""


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    call: Call | None = None
    standin: Asked | None = None


_decoder = msgspec.json.Decoder(_Line)


def parse(line: str) -> Call | Asked | None:
    """The meaning of a line; None if it has none."""
    try:
        read = _decoder.decode(line)
    except msgspec.MsgspecError:
        return None
    return read.call or read.standin


class Macros:
    """Turns the lines into events of the office's process."""

    def __init__(self, processes: Processes, journal: Journal, derive: Deriver) -> None:
        self._processes = processes
        self._journal = journal
        self._derive = derive
        self._lines = 0
        self._calls: dict[tuple[str, str], tuple[int, Draft]] = {}
        self._asked: list[tuple[int, Proc, Asked]] = []

    def line(self, time: int, line: str) -> None:
        """One line, as soon as it came."""
        proc = self._processes.sample
        self._lines += 1
        if proc is None or self._lines > _MAX_LINES:
            return
        told = parse(line)
        if isinstance(told, Call):
            self._call(time, proc, told)
        elif told is not None:
            self._asked.append((time, proc, told))

    def finish(self) -> None:
        """The kernel's view of every start is there by now: put the stand-ins' own words to it."""
        seen = [draft for draft in self._journal.drafts if draft.cls is StandIn and not draft.hidden]
        for time, proc, asked in self._asked:
            found = next((d for d in seen if d.fields["program"] == asked.program and d.time <= time), None)
            if found is None:
                self._add(StandIn, time, proc, Source.STANDIN, program=clean(asked.program, 64),
                          command_line=clean(asked.command_line), action=_ACTIONS.get(asked.action, ""),
                          detail=clean(asked.detail))  # fmt: skip
                continue
            seen.remove(found)
            found.fields["action"] = found.fields["action"] or _ACTIONS.get(asked.action, "")
            found.fields["detail"] = found.fields["detail"] or clean(asked.detail)

    def _call(self, time: int, proc: Proc, call: Call) -> None:
        key = (call.object[:128].lower(), call.name[:128].lower())
        count, last = self._calls.get(key, (0, None))
        if count >= _REPEATS and last is not None:
            last.fields["result"] = f"{count + 1} calls"
        else:
            last = self._add(
                ApiCall, time, proc, module=clean(key[0]), function=clean(call.name, 128),
                arguments=tuple(clean(word) for word in call.arguments[:_MAX_ARGUMENTS]),
                result=clean(call.result, 512),
            )  # fmt: skip
            self._means(last, key, [clean(word) for word in call.arguments])
        self._calls[key] = (count + 1, last)

    def _means(self, draft: Draft, key: tuple[str, str], words: list[str]) -> None:
        """Calls that have a kind of their own: the registry, and a box with a message."""
        thing, name = key
        if thing == "wscript.shell" and name in ("regwrite", "regread", "regdelete") and words:
            self._registry(draft, name, words)
        elif name == "msgbox" and words:
            title = words[2] if len(words) > 2 else ""
            self._because(Window, draft, title=title, text=words[0], window_class="MsgBox", dialog=True)

    def _registry(self, draft: Draft, name: str, words: list[str]) -> None:
        hive, _, rest = words[0].partition("\\")
        below, _, value = rest.rpartition("\\")
        key = f"{_HIVES.get(hive.upper(), hive.upper())}\\{below}"
        if name == "regread":
            self._because(RegistryQuery, draft, key=key, name=value)
        elif name == "regdelete":
            self._because(RegistryDelete, draft, key=key, name=value or None)
        else:
            data = words[1] if len(words) > 1 else ""
            kind = words[2] if len(words) > 2 and words[2] else "REG_SZ"
            written = self._because(RegistrySet, draft, key=key, name=value, type=kind, data=data)
            self._derive.registry(written, key, value, data)

    def _because(self, cls: type[Event], draft: Draft, **fields: Any) -> Draft:
        ok = not draft.fields["result"].startswith("error")
        return self._journal.add(cls, draft.time, draft.proc, Source.API, because=(draft,), ok=ok, **fields)

    def _add(self, cls: type[Event], time: int, proc: Proc, source: Source = Source.API, **fields: Any) -> Draft:
        return self._journal.add(cls, time, proc, source, **fields)
