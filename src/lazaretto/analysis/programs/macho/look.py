"""Facts and findings of one Mach-O program."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lazaretto.analysis.engine import Fact, Finding, Output, short
from lazaretto.analysis.programs.hidden import masked_programs, under_key
from lazaretto.analysis.programs.macho.image import MachO
from lazaretto.analysis.programs.measure import PACKED, entropy
from lazaretto.analysis.programs.origin import languages
from lazaretto.analysis.programs.parsed import label, number, text

MOST_SHOWN = 40
LARGE_CODE = 16 << 10
_WRITE, _EXECUTE = 2, 4
_WRITABLE = re.compile(r"^(?:/tmp|/private/tmp|/var/tmp|/private/var/tmp|/Users/Shared)/")

# Sets of calls that together have a meaning; of each group one must be there.
_CAN: tuple[tuple[str, tuple[frozenset[str], ...]], ...] = (
    ("injection", (frozenset({"task_for_pid"}), frozenset({"mach_vm_write", "vm_write"}),
                   frozenset({"thread_create_running", "thread_create"}))),
    ("keys", (frozenset({"CGEventTapCreate"}), frozenset({"fwrite", "write", "NSFileHandle", "send"}))),
    ("passwords", (frozenset({"SecKeychainItemCopyContent", "SecKeychainFindGenericPassword"}),
                   frozenset({"popen", "system", "connect", "curl_easy_perform"}))),
    ("runs-from-memory", (frozenset({"NSCreateObjectFileImageFromMemory"}), frozenset({"NSLinkModule"}))),
    ("refuses-debuggers", (frozenset({"ptrace"}), frozenset({"sysctl"}))),
)  # fmt: skip


def look(program: MachO) -> Iterator[Output]:
    yield from _segments(program)
    yield from _loading(program)
    names = {name.lstrip("_") for name in program.imports}
    for finding, groups in _CAN:
        used = [sorted(group & names) for group in groups]
        if all(used):
            yield Finding(id=f"macho-can-{finding}", detail=", ".join(group[0] for group in used))
    yield from _hidden(program)
    yield from _facts(program)


def _segments(program: MachO) -> Iterator[Output]:
    parsed = program.parsed
    for segment, _ in zip(parsed.segments, range(256), strict=False):
        protection = number(segment, "init_protection")
        if protection & _WRITE and protection & _EXECUTE:
            yield Finding(id="macho-writable-code", detail=short(text(segment, "name"), 40))
        data = program.data[segment.file_offset : segment.file_offset + segment.file_size]
        if protection & _EXECUTE and len(data) >= LARGE_CODE and (bits := entropy(data)) >= PACKED:
            yield Finding(
                id="macho-packed", detail=f"{text(segment, 'name')}: {len(data):,} bytes, {bits:.1f} bits a byte"
            )
    if parsed.has_encryption_info and parsed.encryption_info.crypt_id:
        yield Finding(id="macho-encrypted", detail=f"{parsed.encryption_info.crypt_size:,} bytes")
    # a main program that LC_MAIN does not start may be started by a thread's registers, as packers do
    if parsed.has_entrypoint and not _in_code(program):
        yield Finding(id="macho-entry-outside-code")


def _in_code(program: MachO) -> bool:
    address = int(program.parsed.entrypoint)
    for segment, _ in zip(program.parsed.segments, range(256), strict=False):
        inside = segment.virtual_address <= address < segment.virtual_address + segment.virtual_size
        if inside and number(segment, "init_protection") & _EXECUTE:
            return True
    return False


def _loading(program: MachO) -> Iterator[Output]:
    for path in (*program.libraries, *program.paths):
        if _WRITABLE.match(path):
            yield Finding(id="macho-library-anyone-can-replace", detail=short(path))
    if program.parsed.has_dyld_environment:
        yield Finding(id="macho-loader-told-otherwise", detail=short(text(program.parsed.dyld_environment, "value")))


def _hidden(program: MachO) -> Iterator[Output]:
    data = program.data
    ends = [segment.file_offset for segment, _ in zip(program.parsed.segments, range(256), strict=False)]
    pieces = [found for at in ends if 0 < at < len(data) and (found := under_key(data[at:]))]
    for hidden in (*masked_programs(data), *pieces):
        yield Finding(id="macho-hides-program", detail=f"{len(hidden.data):,} bytes, key {hidden.key.hex()}")


def _facts(program: MachO) -> Iterator[Output]:
    parsed = program.parsed
    yield Fact(name="processor", value=label(parsed.header, "cpu_type"))
    yield Fact(name="kind", value=label(parsed.header, "file_type"))
    signed = parsed.has_code_signature and parsed.code_signature.data_size > 0
    yield Fact(name="signature", value="there, not checked" if signed else "none in the file")
    if made := languages(program.data):
        yield Fact(name="made with", value=made)
    if program.libraries:
        yield Fact(name="libraries", value=tuple(short(path, 120) for path in program.libraries[:MOST_SHOWN]))
    if program.paths:
        yield Fact(name="library path", value=tuple(short(path, 120) for path in program.paths[:MOST_SHOWN]))
    if parsed.has_uuid:
        yield Fact(name="UUID", value=bytes(parsed.uuid.uuid).hex())
