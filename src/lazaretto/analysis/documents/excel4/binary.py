"""The binary workbook ([MS-XLS]): sheets, names, formulas and constants."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from lazaretto.analysis.documents.excel4.sheets import MOST_CELLS, Book, Sheet
from lazaretto.analysis.documents.excel4.tokens import Tokens
from lazaretto.analysis.documents.workbook import records

_BUILT_IN = {1: "auto_open", 2: "auto_close", 10: "auto_activate", 11: "auto_deactivate"}
_SHOWN, _MACRO = 0, 1


@dataclass
class _Globals:
    sheets: list[tuple[int, Sheet]] = field(default_factory=list)  # place of its records
    names: list[str] = field(default_factory=list)
    formulas: list[tuple[str, bytes, bool]] = field(default_factory=list)  # of names: name, tokens, runs by itself
    references: list[int] = field(default_factory=list)  # by number of a reference: the sheet's number
    texts: list[str] = field(default_factory=list)


def read(stream: bytes) -> Book:
    """Sheets and names of a `Workbook` stream; constants of all sheets, for formulas take texts from everywhere."""
    whole = _globals(stream)
    titles = [whole.sheets[number][1].name if 0 <= number < len(whole.sheets) else "…" for number in whole.references]
    tokens = Tokens(whole.names, titles)
    book = Book(sheets=[sheet for _, sheet in whole.sheets])
    for name, data, automatic in whole.formulas:
        formula = tokens.text(data)
        book.names.setdefault(name.lower(), formula)
        if automatic:
            book.automatic.append((name, formula))
    _cells(stream, whole, tokens)
    return book


def _globals(stream: bytes) -> _Globals:
    found = _Globals()
    table = b""
    for _, number, body in records(stream):
        match number:
            case 0x85 if len(body) >= 8:  # BOUNDSHEET
                place, state, kind, length, wide = struct.unpack_from("<IBBBB", body)
                size = length * 2 if wide & 1 else length
                name = body[8 : 8 + size].decode("utf-16-le" if wide & 1 else "cp1252", "replace")
                found.sheets.append((place, Sheet(name, macro=kind == _MACRO, hidden=state & 3)))
            case 0x18 if len(body) >= 15:
                _name(body, found)
            case 0x17 if len(body) >= 2:  # EXTERNSHEET
                count = struct.unpack_from("<H", body)[0]
                for index in range(min(count, (len(body) - 2) // 6)):
                    found.references.append(struct.unpack_from("<h", body, 2 + index * 6 + 2)[0])
            case 0xFC:
                table = body
            case 0x3C if table and len(table) < 16 << 20:  # CONTINUE
                table += body
            case 0x0A:
                break
    found.texts = _texts(table)
    return found


def _name(body: bytes, found: _Globals) -> None:
    """LBL, 2.4.150."""
    flags, _, length, size = struct.unpack_from("<HBBH", body)
    wide = body[14] & 1
    raw = body[15 : 15 + (length * 2 if wide else length)]
    built_in = bool(flags & 0x20)
    name = raw.decode("utf-16-le" if wide else "cp1252", "replace")
    if built_in and raw:
        name = _BUILT_IN.get(raw[0], f"built-in {raw[0]}")
    begin = 15 + len(raw)
    found.names.append(name)
    # Excel compares what follows "Auto_Open" not at all, so a longer name starts by itself too.
    automatic = name.lower().startswith(("auto_open", "auto_close", "auto_activate", "auto_deactivate"))
    found.formulas.append((name, body[begin : begin + size], automatic))


def _texts(table: bytes) -> list[str]:
    """Shared texts (SST, 2.4.265), as far as they are read in one piece."""
    found: list[str] = []
    if len(table) < 8:
        return found
    count = struct.unpack_from("<I", table, 4)[0]
    at = 8
    for _ in range(min(count, MOST_CELLS)):
        if at + 3 > len(table):
            break
        length, flags = struct.unpack_from("<HB", table, at)
        at += 3
        runs = extra = 0
        if flags & 8:
            runs = struct.unpack_from("<H", table.ljust(at + 2, b"\0"), at)[0]
            at += 2
        if flags & 4:
            extra = struct.unpack_from("<I", table.ljust(at + 4, b"\0"), at)[0]
            at += 4
        size = length * 2 if flags & 1 else length
        found.append(table[at : at + size].decode("utf-16-le" if flags & 1 else "cp1252", "replace"))
        at += size + runs * 4 + extra
    return found


def _cells(stream: bytes, whole: _Globals, tokens: Tokens) -> None:
    """Walk through all records; a sheet's begin is where its entry says."""
    begins = dict(whole.sheets)
    sheet: Sheet | None = None
    count = 0
    for place, number, body in records(stream):
        if number == 0x809:
            sheet = begins.get(place, sheet)
        if sheet is None or len(body) < 6 or count > MOST_CELLS:
            continue
        row, column = struct.unpack_from("<HH", body)
        cell = (row, column & 0x3FFF)
        match number:
            case 0x06 if len(body) >= 22 and sheet.macro:
                size = struct.unpack_from("<H", body, 20)[0]
                sheet.formulas[cell] = tokens.text(body[22 : 22 + size])
            case 0xFD if len(body) >= 10:
                index = struct.unpack_from("<I", body, 6)[0]
                if index < len(whole.texts):
                    sheet.values[cell] = whole.texts[index]
            case 0x204 if len(body) >= 9:
                length, wide = struct.unpack_from("<HB", body, 6)
                raw = body[9 : 9 + (length * 2 if wide & 1 else length)]
                sheet.values[cell] = raw.decode("utf-16-le" if wide & 1 else "cp1252", "replace")
            case 0x203 if len(body) >= 14:
                sheet.values[cell] = struct.unpack_from("<d", body, 6)[0]
            case 0x27E if len(body) >= 10:
                sheet.values[cell] = _packed(struct.unpack_from("<I", body, 6)[0])
            case 0xBD:
                _many(sheet, body, row)
            case _:
                continue
        count += 1


def _many(sheet: Sheet, body: bytes, row: int) -> None:
    """MULRK: numbers of neighbouring cells."""
    first = struct.unpack_from("<H", body, 2)[0]
    for index in range((len(body) - 6) // 6):
        sheet.values[row, first + index] = _packed(struct.unpack_from("<I", body, 4 + index * 6 + 2)[0])


def _packed(number: int) -> float:
    """RK, 2.5.217: a number in 30 bits."""
    if number & 2:
        value = float(number >> 2 if number < 0x80000000 else (number >> 2) - (1 << 30))
    else:
        value = float(struct.unpack("<d", struct.pack("<Q", (number & 0xFFFFFFFC) << 32))[0])
    return value / 100 if number & 1 else value
