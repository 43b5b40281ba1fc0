"""Programs from memory become files again, and bytes of no kind are searched."""

from __future__ import annotations

import random

import lief

from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.engines import pe as pe_engine
from lazaretto.analysis.engines import raw
from lazaretto.analysis.identify import identify
from lazaretto.analysis.programs.pelayout import layout
from lazaretto.analysis.unpackers.mapped import ENGINE
from lazaretto.testing.looked import look
from lazaretto.testing.windows_files import CODE, Part, pe

lief.logging.disable()
IMPORTS = {"kernel32.dll": ["OpenProcess", "VirtualAllocEx", "WriteProcessMemory", "CreateRemoteThread"]}
PROGRAM = pe(parts=[Part(".text", bytes(range(200)) * 30, CODE)], imports=IMPORTS)
NOISE = random.Random(3).randbytes(20_000)


def in_memory(program: bytes) -> bytes:
    found = layout(program)
    assert found is not None
    image = bytearray(found.image_size)
    image[: found.headers] = program[: found.headers]
    for one in found.sections:
        image[one.address : one.address + one.size] = program[one.offset : one.offset + one.size]
    return bytes(image)


def test_a_program_from_memory_can_be_read_again() -> None:
    data = in_memory(PROGRAM)
    assert "pe-can-injection" not in look(pe_engine.ENGINE, data, "a").findings
    (part,) = look(ENGINE, data, "a").members.values()
    assert part.relation == "decoded"
    assert "pe-can-injection" in look(pe_engine.ENGINE, part.data, "a").findings
    assert look(ENGINE, part.data, "a").outputs == []


def test_a_file_is_left_alone() -> None:
    assert look(ENGINE, PROGRAM, "a.exe").outputs == []
    assert look(ENGINE, PROGRAM[:0x300], "a.exe").outputs == []


def test_programs_in_bytes_of_no_kind() -> None:
    assert look(raw.ENGINE, NOISE, "a.bin").findings == {}
    seen = look(raw.ENGINE, NOISE + PROGRAM, "a.bin")
    assert set(seen.findings) == {"raw-carries-program"}
    assert [one.data for one in seen.members.values()] == [PROGRAM]
    masked = bytes(byte ^ b"\x17\x99\x40"[place % 3] for place, byte in enumerate(PROGRAM))
    seen = look(raw.ENGINE, masked, "a.bin")
    assert set(seen.findings) == {"raw-hides-program"}
    assert [one.data for one in seen.members.values()] == [PROGRAM]
    seen = look(raw.ENGINE, NOISE + bytes(byte ^ 0x5A for byte in PROGRAM) + NOISE, "a.bin")
    assert set(seen.findings) == {"raw-hides-program"}
    assert [one.data for one in seen.members.values()] == [PROGRAM]


def test_they_run_in_the_cage() -> None:
    for engine, data in ((ENGINE, in_memory(PROGRAM)), (raw.ENGINE, NOISE + PROGRAM)):
        with Cage(at_once=1) as cage, sheet(data) as fd:
            done = cage.run(engine, fd, name="a", kind=identify(data, "a"))
        assert done.failed == "", done.detail
        assert list(done.outputs) == look(engine, data, "a").outputs
        assert done.outputs


def test_damaged_images_end_in_outputs() -> None:
    source = random.Random(9)
    whole = in_memory(PROGRAM)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(source.randrange(1, 20)):
            data[source.randrange(0x400)] = source.choice([0, 0xFF, source.randrange(256)])
        look(ENGINE, bytes(data), "a")
