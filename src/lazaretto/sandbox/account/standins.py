"""What the command line of a system program asks for. Pure: program and arguments in, meanings out.

`action` uses these words (docs/sandbox.md lists them): delete-shadow-copies, disable-recovery, delete-backup,
clear-log, disable-audit, disable-firewall, change-firewall, disable-defender, disable-driver-signing, safe-boot,
change-boot, create-task, delete-task, run-task, change-task, stop-task, create-service, change-service, start-service,
stop-service, delete-service, add-user, delete-user, change-user, add-group-member, network-share, port-proxy,
netsh-helper, read-passwords, remove-program, add-certificate, wipe-file, protect-file, change-file, enumerate,
registry-add, registry-delete, registry-export, download, run-script, take-ownership, hide-file, kill-process,
wipe-free-space, remote-execution, shutdown, copy-database, decode-file, run-library, remove-share, end-session,
take-session.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from lazaretto.sandbox.account import powershell
from lazaretto.sandbox.account.text import clean

__all__ = ["Meaning", "Service", "Task", "interpret"]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduled task that was asked for, in the fields of `TaskChange`."""

    action: str
    name: str
    command: str = ""
    trigger: str = ""


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """A service that was asked for, in the fields of `ServiceChange`."""

    action: str
    name: str
    image: str = ""
    start: str = ""


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a command asks for. `script` is text that would be run."""

    action: str
    detail: str = ""
    script: str = ""
    task: Task | None = None
    service: Service | None = None


class _Words:
    """Arguments after the program's name, with case-blind look-up. `low` is lower case, switches begin with "/"."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.raw = [clean(word) for word in argv[1:512]]
        self.low = [("/" + w[1:] if w[:1] in "-/" and w[1:] else w).casefold() for w in self.raw]

    def has(self, *words: str) -> bool:
        """Whether these words all occur."""
        return all(word in self.low for word in words)

    def option(self, *names: str) -> str:
        """The argument after one of `names`, or what follows it after ":" or "="."""
        for index, word in enumerate(self.low):
            for name in names:
                if word == name:
                    return self.raw[index + 1] if index + 1 < len(self.raw) else ""
                if word.startswith((name + ":", name + "=")):
                    return self.raw[index][len(name) + 1 :]
        return ""

    def assigned(self, name: str) -> str:
        """`name= value` (as sc.exe wants it) or `name=value`."""
        for index, word in enumerate(self.low):
            if word == name:
                return self.raw[index + 1] if index + 1 < len(self.raw) else ""
            if word.startswith(name):
                return self.raw[index][len(name) :]
        return ""

    def at(self, index: int) -> str:
        return self.low[index] if index < len(self.low) else ""

    def text(self, index: int) -> str:
        return self.raw[index] if index < len(self.raw) else ""

    @property
    def line(self) -> str:
        return " ".join(self.low)


def interpret(program: str, argv: Sequence[str]) -> list[Meaning]:
    """What `program` (a name of the manifest) is asked for by `argv` (with the program at its head)."""
    reader = _PROGRAMS.get(program.casefold())
    return reader(_Words(argv)) if reader is not None else []


def _vssadmin(words: _Words) -> list[Meaning]:
    if words.has("delete", "shadows"):
        return [
            Meaning(action="delete-shadow-copies", detail=words.option("/for") or ("all" if words.has("/all") else ""))
        ]
    if words.has("resize", "shadowstorage"):  # a tiny store drops the copies just as well
        return [Meaning(action="delete-shadow-copies", detail=f"resize to {words.option('/maxsize')}")]
    if words.has("create", "shadow"):
        return [Meaning(action="copy-database", detail=words.option("/for"))]
    return [Meaning(action="enumerate", detail="shadow copies")] if words.has("list") else []


def _diskshadow(words: _Words) -> list[Meaning]:
    if "delete" in words.line and "shadows" in words.line:
        return [Meaning(action="delete-shadow-copies")]
    script = words.option("/s")
    return [Meaning(action="run-script", detail=script)] if script else []


def _wmic(words: _Words) -> list[Meaning]:
    if words.has("shadowcopy", "delete") or words.has("shadowstorage", "delete"):
        return [Meaning(action="delete-shadow-copies", detail="wmi")]
    if words.has("process") and words.has("call") and any(w.startswith("create") for w in words.low):
        at = next(i for i, w in enumerate(words.low) if w.startswith("create"))
        return [Meaning(action="remote-execution" if words.option("/node") else "run-script",
                        detail=" ".join(words.raw[at + 1 :]))]  # fmt: skip
    if words.has("process") and (words.has("terminate") or words.has("delete")):
        return [Meaning(action="kill-process", detail=words.line)]
    if words.has("product") and words.has("uninstall"):
        return [Meaning(action="remove-program", detail=words.line)]
    return [Meaning(action="enumerate", detail=words.line)]


def _bcdedit(words: _Words) -> list[Meaning]:
    line = words.line
    found = []
    if "recoveryenabled no" in line or "recoveryenabled off" in line or "recoveryenabled false" in line:
        found.append(Meaning(action="disable-recovery", detail="recoveryenabled"))
    if "bootstatuspolicy" in line and "ignore" in line:
        found.append(Meaning(action="disable-recovery", detail="bootstatuspolicy"))
    if "safeboot" in line:
        found.append(Meaning(action="safe-boot", detail=line))
    if "testsigning on" in line or "nointegritychecks on" in line or "nointegritychecks yes" in line:
        found.append(Meaning(action="disable-driver-signing", detail=line))
    if not found and "/set" in line:
        found.append(Meaning(action="change-boot", detail=line))
    return found


def _reagentc(words: _Words) -> list[Meaning]:
    return [Meaning(action="disable-recovery", detail="windows-re")] if words.has("/disable") else []


def _wbadmin(words: _Words) -> list[Meaning]:
    if words.at(0) in ("delete", "disable"):
        return [Meaning(action="delete-backup", detail=" ".join(words.raw[1:]))]
    return [Meaning(action="copy-database", detail=words.line)] if words.at(0) == "start" else []


def _wevtutil(words: _Words) -> list[Meaning]:
    if words.at(0) in ("cl", "clear-log"):
        return [Meaning(action="clear-log", detail=words.text(1))]
    if words.at(0) in ("sl", "set-log") and "/e:false" in words.low:
        return [Meaning(action="disable-audit", detail=words.text(1))]
    return [Meaning(action="enumerate", detail="event logs")] if words.at(0) in ("el", "enum-logs", "qe") else []


def _auditpol(words: _Words) -> list[Meaning]:
    if words.has("/clear") or words.has("/remove") or "disable" in words.line:
        return [Meaning(action="disable-audit", detail=words.line)]
    return []


_TASK_VERBS: Final = {"/create": "create", "/delete": "delete", "/run": "run", "/change": "change", "/end": "stop"}


def _schtasks(words: _Words) -> list[Meaning]:
    verb = next((word for word in words.low if word in _TASK_VERBS), "")
    if not verb:
        return [Meaning(action="enumerate", detail="tasks")]
    name = words.option("/tn")
    trigger = " ".join(filter(None, (words.option("/sc"), words.option("/mo"), words.option("/st"))))
    command = words.option("/tr") or words.option("/xml")
    task = Task(action=_TASK_VERBS[verb], name=name, command=command, trigger=trigger)
    return [Meaning(action=f"{_TASK_VERBS[verb]}-task", detail=name, task=task)]


_SERVICE_VERBS: Final = {"create": "create", "config": "change", "start": "start", "stop": "stop", "delete": "delete",
                         "failure": "change", "sdset": "change", "pause": "stop"}  # fmt: skip


def _sc(words: _Words) -> list[Meaning]:
    at = 1 if words.at(0).startswith("\\\\") else 0
    verb = _SERVICE_VERBS.get(words.at(at))
    if verb is None:
        return [Meaning(action="enumerate", detail="services")]
    name = words.text(at + 1)
    service = Service(action=verb, name=name, image=words.assigned("binpath="), start=words.assigned("start="))
    return [Meaning(action=f"{verb}-service", detail=name, service=service)]


def _user_change(words: _Words) -> str:
    if words.has("/add"):
        return "add-user"
    if words.has("/delete"):
        return "delete-user"
    return "change-user" if len(words.raw) > 2 else "enumerate"


def _net(words: _Words) -> list[Meaning]:
    what, name = words.at(0), words.text(1)
    if what in ("user", "users"):
        action = _user_change(words)
        return [Meaning(action=action, detail=name if action != "enumerate" else "users")]
    if what in ("localgroup", "group") and words.has("/add"):
        return [Meaning(action="add-group-member", detail=" ".join(words.raw[1:-1]))]
    if what in ("start", "stop") and name:
        return [Meaning(action=f"{what}-service", detail=name, service=Service(action=what, name=name))]
    if what in ("use", "share") and name:
        action = (
            "remove-share" if words.low[-1] in ("/d", "/del", "/delete") or words.has("/delete") else "network-share"
        )
        return [Meaning(action=action, detail=" ".join(words.raw[1:]))]
    return [Meaning(action="enumerate", detail=words.line)] if what else []


def _netsh(words: _Words) -> list[Meaning]:
    line = words.line
    if "firewall" in line and "show" in words.low:
        return [Meaning(action="enumerate", detail=line)]
    if "firewall" in line:
        off = "state off" in line or "opmode disable" in line or "opmode mode=disable" in line
        return [Meaning(action="disable-firewall" if off else "change-firewall", detail=" ".join(words.raw))]
    if "portproxy" in line and "add" in words.low:
        return [Meaning(action="port-proxy", detail=" ".join(words.raw))]
    if "wlan" in line and "key=clear" in line:
        return [Meaning(action="read-passwords", detail="wlan")]
    if words.has("add", "helper"):
        return [Meaning(action="netsh-helper", detail=words.raw[-1])]
    return [Meaning(action="enumerate", detail=line)] if "show" in words.low else []


def _reg(words: _Words) -> list[Meaning]:
    verb, key = words.at(0), words.text(1)
    name = words.option("/v")
    if verb == "add":
        data = words.option("/d")
        return [Meaning(action="registry-add", detail=f"{key} {name}={data}" if name or data else key)]
    if verb == "delete":
        return [Meaning(action="registry-delete", detail=f"{key} {name}".strip())]
    if verb in ("save", "export"):
        return [Meaning(action="registry-export", detail=key)]
    if verb in ("import", "restore", "load"):
        return [Meaning(action="registry-add", detail=key)]
    return [Meaning(action="enumerate", detail=key)] if verb == "query" else []


def _taskkill(words: _Words) -> list[Meaning]:
    return [Meaning(action="kill-process", detail=words.option("/im") or words.option("/pid") or words.line)]


def _ownership(words: _Words) -> list[Meaning]:
    return [Meaning(action="take-ownership", detail=" ".join(words.raw))]


def _attrib(words: _Words) -> list[Meaning]:
    hides = any(w in ("+h", "+s") for w in words.low)
    return [Meaning(action="hide-file", detail=words.raw[-1])] if hides and words.raw else []


def _cipher(words: _Words) -> list[Meaning]:
    target = words.option("/w")
    return [Meaning(action="wipe-free-space", detail=target)] if target else []


def _fsutil(words: _Words) -> list[Meaning]:
    if words.has("usn", "deletejournal"):
        return [Meaning(action="clear-log", detail="usn-journal")]
    return [Meaning(action="wipe-file", detail=words.line)] if "setzerodata" in words.low else []


def _certutil(words: _Words) -> list[Meaning]:
    if any(w.startswith(("/urlcache", "/verifyctl")) for w in words.low):
        url = next((w for w in words.raw if "://" in w), "")
        return [Meaning(action="download", detail=url)]
    if any(w.startswith("/decode") for w in words.low):
        return [Meaning(action="decode-file", detail=" ".join(words.raw[1:]))]
    if any(w.startswith("/addstore") for w in words.low):
        return [Meaning(action="add-certificate", detail=" ".join(words.raw[1:]))]
    return []


def _bitsadmin(words: _Words) -> list[Meaning]:
    url = next((w for w in words.raw if "://" in w), "")
    return [Meaning(action="download", detail=url)] if url else []


def _shutdown(words: _Words) -> list[Meaning]:
    return [Meaning(action="shutdown", detail=words.line)]


def _remote_script(words: _Words) -> list[Meaning]:
    """mshta, regsvr32 /i:URL, rundll32 javascript:..., cscript, wscript."""
    joined = " ".join(words.raw)
    folded = joined.casefold()
    if folded.startswith(("javascript:", "vbscript:", "about:")):
        return [Meaning(action="run-script", script=joined, detail="inline")]
    url = next((w for w in words.raw if "://" in w), "")
    if url:
        return [Meaning(action="download", detail=url)]
    return [Meaning(action="run-library" if words.raw else "enumerate", detail=joined)] if joined else []


def _discover(words: _Words) -> list[Meaning]:
    return [Meaning(action="enumerate", detail=words.line)]


def _powershell(words: _Words) -> list[Meaning]:
    asked = powershell.read(words.raw)
    found = [Meaning(action="run-script", detail=asked.script or asked.file, script=asked.script)]
    text = asked.script.casefold()
    if "win32_shadowcopy" in text and ("delete" in text or "remove" in text):
        found.append(Meaning(action="delete-shadow-copies", detail="wmi"))
    if "set-mppreference" in text or "add-mppreference" in text:
        found.append(Meaning(action="disable-defender", detail=asked.script))
    if "clear-eventlog" in text or "remove-eventlog" in text:
        found.append(Meaning(action="clear-log", detail=asked.script))
    if "register-scheduledtask" in text:
        found.append(Meaning(action="create-task", task=Task(action="create", name="", command=asked.script)))
    return found


def _crontab(words: _Words) -> list[Meaning]:
    if words.has("/l") or words.has("/e"):
        return []
    if words.has("/r"):
        return [Meaning(action="delete-task", task=Task(action="delete", name="crontab"))]
    source = words.raw[-1] if words.raw else "-"
    return [Meaning(action="create-task", task=Task(action="create", name="crontab", command=source))]


def _at(words: _Words) -> list[Meaning]:
    if words.has("/l") or words.has("/c"):
        return []
    when = " ".join(w for w in words.raw if not w.startswith("-"))
    return [
        Meaning(action="create-task", task=Task(action="create", name="at", command=words.option("/f"), trigger=when))
    ]


_UNIT_VERBS: Final = {"enable": "change", "reenable": "change", "start": "start", "restart": "start", "stop": "stop",
                      "disable": "change", "mask": "change", "kill": "stop", "link": "create"}  # fmt: skip
_STOPS: Final = frozenset({"poweroff", "reboot", "halt", "kexec", "soft-reboot", "emergency", "rescue"})


def _systemctl(words: _Words) -> list[Meaning]:
    plain = [word for word in words.raw if not word.startswith("-")]
    verb = plain[0] if plain else ""
    if verb in _STOPS:
        return [Meaning(action="shutdown", detail=verb)]
    if verb not in _UNIT_VERBS:
        return []
    found = []
    for unit in plain[1:17]:
        if unit.endswith(".timer"):
            task = Task(action="create" if verb in ("enable", "start", "link") else "change", name=unit)
            found.append(Meaning(action=f"{task.action}-task", detail=unit, task=task))
            continue
        start = {"enable": "auto", "reenable": "auto", "disable": "disabled", "mask": "disabled"}.get(verb, "")
        service = Service(action=_UNIT_VERBS[verb], name=unit, start=start)
        found.append(Meaning(action=f"{service.action}-service", detail=unit, service=service))
    return found


def _update_rc(words: _Words) -> list[Meaning]:
    name = next((w for w in words.raw if not w.startswith("-")), "")
    return [Meaning(action="change-service", detail=name, service=Service(action="change", name=name, start="auto"))]


def _account(words: _Words) -> list[Meaning]:
    return [Meaning(action="change-user", detail=words.raw[-1] if words.raw else "")]


def _firewall(words: _Words) -> list[Meaning]:
    if any(
        w in ("--list", "--list-rules", "list", "status") or re.fullmatch("-[nvx]*[LS][nvx]*", w) for w in words.raw
    ):
        return [Meaning(action="enumerate", detail=f"firewall {words.line}")]
    flush = any(w in ("/f", "/x", "flush", "/flush") for w in words.low)
    return [Meaning(action="disable-firewall" if flush else "change-firewall", detail=" ".join(words.raw))]


def _firewall_front(words: _Words) -> list[Meaning]:
    """ufw, firewall-cmd."""
    if words.at(0) in ("disable", "reset") or "/-panic-off" in words.low:
        return [Meaning(action="disable-firewall", detail=words.line)]
    return _firewall(words)


def _snapshots(words: _Words) -> list[Meaning]:
    """snapper delete, timeshift --delete, btrfs subvolume delete, zfs destroy; lvremove and vgremove need no verb."""
    if any(w.lstrip("/-") in ("delete", "delete-all", "destroy", "del", "remove") for w in words.low):
        return [Meaning(action="delete-backup", detail=words.line)]
    return [Meaning(action="enumerate", detail=words.line)]


def _volumes(words: _Words) -> list[Meaning]:
    return [Meaning(action="delete-backup", detail=words.line)]


def _runlevel(words: _Words) -> list[Meaning]:
    return [Meaning(action="shutdown", detail=words.at(0))] if words.at(0) in ("0", "1", "6", "s") else []


def _sessions(words: _Words) -> list[Meaning]:
    """logoff, rwinsta, tsdiscon; loginctl with a verb that ends something."""
    return [Meaning(action="end-session", detail=words.line)]


def _loginctl(words: _Words) -> list[Meaning]:
    ends = words.at(0).startswith(("terminate-", "kill-"))
    return [Meaning(action="end-session" if ends else "enumerate", detail=words.line)]


def _take_session(words: _Words) -> list[Meaning]:
    return [Meaning(action="take-session", detail=words.line)]


def _remotely(words: _Words) -> list[Meaning]:
    """winrs; winrm with a verb that acts."""
    return [Meaning(action="remote-execution", detail=words.line)]


def _database_tool(words: _Words) -> list[Meaning]:
    """ntdsutil, esentutl: copies of databases that are in use, or their repair."""
    copies = any(w in ("/y", "/vss", "/vssrec") or "ifm" in w or "create full" in w for w in words.low)
    return [Meaning(action="copy-database" if copies else "enumerate", detail=words.line)]


def _chattr(words: _Words) -> list[Meaning]:
    return [
        Meaning(
            action="protect-file" if any(w.startswith("+") for w in words.raw) else "change-file", detail=words.line
        )
    ]


_PROGRAMS: Final[dict[str, Callable[[_Words], list[Meaning]]]] = {
    "vssadmin": _vssadmin, "diskshadow": _diskshadow, "wmic": _wmic, "bcdedit": _bcdedit, "reagentc": _reagentc,
    "wbadmin": _wbadmin, "wevtutil": _wevtutil, "auditpol": _auditpol, "schtasks": _schtasks, "sc": _sc, "net": _net,
    "net1": _net, "netsh": _netsh, "reg": _reg, "taskkill": _taskkill, "tskill": _taskkill, "icacls": _ownership,
    "cacls": _ownership, "takeown": _ownership, "attrib": _attrib, "cipher": _cipher, "fsutil": _fsutil,
    "certutil": _certutil, "bitsadmin": _bitsadmin, "shutdown": _shutdown, "mshta": _remote_script,
    "regsvr32": _remote_script, "rundll32": _remote_script, "cscript": _remote_script, "wscript": _remote_script,
    "whoami": _discover, "systeminfo": _discover, "tasklist": _discover, "ipconfig": _discover, "nltest": _discover,
    "powershell": _powershell, "pwsh": _powershell, "crontab": _crontab, "at": _at, "systemctl": _systemctl,
    "update-rc.d": _update_rc, "useradd": _account, "usermod": _account, "chpasswd": _account, "iptables": _firewall,
    "nft": _firewall, "chattr": _chattr, "ufw": _firewall_front, "firewall-cmd": _firewall_front,
    "snapper": _snapshots, "timeshift": _snapshots, "btrfs": _snapshots, "zfs": _snapshots, "lvremove": _volumes,
    "vgremove": _volumes, "init": _runlevel, "telinit": _runlevel, "reboot": _shutdown, "poweroff": _shutdown,
    "halt": _shutdown, "logoff": _sessions, "rwinsta": _sessions, "reset": _sessions, "tsdiscon": _sessions,
    "loginctl": _loginctl, "tscon": _take_session, "winrs": _remotely, "ntdsutil": _database_tool,
    "esentutl": _database_tool, "driverquery": _discover, "gpresult": _discover, "getmac": _discover,
    "nbtstat": _discover, "qprocess": _discover, "qwinsta": _discover, "openfiles": _discover, "setspn": _discover,
    "tree": _discover, "w32tm": _discover,
}  # fmt: skip
