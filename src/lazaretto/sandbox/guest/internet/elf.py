"""Static ELF programs that sleep a second (where that is short to say) and end with 0, for many processors. Pure.

By hand instead of by compilers: no cross compiler is needed, and a handful of instructions is all there is. Each is
one loadable segment with the ELF header at its start (System V ABI, generic and per-processor supplements).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Target:
    """A processor: e_machine, word size in bits, byte order as for struct, e_flags, and the instructions."""

    machine: int
    bits: int
    order: str
    flags: int
    code: bytes


def _words(order: str, *words: int) -> bytes:
    return struct.pack(f"{order}{len(words)}I", *words)


TARGETS = {
    # nanosleep({1, 0}, NULL); exit(0)
    "recorder.elf": Target(
        machine=62, bits=64, order="<", flags=0,
        code=bytes.fromhex("6a00 6a01 4889e7 31f6 b823000000 0f05 31ff b83c000000 0f05"),
    ),
    "recorder32.elf": Target(
        machine=3, bits=32, order="<", flags=0,
        code=bytes.fromhex("6a00 6a01 89e3 31c9 b8a2000000 cd80 31db b801000000 cd80"),
    ),
    # exit(0)
    "recorder-arm.elf": Target(
        machine=40, bits=32, order="<", flags=0x05000000, code=_words("<", 0xE3A00000, 0xE3A07001, 0xEF000000)
    ),
    "recorder-aarch64.elf": Target(
        machine=183, bits=64, order="<", flags=0, code=_words("<", 0xD2800000, 0xD2800BA8, 0xD4000001)
    ),
    "recorder-mips.elf": Target(
        machine=8, bits=32, order=">", flags=0x50001000, code=_words(">", 0x24040000, 0x24020FA1, 0x0000000C)
    ),
    "recorder-mipsel.elf": Target(
        machine=8, bits=32, order="<", flags=0x50001000, code=_words("<", 0x24040000, 0x24020FA1, 0x0000000C)
    ),
    "recorder-ppc.elf": Target(
        machine=20, bits=32, order=">", flags=0, code=_words(">", 0x38000001, 0x38600000, 0x44000002)
    ),
}  # fmt: skip


def program(target: Target) -> bytes:
    """The whole file."""
    wide, order = target.bits == 64, target.order
    header_size, segment_size = (64, 56) if wide else (52, 32)
    base, start = 0x400000, header_size + segment_size
    size = start + len(target.code)
    ident = b"\x7fELF" + bytes((2 if wide else 1, 1 if order == "<" else 2, 1)) + bytes(9)
    word = "Q" if wide else "I"
    header = ident + struct.pack(
        f"{order}HHI{word}{word}{word}IHHHHHH",
        2, target.machine, 1, base + start, header_size, 0, target.flags, header_size, segment_size, 1, 0, 0, 0,
    )  # fmt: skip
    load, readable_executable, page = 1, 5, 0x10000
    if wide:
        segment = struct.pack(f"{order}IIQQQQQQ", load, readable_executable, 0, base, base, size, size, page)
    else:
        segment = struct.pack(f"{order}IIIIIIII", load, 0, base, base, size, size, readable_executable, page)
    return header + segment + target.code
