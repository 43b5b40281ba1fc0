"""The system programs of Windows that documents start: each does the part that can be seen from outside.

Run by the programs of /usr/lib/win/bin (src/standin.c) with their own name as the first argument. What they fetch,
they fetch from the (pretended) internet; files go to drive C. One JSON line each on standard output:

    {"standin": {"program": "powershell", "command_line": "...", "action": "...", "detail": "decoded script"}}
"""

# Starts as often as a macro calls a program: nothing is imported that is not needed.
# ruff: noqa: PLC0415, PTH103, PTH106, PTH108, PTH110, PTH112, PTH113, PTH118, PTH119, PTH120, PTH123, SIM105

import os
import re
import sys
import time
from _json import encode_basestring_ascii as quoted
from binascii import a2b_base64
from collections.abc import Callable, Iterator

sys.path.insert(0, "/usr/lib/win")
import drive  # type: ignore[import-not-found] # it lies beside this file

_URL = re.compile(r"""(?:https?|ftp)://[^\s'"()<>,;|^`]+""", re.IGNORECASE)
_LINE_MOST = 3500

Program = Callable[[list[str]], int]


def say(program: str, action: str = "", detail: str = "") -> None:
    if os.path.exists("/run/office-warming"):
        return
    line = " ".join(sys.argv[2:])
    told = {"program": program, "command_line": line[:1500], "action": action, "detail": detail[: _LINE_MOST // 2]}
    fields = ", ".join(f'"{name}": {quoted(value)}' for name, value in told.items())
    os.write(1, f'{{"standin": {{{fields}}}}}\n'.encode())


def fetch(url: str, target: str | None = None) -> bytes:
    """Get a URL; into a file of drive C when `target` names one."""
    import urllib.request

    try:
        request = urllib.request.Request(url, headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            content = bytes(answer.read(64 << 20))
    except (OSError, ValueError):
        return b""
    if target:
        path = drive.inside(target)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
    return content


def start(words: list[str], wait: bool = True) -> int:
    found = drive.command(words)
    if found is None:
        return 9009
    child = os.posix_spawn(found[0], found[1], os.environ)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) if wait else 0


# --- cmd -------------------------------------------------------------------------------------------------------------


def cmd(words: list[str]) -> int:
    rest = list(words)
    while rest and re.match(r"^/[a-z](:\w+)?$", rest[0], re.IGNORECASE) and rest[0].lower() not in {"/c", "/k", "/r"}:
        rest.pop(0)
    if rest and rest[0][:2].lower() in {"/c", "/k", "/r"}:
        rest = [rest[0][2:], *rest[1:]] if len(rest[0]) > 2 else rest[1:]
    line = " ".join(f'"{word}"' if " " in word and len(rest) > 1 else word for word in rest)
    say("cmd", detail=line)
    if len(rest) == 1 or not rest:
        path = drive.inside(line) if line.lower().endswith((".bat", ".cmd")) else ""
        if path and os.path.isfile(path):
            with open(path, errors="replace") as script:
                for one in script.read(1 << 20).splitlines()[:2000]:
                    run_line(one.strip().lstrip("@"))
            return 0
    return run_line(line)


def run_line(line: str, depth: int = 0) -> int:
    """One line of cmd: commands joined by &, && and ||; ^ quotes a character."""
    code = 0
    if depth > 4:
        return code
    for joint, one in _commands(line):
        if (joint == "&&" and code) or (joint == "||" and not code):
            continue
        code = run_command(one.strip().strip("()").lstrip("@").strip(), depth)
    return code


def _commands(line: str) -> Iterator[tuple[str, str]]:
    text, quoted, joint, at = "", False, "", 0
    while at < len(line):
        letter = line[at]
        if letter == "^" and not quoted:
            at += 1
            text += line[at : at + 1]
        elif letter == '"':
            quoted = not quoted
            text += letter
        elif letter in "&|" and not quoted:
            mark = letter * 2 if line[at + 1 : at + 2] == letter else letter
            yield joint, text
            joint, text = mark, ""
            at += len(mark) - 1
        else:
            text += letter
        at += 1
    yield joint, text


def run_command(line: str, depth: int) -> int:
    line = drive.expand(line)
    target, append = None, False
    if found := re.search(r'(?<!\d)\s*(>>?)\s*("[^"]+"|[^\s>&]+)\s*(2>&1)?\s*$', line):
        append, target = found[1] == ">>", found[2]
        line = line[: found.start()]
    words = drive.split(line)
    if not words:
        return 0
    name, rest = words[0].lower(), words[1:]
    output = ""
    if name.startswith("echo"):
        output = line[len("echo") :].lstrip(" .:") + "\r\n"
    elif name == "set" and rest:
        key, _, value = line[3:].strip().strip('"').partition("=")
        os.environ[f"WIN_{key.strip().upper()}"] = value
    elif name in {
        "cd",
        "chdir",
        "title",
        "rem",
        "color",
        "cls",
        "mode",
        "exit",
        "goto",
        "setlocal",
        "pause",
        "pushd",
        "popd",
    }:
        pass
    elif name in {"md", "mkdir"}:
        for one in rest:
            os.makedirs(drive.inside(one), exist_ok=True)
    elif name in {"del", "erase", "rd", "rmdir"}:
        for one in rest:
            remove(drive.inside(one)) if not re.match(r"^/\w", one) else None
    elif name in {"copy", "move", "ren", "rename", "xcopy"}:
        transfer(name, [one for one in rest if not re.match(r"^/\w", one)])
    elif name == "start":
        rest = [one for one in rest if not re.match(r"^/\w+$", one)]
        if rest and '"' in line and line.split('"')[1] == rest[0] and len(rest) > 1:
            rest = rest[1:]  # the title of the new window
        return start(rest, wait=False) if rest else 0
    elif name == "call":
        return run_line(line[4:].strip(), depth + 1)
    elif name in {"timeout", "ping", "ping.exe", "timeout.exe"}:
        pauses = [int(one) for one in rest if one.isdigit()]
        time.sleep(min(max(pauses, default=1), 600))
    elif name == "type" and rest:
        try:
            with open(drive.inside(rest[0]), errors="replace") as file:
                output = file.read(1 << 20)
        except OSError:
            return 1
    else:
        return start(words)
    if target and target.lower() != "nul":
        path = drive.inside(target)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "a" if append else "w") as file:
            file.write(output)
    return 0


def remove(path: str) -> None:
    try:
        os.rmdir(path) if os.path.isdir(path) else os.unlink(path)
    except OSError:
        pass


def transfer(name: str, paths: list[str]) -> None:
    import shutil

    if len(paths) < 2:
        return
    source, to = drive.inside(paths[0]), drive.inside(paths[1])
    if os.path.isdir(to):
        to = os.path.join(to, os.path.basename(source))
    try:
        (shutil.copyfile if name in {"copy", "xcopy"} else os.rename)(source, to)
    except OSError:
        pass


# --- the others ------------------------------------------------------------------------------------------------------


def powershell(words: list[str]) -> int:
    script, flags = "", [word.lower() for word in words]
    for number, flag in enumerate(flags):
        if (
            re.match(r"^[-/]e(n?c?o?d?e?d?c?o?m?m?a?n?d?)$", flag)
            and flag not in {"-ex", "-ep"}
            and number + 1 < len(words)
        ):
            try:
                script = a2b_base64(words[number + 1] + "==").decode("utf-16-le", "replace")
            except ValueError:
                script = words[number + 1]
            break
        if re.match(r"^[-/]c(ommand)?$", flag):
            script = " ".join(words[number + 1 :])
            break
        if re.match(r"^[-/]f(ile)?$", flag) and number + 1 < len(words):
            script = read(words[number + 1])
            break
    else:
        plain = [word for word in words if not re.match(r"^[-/]", word)]
        script = read(plain[-1]) if plain and plain[-1].lower().endswith(".ps1") else " ".join(plain)
    say("powershell", "script", script)
    act(script)
    return 0


def act(script: str) -> None:
    """What a script visibly does: fetch URLs into the files named beside them, pause, start what it fetched."""
    flat = re.sub(r"['\"]\s*\+\s*['\"]", "", script).replace("`", "")
    for inner in re.findall(r"FromBase64String\(['\"]([A-Za-z0-9+/=]{40,})", flat)[:4]:
        try:
            flat += "\n" + a2b_base64(inner).decode("utf-8", "replace")
        except ValueError:
            pass
    places = re.findall(r"""['"]?((?:[A-Za-z]:\\|%\w+%\\|\$env:\w+[\\/])[^'"\s,;)]+)""", flat)
    places = [re.sub(r"\$env:(\w+)", r"%\1%", one) for one in places]
    for number, url in enumerate(dict.fromkeys(_URL.findall(flat))):
        if number >= 10:
            break
        to_file = re.search(r"DownloadFile|Invoke-WebRequest|iwr|wget|curl|BitsTransfer|OutFile", flat, re.IGNORECASE)
        fetch(url, places[min(number, len(places) - 1)] if to_file and places else None)
    for pause in re.findall(r"Start-Sleep\s+(?:-\w+\s+)?(\d+)", flat, re.IGNORECASE)[:3]:
        time.sleep(min(int(pause), 600))
    if re.search(
        r"Start-Process|saps|Invoke-Item|\bii\b|ShellExecute|\.Start\(|&\s*['\"$]|Invoke-Expression|\biex\b",
        flat,
        re.IGNORECASE,
    ):
        for place in dict.fromkeys(places[:3]):
            if os.path.isfile(drive.inside(place)):
                start([place], wait=False)


def read(name: str) -> str:
    try:
        with open(drive.inside(name), "rb") as file:
            return file.read(1 << 20).decode("utf-8", "replace")
    except OSError:
        return ""


def script_host(words: list[str]) -> int:
    for word in words:
        if not word.startswith("/"):
            text = read(word)
            say("wscript", "script", text)
            act(text)
            return 0 if text else 1
    return 0


def mshta(words: list[str]) -> int:
    argument = " ".join(words)
    say("mshta", "script" if re.match(r"(?i)(vb|java)script:", argument) else "open", argument)
    for url in _URL.findall(argument)[:3]:
        act(fetch(url).decode("utf-8", "replace"))
    if not _URL.search(argument) and words:
        act(read(words[0]))
    return 0


def certutil(words: list[str]) -> int:
    flags = {word.lower().lstrip("-/") for word in words}
    plain = [word for word in words if not re.match(r"^[-/]\w", word)]
    if "urlcache" in flags or "url" in flags:
        say("certutil", "download", " ".join(plain))
        urls = [one for one in plain if _URL.match(one)]
        files = [one for one in plain if not _URL.match(one)]
        for url in urls:
            fetch(url, files[0] if files else "%TEMP%\\" + url.rsplit("/", 1)[-1])
    elif ("decode" in flags or "decodehex" in flags) and len(plain) >= 2:
        say("certutil", "decode", " ".join(plain))
        text = re.sub(r"-----[^-]+-----|\s", "", read(plain[0]))
        try:
            content = bytes.fromhex(text) if "decodehex" in flags else a2b_base64(text + "==")
        except ValueError:
            return 1
        with open(drive.inside(plain[1]), "wb") as file:
            file.write(content)
    else:
        say("certutil", detail=" ".join(words))
    return 0


def downloader(name: str) -> Program:
    def run(words: list[str]) -> int:
        line = " ".join(words)
        say(name, "download", line)
        plain = [word for word in words if not word.startswith(("/", "-"))]
        for url in _URL.findall(line)[:4]:
            files = [one for one in plain if re.match(r"^[A-Za-z]:|^%", one)]
            fetch(url, files[-1] if files else None)
        return 0

    return run


def plain(name: str, action: str = "") -> Program:
    def run(words: list[str]) -> int:
        say(name, action, " ".join(words))
        for url in _URL.findall(" ".join(words))[:2]:
            fetch(url)
        return 0

    return run


def explorer(words: list[str]) -> int:
    say("explorer", "open", " ".join(words))
    for word in words[:1]:
        if os.path.isfile(drive.inside(word)):
            return start([word], wait=False)
        for url in _URL.findall(word):
            fetch(url)
    return 0


def wmic(words: list[str]) -> int:
    line = " ".join(words)
    found = re.search(r"(?i)process\s+call\s+create\s+(.+)$", line)
    say("wmic", "create-process" if found else "query", line)
    if found:
        return start(drive.split(found[1].strip().strip("\"'")), wait=False)
    return 0


PROGRAMS = {
    "cmd": cmd, "powershell": powershell, "pwsh": powershell, "wscript": script_host, "cscript": script_host,
    "mshta": mshta, "certutil": certutil, "bitsadmin": downloader("bitsadmin"), "curl": downloader("curl"),
    "rundll32": plain("rundll32", "load"), "regsvr32": plain("regsvr32", "register"), "msiexec": plain("msiexec",
    "install"),
    "reg": plain("reg"), "schtasks": plain("schtasks"), "net": plain("net"), "sc": plain("sc"), "wmic": wmic,
    "explorer": explorer, "taskkill": plain("taskkill"), "tasklist": plain("tasklist"), "attrib": plain("attrib"),
    "vssadmin": plain("vssadmin"), "bcdedit": plain("bcdedit"), "whoami": plain("whoami"),
    "systeminfo": plain("systeminfo"),
    "ipconfig": plain("ipconfig"), "nslookup": plain("nslookup"), "notepad": plain("notepad"),
    "control": plain("control"),
    "msbuild": plain("msbuild"), "installutil": plain("installutil"), "forfiles": plain("forfiles"),
    "program": plain("program"),
    "winword": plain("winword"), "excel": plain("excel"), "iexplore": plain("iexplore"), "hh": plain("hh"),
    "cmstp": plain("cmstp"), "odbcconf": plain("odbcconf"), "extrac32": plain("extrac32"), "expand": plain("expand"),
}  # fmt: skip


if __name__ == "__main__":
    own = sys.argv[1].lower().removesuffix(".exe")
    sys.exit(PROGRAMS.get(own, plain(own))(sys.argv[2:]) & 0xFF)
