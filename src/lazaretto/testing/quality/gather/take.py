"""The wanted files of an archive: documents, mails, Windows programs. Names from the archive are only told."""

from __future__ import annotations

import gzip
import io
import re
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from enum import StrEnum
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

import msgspec

MOST_SIZE = 16 << 20  # bytes of a file
_MOST_MEMBERS = 200_000


class Kind(StrEnum):
    """What a file is taken for; the name of the folder it is kept in."""

    PDF = "pdf"
    OFFICE = "office"
    MAIL = "mail"
    PROGRAM = "program"


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A file, where it was in the archive, and the ending its name had or should have had."""

    kind: Kind
    ending: str  # with the dot
    path: str
    content: bytes


_OFFICE = (
    ".doc", ".dot", ".docx", ".docm", ".dotx", ".dotm", ".xls", ".xlt", ".xlsx", ".xlsm", ".xltx", ".xltm", ".xlsb",
    ".ppt", ".pps", ".pot", ".pptx", ".pptm", ".ppsx", ".potx", ".potm", ".odt", ".ods", ".odp", ".odg", ".odf", ".odb",
    ".odm", ".oth", ".ott", ".ots", ".otp", ".otg", ".fodt", ".fods", ".fodp", ".fodg", ".rtf", ".vsd", ".vsdx", ".pub",
    ".one",
)  # fmt: skip
_PROGRAMS = (".exe", ".dll", ".efi", ".sys", ".ocx", ".drv", ".cpl", ".scr", ".com", ".mui", ".acm", ".ax", ".tlb")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_HEADER = re.compile(rb"\A(?:From |[A-Za-z][A-Za-z0-9-]{1,40}:[ \t])")


def take(archive: Path, mails: Sequence[str] = ()) -> Iterator[Taken]:
    """All wanted files. `mails` are patterns of paths that are mails whatever their ending. Raises what tarfile and
    zipfile raise."""
    for path, stored in _members(archive):
        ending, content = _plain(path, stored)
        named = any(fnmatch(path, pattern) for pattern in mails)
        if found := _kind(ending, content, named_mail=named):
            yield Taken(kind=found[0], ending=found[1], path=path, content=content)


def _plain(path: str, content: bytes) -> tuple[str, bytes]:
    """The file's ending and content; Debian compresses what lies in usr/share/doc."""
    name = PurePosixPath(path.lower())
    return (".pdf", _opened(content)) if name.name.endswith(".pdf.gz") else (name.suffix, content)


def _kind(ending: str, content: bytes, *, named_mail: bool) -> tuple[Kind, str] | None:
    """Endings like .dot, .pot and .msg are used for other things too: then the content decides."""
    if ending == ".pdf" and b"%PDF-" in content[:1024]:
        return Kind.PDF, ending
    if ending == ".msg" and content.startswith(_OLE):
        return Kind.MAIL, ending
    if (named_mail or ending in {".eml", ".msg"}) and _HEADER.match(content):
        return Kind.MAIL, ".eml"
    if ending in _OFFICE and (content.startswith((_OLE, _ZIP, b"{\\rt")) or ending.startswith(".fod")):
        return Kind.OFFICE, ending
    if content.startswith(b"MZ"):
        return Kind.PROGRAM, ending if ending in _PROGRAMS else ".exe"
    return None


def _opened(content: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            return file.read(MOST_SIZE)
    except (OSError, EOFError, zlib.error):
        return b""


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    if archive.suffix == ".deb":
        yield from _of_deb(archive)
    elif zipfile.is_zipfile(archive):
        yield from _of_zip(archive)
    else:
        with tarfile.open(archive, "r:*") as tar:
            yield from _of_tar(tar)


def _of_deb(archive: Path) -> Iterator[tuple[str, bytes]]:
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
            yield from _of_tar(tar)


def _of_tar(tar: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for number, member in enumerate(tar):
        if number >= _MOST_MEMBERS:
            return
        if member.isreg() and 0 < member.size <= MOST_SIZE and (file := tar.extractfile(member)):
            yield member.name, file.read()


def _of_zip(archive: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist()[:_MOST_MEMBERS]:
            if not member.is_dir() and 0 < member.file_size <= MOST_SIZE:
                yield member.filename, opened.read(member)
