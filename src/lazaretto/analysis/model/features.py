"""What a model sees of a file: some ninety numbers, each bounded, the same for the same bytes. Runs in the cage.

| group | numbers |
|---|---|
| size, entropy | logarithm of the size; entropy of all; blocks of 256 bytes in each of 16 steps of entropy |
| bytes | share of bytes in each of 16 ranges, of zeros, of printable ones |
| strings | how many to a kilobyte, their mean and greatest length, share of UTF-16, addresses, registry paths |
| kind | which category, and which of the types that can be run |
| header | of PE and ELF: sections, their entropy and rights, entry point, overlay, signature, resources, dates |
| imports | how many functions of each meaning: files, registry, network, processes, memory, cryptography, ... |

A change of anything here is a new VERSION: a model of another version is refused.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from lazaretto.analysis.addresses.texts import texts
from lazaretto.analysis.engine import Subject
from lazaretto.domain.sample import Category

if TYPE_CHECKING:
    import lief

VERSION = 1
_BLOCK = 256  # bytes
_MOST_BLOCKS = 4096  # spread over the file
_MOST_IMPORTS = 20_000
_KINDS = [
    "pe-exe",
    "pe-dll",
    "pe-driver",
    "pe-dotnet",
    "elf-exe",
    "elf-so",
    "jscript",
    "vbscript",
    "powershell",
    "batch",
    "shell",
    "python",
    "lnk",
    "hta",
    "pdf",
    "docm",
    "xlsm",
    "doc",
    "xls",
    "rtf",
    "html",
    "eml",
    "jar",
    "msi",
]

# Beginnings of function names, lower case, by what they are for. Windows, then Linux.
MEANINGS: Mapping[str, tuple[str, ...]] = {
    name: tuple(words.split())
    for name, words in re.findall(
        r"(\w+): ([^:]+?)(?=\s+\w+:|\s*$)",
        """
    files: createfile writefile readfile deletefile copyfile movefile findfirstfile fopen open unlink rename
        readdir chmod opendir
    registry: regopen regset regcreate regdelete regquery regenum zwsetvaluekey ntsetvaluekey
    network: socket connect send recv wsa internet http url winhttp gethostby getaddrinfo bind listen accept
        dns inet_ ftp curl_ ssl_
    processes: createprocess shellexecute winexec openprocess terminateprocess createtoolhelp process32 fork
        execv execl system popen kill posix_spawn waitpid
    memory: virtualalloc virtualprotect virtualfree heapcreate mapviewoffile ntmapview mmap mprotect
        memfd_create rtlmovememory
    injection: writeprocessmemory readprocessmemory createremotethread queueuserapc setthreadcontext
        ntunmapview virtualallocex setwindowshook ptrace process_vm_
    loading: loadlibrary getprocaddress ldrload getmodulehandle dlopen dlsym
    cryptography: crypt bcrypt ncrypt evp_ aes_ rsa_ md5_ sha1_ sha256_ ransom gcry_
    rights: adjusttoken openprocesstoken lookupprivilege impersonate logonuser setuid setgid seteuid capset
        setresuid
    services: openscmanager createservice startservice controlservice deleteservice regsvc
    windows: createwindow messagebox dialogbox registerclass loadicon drawtext gtk_ qt xopen
    keyboard: getasynckeystate getkeystate getkeyboard getforegroundwindow attachthreadinput
    screen: bitblt getdc createcompatible printwindow gdip
    debugging: isdebuggerpresent checkremotedebugger outputdebugstring ntqueryinformationprocess
        setunhandledexception
    time: sleep gettickcount queryperformance getsystemtime nanosleep usleep gettimeofday time
    system: getcomputername getusername getversion getsysteminfo getsystemmetrics getvolumeinformation uname
        gethostname sysinfo getpwuid
        """,
    )
}


def features(subject: Subject) -> dict[str, float]:
    """The numbers by name; names are always the same ones, in the same order."""
    data = subject.data
    found: dict[str, float] = {}
    found.update(_of_bytes(data))
    found.update(_of_strings(data))
    found.update((f"category.{one.value}", float(subject.kind.category is one)) for one in Category)
    found.update((f"kind.{name}", float(subject.kind.name == name)) for name in _KINDS)
    found.update(_of_program(subject))
    return found


def _of_bytes(data: bytes) -> Iterator[tuple[str, float]]:
    size = max(1, len(data))
    counts = Counter(data)
    yield "size", math.log2(size)
    yield "entropy", _entropy(counts, size)
    for step in range(16):
        yield f"bytes.{step:x}", sum(counts[byte] for byte in range(step * 16, step * 16 + 16)) / size
    yield "bytes.zero", counts[0] / size
    yield "bytes.printable", sum(counts[byte] for byte in range(0x20, 0x7F)) / size
    blocks = [0] * 16
    stride = max(_BLOCK, len(data) // _MOST_BLOCKS)
    number = 0
    for at in range(0, len(data), stride):
        block = data[at : at + _BLOCK]
        blocks[min(15, int(_entropy(Counter(block), max(1, len(block))) * 2))] += 1
        number += 1
    for step, count in enumerate(blocks):
        yield f"blocks.{step:x}", count / max(1, number)


def _entropy(counts: Counter[int], size: int) -> float:
    """Bits a byte, 0 to 8."""
    return -sum(count / size * math.log2(count / size) for count in counts.values() if count)


_MARKS = {
    "addresses": "://", "registry": "software\\", "programs": ".exe", "scripts": ".ps1", "shell": "cmd",
    "encoded": "base64", "temporary": "temp", "users": "appdata",
}  # fmt: skip


def _of_strings(data: bytes) -> Iterator[tuple[str, float]]:
    text = texts(data[: 8 << 20])
    lengths = [len(line) for line in text.split("\n")] if text else []
    kilobytes = max(1.0, len(data) / 1024)
    lower = text.lower()
    yield "strings.many", math.log1p(len(lengths) / kilobytes)
    yield "strings.mean", math.log1p(sum(lengths) / max(1, len(lengths)))
    yield "strings.longest", math.log1p(max(lengths, default=0))
    for name, mark in _MARKS.items():
        yield f"strings.{name}", math.log1p(lower.count(mark))


_PROGRAM = ("sections", "sections.entropy", "sections.rewritable", "sections.unnamed", "entry.last", "behind", "signed",
            "debug", "resources", "tls", "date.none", "imports", "exports", "libraries", "readable")  # fmt: skip


def _of_program(subject: Subject) -> dict[str, float]:
    found = dict.fromkeys((f"program.{name}" for name in _PROGRAM), 0.0)
    found.update((f"imports.{name}", 0.0) for name in MEANINGS)
    if not subject.kind.name.startswith(("pe-", "elf-")):
        return found
    import lief  # noqa: PLC0415  only in the cage

    lief.logging.disable()
    program = lief.parse(subject.data)
    if isinstance(program, lief.PE.Binary):
        found.update((f"program.{name}", value) for name, value in _of_pe(program, len(subject.data)))
        found.update(_meant(str(entry.name) for library in program.imports for entry in library.entries))
    elif isinstance(program, lief.ELF.Binary):
        found.update((f"program.{name}", value) for name, value in _of_elf(program))
        found.update(_meant(str(symbol.name) for symbol in program.imported_symbols))
    return found


def _of_pe(program: lief.PE.Binary, size: int) -> Iterator[tuple[str, float]]:
    sections = list(program.sections)[:96]
    rights = [int(section.characteristics) for section in sections]
    entry = program.optional_header.addressof_entrypoint
    yield "readable", 1.0
    yield "sections", float(len(sections))
    yield "sections.entropy", max((section.entropy for section in sections), default=0.0)
    yield "sections.rewritable", float(sum(right & 0xA0000000 == 0xA0000000 for right in rights))
    yield "sections.unnamed", float(sum(not str(section.name).startswith((".", "/")) for section in sections))
    yield "entry.last", float(bool(sections) and entry >= sections[-1].virtual_address > 0)
    yield "behind", max(0, size - program.overlay_offset) / size if program.overlay_offset and size else 0.0
    yield "signed", float(program.has_signatures)
    yield "debug", float(program.has_debug)
    yield "resources", float(program.has_resources)
    yield "tls", float(program.has_tls)
    yield "date.none", float(program.header.time_date_stamps == 0)
    yield "imports", math.log1p(sum(len(library.entries) for library in program.imports))
    yield "exports", float(program.has_exports)
    yield "libraries", math.log1p(len(program.imports))


def _of_elf(program: lief.ELF.Binary) -> Iterator[tuple[str, float]]:
    sections = list(program.sections)[:200]
    yield "readable", 1.0
    yield "sections", float(len(sections))
    yield "sections.entropy", max((section.entropy for section in sections), default=0.0)
    yield "sections.rewritable", float(sum(int(segment.flags) & 3 == 3 for segment in program.segments))
    yield "debug", float(len(program.symtab_symbols) > 0)
    yield "imports", math.log1p(len(program.imported_symbols))
    yield "exports", math.log1p(len(program.exported_symbols))
    yield "libraries", math.log1p(len(program.libraries))


def _meant(names: Iterable[str]) -> Iterator[tuple[str, float]]:
    counts = dict.fromkeys(MEANINGS, 0)
    for number, name in enumerate(names):
        if number >= _MOST_IMPORTS:
            break
        lower = name.lower()
        for meaning, beginnings in MEANINGS.items():
            if lower.startswith(beginnings):
                counts[meaning] += 1
    for meaning, count in counts.items():
        yield f"imports.{meaning}", math.log1p(count)
