"""The parts of the office guest that need no office: names of Windows, translated macros, made documents."""

import importlib.util
import io
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from lazaretto.testing import vba as documents

OFFICE = Path(__file__).parents[3] / "src/lazaretto/sandbox/guest/office"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"office_{name}", OFFICE / f"files/usr/lib/win/{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delitem(sys.modules, "office_drive", raising=False)
    return load("drive")


translate = load("vba").translate
translate_basic = load("vba").translate_basic


def test_windows_paths_find_files_whatever_their_case(drive: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / ".wine/drive_c/Users/Public"
    folder.mkdir(parents=True)
    assert drive.inside("c:\\USERS\\public\\a.exe") == f"{folder}/a.exe"
    assert drive.inside("%PUBLIC%\\..\\Public\\b.txt") == f"{folder}/b.txt"
    assert drive.inside("/tmp/x") == "/tmp/x"
    assert drive.outside(f"{folder}/a.exe") == "C:\\Users\\Public\\a.exe"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('cmd /c "echo hi" x', ["cmd", "/c", "echo hi", "x"]),
        (r'a "b\"c" d\\"e f"', ["a", 'b"c', r"d\e f"]),
        (r"C:\a\b.exe  -x", [r"C:\a\b.exe", "-x"]),
        ('""', [""]),
    ],
)
def test_command_lines_are_split_as_windows_does(drive: ModuleType, line: str, words: list[str]) -> None:
    assert drive.split(line) == words


def test_library_functions_become_calls() -> None:
    text = translate(
        '#If VBA7 Then\nPrivate Declare PtrSafe Function Get_ Lib "urlmon" Alias '
        '"URLDownloadToFileA" (ByVal a As LongPtr, _\n'
        'ByVal url As String) As Long\n#Else\nPrivate Declare Function Old Lib "x" () As Long\n#End If\n'
    )
    assert "Declare" not in text and "Old" not in text and "#" not in text
    assert 'Library("urlmon", "URLDownloadToFileA", a, url)' in text


def test_files_and_programs_are_led_to_drive_c() -> None:
    text = translate(
        'Sub AutoOpen()\n Open Environ("TEMP") & "\\a" For Output As #1\n Shell "cmd /c x", 0\n Kill "C:\\a"\nEnd Sub\n'
    )
    assert 'Open Win_Fresh(Win_Environ("TEMP") & "\\a") For Binary As #1' in text
    assert 'Win_Shell "cmd /c x", 0' in text
    assert 'Win_Kill "C:\\a"' in text
    assert text.count("On Error Resume Next") == 1


@pytest.mark.parametrize(
    ("statement", "becomes"),
    [
        ('Print #1, "a;b";', 'Call Win_Print(1, "" & Win_Shown("a;b"))'),
        ("Print #n, f(a, b), c", 'Call Win_Print(n, Win_Tab("" & Win_Shown(f(a, b)), 0) & Win_Shown(c) & {end})'),
        ("Print #1, Spc(2); Tab(9); a", 'Call Win_Print(1, Win_Tab("" & Spc(2), 9) & Win_Shown(a) & {end})'),
        ("Print #1,", 'Call Win_Print(1, "" & {end})'),
        ("Write #1, a, 2", 'Call Win_Print(1, Win_Quoted(a) & "," & Win_Quoted(2) & {end})'),
        ("Write #1, a;", 'Call Win_Print(1, Win_Quoted(a) & ",")'),
        ("Put #1, , b(2)", "Call Win_Put(1, 0, b(2))"),
        ("Put #1, 5, CByte(x)", "Call Win_PutByte(1, 5, CByte(x))"),
        ("Open p For Append As n", "Open Win_Path(p) For Binary As #n: Seek #n, LOF(n) + 1"),
        ("Open p For Input As #1", "Open Win_Path(p) For Input As #1"),
        ("Debug.Print x", "Debug.Print x"),
    ],
)
def test_what_is_written_to_files(statement: str, becomes: str) -> None:
    becomes = becomes.format(end="Chr(13) & Chr(10)")
    assert translate(f" {statement}\n").split("\n", 1)[0].strip() == becomes
    assert f"x = 1: {becomes}" in translate(f"x = 1: {statement}: Close #1\n")


def test_else_of_one_line_is_found() -> None:
    text = translate('If a = "Then" Then Print #1, "x"; Else MsgBox "Else"\n')
    lines = [line.strip() for line in text.splitlines()[:5]]
    assert lines[::2] == ['If a = "Then" Then', "Else", "End If"]
    assert lines[1::2] == ['Call Win_Print(1, "" & Win_Shown("x"))', 'Win_MsgBox "Else"']


def test_basic_of_the_offices_own_tells_of_boxes_and_waiting() -> None:
    text = translate_basic(
        'Sub Main\n If MsgBox("Wait 1", 4) = 6 Then Wait 500 Else Wait(9)\n Open a For Output As #1\nEnd Sub'
    )
    assert 'If Win_MsgBox("Wait 1", 4) = 6 Then\n Win_Wait 500\n Else\n Win_Wait(9)\n End If' in text
    assert "Open a For Output" in text and "Private Sub Win_Wait" in text


@pytest.mark.parametrize("source", ["Sub Main\n x.Wait 5\n REM Waiting\r\nEnd Sub", "Sub Wait1\nEnd Sub\n", ""])
def test_basic_of_the_offices_own_stays_as_it_is(source: str) -> None:
    assert translate_basic(source) == source


def test_strings_comments_and_members_stay_as_they_are() -> None:
    line = ' x.Shell "GetObject(1)" \' Shell "y"\n'
    assert translate(line).startswith(' x.Shell "GetObject(1)"')
    assert "Win_" not in translate(line)


def test_a_handler_of_the_macros_own_is_left_alone() -> None:
    text = "Sub A()\n On Error GoTo Done\n x = 1\nDone:\nEnd Sub\n"
    assert "Resume Next" not in translate(text)


def test_objects_by_moniker_are_asked_for_like_others() -> None:
    assert 'Win_Object("winmgmts:")' in translate('Sub A()\n Set x = GetObject("winmgmts:")\nEnd Sub\n')
    assert 'Win_Object("Word.Application")' in translate(
        'Sub A()\n Set x = GetObject(, "Word.Application")\nEnd Sub\n'
    ).replace(" ", "")


def decompress(data: bytes) -> bytes:
    """[MS-OVBA] 2.4.1.3: only what `documents.compress` makes."""
    out, at = b"", 1
    assert data[0] == 1
    while at < len(data):
        head = int.from_bytes(data[at : at + 2], "little")
        end = at + (head & 0xFFF) + 3
        at += 2
        if not head & 0x8000:
            out += data[at:end]
        else:
            while at < end:
                assert data[at] == 0
                out += data[at + 1 : min(at + 9, end)]
                at += 9
        at = end
    return out


@pytest.mark.parametrize("size", [0, 1, 8, 9, 3640, 3641, 4096, 5000, 20000])
def test_compressed_macros_come_out_again(size: int) -> None:
    data = bytes(n % 251 for n in range(size))
    assert decompress(documents.compress(data)).rstrip(b"\n") == data.rstrip(b"\n")


def test_made_documents_hold_a_compound_file() -> None:
    data = documents.docm("Sub Document_Open()\nEnd Sub\n", {"Module1": "Sub A()\nEnd Sub\n" * 900})
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        project = package.read("word/vbaProject.bin")
    assert project.startswith(b"\xd0\xcf\x11\xe0") and len(project) % 512 == 0
    assert "Module1".encode("utf-16-le") in project


def test_every_stand_in_of_the_manifest_is_one_that_does_something() -> None:
    settings = tomllib.loads((OFFICE / "profile.toml").read_text())
    source = (OFFICE / "files/usr/lib/win/standin.py").read_text()
    for path, name in settings["manifest"]["standins"].items():
        assert path == f"/usr/lib/win/bin/{name}.exe"
        assert f'"{name}": ' in source
