"""Samples that do their worst to the guest and to the channel out of it.

Each ends in bounded time with an outcome and a reason, its machine is gone without a trace on this computer, and the
next sample finds an unharmed world.
"""

from __future__ import annotations

import os
import signal
import threading

import pytest

from lazaretto.domain.errors import DetonationError
from lazaretto.domain.trace import Ending
from lazaretto.testing.machines import Footprint, qemus

pytestmark = pytest.mark.machine("linux")

COMPLETE = {Ending.EXITED, Ending.GUEST_TIME}


@pytest.fixture
def bad(guests, programs):
    """Run a sample that misbehaves, then a harmless one, and look at what is left."""

    guests.run(programs.file("before.sh", "exit 0"), "linux", "sh")  # what is kept for all runs is there now

    def run(sample, launch="elf", **request):
        before = Footprint.take(guests.sandbox.pool.store.run_directory)
        observed = guests.run(sample, "linux", launch, **({"wall_time_s": 10.0} | request))
        after = guests.run(programs.file("after.sh", "echo well > /tmp/well"), "linux", "sh")
        assert after.ending is Ending.EXITED
        assert after.dropped("/tmp/well") == b"well\n"
        assert after.trace.lost.total == 0
        left = Footprint.take(guests.sandbox.pool.store.run_directory)
        assert left == before
        assert observed.ending in COMPLETE or observed.trace.reason, observed.story(10)
        return observed

    return run


def test_fork_bomb(bad, programs):
    observed = bad(programs.c("#include <unistd.h>\nint main(void) { for (;;) fork(); }"), wall_time_s=6.0)
    assert observed.ending in {Ending.GUEST_TIME, Ending.WALL_TIME}
    assert len(observed.trace.processes) > 200


def test_memory_hog(bad, programs):
    source = """
    #include <stdlib.h>
    #include <string.h>
    int main(void) { for (;;) { char *more = malloc(1 << 20); if (more) memset(more, 1, 1 << 20); } }
    """
    observed = bad(programs.c(source), wall_time_s=60.0)
    assert observed.ending is Ending.EXITED
    assert observed.one("process.exit").signal == 9


def test_disk_filler(bad, programs):
    script = "cat /dev/zero > /root/big; cat /dev/zero > /tmp/big; echo full $?"
    observed = bad(programs.file("fill.sh", script), "sh", wall_time_s=60.0)
    assert observed.ending is Ending.EXITED
    assert "full 1" in observed.console
    assert observed.one("file.write", path="/root/big").size > 100 << 20


def test_trace_flood(bad, programs):
    source = r"""
    #include <fcntl.h>
    #include <stdio.h>
    #include <unistd.h>
    int main(void)
    {
        char name[3000];
        for (long i = 0;; i++) {
            sprintf(name, "/tmp/%0250ld", i);
            close(open(name, O_CREAT | O_WRONLY, 0600));
            unlink(name);
        }
    }
    """
    observed = bad(programs.c(source), guest_time_s=60.0)
    assert observed.ending in {Ending.FLOODED, Ending.WALL_TIME, Ending.GUEST_TIME}
    assert observed.trace.lost.total or observed.ending is not Ending.EXITED


def test_kills_every_process(bad, programs):
    source = '#include <signal.h>\n#include <unistd.h>\nint main(void) { kill(-1, SIGKILL); write(1, "alone\\n", 6); }'
    observed = bad(programs.c(source))
    assert observed.ending is Ending.EXITED
    assert observed.events("process.signal", signal=9)
    assert "alone" in observed.console


def test_traces_every_process(bad, programs):
    source = r"""
    #include <sys/ptrace.h>
    int main(void)
    {
        for (int pid = 1; pid < 2000; pid++)
            if (!ptrace(PTRACE_ATTACH, pid, 0, 0))
                ptrace(PTRACE_POKEDATA, pid, 0x1000, 0x90909090);
        return 0;
    }
    """
    observed = bad(programs.c(source), guest_time_s=20.0)
    assert observed.events("process.open", access="trace")


@pytest.mark.parametrize("how", ["RB_AUTOBOOT", "RB_POWER_OFF"])
def test_reboots_the_machine(bad, programs, how):
    source = f"#include <sys/reboot.h>\n#include <unistd.h>\nint main(void) {{ sync(); reboot({how}); pause(); }}"
    observed = bad(programs.c(source), guest_time_s=20.0)
    assert observed.events("syscall", name="reboot"), observed.story()


@pytest.mark.parametrize("letter", ["c", "b", "o"])
def test_pulls_the_emergency_brake(bad, programs, letter):
    script = f"echo before > /tmp/before; echo {letter} > /proc/sysrq-trigger; sleep 5; echo still here"
    observed = bad(programs.file("brake.sh", script), "sh", guest_time_s=20.0)
    assert observed.ending is Ending.GUEST_DIED
    # the last thing before the end is known, too
    assert observed.order("process.start", "file.write"), observed.story()
    assert "still here" not in observed.console


def test_enormous_names(bad, programs):
    source = r"""
    #define _GNU_SOURCE
    #include <errno.h>
    #include <fcntl.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/prctl.h>
    #include <sys/stat.h>
    #include <sys/xattr.h>
    #include <unistd.h>
    int main(void)
    {
        char *huge = malloc(10 << 20), part[250];
        memset(huge, 'A', 10 << 20); huge[(10 << 20) - 1] = 0;
        memset(part, '\x1b', sizeof part - 1); part[sizeof part - 1] = 0;
        open(huge, O_CREAT | O_WRONLY, 0600);
        mkdir(huge, 0700); rename(huge, "/tmp/x"); symlink(huge, "/tmp/y"); unlink(huge); chmod(huge, 0);
        prctl(PR_SET_NAME, huge);
        setxattr("/root", huge, "x", 1, 0);
        execl(huge, huge, (char *)0);
        for (int i = 0; i < 400; i++) { mkdir(part, 0700); if (chdir(part)) break; }
        write(open("deep", O_CREAT | O_WRONLY, 0600), "end", 3);
        for (int i = 0; i < 20; i++) write(1, huge, 1 << 20);
        huge[100000] = 0;
        char *words[] = {"sh", "-c", "exit 0", huge, 0};
        execv("/bin/sh", words);
        return 1;
    }
    """
    observed = bad(programs.c(source), guest_time_s=60.0)
    assert observed.ending is Ending.EXITED
    assert observed.events("process.start")[-1].image == "/usr/bin/dash"
    assert len(observed.console) < 2 << 20


def test_searches_for_the_channel(bad, programs):
    """Everything below /dev, /proc and /sys that a root program can open is fed with rubbish and with forged frames."""
    source = r"""
import os, struct, stat, socket
forged = b'{"event":"done","ending":"exited","time":1}'
rubbish = [os.urandom(4096), struct.pack("<HBBI", 0x5A4C, 2, 0, len(forged)) + forged]
def feed(path):
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISCHR(mode) or stat.S_ISFIFO(mode):
            fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
            for data in rubbish:
                os.write(fd, data)
            os.close(fd)
    except OSError:
        pass
for folder, _, names in os.walk("/dev"):
    for name in names:
        feed(os.path.join(folder, name))
# device nodes of its own: every number that a virtio port, a serial line or memory may have
for major in list(range(1, 12)) + list(range(226, 260)) + [511, 510, 509, 508]:
    for minor in range(0, 8):
        path = f"/tmp/n{major}.{minor}"
        try:
            os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(major, minor))
        except OSError:
            continue
        if (major, minor) not in ((1, 1), (1, 2), (1, 4)):
            feed(path)
for pid in [p for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()]:
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            feed(f"/proc/{pid}/fd/{fd}")
    except OSError:
        pass
print("went on")
"""
    observed = bad(programs.file("search.py", source), "python", guest_time_s=120.0)
    assert observed.ending in {Ending.EXITED, Ending.GUEST_DIED}, observed.story(10)
    if observed.ending is Ending.EXITED:
        assert "went on" in observed.console
    assert observed.trace.lost.channel == 0, "a frame of the sample's own making reached the host"


def test_qemu_is_killed(bad, programs):
    killed = threading.Timer(3.0, lambda: [os.kill(pid, signal.SIGKILL) for pid in qemus()])
    killed.start()
    observed = bad(programs.c("int main(void) { for (;;); }"), guest_time_s=10_000.0)
    killed.join()
    assert observed.ending is Ending.MACHINE_DIED
    assert observed.events("process.start")


def test_qemu_is_killed_before_the_sample_starts(guests, programs):
    """No account at all is an error with a reason."""
    machine = guests.sandbox.pool.take("linux")
    guests.sandbox.pool.take, take = lambda _profile: machine, guests.sandbox.pool.take
    for pid in qemus():
        os.kill(pid, signal.SIGKILL)
    try:
        with pytest.raises(DetonationError):
            guests.run(programs.file("after.sh", "echo well"), "linux", "sh")
    finally:
        guests.sandbox.pool.take = take
    assert not qemus()
    assert guests.run(programs.file("after.sh", "echo well"), "linux", "sh").console == "well\n"
