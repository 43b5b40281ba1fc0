"""Windows programs written byte by byte: for each finding one in which it is, and one like it in which it is not."""

from __future__ import annotations

import base64
import random
import struct
from datetime import timedelta
from functools import cache

import lief
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from lazaretto.analysis.behaviours import default_folder
from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.engine import Fact, Finding
from lazaretto.analysis.engines.pe import ENGINE
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.identify import identify
from lazaretto.testing.looked import look
from lazaretto.testing.signing import NOW, Signer, sign, signer
from lazaretto.testing.windows_files import CODE, DATA, Part, pe

lief.logging.disable()
NOISE = random.Random(7).randbytes(64 << 10)
PLAIN = {
    "kernel32.dll": [
        "ExitProcess", "GetStdHandle", "WriteFile", "CloseHandle", "CreateFileW", "ReadFile", "Sleep", "GetLastError",
        "HeapAlloc", "HeapFree", "GetProcessHeap", "lstrlenW", "GetCommandLineW",
    ],
}  # fmt: skip
TEXT = Part(".text", bytes(range(16)) * 512, CODE)


@cache
def own(name: str, **said: object) -> Signer:
    return signer(name, **said)  # type: ignore[arg-type]  # of any kind


def plain(**said: object) -> bytes:
    return pe(**{"imports": PLAIN, **said})  # type: ignore[arg-type]  # of any kind


def calls(*names: str) -> dict[str, list[str]]:
    return {"kernel32.dll": [*PLAIN["kernel32.dll"], *names]}


def masked(data: bytes, key: bytes) -> bytes:
    return bytes(byte ^ key[place % len(key)] for place, byte in enumerate(data))


def rich(key_off: int) -> bytes:
    """A program with a Rich header; its key is the checksum, or off by something."""
    data = bytearray(plain())
    moved = bytearray(data[:0x80])
    entries = [(0x00FF6B14, 3), (0x01046B14, 7)]
    total = 0x80
    for place in range(0x80):
        if not 0x3C <= place < 0x40:
            total += _turned(moved[place], place)
    for tool, count in entries:
        total += _turned(tool, count)
    key = (total + key_off) & 0xFFFFFFFF
    words = [0x536E6144 ^ key, key, key, key]
    for tool, count in entries:
        words += [tool ^ key, count ^ key]
    header = struct.pack(f"<{len(words)}I", *words) + b"Rich" + struct.pack("<I", key)
    struct.pack_into("<I", moved, 0x3C, 0x80 + len(header))
    # one zero page of headers more or less: cut what was padding
    rest = data[0x80:0x400]
    return bytes(moved) + header + bytes(rest[: 0x400 - 0x80 - len(header)]) + bytes(data[0x400:])


def _turned(value: int, by: int) -> int:
    return (value << (by & 31) | value >> (32 - (by & 31))) & 0xFFFFFFFF


def shortened(size: int) -> bytes:
    return plain(parts=[TEXT])[:-size]


def overlapping() -> bytes:
    """The second section lies at the address of the first one."""
    data = bytearray(plain(parts=[TEXT, Part("b", b"x")]))
    struct.pack_into("<I", data, 0x80 + 24 + 240 + 40 + 12, 0x1800)
    return bytes(data)


INJECT = ("OpenProcess", "VirtualAllocEx", "WriteProcessMemory", "CreateRemoteThread")
CASES: dict[str, tuple[bytes, bytes]] = {
    "pe-packed": (
        pe(parts=[Part(".text", NOISE, CODE)], imports={"kernel32.dll": ["LoadLibraryA", "GetProcAddress"]}),
        pe(parts=[TEXT], imports={"kernel32.dll": ["LoadLibraryA", "GetProcAddress"]}),
    ),
    "pe-disordered-code": (plain(parts=[TEXT, Part("x", NOISE, CODE)]), plain(parts=[TEXT, Part("x", NOISE, DATA)])),
    "pe-writable-code": (plain(parts=[Part(".text", b"\x90" * 64, 0xE0000020)]), plain()),
    "pe-room-for-code": (
        plain(parts=[Part("a", b"", 0xE0000080, 0x40000), TEXT]),
        plain(parts=[Part(".bss", b"", DATA, 0x40000), TEXT], entry=0x41000),
    ),
    "pe-odd-section-name": (plain(parts=[TEXT, Part("\x01\x02x", b"a")]), plain(parts=[TEXT, Part(".x$1", b"a")])),
    "pe-entry-outside-code": (plain(parts=[TEXT, Part(".data", b"\xc3")], entry=0x3000), plain()),
    "pe-callback-outside-code": (
        plain(parts=[TEXT, Part(".data", b"\xc3")], callbacks=[0x3000]), plain(callbacks=[0x1000]),
    ),
    "pe-incomplete": (shortened(0x200), shortened(0x1) + b"\0"),
    "pe-contradicting-headers": (overlapping(), plain(parts=[TEXT, Part("b", b"x")])),
    "pe-odd-time": (plain(stamp=86_400), plain()),
    "pe-forged-maker-mark": (rich(5), rich(0)),
    "pe-carries-program": (plain(overlay=b"header" + plain()), plain(overlay=b"header, no program" * 9)),
    "pe-hides-program": (
        plain(resources=[("10", "1", masked(plain(), b"k3y!longer"))]),
        plain(resources=[("10", "1", masked(TEXT.content, b"k3y!longer"))]),
    ),
    "pe-program-as-text": (
        plain(parts=[TEXT, Part(".data", b"x=" + base64.b64encode(plain()) + b"\0")]),
        plain(parts=[TEXT, Part(".data", b"x=" + base64.b64encode(NOISE) + b"\0")]),
    ),
    "pe-disordered-resource": (
        plain(resources=[("10", "1", NOISE)]), plain(resources=[("10", "1", b"\x89PNG\r\n\x1a\n" + NOISE)]),
    ),
    "pe-disordered-end": (plain(overlay=NOISE), plain(overlay=b"Rar!\x1a\x07\0" + NOISE)),
    "pe-signature-other-file": (sign(plain(), own("A"))[:0x410] + b"\x55" + sign(plain(), own("A"))[0x411:],
                                sign(plain(), own("A"))),
    "pe-signature-broken": (
        sign(plain(), Signer(own("Leaf", claims="Root").certificate, own("Leaf", claims="Root").key, own("Root"))),
        sign(plain(), own("Leaf2", above=own("Root"))),
    ),
    "pe-signature-of-false-maker": (
        sign(plain(), own("Adobe Inc.", organisation="Adobe Inc.")),
        sign(plain(), own("Adobe Inc.", organisation="Adobe Inc.", above=own("Root"))),
    ),
    "pe-signature-self-made": (sign(plain(), own("A")), sign(plain(), own("Leaf2", above=own("Root")))),
    "pe-signature-not-for-programs": (
        sign(plain(), own("web", use=ExtendedKeyUsageOID.SERVER_AUTH)), sign(plain(), own("A")),
    ),
    "pe-signature-out-of-time": (
        sign(plain(), own("A"), NOW + timedelta(days=9_000)), sign(plain(), own("A"), NOW),
    ),
    "pe-signed-by-another": (
        sign(plain(version={"CompanyName": "Google LLC"}), own("A")),
        sign(plain(version={"CompanyName": "A Ltd"}), own("A")),
    ),
    "pe-says-microsoft": (
        plain(version={"CompanyName": "Microsoft Corporation"}), plain(version={"CompanyName": "Micro Soft Farm"}),
    ),
    "pe-says-signing-maker": (
        plain(version={"CompanyName": "Adobe Inc."}), plain(version={"CompanyName": "Adobeville Council"}),
    ),
    "pe-asks-for-nothing": (pe(), plain()),
    "pe-looks-calls-up": (pe(imports={"kernel32.dll": ["LoadLibraryA", "GetProcAddress"]}), plain()),
    "pe-names-script-scanner": (
        plain(imports=calls("VirtualProtect"), parts=[TEXT, Part(".data", "AmsiScanBuffer".encode("utf-16-le"))]),
        pe(imports={**calls("VirtualProtect"), "amsi.dll": ["AmsiScanBuffer"]}, parts=[TEXT]),
    ),
    "pe-can-injection": (plain(imports=calls(*INJECT)), plain(imports=calls(*INJECT[:3]))),
    "pe-can-hollowing": (
        plain(imports=calls("CreateProcessW", "WriteProcessMemory", "SetThreadContext", "ResumeThread")),
        plain(imports=calls("CreateProcessW", "WriteProcessMemory", "ResumeThread")),
    ),
    "pe-can-keys": (
        plain(imports=calls("GetAsyncKeyState", "GetForegroundWindow", "GetWindowTextW")),
        plain(imports=calls("GetAsyncKeyState", "GetWindowTextW")),
    ),
    "pe-can-fetch-and-start": (
        plain(imports=calls("URLDownloadToFileW", "ShellExecuteW")), plain(imports=calls("ShellExecuteW")),
    ),
    "pe-can-passwords": (plain(imports=calls("CryptUnprotectData")), plain(imports=calls("CryptProtectData"))),
    "pe-can-memory-of-others": (
        plain(imports=calls("MiniDumpWriteDump", "OpenProcess", "AdjustTokenPrivileges")),
        plain(imports=calls("MiniDumpWriteDump", "OpenProcess")),
    ),
    "pe-can-debugger-checks": (
        plain(imports=calls("CheckRemoteDebuggerPresent", "IsDebuggerPresent", "GetTickCount")),
        plain(imports=calls("IsDebuggerPresent", "GetTickCount")),
    ),
    "pe-can-encrypt-files": (
        plain(imports=calls("CryptEncrypt", "FindFirstFileW", "MoveFileExW", "GetLogicalDrives")),
        plain(imports=calls("CryptEncrypt", "FindFirstFileW", "MoveFileExW")),
    ),
    "pe-can-processes-killed": (
        plain(imports=calls("CreateToolhelp32Snapshot", "TerminateProcess", "ControlService")),
        plain(imports=calls("CreateToolhelp32Snapshot", "TerminateProcess")),
    ),
}  # fmt: skip

EXPORTS = [(f"Get{number}", f"version_old.Get{number}") for number in range(8)]
NAMED: dict[str, tuple[tuple[str, bytes], tuple[str, bytes]]] = {
    "pe-name-looks-like-system": (("svch0st.exe", plain()), ("svchost.exe", plain())),
    "pe-name-of-system-program": (
        ("svchost.exe", plain()), ("svchost.exe", plain(version={"CompanyName": "Microsoft Corporation"})),
    ),
    "pe-renamed-tool": (
        ("invoice.exe", plain(version={"OriginalFilename": "Cmd.Exe"})),
        ("cmd.exe", plain(version={"OriginalFilename": "Cmd.Exe"})),
    ),
    "pe-other-name-inside": (
        ("setup.exe", plain(version={"OriginalFilename": "tool.exe"})),
        ("tool.exe", plain(version={"OriginalFilename": "Tool.exe"})),
    ),
    "pe-stands-in-for-library": (
        ("version.dll", plain(library=True, exports=EXPORTS, export_name="version.dll")),
        ("mine.dll", plain(library=True, exports=EXPORTS, export_name="mine.dll")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_there_is_found_and_nothing_else(name: str) -> None:
    there, not_there = CASES[name]
    assert name in look(ENGINE, there, "a.exe").findings
    assert name not in look(ENGINE, not_there, "a.exe").findings


@pytest.mark.parametrize("name", NAMED)
def test_names_are_held_against_contents(name: str) -> None:
    there, not_there = NAMED[name]
    assert name in look(ENGINE, there[1], there[0]).findings
    assert name not in look(ENGINE, not_there[1], not_there[0]).findings


def test_every_finding_has_a_case_and_a_meaning() -> None:
    known = {name for name in load_meanings(default_folder()).by_id if name.startswith("pe-")}
    assert known == CASES.keys() | NAMED.keys()


def test_an_ordinary_program_shows_nothing_but_facts() -> None:
    seen = look(ENGINE, plain(parts=[TEXT], version={"CompanyName": "A Ltd", "OriginalFilename": "a.exe"}), "a.exe")
    assert seen.findings == {}
    assert seen.shortfalls == []
    assert seen.facts["company"] == "A Ltd"
    assert seen.facts["signature"] == "none in the file"
    assert len(seen.facts["imphash"]) == 32
    assert seen.facts["libraries"] == ("kernel32.dll",)
    assert seen.facts["compiled"] == "2020-09-13T12:26:40+00:00"


def test_a_signature_tells_signer_and_chain() -> None:
    root = own("Root")
    signed = sign(plain(), own("Leaf2", above=root))
    seen = look(ENGINE, signed, "a.exe", {"roots": [root.pem]})
    assert seen.findings == {}
    assert "known here" in seen.facts["signature"]
    assert seen.facts["signer's chain"] == ("Leaf2", "Root")
    assert seen.facts["signed on"] == NOW.isoformat()
    assert "not known here" in look(ENGINE, signed, "a.exe").facts["signature"]


@pytest.mark.parametrize("key", [b"\x5a", b"ab", b"\0\x01\x02", b"sixteen bytes ok"])
def test_hidden_programs_come_out_as_they_were(key: bytes) -> None:
    inner = plain(version={"CompanyName": "inner"})
    seen = look(ENGINE, plain(overlay=masked(inner, key)), "a.exe")
    assert "pe-hides-program" in seen.findings
    assert [one.data for one in seen.members.values() if one.data] == [inner]


def test_programs_in_the_middle_are_cut_out_whole() -> None:
    inner, other = plain(library=True), plain(wide=False)
    seen = look(ENGINE, plain(resources=[("10", "1", b"....." + inner), ("X", "Y", other)]), "a.exe")
    assert sorted(one.data for one in seen.members.values()) == sorted([inner, other])
    assert {one.relation for one in seen.members.values()} == {"embedded"}


@given(st.integers(0, 2**32), st.integers(1, 24))
@settings(max_examples=150, deadline=None)
def test_damaged_files_end_in_outputs(seed: int, changes: int) -> None:
    source = random.Random(seed)
    data = bytearray(source.choice(DAMAGED))
    for _ in range(changes):
        place = source.randrange(min(len(data), 0x600)) if source.random() < 0.7 else source.randrange(len(data))
        data[place] = source.choice([0, 0xFF, 0x7F, source.randrange(256)])
    if source.random() < 0.3:
        del data[source.randrange(len(data)) :]
    look(ENGINE, bytes(data), "a.exe")


DAMAGED = [
    plain(resources=[("10", "1", NOISE[:500]), ("X", "Y", b"z" * 99)], version={"CompanyName": "A"}, callbacks=[0x1000],
          exports=EXPORTS, export_name="a.dll"),
    sign(plain(), own("A")),
    plain(wide=False, overlay=plain()),
]  # fmt: skip


@pytest.mark.parametrize("library", [False, True])
def test_it_runs_in_the_cage(library: bool) -> None:
    inner = [("10", "1", masked(plain(), b"abc"))]
    data = sign(plain(resources=inner, overlay=NOISE, library=library, exports=EXPORTS, export_name="version.dll",
                      version={"CompanyName": "A"}, callbacks=[0x3000]), own("A"))  # fmt: skip
    with Cage(at_once=1) as cage, sheet(data) as fd:
        done = cage.run(ENGINE, fd, name="a.exe", kind=identify(data, "a.exe"))
    assert done.failed == "", done.detail
    assert {"pe-hides-program", "pe-signature-self-made"} <= {
        one.id for one in done.outputs if isinstance(one, Finding)
    }
    assert look(ENGINE, data, "a.exe").outputs == list(done.outputs)
    assert any(isinstance(one, Fact) for one in done.outputs)


@pytest.mark.slow
def test_in_the_cage_it_says_the_same_of_every_case() -> None:
    with Cage(at_once=1) as cage:
        for name, data in [
            *(("a.exe", there) for there, _ in CASES.values()),
            *(there for there, _ in NAMED.values()),
            ("a.exe", rich(0)),
        ]:
            with sheet(data) as fd:
                done = cage.run(ENGINE, fd, name=name, kind=identify(data, name))
            assert done.failed == "", (name, done.detail)
            assert list(done.outputs) == look(ENGINE, data, name).outputs


def test_a_boot_loader_asks_windows_for_nothing_and_need_not() -> None:
    program = bytearray(pe())
    assert "pe-asks-for-nothing" in look(ENGINE, bytes(program), "a.exe").findings
    struct.pack_into("<H", program, 0x80 + 24 + 68, 10)
    assert "pe-asks-for-nothing" not in look(ENGINE, bytes(program), "a.efi").findings
