"""What command lines do: the programs that belong to Windows and Unix, and what their arguments ask of them."""

# ruff: noqa: ARG001, E501  a row of a table is one line; all functions of a table take the same

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence

from lazaretto.analysis.scripting import operators
from lazaretto.analysis.scripting.acts import Act, Found, Kind, Layer
from lazaretto.analysis.scripting.values import HOLE, Text, Thing, Value, origins

URL = re.compile(r"\b(?:https?|ftp)://[^\s'\"<>|^`)\]},;]+", re.IGNORECASE)
_SECRETS = re.compile(
    r"login data|\\cookies\b|/cookies(?:\.sqlite)?$|key[34]\.db|logins\.json|local state$|web data$|\.ssh[/\\](?:id_|identity|\*)"
    r"|\.aws[/\\]credentials|\.git-credentials|\.netrc|\.npmrc$|\.pypirc$|\.docker[/\\]config\.json|\.kube[/\\]config|wallet\.dat|etc/shadow"
    r"|keychain-db|leveldb|local storage|config[/\\]sam\b|ntds\.dit|\.gnupg|application_default_credentials|\.azure[/\\]",
    re.IGNORECASE,
)
_LOGS = re.compile(r"/var/log/|\.bash_history|\.zsh_history|/var/run/utmp|wtmp|btmp|lastlog", re.IGNORECASE)
_START_PLACES = re.compile(
    r"start menu\\programs\\startup|/etc/cron\.|/etc/crontab|/var/spool/cron|\.config/autostart|/etc/systemd/system/|/lib/systemd/system/"
    r"|\.config/systemd/user|/etc/rc\.local|/etc/init\.d/|\.bashrc|\.bash_profile|\.profile$|\.zshrc|/etc/profile|/etc/ld\.so\.preload"
    r"|authorized_keys|launchagents|launchdaemons|/etc/udev/rules\.d",
    re.IGNORECASE,
)
_RUN_KEYS = re.compile(
    r"currentversion\\(?:policies\\explorer\\)?run(?:once|services)?\b|winlogon\\(?:shell|userinit)|image file execution options|"
    r"\\environment\\userinitmprlogonscript|active setup\\installed components",
    re.IGNORECASE,
)
_PROTECTION_KEYS = re.compile(
    r"windows defender|security center|\\policies\\microsoft\\windows\\(?:system|safer)|enablelua|amsienable",
    re.IGNORECASE,
)
_GUARDS = re.compile(
    r"\b(?:windefend|wdnissvc|wscsvc|sense|mpssvc|securityhealthservice|wuauserv|clamav|clamd|auditd|apparmor|falcon-sensor|msmpeng)\b",
    re.IGNORECASE,
)
_SHELL_PROGRAM = re.compile(
    r"(?:^|[/\\\s'\"])(?:(?:ba|da|z|k)?sh|cmd(?:\.exe)?|powershell(?:\.exe)?)(?:['\"\s]|$)", re.IGNORECASE
)


def secret(path: str) -> bool:
    """Whether a path is where credentials are kept."""
    return bool(_SECRETS.search(path))


def start_place(path: str) -> bool:
    return bool(_START_PLACES.search(path))


def logs(path: str) -> bool:
    return bool(_LOGS.search(path))


def guard(text: str) -> bool:
    """Whether a service's or process's name is one of the system's own guards."""
    return bool(_GUARDS.search(text))


def is_shell(text: str) -> bool:
    return bool(_SHELL_PROGRAM.search(text))


Words = Sequence[str]
Reader = Callable[[str, Words, Words, str], Found]  # name, words, words in lower case, the whole line


def of_command(name: str, args: Sequence[Value], line: str = "", piped: Value = None) -> Found:
    """What a program with these arguments does."""
    words = [operators.to_text(one) for one in args]
    low = [word.lower() for word in words]
    base = re.split(r"[/\\]", name.lower().strip("\"'"))[-1]
    base = re.sub(r"\.(?:exe|com|cmd|bat)$", "", base)
    whole = line or " ".join([name, *words])
    found = Found()
    reader = _PROGRAMS.get(base) or _PROGRAMS.get(re.sub(r"[\d.]+$", "", base))
    if reader is not None:
        found = reader(base, words, low, whole)
    for word in words:
        if secret(word) and base not in {"chmod", "chown", "mkdir", "ls", "test", "rm", "touch", "echo", "["}:
            found.acts.append(Act(Kind.READ, whole, path=word))
    return found


def _found(*acts: Act, layers: Sequence[Layer] = ()) -> Found:
    return Found(list(acts), list(layers))


def _powershell(name: str, words: Words, low: Words, line: str) -> Found:
    """`-EncodedCommand` and `-Command` in any of the lengths that are understood."""
    hidden = False
    at = 0
    while at < len(words):
        word = low[at].lstrip("-/–—")
        is_switch = low[at][:1] in "-/–—" and low[at] != ""
        after = words[at + 1] if at + 1 < len(words) else ""
        if is_switch and word and ("encodedcommand".startswith(word) or word == "ec"):
            source = _encoded(after)
            act = Act(Kind.RUN, line, hidden=hidden, folded=True)
            return _found(act, layers=[Layer("powershell", source, frozenset({"base64"}))] if source else [])
        if is_switch and word and "windowstyle".startswith(word) and word[0] == "w":
            hidden = after.lower() in {"hidden", "1", "h", "hid", "hidd", "hidde", "hi"}
            at += 2
            continue
        if is_switch and word and "command".startswith(word):
            return _found(Act(Kind.RUN, line, hidden=hidden), layers=[_code("powershell", words[at + 1 :])])
        if is_switch and word and "file".startswith(word):
            return _found(Act(Kind.RUN, line, path=after, hidden=hidden))
        if is_switch:
            takes = any(
                full.startswith(word)
                for full in ("executionpolicy", "inputformat", "outputformat", "version", "psconsolefile")
            ) or word in {"ep", "ex"}
            at += 2 if takes and word else 1
            continue
        return _found(Act(Kind.RUN, line, hidden=hidden), layers=[_code("powershell", words[at:])])
    return _found(Act(Kind.RUN, line, hidden=hidden))


def _encoded(text: str) -> bytes:
    try:
        raw = base64.b64decode(re.sub(r"[^A-Za-z0-9+/]", "", text) + "==")
    except (ValueError, binascii.Error):
        return b""
    if raw[1:60:2].count(0) > len(raw[1:60:2]) // 2:
        return raw.decode("utf-16-le", "replace").encode("utf-8", "replace")
    return raw


def _code(language: str, words: Words) -> Layer:
    return Layer(language, " ".join(words).strip().strip('"').encode("utf-8", "replace"), line=True)


def _cmd(name: str, words: Words, low: Words, line: str) -> Found:
    cut = re.search(r"/[ckr](?![a-z])|/[ckr](?=[a-z]{3})", line, re.IGNORECASE)
    if cut is None:
        return _found(Act(Kind.RUN, line))
    rest = line[cut.end() :].strip()
    if rest.startswith('"') and rest.endswith('"'):
        rest = rest[1:-1]
    return _found(layers=[Layer("batch", rest.encode("utf-8", "replace"), line=True)])


def _sh(name: str, words: Words, low: Words, line: str) -> Found:
    for at, word in enumerate(words):
        if re.fullmatch(r"-\w*c", word) and at + 1 < len(words):
            return _found(layers=[Layer("shell", words[at + 1].encode("utf-8", "replace"), origins(words[at + 1]))])
    return _found(Act(Kind.RUN, line, path=next((word for word in words if not word.startswith("-")), "")))


def _inline(language: str, switch: str) -> Reader:
    def read(name: str, words: Words, low: Words, line: str) -> Found:
        for at, word in enumerate(words):
            if re.fullmatch(rf"-\w*{switch}", word) and at + 1 < len(words):
                return _found(
                    layers=[Layer(language, words[at + 1].encode("utf-8", "replace"), origins(words[at + 1]))]
                )
        return _found(Act(Kind.RUN, line, path=next((word for word in words if not word.startswith("-")), "")))

    return read


def _mshta(name: str, words: Words, low: Words, line: str) -> Found:
    whole = " ".join(words)
    for scheme, language in (("javascript:", "javascript"), ("vbscript:", "vbscript")):
        if (at := whole.lower().find(scheme)) >= 0:
            return _found(Act(Kind.RUN, line), layers=[_code(language, [whole[at + len(scheme) :]])])
    if url := URL.search(whole):
        return _found(
            Act(Kind.EVALUATE, line, Thing("mshta", frozenset({"net"})), origins=frozenset({"net"})),
            Act(Kind.FETCH, url[0]),
        )
    return _found(Act(Kind.RUN, line))


def _regsvr(name: str, words: Words, low: Words, line: str) -> Found:
    if url := URL.search(line):
        return _found(
            Act(Kind.FETCH, url[0]),
            Act(Kind.EVALUATE, line, Thing(name, frozenset({"net"})), origins=frozenset({"net"})),
        )
    return _found(Act(Kind.RUN, line))


def _start(name: str, words: Words, low: Words, line: str) -> Found:
    rest = [word for word in words if not word.startswith("/")]
    if not rest:
        return _found()
    inner = of_command(rest[0], rest[1:], "")
    hidden = any(word in {"/min", "/b"} for word in low)
    if not inner.acts and not inner.layers:
        inner.acts.append(Act(Kind.RUN, " ".join(rest), path=rest[0], hidden=hidden and "/min" in low))
    return inner


def _fetcher(name: str, words: Words, low: Words, line: str) -> Found:
    """curl, wget, certutil, bitsadmin: an address, and where it is put."""
    url = URL.search(line)
    flags = {"curl": ("-o", "--output"), "wget": ("-o", "--output-document")}.get(name, ())
    path = ""
    for at, word in enumerate(low):
        if ((word in flags or (name == "wget" and re.fullmatch(r"-[a-z]*o", word))) and at + 1 < len(words)) or (
            name == "curl" and re.fullmatch(r"-[a-z]*o", word) and words[at][-1] == "o" and at + 1 < len(words)
        ):
            path = words[at + 1]
    if not path and (name in {"certutil", "bitsadmin"} or (url and (name == "wget" or "-O" in words))):
        path = words[-1] if words and name in {"certutil", "bitsadmin"} else url[0].rpartition("/")[2] if url else ""
    if url is None and name in {"certutil", "bitsadmin"}:
        if name == "certutil" and any(word.lstrip("-/").startswith("decode") for word in low):
            return _found(Act(Kind.WRITE, line, Text(HOLE, {"base64"}), path=words[-1], origins=frozenset({"base64"})))
        return _found()
    address = url[0] if url else next((word for word in words if "." in word and not word.startswith("-")), "")
    sent = [word for word in words if word.startswith("@")] if name == "curl" else []
    acts = [Act(Kind.FETCH, address, path=path)] if address else []
    posts = any(
        word
        in {
            "-d",
            "--data",
            "--data-binary",
            "-f",
            "-t",
            "--form",
            "--upload-file",
            "--data-raw",
            "--post-file",
            "--post-data",
        }
        or word.startswith(("--data", "--post"))
        for word in low
    )
    if name in {"curl", "wget"} and (sent or posts):
        acts.append(Act(Kind.SEND, line, origins=frozenset().union(*(origins(word) for word in words))))
    return _found(*acts)


def _reg(name: str, words: Words, low: Words, line: str) -> Found:
    if not low or low[0] not in {"add", "import", "delete", "save", "copy"}:
        return _found()
    if low[0] == "save" and any(
        re.search(r"hk(?:lm|ey_local_machine)\\(?:sam|security|system)$", word) for word in low
    ):
        return _found(Act(Kind.READ, line, path="config\\sam"))
    return of_registry(line, low[0] == "delete")


def of_registry(text: str, deleted: bool = False) -> Found:
    """What a value written to the registry does, by its key."""
    if _PROTECTION_KEYS.search(text) and not deleted and not re.search(r"\\exclusions\\?$", text, re.IGNORECASE):  # noqa: SIM102
        if re.search(
            r"disable|exclusions|enablelua|amsienable|consentprompt|tamperprotection|submitsamples|spynet",
            text,
            re.IGNORECASE,
        ):
            return _found(Act(Kind.UNPROTECT, text))
    if re.search(r"scriptblocklogging|modulelogging|eventlog\\", text, re.IGNORECASE) and re.search(r"\b0\b|0x0", text):
        return _found(Act(Kind.UNLOG, text))
    return _found(Act(Kind.PERSIST, text)) if _RUN_KEYS.search(text) and not deleted else _found()


def _schtasks(name: str, words: Words, low: Words, line: str) -> Found:
    return (
        _found(Act(Kind.PERSIST, line)) if any(word in {"/create", "-create", "/change"} for word in low) else _found()
    )


def _service(name: str, words: Words, low: Words, line: str) -> Found:
    acts = []
    if any(word in {"stop", "disable", "mask", "delete", "config", "kill", "/im", "pause"} for word in low) or name in {
        "taskkill",
        "pkill",
        "killall",
    }:
        if guard(line) and not (low[:1] == ["config"] and "disabled" not in low):
            acts.append(Act(Kind.UNPROTECT, line))
        elif re.search(r"\b(?:rsyslog|syslog|systemd-journald|eventlog)\b", line, re.IGNORECASE):
            acts.append(Act(Kind.UNLOG, line))
    if name in {"sc", "new-service"} and low[:1] == ["create"]:
        acts.append(Act(Kind.PERSIST, line))
    if name in {"net", "net1"} and low[:1] == ["user"] and any(word.startswith("/add") for word in low):
        acts.append(Act(Kind.ACCOUNT, line))
    if name in {"net", "net1"} and low[:1] == ["localgroup"] and any(word.startswith("/add") for word in low):
        acts.append(Act(Kind.ADMIN, line))
    return _found(*acts)


def _copies(name: str, words: Words, low: Words, line: str) -> Found:
    whole = " ".join(low)
    bad = {
        "vssadmin": r"delete\s+shadows|resize\s+shadowstorage", "wmic": r"shadowcopy\s+(?:.*\s)?delete", "wbadmin": r"delete\s+(?:catalog|systemstatebackup|backup)",
        "bcdedit": r"recoveryenabled\s+no|bootstatuspolicy\s+ignoreallfailures", "diskshadow": r"delete\s+shadows",
    }.get(name, "")  # fmt: skip
    if bad and re.search(bad, whole):
        return _found(Act(Kind.DELETE_COPIES, line))
    if name == "wmic":
        if found := re.search(r"process\s+call\s+create\s+[\"']?(.*)", line, re.IGNORECASE):
            return _found(Act(Kind.RUN, found[1]), layers=[_code("batch", [found[1].strip("\"'")])])
        if re.search(r"antivirusproduct|\bbios\b|computersystem", whole):
            return _found(Act(Kind.CHECK, line))
    return _found()


def _netsh(name: str, words: Words, low: Words, line: str) -> Found:
    whole = " ".join(low)
    off = (
        re.search(r"state\s+off|opmode\s+(?:mode=)?disable", whole)
        or (name == "ufw" and "disable" in low)
        or (name in {"iptables", "ip6tables"} and "-f" in low and "-F" in words)
    )
    return _found(Act(Kind.FIREWALL, line)) if off else _found()


def _logs(name: str, words: Words, low: Words, line: str) -> Found:
    bad = {
        "wevtutil": r"\b(?:cl|clear-log|sl\b.*/e:false)", "auditctl": r"-e\s*0|-d\b", "history": r"-\w*c", "auditpol": r"/clear|/remove|:disable",
        "fsutil": r"usn\s+deletejournal", "journalctl": r"--vacuum-(?:time|size)=[01]\w?\b",
    }.get(name, "")  # fmt: skip
    return _found(Act(Kind.UNLOG, line)) if bad and re.search(bad, " ".join(low)) else _found()


def _delete(name: str, words: Words, low: Words, line: str) -> Found:
    paths = [word for word in words if not re.match(r"-|/[a-z]$", word, re.IGNORECASE)]
    flags = "".join(word for word in words if word.startswith("-"))
    if (
        name == "rm"
        and "r" in flags.lower()
        and any(
            path in {"/", "/*", "/.", "~", "/home", "/etc", "/usr", "/boot"} or "no-preserve-root" in flags
            for path in paths
        )
    ):
        return _found(Act(Kind.DESTROY, line))
    acts = [
        Act(Kind.UNLOG, line)
        for path in paths
        if logs(path)
        and not path.endswith("/")
        and name in {"rm", "shred", "unlink"}
        and path in {"/var/log", "/var/log/*", "~/.bash_history", "/home/user/.bash_history", "/root/.bash_history"}
    ]
    return _found(*acts, *(Act(Kind.DELETE, line, path=path) for path in paths[:20]))


def _destroy(name: str, words: Words, low: Words, line: str) -> Found:
    whole = " ".join(low)
    if (
        name == "dd"
        and re.search(r"of=/dev/(?:sd|nvme|vd|hd|mmc)\w*", whole)
        and re.search(r"if=/dev/(?:zero|u?random)", whole)
    ):
        return _found(Act(Kind.DESTROY, line))
    if name == "cipher" and "/w" in whole:
        return _found(Act(Kind.DESTROY, line))
    if name == "format" and re.search(r"\bc:", whole):
        return _found(Act(Kind.DESTROY, line))
    return _found()


def _netcat(name: str, words: Words, low: Words, line: str) -> Found:
    runs = any(re.fullmatch(r"-\w*[ec]", word) or word in {"--exec", "--sh-exec"} for word in words) and is_shell(
        " ".join(words) + " "
    )
    runs |= (
        name == "socat" and bool(re.search(r"exec:[^ ]*sh\b|exec:[^ ]*cmd", " ".join(low))) and "tcp" in " ".join(low)
    )
    return _found(Act(Kind.SHELL if runs else Kind.CONNECT, line))


def _crontab(name: str, words: Words, low: Words, line: str) -> Found:
    return _found(Act(Kind.PERSIST, line)) if words and not {"-l", "-r"} & set(low) else _found()


def _wait(name: str, words: Words, low: Words, line: str) -> Found:
    if name in {"sleep", "start-sleep"}:
        found = re.match(r"([\d.]+)([smhd]?)$", words[0]) if words else None
        scale = {"m": 60, "h": 3600, "d": 86400}.get(found[2], 1) if found else 1
        return (
            _found(Act(Kind.WAIT, line, seconds=float(found[1]) * scale))
            if found and re.fullmatch(r"\d+\.?\d*", found[1])
            else _found()
        )
    if name == "timeout":
        number = next((word for word in words if word.isdigit()), "")
        return (
            _found(Act(Kind.WAIT, line, seconds=float(number)))
            if (number and len(number) < 9 and "/t" in low) or low[:1] == [number]
            else _found()
        )
    count = re.search(r"-n\s+(\d{1,6})", " ".join(low))
    local = re.search(r"127\.0\.0\.1|localhost|1\.1\.1\.1", line)
    return _found(Act(Kind.WAIT, line, seconds=float(count[1]))) if count and local else _found()


def _selinux(name: str, words: Words, low: Words, line: str) -> Found:
    return _found(Act(Kind.UNPROTECT, line)) if low[:1] in (["0"], ["permissive"]) else _found()


def _useradd(name: str, words: Words, low: Words, line: str) -> Found:
    root = re.search(r"-o\b.*-u\s*0\b|-u\s*0\b.*-o\b|-ou\s*0\b", line)
    return _found(Act(Kind.ADMIN, line)) if root else _found()


def _encrypting(name: str, words: Words, low: Words, line: str) -> Found:
    if name == "openssl" and "enc" in low and "-d" not in low and "-base64" not in low:
        return _found(Act(Kind.ENCRYPT, line))
    if name in {"gpg", "gpg2"} and ({"-c", "--symmetric"} & set(low)) and "--passphrase" in line:
        return _found(Act(Kind.ENCRYPT, line))
    return _found()


def _find(name: str, words: Words, low: Words, line: str) -> Found:
    acts = [Act(Kind.ENUMERATE, line)]
    if "-exec" in low:
        at = low.index("-exec")
        inner = of_command(words[at + 1], words[at + 2 :]) if at + 1 < len(words) else Found()
        return Found([*acts, *(one for one in inner.acts if one.kind is Kind.ENCRYPT)], [])
    return _found(*acts)


_PROGRAMS: dict[str, Reader] = {
    **dict.fromkeys(("powershell", "pwsh", "powershell_ise"), _powershell), "cmd": _cmd, "%comspec%": _cmd,
    **dict.fromkeys(("sh", "bash", "dash", "zsh", "ksh", "ash"), _sh), "python": _inline("python", "c"), "pythonw": _inline("python", "c"),
    "php": _inline("php", "r"), "node": _inline("javascript", "e"), "mshta": _mshta, **dict.fromkeys(("regsvr32", "msiexec", "odbcconf", "installutil"), _regsvr),
    "start": _start, **dict.fromkeys(("curl", "wget", "certutil", "bitsadmin"), _fetcher), "reg": _reg, "schtasks": _schtasks, "at": _schtasks,
    **dict.fromkeys(("sc", "net", "net1", "taskkill", "systemctl", "service", "pkill", "killall"), _service),
    **dict.fromkeys(("vssadmin", "wmic", "wbadmin", "bcdedit", "diskshadow"), _copies), **dict.fromkeys(("netsh", "ufw", "iptables", "ip6tables"), _netsh),
    **dict.fromkeys(("wevtutil", "auditctl", "history", "auditpol", "fsutil", "journalctl"), _logs), **dict.fromkeys(("rm", "del", "erase", "shred", "unlink", "rd", "rmdir"), _delete),
    **dict.fromkeys(("dd", "cipher", "format"), _destroy), **dict.fromkeys(("nc", "ncat", "netcat", "socat"), _netcat), "crontab": _crontab,
    **dict.fromkeys(("sleep", "timeout", "ping"), _wait), "setenforce": _selinux, "useradd": _useradd, **dict.fromkeys(("openssl", "gpg"), _encrypting), "find": _find,
}  # fmt: skip
