"""Windows names in a world without Windows: paths of drive C, variables, command lines.

Drive C is a folder of the user's home. Names are found whatever their case, as Windows does; what is not there yet is
made with the case given.
"""

# Loaded by every program of /usr/lib/win/bin: nothing is imported that is not needed.
# ruff: noqa: PTH101, PTH110, PTH111, PTH113, PTH119, PTH120, PTH123, PTH208

import os
import re

HOME = os.path.expanduser("~")
USER = os.path.basename(HOME)
ROOT = f"{HOME}/.wine/drive_c"
PROGRAMS = "/usr/lib/win/bin"

_PROFILE = f"C:\\Users\\{USER}"
VARIABLES = {
    "ALLUSERSPROFILE": "C:\\ProgramData",
    "APPDATA": f"{_PROFILE}\\AppData\\Roaming",
    "COMMONPROGRAMFILES": "C:\\Program Files\\Common Files",
    "COMPUTERNAME": "DESKTOP-XEAXW5W",
    "COMSPEC": "C:\\Windows\\system32\\cmd.exe",
    "HOMEDRIVE": "C:",
    "HOMEPATH": f"\\Users\\{USER}",
    "LOCALAPPDATA": f"{_PROFILE}\\AppData\\Local",
    "NUMBER_OF_PROCESSORS": "4",
    "OS": "Windows_NT",
    "PATH": "C:\\Windows\\system32;C:\\Windows;C:\\Windows\\System32\\Wbem",
    "PROCESSOR_ARCHITECTURE": "AMD64",
    "PROGRAMDATA": "C:\\ProgramData",
    "PROGRAMFILES": "C:\\Program Files",
    "PROGRAMFILES(X86)": "C:\\Program Files (x86)",
    "PUBLIC": "C:\\Users\\Public",
    "SYSTEMDRIVE": "C:",
    "SYSTEMROOT": "C:\\Windows",
    "TEMP": f"{_PROFILE}\\AppData\\Local\\Temp",
    "TMP": f"{_PROFILE}\\AppData\\Local\\Temp",
    "USERDOMAIN": "DESKTOP-XEAXW5W",
    "USERNAME": USER,
    "USERPROFILE": _PROFILE,
    "WINDIR": "C:\\Windows",
}


def variable(name: str) -> str:
    """The value of an environment variable, "" when there is none. Names have no case."""
    name = name.upper()
    return os.environ.get(f"WIN_{name}") or VARIABLES.get(name, "")


def expand(text: str) -> str:
    """`text` with %NAME% filled in where there is such a variable."""
    return re.sub(r"%([^%]+)%", lambda found: variable(found[1]) or found[0], text)


def inside(path: str, folder: str | None = None) -> str:
    """The file of this machine that a Windows path names; other paths stay as they are."""
    path = expand(path.strip().strip('"'))
    if path.startswith("/") or not path:
        return path.replace("\\", "/")
    if path.startswith("\\\\"):
        at, rest = f"{HOME}/.wine/unc", path[2:]
    elif re.match(r"^[A-Za-z]:", path):
        at, rest = (ROOT if path[0] in "cC" else f"{HOME}/.wine/drive_{path[0].lower()}"), path[2:]
    elif path.startswith("\\"):
        at, rest = ROOT, path
    else:
        at, rest = folder or ROOT + VARIABLES["TEMP"][2:].replace("\\", "/"), path
    for part in rest.replace("/", "\\").split("\\"):
        if part in {"", "."}:
            continue
        at = os.path.dirname(at) if part == ".." else _match(at, part)
    return at


def _match(folder: str, name: str) -> str:
    exact = f"{folder}/{name}"
    if os.path.lexists(exact):
        return exact
    try:
        return f"{folder}/{next(one for one in os.listdir(folder) if one.lower() == name.lower())}"
    except (OSError, StopIteration):
        return exact


def outside(path: str) -> str:
    """The Windows name of a file of this machine."""
    return "C:" + path[len(ROOT) :].replace("/", "\\") if path.startswith(ROOT) else path


def split(line: str) -> list[str]:
    """The words of a command line, as CommandLineToArgvW takes it apart."""
    words: list[str] = []
    word, quoted, begun, at = "", False, False, 0
    while at < len(line):
        letter = line[at]
        if letter == "\\":
            end = at
            while end < len(line) and line[end] == "\\":
                end += 1
            count = end - at
            if end < len(line) and line[end] == '"':
                word += "\\" * (count // 2)
                if count % 2:
                    word += '"'
                    end += 1
            else:
                word += "\\" * count
            begun, at = True, end
            continue
        if letter == '"':
            quoted, begun = not quoted, True
        elif letter in " \t" and not quoted:
            if begun:
                words.append(word)
            word, begun = "", False
        else:
            word, begun = word + letter, True
        at += 1
    return [*words, word] if begun else words


def program(name: str, folder: str | None = None) -> str | None:
    """What to start for the first word of a command line: one of the recorders, or a file that was put there."""
    base = re.split(r"[\\/]", expand(name))[-1].lower()
    for candidate in (base, base + ".exe", base.removesuffix(".exe") + ".exe"):
        if os.path.exists(f"{PROGRAMS}/{candidate}"):
            return f"{PROGRAMS}/{candidate}"
    found = inside(name, folder)
    for candidate in (found, found + ".exe"):
        if os.path.isfile(candidate):
            return candidate
    return None


_SCRIPTS = {"vbs": "wscript.exe", "vbe": "wscript.exe", "js": "wscript.exe", "jse": "wscript.exe", "wsf": "wscript.exe",
            "bat": "cmd.exe", "cmd": "cmd.exe", "hta": "mshta.exe", "ps1": "powershell.exe", "msi": "msiexec.exe",
            "dll": "rundll32.exe"}  # fmt: skip


def command(words: list[str], folder: str | None = None) -> tuple[str, list[str]] | None:
    """(file to start, argv) for the words of a Windows command line; None where Windows would not find it."""
    found = program(words[0], folder)
    if found is None:
        return None
    if found.startswith(PROGRAMS):
        return found, words
    ending = found.rsplit(".", 1)[-1].lower()
    if ending in _SCRIPTS:
        opener = f"{PROGRAMS}/{_SCRIPTS[ending]}"
        extra = ["/c"] if _SCRIPTS[ending] == "cmd.exe" else []
        return opener, [_SCRIPTS[ending], *extra, outside(found), *words[1:]]
    with open(found, "rb") as file:
        magic = file.read(4)
    if magic == b"\x7fELF" or magic[:2] == b"#!":
        os.chmod(found, 0o755)
        return found, words
    # A program for Windows cannot run here; that it was started is what counts.
    return f"{PROGRAMS}/program.exe", [outside(found), *words[1:]]
