"""macOS programs written byte by byte: each finding where it is, and where it is not."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence

import lief
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazaretto.analysis.behaviours import default_folder
from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.engines.macho import ENGINE
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.identify import identify
from lazaretto.testing.looked import look
from lazaretto.testing.windows_files import pe

lief.logging.disable()
NOISE = random.Random(7).randbytes(256 << 10)
READ, WRITE, EXECUTE = 1, 2, 4
SYSTEM = ("/usr/lib/libSystem.B.dylib",)


def macho(
    code: bytes = b"\xc3" * 64,
    *,
    protection: int = READ | EXECUTE,
    libraries: Sequence[str] = SYSTEM,
    paths: Sequence[str] = (),
    imports: Sequence[str] = (),
    entry: int = 0x2000,
    encrypted: int = 0,
    environment: str = "",
    data: bytes = b"",
) -> bytes:
    """A 64-bit program for x86: __TEXT with the headers and the code, __DATA, and __LINKEDIT with undefined names."""
    at, base = 0x2000, 0x100000000
    text_size = at + (-(-len(code) // 0x1000) * 0x1000)
    data_size = -(-max(len(data), 1) // 0x1000) * 0x1000
    names = b"\0" + b"".join(name.encode() + b"\0" for name in imports)
    symbols, place = b"", 1
    for name in imports:
        symbols += struct.pack("<IBBHQ", place, 1, 0, 0x100, 0)
        place += len(name) + 1
    linked = text_size + data_size
    commands = [
        segment("__TEXT", base, text_size, 0, text_size, protection),
        segment("__DATA", base + text_size, data_size, text_size, data_size, READ | WRITE),
        segment("__LINKEDIT", base + linked, 0x1000, linked, len(symbols) + len(names), READ),
        struct.pack("<IIIIII", 2, 24, linked, len(imports), linked + len(symbols), len(names)),
        struct.pack("<IIQQ", 0x80000028, 24, entry, 0),
        *(word(0xC, library, struct.pack("<III", 0, 0, 0)) for library in libraries),
        *(word(0x8000001C, path) for path in paths),
    ]
    if encrypted:
        commands.append(struct.pack("<IIIIII", 0x2C, 24, 0x2000, encrypted, 1, 0))
    if environment:
        commands.append(word(0x27, environment))
    head = struct.pack("<IIIIIIII", 0xFEEDFACF, 0x01000007, 3, 2, len(commands), sum(map(len, commands)), 0x85, 0)
    whole = (head + b"".join(commands)).ljust(at, b"\0") + code.ljust(text_size - at, b"\0")
    return whole + data.ljust(data_size, b"\0") + symbols + names


def segment(name: str, address: int, memory: int, place: int, size: int, protection: int) -> bytes:
    return struct.pack("<II16sQQQQIIII", 0x19, 72, name.encode(), address, memory, place, size, 7, protection, 0, 0)


def word(command: int, text: str, more: bytes = b"") -> bytes:
    content = more + text.encode() + b"\0"
    content += bytes(-len(content) % 8 + 4)
    size = 12 + len(content)
    size += -size % 8
    return (struct.pack("<III", command, size, 12 + len(more)) + content).ljust(size, b"\0")


def universal(*programs: tuple[int, bytes]) -> bytes:
    out, rows, at = b"", b"", 0x1000
    for processor, program in programs:
        rows += struct.pack(">IIIII", processor, 3, at + len(out), len(program), 12)
        out += program + bytes(-len(program) % 0x1000)
    return (struct.pack(">II", 0xCAFEBABE, len(programs)) + rows).ljust(at, b"\0") + out


def masked(data: bytes, key: bytes) -> bytes:
    return bytes(byte ^ key[place % len(key)] for place, byte in enumerate(data))


CASES: dict[str, tuple[bytes, bytes]] = {
    "macho-packed": (macho(NOISE), macho(b"\xc3" * len(NOISE))),
    "macho-writable-code": (macho(protection=7), macho()),
    "macho-encrypted": (macho(encrypted=0x1000), macho()),
    "macho-entry-outside-code": (macho(entry=0x3000), macho()),
    "macho-library-anyone-can-replace": (macho(libraries=[*SYSTEM, "/tmp/a.dylib"]), macho(paths=["/opt/a"])),
    "macho-loader-told-otherwise": (macho(environment="DYLD_INSERT_LIBRARIES=/a"), macho()),
    "macho-hides-program": (macho(data=masked(pe(), b"\x31")), macho(data=masked(NOISE, b"\x31"))),
    "macho-can-injection": (
        macho(imports=["_task_for_pid", "_mach_vm_write", "_thread_create_running"]),
        macho(imports=["_task_for_pid", "_mach_vm_write"]),
    ),
    "macho-can-keys": (macho(imports=["_CGEventTapCreate", "_fwrite"]), macho(imports=["_CGEventTapCreate"])),
    "macho-can-passwords": (
        macho(imports=["_SecKeychainFindGenericPassword", "_system"]),
        macho(imports=["_SecKeychainFindGenericPassword"]),
    ),
    "macho-can-runs-from-memory": (
        macho(imports=["_NSCreateObjectFileImageFromMemory", "_NSLinkModule"]), macho(imports=["_NSLinkModule"]),
    ),
    "macho-can-refuses-debuggers": (macho(imports=["_ptrace", "_sysctl"]), macho(imports=["_sysctl"])),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_there_is_found_and_nothing_else(name: str) -> None:
    there, not_there = CASES[name]
    assert name in look(ENGINE, there).findings
    assert name not in look(ENGINE, not_there).findings


def test_every_finding_has_a_case_and_a_meaning() -> None:
    assert {name for name in load_meanings(default_folder()).by_id if name.startswith("macho-")} == CASES.keys()


def test_an_ordinary_program_shows_nothing_but_facts() -> None:
    seen = look(ENGINE, macho(imports=["_printf"]))
    assert seen.findings == {}
    assert seen.facts["processor"] == "x86_64"
    assert seen.facts["libraries"] == SYSTEM
    assert seen.facts["signature"] == "none in the file"


def test_programs_of_a_universal_file_are_files_of_their_own() -> None:
    one, other = macho(), macho(protection=7)
    seen = look(ENGINE, universal((0x01000007, one), (0x0100000C, other)))
    assert {name: member.data for name, member in seen.members.items()} == {"x86-64": one, "arm64": other}
    cut = look(ENGINE, universal((0x01000007, one), (0x0100000C, other))[:-0x2000])
    assert cut.members["arm64"].closed


@given(st.integers(0, 2**32), st.integers(1, 24))
@settings(max_examples=150, deadline=None)
def test_damaged_files_end_in_outputs(seed: int, changes: int) -> None:
    source = random.Random(seed)
    data = bytearray(macho(imports=["_ptrace"], paths=["/a"], environment="A=b"))
    for _ in range(changes):
        place = source.randrange(0x300) if source.random() < 0.8 else source.randrange(len(data))
        data[place] = source.choice([0, 0xFF, 0x7F, source.randrange(256)])
    if source.random() < 0.3:
        del data[source.randrange(len(data)) :]
    look(ENGINE, bytes(data))


def test_it_runs_in_the_cage() -> None:
    data = macho(protection=7, imports=["_ptrace", "_sysctl"])
    with Cage(at_once=1) as cage, sheet(data) as fd:
        done = cage.run(ENGINE, fd, name="a", kind=identify(data, "a"))
    assert done.failed == "", done.detail
    assert list(done.outputs) == look(ENGINE, data, "a").outputs


@pytest.mark.slow
def test_in_the_cage_it_says_the_same_of_every_case() -> None:
    with Cage(at_once=1) as cage:
        for name, data in [("a", there) for there, _ in CASES.values()]:
            with sheet(data) as fd:
                done = cage.run(ENGINE, fd, name=name, kind=identify(data, name))
            assert done.failed == "", (name, done.detail)
            assert list(done.outputs) == look(ENGINE, data, name).outputs
