"""What a program can do with the functions of its system that it asks for: sets of calls that together have a meaning.

Only combinations: one function alone is in half of all programs. A set that fits says what the program *could* do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Ability:
    """`needs` are groups: of each group at least one call must be there. `most` bounds how many calls in all a program
    may ask for; in a large one everything comes together by chance. 0 is without a bound."""

    finding: str
    needs: tuple[frozenset[str], ...]
    most: int = 0


def _of(*calls: str) -> frozenset[str]:
    return frozenset(calls)


_OPEN_PROCESS = _of("openprocess", "ntopenprocess")
_NEW_PROCESS = _of("createprocess", "createprocessinternal", "ntcreateuserprocess", "createprocessasuser")
_ROOM_ELSEWHERE = _of("virtualallocex", "ntallocatevirtualmemory", "ntmapviewofsection", "virtualallocexnuma")
_WRITE_ELSEWHERE = _of("writeprocessmemory", "ntwritevirtualmemory", "ntmapviewofsection")
_RUN_ELSEWHERE = _of("createremotethread", "createremotethreadex", "rtlcreateuserthread", "ntcreatethreadex",
                     "queueuserapc", "ntqueueapcthread", "ntqueueapcthreadex")  # fmt: skip
_START = _of("winexec", "shellexecute", "shellexecuteex", "createprocess", "createprocessasuser", "system")

WINDOWS: tuple[Ability, ...] = (
    Ability("injection", (_OPEN_PROCESS, _ROOM_ELSEWHERE, _WRITE_ELSEWHERE, _RUN_ELSEWHERE)),
    Ability(
        "hollowing",
        (_NEW_PROCESS, _WRITE_ELSEWHERE, _of("setthreadcontext", "ntsetcontextthread", "wow64setthreadcontext"),
         _of("resumethread", "ntresumethread")),
    ),
    Ability("keys", (_of("getasynckeystate", "getkeyboardstate", "setwindowshookex", "getrawinputdata"),
                     _of("getforegroundwindow"), _of("getwindowtext"), _of("writefile", "fwrite", "internetwritefile",
                     "send", "httpsendrequest")), most=160),
    Ability("fetch-and-start", (_of("urldownloadtofile", "urldownloadtocachefile"), _START)),
    Ability("passwords", (_of("cryptunprotectdata", "vaultenumerateitems", "credenumerate",
                              "lsaretrieveprivatedata"),)),
    Ability("memory-of-others", (_of("minidumpwritedump"), _OPEN_PROCESS, _of("adjusttokenprivileges",
                                 "rtladjustprivilege"))),
    Ability("debugger-checks", (_of("checkremotedebuggerpresent", "ntqueryinformationprocess"),
                                _of("isdebuggerpresent", "outputdebugstring", "ntsetinformationthread"),
                                _of("gettickcount", "gettickcount64", "queryperformancecounter")), most=200),
    Ability("encrypt-files", (_of("cryptencrypt", "bcryptencrypt"), _of("findfirstfile", "findfirstfileex"),
                              _of("movefile", "movefileex", "deletefile"),
                              _of("getlogicaldrives", "getlogicaldrivestrings", "getdrivetype"))),
    Ability("processes-killed", (_of("createtoolhelp32snapshot", "enumprocesses", "wtsenumerateprocesses"),
                                 _of("terminateprocess", "ntterminateprocess"),
                                 _of("controlservice", "deleteservice"))),
)  # fmt: skip

LINUX: tuple[Ability, ...] = (
    Ability("injection", (_of("ptrace"), _of("process_vm_writev"))),
    Ability("runs-from-memory", (_of("memfd_create"), _of("fexecve", "execveat", "dlopen"))),
    Ability("packets", (_of("pcap_open_live", "pcap_create"), _of("pcap_loop", "pcap_next", "pcap_dispatch"))),
    Ability("shell-over-network", (_of("socket"), _of("connect", "accept", "accept4"), _of("dup2", "dup3"),
                                   _of("execl", "execve", "execv", "execlp", "execvp", "execle")), most=60),
    Ability("shadow", (_of("getspnam", "getspent"), _of("socket", "popen", "connect", "curl_easy_perform"))),
    Ability("root-shell", (_of("setuid", "setreuid", "setresuid"), _of("setgid", "setregid", "setresgid"),
                           _of("execl", "execve", "execv", "execlp", "execvp", "system")), most=25),
    Ability("modules", (_of("init_module", "finit_module"),)),
)  # fmt: skip

_NAME = re.compile(r"^(?:zw)(?=[a-z]{4})")


def plain(name: str) -> str:
    """A call's name as the sets have it: lower case, without the ending of a character set; Zw is Nt."""
    lower = name.lower()
    if len(name) > 4 and name[-1] in "AW" and name[-2].islower():
        lower = lower[:-1]
    if len(lower) > 4 and name[-1] in "AW" and name[-3:-1] == "Ex":
        lower = name[:-1].lower()
    return _NAME.sub("nt", lower).lstrip("_")


def abilities(names: Iterable[str], known: tuple[Ability, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """For each set that fits its finding and the calls by which it fits."""
    called = {plain(name): name for name in names}
    found = []
    for ability in known:
        if ability.most and len(called) > ability.most:
            continue
        used = [sorted(group & called.keys()) for group in ability.needs]
        if all(used):
            found.append((ability.finding, tuple(dict.fromkeys(called[group[0]] for group in used))))
    return found
