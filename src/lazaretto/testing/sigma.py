"""How long Sigma rules take: made rules, as many and of such shapes as a public folder has, over made accounts.

python -m lazaretto.testing.sigma [RULES] [EVENTS]
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from lazaretto.analysis.sigma import load
from lazaretto.domain.trace import (
    AnyEvent,
    Cause,
    Ending,
    FileWrite,
    ModuleLoad,
    NetConnect,
    NetDns,
    Process,
    ProcessStart,
    RegistrySet,
    Trace,
)

_PROGRAMS = (
    "cmd", "powershell", "wmic", "reg", "schtasks", "certutil", "bitsadmin", "rundll32", "regsvr32", "mshta",
    "wscript", "cscript", "net", "net1", "sc", "vssadmin", "bcdedit", "netsh", "whoami", "nltest", "ping", "curl",
    "msbuild", "installutil", "msiexec", "attrib", "icacls", "takeown", "fsutil", "wevtutil", "findstr",
)  # fmt: skip
_SYLLABLES = (
    "ba", "co", "di", "fu", "ga", "he", "ki", "lo", "mu", "na", "po", "ri", "sa", "te", "vu", "wa", "xe", "yo", "zi",
    "qua",
)  # fmt: skip
_LOGS = (
    ("process_creation", 0.62),
    ("registry_set", 0.12),
    ("file_event", 0.10),
    ("image_load", 0.06),
    ("network_connection", 0.04),
    ("dns_query", 0.03),
    ("process_access", 0.03),
)
_LEVELS = ("low", "medium", "high", "critical")


class _Maker:
    """Words and paths, always the same for a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  nothing secret

    def word(self) -> str:
        return "".join(self.random.choices(_SYLLABLES, k=self.random.randint(2, 4)))

    def words(self, most: int) -> list[str]:
        return [f" -{self.word()}" for _ in range(self.random.randint(1, most))]

    def program(self) -> str:
        return self.random.choice(_PROGRAMS) if self.random.random() < 0.6 else self.word()

    def path(self) -> str:
        ending = self.random.choice(("exe", "dll", "ps1"))
        return f"C:\\Users\\{self.word()}\\AppData\\{self.word()}\\{self.word()}.{ending}"

    def key(self) -> str:
        return f"\\Software\\Microsoft\\{self.word()}\\{self.word()}"


def rule(maker: _Maker, number: int) -> dict[str, Any]:
    """One rule in the shape of most: a selection of names, one of words, filters."""
    category = maker.random.choices([name for name, _ in _LOGS], [share for _, share in _LOGS])[0]
    return {
        "title": f"Made rule {number}",
        "id": f"00000000-0000-4000-8000-{number:012x}",
        "status": "test",
        "description": "A rule that was made to measure how long rules take.",
        "tags": ["attack.execution", f"attack.t{1000 + number % 600}"],
        "logsource": {"product": "windows", "category": category},
        "detection": _DETECTIONS[category](maker),
        "falsepositives": ["Unknown"],
        "level": maker.random.choice(_LEVELS),
    }


def _process(maker: _Maker) -> dict[str, Any]:
    names = [maker.program() for _ in range(maker.random.randint(1, 3))]
    found: dict[str, Any] = {
        "selection_img": [
            {"Image|endswith": [f"\\{name}.exe" for name in names]},
            {"OriginalFileName": [f"{name}.exe" for name in names]},
        ],
        "selection_cli": {"CommandLine|contains": maker.words(12)},
        "condition": "all of selection_*",
    }
    if maker.random.random() < 0.3:
        found["selection_more"] = {"CommandLine|contains|all": maker.words(3)}
    if maker.random.random() < 0.1:
        found["selection_re"] = {"CommandLine|re": f"(?i){maker.word()}[a-z0-9]{{4,20}}\\s+.*{maker.word()}"}
    if maker.random.random() < 0.4:
        found["filter_main_known"] = {
            "ParentImage|startswith": "C:\\Program Files\\",
            "CommandLine|contains": maker.word(),
        }
        found["condition"] += " and not 1 of filter_main_*"
    return found


def _registry(maker: _Maker) -> dict[str, Any]:
    return {
        "selection": {"TargetObject|contains": [maker.key() for _ in range(maker.random.randint(1, 8))]},
        "filter": {"Details": ["(Empty)", "DWORD (0x00000000)"]},
        "condition": "selection and not filter",
    }


def _file(maker: _Maker) -> dict[str, Any]:
    return {
        "selection": {"TargetFilename|endswith": [f"\\{maker.word()}.{end}" for end in ("exe", "dll", "tmp")]},
        "filter": {"Image|endswith": f"\\{maker.program()}.exe"},
        "condition": "selection and not filter",
    }


def _one(field: str) -> Any:
    def detection(maker: _Maker) -> dict[str, Any]:
        return {"selection": {field: [f"{maker.word()}{maker.word()}" for _ in range(6)]}, "condition": "selection"}

    return detection


_DETECTIONS = {
    "process_creation": _process,
    "registry_set": _registry,
    "file_event": _file,
    "image_load": _one("ImageLoaded|contains"),
    "network_connection": _one("DestinationHostname|endswith"),
    "dns_query": _one("QueryName|contains"),
    "process_access": _one("TargetImage|contains"),
}


def folder(path: Path, rules: int, seed: int = 1) -> None:
    """Writes so many rules, one a file."""
    maker = _Maker(seed)
    for number in range(rules):
        (path / f"rule_{number:05}.yml").write_text(yaml.safe_dump(rule(maker, number), sort_keys=False))


def account(events: int, seed: int = 2, *, only: str = "") -> Trace:
    """An account of so many different events, a third of them program starts; `only`: all of this kind."""
    maker = _Maker(seed)
    processes = {1: Process(key=1, pid=100, image=maker.path(), command_line="sample", cause=Cause.SAMPLE)}
    found: list[AnyEvent] = []
    for number in range(events):
        event = _MAKERS[only or maker.random.choice(list(_MAKERS))](maker, number)
        if isinstance(event, ProcessStart):
            processes[event.process] = Process(
                key=event.process, pid=event.process, parent=1, image=event.image, command_line=event.command_line
            )
        found.append(event)
    return Trace(profile="windows", ending=Ending.EXITED, processes=processes, events=tuple(found))


def _started(maker: _Maker, number: int) -> ProcessStart:
    image = f"C:\\windows\\system32\\{maker.program()}.exe"
    line = f"{image}{''.join(maker.words(8))} {maker.path()}"
    return ProcessStart(id=number, time=number, process=number + 2, parent=1, image=image, command_line=line)


_MAKERS: dict[str, Any] = {
    "process.start": _started,
    "registry.set": lambda maker, number: RegistrySet(
        id=number, time=number, process=1, key=f"HKCU{maker.key()}", name=maker.word(), type="REG_SZ", data=maker.path()
    ),
    "file.write": lambda maker, number: FileWrite(id=number, time=number, process=1, path=maker.path()),
    "module.load": lambda maker, number: ModuleLoad(id=number, time=number, process=1, path=maker.path()),
    "net.dns": lambda maker, number: NetDns(id=number, time=number, process=1, name=f"{maker.word()}.example"),
    "net.connect": lambda maker, number: NetConnect(
        id=number, time=number, process=1, protocol="tcp", address="192.0.2.1", port=443, host=f"{maker.word()}.example"
    ),
}


def measure(rules: int, events: int) -> dict[str, float]:
    """Seconds of processor time: to read the folder, to read what was kept of it, to ask the rules of accounts."""
    out: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as at:
        base = Path(at)
        (base / "rules").mkdir()
        folder(base / "rules", rules)
        start = time.process_time()
        load(base / "rules", cache=base / "cache")
        out["read"] = time.process_time() - start
        start = time.process_time()
        sigma = load(base / "rules", cache=base / "cache")
        out["read again"] = time.process_time() - start
        for name, trace in (
            ("mixed account", account(events)),
            ("the same account again", account(events)),
            ("only program starts", account(events, only="process.start")),
            ("200 events", account(200, seed=3)),
        ):
            start = time.process_time()
            found = sigma.match(trace)
            out[name] = time.process_time() - start
            sys.stderr.write(f"{name}: {len(found.evidence)} rules matched, unfinished: {found.unfinished}\n")
    return out


if __name__ == "__main__":
    _rules, _events = (int(word) for word in [*sys.argv[1:], "3000", "20000"][:2])
    for _name, _seconds in measure(_rules, _events).items():
        sys.stdout.write(f"{_name}: {_seconds:.2f} s\n")
