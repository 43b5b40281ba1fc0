"""Opens Office documents: files that they carry stand for themselves, macros and old formulas are parts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lazaretto.analysis.documents import compound, kinds, locked, objects, onenote, ovba, rtf
from lazaretto.analysis.documents.contents import LOADS, Contents, contents
from lazaretto.analysis.documents.excel4.book import book_of
from lazaretto.analysis.documents.excel4.sheets import listing
from lazaretto.analysis.documents.objects import Carried
from lazaretto.analysis.engine import Engine, Fact, Finding, Member, Output, Shortfall, Subject
from lazaretto.analysis.formats.types import FileType

ENGINE = Engine(
    name="office",
    version="1",
    module="lazaretto.analysis.unpackers.office",
    wants=lambda kind: kind.name in kinds.OFFICE | kinds.ENCRYPTED | {"rtf", "onenote"},
    sees="carried files and macros in Office, OpenDocument, RTF, OneNote; opens encrypted ones with known passwords",
    loads=(*LOADS, *locked.LOADS),
    seconds=25.0,
    output=300 << 20,
    essential=True,
)

_MOST_MEMBERS = 500
_LOCKED = "its content is encrypted, and none of the known passwords opens it"


def examine(subject: Subject) -> Iterator[Output]:
    room = int(subject.options.get("room", 256 << 20))
    if subject.kind.name == "rtf":
        yield from _members(Contents(carried=list(_rich_text(subject.data))), room)
        return
    if subject.kind.name == "onenote":
        yield from _members(Contents(carried=list(onenote.files(subject.data))), room)
        return
    if subject.data[:8] == compound.MAGIC and locked.is_locked(subject.data):
        yield from _unlock(subject)
        return
    found = contents(subject.data, subject.kind)
    if _odf_locked(found):
        yield Finding(id="document-encrypted")
        yield Shortfall(reason=_LOCKED)
    yield from _members(found, room)
    for reason in found.unread[:20]:
        yield Shortfall(reason=reason)


def _unlock(subject: Subject) -> Iterator[Output]:
    passwords = [str(word) for word in subject.options.get("passwords", ())]
    opened = locked.opened(subject.data, passwords)
    name = f"{subject.name or 'document'} (decrypted)"
    if opened is None:
        yield Finding(id="document-encrypted")
        yield Member(name=name, relation="decoded", closed="encrypted")
        yield Shortfall(reason=_LOCKED)
        return
    plain, password = opened
    if password == locked.DEFAULT:
        yield Finding(id="document-encrypted-default")
    elif not subject.from_user(password):
        yield Finding(id="document-encrypted-opened")
    yield Member(name=_plain_name(subject.name, subject.kind), data=plain, relation="decoded", password=password)


def _plain_name(name: str, kind: FileType) -> str:
    return name or f"document.{kind.extensions[0] if kind.extensions else 'bin'}"


def _odf_locked(found: Contents) -> bool:
    """Whether the manifest says that the content is encrypted (OpenDocument 1.2, part 3, 3.4)."""
    return found.package is not None and bool(
        re.search(rb"<(?:\w+:)?encryption-data\b", found.package.read("META-INF/manifest.xml"))
    )


def _rich_text(data: bytes) -> Iterator[Carried]:
    """The files in the objects of rich text."""
    for number, one in enumerate(rtf.read(data).objects, 1):
        outer = objects.object1(one.data)
        if outer is None or outer.linked:
            continue
        name = f"{outer.name or 'object'} {number}"
        packaged = objects.package(outer.data, sized=False)
        inner = compound.read(outer.data)
        if packaged:
            yield packaged
        elif inner is not None:
            yield from list(objects.carried(inner, name)) or [Carried(name, outer.data)]
        elif outer.data:
            yield Carried(name, outer.data)


def _members(found: Contents, room: int) -> Iterator[Output]:
    left = room
    for number, module in enumerate(module for module in found.modules if module.source.strip()):
        if number >= _MOST_MEMBERS:
            yield Shortfall(reason=f"it has more than {_MOST_MEMBERS} macros")
            return
        yield Member(name=f"{module.name}.bas", data=ovba.exported(module.name, module.source), relation="macro")
    book = book_of(found)
    for sheet in book.macro_sheets[:100] if book else ():
        yield Member(name=f"{sheet.name}.xlm.txt", data=listing(sheet).encode(), relation="macro")
    for name, data in found.scripts[:_MOST_MEMBERS]:
        yield Member(name=name, data=data, relation="macro")
    if found.carried:
        yield Fact(name="embedded files", value=tuple(one.name for one in found.carried[:100]))
    for number, one in enumerate(found.carried):
        if number >= _MOST_MEMBERS:
            yield Shortfall(reason=f"it has more than {_MOST_MEMBERS} files inside")
            return
        left -= len(one.data)
        yield _member(one) if left >= 0 else Member(name=one.name, relation="embedded", closed="too large")


def _member(one: Carried) -> Member:
    return Member(name=one.name, data=one.data, relation="embedded")
