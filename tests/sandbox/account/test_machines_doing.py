"""What the machine does by itself is no part of the account, however close to the sample it is done."""

from __future__ import annotations

import msgspec
import pytest

from lazaretto.domain.trace import Cause, Ending, Lost
from lazaretto.sandbox.account.build import Account
from lazaretto.sandbox.account.records import Kind

CRON, FORK, JOB = 30, 131, 132
SYSTEMCTL = "/usr/bin/systemctl"


@pytest.fixture
def cron_starts(linux):
    """cron forks, asks PAM, forks again, and that one becomes the job."""

    def start(between=lambda: None):
        linux.keeper("machine", processes=[[CRON, "/usr/sbin/cron"]])
        linux.sample()
        linux.record(Kind.JOIN, 3, CRON, pid=FORK)
        linux.open("/etc/pam.d/cron", pid=FORK)
        linux.record(Kind.SOCKET, 16, 3, 0, pid=FORK)
        linux.write("/proc/131/loginuid", b"0", pid=FORK)
        between()
        linux.record(Kind.FORK, JOB, JOB - 90, pid=FORK)
        linux.open("/etc/group", pid=JOB)
        linux.exec("/usr/bin/dash", "/bin/sh", "-c", "/tmp/x", pid=JOB)
        linux.open("/tmp/x", pid=JOB)

    return start


def test_fork_of_a_daemon(linux, cron_starts):
    cron_starts()
    trace = linux.trace()
    assert [event.kind for event in trace.events] == ["process.start", "process.start", "file.read"]
    job = trace.processes[trace.events[1].process]
    link = trace.processes[job.parent]
    assert (job.cause, link.cause, link.image) == (Cause.CHILD, Cause.TASK, "/usr/sbin/cron")


def test_fork_of_a_daemon_with_a_library_of_the_sample(linux, cron_starts):
    """From there on it is the sample's code that runs."""

    def injected():
        linux.write("/lib/x.so", b"ELF", pid=100)
        linux.record(Kind.MODULE_MAP, 0x1000, 0x1000, 5, strings=(b"/lib/x.so",), pid=FORK)
        linux.open("/etc/shadow", pid=FORK)

    cron_starts(injected)
    assert any(event.kind == "file.read" and event.path == "/etc/shadow" for event in linux.trace().events)


def test_launcher_before_the_program(linux):
    linux.record(Kind.JOIN, 1, 20)
    linux.record(Kind.SYSCALL, 112)
    linux.keeper("console", stream="out", data="aGVsbG8K")  # its way may be shorter
    linux.exec("/home/anna/x")
    assert {event.kind for event in linux.trace().events} == {"process.start", "console"}


def test_console_before_any_record(linux):
    linux.keeper("console", stream="out", data="aGVsbG8K")
    linux.sample()
    assert "console" in {event.kind for event in linux.trace().events}


def systemctl(linux, *words):
    """The script starts, works with tools of its own, and makes the link."""
    linux.record(Kind.FORK, 200, 110)
    argv = b"".join(word.encode() + b"\0" for word in ("/bin/sh", SYSTEMCTL, *words))
    linux.record(Kind.EXEC, 0, pid=200, strings=(b"/usr/bin/dash", argv, b"", b"/", SYSTEMCTL.encode()))
    linux.open("/etc/systemd/system/x.service", pid=200)
    linux.record(Kind.FORK, 201, 111, pid=200)
    linux.exec("/usr/bin/sed", "sed", "-n", "p", pid=201)
    linux.open("/etc/systemd/system/x.service", pid=201)
    linux.write("/run/systemd/units/x.service.active", b"1", pid=201)
    linux.record(Kind.EXIT, 0, pid=201)
    linux.record(Kind.FORK, 202, 112, pid=200)
    linux.exec("/usr/bin/ln", "ln", "-s", "a", "b", pid=202)
    link = b"/etc/systemd/system/multi-user.target.wants/x.service"
    linux.record(Kind.SYMLINK, strings=(b"/etc/systemd/system/x.service", link), pid=202)


def test_how_systemctl_works_is_its_own_affair(linux):
    linux.sample()
    systemctl(linux, "enable", "x.service")
    trace = linux.trace()
    starts = [event for event in trace.events if event.kind == "process.start"]
    assert [start.image for start in starts] == ["/home/anna/Downloads/sample", SYSTEMCTL]
    assert starts[1].command_line == f"{SYSTEMCTL} enable x.service"
    assert {event.kind for event in trace.events} == {"process.start", "standin", "service", "autostart", "file.link"}
    link = next(event for event in trace.events if event.kind == "file.link")
    assert link.process == starts[1].process
    assert len(trace.processes) == 2


def test_what_a_unit_starts_is_a_service(linux):
    linux.sample()
    systemctl(linux, "start", "x.service")
    linux.record(Kind.FORK, 203, 113, pid=200)
    linux.exec("/usr/lib/systemd/systemd-executor", "systemd-executor", "/tmp/x", pid=203)
    linux.open("/etc/passwd", pid=203)
    linux.exec("/tmp/x", pid=203)
    linux.open("/etc/shadow", pid=203)
    trace = linux.trace()
    service = next(event for event in trace.events if event.kind == "process.start" and event.image == "/tmp/x")
    assert trace.processes[service.process].cause is Cause.SERVICE
    assert trace.processes[service.parent].image == SYSTEMCTL
    assert [event.path for event in trace.events if event.kind == "file.read"] == ["/etc/shadow"]


def test_systemctl_that_the_sample_wrote_is_the_samples(linux):
    linux.sample()
    linux.write(SYSTEMCTL, b"#!/bin/sh")
    systemctl(linux, "enable", "x.service")
    starts = [event.image for event in linux.trace().events if event.kind == "process.start"]
    assert starts == ["/home/anna/Downloads/sample", "/usr/bin/dash", "/usr/bin/sed", "/usr/bin/ln"]


def test_what_the_kernel_looks_for_by_itself(linux):
    linux.sample()
    for name in (b"net-pf-16-proto-9", b"binfmt-464c", b"crypto-md5", b"rootkit"):
        linux.record(Kind.KMODULE, 3, strings=(name,))
    linux.record(Kind.KMODULE, 1, strings=(b"net-pf-x",))
    found = [(event.name, event.action) for event in linux.events("kernel.module")]
    assert found == [("rootkit", "request"), ("net-pf-x", "load")]


def test_terminals_and_files_without_a_name(linux):
    linux.sample()
    linux.record(Kind.OPEN, 0o2, strings=(b"/dev/tty",), result=-6)
    linux.record(Kind.OPEN, 0o20200002, strings=(b"/tmp",), result=-21)
    assert not linux.events("file.write")


def test_programs_own_image_at_its_start(linux):
    """The kernel opens program and loader, and maps both, before it says that the program has begun."""
    linux.record(Kind.JOIN, 1)
    linux.record(Kind.FORK, 101, 11)
    linux.exec("/bin/first")
    linux.record(Kind.FORK, 102, 12)
    for path in ("/tmp/second", "/lib64/ld-linux-x86-64.so.2"):
        linux.open(path, 0x20, pid=102)
    for path in (b"/tmp/second", b"/lib64/ld-linux-x86-64.so.2"):
        linux.record(Kind.MODULE_MAP, 0x1000, 0x1000, 5, strings=(path,), pid=102)
    linux.exec("/tmp/second", pid=102)
    assert not linux.events("module.load")


def test_being_given_a_file_is_not_running_it(linux):
    linux.sample()
    linux.write("/tmp/p.sh", b"#!/bin/sh\nexit 0\n# 0123456789")
    linux.internet("served", url="http://e.example/p.sh", head="IyEvYmluL3NoCmV4aXQgMAojIDAxMjM0NTY3ODk=")
    for pid, words in ((201, ("chmod", "+x", "/tmp/p.sh")), (202, ("sh", "/tmp/p.sh"))):
        linux.record(Kind.FORK, pid, pid - 90)
        linux.exec("/usr/bin/dash" if words[0] == "sh" else "/usr/bin/chmod", *words, pid=pid)
    (recorder,) = linux.events("recorder")
    assert recorder.path == "/tmp/p.sh"


def test_way_of_a_datagram_is_not_a_datagram(linux):
    linux.sample()
    linux.connect("203.0.113.9", 80, 40_000, protocol=17)
    linux.connect("203.0.113.7", 80, 40_001, Kind.SENDTO, protocol=17)
    assert [event.address for event in linux.events("net.connect")] == ["203.0.113.7"]


def test_what_the_internet_lost_is_said(linux_manifest):
    account = Account(msgspec.structs.replace(linux_manifest), "linux")
    account.feed_message("internet", {"event": "trouble", "where": "smtp", "reason": "odd"})
    account.feed_message(
        "internet",
        {"event": "finished", "lost_blobs": 2, "lost_messages": 1, "refused_connections": 5, "pcap_cut": True},
    )
    trace = account.finish(Ending.EXITED, "", 0.0, Lost())
    assert trace.lost.host == 1 + 2 + 1 + 5
    for part in ("smtp", "5 connections", "PCAP"):
        assert part in trace.reason
