"""A workbook's sheets as this package sees them, whatever the format."""

from __future__ import annotations

from dataclasses import dataclass, field

Cell = tuple[int, int]  # row and column from 0

MOST_CELLS = 200_000


@dataclass
class Sheet:
    """`hidden`: 0 shown, 1 hidden, 2 hidden so that the menu cannot show it. Formulas without the equals sign."""

    name: str
    macro: bool = False
    hidden: int = 0
    formulas: dict[Cell, str] = field(default_factory=dict)
    values: dict[Cell, str | float | bool] = field(default_factory=dict)


@dataclass
class Book:
    """`automatic` are the places at which Excel begins by itself: sheet and cell, by the name that says so."""

    sheets: list[Sheet] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # defined names, lower case, to formulas
    automatic: list[tuple[str, str]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def macro_sheets(self) -> list[Sheet]:
        return [sheet for sheet in self.sheets if sheet.macro]


def column_name(number: int) -> str:
    """0 is A, 26 is AA."""
    name = ""
    number += 1
    while number > 0:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


def listing(sheet: Sheet) -> str:
    """The sheet as text, a cell a line, columns one after the other as Excel runs them."""
    cells = sorted({*sheet.formulas, *sheet.values}, key=lambda cell: (cell[1], cell[0]))
    lines = []
    for row, column in cells:
        formula = sheet.formulas.get((row, column))
        shown = f"={formula}" if formula is not None else sheet.values[row, column]
        lines.append(f"{column_name(column)}{row + 1}: {shown}")
    return "\n".join(lines)
