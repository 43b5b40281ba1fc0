"""Windows images (WIM): the files of each image, and their other streams."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lazaretto.analysis.engine import Engine, Fact, Output, Subject
from lazaretto.analysis.unpackers._disk.found import hidden_program
from lazaretto.analysis.unpackers._unpacking import MOST_OUTPUT, Unpacking

if TYPE_CHECKING:
    from lazaretto.analysis.unpackers._disk.found import Found
    from lazaretto.analysis.unpackers._microsoft.wim import Image

_NAME = "lazaretto.analysis.unpackers._microsoft"
_SECONDS = 60.0

ENGINE = Engine(
    name="unpack-wim",
    version="1",
    module="lazaretto.analysis.unpackers.wim",
    wants=lambda kind: kind.name == "wim",
    sees="the files in Windows images, hidden ones and other streams too",
    loads=("encodings.utf_16_le", f"{_NAME}.wim"),
    seconds=90.0,
    output=MOST_OUTPUT,
    essential=True,
)


def examine(subject: Subject) -> Iterator[Output]:
    from lazaretto.analysis.unpackers._disk.found import Unreadable  # noqa: PLC0415  only in the cage
    from lazaretto.analysis.unpackers._microsoft.wim import Image  # noqa: PLC0415

    unpacking = Unpacking(subject)
    try:
        image = Image(subject.data)
    except Unreadable as error:
        yield from unpacking.damaged("(the image)", str(error))
        yield from unpacking.end()
        return
    yield Fact(name="images", value=len(image.folders))
    if image.parts > 1:
        yield Fact(name="part of an archive", value=f"{image.part} of {image.parts}")
    yield from _images(image, unpacking)
    yield from unpacking.end()


def _images(image: Image, unpacking: Unpacking) -> Iterator[Output]:
    from lazaretto.analysis.unpackers._disk.found import Unreadable  # noqa: PLC0415  only in the cage

    end = time.monotonic() + _SECONDS
    for number, folders in enumerate(image.folders, 1):
        before = f"image {number}/" if len(image.folders) > 1 else ""
        try:
            for found in image.files(folders):
                if unpacking.full:
                    return
                if time.monotonic() > end:
                    unpacking.full = "unpacking all of it takes too long"
                yield from _file(found, before, unpacking)
        except Unreadable as error:
            yield from unpacking.damaged(f"(image {number})", str(error))


def _file(found: Found, before: str, unpacking: Unpacking) -> Iterator[Output]:
    from lazaretto.analysis.unpackers._disk.found import Unreadable  # noqa: PLC0415  only in the cage

    name = before + found.name
    if found.size > unpacking.left:
        yield from unpacking.too_much(name, found.size)
        return
    try:
        data = found.read()
    except Unreadable as error:
        yield from unpacking.damaged(name, str(error))
        return
    if hidden_program(found, data):
        yield from unpacking.once("data-hidden-program", name)
    yield from unpacking.member(name, data)
