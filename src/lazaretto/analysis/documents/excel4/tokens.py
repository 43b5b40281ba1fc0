"""From the tokens of a binary formula ([MS-XLS] 2.5.198) to its text."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from lazaretto.analysis.documents.excel4.names import ARGUMENTS, COMMANDS, FUNCTIONS
from lazaretto.analysis.documents.excel4.sheets import column_name

_OPERATORS = {
    3: "+", 4: "-", 5: "*", 6: "/", 7: "^", 8: "&", 9: "<", 10: "<=", 11: "=", 12: ">=", 13: ">", 14: "<>", 15: " ",
    16: ",", 17: ":",
}  # fmt: skip
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
_MOST_TOKENS = 5_000
_LONGEST = 40_000


class Tokens:
    """`sheets` are names by the number that a reference into another sheet has; `names` the defined ones."""

    def __init__(self, names: Sequence[str], sheets: Sequence[str]) -> None:
        self._names = names
        self._sheets = sheets

    def text(self, data: bytes) -> str:
        """The formula without its equals sign, as far as it can be read; `…` stands for what cannot."""
        stack: list[str] = []
        at = 0
        for _ in range(_MOST_TOKENS):
            if at >= len(data):
                break
            step = self._token(data, at, stack)
            if not step or len(stack) > 1_000:
                stack.append("…")
                break
            at += step
        return stack[-1][:_LONGEST] if stack else ""

    def _token(self, data: bytes, at: int, stack: list[str]) -> int:
        """Handle one token; its length, 0 where it is not known."""
        kind = data[at]
        try:
            if kind in _OPERATORS:
                right, left = stack.pop(), stack.pop()
                stack.append(f"{left}{_OPERATORS[kind]}{right}"[:_LONGEST])
                return 1
            if kind <= 0x1F:
                return self._basic(data, at, stack)
            return self._classed(kind & 0x1F | 0x20, data, at, stack)
        except (IndexError, struct.error):
            return 0

    def _basic(self, data: bytes, at: int, stack: list[str]) -> int:  # noqa: PLR0911  a table
        kind = data[at]
        match kind:
            case 0x12 | 0x13:
                stack.append(("+" if kind == 0x12 else "-") + stack.pop())
            case 0x14:
                stack.append(stack.pop() + "%")
            case 0x15:
                stack.append(f"({stack.pop()})")
            case 0x16:
                stack.append("")
            case 0x17:
                count, wide = data[at + 1], data[at + 2] & 1
                size = count * 2 if wide else count
                raw = data[at + 3 : at + 3 + size]
                text = raw.decode("utf-16-le" if wide else "cp1252", "replace")
                stack.append('"' + text.replace('"', '""') + '"')
                return 3 + size
            case 0x19:
                return self._attribute(data, at, stack)
            case 0x1C:
                stack.append(_ERRORS.get(data[at + 1], "#N/A"))
                return 2
            case 0x1D:
                stack.append("TRUE" if data[at + 1] else "FALSE")
                return 2
            case 0x1E:
                stack.append(str(struct.unpack_from("<H", data, at + 1)[0]))
                return 3
            case 0x1F:
                stack.append(f"{struct.unpack_from('<d', data, at + 1)[0]:.15g}")
                return 9
            case 0x01 | 0x02:
                return 5
            case _:
                return 0
        return 1

    def _attribute(self, data: bytes, at: int, stack: list[str]) -> int:
        kind = data[at + 1]
        if kind & 0x04:  # offsets of a CHOOSE
            return 6 + int(struct.unpack_from("<H", data, at + 2)[0]) * 2
        if kind & 0x10:
            stack.append(f"SUM({stack.pop()})")
        return 4

    def _classed(self, kind: int, data: bytes, at: int, stack: list[str]) -> int:  # noqa: PLR0911, PLR0912  a table
        match kind:
            case 0x20:
                stack.append("{…}")
                return 8
            case 0x21:
                name = FUNCTIONS.get(struct.unpack_from("<H", data, at + 1)[0], "FUNCTION")
                self._call(name, ARGUMENTS.get(name, 1), stack)
                return 3
            case 0x22:
                count, number = data[at + 1] & 0x7F, struct.unpack_from("<H", data, at + 2)[0]
                if number & 0x8000:
                    self._call(COMMANDS.get(number & 0x7FFF, "COMMAND"), count, stack)
                elif number == 255:
                    self._call_named(count, stack)
                else:
                    self._call(FUNCTIONS.get(number, "FUNCTION"), count, stack)
                return 4
            case 0x23:
                stack.append(self._name(struct.unpack_from("<I", data, at + 1)[0]))
                return 5
            case 0x24 | 0x2C:
                stack.append(_reference(*struct.unpack_from("<HH", data, at + 1)))
                return 5
            case 0x25 | 0x2D:
                row, last, column, right = struct.unpack_from("<HHHH", data, at + 1)
                stack.append(f"{_reference(row, column)}:{_reference(last, right)}")
                return 9
            case 0x26 | 0x27 | 0x28:
                return 7
            case 0x29:
                return 3
            case 0x2A:
                stack.append("#REF!")
                return 5
            case 0x2B:
                stack.append("#REF!")
                return 9
            case 0x39:
                _, number = struct.unpack_from("<HI", data, at + 1)
                stack.append(self._name(number))
                return 7
            case 0x3A:
                sheet, row, column = struct.unpack_from("<HHH", data, at + 1)
                stack.append(f"{self._sheet(sheet)}!{_reference(row, column)}")
                return 7
            case 0x3B:
                sheet, row, last, column, right = struct.unpack_from("<HHHHH", data, at + 1)
                stack.append(f"{self._sheet(sheet)}!{_reference(row, column)}:{_reference(last, right)}")
                return 11
            case 0x3C:
                stack.append("#REF!")
                return 7
            case 0x3D:
                stack.append("#REF!")
                return 11
        return 0

    def _call(self, name: str, count: int, stack: list[str]) -> None:
        count = min(count, len(stack))
        arguments = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        stack.append(f"{name}({','.join(arguments)})"[:_LONGEST])

    def _call_named(self, count: int, stack: list[str]) -> None:
        """A function by its name, which lies below its arguments."""
        arguments = stack[len(stack) - count :] if count else []
        del stack[len(stack) - count :]
        name = arguments[0] if arguments else "…"
        stack.append(f"{name}({','.join(arguments[1:])})"[:_LONGEST])

    def _name(self, number: int) -> str:
        return self._names[number - 1] if 0 < number <= len(self._names) else "#NAME?"

    def _sheet(self, number: int) -> str:
        name = self._sheets[number] if number < len(self._sheets) else "…"
        return f"'{name}'" if not name.isalnum() else name


def _reference(row: int, column: int) -> str:
    """Columns have 14 bits, above them what is relative; only the place matters here."""
    return f"{column_name(column & 0x3FFF)}{row + 1}"
