"""What Wine's native system services say of processes, threads and memory; and what the kernel says of memory.

Handles are resolved to processes through `Handles`. For a Windows program the native calls are the account of memory;
the kernel's own view (R_MEMORY) is used only for what they do not explain and the loader does not either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from lazaretto.domain.trace import (
    ApiCall,
    Cause,
    Event,
    KernelModule,
    MemoryExecutable,
    MemoryRead,
    MemoryWrite,
    Privilege,
    ProcessOpen,
    ProcessSignal,
    RemoteThread,
    Source,
)
from lazaretto.sandbox.account import codes
from lazaretto.sandbox.account.calls import Calls
from lazaretto.sandbox.account.codes import nt_ok
from lazaretto.sandbox.account.derive import Deriver
from lazaretto.sandbox.account.handles import Handles
from lazaretto.sandbox.account.journal import Draft, Journal
from lazaretto.sandbox.account.manifest import GuestManifest, PathSet
from lazaretto.sandbox.account.modules import Modules
from lazaretto.sandbox.account.processes import Proc, Processes
from lazaretto.sandbox.account.records import Native, Record
from lazaretto.sandbox.account.registry import Registry
from lazaretto.sandbox.account.text import basename, clean, wide
from lazaretto.sandbox.account.windows_files import WindowsFiles

MAX_EACH: Final = 500  # events of one kind from one process
_DEBUG_PORT: Final = 7  # ProcessDebugPort
_PENDING: Final = 2_000
_LOADER_CALLS: Final = (
    "Load",
    "Ldr",
    "CoCreate",
    "CoGet",
    "CoInitialize",
    "OleInitialize",
    "Create",
    "WSAStartup",
    "Shell",
)
_ANONYMOUS, _MPROTECT, _WRITABLE, _FILE = 1, 2, 4, 8


class NativeServices:
    def __init__(
        self, *, manifest: GuestManifest, processes: Processes, handles: Handles, modules: Modules, registry: Registry,
        calls: Calls, journal: Journal, derive: Deriver, files: WindowsFiles,
    ) -> None:  # fmt: skip
        self._processes = processes
        self._handles = handles
        self._modules = modules
        self._calls = calls
        self._journal = journal
        self._derive = derive
        self._files = files
        self._jit = PathSet(manifest.jit)
        self._own_objects = PathSet(manifest.own_objects)
        self._pending: list[tuple[Proc, int, int, int, Record]] = []
        self._regions: list[Draft] = []
        self._early: list[tuple[int, int, str]] = []  # code that came before its event: pid, address, SHA-256
        self._table: dict[int, Callable[[Record], None]] = {
            Native.CREATE_KEY: registry.create, Native.OPEN_KEY: registry.open, Native.SET_VALUE: registry.set_value,
            Native.DELETE_KEY: registry.delete_key, Native.DELETE_VALUE: registry.delete_value,
            Native.QUERY_VALUE: registry.query_value,
            Native.CLOSE: self._close, Native.OPEN_PROCESS: self._open_process,
            Native.CREATE_PROCESS: self._create_process,
            Native.WRITE_MEMORY: self._write_memory, Native.READ_MEMORY: self._read_memory,
            Native.PROTECT: self._protect,
            Native.ALLOCATE: self._allocate, Native.CREATE_THREAD: self._create_thread,
            Native.QUEUE_APC: self._queue_apc,
            Native.SET_CONTEXT: self._set_context, Native.RESUME: self._resume, Native.MAP_SECTION: self._map_section,
            Native.UNMAP_SECTION: self._unmap_section, Native.TERMINATE: self._terminate,
            Native.CREATE_MUTANT: self._mutant, Native.OPEN_MUTANT: self._mutant,
            Native.LOAD_DRIVER: self._driver, Native.DELAY: self._delay, Native.PRIVILEGE: self._privilege,
            Native.SHUTDOWN: self._shutdown,
            Native.OPEN_THREAD: self._open_thread, Native.QUERY_SYSTEM: self._query_system,
            Native.QUERY_PROCESS: self._query_process,
            Native.HIDE_THREAD: self._hide_thread, Native.SET_FILE: self._set_file,
            Native.CREATE_FILE: files.opened,
        }  # fmt: skip

    def service(self, record: Record) -> None:
        """One R_WINE_NATIVE record. Raises ValueError for a service that we do not know."""
        handler = self._table.get(record.a[0])
        if handler is None:
            raise ValueError("unknown native service")
        handler(record)

    # --- handles ------------------------------------------------------------------------------------------------------

    def _close(self, record: Record) -> None:
        self._handles.close(self._processes.of(record), record.a[1])

    def _open_process(self, record: Record) -> None:
        proc = self._processes.of(record)
        target = self._processes.windows_target(record.a[3])
        if nt_ok(record.result):
            self._handles.put_process(proc, record.a[2], target)
        access = codes.process_access(record.a[1])
        if target is not proc and proc.spend(f"open {target.key} {access}", 1):
            self._add(ProcessOpen, record, proc, target=target, access=access)

    def _open_thread(self, record: Record) -> None:
        proc = self._processes.of(record)
        target = self._processes.windows_target(record.a[3])
        if nt_ok(record.result):
            self._handles.put_process(proc, record.a[2], target)
        if target is not proc and proc.spend(f"open thread {target.key}", 1):
            self._add(ProcessOpen, record, proc, target=target, access="thread")

    def _create_process(self, record: Record) -> None:
        proc = self._processes.of(record)
        child, _ = self._processes.created(record)
        if child is None:
            image = wide(record.strings[0]).removeprefix("\\??\\") if record.strings else ""
            self._api(
                record, proc, "NtCreateUserProcess", image, wide(record.strings[1]) if len(record.strings) > 1 else ""
            )
            return
        self._handles.put_process(proc, record.a[2], child)
        self._handles.put_process(proc, record.a[3], child)
        if child.start is not None:
            changed = self._calls.environment(proc)
            if changed:
                child.start.fields["environment"] = changed
            self._derive.started(child.start, child)

    def _target(self, record: Record) -> tuple[Proc, Proc | None]:
        """The caller, and whose process or thread the handle in a1 is: None when it is the caller's own."""
        proc = self._processes.of(record)
        target = self._handles.process(proc, record.a[1])
        if target is None:
            return proc, self._processes.machine
        return proc, None if target is proc else target

    # --- memory -------------------------------------------------------------------------------------------------------

    def _write_memory(self, record: Record) -> None:
        proc, target = self._target(record)
        if target is not None and self._tamper(record, proc, target):
            head = record.strings[0][:64] if record.strings else b""
            self._add(MemoryWrite, record, proc, target=target, address=record.a[2], size=record.a[3], head=head)

    def _map_section(self, record: Record) -> None:
        proc, target = self._target(record)
        if target is not None and self._tamper(record, proc, target):
            self._add(MemoryWrite, record, proc, target=target, address=record.a[2], size=record.a[3])
            if record.a[5] & codes.PAGE_EXECUTABLE:
                self._executable(record, proc, target, record.a[5])

    def _unmap_section(self, record: Record) -> None:
        proc, target = self._target(record)
        if target is not None and self._tamper(record, proc, target):
            self._api(record, proc, "NtUnmapViewOfSection", target.image, f"{record.a[2]:#x}")

    def _read_memory(self, record: Record) -> None:
        proc, target = self._target(record)
        if target is not None and proc.spend(f"read memory {target.key}", 50):
            self._add(MemoryRead, record, proc, target=target, address=record.a[2], size=record.a[3])

    def _tamper(self, record: Record, proc: Proc, target: Proc) -> bool:
        if nt_ok(record.result) and target is not self._processes.machine:
            target.tampered = True
            if proc.cause is not Cause.MACHINE:
                self._processes.adopt(target, Cause.INJECTED)
        return proc.spend(f"tamper {target.key}", MAX_EACH)

    def _protect(self, record: Record) -> None:
        proc, target = self._target(record)
        new, old = record.a[4], record.a[5]
        self._explain(proc, record)
        if not new & codes.PAGE_EXECUTABLE or not (new & codes.PAGE_WRITABLE or old & codes.PAGE_WRITABLE):
            return
        if target is None and self._by_loader(proc, record, new):
            return
        self._executable(record, proc, target, new)

    def _by_loader(self, proc: Proc, record: Record, new: int) -> bool:
        """Whether this is the loader giving back a section's protection after it filled in addresses."""
        if self._modules.builtin(proc, record.a[2]):
            return True
        if new & codes.PAGE_WRITABLE:
            return False
        inside = self._calls.inside(proc, record.tid)
        if "Protect" in inside:
            return False
        if not self._calls.begun(proc):
            return self._calls.traced(proc)
        return inside.startswith(_LOADER_CALLS)

    def _allocate(self, record: Record) -> None:
        proc, target = self._target(record)
        self._explain(proc, record)
        if record.a[5] & codes.PAGE_EXECUTABLE:
            self._executable(record, proc, target, record.a[5])
        elif target is not None and proc.spend(f"allocate {target.key}", 50):
            self._api(record, proc, "NtAllocateVirtualMemory", target.image, f"{record.a[2]:#x}", f"{record.a[3]:#x}")

    def _executable(self, record: Record, proc: Proc, target: Proc | None, page: int) -> None:
        if target is not None:
            self._same_in_target(target, record)
        if proc.spend("executable", MAX_EACH):
            draft = self._add(
                MemoryExecutable, record, proc, address=record.a[2], size=record.a[3],
                protection=codes.PAGE_LETTERS.get(page & 0xFF, "x"), target=target if target is not None else 0,
            )  # fmt: skip
            self._regions.append(draft)

    def _same_in_target(self, target: Proc, record: Record) -> None:
        """Wine lets the target do to itself what was asked for: that is not an act of the target."""
        for draft in self._regions[-20:]:
            same = draft.fields["address"] == record.a[2] and draft.fields["size"] == record.a[3]
            if same and draft.proc is target and not draft.fields.get("target"):
                draft.hidden = True

    def memory(self, record: Record) -> None:
        """R_MEMORY: the kernel saw memory become executable."""
        proc = self._processes.of(record)
        start, length, protection, how = record.a[0], record.a[1], record.a[2], record.a[3]
        if how & _FILE and not how & _WRITABLE:
            return
        if not proc.windows:
            own = proc.machine_image not in self._jit and not proc.emulated
            if own and proc.spend("executable", MAX_EACH):
                self._kernel_region(record, proc, start, length, protection)
            return
        # Wine's loader maps images through anonymous memory, too: only what happens while the program's own code
        # runs, and no native call explains, is the program going around Wine.
        if how & _FILE or not how & _WRITABLE or not self._calls.begun(proc) or self._calls.inside(proc, record.tid):
            return
        if len(self._pending) < _PENDING:
            self._pending.append((proc, record.tid, start, start + length, record))

    def _explain(self, proc: Proc, record: Record) -> None:
        """A native call accounts for what the kernel saw of the same thread."""
        if self._pending:
            start, end = record.a[2], record.a[2] + record.a[3]
            self._pending = [
                p for p in self._pending if p[0] is not proc or p[1] != record.tid or p[3] <= start or p[2] >= end
            ]

    def mapped(self, proc: Proc, start: int) -> None:
        """One of Wine's own libraries lies there: its loader made the place for it first."""
        self._pending = [p for p in self._pending if p[0] is not proc or not p[2] <= start < p[3]]

    def _kernel_region(self, record: Record, proc: Proc, start: int, length: int, protection: int) -> None:
        draft = self._journal.add(
            MemoryExecutable, record.time, proc, Source.KERNEL, thread=record.tid, ok=record.result >= 0, address=start,
            size=length, protection=codes.letters(protection),
        )  # fmt: skip
        self._regions.append(draft)

    def finish(self) -> None:
        for proc, _, start, end, record in self._pending:
            if proc.spend("executable", MAX_EACH):
                self._kernel_region(record, proc, start, end - start, record.a[2])
        self._pending = []
        for pid, address, sha256 in self._early:
            self._link(pid, address, sha256)

    def dumped(self, pid: int, address: int, sha256: str) -> None:
        """The keeper brought back a piece of code from the memory of the process with that outer pid.

        It reads the code when the kernel tells of it, which may be before the call that made it is over and told.
        """
        if not self._link(pid, address, sha256) and len(self._early) < _PENDING:
            self._early.append((pid, address, sha256))

    def _link(self, pid: int, address: int, sha256: str) -> bool:
        """Name the code in the latest event about the memory that it was in; False if there is none."""
        for draft in reversed(self._regions):
            owner = draft.fields.get("target") or draft.proc
            at, size = draft.fields["address"], draft.fields["size"]
            if (
                isinstance(owner, Proc)
                and self._processes.resolve(owner).pid == pid
                and at <= address < at + max(size, 1)
            ):
                draft.fields["dump"] = sha256
                return True
        return False

    # --- threads ------------------------------------------------------------------------------------------------------

    def _remote(self, record: Record, how: str, address: int) -> None:
        proc, target = self._target(record)
        if target is not None and self._tamper(record, proc, target):
            self._add(RemoteThread, record, proc, target=target, how=how, address=address)

    def _create_thread(self, record: Record) -> None:
        self._remote(record, "create", record.a[2])
        proc, target = self._target(record)
        if nt_ok(record.result) and record.a[3] and target is not self._processes.machine:
            self._handles.put_process(proc, record.a[3], target or proc)
            proc.fresh_threads.add(record.a[3])

    def _queue_apc(self, record: Record) -> None:
        self._remote(record, "apc", record.a[2])

    def _set_context(self, record: Record) -> None:
        proc, target = self._target(record)
        if target is None:
            self._api(record, proc, "NtSetContextThread")
        else:
            self._remote(record, "context", 0)

    def _resume(self, record: Record) -> None:
        """Every CreateProcess ends in a resume: it says something only of a process that was tampered with."""
        proc, target = self._target(record)
        if record.a[1] in proc.fresh_threads:  # CreateRemoteThread lets run what it made
            proc.fresh_threads.discard(record.a[1])
            return
        if target is not None and target.tampered and proc.spend(f"resume {target.key}", 10):
            self._add(RemoteThread, record, proc, target=target, how="resume")

    def _terminate(self, record: Record) -> None:
        proc, target = self._target(record)
        if target is None or record.a[1] == 0:
            proc.asked_code = record.a[2] & 0xFFFFFFFF
        elif proc.spend(f"terminate {target.key}", 10):
            self._add(ProcessSignal, record, proc, target=target, signal=9)

    # --- the rest -----------------------------------------------------------------------------------------------------

    def _mutant(self, record: Record) -> None:
        name = wide(record.strings[0], 512) if record.strings else ""
        if name and name not in self._own_objects:
            function = "NtCreateMutant" if record.a[0] == Native.CREATE_MUTANT else "NtOpenMutant"
            self._api(record, self._processes.of(record), function, name)

    def _driver(self, record: Record) -> None:
        proc = self._processes.of(record)
        self._add(KernelModule, record, proc, name=basename(wide(record.strings[0])), action="load")

    def _delay(self, record: Record) -> None:
        units = record.a[1] if record.a[1] < 1 << 63 else (1 << 64) - record.a[1]  # negative: from now on
        self._api(record, self._processes.of(record), "NtDelayExecution", f"{units / 1e7:.3f} s")

    def _privilege(self, record: Record) -> None:
        proc = self._processes.of(record)
        luid, attributes = record.a[2], record.a[3]
        name = codes.PRIVILEGES.get(luid & 0xFFFFFFFF, f"privilege {luid & 0xFFFFFFFF}")
        change = f"{'enable' if attributes & 2 else 'disable'} {name}"
        if record.a[1] and proc.spend(change, 1):
            self._add(Privilege, record, proc, change=change)

    def _shutdown(self, record: Record) -> None:
        self._api(record, self._processes.of(record), "NtShutdownSystem")

    def _query_system(self, record: Record) -> None:
        self._api(record, self._processes.of(record), "NtQuerySystemInformation", str(record.a[1]))

    def _query_process(self, record: Record) -> None:
        proc = self._processes.of(record)
        if record.a[2] == _DEBUG_PORT and proc.spend("debug port", 1):
            return  # Wine asks that once itself before every program
        self._api(record, proc, "NtQueryInformationProcess", str(record.a[2]))

    def _hide_thread(self, record: Record) -> None:
        self._api(record, self._processes.of(record), "NtSetInformationThread", "ThreadHideFromDebugger")

    def _set_file(self, record: Record) -> None:
        if self._files.told(record):
            return
        name = wide(record.strings[0]).removeprefix("\\??\\") if record.strings else ""
        self._api(record, self._processes.of(record), "NtSetInformationFile", str(record.a[2]), name)

    def _api(self, record: Record, proc: Proc, function: str, *arguments: str) -> None:
        if proc.spend(f"native {function}", 100):
            self._add(
                ApiCall, record, proc, module="ntdll", function=function, arguments=tuple(clean(a) for a in arguments),
                result=f"{record.result & 0xFFFFFFFF:#x}",
            )  # fmt: skip

    def _add(self, cls: type[Event], record: Record, proc: Proc, **fields: Any) -> Draft:
        return self._journal.add(
            cls, record.time, proc, Source.NATIVE, thread=record.tid, ok=nt_ok(record.result), **fields
        )
