"""A sample: the bytes of one file, named by their SHA-256."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable

import msgspec


class Category(enum.StrEnum):
    """What kind of file it is, in the terms in which a policy says what is submitted."""

    EXECUTABLE = "executables"  # programs, libraries and drivers of any system
    ARCHIVE = "archives"
    SCRIPT = "scripts"
    DOCUMENT = "documents"  # office files and PDF
    SPAM = "possible-spam"  # mail messages
    OTHER = "other"  # jar, msi, lnk, reg, packages, and everything not known


class Hashes(msgspec.Struct, frozen=True, kw_only=True):
    """The names of the same bytes, lower-case hexadecimal. SHA-256 is the one that counts."""

    sha256: str
    sha1: str
    md5: str


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One file's bytes by name and size; never the bytes themselves."""

    hashes: Hashes
    size: int


def hash_chunks(chunks: Iterable[bytes]) -> Sample:
    """The sample that these pieces of one file make up, read once."""
    sha256 = hashlib.sha256()
    # SHA-1 and MD5 are names by which other systems know a file; nothing is decided by them.
    sha1 = hashlib.sha1(usedforsecurity=False)
    md5 = hashlib.md5(usedforsecurity=False)
    size = 0
    for chunk in chunks:
        size += len(chunk)
        for digest in (sha256, sha1, md5):
            digest.update(chunk)
    hashes = Hashes(sha256=sha256.hexdigest(), sha1=sha1.hexdigest(), md5=md5.hexdigest())
    return Sample(hashes=hashes, size=size)


def hash_bytes(data: bytes) -> Sample:
    """The sample that these bytes are."""
    return hash_chunks((data,))
