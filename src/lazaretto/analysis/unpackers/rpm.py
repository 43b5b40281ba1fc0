"""RPM packages: the files, and the scripts that run when the package is installed or removed.

Format: "RPM Package File Structure". Lead (96 bytes), signature, header, packed cpio archive.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Fact, Output, Subject
from lazaretto.analysis.unpackers import _libarchive
from lazaretto.analysis.unpackers._unpacking import MOST_OUTPUT, Unpacking

ENGINE = Engine(
    name="unpack-rpm",
    version="1",
    module="lazaretto.analysis.unpackers.rpm",
    wants=lambda kind: kind.name == "rpm",
    sees="the files in RPM packages and the scripts that run at installation",
    loads=_libarchive.LOADS,
    seconds=30.0,
    output=MOST_OUTPUT,
    essential=True,
)

_MAGIC = b"\x8e\xad\xe8\x01"
_SCRIPTS = {
    1023: "before installation", 1024: "after installation", 1025: "before removal", 1026: "after removal",
    1079: "at verification", 1151: "before the transaction", 1152: "after the transaction",
}  # fmt: skip
_FACTS = {1000: "name", 1001: "version", 1022: "architecture", 1011: "vendor"}
_MOST_TAGS = 4_096


def examine(subject: Subject) -> Iterator[Output]:
    unpacking = Unpacking(subject)
    data = subject.data
    _, after = _header(data, 96)
    tags, payload = _header(data, (after + 7) & ~7)
    for tag, text in tags.items():
        if tag in _FACTS:
            yield Fact(name=_FACTS[tag], value=text.decode("utf-8", "replace"))
        elif text.strip():
            yield from unpacking.member(f"script {_SCRIPTS[tag]}", text)
    if payload:
        # the filters find out by themselves what the archive is packed with
        yield from _libarchive.members(data[payload:], unpacking, formats="cpio", filters="all")
    else:
        yield from unpacking.damaged("(all files)", "the header cannot be read")
    yield from unpacking.end()


def _header(data: bytes, at: int) -> tuple[dict[int, bytes], int]:
    """Texts of the tags that matter, and where the header ends; 0 where it is none."""
    if data[at : at + 4] != _MAGIC or at + 16 > len(data):
        return {}, 0
    count, size = struct.unpack_from(">II", data, at + 8)
    index = at + 16
    store = index + 16 * count
    if count > 1 << 16 or store + size > len(data):
        return {}, 0
    found = {}
    for number in range(min(count, _MOST_TAGS)):
        tag, kind, offset, _ = struct.unpack_from(">IIII", data, index + 16 * number)
        if (tag in _SCRIPTS or tag in _FACTS) and kind in {6, 8, 9} and offset < size:
            found[tag] = data[store + offset : store + size].partition(b"\0")[0]
    return found, store + size
