"""What the keeper and the pretended human tell: console output, windows seen, what was brought back."""

from __future__ import annotations

from typing import Any, Final

from lazaretto.domain.trace import ApiCall, Console, Event, Source, Window
from lazaretto.sandbox.account import managed, messages
from lazaretto.sandbox.account.files import Files
from lazaretto.sandbox.account.journal import Draft, Journal
from lazaretto.sandbox.account.macros import LAUNCHER, Macros
from lazaretto.sandbox.account.native import NativeServices
from lazaretto.sandbox.account.processes import Proc, Processes
from lazaretto.sandbox.account.text import clean

_PIECE: Final = 4096
_MAX_CONSOLE: Final = 2_000  # events
_MAX_LINE: Final = 65_536
_REPEATS: Final = 100
_OF_THE_SAMPLE: Final = (messages.ConsoleOutput, messages.WindowSeen, messages.Launcher)


class Session:
    def __init__(
        self, processes: Processes, files: Files, native: NativeServices, macros: Macros, journal: Journal
    ) -> None:
        self._processes = processes
        self._files = files
        self._native = native
        self._macros = macros
        self._journal = journal
        self._rest: dict[str, bytes] = {}  # by stream: a line that is not complete yet
        self._console = 0
        self._managed: dict[str, tuple[int, Draft]] = {}
        self._early: list[messages.Keeper] = []  # what came by its port before the sample came by the tracer's

    def message(self, message: messages.Keeper) -> None:
        """One message of the keeper."""
        sample = self._processes.sample
        if (sample is None or sample.bare) and isinstance(message, _OF_THE_SAMPLE):
            if len(self._early) < _MAX_CONSOLE:
                self._early.append(message)
            return
        early, self._early = self._early, []
        for one in (*early, message):
            self._message(one)

    def finish(self) -> None:
        """Nothing comes any more."""
        early, self._early = self._early, []
        for one in early:
            self._message(one)
        self._macros.finish()

    def _message(self, message: messages.Keeper) -> None:
        if isinstance(message, messages.ConsoleOutput):
            self._output(message)
        elif isinstance(message, messages.Launcher):
            if message.name == LAUNCHER:
                self._macros.line(message.time, message.line)
        elif isinstance(message, messages.WindowSeen):
            proc = (self._processes.inner(message.pid) if message.pid else None) or self._processes.sample
            if proc is not None and (message.title or message.text):
                self._add(Window, message.time, proc, title=clean(message.title), text=clean(message.text),
                          window_class=clean(message.window_class, 256), dialog=message.dialog)  # fmt: skip
        elif isinstance(message, messages.Blob):
            if message.kind == "dropped":
                self._files.brought_back(message.path, message.sha256)
            elif message.kind == "memory":
                self._native.dumped(message.pid, message.address, message.sha256)

    def _output(self, message: messages.ConsoleOutput) -> None:
        proc = self._processes.sample
        if proc is None:
            return
        data = self._rest.pop(message.stream, b"") + message.data
        whole, newline, rest = data.rpartition(b"\n")
        if not newline and len(rest) > _MAX_LINE:
            whole, rest = rest, b""
        if b"ENTER:" not in data and b"LEAVE:" not in data:
            whole, rest = data, b""  # only managed traces need whole lines: the rest is shown as it came
        elif rest:
            self._rest[message.stream] = rest
        plain: list[str] = []
        for line in whole.decode("utf-8", "replace").split("\n"):
            if managed.is_trace(line):
                self.managed_call(message.time, proc, line)
            else:
                plain.append(line)
        self._print(message, proc, "\n".join(plain))

    def _print(self, message: messages.ConsoleOutput, proc: Proc, text: str) -> None:
        if not text.strip():
            return
        stream = message.stream if message.stream in ("out", "err") else "out"
        for at in range(0, len(text), _PIECE):
            if self._console >= _MAX_CONSOLE:
                return
            self._console += 1
            self._add(Console, message.time, proc, stream=stream, text=clean(text[at : at + _PIECE], _PIECE))

    def managed_call(self, time: int, proc: Proc, line: str) -> None:
        """A line of the trace of managed calls."""
        call = managed.parse(line)
        if call is None:
            return
        name = f"{call.module}:{call.function}"
        count, last = self._managed.get(name, (0, None))
        if count < _REPEATS or last is None:
            last = self._journal.add(
                ApiCall,
                time,
                proc,
                Source.MANAGED,
                module=call.module,
                function=call.function,
                arguments=call.arguments,
            )
        elif count == _REPEATS:
            last = self._journal.add(ApiCall, time, proc, Source.MANAGED, module=call.module, function=call.function)
        if count >= _REPEATS:
            last.time = max(last.time, time)
            last.fields["result"] = f"{count + 1} calls"
        if len(self._managed) < 20_000 or name in self._managed:
            self._managed[name] = (count + 1, last)

    def _add(self, cls: type[Event], time: int, proc: Proc, **fields: Any) -> Draft:
        return self._journal.add(cls, time, proc, Source.SESSION, **fields)
