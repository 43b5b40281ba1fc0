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


PAGE = r"""
#include <windows.h>
#include <stdio.h>
static long long part(unsigned at)
{
    volatile LONG *p = (volatile LONG *)(ULONG_PTR)(0x7FFE0000 + at);
    LONG high, low;
    do { high = p[1]; low = p[0]; } while (high != p[2]);
    return (long long)high << 32 | (DWORD)low;
}
static void passed(const long long *before)
{
    printf("%lld %lld ", (part(0x8) - before[0]) / 10000, (part(0x14) - before[1]) / 10000);
    printf("%lld ", part(0x320) - before[2]);
}
int main(void)
{
    HANDLE never = CreateEventA(0, 0, 0, 0);
    for (int i = 0; i < 4; i++) {
        Sleep(1);
        long long before[3] = {part(0x8), part(0x14), part(0x320)};
        if (i == 0) Sleep(50);
        if (i == 1) Sleep(700);
        if (i == 2) Sleep(600000);
        if (i == 3) WaitForSingleObject(never, 300);
        passed(before);
    }
    long long tick = part(0x320);
    while (part(0x320) == tick) ;
    return 0;
}
"""


@pytest.mark.parametrize("bits", [64, 32])
def test_shared_page_after_waiting(windows, programs, bits):
    """Time in the page that all processes share is right when a wait is over, and moves while a program only reads."""
    observed = windows(programs.pe(PAGE, bits=bits, name=f"page{bits}.exe"), "exe", guest_time_s=700.0)
    assert observed.ending is Ending.EXITED, observed.story()
    times = list(map(int, observed.console.split()))
    for number, asked in enumerate((50, 700, 600_000, 300)):
        for passed in times[3 * number : 3 * number + 3]:
            assert asked - 2 <= passed < asked * 1.01 + 20, observed.console
