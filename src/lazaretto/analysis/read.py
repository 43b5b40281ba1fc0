"""The only way in which a sample's bytes come into this process: whole, once, bounded."""

from __future__ import annotations

from pathlib import Path

from lazaretto.domain.errors import FileTooLarge, UnreadableFile

MAX_SIZE = 64 * 1024 * 1024  # bytes


def read_sample(file: Path, limit: int) -> bytes:
    """The file's bytes. Raises `UnreadableFile` or `FileTooLarge`; never reads more than the limit."""
    try:
        if not file.is_file():
            raise UnreadableFile(file, "not a regular file" if file.exists() else "no such file")
        size = file.stat().st_size
        if size > limit:
            raise FileTooLarge(file, size, limit)
        with file.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise UnreadableFile(file, error.strerror or str(error)) from error
    if len(data) > limit:
        raise FileTooLarge(file, len(data), limit)
    return data
