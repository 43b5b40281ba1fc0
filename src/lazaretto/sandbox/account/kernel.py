"""What the kernel says of identity, other processes and itself."""

from __future__ import annotations

from typing import Any, Final

from lazaretto.domain.trace import (
    Event,
    KernelModule,
    MemoryRead,
    MemoryWrite,
    Privilege,
    ProcessOpen,
    ProcessRename,
    ProcessSignal,
    RemoteThread,
    Source,
    SystemCall,
)
from lazaretto.sandbox.account.journal import Draft, Journal
from lazaretto.sandbox.account.processes import Proc, Processes
from lazaretto.sandbox.account.records import Record
from lazaretto.sandbox.account.syscalls import NAMES_32, NAMES_64
from lazaretto.sandbox.account.text import clean

_PTRACE_TRACEME: Final = 0
_PTRACE_WRITES: Final = {4: "text", 5: "data", 6: "user"}  # POKETEXT, POKEDATA, POKEUSER
_PTRACE_REGISTERS: Final = frozenset({6, 13, 15, 0x4205})  # POKEUSER, SETREGS, SETFPREGS, SETREGSET
_PTRACE_ATTACH: Final = frozenset({16, 0x4206})  # ATTACH, SEIZE
_MODULE_ACTIONS: Final = {1: "load", 2: "unload", 3: "request"}
_REQUEST: Final = 3
# What the kernel looks for by itself when a protocol, a format or a device is used that it does not know.
_KERNELS_OWN: Final = (
    "net-pf-", "binfmt-", "crypto-", "netdev-", "char-major-", "block-major-", "tty-ldisc-", "tcp_", "nf-logger-",
    "nfnetlink-subsys-", "nft-", "ip_conntrack", "iosched",
)  # fmt: skip
_FLAG_COMPAT: Final = 4
# What Wine itself calls below every Windows program; its waits are native calls (NtDelayExecution) already.
_WINES: Final = frozenset(
    ("prlimit64", "prctl", "sysinfo", "pselect6", "poll", "ppoll", "select", "nanosleep", "clock_nanosleep",
    "epoll_wait",
     "futex", "sched_setaffinity", "setpriority", "ugetrlimit", "setrlimit", "memfd_create", "arch_prctl", "modify_ldt")
)  # fmt: skip


class Kernel:
    def __init__(self, processes: Processes, journal: Journal) -> None:
        self._processes = processes
        self._journal = journal
        self.reported_lost = 0

    def ptrace(self, record: Record) -> None:
        proc = self._processes.of(record)
        request = record.a[1]
        if request == _PTRACE_TRACEME:
            if proc.spend("traceme", 3):
                self._add(
                    SystemCall,
                    record,
                    proc,
                    name="ptrace",
                    arguments=(request,),
                    text="PTRACE_TRACEME",
                    result=record.result,
                )
            return
        target = self._processes.target(record.a[0])
        if target is proc:
            return
        if request in _PTRACE_ATTACH and proc.spend(f"trace {target.key}", 3):
            self._add(ProcessOpen, record, proc, target=target, access="trace")
        elif request in _PTRACE_REGISTERS:
            target.tampered = True
            if proc.spend(f"registers {target.key}", 20):
                self._add(RemoteThread, record, proc, target=target, how="ptrace")
        elif request in _PTRACE_WRITES:
            target.tampered = True
            if proc.spend(f"poke {target.key}", 100):
                self._add(MemoryWrite, record, proc, target=target, size=8)

    def process_vm(self, record: Record) -> None:
        proc = self._processes.of(record)
        target = self._processes.target(record.a[0])
        if target is proc or not proc.spend(f"vm {record.a[1]} {target.key}", 100):
            return
        target.tampered = target.tampered or record.a[1] == 1
        self._add(MemoryWrite if record.a[1] == 1 else MemoryRead, record, proc, target=target, size=record.a[2])

    def foreign_memory(self, record: Record) -> None:
        proc = self._processes.of(record)
        target = self._processes.target(record.a[0])
        if target is proc:
            return
        if record.a[1] & 2:
            target.tampered = True
            if proc.spend(f"mem write {target.key}", 100):
                self._add(MemoryWrite, record, proc, target=target)
        elif proc.spend(f"mem {record.a[1]} {target.key}", 5):
            self._add(ProcessOpen, record, proc, target=target, access="write" if record.a[1] & 1 else "read")

    def signal(self, record: Record) -> None:
        """Signals to others; those that Wine's server and threads use among themselves are not told apart here."""
        proc = self._processes.of(record)
        number = record.a[1]
        if number == 0 or proc.windows:  # 0 only asks; Windows programs terminate by native calls
            return
        target = self._processes.target(record.a[0])
        if target is not proc and proc.spend(f"signal {number} {target.key}", 5):
            self._add(ProcessSignal, record, proc, target=target, signal=number)

    def setuid(self, record: Record) -> None:
        proc = self._processes.of(record)
        old, new, old_group, new_group = (a & 0xFFFFFFFF for a in record.a[:4])
        parts = []
        if old != new:
            parts.append(f"uid {old} -> {new}")
        if old_group != new_group:
            parts.append(f"gid {old_group} -> {new_group}")
        if gained := record.a[5] & ~record.a[4]:
            parts.append(f"capabilities {gained:#x}")
        if parts and proc.spend("setuid", 100):
            self._add(Privilege, record, proc, change=", ".join(parts))

    def rename(self, record: Record) -> None:
        proc = self._processes.of(record)
        name = clean(record.strings[0], 64)
        if proc.windows or proc.host:
            return  # Wine and an office name their threads
        if proc.spend(f"name {name}", 1) and proc.spend("name", 50):
            self._add(ProcessRename, record, proc, name=name)

    def module(self, record: Record) -> None:
        proc = self._processes.of(record)
        name = clean(record.strings[0], 256) if record.strings else ""
        if record.a[0] == _REQUEST and name.startswith(_KERNELS_OWN):
            return
        if proc.spend(f"module {record.a[0]} {name}", 3):
            self._add(KernelModule, record, proc, name=name, action=_MODULE_ACTIONS.get(record.a[0], "load"))

    def bpf(self, record: Record) -> None:
        proc = self._processes.of(record)
        if proc.spend("bpf", 20):
            self._add(KernelModule, record, proc, name=f"bpf({record.a[0]})", action="bpf")

    def syscall(self, record: Record) -> None:
        proc = self._processes.of(record)
        table = NAMES_32 if record.flags & _FLAG_COMPAT else NAMES_64
        name = table.get(record.a[0], str(record.a[0]))
        if proc.windows and name in _WINES:
            return
        if proc.spend(f"syscall {name}", 100):
            text = clean(record.strings[0], 1024) if record.strings else ""
            self._add(
                SystemCall, record, proc, name=name, arguments=tuple(record.a[1:6]), text=text, result=record.result
            )

    def lost(self, record: Record) -> None:
        self.reported_lost = max(self.reported_lost, record.a[0])

    def _add(self, cls: type[Event], record: Record, proc: Proc, **fields: Any) -> Draft:
        return self._journal.add(
            cls, record.time, proc, Source.KERNEL, thread=record.tid, ok=record.result >= 0, **fields
        )
