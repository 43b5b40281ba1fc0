"""Waiting costs the sample its time and us nothing, and no clock of the guest gives that away."""

from __future__ import annotations

import time

import pytest

from lazaretto.domain.trace import Ending

pytestmark = pytest.mark.machine("linux")


def test_one_long_wait(linux, programs):
    observed = linux(programs.file("wait.sh", "sleep 590; echo awake > /tmp/awake"), "sh")
    assert observed.ending is Ending.EXITED
    assert 590 < observed.trace.guest_time < 595
    assert observed.dropped("/tmp/awake") == b"awake\n"
    wait = observed.one("syscall", name="clock_nanosleep")
    assert wait.arguments[-1] == 590 * 10**9
    assert observed.one("file.create", path="/tmp/awake").time > 590 * 10**9


def test_many_short_waits(linux, programs):
    source = """
    #include <time.h>
    int main(void)
    {
        for (int i = 0; i < 6000; i++) nanosleep(&(struct timespec){0, 50000000}, 0);
        return 0;
    }
    """
    observed = linux(programs.c(source), "elf")
    assert observed.ending is Ending.EXITED
    assert 300 < observed.trace.guest_time < 330


def test_clocks_agree(linux, programs):
    """What an evasive program compares: the counter of the processor, each clock, date, uptime, around a wait."""
    source = r"""
    #include <stdio.h>
    #include <sys/sysinfo.h>
    #include <sys/time.h>
    #include <time.h>
    #include <unistd.h>
    #include <x86intrin.h>
    struct now { double counter, monotonic, real, boot, day, up; };
    static double clock_of(int id) { struct timespec t; clock_gettime(id, &t); return t.tv_sec + t.tv_nsec / 1e9; }
    static struct now look(void)
    {
        struct timeval t; double up; FILE *f = fopen("/proc/uptime", "r");
        fscanf(f, "%lf", &up); fclose(f); gettimeofday(&t, 0);
        return (struct now){__rdtsc(), clock_of(CLOCK_MONOTONIC), clock_of(CLOCK_REALTIME), clock_of(CLOCK_BOOTTIME),
            t.tv_sec + t.tv_usec / 1e6, up};
    }
    int main(void)
    {
        struct now a = look(); sleep(1); struct now b = look(); sleep(100); struct now c = look();
        double rate = (b.counter - a.counter) / (b.monotonic - a.monotonic);
        printf("%f %f %f %f %f %f %f\n", (c.counter - b.counter) / rate, c.monotonic - b.monotonic, c.real - b.real,
            c.boot - b.boot, c.day - b.day, c.up - b.up, c.up - c.boot);
        return 0;
    }
    """
    observed = linux(programs.c(source), "elf")
    *waits, apart = map(float, observed.console.split())
    assert all(99.9 < wait < 100.5 for wait in waits), waits
    assert max(waits) - min(waits) < 0.1, waits
    assert abs(apart) < 0.1, apart


def test_uptime_and_date_are_those_of_a_machine_in_use(linux, programs):
    observed = linux(programs.file("when.sh", "date +%s; cut -d. -f1 /proc/uptime"), "sh")
    date, uptime = map(int, observed.console.split())
    assert abs(date - time.time()) < 600
    assert uptime > 30 * 86_400
