"""PE, ELF, Mach-O and other code for machines.

Formats: Microsoft "PE Format"; System V ABI, "Object Files"; Apple's `mach-o/loader.h`. Only fixed headers are read,
every offset is checked against the length.
"""

from __future__ import annotations

from lazaretto.analysis.formats.installers import carried
from lazaretto.analysis.formats.types import FileType, of
from lazaretto.analysis.programs.numbers import u16, u32, u64

_PE_MACHINES = {
    0x14C: "i386", 0x8664: "x86-64", 0x1C0: "arm", 0x1C2: "arm", 0x1C4: "arm", 0xAA64: "aarch64", 0xA641: "aarch64",
    0xA64E: "aarch64", 0x200: "ia64", 0x184: "alpha", 0x284: "alpha", 0x166: "mips", 0x169: "mips", 0x266: "mips",
    0x1A2: "sh3", 0x1A6: "sh4", 0x1F0: "ppc", 0x1F1: "ppc", 0xEBC: "efi-bytecode", 0x5032: "riscv32", 0x5064: "riscv64",
    0x6232: "loongarch32", 0x6264: "loongarch64",
}  # fmt: skip
_RUNNABLE_PE = {"i386", "x86-64"}

# e_machine, and the name that qemu-user and Linux use for (little, big) endian.
_ELF_MACHINES: dict[int, tuple[str, str]] = {
    2: ("sparc", "sparc"),
    3: ("i386", "i386"),
    4: ("m68k", "m68k"),
    8: ("mipsel", "mips"),
    10: ("mipsel", "mips"),
    15: ("hppa", "hppa"),
    18: ("sparc", "sparc32plus"),
    20: ("ppc", "ppc"),
    21: ("ppc64le", "ppc64"),
    22: ("s390x", "s390x"),
    40: ("arm", "armeb"),
    42: ("sh4", "sh4eb"),
    43: ("sparc64", "sparc64"),
    50: ("ia64", "ia64"),
    62: ("x86-64", "x86-64"),
    76: ("cris", "cris"),
    83: ("avr", "avr"),
    92: ("or1k", "or1k"),
    93: ("arc", "arceb"),
    94: ("xtensa", "xtensaeb"),
    105: ("msp430", "msp430"),
    113: ("nios2", "nios2"),
    164: ("hexagon", "hexagon"),
    183: ("aarch64", "aarch64_be"),
    189: ("microblazeel", "microblaze"),
    191: ("tilegx", "tilegx"),
    195: ("arc", "arceb"),
    243: ("riscv", "riscv"),
    247: ("bpf", "bpf"),
    252: ("csky", "csky"),
    258: ("loongarch64", "loongarch64"),
    0x9026: ("alpha", "alpha"),
}
_NATIVE_ELF = {"i386", "x86-64"}
_MACH_CPUS = {7: "i386", 12: "arm", 18: "ppc", 0x1000007: "x86-64", 0x100000C: "aarch64", 0x1000012: "ppc64"}
_MACH_KINDS = {1: "object", 2: "program", 6: "library", 8: "bundle", 11: "kernel-extension"}
_MACH_O = {b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"}


def program(data: bytes) -> FileType | None:  # noqa: PLR0911 (one return a format reads best)
    """The type of a program file, or None."""
    if data[:2] in {b"MZ", b"ZM"}:
        return _dos(data)
    if data[:4] == b"\x7fELF":
        return _elf(data)
    if data[:4] in _MACH_O:
        return _mach_o(data)
    if data[:4] == b"\xca\xfe\xba\xbe" and len(data) >= 8:
        # A fat Mach-O and a Java class have the same magic; a class has its version (45 and up) where the other counts.
        return of("mach-o", "universal") if u32(data, 4, ">") < 20 else of("java-class")
    if data[:4] == b"\0asm":
        return of("wasm")
    if data[:4] in {b"dex\n", b"cdex"}:
        return of("dex")
    return _coff(data)


def _mach_o(data: bytes) -> FileType:
    order = ">" if data[:1] == b"\xfe" else "<"
    kind = _MACH_KINDS.get(u32(data, 12, order), "")
    machine = _MACH_CPUS.get(u32(data, 4, order), "")
    return of("mach-o", *((kind,) if kind else ()), machine=machine)


def _coff(data: bytes) -> FileType | None:
    """An object file of Windows. It has no mark, so everything in its header must be right."""
    machine = u16(data, 0)
    if machine not in {0x14C, 0x8664, 0xAA64, 0x1C4} or len(data) < 60:
        return None
    sections, symbols, optional = u16(data, 2), u32(data, 8), u16(data, 16)
    first = data[20:28].rstrip(b"\0")
    named = first[:1] in b"./_" and first.isascii() and len(first) > 1
    right = 0 < sections < 4096 and not optional and symbols <= len(data) and 20 + 40 * sections <= len(data)
    return of("coff-object", machine=_PE_MACHINES[machine]) if right and named else None


def _dos(data: bytes) -> FileType:
    if len(data) < 0x40:
        return of("dos-exe", "truncated")
    offset = u32(data, 0x3C)
    magic = data[offset : offset + 4] if offset < len(data) else b""
    if magic == b"PE\0\0":
        return _pe(data, offset)
    return of("dos-exe", *(("16-bit",) if magic[:2] in {b"NE", b"LE", b"LX"} else ()))


def _pe(data: bytes, offset: int) -> FileType:
    if offset + 24 + 2 > len(data):
        return of("dos-exe", "truncated")
    machine = _PE_MACHINES.get(u16(data, offset + 4), "other")
    library = bool(u16(data, offset + 22) & 0x2000)
    optional = offset + 24
    wide = u16(data, optional) == 0x20B
    traits = ["64-bit" if wide else "32-bit"]
    subsystem = u16(data, optional + 68)
    if subsystem in {2, 3}:
        traits.append("gui" if subsystem == 2 else "console")
    if subsystem in {10, 11, 12, 13}:
        return of("pe-efi", *traits, machine=machine)
    directories = optional + (112 if wide else 96)
    managed = u32(data, directories - 4) > 14 and u32(data, directories + 14 * 8) != 0
    if library:
        traits.append("library")
    traits += carried(data, offset)
    if managed:
        return of("pe-dotnet", *traits, machine=machine)
    if machine not in _RUNNABLE_PE:
        return of("pe-foreign", *traits, machine=machine)
    if subsystem == 1:
        return of("pe-driver", *traits, "native", machine=machine)
    return of("pe-dll" if library else "pe-exe", *traits, machine=machine)


def _elf(data: bytes) -> FileType:
    if len(data) < 52 or data[4] not in {1, 2} or data[5] not in {1, 2}:
        return of("elf-object", "truncated")
    order = "<" if data[5] == 1 else ">"
    wide = data[4] == 2
    kind, number = u16(data, 16, order), u16(data, 18, order)
    machine = _elf_machine(number, wide=wide, big=order == ">")
    traits = ["64-bit" if wide else "32-bit"]
    if kind == 1:
        return of("elf-object", *traits, machine=machine)
    if kind == 4:
        return of("elf-core", *traits, machine=machine)
    segments = _elf_segments(data, order, wide=wide)
    traits.append("dynamic" if 3 in segments else "static")
    if kind == 3 and 3 not in segments and not _elf_pie(data, order, segments.get(2), wide=wide):
        return of("elf-so", traits[0], machine=machine)
    return of("elf-exe" if machine in _NATIVE_ELF else "elf-foreign", *traits, machine=machine)


def _elf_machine(number: int, *, wide: bool, big: bool) -> str:
    names = _ELF_MACHINES.get(number)
    if names is None:
        return f"machine-{number}"
    name = names[1 if big else 0]
    if name.startswith("mips") and wide:
        return name.replace("mips", "mips64")
    return f"riscv{64 if wide else 32}" if name == "riscv" else name


def _elf_segments(data: bytes, order: str, *, wide: bool) -> dict[int, tuple[int, int]]:
    """File offset and size of the first segment of each type, of at most 64 program headers."""
    if wide:
        start, size, count = u64(data, 32, order), u16(data, 54, order), u16(data, 56, order)
    else:
        start, size, count = u32(data, 28, order), u16(data, 42, order), u16(data, 44, order)
    segments: dict[int, tuple[int, int]] = {}
    for place in range(min(count, 64)):
        at = start + place * size
        if size == 0 or at + size > len(data):
            break
        if wide:
            found = (u64(data, at + 8, order), u64(data, at + 32, order))
        else:
            found = (u32(data, at + 4, order), u32(data, at + 16, order))
        segments.setdefault(u32(data, at, order), found)
    return segments


def _elf_pie(data: bytes, order: str, dynamic: tuple[int, int] | None, *, wide: bool) -> bool:
    """Whether the dynamic section (at most 256 entries are read) has DF_1_PIE: a static program that can be moved."""
    if dynamic is None:
        return False
    offset, size = dynamic
    step = 16 if wide else 8
    read = u64 if wide else u32
    for place in range(min(size // step, 256)):
        tag = read(data, offset + place * step, order)
        if tag == 0x6FFFFFFB:
            return bool(read(data, offset + place * step + step // 2, order) & 0x08000000)
    return False
