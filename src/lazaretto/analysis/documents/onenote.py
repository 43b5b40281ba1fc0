"""OneNote sections ([MS-ONESTORE]): the files that a page carries."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from lazaretto.analysis.documents.objects import Carried

_FILE = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")  # FileDataStoreObject, 2.6.13
_MOST_FILES = 500
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"\x01\0\0\0", b"II*\0", b"MM\0*")
_NAME = re.compile(rb"((?:[^\0-\x1f<>:\"/\\|?*]\0){1,120}\.\0(?:[A-Za-z0-9]\0){1,8})\0\0")


def files(data: bytes) -> Iterator[Carried]:
    """Files other than the pictures that are shown, with the names in the order in which the section has them."""
    names = list(dict.fromkeys(match[1].decode("utf-16-le", "replace") for match in _NAME.finditer(data[: 32 << 20])))
    at = data.find(_FILE)
    found: list[bytes] = []
    for _ in range(_MOST_FILES):
        if at < 0 or at + 36 > len(data):
            break
        length = struct.unpack_from("<Q", data, at + 16)[0]
        content = data[at + 36 : at + 36 + length]
        if content and not content.startswith(_PICTURES):
            found.append(content)
        # A length that says more than there is must not hide what follows.
        at = data.find(_FILE, at + 36 + (length if at + 36 + length <= len(data) else 0))
    # The names say nothing of which file they belong to, unless there are as many.
    fitting = names if len(names) == len(found) else []
    for number, content in enumerate(found):
        name = fitting[number] if fitting else f"file {number + 1}"
        yield Carried(name, content, packaged=True)


def names(data: bytes) -> tuple[str, ...]:
    """Names of files that the section mentions."""
    return tuple(
        dict.fromkeys(match[1].decode("utf-16-le", "replace").strip() for match in _NAME.finditer(data[: 32 << 20]))
    )[:100]
