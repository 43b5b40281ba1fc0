"""The layout of an ELF file as the kernel reads it. System V ABI, "Object Files"."""

from __future__ import annotations

from dataclasses import dataclass

from lazaretto.analysis.programs.numbers import u16, u32, u64

MOST_SEGMENTS = 128
LOAD, DYNAMIC, INTERPRETER, NOTE, STACK = 1, 2, 3, 4, 0x6474E551
EXECUTE, WRITE, READ = 1, 2, 4
RELOCATABLE, PROGRAM, SHARED, CORE = 1, 2, 3, 4


@dataclass(frozen=True)
class Segment:
    """Offsets and sizes in bytes."""

    kind: int
    flags: int
    offset: int
    address: int
    size: int
    memory: int


@dataclass(frozen=True)
class ElfLayout:
    """An ELF file that begins at the first byte."""

    wide: bool
    order: str
    kind: int
    machine: int
    entry: int
    section_table: int
    section_size: int
    sections: int
    segments: tuple[Segment, ...]

    @property
    def loads(self) -> tuple[Segment, ...]:
        return tuple(one for one in self.segments if one.kind == LOAD)

    def has(self, kind: int) -> bool:
        return any(one.kind == kind for one in self.segments)

    def end(self) -> int:
        """Where the file ends by its own account."""
        table = self.section_table + self.section_size * self.sections if self.sections else 0
        return max([table, *(one.offset + one.size for one in self.segments)], default=0)

    def segment_of(self, address: int) -> Segment | None:
        return next((one for one in self.loads if one.address <= address < one.address + one.memory), None)


def elf_layout(data: bytes, at: int = 0) -> ElfLayout | None:
    """The layout of the ELF file that begins at `at`; None if none does."""
    if (
        data[at : at + 4] != b"\x7fELF"
        or at + 52 > len(data)
        or data[at + 4] not in {1, 2}
        or data[at + 5] not in {1, 2}
    ):
        return None
    order = "<" if data[at + 5] == 1 else ">"
    wide = data[at + 4] == 2
    word = u64 if wide else u32
    step = 8 if wide else 4
    tail = at + 24 + 3 * step + 4  # behind entry, two tables and flags
    entry, programs, sections = (word(data, at + 24 + step * number, order) for number in range(3))
    size, count = u16(data, tail + 2, order), u16(data, tail + 4, order)
    return ElfLayout(
        wide=wide,
        order=order,
        kind=u16(data, at + 16, order),
        machine=u16(data, at + 18, order),
        entry=entry,
        section_table=sections,
        section_size=u16(data, tail + 6, order),
        sections=u16(data, tail + 8, order),
        segments=tuple(_segments(data, at, table=programs, size=size, count=count, order=order, wide=wide)),
    )


def _segments(data: bytes, base: int, *, table: int, size: int, count: int, order: str, wide: bool) -> list[Segment]:
    found = []
    least = 56 if wide else 32
    for number in range(min(count, MOST_SEGMENTS)):
        at = base + table + number * size
        if size < least or at + size > len(data):
            break
        if wide:
            numbers = [u64(data, at + 8 + 8 * place, order) for place in range(5)]
            offset, address, _, length, memory = numbers
            flags = u32(data, at + 4, order)
        else:
            offset, address, _, length, memory, flags = (u32(data, at + 4 + 4 * place, order) for place in range(6))
        found.append(Segment(u32(data, at, order), flags, offset, address, length, memory))
    return found


def elf_extent(data: bytes, at: int) -> int:
    """How many bytes from `at` belong to the ELF file that begins there; 0 if none does or it says it is longer."""
    found = elf_layout(data, at)
    if found is None or found.kind not in {RELOCATABLE, PROGRAM, SHARED} or not (found.segments or found.sections):
        return 0
    end = found.end()
    return end if 52 <= end <= len(data) - at else 0
