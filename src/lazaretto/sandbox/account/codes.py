"""The numbers of Linux and Windows that records carry."""

from __future__ import annotations

from typing import Final

FLAG_UNRESOLVED: Final = 1
FLAG_CUT: Final = 2
FLAG_COMPAT: Final = 4


# open(2), x86-64
O_ACCMODE: Final = 0o3
O_RDONLY: Final = 0
O_WRONLY: Final = 1
O_RDWR: Final = 2
O_CREAT: Final = 0o100
O_TRUNC: Final = 0o1000
O_DIRECTORY: Final = 0o200000
O_PATH: Final = 0o10000000

S_IFMT: Final = 0o170000
S_IFDIR: Final = 0o040000
S_IFREG: Final = 0o100000
S_IFCHR: Final = 0o020000

ENOENT: Final = 2
ENOTDIR: Final = 20

AF_UNIX: Final = 1
AF_INET: Final = 2
AF_INET6: Final = 10
FAMILIES: Final = {1: "unix", 2: "inet", 10: "inet6", 16: "netlink", 17: "packet", 29: "can", 31: "bluetooth",
38: "alg",
                   40: "vsock", 44: "xdp"}  # fmt: skip
SOCKET_TYPES: Final = {1: "stream", 2: "dgram", 3: "raw", 4: "rdm", 5: "seqpacket", 10: "packet"}
PROTOCOLS: Final = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp"}

REG_TYPES: Final = {0: "REG_NONE", 1: "REG_SZ", 2: "REG_EXPAND_SZ", 3: "REG_BINARY", 4: "REG_DWORD",
                    5: "REG_DWORD_BIG_ENDIAN", 6: "REG_LINK", 7: "REG_MULTI_SZ", 8: "REG_RESOURCE_LIST",
                    9: "REG_FULL_RESOURCE_DESCRIPTOR", 10: "REG_RESOURCE_REQUIREMENTS_LIST",
                    11: "REG_QWORD"}  # fmt: skip

PAGE_LETTERS: Final = {0x01: "", 0x02: "r", 0x04: "rw", 0x08: "rw", 0x10: "x", 0x20: "rx", 0x40: "rwx", 0x80: "rwx"}
PAGE_EXECUTABLE: Final = 0xF0
PAGE_WRITABLE: Final = 0xCC

# LUIDs of Windows privileges (winnt.h, SE_*_PRIVILEGE)
PRIVILEGES: Final = {2: "SeCreateTokenPrivilege", 3: "SeAssignPrimaryTokenPrivilege", 4: "SeLockMemoryPrivilege",
                     5: "SeIncreaseQuotaPrivilege", 7: "SeTcbPrivilege", 8: "SeSecurityPrivilege",
                     9: "SeTakeOwnershipPrivilege", 10: "SeLoadDriverPrivilege", 11: "SeSystemProfilePrivilege",
                     12: "SeSystemtimePrivilege", 17: "SeBackupPrivilege", 18: "SeRestorePrivilege",
                     19: "SeShutdownPrivilege", 20: "SeDebugPrivilege", 21: "SeAuditPrivilege",
                     22: "SeSystemEnvironmentPrivilege", 24: "SeRemoteShutdownPrivilege", 28: "SeManageVolumePrivilege",
                     29: "SeImpersonatePrivilege", 30: "SeCreateGlobalPrivilege"}  # fmt: skip

# PROCESS_* access rights (winnt.h) in the words of `ProcessOpen.access`
PROCESS_ACCESS: Final = (
    (0x0010, "read"), (0x0028, "write"), (0x0002, "thread"), (0x0001, "terminate"), (0x1400, "query"),
    (0x0080, "create"), (0x0800, "suspend"), (0x0040, "duplicate"),
)  # fmt: skip
PROCESS_ALL_ACCESS: Final = 0x1F0FFF


def process_access(mask: int) -> str:
    """The access mask of OpenProcess in words; generic rights count as the specific ones they stand for."""
    if mask & 0x10000000 or mask & 0xFFF == 0xFFF:
        return "all"
    if mask & 0x80000000:  # GENERIC_READ
        mask |= 0x0410
    if mask & 0x40000000:  # GENERIC_WRITE
        mask |= 0x0A2A
    return ",".join(word for bits, word in PROCESS_ACCESS if mask & bits)


def letters(protection: int) -> str:
    """mmap protection bits as r, w, x letters."""
    return ("r" if protection & 1 else "") + ("w" if protection & 2 else "") + ("x" if protection & 4 else "")


def nt_ok(status: int) -> bool:
    """NT_SUCCESS or a mere information, however the 32 bits were widened."""
    return status & 0xFFFFFFFF < 0x80000000
