"""7z archives, by py7zr into memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lazaretto.analysis.engine import Engine, Output, Subject
from lazaretto.analysis.unpackers._unpacking import MOST_MEMBERS, MOST_OUTPUT, Unpacking, guessed

if TYPE_CHECKING:
    from py7zr import SevenZipFile

ENGINE = Engine(
    name="unpack-7z",
    version="1",
    module="lazaretto.analysis.unpackers.sevenzip",
    wants=lambda kind: kind.name == "7z",
    sees="the files in 7z archives, also with encrypted names",
    loads=(
        "py7zr",
        "py7zr.io",
        "py7zr.exceptions",
        "Cryptodome.Cipher._mode_cbc",
        "psutil",  # py7zr asks it, and the next, for the memory there is
        "resource",
        "brotli",
        "bcj",
        "pyppmd",
        "inflate64",
        "backports.zstd",
    ),
    seconds=40.0,
    memory=1536 << 20,
    output=MOST_OUTPUT,
    essential=True,
)


class _Full(Exception):
    """More comes out than may."""


def examine(subject: Subject) -> Iterator[Output]:
    unpacking = Unpacking(subject)
    password = guessed(["", *unpacking.passwords], lambda word: _opens(subject.data, word))
    if password is not None:
        yield from _members(subject.data, password, unpacking)
    elif (archive := _opened(subject.data, "")) is not None:
        for one in archive.files:
            if not one.is_directory:
                yield from unpacking.encrypted(one.filename)
    else:
        yield from _unreadable(subject.data, unpacking)
    yield from unpacking.end()


def _unreadable(data: bytes, unpacking: Unpacking) -> Iterator[Output]:
    """The list of members itself is encrypted, or broken."""
    from py7zr import SevenZipFile  # noqa: PLC0415  only in the cage
    from py7zr.exceptions import PasswordRequired  # noqa: PLC0415

    try:
        SevenZipFile(io.BytesIO(data))
    except PasswordRequired:
        yield from unpacking.once("archive-names-encrypted")
        yield from unpacking.encrypted("(all files, and their names)")
    except Exception as error:  # whatever it is, the archive does not open
        yield from unpacking.damaged("(all files)", str(error) or type(error).__name__)


def _opened(data: bytes, password: str) -> SevenZipFile | None:
    from py7zr import SevenZipFile  # noqa: PLC0415  only in the cage

    try:
        return SevenZipFile(io.BytesIO(data), password=password or None)
    except Exception:  # a wrong password looks like any kind of damage
        return None


def _opens(data: bytes, password: str) -> bool:
    """Whether the password opens the list of members and the smallest of them that is encrypted."""
    archive = _opened(data, password)
    if archive is None or not archive.needs_password():
        return archive is not None
    if not password:
        return False
    packed = [one for one in archive.files if not one.is_directory and not one.emptystream]
    if not packed:
        return True
    first = min(packed, key=lambda one: int(one.uncompressed or 0))
    try:
        return any(True for _ in _unfolded(archive, {first.id}, [64 << 20]))
    except _Full:
        return True  # too large to try, but it was decrypted so far
    except Exception:  # a wrong password
        return False


def _members(data: bytes, password: str, unpacking: Unpacking) -> Iterator[Output]:
    archive = _opened(data, password)
    assert archive is not None  # it was opened with this password a moment ago
    files = [one for one in archive.files if not one.is_directory]
    names = {one.id: str(one.filename) for one in files}
    wanted = {one.id for one in files[:MOST_MEMBERS]}
    done: set[int] = set()
    try:
        for number, content in _unfolded(archive, wanted, [unpacking.left]):
            done.add(number)
            yield from unpacking.member(names[number], content, password=password)
    except _Full:
        name = next((names[one.id] for one in files if one.id not in done), "")
        yield from unpacking.too_much(name, sum(int(one.uncompressed or 0) for one in files))
    except Exception as error:  # damage of any kind; what came before was looked at
        for number in sorted(wanted - done):
            yield from unpacking.damaged(names[number], str(error) or type(error).__name__)
    if len(files) > len(wanted) and not unpacking.full:
        unpacking.full = f"more than {MOST_MEMBERS:,} files are inside"


def _unfolded(archive: SevenZipFile, wanted: set[int], left: list[int]) -> Iterator[tuple[int, bytes]]:
    """Number and content of each wanted member, of which `left[0]` bytes may come out.

    What is packed together (a folder) is unpacked together. A broken folder costs only what lies behind the break in
    it; the error is raised at last. py7zr's own way refuses names that would leave a folder on a disk, so its worker
    is used.
    """
    from py7zr.io import MemIO, Py7zIO, WriterFactory  # noqa: PLC0415  only in the cage

    class Writer(Py7zIO):
        """A member while it is unpacked."""

        def __init__(self) -> None:
            self.content = io.BytesIO()
            self.whole = False

        def write(self, s: bytes | bytearray) -> int:
            left[0] -= len(s)
            if left[0] < 0:
                raise _Full
            return self.content.write(s)

        def read(self, size: int | None = None) -> bytes:
            return self.content.read(size)

        def seek(self, offset: int, whence: int = 0) -> int:
            return self.content.seek(offset, whence)

        def flush(self) -> None:
            pass

        def size(self) -> int:
            return len(self.content.getbuffer())

        def close(self) -> None:
            self.whole = True

    class Factory(WriterFactory):
        def create(self, filename: str) -> Writer:
            writers[int(filename)] = Writer()
            return writers[int(filename)]

    writers: dict[int, Writer] = {}
    error: Exception | None = None
    worker = archive.worker
    for files, start, end in _folders(archive):
        numbers = [one.id for one in files if one.id in wanted]
        if not numbers:
            continue
        for number in numbers:
            worker.register_filelike(number, MemIO(str(number), Factory()))
        try:
            worker.extract_single(archive.fp, files, None, start, end, None)
        except _Full:
            raise
        except Exception as raised:  # the next folder may be whole
            error = error or raised
        for number in numbers:
            writer = writers.pop(number, None)
            if writer is not None and writer.whole:
                yield number, writer.content.getvalue()
    if error is not None:
        raise error


def _folders(archive: SevenZipFile) -> Iterator[tuple[list[Any], int, int]]:
    """The members of each folder, and from where to where its packed bytes go; first those that have none."""
    worker = archive.worker
    empty = [one for one in archive.files if one.emptystream]
    yield empty, 0, 0
    streams = getattr(archive.header, "main_streams", None)
    if streams is None:
        return
    places = streams.packinfo.packpositions
    folders = streams.unpackinfo.folders
    for number, folder in enumerate(folders):
        files = [one for one in archive.files if one.folder is folder and not one.emptystream]
        end = places[-1] if len(folders) == 1 else places[number + 1]
        yield files, worker.src_start + (0 if len(folders) == 1 else places[number]), worker.src_start + end
