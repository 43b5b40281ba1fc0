"""Processes: who started whom, as whom, what they do to each other, and code in memory."""

from __future__ import annotations

import pytest

from lazaretto.domain.trace import Cause, Ending

pytestmark = pytest.mark.machine("linux")


def test_tree(linux, programs):
    script = "cd /var/tmp; export TOKEN=abc; unset MAIL; sh -c 'true & wait; exit 3'; exit 4"
    observed = linux(programs.file("tree.sh", script), "sh")
    assert observed.ending is Ending.EXITED
    sample = observed.process("tree.sh")
    child = observed.process("true & wait")
    start = observed.one("process.start", process=child.key)
    assert (sample.cause, sample.parent, sample.exit_code) == (Cause.SAMPLE, 0, 4)
    assert (child.cause, child.parent, child.exit_code) == (Cause.CHILD, sample.key, 3)
    assert (start.working_directory, start.user) == ("/var/tmp", "root")
    assert start.environment["TOKEN"] == "abc"
    assert start.environment["MAIL"] == ""
    assert observed.one("process.exit", process=child.key).code == 3
    assert child.started < child.exited < sample.exited


def test_orphan_keeps_its_parent(linux, programs):
    """A daemon that double-forked belongs to the sample, and the run waits for it."""
    observed = linux(programs.file("daemon.sh", "(sleep 30; echo late > /tmp/late) > /dev/null 2>&1 &"), "sh")
    assert observed.ending is Ending.EXITED
    assert observed.trace.guest_time > 30
    assert observed.dropped("/tmp/late") == b"late\n"


def test_ended_by_a_signal(linux, programs):
    observed = linux(programs.c("int main(void) { *(volatile int *)0 = 1; return 0; }"), "elf")
    assert observed.ending is Ending.EXITED
    assert observed.one("process.exit").signal == 11


def test_name(linux, programs):
    source = '#include <sys/prctl.h>\nint main(void) { return prctl(PR_SET_NAME, "kworker/0:1", 0, 0, 0); }'
    assert linux(programs.c(source), "elf").one("process.rename").name == "kworker/0:1"


def test_other_user(linux, programs):
    source = """
    #include <unistd.h>
    int main(void) { setgid(1000); setuid(1000); execl("/usr/bin/id", "id", (char *)0); return 1; }
    """
    observed = linux(programs.c(source), "elf")
    changes = [event.change for event in observed.events("process.privilege")]
    assert any("uid 0 -> 1000" in change for change in changes), changes
    assert "uid=1000(" in observed.console
    assert observed.process("id").user == "claire"


def test_kills_others(linux, programs):
    observed = linux(programs.file("kill.sh", "pkill -9 nginx; pkill -TERM rsyslogd"), "sh")
    targets = {(event.target_image, event.signal) for event in observed.events("process.signal")}
    assert {signal for _, signal in targets} == {9, 15}, observed.story()


def test_writes_into_another_process(linux, programs):
    source = r"""
    #include <stdlib.h>
    #include <sys/ptrace.h>
    #include <sys/types.h>
    #include <sys/uio.h>
    #include <sys/wait.h>
    #include <unistd.h>
    #include <signal.h>
    static volatile long word = 1;
    int main(void)
    {
        pid_t child = fork();
        if (child == 0) for (;;) pause();
        long value = 2;
        struct iovec here = {&value, sizeof value}, there = {(void *)&word, sizeof word};
        process_vm_writev(child, &here, 1, &there, 1, 0);
        ptrace(PTRACE_ATTACH, child, 0, 0);
        waitpid(child, 0, 0);
        ptrace(PTRACE_POKEDATA, child, &word, 3);
        ptrace(PTRACE_DETACH, child, 0, 0);
        kill(child, SIGKILL);
        waitpid(child, 0, 0);
        return 0;
    }
    """
    observed = linux(programs.c(source), "elf")
    assert observed.order("memory.write", "process.open", "memory.write", "process.signal"), observed.story()
    write, poke = observed.events("memory.write")[:2]
    assert write.size == poke.size == 8
    assert write.target == poke.target != write.process
    assert observed.one("process.open").access == "trace"


def test_code_in_memory(linux, programs):
    """Mapped writable and executable, or filled and made executable afterwards; the code is brought back."""
    source = r"""
    #include <string.h>
    #include <sys/mman.h>
    #include <unistd.h>
    static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3, 'M', 'A', 'R', 'K'};
    int main(void)
    {
        unsigned char *one = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memcpy(one, code, sizeof code);
        unsigned char *two = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memcpy(two, code, sizeof code);
        mprotect(two, 8192, PROT_READ | PROT_EXEC);
        sleep(5); /* code of a process that is gone at once cannot be fetched */
        return ((int (*)(void))one)() - ((int (*)(void))two)();
    }
    """
    observed = linux(programs.c(source), "elf")
    first, second = observed.events("memory.executable")
    assert (first.protection, first.size) == ("rwx", 4096)
    assert (second.protection, second.size) == ("rx", 8192)
    assert observed.process("sample").exit_code == 0
    dumps = observed.artifacts("memory")
    assert any(b"MARK" in observed.content(dump) for dump in dumps), observed.story()
    assert second.dump in {dump.sha256 for dump in dumps}


def test_program_in_memory(linux, programs):
    source = r"""
    #define _GNU_SOURCE
    #include <fcntl.h>
    #include <sys/mman.h>
    #include <unistd.h>
    int main(void)
    {
        static char data[1 << 20];
        int from = open("/bin/echo", O_RDONLY), to = memfd_create("payload", MFD_CLOEXEC);
        write(to, data, read(from, data, sizeof data));
        char *words[] = {"[kthreadd]", "from memory", 0}, *none[] = {0};
        return fexecve(to, words, none);
    }
    """
    observed = linux(programs.c(source), "elf")
    first, second = observed.events("process.start")
    assert "memfd:payload" in second.image
    assert second.command_line.startswith("[kthreadd]") or "kthreadd" in second.command_line
    assert first.process == second.process
    assert "from memory" in observed.console


def test_library_of_its_own(linux, programs):
    source = r"""
    #include <fcntl.h>
    #include <string.h>
    #include <sys/mman.h>
    #include <unistd.h>
    int main(void)
    {
        int fd = open("/tmp/own.so", O_CREAT | O_RDWR, 0755);
        char page[4096] = {0};
        write(fd, page, sizeof page);
        return mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED;
    }
    """
    assert linux(programs.c(source), "elf").one("module.load").path == "/tmp/own.so"


def test_kernel_and_mounts(linux, programs):
    source = r"""
    #define _GNU_SOURCE
    #include <linux/bpf.h>
    #include <sys/mount.h>
    #include <sys/syscall.h>
    #include <unistd.h>
    int main(void)
    {
        syscall(SYS_init_module, "not a module", 12, "");
        union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
        syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr);
        mkdir("/tmp/hidden", 0700);
        mount("tmpfs", "/tmp/hidden", "tmpfs", 0, "");
        return 0;
    }
    """
    observed = linux(programs.c(source), "elf")
    assert observed.one("kernel.module", action="bpf")
    mount = observed.one("file.mount", path="/tmp/hidden")
    assert mount.filesystem == "tmpfs"
    assert observed.events("kernel.module", action="load") or observed.events("syscall", name="init_module"), (
        observed.story()
    )


def test_setuid_program(linux, programs):
    script = "cp /usr/bin/id /tmp/id; chmod 4755 /tmp/id; setpriv --reuid 1000 --clear-groups /tmp/id"
    observed = linux(programs.file("suid.sh", script), "sh")
    assert observed.one("file.chmod", path="/tmp/id").mode == 0o4755
    assert observed.order("file.chmod", "process.start", "process.privilege")
    assert "euid=0(root)" in observed.console


def test_threads_belong_to_their_process(linux, programs):
    source = """
import os, threading
for number in range(5):
    thread = threading.Thread(target=lambda: open(f"/tmp/t{number}", "w").write("x")); thread.start(); thread.join()
"""
    observed = linux(programs.file("threads.py", source), "python")
    writes = observed.events("file.write", path=lambda path: path.startswith("/tmp/t"))
    assert len(writes) == 5
    assert len({write.process for write in writes}) == 1
    assert len({write.thread for write in writes}) == 5
    assert len(observed.trace.processes) == 1


def test_namespaces(linux, programs):
    """A program in namespaces of its own is followed."""
    observed = linux(programs.file("jail.sh", "unshare -mpf sh -c 'echo x > /tmp/inside'"), "sh")
    assert observed.one("file.write", path="/tmp/inside")
    assert observed.events("syscall", name="unshare"), observed.story()


def test_flags_that_keep_a_file(linux, programs):
    observed = linux(programs.file("keep.sh", "touch /tmp/k; chattr +i /tmp/k; setcap cap_net_raw+ep /tmp/k"), "sh")
    kinds = observed.kinds()
    assert "file.attribute" in kinds or observed.events("standin", program="chattr"), observed.story()
