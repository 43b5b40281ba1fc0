"""Whether a command of a macro opens an ordinary program of the machine: an editor, a folder, a page, the firm's own.

Such a program does not do as its arguments tell it, unlike a shell, an interpreter or a loader of libraries. Names are
those of Windows and of widespread programs; what is not known here is not ordinary.
"""

from __future__ import annotations

import re

from lazaretto.analysis.documents.addresses import over_the_internet
from lazaretto.analysis.documents.basic.values import UNKNOWN_PART

PROGRAM_ENDINGS = frozenset({
    "exe", "com", "scr", "pif", "dll", "cpl", "ocx", "sys", "msi", "msp", "bat", "cmd", "ps1", "vbs", "vbe", "js",
    "jse", "wsf", "wsh", "wsc", "sct", "hta", "lnk", "jar", "chm", "reg", "inf", "xll",
})  # fmt: skip

# They show what they are given.
_SHOWS = frozenset({
    "calc", "notepad", "explorer", "mspaint", "write", "wordpad", "winword", "excel", "powerpnt", "outlook", "onenote",
    "visio", "msaccess", "iexplore", "msedge", "chrome", "firefox", "acrord32", "acrobat", "snippingtool",
})  # fmt: skip
# They do what they are given, although they are installed like others.
_OBEYS = frozenset({
    "pwsh", "powershell", "cmd", "bash", "sh", "python", "pythonw", "py", "node", "perl", "ruby", "php", "java",
    "javaw", "wscript", "cscript", "mshta", "curl", "wget", "msbuild", "autohotkey", "autoit3", "wsl", "ssh", "rscript",
})  # fmt: skip
_PROGRAM = re.compile(
    r'\s*"*(?P<path>(?:[a-z]:|%[\w()]{1,40}%)\\[^"<>|*?]{1,240}?\.exe|[\w-]{1,40}(?:\.exe)?)(?=["\s]|$)(?P<rest>.*)',
    re.IGNORECASE | re.DOTALL,
)
_INSTALLED = re.compile(
    r"(?:(?:[a-z]:|%systemdrive%)\\program files(?: \(x86\))?|%programfiles(?:\(x86\))?%)\\", re.IGNORECASE
)
_SYSTEM = re.compile(
    r"(?:[a-z]:\\windows|%windir%|%systemroot%)\\(?:(?:system32|syswow64)\\)?[\w-]+\.exe", re.IGNORECASE
)
_ADDRESS = re.compile(r"\b(?:https?|ftp)://", re.IGNORECASE)
_SHARE = re.compile(r"\\\\[^\s\"]+")
# Another program among the arguments, more commands, or options by which even a browser does as it is told.
_MORE = re.compile(rf"\.(?:{'|'.join(sorted(PROGRAM_ENDINGS))})\b|[&|<>^]\s|(?:^|[\s\"])--", re.IGNORECASE)


def ordinary(command: str) -> bool:
    """Whether the whole command is known to open such a program."""
    found = _PROGRAM.match(command)
    if found is None or ".." in found["path"] or UNKNOWN_PART in found["path"] or _MORE.search(found["rest"]):
        return False
    if any(over_the_internet(share) for share in _SHARE.findall(found["rest"])):
        return False
    path = found["path"]
    stem = path.rpartition("\\")[2].lower().removesuffix(".exe")
    if stem == "explorer" and UNKNOWN_PART in found["rest"]:  # it starts a program as readily as it shows a folder
        return False
    if "\\" not in path or _SYSTEM.fullmatch(path):
        return stem in _SHOWS
    if not _INSTALLED.match(path):
        return False
    return stem in _SHOWS or (stem not in _OBEYS and not _ADDRESS.search(found["rest"]))
