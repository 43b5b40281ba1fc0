"""What a PE file asks its system for, and what it gives to others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lazaretto.analysis.engine import Finding, Output, short
from lazaretto.analysis.programs.calls import WINDOWS, abilities
from lazaretto.analysis.programs.pe.image import Image
from lazaretto.analysis.programs.windows import SYSTEM_LIBRARIES, stem

HIDES_IMPORTS = 8  # functions: with fewer nothing but a loader can be written
_SYSTEM = ("api-ms-", "ext-ms-", "kernel", "ntdll", "ucrtbase", "msvc")
_PROTECTS = {"VirtualProtect", "VirtualProtectEx", "WriteProcessMemory", "NtProtectVirtualMemory"}
_SCANNED_BY = ("AmsiScanBuffer", "AmsiScanString", "AmsiOpenSession")


def uses(image: Image) -> Iterator[Output]:
    names = {one.name for one in image.imports}
    for finding, calls in abilities(names, WINDOWS):
        yield Finding(id=f"pe-can-{finding}", detail=", ".join(calls))
    if not image.is_managed and image.parsed is not None and image.layout.entry:
        yield from _few(image, names)
    if names & _PROTECTS and not image.is_managed and "amsi.dll" not in image.libraries:
        yield from _scanner(image)
    yield from _proxy(image)


def _few(image: Image, names: set[str]) -> Iterator[Output]:
    own = not image.layout.is_library and not image.is_driver and not image.is_firmware
    if not names and own and image.layout.sections:
        yield Finding(id="pe-asks-for-nothing")
    loads = any(name.startswith(("LoadLibrary", "LdrLoadDll", "GetModuleHandle")) for name in names)
    if 0 < len(names) <= HIDES_IMPORTS and loads and names & {"GetProcAddress", "LdrGetProcedureAddress"}:
        yield Finding(id="pe-looks-calls-up", detail=", ".join(sorted(names)))


def _scanner(image: Image) -> Iterator[Output]:
    """Names of the scanning interface's functions, not asked for in the ordinary way, and means to change code."""
    for name in _SCANNED_BY:
        if name.encode() in image.data or name.encode("utf-16-le") in image.data:
            yield Finding(id="pe-names-script-scanner", detail=name)


def _proxy(image: Image) -> Iterator[Output]:
    """A library with the name of one of Windows' that hands nearly all calls on, but has code of its own."""
    own = stem(image.export_name or image.name)
    targets = Counter(there.rpartition(".")[0].lower() for _, there in image.exports if there)
    if own not in SYSTEM_LIBRARIES or len(image.exports) < 4 or not targets or not image.layout.entry:
        return
    target, count = max(targets.items(), key=lambda pair: pair[1])
    other = stem(target)
    system = other.startswith(_SYSTEM) or (other in SYSTEM_LIBRARIES and other != own)
    if count * 10 >= len(image.exports) * 7 and not system:
        yield Finding(id="pe-stands-in-for-library", detail=short(f"{own}: {count} functions handed on to {target}"))
