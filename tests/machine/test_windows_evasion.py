"""Programs that look out for an observer, or wait until it is gone."""

from __future__ import annotations

import pytest

from lazaretto.domain.trace import Ending

pytestmark = pytest.mark.machine("windows")

LOOKS = r"""
#include <windows.h>
#include <stdio.h>
static unsigned long long counter(void)
{ unsigned low, high; __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)); return (unsigned long long)high << 32 | low; }
int main(void)
{
    LARGE_INTEGER rate, before, after;
    BOOL remote = 0;
    DWORD disk_serial;
    MEMORYSTATUSEX memory = {sizeof(memory)};
    QueryPerformanceFrequency(&rate);
    unsigned long long c0 = counter();
    Sleep(1000);
    unsigned long long per_ms = (counter() - c0) / 1000;
    DWORD ticks = GetTickCount();
    unsigned long long c1 = counter();
    QueryPerformanceCounter(&before);
    Sleep(600000);
    QueryPerformanceCounter(&after);
    DWORD passed = GetTickCount() - ticks;
    printf("%d %d ", IsDebuggerPresent(), CheckRemoteDebuggerPresent(GetCurrentProcess(), &remote) && remote);
    printf("%lu %llu ", passed, (after.QuadPart - before.QuadPart) * 1000 / rate.QuadPart);
    printf("%llu ", (counter() - c1) / per_ms);
    GlobalMemoryStatusEx(&memory);
    printf("%llu", memory.ullTotalPhys >> 20);
    return 0;
}
"""


@pytest.mark.parametrize("bits", [64, 32])
def test_looks_around(windows, programs, bits):
    observed = windows(programs.pe(LOOKS, bits=bits, name=f"looks{bits}.exe"), "exe", guest_time_s=700.0)
    assert observed.ending is Ending.EXITED, observed.story()
    debugged, remote, ticks, performance, stamps, memory = map(int, observed.console.split())
    assert (debugged, remote) == (0, 0)
    for milliseconds in (ticks, performance, stamps):  # all clocks agree, so the warp cannot be measured
        assert 599_000 < milliseconds < 601_500, observed.console
    assert memory > 900
    functions = [event.function for event in observed.events("api")]
    for function in ("IsDebuggerPresent", "CheckRemoteDebuggerPresent", "GlobalMemoryStatusEx"):
        assert function in functions, observed.story()
    delay = observed.one("api", function="NtDelayExecution", arguments=("600.000 s",))
    assert delay.time < observed.one("api", function="IsDebuggerPresent").time - 599e9
    assert observed.trace.wall_time < 20


@pytest.mark.parametrize("bits", [64, 32])
def test_many_short_sleeps(windows, programs, bits):
    source = r"""
#include <windows.h>
int main(void)
{
    DWORD n;
    for (int i = 0; i < 3000; i++) Sleep(100);
    HANDLE f = CreateFileA("C:\\users\\Public\\awake", GENERIC_WRITE, 0, 0, CREATE_ALWAYS, 0, 0);
    WriteFile(f, "x", 1, &n, 0);
    return 0;
}
"""
    observed = windows(programs.pe(source, bits=bits, name=f"naps{bits}.exe"), "exe")
    assert observed.ending is Ending.EXITED, observed.story()
    assert observed.one("file.create", path=lambda path: path.endswith("awake")).time > 300e9
    sleeps = observed.events("api", function=lambda name: "Sleep" in name or "Delay" in name)
    assert len(sleeps) < 300, "repeats are counted, not told one by one"
    assert observed.trace.lost.total == 0
