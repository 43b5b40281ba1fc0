"""What a program does to files, and in which order."""

from __future__ import annotations

import hashlib

import pytest

from lazaretto.domain.trace import Ending

pytestmark = pytest.mark.machine("linux")


def test_life_of_a_file(linux, programs):
    source = r"""
    #include <fcntl.h>
    #include <stdio.h>
    #include <sys/stat.h>
    #include <sys/time.h>
    #include <sys/xattr.h>
    #include <unistd.h>
    int main(void)
    {
        int fd = open("/tmp/first", O_CREAT | O_WRONLY, 0600);
        write(fd, "one", 3);
        write(fd, "two", 3);
        close(fd);
        rename("/tmp/first", "/tmp/second");
        chmod("/tmp/second", 04755);
        chown("/tmp/second", 1000, 1000);
        link("/tmp/second", "/tmp/third");
        symlink("second", "/tmp/fourth");
        struct timeval past[2] = {{1000000000, 0}, {1000000000, 0}};
        utimes("/tmp/third", past);
        setxattr("/tmp/third", "trusted.tag", "x", 1, 0);
        truncate("/tmp/third", 2);
        mkdir("/tmp/folder", 0700);
        rmdir("/tmp/folder");
        unlink("/tmp/fourth");
        unlink("/tmp/second");
        return 0;
    }
    """
    observed = linux(programs.c(source), "elf")
    assert observed.ending is Ending.EXITED
    assert observed.order(
        "file.create", "file.write", "file.rename", "file.chmod", "file.chown", "file.link", "file.link", "file.time",
        "file.attribute", "file.write", "file.create", "file.delete", "file.delete", "file.delete", "process.exit",
    ), observed.story()  # fmt: skip
    write = observed.one("file.write", path="/tmp/first")
    assert (write.size, write.head, write.overwritten) == (6, b"one", False)
    assert observed.one("file.rename", path="/tmp/first").to == "/tmp/second"
    assert observed.one("file.chmod", path="/tmp/second").mode == 0o4755
    assert observed.one("file.chown", path="/tmp/second").uid == 1000
    assert observed.one("file.link", path="/tmp/third", symbolic=False).target == "/tmp/second"
    assert observed.one("file.link", path="/tmp/fourth", symbolic=True).target == "second"
    assert observed.one("file.time", path="/tmp/third")
    assert observed.one("file.attribute", path="/tmp/third").name == "trusted.tag"
    assert observed.one("file.write", path="/tmp/third", overwritten=lambda _: True)
    assert observed.one("file.create", path="/tmp/folder").directory
    assert observed.one("file.delete", path="/tmp/folder").directory
    assert observed.dropped("/tmp/third") == b"on"


def test_dropped_file_has_its_hash(linux, programs):
    observed = linux(programs.file("drop.sh", "seq 5000 > /var/tmp/numbers"), "sh")
    content = "".join(f"{n}\n" for n in range(1, 5001)).encode()
    assert observed.one("file.write", path="/var/tmp/numbers").sha256 == hashlib.sha256(content).hexdigest()
    assert observed.dropped("/var/tmp/numbers") == content


def test_decoys_are_watched(linux, programs):
    script = "cat /root/.ssh/id_ed25519 > /tmp/stolen; ls /root > /dev/null; rm /root/.bash_history"
    observed = linux(programs.file("steal.sh", script), "sh")
    read = observed.one("canary", action="read")
    assert (read.canary, read.path) == ("ssh-key", "/root/.ssh/id_ed25519")
    assert observed.one("canary", action="delete").path == "/root/.bash_history"
    assert b"PRIVATE KEY" in observed.dropped("/tmp/stolen")


def test_overwritten_and_looked_for(linux, programs):
    observed = linux(
        programs.file("over.sh", "echo x > /etc/motd; cat /etc/nothing-here; echo y > /proc/nowhere"), "sh"
    )
    assert observed.one("file.write", path="/etc/motd").overwritten
    assert observed.one("file.missing", path="/etc/nothing-here")
    assert observed.one("file.missing", path="/proc/nowhere")


def test_nothing_of_the_loader_and_the_launcher(linux, programs):
    """An empty program has an empty account: what is started before it and below it is not its doing."""
    observed = linux(programs.c("int main(void) { return 0; }"), "elf")
    assert observed.kinds() == {"process.start", "process.exit"}, observed.story()


def test_nothing_of_the_interpreter(linux, programs):
    observed = linux(programs.file("true.sh", "exit 0"), "sh")
    assert observed.kinds() == {"process.start", "process.exit", "file.read"}, observed.story()
    assert {event.path for event in observed.events("file.read")} == {"/root/Downloads/true.sh"}
