"""Values of a usual machine for what scripts ask it, so that the paths they make are whole."""

from __future__ import annotations

import re

WINDOWS: dict[str, str] = {
    "temp": r"C:\Users\user\AppData\Local\Temp", "tmp": r"C:\Users\user\AppData\Local\Temp",
    "appdata": r"C:\Users\user\AppData\Roaming", "localappdata": r"C:\Users\user\AppData\Local",
    "userprofile": r"C:\Users\user", "public": r"C:\Users\Public", "programdata": r"C:\ProgramData",
    "allusersprofile": r"C:\ProgramData", "windir": r"C:\Windows", "systemroot": r"C:\Windows", "systemdrive": "C:",
    "comspec": r"C:\Windows\system32\cmd.exe", "programfiles": r"C:\Program Files", "homedrive": "C:",
    "programfiles(x86)": r"C:\Program Files (x86)", "homepath": r"\Users\user", "os": "Windows_NT",
    "pathext": ".COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH;.MSC",
    "commonprogramfiles": r"C:\Program Files\Common Files", "processor_architecture": "AMD64",
    "psmodulepath": r"C:\Program Files\WindowsPowerShell\Modules;C:\Windows\system32\WindowsPowerShell\v1.0\Modules",
}  # fmt: skip


def expanded(text: str) -> str:
    """`%name%` of a Windows text put in; names that are not known stay."""
    return re.sub(r"%([^%\s]{1,40})%", lambda m: WINDOWS.get(m[1].lower(), m[0]), text) if "%" in text else text
