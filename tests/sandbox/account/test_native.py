from __future__ import annotations

from lazaretto.domain.detonation import Artifact
from lazaretto.domain.trace import Cause
from lazaretto.sandbox.account.records import Kind, Native

OWN = 0xFFFFFFFFFFFFFFFF
ACCESS_ALL = 0x1FFFFF


def test_hollowing_shows_every_step(windows):
    windows.windows_sample()
    windows.create_process(200, "C:\\windows\\explorer.exe", "explorer.exe", 0x120)
    windows.native(Native.UNMAP_SECTION, 0x50, 0x400000)
    windows.native(Native.ALLOCATE, 0x50, 0x400000, 0x3000, 0x3000, 0x40)
    windows.native(Native.WRITE_MEMORY, 0x50, 0x400000, 0x200, strings=(b"MZ\x90",))
    windows.native(Native.SET_CONTEXT, 0x54)
    windows.native(Native.RESUME, 0x54)
    trace = windows.trace()
    child = next(p.key for p in trace.processes.values() if p.image.endswith("explorer.exe"))
    kinds = [event.kind for event in trace.events if getattr(event, "target", None) == child]
    assert kinds == ["memory.executable", "memory.write", "thread.remote", "thread.remote"]
    write = next(event for event in trace.events if event.kind == "memory.write")
    assert (write.target_image, write.head, write.size) == ("C:\\windows\\explorer.exe", b"MZ\x90", 0x200)
    assert [event.how for event in trace.events if event.kind == "thread.remote"] == ["context", "resume"]
    assert any(event.kind == "api" and event.function == "NtUnmapViewOfSection" for event in trace.events)


def test_resuming_an_untouched_child_is_nothing(windows):
    windows.windows_sample()
    windows.create_process(200, "C:\\windows\\notepad.exe", "notepad.exe", 0x120)
    windows.native(Native.RESUME, 0x54)
    assert windows.events("thread.remote") == []


def test_injection_into_a_process_of_the_machine_makes_it_part_of_the_account(windows):
    windows.windows_sample()
    windows.native(Native.OPEN_PROCESS, ACCESS_ALL, 0x60, 0x38)
    windows.native(Native.WRITE_MEMORY, 0x60, 0x10000, 64, strings=(b"\x90" * 64,))
    windows.native(Native.CREATE_THREAD, 0x60, 0x10000, 0x64, 0)
    windows.line('0038:003c:Call KERNEL32.WinExec(00a0 "calc",1) ret=00010020', pid=70)  # it is Windows pid 0x38
    windows.record(Kind.JOIN, 5, pid=70)
    windows.native(Native.CREATE_MUTANT, strings=("evil".encode("utf-16-le"),), pid=70)
    trace = windows.trace()
    opened, write, thread = (e for e in trace.events if e.kind in ("process.open", "memory.write", "thread.remote"))
    assert opened.access == "all"
    assert trace.processes[write.target].cause is Cause.INJECTED
    assert (thread.how, thread.address) == ("create", 0x10000)
    mutant = next(event for event in trace.events if event.kind == "api" and event.function == "NtCreateMutant")
    assert mutant.arguments == ("evil",)
    assert trace.processes[mutant.process].cause is Cause.INJECTED


def test_a_windows_pid_learned_later_is_the_same_process(windows):
    windows.windows_sample()
    windows.record(Kind.FORK, 200, 110)
    windows.native(Native.OPEN_PROCESS, 0x10, 0x60, 0x120)
    windows.exec("/usr/lib/wine/wine64", "/usr/lib/wine/wine64", "C:\\b.exe", pid=200)
    windows.line("0120:0124:Call KERNEL32.Sleep(00000001) ret=00401000", pid=200)
    trace = windows.trace()
    opened = next(event for event in trace.events if event.kind == "process.open")
    assert trace.processes[opened.target].image == "C:\\b.exe"
    assert (opened.access, opened.target_image) == ("read", "C:\\b.exe")


def test_protecting_own_memory(windows):
    windows.windows_sample()
    windows.native(
        Native.PROTECT, OWN, 0x401000, 0x1000, 0x20, 0x04
    )  # no line of any call seen: not known to be the loader
    windows.native(Native.PROTECT, OWN, 0x402000, 0x1000, 0x20, 0x02)  # never writable
    windows.native(Native.ALLOCATE, OWN, 0x500000, 0x1000, 0x3000, 0x40)
    first, second = windows.events("memory.executable")
    assert (first.address, first.protection, first.target) == (0x401000, "rx", 0)
    assert second.protection == "rwx"


def test_the_loaders_protecting_is_left_out(windows):
    windows.windows_sample()
    windows.record(
        Kind.MODULE_MAP, 0x7B000000, 0x100000, 5, strings=(b"/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/user32.dll",)
    )
    windows.native(Native.PROTECT, OWN, 0x7B001000, 0x1000, 0x40, 0x04)
    windows.line("0024:Call ntdll.LdrLoadDll(00) ret=7b000100")
    windows.native(Native.PROTECT, OWN, 0x401000, 0x1000, 0x20, 0x04)  # the program has not begun
    windows.line("0024:Ret  ntdll.LdrLoadDll() retval=0 ret=7b000100")
    windows.line('0024:Call KERNEL32.LoadLibraryA(00a0 "x.dll") ret=00401000')
    windows.native(Native.PROTECT, OWN, 0x601000, 0x1000, 0x20, 0x04)
    windows.line("0024:Ret  KERNEL32.LoadLibraryA() retval=600000 ret=00401000")
    windows.line("0024:Call KERNEL32.VirtualProtect(00700000,1000,20,0) ret=00401000")
    windows.record(Kind.MEMORY, 0x700000, 0x1000, 5, 6)
    windows.native(Native.PROTECT, OWN, 0x700000, 0x1000, 0x20, 0x04)
    windows.line("0024:Ret  KERNEL32.VirtualProtect() retval=1 ret=00401000")
    (event,) = windows.events("memory.executable")
    assert (event.address, event.source) == (0x700000, "native")


def test_going_around_wine_is_seen_by_the_kernel(windows):
    windows.windows_sample()
    windows.record(Kind.MEMORY, 0x400000, 0x1000, 5, 6)  # the loader reads the image
    windows.line("0024:Call KERNEL32.GetTickCount() ret=00401000")
    windows.line("0024:Ret  KERNEL32.GetTickCount() retval=1 ret=00401000")
    windows.record(Kind.MEMORY, 0x700000, 0x1000, 7, 5)
    windows.record(Kind.MEMORY, 0x800000, 0x1000, 7, 5)
    windows.native(Native.ALLOCATE, OWN, 0x800000, 0x1000, 0x3000, 0x40)
    events = windows.events("memory.executable")
    assert [(event.address, event.source) for event in events] == [(0x700000, "kernel"), (0x800000, "native")]


def test_linux_memory_and_the_dump_of_it(linux):
    linux.sample()
    linux.record(Kind.MEMORY, 0x700000, 0x2000, 7, 5)
    linux.record(Kind.MEMORY, 0x800000, 0x2000, 5, 8)  # a plain private mapping of a library
    brought_home(linux, 0x700000)
    (event,) = linux.events("memory.executable")
    assert (event.protection, event.dump) == ("rwx", "cd" * 32)


def test_code_that_comes_before_the_call_that_made_it_has_returned(windows):
    """The keeper reads it when the kernel tells of it; the native call is told when it is over."""
    windows.windows_sample()
    windows.line("0024:Call KERNEL32.VirtualProtect(00700000,1000,20,0) ret=00401000")
    windows.record(Kind.MEMORY, 0x700000, 0x1000, 5, 6)
    brought_home(windows, 0x700000)
    brought_home(windows, 0x900000)  # of which nothing is ever told
    windows.native(Native.PROTECT, OWN, 0x700000, 0x1000, 0x20, 0x04)
    (event,) = windows.events("memory.executable")
    assert (event.source, event.dump) == ("native", "cd" * 32)


def test_code_that_only_the_kernel_saw_has_its_name(windows):
    windows.windows_sample()
    windows.line("0024:Call KERNEL32.GetTickCount() ret=00401000")
    windows.line("0024:Ret  KERNEL32.GetTickCount() retval=1 ret=00401000")
    windows.record(Kind.MEMORY, 0x700000, 0x1000, 7, 5)
    brought_home(windows, 0x700000)
    (event,) = windows.events("memory.executable")
    assert (event.source, event.dump) == ("kernel", "cd" * 32)


def brought_home(told, address):
    artifact = Artifact(kind="memory", name="code", sha256="cd" * 32, size=1, path="memory/0.bin")
    told.account.feed_artifact("keeper", {"kind": "memory", "pid": 100, "address": address}, artifact, b"x")


def test_privileges_and_drivers(windows):
    windows.windows_sample()
    windows.native(Native.PRIVILEGE, 1, 20, 2)
    windows.native(
        Native.LOAD_DRIVER,
        strings=("\\Registry\\Machine\\System\\CurrentControlSet\\Services\\evil".encode("utf-16-le"),),
    )
    windows.native(Native.DELAY, (1 << 64) - 600_000_0000)
    privilege, driver, delay = windows.events("process.privilege", "kernel.module", "api")
    assert privilege.change == "enable SeDebugPrivilege"
    assert driver.name == "evil"
    assert delay.arguments == ("600.000 s",)


def test_ptrace_and_signals(linux):
    linux.sample()
    linux.record(Kind.PTRACE, 1, 16)
    linux.record(Kind.PTRACE, 1, 4)
    linux.record(Kind.PTRACE, 1, 13)
    linux.record(Kind.PROCESS_VM, 1, 1, 32)
    linux.record(Kind.SIGNAL, 1, 9)
    linux.record(Kind.SIGNAL, 1, 0)
    linux.record(Kind.VM_FOREIGN, 1, 1)
    kinds = [event.kind for event in linux.events()][1:]
    assert kinds == ["process.open", "memory.write", "thread.remote", "memory.write", "process.signal", "process.open"]


def test_kernel_matters(linux):
    linux.sample()
    linux.record(Kind.SETUID, 1000, 0, 1000, 1000, 0, 0x1FF)
    linux.record(Kind.KMODULE, 1, strings=(b"diamorphine",))
    linux.record(Kind.BPF, 5)
    linux.record(Kind.SYSCALL, 101, 0, strings=())
    linux.record(Kind.NAME, strings=(b"[kworker/0:0]",))
    privilege, module, bpf, call, name = linux.events()[1:]
    assert privilege.change == "uid 1000 -> 0, capabilities 0x1ff"
    assert (module.name, bpf.action, call.name, name.name) == ("diamorphine", "bpf", "ptrace", "[kworker/0:0]")


def test_what_wine_lets_the_target_do_is_the_callers_act(windows):
    windows.windows_sample()
    windows.create_process(200, "C:\\b.exe", "b.exe", 0x120)
    windows.native(
        Native.ALLOCATE, OWN, 0x400000, 0x1000, 0x3000, 0x40, pid=200
    )  # as seen: it comes before the caller's return
    windows.native(Native.ALLOCATE, 0x50, 0x400000, 0x1000, 0x3000, 0x40)
    windows.native(Native.CREATE_THREAD, 0x50, 0x400000, 0x70, 0)
    windows.native(Native.RESUME, 0x70)
    region, thread = windows.events("memory.executable", "thread.remote")
    assert (region.process, thread.how) == (thread.process, "create")


def test_looking_around_before_the_program_runs_is_wines(windows):
    windows.windows_sample()
    windows.open("/etc/machine-id")
    windows.native(Native.OPEN_KEY, 0, 0x20, strings=("\\Registry\\Machine\\Software\\Oracle".encode("utf-16-le"),))
    windows.line("0024:Starting thread proc 0x140001500 (arg=(nil))")
    windows.open("/etc/passwd")
    assert [event.path for event in windows.events("file.read", "registry.query")] == ["Z:\\etc\\passwd"]


def test_a_console_host_belongs_to_the_machine_unless_it_is_touched(windows):
    windows.windows_sample()
    windows.create_process(200, "C:\\windows\\system32\\conhost.exe", "conhost.exe --server 0x10", 0x120)
    windows.create_process(300, "C:\\windows\\system32\\conhost.exe", "conhost.exe --server 0x10", 0x124)
    windows.native(Native.WRITE_MEMORY, 0x50, 0x400000, 0x200, strings=(b"MZ",))
    starts = windows.events("process.start")
    assert [event.image for event in starts][1:] == ["C:\\windows\\system32\\conhost.exe"]
