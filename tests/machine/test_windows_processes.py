"""Processes of Windows programs: who started whom, with what, and how they ended."""

from __future__ import annotations

import pytest

from lazaretto.domain.trace import Cause, Ending

pytestmark = pytest.mark.machine("windows")

TREE = r"""
#include <windows.h>
#include <shellapi.h>
static DWORD run(char *line)
{
    STARTUPINFOA start = {sizeof(start)};
    PROCESS_INFORMATION child;
    DWORD code = 99;
    if (!CreateProcessA(0, line, 0, 0, FALSE, 0, 0, 0, &start, &child)) return 98;
    WaitForSingleObject(child.hProcess, INFINITE);
    GetExitCodeProcess(child.hProcess, &code);
    return code;
}
int main(int argc, char **argv)
{
    char self[MAX_PATH + 20], line[] = "cmd.exe /c echo hello from a child& exit 9";
    if (argc > 1) return 5;
    GetModuleFileNameA(0, self, MAX_PATH);
    SetEnvironmentVariableA("MARK", "seen");
    SetEnvironmentVariableA("OS", 0);
    strcat(self, " again \"and again\"");
    DWORD codes = run(self) * 10 + run(line);
    WinExec("cmd.exe /c exit 3", SW_HIDE);
    ShellExecuteA(0, "open", "cmd.exe", "/c exit 4", 0, SW_HIDE);
    Sleep(3000);
    return codes;
}
"""


@pytest.mark.parametrize("bits", [64, 32])
def test_tree(windows, programs, bits):
    observed = windows(programs.pe(TREE, "-lshell32", bits=bits, name=f"tree{bits}.exe"), "exe")
    assert observed.ending is Ending.EXITED, observed.story()
    sample = observed.process(f"tree{bits}.exe")
    assert (sample.cause, sample.exit_code, sample.user) == (Cause.SAMPLE, 59, "claire")
    again = observed.process('again "and again"')
    assert (again.parent, again.exit_code, again.cause) == (sample.key, 5, Cause.CHILD)
    codes = {line: observed.process(line) for line in ("& exit 9", "/c exit 3", "/c exit 4")}
    assert [process.exit_code for process in codes.values()] == [9, 3, 4]
    assert {process.parent for process in codes.values()} == {sample.key}
    assert all(process.image.lower().endswith(r"\cmd.exe") for process in codes.values())
    starts = observed.events("process.start")
    assert len(starts) == 5, observed.story()
    started = observed.one("process.start", process=again.key)
    assert started.environment == {"MARK": "seen", "OS": ""}
    assert observed.events("process.exit")[-1].process == sample.key
    assert "hello from a child" in observed.console


STOPS = r"""
#include <windows.h>
int main(void)
{
    STARTUPINFOA start = {sizeof(start)};
    PROCESS_INFORMATION child;
    char line[] = "cmd.exe /k echo waiting";
    HANDLE token;
    TOKEN_PRIVILEGES wanted = {1, {{{0}, SE_PRIVILEGE_ENABLED}}};
    CreateProcessA(0, line, 0, 0, FALSE, CREATE_NEW_CONSOLE, 0, 0, &start, &child);
    OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES, &token);
    LookupPrivilegeValueA(0, "SeDebugPrivilege", &wanted.Privileges[0].Luid);
    AdjustTokenPrivileges(token, FALSE, &wanted, 0, 0, 0);
    Sleep(1000);
    HANDLE other = OpenProcess(PROCESS_TERMINATE | PROCESS_VM_READ, FALSE, child.dwProcessId);
    TerminateProcess(other, 77);
    CreateMutexA(0, FALSE, "Global\\only-one-of-us");
    volatile int *nowhere = 0;
    return *nowhere;
}
"""


@pytest.mark.parametrize("bits", [64, 32])
def test_ends_others_and_crashes(windows, programs, bits):
    observed = windows(programs.pe(STOPS, bits=bits, name=f"stops{bits}.exe"), "exe")
    assert observed.ending is Ending.EXITED, observed.story()
    child = observed.process("/k echo waiting")
    assert child.exit_code == 77
    assert observed.one("process.privilege", change="enable SeDebugPrivilege")
    opened = observed.one("process.open", target=child.key)
    assert {"terminate", "read"} <= set(opened.access.split(","))
    assert observed.one("process.signal", target=child.key).id > opened.id
    assert observed.one("api", arguments=lambda a: any("only-one-of-us" in part for part in a))
    assert observed.process(f"stops{bits}.exe").exit_code == 0xC0000005


def test_direct_system_calls_are_seen(windows, programs):
    """A program that goes around Wine meets the kernel's observer."""
    source = r"""
static long call(long n, long a, long b, long c)
{ long long r; __asm__ volatile("syscall" : "=a"(r) : "a"((long long)n), "D"((long long)a), "S"((long long)b),
  "d"((long long)c) : "rcx", "r11", "memory"); return r; }
int main(void)
{
    static char path[] = "/tmp/around-wine", text[] = "past all libraries";
    long long r, fd;
    __asm__ volatile("syscall" : "=a"(fd) : "a"(2LL), "D"(path), "S"(0101LL), "d"(0644LL) : "rcx", "r11", "memory");
    __asm__ volatile("syscall" : "=a"(r) : "a"(1LL), "D"(fd), "S"(text), "d"(18LL) : "rcx", "r11", "memory");
    return 0;
}
"""
    observed = windows(programs.pe(source, name="around.exe"), "exe")
    write = observed.one("file.write", path=lambda path: path.endswith("around-wine"))
    assert write.head == b"past all libraries"
    assert observed.dropped("/tmp/around-wine") == b"past all libraries"
    assert observed.trace.processes[write.process].cause is Cause.SAMPLE


def test_direct_system_calls_of_32_bits_are_seen(windows, programs):
    source = r"""
int main(void)
{
    static char path[] = "/tmp/around-wine", text[] = "past all libraries";
    long r, fd;
    __asm__ volatile("int $0x80" : "=a"(fd) : "a"(5), "b"(path), "c"(0101), "d"(0644) : "memory");
    __asm__ volatile("int $0x80" : "=a"(r) : "a"(4), "b"(fd), "c"(text), "d"(18) : "memory");
    return 0;
}
"""
    observed = windows(programs.pe(source, bits=32, name="around32.exe"), "exe")
    assert observed.one("file.write", path=lambda path: path.endswith("around-wine")).head == b"past all libraries"
