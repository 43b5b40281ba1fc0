"""What an ELF file asks its libraries and the kernel for, and what it puts in front of them."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Finding, Output
from lazaretto.analysis.programs.calls import LINUX, abilities
from lazaretto.analysis.programs.elf.image import Elf
from lazaretto.analysis.programs.elflayout import RELOCATABLE

# Functions of the C library by which programs list, see and open files, and log people in.
_LISTS = frozenset({"readdir", "readdir64", "readdir_r", "getdents", "getdents64", "scandir", "scandir64"})
_OPENS = frozenset({"open", "open64", "openat", "fopen", "fopen64", "stat", "lstat", "__xstat", "__lxstat", "access",
                    "unlink", "rmdir", "execve", "kill"})  # fmt: skip
_LOGS_IN = frozenset(
    {"pam_authenticate", "pam_open_session", "pam_acct_mgmt", "crypt", "getspnam", "accept", "accept4"}
)
_HOOKS_KERNEL = frozenset({"register_ftrace_function", "ftrace_set_filter_ip", "register_kprobe", "register_kretprobe",
                           "kallsyms_lookup_name", "kallsyms_on_each_symbol", "sys_call_table"})  # fmt: skip
_HIDES_MODULE = frozenset({"filldir", "filldir64", "__this_module", "prepare_creds", "commit_creds",
                           "find_task_by_vpid", "unregister_ftrace_function", "call_usermodehelper"})  # fmt: skip

# Files from which a system starts programs by itself.
_START_PLACES = (
    b"/etc/ld.so.preload", b"/etc/rc.local", b"/etc/init.d/", b"/etc/cron.d/", b"/etc/crontab", b"/var/spool/cron",
    b"/etc/systemd/system/", b"/lib/systemd/system/", b"/.bashrc", b"/.bash_profile", b"/.ssh/authorized_keys",
    b"/etc/inittab", b"/etc/profile.d/", b"/etc/xdg/autostart", b"/.config/autostart",
)  # fmt: skip
MANY_PLACES = 4
MANY_EXPORTS = 500  # functions: what stands before the whole library has other ends
LARGE = 16 << 20  # bytes; in a larger one all names come together by chance


def uses(elf: Elf) -> Iterator[Output]:
    if elf.layout.kind == RELOCATABLE:
        yield from _kernel(elf)
        return
    for finding, calls in abilities(elf.imports, LINUX):
        yield Finding(id=f"elf-can-{finding}", detail=", ".join(calls))
    yield from _in_front(elf)
    if len(elf.data) <= LARGE:
        places = [place.decode() for place in _START_PLACES if place in elf.data]
        if len(places) >= MANY_PLACES:
            yield Finding(id="elf-names-start-places", detail=", ".join(places))


def _in_front(elf: Elf) -> Iterator[Output]:
    """Functions of the C library that it has under the same name, while it looks the real ones up."""
    if not elf.imports & {"dlsym", "dlvsym", "__libc_dlsym"} or len(elf.exports) > MANY_EXPORTS:
        return
    lists, opens, logs_in = (sorted(elf.exports & names) for names in (_LISTS, _OPENS, _LOGS_IN))
    if (lists and opens) or (lists and logs_in) or (opens and logs_in):
        yield Finding(id="elf-stands-before-library", detail=", ".join([*lists, *opens, *logs_in][:12]))


def _kernel(elf: Elf) -> Iterator[Output]:
    if not elf.section(".modinfo"):
        return
    names = elf.imports or frozenset(_undefined(elf))
    hooks, hides = sorted(names & _HOOKS_KERNEL), sorted(names & _HIDES_MODULE)
    if hooks and hides:
        yield Finding(id="elf-module-changes-kernel", detail=", ".join([*hooks, *hides]))


def _undefined(elf: Elf) -> list[str]:
    """Names in the table of strings: an object's symbols are not read one by one."""
    return [part.decode("latin-1") for part in elf.section(".strtab")[: 1 << 20].split(b"\0")]
