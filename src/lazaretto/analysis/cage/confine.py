"""How a child of the warden gives everything up before it reads a sample. Linux only; no way back."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from dataclasses import dataclass

import pyseccomp

EMPTY = "/empty"

_libc = ctypes.CDLL(None, use_errno=True)  # before there is a child: each would spend a third of a millisecond on it

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522

# What a computation needs that has its libraries loaded and its input open. Files can be asked for and are not there.
_ALLOWED = (
    "read", "write", "readv", "writev", "pread64", "pwrite64", "lseek", "close", "fstat", "newfstatat", "stat", "lstat",
    "statx", "open", "openat", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getcwd", "getdents64",
    "mmap", "mremap", "munmap", "mprotect", "madvise", "brk", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "sigaltstack", "futex", "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
    "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getgroups", "getrandom", "exit",
    "exit_group", "sched_yield", "sched_getaffinity", "sysinfo", "uname", "getrlimit", "set_robust_list", "rseq",
    "fcntl", "dup", "ftruncate", "poll", "ppoll", "membarrier", "restart_syscall", "getrusage", "times",
    "set_tid_address",
)  # fmt: skip
_CLONE_THREAD = 0x10000
_ENOSYS, _EPERM = 38, 1


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


@dataclass(frozen=True)
class Bounds:
    """What one child may use: memory it may write to and output in bytes, processor time in seconds."""

    memory: int
    output: int
    seconds: float


def compile_filter() -> bytes:
    """The system call filter as the kernel takes it. Made once by the warden: a child cannot make it any more."""
    # not killed but told no: libraries ask for things that they can do without
    made = pyseccomp.SyscallFilter(pyseccomp.ERRNO(_EPERM))
    for name in _ALLOWED:
        try:
            made.add_rule(pyseccomp.ALLOW, name)
        except OSError:  # not on this processor
            continue
    # Threads, no processes. The arguments of clone3 cannot be looked at, and libraries fall back to clone without it.
    made.add_rule(pyseccomp.ALLOW, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _CLONE_THREAD, _CLONE_THREAD))
    made.add_rule(pyseccomp.ERRNO(_ENOSYS), "clone3")
    made.add_rule(pyseccomp.ALLOW, "prlimit64", pyseccomp.Arg(2, pyseccomp.EQ, 0))  # only asked for
    with os.fdopen(os.memfd_create("filter"), "w+b") as file:
        made.export_bpf(file)
        file.seek(0)
        return file.read()


def confine(bounds: Bounds, program: bytes, user: int | None) -> None:
    """Give everything up. `user` is the uid and gid to become; None where this is no root that could choose."""
    for what, most in {
        resource.RLIMIT_DATA: bounds.memory,  # of the address space some libraries reserve more than any machine has
        resource.RLIMIT_FSIZE: bounds.output,
        resource.RLIMIT_CPU: int(bounds.seconds) + 1,
        resource.RLIMIT_NOFILE: 16,
        resource.RLIMIT_CORE: 0,
    }.items():
        resource.setrlimit(what, (most, most))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # told by EFBIG instead
    os.chroot(EMPTY)
    os.chdir("/")
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    header = _CapabilityHeader(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    _must(_libc.capset(ctypes.byref(header), ctypes.byref(none)), "capset")
    _must(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable")
    _must(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    filter_ = _Program(len(program) // 8, program)
    _must(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filter_), 0, 0), "seccomp")


def _must(result: int, what: str) -> None:
    if result:
        raise OSError(ctypes.get_errno(), f"the cage could not be closed: {what}")
