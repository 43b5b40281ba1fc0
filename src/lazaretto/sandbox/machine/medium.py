"""The medium: how the host hands a job and the sample's bytes to a guest (layout: guest/keeper/medium.py).

It is a file without a name (O_TMPFILE or unlinked), so that nothing of a sample stays on the host's disk whatever
happens, and no path leads to it.
"""

from __future__ import annotations

import os
import struct
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from lazaretto.domain.errors import FileTooLarge, UnreadableFile

BOOT, JOB = b"LZBOOT01", b"LZJOB001"
_HEAD = struct.Struct("<8sIQ")
_JSON_AT = 4096
_SAMPLE_AT = 1 << 20
SIZE = 320 << 20
"""Size of the disk in bytes; the same for every machine, since a restored guest remembers it."""
MOST_SAMPLE = SIZE - _SAMPLE_AT


def create(directory: Path) -> int:
    """A new, empty medium; returns its descriptor."""
    directory.mkdir(parents=True, exist_ok=True)
    fd, name = tempfile.mkstemp(prefix="medium-", dir=directory)
    # QEMU's user reads through the descriptor's inode; without a name nobody else can
    os.fchmod(fd, 0o644)
    os.unlink(name)  # noqa: PTH108 - a plain name from mkstemp
    os.ftruncate(fd, SIZE)
    return fd


def write(fd: int, magic: bytes, description: dict[str, Any], sample: Path | None = None) -> None:
    """Fill the medium. The head comes last: the guest takes the job when it sees it.

    Raises `UnreadableFile` or `FileTooLarge` for a sample that cannot be put there.
    """
    text = msgspec.json.encode(description)
    if len(text) > _SAMPLE_AT - _JSON_AT:
        raise ValueError("the description of a job is too long")
    size = 0
    if sample is not None:
        try:
            size = _copy(fd, sample)
        except OSError as error:
            raise UnreadableFile(sample, error.strerror or str(error)) from error
    os.pwrite(fd, text, _JSON_AT)
    os.pwrite(fd, _HEAD.pack(magic, len(text), size), 0)


def _copy(fd: int, sample: Path) -> int:
    """Put the sample on the medium; returns its size. It may grow meanwhile: what counts is what was read."""
    size = 0
    with sample.open("rb") as source:
        while chunk := source.read(1 << 20):
            if size + len(chunk) > MOST_SAMPLE:
                raise FileTooLarge(sample, max(sample.stat().st_size, size + len(chunk)), MOST_SAMPLE)
            os.pwrite(fd, chunk, _SAMPLE_AT + size)
            size += len(chunk)
    return size
