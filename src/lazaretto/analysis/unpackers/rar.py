"""RAR archives of every version, by rars (Rust, no code of UnRAR)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lazaretto.analysis.engine import Engine, Output, Subject
from lazaretto.analysis.unpackers import _libarchive
from lazaretto.analysis.unpackers._unpacking import MOST_MEMBERS, MOST_OUTPUT, Unpacking, guessed

if TYPE_CHECKING:
    from rars import RarFile  # type: ignore[import-untyped]  # it has no types

ENGINE = Engine(
    name="unpack-rar",
    version="1",
    module="lazaretto.analysis.unpackers.rar",
    wants=lambda kind: kind.name == "rar",
    sees="the files in RAR archives, also with encrypted names",
    loads=("rars", *_libarchive.LOADS),
    seconds=40.0,
    memory=1536 << 20,
    output=MOST_OUTPUT,
    essential=True,
)

_DICTIONARY = 256 << 20  # bytes of window that an archive may ask for
_LINK = 0o120000


def examine(subject: Subject) -> Iterator[Output]:
    import rars  # noqa: PLC0415  only in the cage

    unpacking = Unpacking(subject)
    opened = _Opened(subject.data, unpacking.left)
    try:
        password = guessed(["", *unpacking.passwords], opened.lists)
        if password is None:
            yield from unpacking.once("archive-names-encrypted")
            yield from unpacking.encrypted("(all files, and their names)")
        else:
            yield from _members(opened, password, unpacking)
    except rars.Error as error:
        unpacking.torn(str(error))
        # libarchive reads on to the break; only the versions 3 and 5, and no passwords
        version = "rar5" if subject.data[6:8] == b"\1\0" else "rar"
        yield from _libarchive.members(subject.data, unpacking, formats=version)
    yield from unpacking.end()


class _Opened:
    """The archive as a password opens it."""

    def __init__(self, data: bytes, most: int) -> None:
        import rars  # noqa: PLC0415  only in the cage

        self._rars = rars
        self._data = data
        self.most = most
        self.archive: Any = None

    def options(self) -> Any:
        return self._rars.ReadOptions(
            max_member_output_bytes=self.most,
            max_total_output_bytes=self.most,
            rar50_dictionary_size_limit=_DICTIONARY,
        )

    def lists(self, password: str) -> bool:
        """Whether this password, empty for none, lets the names be read. Raises what is not about passwords."""
        try:
            self.archive = self._rars.RarFile.from_bytes(self._data, password=password or None)
            self.archive.infolist()
        except (self._rars.PasswordRequired, self._rars.BadPassword):
            return False
        except self._rars.BadRarFile:
            if password:  # a wrong one makes rubbish of the headers
                return False
            raise
        return True

    def read(self, member: Any, password: str) -> bytes:
        """Raises rars' errors, and `MemoryError` where there is more than may be."""
        found: bytes = self.archive.read(member, pwd=password or None, options=self.options())
        return found


def _members(opened: _Opened, password: str, unpacking: Unpacking) -> Iterator[Output]:
    archive: RarFile = opened.archive
    infos = [one for one in archive.infolist() if not one.is_dir()]
    together = _together(opened, infos, password)
    for info in infos[:MOST_MEMBERS]:
        if unpacking.full:
            return
        if together:
            yield from unpacking.member(info.filename, together.pop(0), password=password)
            continue
        if info.is_encrypted and not password:
            found = guessed(unpacking.passwords, lambda word, info=info: _fits(opened, info, word))  # type: ignore[misc]  # of its types nothing is known
            password = found or ""
            if found is None:
                unpacking.passwords = ()  # each member has the same one, nearly always
        yield from _member(opened, info, password, unpacking)


def _together(opened: _Opened, infos: list[Any], password: str) -> list[bytes]:
    """The members of a solid archive, unpacked in one go: each by itself would unpack all before it again.

    Empty where that is not the case, or where it does not work, as with a damaged or a too large one."""
    import rars  # noqa: PLC0415  only in the cage

    plain = not any((one.is_encrypted and not password) or one.is_split_after or _is_link(one) for one in infos)
    if len(infos) < 2 or not plain or not any(one.is_solid for one in infos) or len(infos) > MOST_MEMBERS:
        return []
    try:
        return [bytes(one) for one in opened.archive.read_many(infos, pwd=password or None, options=opened.options())]
    except (rars.Error, MemoryError):
        return []


def _member(opened: _Opened, info: Any, password: str, unpacking: Unpacking) -> Iterator[Output]:
    import rars  # noqa: PLC0415  only in the cage

    if info.is_split_before or info.is_split_after:
        yield from unpacking.damaged(info.filename, "a part of it is in another volume of the archive")
        return
    if info.is_encrypted and not password:
        yield from unpacking.encrypted(info.filename)
        return
    if info.file_size > unpacking.left:
        yield from unpacking.too_much(info.filename, info.file_size)
        return
    opened.most = unpacking.left
    try:
        data = opened.read(info, password)
    except MemoryError:
        yield from unpacking.too_much(info.filename, info.file_size)
    except (rars.PasswordRequired, rars.BadPassword):
        yield from unpacking.encrypted(info.filename)
    except rars.Error as error:
        yield from unpacking.damaged(info.filename, str(error))
    else:
        if _is_link(info):
            unpacking.link(info.filename, data[:4096].decode("utf-8", "replace"))
        else:
            yield from unpacking.member(info.filename, data, password=password if info.is_encrypted else "")


def _is_link(info: Any) -> bool:
    return bool((info.file_attr or 0) & 0o170000 == _LINK and info.file_size < 4096)


def _fits(opened: _Opened, info: Any, word: str) -> bool:
    import rars  # noqa: PLC0415  only in the cage

    try:
        opened.read(info, word)
    except MemoryError:
        return True  # too large to be sure
    except rars.Error:
        return False
    return True
