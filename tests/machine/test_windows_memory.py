"""Code made at run time, code put into others, libraries."""

from __future__ import annotations

import pytest

from lazaretto.domain.trace import Cause

pytestmark = pytest.mark.machine("windows")

MARK = b"marker of this test"
# Code of both widths: returns 0. A thread that starts there ends at once; the text behind it is never run.
CODE = r"""
#include <windows.h>
static const char code[] = "\x31\xc0\xc3\x90" "marker of this test";
"""
OWN = (
    CODE
    + r"""
int main(void)
{
    DWORD old;
    int sum = 0;
    char *both = VirtualAlloc(0, 4096, MEM_COMMIT | MEM_RESERVE, PAGE_EXECUTE_READWRITE);
    memcpy(both, code, sizeof(code));
    sum += ((int (*)(void))both)();
    char *later = VirtualAlloc(0, 8192, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
    memcpy(later, code, sizeof(code));
    VirtualProtect(later, 8192, PAGE_EXECUTE_READ, &old);
    sum += ((int (*)(void))later)();
    return sum;
}
"""
)


@pytest.mark.parametrize("bits", [64, 32])
def test_code_made_at_run_time(windows, programs, bits):
    observed = windows(programs.pe(OWN, bits=bits, name=f"own{bits}.exe"), "exe")
    both, later = observed.events("memory.executable")
    assert (both.protection, both.size, both.target) == ("rwx", 4096, 0), observed.story()
    assert (later.protection, later.size) == ("rx", 8192)
    assert all(MARK in observed.content(dump(observed, event)) for event in (both, later))


ALWAYS = (
    CODE
    + r"""
int main(void)
{
    char *place = VirtualAlloc(0, 4096, MEM_COMMIT | MEM_RESERVE, PAGE_EXECUTE_READWRITE);
    memcpy(place, code, sizeof(code));
    TerminateProcess(GetCurrentProcess(), ((int (*)(void))place)());
}
"""
)


@pytest.mark.parametrize("bits", [64, 32])
def test_code_that_no_later_call_shows(windows, programs, bits):
    """Nothing happens between its being written and the end of its process."""
    observed = windows(programs.pe(ALWAYS, bits=bits, name=f"always{bits}.exe"), "exe")
    assert MARK in observed.content(dump(observed, observed.one("memory.executable")))


def dump(observed, event):
    (artifact,) = (one for one in observed.artifacts("memory") if one.sha256 == event.dump)
    return artifact


OTHER = (
    CODE
    + r"""
#include <tlhelp32.h>
static HANDLE child(PROCESS_INFORMATION *made, DWORD flags)
{
    STARTUPINFOA start = {sizeof(start)};
    char line[] = "notepad.exe";
    CreateProcessA(0, line, 0, 0, FALSE, flags, 0, 0, &start, made);
    return made->hProcess;
}
static char *put(HANDLE process)
{
    SIZE_T n;
    char *place = VirtualAllocEx(process, 0, 4096, MEM_COMMIT | MEM_RESERVE, PAGE_EXECUTE_READWRITE);
    WriteProcessMemory(process, place, code, sizeof(code), &n);
    return place;
}
static DWORD named(const char *name)
{
    PROCESSENTRY32 one = {sizeof(one)};
    HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    for (BOOL more = Process32First(all, &one); more; more = Process32Next(all, &one))
        if (!_stricmp(one.szExeFile, name)) return one.th32ProcessID;
    return 0;
}
int main(void)
{
    PROCESS_INFORMATION made;
    BODY
    return 0;
}
"""
)
INTO_CHILD = r"""
    HANDLE process = child(&made, 0);
    WaitForInputIdle(process, 5000);
    HANDLE thread = CreateRemoteThread(process, 0, 0, (void *)put(process), 0, 0, 0);
    WaitForSingleObject(thread, 10000);
    TerminateProcess(process, 0);
"""
INTO_DESKTOP = r"""
    HANDLE process = OpenProcess(PROCESS_ALL_ACCESS, FALSE, named("explorer.exe"));
    HANDLE thread = CreateRemoteThread(process, 0, 0, (void *)put(process), 0, 0, 0);
    WaitForSingleObject(thread, 10000);
"""
HOLLOW = r"""
    HANDLE process = child(&made, CREATE_SUSPENDED);
    CONTEXT context = {.ContextFlags = CONTEXT_FULL};
    GetThreadContext(made.hThread, &context);
#ifdef _WIN64
    context.Rcx = (DWORD64)put(process);
#else
    context.Eax = (DWORD)put(process);
#endif
    SetThreadContext(made.hThread, &context);
    ResumeThread(made.hThread);
    if (WaitForSingleObject(process, 10000)) TerminateProcess(process, 0);
"""
APC = r"""
    HANDLE process = child(&made, CREATE_SUSPENDED);
    QueueUserAPC((void *)put(process), made.hThread, 0);
    ResumeThread(made.hThread);
    Sleep(1000);
    TerminateProcess(process, 0);
"""


@pytest.fixture
def injects(windows, programs):
    def run(body, bits=64):
        name = f"injects{bits}.exe"
        return windows(programs.pe(OTHER.replace("BODY", body), "-luser32", bits=bits, name=name), "exe")

    return run


def order(observed, target, how):
    """Allocated, written, made to run: all of the same process, one after the other."""
    steps = [
        observed.one("memory.executable", target=target.key),
        observed.one("memory.write", target=target.key),
        observed.one("thread.remote", target=target.key, how=how),
    ]
    assert [step.id for step in steps] == sorted(step.id for step in steps), observed.story()
    assert steps[1].head.endswith(MARK + b"\0")
    assert steps[1].target_image == target.image
    assert {observed.trace.processes[step.process].cause for step in steps} == {Cause.SAMPLE}
    assert len(observed.events("thread.remote", how=how)) == 1, observed.story()


@pytest.mark.parametrize("bits", [64, 32])
def test_thread_in_a_child(injects, bits):
    observed = injects(INTO_CHILD, bits)
    order(observed, observed.process("notepad.exe"), "create")


def test_thread_in_the_desktop(injects):
    observed = injects(INTO_DESKTOP)
    target = observed.trace.processes[observed.one("memory.write").target]
    assert target.image.lower().endswith("explorer.exe"), observed.story()
    assert target.cause is Cause.INJECTED
    order(observed, target, "create")
    opened = observed.one("process.open", target=target.key)
    assert opened.id < observed.one("memory.write").id


@pytest.mark.parametrize("bits", [64, 32])
def test_hollowed_process(injects, bits):
    observed = injects(HOLLOW, bits)
    target = observed.process("notepad.exe")
    order(observed, target, "context")
    context = observed.one("thread.remote", how="context")
    assert observed.one("thread.remote", how="resume", target=target.key).id > context.id


@pytest.mark.parametrize("bits", [64, 32])
def test_queued_call(injects, bits):
    observed = injects(APC, bits)
    order(observed, observed.process("notepad.exe"), "apc")


LIBRARY = r"""
#include <windows.h>
static void put(const char *path)
{
    DWORD n;
    HANDLE f = CreateFileA(path, GENERIC_WRITE, 0, 0, CREATE_ALWAYS, 0, 0);
    WriteFile(f, "x", 1, &n, 0);
    CloseHandle(f);
}
#define CALLED "C:\\users\\Public\\called"
BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, void *reserved)
{
    if (reason == DLL_PROCESS_ATTACH) put("C:\\users\\Public\\attached");
    return TRUE;
}
EXPORT
"""
REGISTERS = "__declspec(dllexport) HRESULT WINAPI DllRegisterServer(void) { put(CALLED); return 0; }"
RUNS = "__declspec(dllexport) void WINAPI Start(HWND w, HINSTANCE i, char *l, int s) { put(CALLED); }"


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize(("export", "host"), [(REGISTERS, "regsvr32"), (RUNS, "rundll32")])
def test_library(windows, programs, bits, export, host):
    flags = ("-shared", "-Wl,--kill-at")
    sample = programs.pe(LIBRARY.replace("EXPORT", export), *flags, bits=bits, name=f"library{bits}.dll")
    observed = windows(sample, "dll")
    assert observed.process(host).cause is Cause.SAMPLE
    loaded = observed.one("module.load", path=lambda path: path.endswith(f"library{bits}.dll"))
    attached = observed.one("file.create", path=lambda path: path.endswith("attached"))
    called = observed.one("file.create", path=lambda path: path.endswith("called"))
    assert loaded.id < attached.id < called.id, observed.story()
