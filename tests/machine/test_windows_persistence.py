"""The registry, and all that starts things later: seen when it is written, and seen when it starts."""

from __future__ import annotations

import pytest

from lazaretto.domain.trace import Cause, Ending

pytestmark = pytest.mark.machine("windows")

RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
REGISTRY = r"""
#include <windows.h>
int main(void)
{
    HKEY key;
    DWORD number = 42, size = 64;
    unsigned long long large = 1ull << 40;
    BYTE data[64] = {1, 2, 3, 255};
    RegCreateKeyExA(HKEY_CURRENT_USER, "Software\\Probe\\Settings", 0, 0, 0, KEY_ALL_ACCESS, 0, &key, 0);
    RegSetValueExA(key, "text", 0, REG_SZ, (void *)"a text", 7);
    RegSetValueExA(key, "expand", 0, REG_EXPAND_SZ, (void *)"%TEMP%\\x", 9);
    RegSetValueExA(key, "list", 0, REG_MULTI_SZ, (void *)"one\0two\0", 9);
    RegSetValueExA(key, "number", 0, REG_DWORD, (void *)&number, 4);
    RegSetValueExA(key, "large", 0, REG_QWORD, (void *)&large, 8);
    RegSetValueExA(key, "bytes", 0, REG_BINARY, data, 4);
    RegSetValueExA(key, 0, 0, REG_SZ, (void *)"default", 8);
    RegQueryValueExA(key, "text", 0, 0, data, &size);
    size = 64;
    RegQueryValueExA(key, "not there", 0, 0, data, &size);
    RegDeleteValueA(key, "number");
    RegCloseKey(key);
    RegDeleteKeyA(HKEY_CURRENT_USER, "Software\\Probe\\Settings");
    RegOpenKeyExA(HKEY_LOCAL_MACHINE, "Software\\VMware, Inc.\\VMware Tools", 0, KEY_READ, &key);
    return 0;
}
"""


@pytest.mark.parametrize("bits", [64, 32])
def test_registry(windows, programs, bits):
    observed = windows(programs.pe(REGISTRY, bits=bits, name=f"registry{bits}.exe"), "exe")
    key = r"HKCU\Software\Probe\Settings"
    assert observed.one("registry.create", key=key)
    values = [(event.name, event.type, event.data) for event in observed.events("registry.set")]
    assert values == [
        ("text", "REG_SZ", "a text"),
        ("expand", "REG_EXPAND_SZ", r"%TEMP%\x"),
        ("list", "REG_MULTI_SZ", "one\ntwo"),
        ("number", "REG_DWORD", "0x0000002a (42)"),
        ("large", "REG_QWORD", "0x0000010000000000 (1099511627776)"),
        ("bytes", "REG_BINARY", "01 02 03 ff"),
        ("", "REG_SZ", "default"),
    ], observed.story()
    assert observed.one("registry.query", key=key, name="text", ok=True)
    assert observed.one("registry.query", key=key, name="not there", ok=False)
    deleted = [(event.key, event.name) for event in observed.events("registry.delete")]
    assert deleted == [(key, "number"), (key, None)]
    assert observed.one("registry.query", key=lambda key: "VMware Tools" in key, ok=False)
    assert not observed.events("autostart")


STARTS = r"""
#include <windows.h>
#include <stdio.h>
#define WINLOGON "Software\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon"
static void set(HKEY root, const char *path, const char *name, const char *text)
{
    HKEY key;
    RegCreateKeyExA(root, path, 0, 0, 0, KEY_SET_VALUE, 0, &key, 0);
    RegSetValueExA(key, name, 0, REG_SZ, (void *)text, strlen(text) + 1);
    RegCloseKey(key);
}
int main(int argc, char **argv)
{
    char self[MAX_PATH], place[MAX_PATH];
    DWORD n;
    GetModuleFileNameA(0, self, MAX_PATH);
    snprintf(place, sizeof(place), "%s\\updater.exe", getenv("APPDATA"));
    if (argc > 1) {
        snprintf(place, sizeof(place), "C:\\users\\Public\\back-%s", argv[1]);
        HANDLE f = CreateFileA(place, GENERIC_WRITE, 0, 0, CREATE_ALWAYS, 0, 0);
        WriteFile(f, "back", 4, &n, 0);
        CloseHandle(f);
        return 0;
    }
    CopyFileA(self, place, FALSE);
    char line[MAX_PATH + 20];
    snprintf(line, sizeof(line), "\"%s\" run", place);
    set(HKEY_CURRENT_USER, "Software\\Microsoft\\Windows\\CurrentVersion\\Run", "Updater", line);
    snprintf(line, sizeof(line), "\"%s\" machine", place);
    set(HKEY_LOCAL_MACHINE, "Software\\Microsoft\\Windows\\CurrentVersion\\RunOnce", "Updater", line);
    set(HKEY_LOCAL_MACHINE, WINLOGON, "Shell", "explorer.exe, x.exe");
    snprintf(place, sizeof(place), "%s\\Microsoft\\Windows\\Start Menu\\Programs\\Startup\\x.bat", getenv("APPDATA"));
    HANDLE f = CreateFileA(place, GENERIC_WRITE, 0, 0, CREATE_ALWAYS, 0, 0);
    WriteFile(f, "echo back > C:\\users\\Public\\back-folder\r\n", 41, &n, 0);
    CloseHandle(f);
    return 0;
}
"""


@pytest.fixture(scope="module", params=[64, 32])
def started_again(request, windows, programs):
    sample = programs.pe(STARTS, bits=request.param, name=f"starts{request.param}.exe")
    return windows(sample, "exe", reboot=True)


def test_autostart_is_derived(started_again):
    found = {event.mechanism for event in started_again.events("autostart")}
    assert {"run-key", "winlogon", "startup-folder"} <= found, started_again.story()
    run = started_again.one("autostart", location=lambda place: place == rf"HKCU\{RUN}\Updater")
    written = started_again.trace.events[run.because[0]]
    assert (written.kind, written.data) == ("registry.set", run.command)
    assert run.command.endswith('updater.exe" run')


def test_comes_back_after_a_restart(started_again):
    assert started_again.ending.complete
    # who starts it is not in the account, so its command line is the kernel's: words, quoted where they must be
    returned = started_again.process("updater.exe run")
    assert returned.cause is Cause.SESSION, started_again.story()
    for name in ("back-run", "back-machine", "back-folder"):
        made = started_again.one("file.create", path=lambda path, name=name: path.endswith(name))
        assert started_again.trace.processes[made.process].cause in (Cause.SESSION, Cause.CHILD)


def test_nothing_comes_back_of_itself(windows, programs):
    observed = windows(programs.pe("int main(void) { return 0; }", name="plain.exe"), "exe", reboot=True)
    assert observed.ending is Ending.EXITED
    assert len(observed.trace.processes) == 1, observed.story()


SERVICE = r"""
#include <windows.h>
static SERVICE_STATUS status = {SERVICE_WIN32_OWN_PROCESS, SERVICE_RUNNING, SERVICE_ACCEPT_STOP};
static SERVICE_STATUS_HANDLE handle;
static HANDLE over;
static void WINAPI control(DWORD code)
{
    if (code == SERVICE_CONTROL_STOP) { status.dwCurrentState = SERVICE_STOPPED; SetEvent(over); }
    SetServiceStatus(handle, &status);
}
static void WINAPI serve(DWORD argc, char **argv)
{
    DWORD n;
    over = CreateEventA(0, TRUE, FALSE, 0);
    handle = RegisterServiceCtrlHandlerA("UpdateHelper", control);
    SetServiceStatus(handle, &status);
    HANDLE f = CreateFileA("C:\\users\\Public\\served", GENERIC_WRITE, 0, 0, CREATE_ALWAYS, 0, 0);
    WriteFile(f, "as a service", 12, &n, 0);
    CloseHandle(f);
    WaitForSingleObject(over, 60000);
    status.dwCurrentState = SERVICE_STOPPED;
    SetServiceStatus(handle, &status);
}
int main(int argc, char **argv)
{
    SERVICE_TABLE_ENTRYA table[] = {{"UpdateHelper", serve}, {0}};
    char self[MAX_PATH + 10];
    if (argc > 1) return !StartServiceCtrlDispatcherA(table);
    GetModuleFileNameA(0, self, MAX_PATH);
    strcat(self, " serve");
    SC_HANDLE manager = OpenSCManagerA(0, 0, SC_MANAGER_ALL_ACCESS);
    SC_HANDLE service = CreateServiceA(manager, "UpdateHelper", "Update helper", SERVICE_ALL_ACCESS,
        SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START, SERVICE_ERROR_IGNORE, self, 0, 0, 0, 0, 0);
    StartServiceA(service, 0, 0);
    Sleep(5000);
    ControlService(service, SERVICE_CONTROL_STOP, &status);
    DeleteService(service);
    return 0;
}
"""


@pytest.mark.parametrize("bits", [64, 32])
def test_service(windows, programs, bits):
    observed = windows(programs.pe(SERVICE, bits=bits, name=f"service{bits}.exe"), "exe")
    assert observed.ending is Ending.EXITED, observed.story()
    asked = [(event.action, event.name) for event in observed.events("service")]
    assert asked == [(action, "UpdateHelper") for action in ("create", "start", "stop", "delete")], observed.story()
    create = observed.one("service", action="create")
    assert create.start == "auto"
    assert create.image.endswith(f"service{bits}.exe serve")
    assert observed.one("autostart", mechanism="service").because == (create.id,)
    served = observed.process(f"service{bits}.exe serve")
    assert served.cause is Cause.SERVICE
    write = observed.one("file.write", path=lambda path: path.endswith("served"))
    assert write.process == served.key
    assert observed.one("service", action="start").id < write.id < observed.one("service", action="stop").id
    machine = [p for p in observed.trace.processes.values() if "services.exe" in p.image]
    assert all(process.cause is Cause.MACHINE for process in machine)


TASK = """@echo off
schtasks /create /tn Updater /tr "cmd.exe /c echo task> C:\\users\\Public\\by-task" /sc minute /mo 5 /f
schtasks /run /tn Updater
"""


def test_scheduled_task(windows, programs):
    observed = windows(programs.file("task.bat", TASK.replace("\n", "\r\n")), "bat")
    created = observed.one("task", action="create", name="Updater")
    assert "by-task" in created.command
    assert observed.one("standin", program="schtasks", action="create-task")
    assert observed.one("autostart", mechanism="task")
    run = observed.one("task", action="run", name="Updater")
    made = observed.one("file.create", path=lambda path: path.endswith("by-task"))
    assert run.id < made.id
    # also what is asked for at once is started by the scheduler, not by who asked
    started = observed.trace.processes[made.process]
    assert (started.cause, started.parent) == (Cause.TASK, 0), observed.story()
