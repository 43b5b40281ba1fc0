"""Linux programs, written byte by byte or built from source: each finding where it is, and where it is not."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import lief
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazaretto.analysis.behaviours import default_folder
from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.engines.elf import ENGINE
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.identify import identify
from lazaretto.testing.linux_files import EXECUTE, INTERPRETER, READ, WRITE, Segment, elf
from lazaretto.testing.looked import look
from lazaretto.testing.programs import Programs
from lazaretto.testing.windows_files import pe

lief.logging.disable()
NOISE = random.Random(7).randbytes(64 << 10)
CODE = Segment(b"\xc3" * 64)
LOADER = Segment(b"/lib64/ld-linux-x86-64.so.2\0", READ, INTERPRETER)


def loader(path: str) -> Segment:
    return Segment(path.encode() + b"\0", READ, INTERPRETER)


def masked(data: bytes, key: bytes) -> bytes:
    return bytes(byte ^ key[place % len(key)] for place, byte in enumerate(data))


def with_sections_at(place: int) -> bytes:
    data = bytearray(elf())
    struct.pack_into("<Q", data, 40, place)
    return bytes(data)


LONG = elf([CODE, Segment(b"text " * 200, READ)])
PLACES = b"/etc/rc.local\0/etc/crontab\0/etc/init.d/x\0/root/.bashrc\0"
CASES: dict[str, tuple[bytes, bytes]] = {
    "elf-packed": (elf([Segment(NOISE)]), elf([Segment(NOISE, READ)])),
    "elf-no-sections": (elf(sections=False), elf()),
    "elf-contradicting-headers": (with_sections_at(1 << 40), elf()),
    "elf-incomplete": (elf([CODE, Segment(NOISE)])[:-5_000], elf([CODE, Segment(NOISE)])),
    "elf-writable-code": (
        elf([Segment(b"\xc3" * 64, READ | WRITE | EXECUTE)]), elf([CODE, Segment(b"a" * 64, READ | WRITE)]),
    ),
    "elf-entry-outside-code": (elf([Segment(b"\xc3" * 64, READ)]), elf()),
    "elf-odd-loader": (elf([CODE, loader("/srv/x/ld.so")]), elf([CODE, LOADER])),
    "elf-loader-anyone-can-replace": (elf([CODE, loader("/tmp/.x/ld.so")]), elf([CODE, LOADER])),
    "elf-carries-program": (elf([CODE, Segment(b"...." + elf(), READ)]), elf([CODE, Segment(b"\x7fELF\2\1\1", READ)])),
    "elf-carries-script": (
        elf([CODE, Segment(b"..#!/bin/sh\nid\nuname -a\necho some longer line of text\n\0..", READ)]),
        elf([CODE, Segment(b"..#!/bin/sh\nexec something that is a line of text\0..", READ)]),
    ),
    "elf-hides-program": (elf(overlay=masked(LONG, b"\x42\x17")), elf(overlay=masked(NOISE[:600], b"\x42\x17"))),
    "elf-disordered-end": (elf(overlay=NOISE), elf(overlay=b"hsqs" + NOISE)),
    "elf-names-start-places": (elf([CODE, Segment(PLACES, READ)]), elf([CODE, Segment(PLACES[:30], READ)])),
}  # fmt: skip

START = "int main(void){return 0;}"
STRUCT = "typedef unsigned long z; extern void *dlsym(void*, const char*);"
BUILT: dict[str, tuple[tuple[str, tuple[str, ...]], tuple[str, tuple[str, ...]]]] = {
    "elf-library-anyone-can-replace": ((START, ("-Wl,-rpath,/tmp/lib",)), (START, ("-Wl,-rpath,/opt/a/lib",))),
    "elf-stands-before-library": (
        (f'{STRUCT} void *readdir(void *d){{return dlsym((void*)-1,"readdir");}} int unlink(const char *p){{return 0;}}'
         + START, ("-shared", "-fPIC")),
        (f'{STRUCT} int unlink(const char *p){{return dlsym((void*)-1,"x") != 0;}}' + START, ("-shared", "-fPIC")),
    ),
    "elf-can-injection": (
        ("long ptrace(int,...);long process_vm_writev();int main(void){ptrace(0);return process_vm_writev();}", ()),
        ("long ptrace(int,...);int main(void){return ptrace(0);}", ()),
    ),
    "elf-can-runs-from-memory": (
        ("int memfd_create(); int fexecve(); int main(void){return fexecve(memfd_create());}", ()),
        ("int memfd_create(); int main(void){return memfd_create();}", ()),
    ),
    "elf-can-shell-over-network": (
        ("int socket(),connect(),dup2(),execl(); int main(void){socket();connect();dup2();return execl();}", ()),
        ("int socket(),connect(),execl(); int main(void){socket();connect();return execl();}", ()),
    ),
    "elf-can-shadow": (
        ("int getspnam(),connect(); int main(void){getspnam();return connect();}", ()),
        ("int getspnam(); int main(void){return getspnam();}", ()),
    ),
    "elf-can-root-shell": (
        ("int setuid(), setgid(), execl(); int main(void){setgid();setuid();return execl();}", ()),
        ("int setuid(), execl(); int main(void){setuid();return execl();}", ()),
    ),
    "elf-can-modules": (
        ("int init_module(); int main(void){return init_module();}", ()),
        ("int delete_module(); int main(void){return delete_module();}", ()),
    ),
}  # fmt: skip
BY_HAND = {"elf-entry-outside-sections", "elf-constructor-outside-code", "elf-module-changes-kernel", "elf-can-packets"}


def built(programs: Programs, source: str, flags: tuple[str, ...]) -> bytes:
    return programs.dynamic(source, *flags).read_bytes()


@pytest.mark.parametrize("name", CASES)
def test_what_is_there_is_found_and_nothing_else(name: str) -> None:
    there, not_there = CASES[name]
    assert name in look(ENGINE, there).findings
    assert name not in look(ENGINE, not_there).findings


@pytest.mark.parametrize("name", sorted(BUILT.keys() - BY_HAND))
def test_what_is_built_shows_what_it_can_do(name: str, programs: Programs) -> None:
    there, not_there = BUILT[name]
    assert name in look(ENGINE, built(programs, *there)).findings
    assert name not in look(ENGINE, built(programs, *not_there)).findings


def test_packet_capture_is_what_its_library_is_asked_for(programs: Programs) -> None:
    library = programs.dynamic("int pcap_open_live(){return 0;} int pcap_loop(){return 0;}", "-shared", "-fPIC",
                               name="libpcap.so")  # fmt: skip
    source = "int pcap_open_live(), pcap_loop(); int main(void){pcap_open_live(); return pcap_loop();}"
    assert "elf-can-packets" in look(ENGINE, built(programs, source, (f"-L{library.parent}", "-l:libpcap.so"))).findings
    assert "elf-can-packets" not in look(ENGINE, library.read_bytes()).findings


def test_code_that_was_added_to_a_finished_program(programs: Programs) -> None:
    data = bytearray(built(programs, START, ()))
    assert look(ENGINE, bytes(data)).findings == {}
    parsed = lief.ELF.parse(bytes(data))
    code = next(one for one in parsed.segments if int(one.flags.value) & 1 and one.type == lief.ELF.Segment.TYPE.LOAD)
    free = code.virtual_address + code.virtual_size - 1
    # the segment grows by a few bytes behind its last section, and the program begins there
    row = _row_of(data, code.file_offset)
    for offset in (32, 40):
        struct.pack_into("<Q", data, row + offset, struct.unpack_from("<Q", data, row + offset)[0] + 64)
    struct.pack_into("<Q", data, 24, free + 32)
    assert "elf-entry-outside-sections" in look(ENGINE, bytes(data)).findings


def _row_of(data: bytearray, offset: int) -> int:
    table, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    rows = [table + 56 * number for number in range(count)]
    return next(at for at in rows if struct.unpack_from("<IIQ", data, at)[::2] == (1, offset))


def test_constructors_are_followed(programs: Programs) -> None:
    normal = "__attribute__((constructor)) static void first(void){} " + START
    assert "elf-constructor-outside-code" not in look(ENGINE, built(programs, normal, ())).findings
    odd = 'static char code[64] = {1}; __attribute__((section(".init_array"), used)) void *where = code; ' + START
    assert "elf-constructor-outside-code" in look(ENGINE, built(programs, odd, ())).findings


def test_a_kernel_module_that_redirects_the_kernel(programs: Programs) -> None:
    head = '__attribute__((section(".modinfo"), used)) static char info[] = "license=GPL"; '
    hooks = (
        "extern int register_kprobe(), commit_creds(); int init_module(void){register_kprobe();return commit_creds();}"
    )
    plain = "extern int commit_creds(); int init_module(void){return commit_creds();}"
    seen = look(ENGINE, built(programs, head + hooks, ("-c",)))
    assert "elf-module-changes-kernel" in seen.findings
    assert seen.facts["kernel module"] == ("license=GPL",)
    assert "elf-module-changes-kernel" not in look(ENGINE, built(programs, head + plain, ("-c",))).findings


def test_every_finding_has_a_case_and_a_meaning() -> None:
    known = {name for name in load_meanings(default_folder()).by_id if name.startswith("elf-")}
    assert known == CASES.keys() | BUILT.keys() | BY_HAND


def test_facts_of_an_ordinary_program(programs: Programs) -> None:
    facts = look(ENGINE, built(programs, START, ("-Wl,--build-id=sha1",))).facts
    assert facts["interpreter"] == "/lib64/ld-linux-x86-64.so.2"
    assert facts["libraries"] == ("libc.so.6",)
    assert len(facts["build id"]) == 40
    assert any("GCC" in text for text in facts["compiler"])
    static = look(ENGINE, programs.c(START).read_bytes())
    assert "statically" in static.facts["linked"]
    assert static.findings == {}


@pytest.mark.parametrize("machine", ["arm", "mips", "powerpc", "aarch64", "i386"])
def test_other_processors(machine: str, programs: Programs) -> None:
    data = programs.freestanding("void program(void){ quit(0); }", machine).read_bytes()
    assert look(ENGINE, data).findings == {}


def test_a_windows_program_inside_is_taken_out() -> None:
    inner = pe()
    seen = look(ENGINE, elf([CODE, Segment(b"xx" + inner, READ)]))
    assert [one.data for one in seen.members.values()] == [inner]


@given(st.integers(0, 2**32), st.integers(1, 24))
@settings(max_examples=150, deadline=None)
def test_damaged_files_end_in_outputs(seed: int, changes: int) -> None:
    source = random.Random(seed)
    data = bytearray(source.choice(DAMAGED))
    for _ in range(changes):
        place = source.randrange(min(len(data), 0x400)) if source.random() < 0.7 else source.randrange(len(data))
        data[place] = source.choice([0, 0xFF, 0x7F, source.randrange(256)])
    if source.random() < 0.3:
        del data[source.randrange(len(data)) :]
    look(ENGINE, bytes(data))


DAMAGED = [elf([CODE, LOADER, Segment(elf(), READ)]), Path("/bin/true").read_bytes(), elf(overlay=elf())]


def test_it_runs_in_the_cage() -> None:
    data = elf([CODE, LOADER], overlay=masked(LONG, b"\x42\x17"))
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
