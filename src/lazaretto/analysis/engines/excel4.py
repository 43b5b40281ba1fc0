"""What macro sheets of Excel 4 do: formulas that start programs, call libraries and write other formulas."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lazaretto.analysis.documents.basic.deeds import memory_code
from lazaretto.analysis.documents.basic.ordinary import PROGRAM_ENDINGS
from lazaretto.analysis.documents.contents import LOADS, contents
from lazaretto.analysis.documents.excel4.book import book_of
from lazaretto.analysis.documents.excel4.follow import Deed, Followed, follow
from lazaretto.analysis.documents.excel4.sheets import Book
from lazaretto.analysis.engine import Engine, Fact, Finding, Indicator, Member, Output, Shortfall, Subject
from lazaretto.analysis.identify import extension_of

ENGINE = Engine(
    name="excel4",
    version="1",
    module="lazaretto.analysis.engines.excel4",
    wants=lambda kind: kind.name in {"xls", "xlsx", "xlsm", "xlsb"},
    sees="what formulas of old Excel macro sheets would do, also those that are only written when others run",
    loads=LOADS,
    seconds=15.0,
    essential=True,
)

_ADDRESS = re.compile(r"\b(?:https?|ftp)://[^\s\"'<>|)\]]{3,500}", re.IGNORECASE)
_STARTS = re.compile(r"^(?:winexec|shellexecute(?:ex)?[aw]?|createprocess\w*|system)$", re.IGNORECASE)
_FETCHES = re.compile(r"^(?:urldownloadto\w+|internetopenurl[aw]?|urlopen\w*)$", re.IGNORECASE)
_ASKS = frozenset({"GET.WORKSPACE", "GET.WINDOW", "GET.CELL", "GET.DOCUMENT"})


def examine(subject: Subject) -> Iterator[Output]:
    book = book_of(contents(subject.data, subject.kind))
    if book is None or not book.macro_sheets:
        return
    for reason in book.unread:
        yield Shortfall(reason=f"not read: {reason}")
    yield Finding(id="xlm-sheet", detail=", ".join(sheet.name for sheet in book.macro_sheets))
    yield from _of_the_book(book)
    found = follow(book)
    if found.exhausted:
        yield Fact(name="macro sheets", value="not followed to their end")
    yield from _of_the_deeds(found)
    yield from _of_the_hidden(found)


def _of_the_book(book: Book) -> Iterator[Output]:
    for sheet in book.macro_sheets:
        if sheet.hidden:
            yield Finding(id="xlm-hidden-sheet" if sheet.hidden == 1 else "xlm-very-hidden-sheet", detail=sheet.name)
    for name, place in book.automatic:
        yield Finding(id="xlm-auto-start", detail=f"{name}: {place}")


def _of_the_deeds(found: Followed) -> Iterator[Output]:
    functions = []
    for deed in found.deeds:
        function = str(deed.arguments[1]) if deed.name in {"CALL", "REGISTER"} and len(deed.arguments) > 1 else ""
        if function:
            functions.append(function)
        if deed.name == "EXEC" or _STARTS.match(function):
            yield Finding(id="xlm-starts-program", detail=deed.text)
            yield Member(
                name=f"command {len(functions)} {deed.name.lower()}.cmd", data=_command(deed), relation="decoded"
            )
        elif deed.name == "INITIATE":
            yield Finding(id="xlm-speaks-to-program", detail=deed.text)
        if _FETCHES.match(function):
            yield Finding(id="xlm-fetches", detail=deed.text)
        elif function:
            yield Finding(id="xlm-calls-library", detail=deed.text)
        if deed.name == "FOPEN" and extension_of(str(deed.arguments[0])) in PROGRAM_ENDINGS:
            yield Finding(id="xlm-writes-program", detail=deed.text)
        for address in _ADDRESS.findall(deed.text):
            yield Indicator(kind="url", value=address)
    yield from _of_the_functions(functions, found.deeds)


def _command(deed: Deed) -> bytes:
    texts = [value for value in deed.arguments if isinstance(value, str) and len(value) > 3]
    return (texts[0] if deed.name == "EXEC" and texts else " ".join(texts)).encode()


def _of_the_functions(functions: Sequence[str], deeds: Sequence[Deed]) -> Iterator[Output]:
    memory = memory_code(functions)
    if memory:
        yield Finding(id="xlm-memory-code", detail=", ".join(memory))
    matters = any(deed.name in {"EXEC", "CALL", "REGISTER", "FOPEN"} for deed in deeds)
    asked = [deed.text for deed in deeds if deed.name in _ASKS]
    if asked and matters:
        yield Finding(id="xlm-looks-around", detail=", ".join(asked[:5]))


def _of_the_hidden(found: Followed) -> Iterator[Output]:
    if found.texts:
        yield Finding(id="xlm-writes-formulas", detail=" · ".join(found.texts[:5]))
        yield Member(name="written formulas.xlm.txt", data="\n".join(found.texts).encode(), relation="decoded")
    if len(found.made) >= 2:
        yield Finding(id="xlm-hidden-texts", detail=" · ".join(found.made[:5]))
