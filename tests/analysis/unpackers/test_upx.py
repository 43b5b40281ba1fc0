"""Packed programs, written as the packer would: what comes out is the program that went in."""

from __future__ import annotations

import random
from pathlib import Path

import lief
import pytest

from lazaretto.analysis.behaviours import default_folder
from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.engines import elf as elf_engine
from lazaretto.analysis.engines import pe as pe_engine
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.identify import identify
from lazaretto.analysis.programs.nrv import Damaged, nrv2b, nrv2d, nrv2e
from lazaretto.analysis.unpackers.upx import ENGINE, NAME
from lazaretto.testing.installers import nrv_literals, upx_elf, upx_pe
from lazaretto.testing.looked import look
from lazaretto.testing.programs import Programs
from lazaretto.testing.windows_files import CODE, Part, pe

lief.logging.disable()
TEXT = Part(".text", bytes(range(16)) * 512, CODE)
IMPORTS = {"kernel32.dll": ["OpenProcess", "VirtualAllocEx", "WriteProcessMemory", "CreateRemoteThread"],
           "user32.dll": ["MessageBoxA"]}  # fmt: skip
PLAIN = pe(parts=[TEXT, Part(".data", b"a text that was packed")])


class Bits:
    """A stream of 32-bit words of bits with bytes between, as the formats mix them."""

    def __init__(self) -> None:
        self.out, self.left, self.place, self.word = bytearray(), 0, 0, 0

    def bits(self, text: str) -> Bits:
        for digit in text:
            if not self.left:
                self.place, self.left, self.word = len(self.out), 32, 0
                self.out += bytes(4)
            self.left -= 1
            self.word |= int(digit) << self.left
            self.out[self.place : self.place + 4] = self.word.to_bytes(4, "little")
        return self

    def byte(self, value: int) -> Bits:
        self.out.append(value)
        return self


@pytest.mark.parametrize("later", [False, True])
def test_literals(later: bool) -> None:
    data = random.Random(1).randbytes(3_000)
    for unpack in (nrv2d, nrv2e) if later else (nrv2b,):
        assert unpack(nrv_literals(data, later=later), len(data)) == data


def test_copies() -> None:
    end = nrv_literals(b"", later=False)
    # "a", then from one byte back: a distance of one digit (1, stop) and its last byte, and a length
    run = Bits().bits("1").byte(ord("a")).bits("011").byte(0).bits("10")
    assert _closed(nrv2b, run, later=False) == b"aaaa"
    run = Bits().bits("1").byte(ord("a")).bits("011").byte(0).bits("0")
    assert _closed(nrv2d, run, later=True) == b"aaaa"
    run = Bits().bits("1").byte(ord("a")).bits("011").byte(0).bits("1")
    assert _closed(nrv2e, run, later=True) == b"aaaa"
    # the same distance again (2 in its one digit), and a long length: 1 0 1 and 0 1 1 after two zeros
    run = Bits().bits("1").byte(ord("a")).bits("1").byte(ord("b")).bits("011").byte(1).bits("010010011")
    assert _closed(nrv2b, run, later=False) == b"ab" + b"ab" + b"ababab"
    assert end


def _closed(unpack: object, run: Bits, *, later: bool) -> bytes:
    assert callable(unpack)
    digits = bin((1 << 24) + 2)[3:]
    run.bits("0")
    if later:
        value, steps = (1 << 24) + 2, []
        while True:
            last, value = value & 1, value >> 1
            steps.append(f"{last}" if value == 1 else f"0{value & 1}{last}")
            if value == 1:
                break
            value = (value >> 1) + 1
        run.bits("".join(reversed(steps)) + "1")
    else:
        run.bits("".join(digit + str(int(place == len(digits) - 1)) for place, digit in enumerate(digits)))
    found: bytes = unpack(bytes(run.byte(0xFF).out), 100)
    return found


@pytest.mark.parametrize("unpack", [nrv2b, nrv2d, nrv2e])
def test_damaged_streams_end(unpack: object) -> None:
    assert callable(unpack)
    source = random.Random(3)
    for _ in range(500):
        try:
            assert len(unpack(source.randbytes(source.randrange(400)), 5_000)) <= 5_000
        except Damaged:
            continue


@pytest.mark.parametrize("method", [2, 5, 8, 14])
def test_windows_programs(method: int) -> None:
    packed = upx_pe(PLAIN, IMPORTS, method=method)
    seen = look(ENGINE, packed, "a.exe")
    assert set(seen.findings) == {"upx-packed"}
    inner = seen.members[NAME]
    assert inner.relation == "decoded"
    assert b"a text that was packed" in inner.data
    assert TEXT.content in inner.data
    # what it asks for is known again, and the engine for such programs sees it
    assert "pe-can-injection" in look(pe_engine.ENGINE, inner.data, "a.exe").findings
    assert "pe-can-injection" not in look(pe_engine.ENGINE, packed, "a.exe").findings


def test_linux_programs(programs: Programs) -> None:
    whole = programs.freestanding(
        'void program(void){ say("a text that was packed"); quit(0); }', "x86-64"
    ).read_bytes()
    seen = look(ENGINE, upx_elf(whole))
    assert set(seen.findings) == {"upx-packed"}
    assert seen.members[NAME].data == whole
    assert look(elf_engine.ENGINE, seen.members[NAME].data).findings == {}


def test_what_lies_between_is_found_behind_the_packers_own_code(programs: Programs) -> None:
    whole = programs.freestanding("void program(void){ quit(0); }", "x86-64").read_bytes()
    assert look(ENGINE, upx_elf(whole, loader=b"\xcc" * 1_001)).members[NAME].data == whole
    cut = upx_elf(whole)[: -len(whole) // 40]
    inner = look(ENGINE, cut).members[NAME].data
    assert inner == whole or inner[60:62] == b"\0\0"


def test_marks_that_were_removed(programs: Programs) -> None:
    whole = programs.freestanding("void program(void){ quit(0); }", "x86-64").read_bytes()
    seen = look(ENGINE, upx_elf(whole, marked=False))
    assert set(seen.findings) == {"upx-packed", "upx-marks-removed"}
    assert seen.members[NAME].data == whole
    assert "upx-marks-removed" in look(ENGINE, upx_pe(PLAIN, IMPORTS, named=False), "a.exe").findings
    without = upx_pe(PLAIN, IMPORTS).replace(b"UPX!", b"abcd")
    seen = look(ENGINE, without, "a.exe")
    assert set(seen.findings) == {"upx-marks-removed"}
    assert seen.shortfalls


def test_what_is_not_packed_is_left_alone() -> None:
    assert look(ENGINE, PLAIN, "a.exe").outputs == []
    assert look(ENGINE, Path("/bin/true").read_bytes()).outputs == []
    assert {"upx-packed", "upx-marks-removed"} == {
        name for name in load_meanings(default_folder()).by_id if name.startswith("upx-")
    }


def test_damaged_files_end_in_outputs(programs: Programs) -> None:
    whole = programs.freestanding("void program(void){ quit(0); }", "x86-64").read_bytes()
    source = random.Random(5)
    for packed in (upx_pe(PLAIN, IMPORTS), upx_elf(whole)):
        for _ in range(100):
            data = bytearray(packed)
            for _ in range(source.randrange(1, 12)):
                data[source.randrange(len(data))] = source.choice([0, 0xFF, source.randrange(256)])
            look(ENGINE, bytes(data), "a.exe")


def test_it_runs_in_the_cage() -> None:
    data = upx_pe(PLAIN, IMPORTS)
    with Cage(at_once=1) as cage, sheet(data) as fd:
        done = cage.run(ENGINE, fd, name="a.exe", kind=identify(data, "a.exe"))
    assert done.failed == "", done.detail
    assert list(done.outputs) == look(ENGINE, data, "a.exe").outputs
