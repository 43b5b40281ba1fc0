"""Calls of exported Windows functions, from Wine's +relay trace: what the program itself called, and what it means.

A call counts if its return address is not inside one of Wine's own modules. Where no mapping of those was seen, nesting
decides: what is called from within a call that makes no callbacks is Wine's doing. A call and its return are one event,
at the place of the call.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from lazaretto.domain.trace import (
    ApiCall,
    Clipboard,
    Event,
    InputHook,
    ScreenCapture,
    ServiceChange,
    Source,
    Window,
)
from lazaretto.sandbox.account import relay
from lazaretto.sandbox.account.codes import nt_ok
from lazaretto.sandbox.account.derive import Deriver
from lazaretto.sandbox.account.journal import Draft, Journal
from lazaretto.sandbox.account.modules import Modules
from lazaretto.sandbox.account.processes import Proc, Processes
from lazaretto.sandbox.account.records import Record
from lazaretto.sandbox.account.relay import Argument
from lazaretto.sandbox.account.text import clean
from lazaretto.sandbox.account.windows_files import WindowsFiles

REPEATS: Final = 100  # events of one function in one process; after that they are only counted
_DEPTH: Final = 256
_MAX_THREADS: Final = 20_000
_MAX_VARIABLES: Final = 200
_MAX_SCRIPT: Final = 65_536  # characters
_UNICODE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})")

# Call PE DLL (proc=0000000251D88FD0,module=0000000251D80000 L"winex11.drv",reason=PROCESS_ATTACH,res=0000000000000000)
_LIBRARY_BEGINS = re.compile(r"[\da-f.:]{4,32}:(Call|Ret ) PE DLL \(proc=([\dA-Fa-f]{1,16}),")
_LIBRARY: Final = "PE DLL"

# Functions that call the program back, or run its code before they return.
_CALLS_BACK = re.compile(
    r"(?i)Dispatch|SendMessage|CallWindowProc|CallNextHook|DialogBox|CreateDialog|CreateWindow|DestroyWindow|ShowWindow"
    r"|GetMessage|PeekMessage|DefWindowProc|MessageBox|Enum|Load|Free|Exit|exit|init|qsort|bsearch|Thread|Exception|Unwind"
    r"|CoCreate|Sort|TrackPopup|UpdateWindow|SetWindowPos|Callback|Fiber|CtrlDispatcher|main|Wait|Sleep"
)
_RUNS_PROGRAM = re.compile(
    r"(?i)Dispatch|SendMessage|CallWindowProc|CallNextHook|DialogBox|CreateDialog|CreateWindow|DestroyWindow|ShowWindow"
    r"|GetMessage|PeekMessage|DefWindowProc|Enum|Load|Thread|UpdateWindow|SetWindow|Fiber|Invoke|Wait|Sleep|main|init"
    r"|Exception|Firmware"
)
_FAILS_WITH_ZERO = re.compile(
    r"(Create|Open|Load|Delete|Write|Read|Start|Control|Set|Internet|Http|WinHttp|Crypt|Virtual|Register|Find|Move|Copy|Get)"
)
_THREAD_STARTS: Final = ":Starting thread proc "
_INVALID: Final = frozenset({0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF})
_START_TYPES: Final = {0: "boot", 1: "system", 2: "auto", 3: "demand", 4: "disabled"}
_HOOKS: Final = {2: "keyboard", 7: "mouse", 13: "keyboard", 14: "mouse"}

Arguments = tuple[Argument, ...]


def _text(arguments: Arguments, at: int) -> str:
    return (arguments[at].text or "") if at < len(arguments) else ""


def _number(arguments: Arguments, at: int) -> int:
    return (arguments[at].number or 0) if at < len(arguments) else 0


@dataclass(slots=True)
class _Open:
    """A call that has not returned. `done` is told the returned value."""

    name: str
    draft: Draft | None = None
    done: Callable[[int | None], None] | None = None


@dataclass(slots=True)
class _Site:
    """Where and by whom a call was made."""

    record: Record
    proc: Proc
    module: str
    function: str  # as exported
    base: str  # without A or W
    arguments: Arguments


class Calls:
    def __init__(
        self, processes: Processes, modules: Modules, journal: Journal, derive: Deriver, files: WindowsFiles
    ) -> None:
        self._processes = processes
        self._modules = modules
        self._journal = journal
        self._derive = derive
        self._files = files
        self._stacks: dict[tuple[int, int], list[_Open]] = {}
        self._begun: set[int] = set()
        self._traced: set[int] = set()
        self._repeats: dict[tuple[int, str], tuple[int, Draft]] = {}
        self._screens: set[tuple[int, int]] = set()  # (process key, DC or window) that show the screen
        self._services: dict[tuple[int, int], str] = {}  # (process key, handle) -> name
        self._environment: dict[int, dict[str, str]] = {}  # process key -> variables that the program has set
        self._table: dict[str, Callable[[_Site], _Open]] = self._known()

    # --- what others ask ----------------------------------------------------------------------------------------------

    def begun(self, proc: Proc) -> bool:
        """Whether the program's own code runs already (its first call was seen)."""
        return proc.key in self._begun

    def traced(self, proc: Proc) -> bool:
        """Whether any line of this process was seen."""
        return proc.key in self._traced

    def inside(self, proc: Proc, tid: int) -> str:
        """The innermost of the program's own calls that this thread is in, or ""."""
        for call in reversed(self._stacks.get((proc.key, tid), ())):
            if call.draft is not None or call.done is not None:
                return call.name
        return ""

    def asks_for_itself(self, proc: Proc, tid: int) -> bool:
        """Whether this thread is in a call of the program that looks into the registry or at files for its own ends.

        In calls that run the program's code before they return it cannot be told who asks.
        """
        name = self.inside(proc, tid)
        return bool(name) and _RUNS_PROGRAM.search(name) is None

    def environment(self, proc: Proc) -> dict[str, str]:
        """What the program changed in its environment, and so in that of the programs it starts; "" is removed."""
        return dict(self._environment.get(proc.key, {}))

    def forget(self, proc: Proc) -> None:
        """The process became another program."""
        self._begun.discard(proc.key)
        self._traced.discard(proc.key)

    # --- lines --------------------------------------------------------------------------------------------------------

    def line(self, record: Record) -> None:
        """R_WINE_DEBUG: one line, or several."""
        text = record.strings[0].decode("utf-8", "replace")
        if "\n" in text[:-1]:
            for part in text.split("\n")[:1000]:
                self._line(record, part)
        else:
            self._line(record, text)

    def _line(self, record: Record, text: str) -> None:
        head = relay.head(text)
        if head is None:
            if _THREAD_STARTS in text:
                self._started(self._processes.of(record))
            elif found := _LIBRARY_BEGINS.match(text):
                self._library(record, returned=found[1] == "Ret ", entry=int(found[2], 16))
            return
        pid, function, end = head.windows_pid, head.function, head.end
        proc = self._processes.of(record)
        self._traced.add(proc.key)
        if pid and pid != proc.windows_pid and proc.windows:
            self._processes.learn_windows_pid(proc, pid)
        stack = self._stack(proc, record.tid)
        if head.returned:
            self._return(stack, function, relay.returned(text, end))
        elif len(stack) < _DEPTH:
            if self._by_program(proc, stack, relay.caller(text)):
                self._begun.add(proc.key)
                call = self._by_name(record, proc, head, text)
                call.name = function
            else:
                call = _Open(function)
            stack.append(call)

    def _by_name(self, record: Record, proc: Proc, head: relay.Head, text: str) -> _Open:
        module, function = head.module, head.function
        base = _base(function)
        handler = self._table.get(base) or self._table.get(function)
        if handler is None:
            name = f"ApiCall.{function}"
            if proc.counts.get(name, 0) >= REPEATS:  # only counted: its arguments need not be read
                return self._count(_Site(record, proc, module, function, base, ()), name)
            handler = self._api
        arguments = relay.arguments(text, head.end)
        return handler(_Site(record, proc, clean(module.lower(), 64), clean(function, 256), base, arguments))

    def _started(self, proc: Proc) -> None:
        """The loader is done and hands over to the program: what was looked at before was not the program's looking."""
        if proc.windows and proc.early is not None:
            for draft in proc.early:
                draft.hidden = True
            proc.early = None
            self._begun.add(proc.key)
            self._traced.add(proc.key)

    def _library(self, record: Record, *, returned: bool, entry: int) -> None:
        """One of Wine's own libraries is told that a process or thread begins or ends: what it does then is its own."""
        proc = self._processes.of(record)
        stack = self._stack(proc, record.tid)
        if returned:
            self._return(stack, _LIBRARY, None)
        elif self._modules.builtin(proc, entry) and len(stack) < _DEPTH:
            stack.append(_Open(_LIBRARY, None, _nothing))

    def _stack(self, proc: Proc, tid: int) -> list[_Open]:
        stack = self._stacks.get((proc.key, tid))
        if stack is None:
            if len(self._stacks) >= _MAX_THREADS:
                self._stacks.clear()
            stack = self._stacks[proc.key, tid] = []
        return stack

    def _by_program(self, proc: Proc, stack: list[_Open], caller: int) -> bool:
        builtin = self._modules.builtin(proc, caller)
        if builtin is not None:
            return not builtin
        if self._modules.known(proc) or not stack:
            return True
        return _CALLS_BACK.search(stack[-1].name) is not None

    def _return(self, stack: list[_Open], function: str, value: int | None) -> None:
        for at in range(len(stack) - 1, -1, -1):
            if stack[at].name == function:
                call = stack[at]
                del stack[at:]  # what lies above left by an exception or a longjmp
                if call.draft is not None:
                    _result(call.draft, function, value)
                if call.done is not None:
                    call.done(value)
                return

    # --- meaning ------------------------------------------------------------------------------------------------------

    def _add(self, site: _Site, cls: type[Event], **fields: Any) -> _Open:
        name = f"{cls.__name__}.{site.function}"
        if not site.proc.spend(name, REPEATS):
            return self._count(site, name)
        draft = self._journal.add(cls, site.record.time, site.proc, Source.API, thread=site.record.tid, **fields)
        return _Open("", draft)

    def _api(self, site: _Site) -> _Open:
        arguments = tuple(clean(str(argument), 1024) for argument in site.arguments)
        return self._add(site, ApiCall, module=site.module, function=site.function, arguments=arguments, result="")

    def _count(self, site: _Site, name: str) -> _Open:
        """Beyond the bound: one closing event that counts, at the place of the last call."""
        key = (site.proc.key, name)
        known = self._repeats.get(key)
        if known is None:
            draft = self._journal.add(
                ApiCall, site.record.time, site.proc, Source.API, thread=site.record.tid,
                module=clean(site.module.lower(), 64),
                function=clean(site.function, 256),
            )  # fmt: skip
            known = (REPEATS, draft)
        count, draft = known
        draft.time = max(draft.time, site.record.time)
        draft.fields["result"] = f"{count + 1} calls"
        self._repeats[key] = (count + 1, draft)
        return _Open("", None, _nothing)

    def _known(self) -> dict[str, Callable[[_Site], _Open]]:
        table: dict[str, Callable[[_Site], _Open]] = {
            "MessageBox": self._message_box, "MessageBoxEx": self._message_box, "MessageBoxTimeout": self._message_box,
            "CreateWindowEx": self._create_window, "CreateWindow": self._create_window, "SetWindowText": self._set_text,
            "SetDlgItemText": self._set_item_text, "DialogBoxParam": self._dialog,
            "DialogBoxIndirectParam": self._dialog,
            "CreateDialogParam": self._dialog, "CreateDialogIndirectParam": self._dialog,
            "SetWindowsHookEx": self._hook, "SetWindowsHook": self._hook, "GetAsyncKeyState": self._key_state,
            "GetKeyState": self._key_state, "GetKeyboardState": self._key_state,
            "RegisterRawInputDevices": self._raw_input,
            "GetClipboardData": self._clipboard_read, "SetClipboardData": self._clipboard_write,
            "AddClipboardFormatListener": self._clipboard_watch, "SetClipboardViewer": self._clipboard_watch,
            "BitBlt": self._blit, "StretchBlt": self._blit, "PrintWindow": self._print_window,
            "GetDC": self._get_dc, "GetDCEx": self._get_dc, "GetWindowDC": self._get_dc, "CreateDC": self._create_dc,
            "GetDesktopWindow": self._desktop,
            "CreateService": self._create_service, "OpenService": self._open_service,
            "StartService": self._start_service,
            "ControlService": self._control_service, "DeleteService": self._delete_service,
            "ChangeServiceConfig": self._change_service,
            "SetEnvironmentVariable": self._set_variable, "OutputDebugString": self._debug_output,
        }  # fmt: skip
        return table | dict.fromkeys(self._files.functions, self._file_call)

    def _file_call(self, site: _Site) -> _Open:
        record, proc, base = site.record, site.proc, site.base
        arguments = site.arguments

        def done(value: int | None) -> None:
            ok = value is None or (value not in _INVALID if base == "CreateFile" else value & 0xFFFFFFFF != 0)
            self._files.call(record, proc, base, arguments, ok)

        return _Open("", None, done)

    # windows

    def _message_box(self, site: _Site) -> _Open:
        text, title = _text(site.arguments, 1), _text(site.arguments, 2)
        return self._add(site, Window, title=title, text=text, dialog=True)

    def _create_window(self, site: _Site) -> _Open:
        title = _text(site.arguments, 2)
        if not title:
            return _Open("", None, _nothing)
        return self._add(site, Window, title=title, window_class=_text(site.arguments, 1))

    def _set_text(self, site: _Site) -> _Open:
        return self._add(site, Window, title=_text(site.arguments, 1))

    def _set_item_text(self, site: _Site) -> _Open:
        return self._add(site, Window, title="", text=_text(site.arguments, 2), dialog=True)

    def _dialog(self, site: _Site) -> _Open:
        return self._add(site, Window, title=_text(site.arguments, 1), dialog=True)

    # input, clipboard, screen

    def _hook(self, site: _Site) -> _Open:
        if _number(site.arguments, 0) in _HOOKS:
            return self._add(site, InputHook, how="hook")
        return self._api(site)

    def _key_state(self, site: _Site) -> _Open:
        if site.proc.spend("key-state", 1):
            self._add(site, InputHook, how="key-state")  # a pressed key or none: both are a call that worked
        return _Open("", None, _nothing)

    def _raw_input(self, site: _Site) -> _Open:
        return self._add(site, InputHook, how="raw-input")

    def _clipboard_read(self, site: _Site) -> _Open:
        return self._add(site, Clipboard, action="read")

    def _clipboard_write(self, site: _Site) -> _Open:
        return self._add(site, Clipboard, action="write")

    def _clipboard_watch(self, site: _Site) -> _Open:
        return self._add(site, Clipboard, action="watch")

    def _mark_screen(self, site: _Site) -> _Open:
        key = site.proc.key

        def done(value: int | None) -> None:
            if value and len(self._screens) < 10_000:
                self._screens.add((key, value))

        return _Open("", None, done)

    def _desktop(self, site: _Site) -> _Open:
        return self._mark_screen(site)

    def _get_dc(self, site: _Site) -> _Open:
        window = _number(site.arguments, 0)
        if window == 0 or (site.proc.key, window) in self._screens:
            return self._mark_screen(site)
        return _Open("", None, _nothing)

    def _create_dc(self, site: _Site) -> _Open:
        return self._mark_screen(site) if _text(site.arguments, 0).upper() == "DISPLAY" else _Open("", None, _nothing)

    def _blit(self, site: _Site) -> _Open:
        if (site.proc.key, _number(site.arguments, 5)) in self._screens:
            return self._add(site, ScreenCapture, how=site.base.lower())
        return _Open("", None, _nothing)

    def _print_window(self, site: _Site) -> _Open:
        return self._add(site, ScreenCapture, how="printwindow")

    def _set_variable(self, site: _Site) -> _Open:
        variables = self._environment.setdefault(site.proc.key, {})
        name = _text(site.arguments, 0)
        if name and not name.startswith("=") and (len(variables) < _MAX_VARIABLES or name in variables):
            variables[name] = _text(site.arguments, 1)
        return _Open("", None, _nothing)

    def _debug_output(self, site: _Site) -> _Open:
        """Also how our stand-in for PowerShell tells the script that it was given (guest/windows/README.md)."""
        text = _text(site.arguments, 0)
        if not text.startswith("script#") or not self._derive.is_standin(site.proc):
            return self._api(site)
        what, _, part = text[7:].partition(":")
        start = site.proc.start
        if what.isdigit() and start is not None:
            known = str(start.fields.get("script", "")) if what != "0" else ""
            if len(known) < _MAX_SCRIPT:
                start.fields["script"] = known + _UNICODE.sub(lambda found: chr(int(found[1], 16)), part)
        return _Open("", None, _nothing)

    # services

    def _service(self, site: _Site, action: str, name: str, image: str = "", start: str = "") -> _Open:
        call = self._add(site, ServiceChange, action=action, name=name, image=image, start=start)
        key, draft = site.proc.key, call.draft
        if draft is None:
            return call

        def done(value: int | None) -> None:
            if action == "create" and value and len(self._services) < 10_000:
                self._services[key, value] = name
            if draft.ok:
                self._derive.service(draft)

        call.done = done
        return call

    def _create_service(self, site: _Site) -> _Open:
        a = site.arguments
        return self._service(site, "create", _text(a, 1), _text(a, 7), _START_TYPES.get(_number(a, 5), ""))

    def _open_service(self, site: _Site) -> _Open:
        key, name = site.proc.key, _text(site.arguments, 1)
        call = self._api(site)

        def done(value: int | None) -> None:
            if value and len(self._services) < 10_000:
                self._services[key, value] = name

        call.done = done
        return call

    def _service_name(self, site: _Site) -> str:
        handle = _number(site.arguments, 0)
        return self._services.get((site.proc.key, handle), f"{handle:#x}")

    def _start_service(self, site: _Site) -> _Open:
        return self._service(site, "start", self._service_name(site))

    def _control_service(self, site: _Site) -> _Open:
        if _number(site.arguments, 1) == 1:
            return self._service(site, "stop", self._service_name(site))
        return self._api(site)

    def _delete_service(self, site: _Site) -> _Open:
        return self._service(site, "delete", self._service_name(site))

    def _change_service(self, site: _Site) -> _Open:
        a = site.arguments
        start = _START_TYPES.get(_number(a, 2), "")
        return self._service(site, "change", self._service_name(site), _text(a, 4), start)


def _nothing(_: int | None) -> None:
    """For calls that are the program's, but no event."""


def _base(function: str) -> str:
    """Without the A or W that tells the two versions of a function apart."""
    if len(function) > 3 and function[-1] in "AW" and function[-2].islower():
        return function[:-1]
    if function.endswith(("ExA", "ExW", "DCA", "DCW")):
        return function[:-1]
    return function


def _result(draft: Draft, function: str, value: int | None) -> None:
    if value is None:
        return
    if draft.cls is ApiCall:
        draft.fields["result"] = f"{value:#x}"
    if function.startswith(("Nt", "Zw", "Rtl", "Ldr")):
        draft.ok = nt_ok(value)
    elif value in _INVALID:
        draft.ok = False
    elif _FAILS_WITH_ZERO.match(function):
        draft.ok = value != 0
