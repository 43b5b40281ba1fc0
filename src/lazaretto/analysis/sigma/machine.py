"""An account as the logs of a real machine would show it: paths, images, hashes and keys in their usual spellings.

A value is a tuple of spellings of the same thing (the same key under `HKCU` and under the user's SID), of which any may
fit; empty, where the event has no such value; None, where the account does not know it.
"""

from __future__ import annotations

import re

from lazaretto.analysis.behaviours.view import SampleFacts, View
from lazaretto.domain.trace import AnyEvent, Cause, FileWrite, Process, ProcessStart, Trace

Value = tuple[str, ...] | None

MAX_TEXT = 16_384  # characters of a value that are looked at

# A well-formed SID: an account does not say which one the guest's user has.
_USER_SID = "S-1-5-21-3623811015-3361044348-30300820-1001"
_SYSTEM_FOLDERS = ("C:\\Windows\\System32\\", "C:\\Windows\\SysWOW64\\", "C:\\Windows\\")
_POWERSHELL = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\"
_OF_ITS_OWN_FOLDER = {"powershell.exe": _POWERSHELL}
_STAND_INS = "/usr/lib/win/bin/"  # where the office guest keeps the programs of the Windows that it pretends to be
# Folders that Windows itself writes so; the guests' file system may have them in lower case.
_SPELLED = {
    folder.lower(): folder
    for folder in (
        "Windows", "System32", "SysWOW64", "Users", "Program Files", "Program Files (x86)", "ProgramData", "AppData",
        "Public", "WindowsPowerShell",
    )
}  # fmt: skip
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def texts(*values: object) -> tuple[str, ...]:
    """The values that are there, as text, cut."""
    return tuple(str(value)[:MAX_TEXT] for value in values if value is not None and value != "")


class Machine:
    """What is known of the machine of one account. `windows` says which system's names an event has."""

    def __init__(self, trace: Trace, sample: SampleFacts) -> None:
        self.trace = trace
        self.view = View(trace, sample)
        self._sample = sample
        self._images: dict[str, Value] = {}
        self._hashes = {
            self.view.path(event.path): event.sha256
            for event in self.view.events
            if isinstance(event, FileWrite) and event.sha256
        }

    def events(self) -> tuple[AnyEvent, ...]:
        """What the sample caused. The start of the sample itself is the sandbox's doing, so it is left out."""
        return tuple(event for event in self.view.events if not self._is_our_start(event))

    def _is_our_start(self, event: AnyEvent) -> bool:
        record = self.trace.processes.get(event.process)
        return isinstance(event, ProcessStart) and record is not None and record.cause is Cause.SAMPLE

    def system(self, event: AnyEvent) -> str:
        """Which system the event is one of: the office guest plays Windows for the macros that it runs."""
        if self.trace.profile != "office":
            return self.trace.profile
        named = getattr(event, "image", "") or getattr(event, "path", "")
        windows = event.kind.startswith("registry.") or named.startswith(_STAND_INS) or _DRIVE.match(named)
        return "windows" if windows else "linux"

    def image(self, image: str, system: str) -> Value:
        """A program's path; None where it is not a path of that system."""
        if not image:
            return None
        if system != "windows":
            return (image[:MAX_TEXT],)
        known = self._images.get(image, ())
        if known == ():
            known = self._images[image] = _windows_image(image)
        return known

    def process(self, key: int) -> Process | None:
        return self.trace.processes.get(key)

    def original_name(self, image: Value) -> Value:
        """The name in the version information of a program: known of the system's own programs, which have their own
        name; of others the account does not know it."""
        for path in image or ():
            folder, _, name = path.rpartition("\\")
            at_home = f"{folder}\\" in _SYSTEM_FOLDERS or f"{folder}\\" == _POWERSHELL
            if at_home and self.view.written_by(path, None) is None:
                return (name,)
        return None

    def sha256(self, path: str) -> str:
        """Of the file that lay there, where that is known."""
        if self._sample.sha256 and self.view.is_sample(path):
            return self._sample.sha256
        return self._hashes.get(self.view.path(path), "")


def _windows_image(image: str) -> Value:
    if image.startswith(_STAND_INS):
        image = image.removeprefix(_STAND_INS)
    if _DRIVE.match(image):
        return (windows_path(image)[:MAX_TEXT],)
    if "/" in image or "\\" in image:
        return None if image.startswith("/") else (image[:MAX_TEXT],)
    # Without a folder it was found where the system looks for its programs.
    name = image if "." in image else f"{image}.exe"
    return (_OF_ITS_OWN_FOLDER.get(name.lower(), _SYSTEM_FOLDERS[0]) + name,)


def windows_path(path: str) -> str:
    """As Windows spells it: backslashes, and the capitals of its own folders."""
    parts = path.replace("/", "\\").split("\\")
    return "\\".join([*(_SPELLED.get(part.lower(), part) for part in parts[:-1]), parts[-1]])


def registry_names(key: str, name: str | None) -> tuple[str, ...]:
    """The names that Sysmon may give a key or value (`TargetObject`), for one as regedit names it."""
    value = "" if name is None else f"\\{name or '(Default)'}"
    whole = f"{key}{value}"[:MAX_TEXT]
    root, _, rest = whole.partition("\\")
    other = []
    low = rest.lower()
    if root == "HKCU":
        other.append(f"HKU\\{_USER_SID}\\{rest}")
        if low.startswith("software\\classes\\"):
            other.append(f"HKU\\{_USER_SID}_Classes\\{rest[17:]}")
    elif root == "HKLM" and low.startswith("software\\classes\\"):
        other.append(f"HKCR\\{rest[17:]}")
    elif root == "HKCR":
        other.append(f"HKLM\\SOFTWARE\\Classes\\{rest}")
    elif root == "HKLM" and low.startswith("system\\controlset001\\"):
        other.append(f"HKLM\\System\\CurrentControlSet\\{rest[21:]}")
    return (whole, *other)


def registry_details(kind: str, data: str) -> tuple[str, ...]:
    """The data of a value as Sysmon shows it (`Details`), and as the account has it."""
    if kind in {"REG_DWORD", "REG_QWORD"}:
        number = _number(data)
        if number is None:
            return texts(data)
        if kind == "REG_DWORD":
            return (f"DWORD (0x{number & 0xFFFFFFFF:08x})", data)
        return (f"QWORD (0x{number >> 32 & 0xFFFFFFFF:08x}-0x{number & 0xFFFFFFFF:08x})", data)
    if kind == "REG_BINARY":
        return ("Binary Data",)
    return texts(data) or ("(Empty)",)


def _number(data: str) -> int | None:
    word = data.split(" ", 1)[0]
    try:
        return int(word, 16 if word.lower().startswith("0x") else 10)
    except ValueError:
        return None
