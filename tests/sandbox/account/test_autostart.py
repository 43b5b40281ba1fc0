from __future__ import annotations

import pytest

from lazaretto.sandbox.account.autostart import file_mechanism, registry_mechanism
from lazaretto.sandbox.account.records import Kind


@pytest.mark.parametrize(
    ("key", "name", "mechanism"),
    [
        ("HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run", "x", "run-key"),
        ("HKLM\\SOFTWARE\\WOW6432Node\\Microsoft\\Windows\\CurrentVersion\\RunOnce", "", "run-key"),
        ("HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\RunX", "x", ""),
        ("HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon", "Userinit", "winlogon"),
        ("HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Image File Execution Options\\sethc.exe", "Debugger",
         "image-file-execution"),
        ("HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Windows", "AppInit_DLLs", "appinit"),
        ("HKLM\\System\\CurrentControlSet\\Services\\evil", "ImagePath", "service"),
        ("HKLM\\System\\CurrentControlSet\\Services\\evil", "Description", ""),
        ("HKLM\\System\\ControlSet001\\Control\\Lsa", "Security Packages", "lsa"),
        ("HKCU\\Software\\Classes\\CLSID\\{1}\\InprocServer32", "", "com"),
        ("HKCU\\Environment", "UserInitMprLogonScript", "logon-script"),
    ],
)  # fmt: skip
def test_registry(key, name, mechanism):
    assert registry_mechanism(key, name) == mechanism


@pytest.mark.parametrize(
    ("path", "shown", "mechanism"),
    [
        ("/etc/cron.d/x", "/etc/cron.d/x", "cron"),
        ("/var/spool/cron/crontabs/root", "", "cron"),
        ("/var/spool/cron/atjobs/a0001", "", "at"),
        ("/etc/systemd/system/x.service", "", "systemd"),
        ("/home/anna/.config/systemd/user/x.timer", "", "systemd"),
        ("/etc/rc.local", "", "rc"),
        ("/etc/init.d/x", "", "rc"),
        ("/root/.bashrc", "", "profile"),
        ("/etc/profile.d/x.sh", "", "profile"),
        ("/etc/ld.so.preload", "", "preload"),
        ("/etc/udev/rules.d/9.rules", "", "udev"),
        ("/home/anna/.config/autostart/x.desktop", "", "xdg"),
        ("/home/anna/.ssh/authorized_keys", "", "ssh"),
        ("/home/anna/notes.txt", "", ""),
        (
            "/x",
            "C:\\users\\anna\\AppData\\Roaming\\Microsoft\\Windows\\Start Menu\\Programs\\Startup\\x.lnk",
            "startup-folder",
        ),
        ("/x", "C:\\windows\\system32\\Tasks\\x", "task"),
        ("/x", "C:\\x.txt", ""),
    ],
)
def test_files(path, shown, mechanism):
    assert file_mechanism(path, shown or path) == mechanism


def test_a_renamed_file_lands_there_too(linux):
    linux.sample()
    linux.write("/tmp/x", b"[Service]\n")
    linux.record(Kind.RENAME, strings=(b"/tmp/x", b"/etc/systemd/system/x.service"))
    rename, autostart, service = linux.events("file.rename", "autostart", "service")
    assert autostart.because == (rename.id,)
    assert (autostart.location, service.name) == ("/etc/systemd/system/x.service", "x.service")


def test_failing_to_write_is_no_autostart_that_worked(linux):
    linux.sample()
    linux.open("/etc/crontab", 0o1, 0, result=-13)
    write, autostart, task = linux.events("file.write", "autostart", "task")
    assert (write.ok, autostart.ok, task.ok) == (False, False, False)
