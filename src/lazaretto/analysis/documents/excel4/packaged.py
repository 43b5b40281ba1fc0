"""The workbook as a package (ECMA-376, 18): sheets, names, formulas of macro sheets, constants."""

from __future__ import annotations

import re

from lazaretto.analysis.documents.excel4.sheets import MOST_CELLS, Book, Sheet
from lazaretto.analysis.documents.markup import Element, End, parts
from lazaretto.analysis.documents.package import Package, Relation

_HIDDEN = {"hidden": 1, "veryHidden": 2}
_CELL = re.compile(r"([A-Z]{1,3})(\d{1,7})\Z")


def read(package: Package) -> Book:
    """The whole workbook if it has macro sheets; else only its list of sheets."""
    book = Book()
    targets = {
        relation.id: relation for relation in package.relations() if relation.source.lower() == "xl/workbook.xml"
    }
    sheets = _listed(package, book, targets)
    if not book.macro_sheets:
        return book
    texts = _texts(package)
    for sheet, name in sheets:
        if name.lower().endswith(".bin"):
            book.unread.append(f"the formulas of {sheet.name}, which are in binary form")
        else:
            _cells(package.read(name), sheet, texts)
    return book


def _listed(package: Package, book: Book, targets: dict[str, Relation]) -> list[tuple[Sheet, str]]:
    found = []
    name = ""
    for part in parts(package.read("xl/workbook.xml")):
        if isinstance(part, Element) and part.name == "sheet":
            relation = targets.get(part.attributes.get("id", ""))
            if relation is None:
                continue
            sheet = Sheet(
                part.attributes.get("name", ""),
                macro=relation.kind in {"xlMacrosheet", "xlIntlMacrosheet"} or "macrosheets/" in relation.target,
                hidden=_HIDDEN.get(part.attributes.get("state", ""), 0),
            )
            book.sheets.append(sheet)
            target = relation.target
            found.append((sheet, target.lstrip("/") if target.startswith("/") else f"xl/{target}"))
        elif isinstance(part, Element) and part.name == "definedName":
            name = part.attributes.get("name", "").lower()
        elif isinstance(part, str) and name:
            book.names[name] = book.names.get(name, "") + part
        elif isinstance(part, End):
            name = ""
    for name, formula in book.names.items():
        if name.removeprefix("_xlnm.").startswith(("auto_open", "auto_close", "auto_activate", "auto_deactivate")):
            book.automatic.append((name, formula))
    if not sheets_in(found) and any("/macrosheets/" in member.lower() for member in package.names):
        for member in package.names:  # also where the workbook itself is in binary form
            if "/macrosheets/" in member.lower() and not member.lower().endswith(".rels"):
                sheet = Sheet(member.rpartition("/")[2], macro=True)
                book.sheets.append(sheet)
                found.append((sheet, member))
    return found


def sheets_in(found: list[tuple[Sheet, str]]) -> bool:
    return any(sheet.macro for sheet, _ in found)


def _texts(package: Package) -> list[str]:
    found: list[str] = []
    for part in parts(package.read("xl/sharedStrings.xml")):
        if isinstance(part, Element) and part.name == "si":
            if len(found) >= MOST_CELLS:
                break
            found.append("")
        elif isinstance(part, str) and found:
            found[-1] += part
    return found


def _cells(data: bytes, sheet: Sheet, texts: list[str]) -> None:
    cell: tuple[int, int] | None = None
    kind = inside = ""
    for part in parts(data):
        if isinstance(part, Element):
            if part.name == "c":
                cell, kind = _place(part.attributes.get("r", "")), part.attributes.get("t", "")
            inside = part.name
        elif isinstance(part, End):
            inside = ""
        elif cell and inside == "f" and sheet.macro:
            sheet.formulas[cell] = sheet.formulas.get(cell, "") + part
        elif cell and inside in {"v", "t"} and len(sheet.values) < MOST_CELLS:
            value = _value(part, kind, texts)
            if value is not None:
                sheet.values[cell] = value


def _place(name: str) -> tuple[int, int] | None:
    match = _CELL.match(name)
    if not match:
        return None
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - 64
    return int(match[2]) - 1, column - 1


def _value(text: str, kind: str, texts: list[str]) -> str | float | bool | None:
    if kind in {"str", "inlineStr", "e"}:
        return text
    if kind == "b":
        return text == "1"
    try:
        number = float(text)
    except ValueError:
        return None
    if kind == "s":
        return texts[int(number)] if 0 <= number < len(texts) else None
    return number
