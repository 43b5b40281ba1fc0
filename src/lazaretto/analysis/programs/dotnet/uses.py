"""What an assembly can do: functions of Windows that it calls, code that it loads, names that it looks up."""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Finding, Output
from lazaretto.analysis.programs.calls import WINDOWS, abilities, plain
from lazaretto.analysis.programs.dotnet.assembly import Assembly

LARGE = 2_500  # calls; in a larger assembly all come together by chance
_BYTES = b"\x1d\x05"  # a one-dimensional array of bytes, in a signature (II.23.2.12)
_LOADERS = frozenset({"System.Reflection.Assembly", "System.AppDomain"})
_FETCHES = frozenset({"DownloadData", "DownloadString", "DownloadDataTaskAsync", "DownloadStringTaskAsync",
                      "GetByteArrayAsync", "GetStringAsync", "GetResponseStream"})  # fmt: skip
_DECRYPTS = frozenset({"TransformFinalBlock", "CreateDecryptor"})
# What Windows and .NET use to see what runs: looked up by name, these functions are about to be changed.
_WATCHERS = (
    "AmsiScanBuffer",
    "AmsiScanString",
    "AmsiOpenSession",
    "EtwEventWrite",
    "EtwEventWriteFull",
    "NtTraceEvent",
)
_LOOKS_UP = frozenset({"getprocaddress", "ldrgetprocedureaddress", "getexport"})
_UNLOCKS = frozenset({"virtualprotect", "virtualprotectex", "ntprotectvirtualmemory", "writeprocessmemory"})
_ROOM = frozenset({"virtualalloc", "virtualprotect", "ntallocatevirtualmemory", "heapcreate", "mapviewoffile"})
_RUNS = frozenset(
    {"createthread", "enumwindows", "callwindowproc", "createfiber", "enumsystemlocales", "ntcreatethreadex"}
)


def uses(assembly: Assembly) -> Iterator[Output]:
    invoked = [function for _, function in assembly.invoked]
    for finding, calls in abilities(invoked, WINDOWS):
        yield Finding(id=f"dotnet-can-{finding}", detail=", ".join(calls))
    yield from _raw_code(assembly, {plain(name) for name in invoked})
    yield from _watchers(assembly, {plain(name) for name in invoked})
    yield from _loads(assembly)


def _raw_code(assembly: Assembly, invoked: set[str]) -> Iterator[Output]:
    delegates = any(call.name == "GetDelegateForFunctionPointer" for call in assembly.calls)
    room, runs = sorted(invoked & _ROOM), sorted(invoked & _RUNS)
    copies = any(
        call.type == "System.Runtime.InteropServices.Marshal" and call.name == "Copy" for call in assembly.calls
    )
    if room and copies and (runs or delegates):
        yield Finding(id="dotnet-can-run-raw-code", detail=", ".join([*room, *(runs or ["delegates"])]))


def _watchers(assembly: Assembly, invoked: set[str]) -> Iterator[Output]:
    if not invoked & _UNLOCKS or not invoked & _LOOKS_UP:
        return
    named = {name for text in assembly.meta.texts() if len(text) < 64 for name in _WATCHERS if name in text}
    if named:
        yield Finding(id="dotnet-silences-watchers", detail=", ".join(sorted(named)))


def _loads(assembly: Assembly) -> Iterator[Output]:
    """Assemblies that are loaded from bytes, and where the bytes may come from."""
    loads = [
        call for call in assembly.calls if call.name == "Load" and call.type in _LOADERS and _BYTES in call.signature
    ]
    if not loads:
        return
    names = {call.name for call in assembly.calls} if len(assembly.calls) <= LARGE else set()
    if fetched := sorted(names & _FETCHES):
        yield Finding(id="dotnet-loads-what-it-fetches", detail=", ".join(fetched))
    if decrypted := sorted(names & _DECRYPTS):
        yield Finding(id="dotnet-loads-what-it-decrypts", detail=", ".join(decrypted))
    if not fetched and not decrypted:
        yield Finding(id="dotnet-loads-from-memory")
