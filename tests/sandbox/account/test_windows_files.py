"""Files of Windows programs, as Wine's native service is asked for them."""

from __future__ import annotations

from lazaretto.domain.trace import Source
from lazaretto.sandbox.account.records import Native

OPEN, CREATE, OVERWRITE_IF = 1, 2, 5
READ, WRITE, DELETE = 0x80100080, 0x40100080, 0x10000
PUBLIC = "C:\\users\\Public"
DOCUMENTS = "C:\\users\\anna\\Documents"
OPENED, MADE = 1, 2


def wide(text):
    return text.encode("utf-16-le")


def ask(windows, path, access, disposition, done=0, options=0, handle=0x40, **more):
    how = disposition | options << 32
    strings = (wide(f"\\??\\{path}"),)
    windows.native(Native.CREATE_FILE, 0, handle, access, how, done, strings=strings, **more)


def test_made_read_renamed_deleted(windows):
    windows.windows_sample()
    ask(windows, f"{PUBLIC}\\new.txt", WRITE, OVERWRITE_IF, MADE)
    ask(windows, f"{DOCUMENTS}\\plan.txt", READ, OPEN, OPENED, handle=0x44)
    ask(windows, f"{PUBLIC}\\new.txt", DELETE, OPEN, OPENED, handle=0x48)
    windows.native(Native.SET_FILE, 0x48, 10, strings=(wide(f"\\??\\{PUBLIC}\\old.txt"),))
    ask(windows, f"{PUBLIC}\\old.txt", DELETE, OPEN, OPENED, options=0x1000, handle=0x4C)
    made, read, canary, renamed, deleted = windows.events(
        "file.create", "file.read", "canary", "file.rename", "file.delete"
    )
    assert (made.kind, made.path, made.source) == ("file.create", f"{PUBLIC}\\new.txt", Source.NATIVE)
    assert read.path == f"{DOCUMENTS}\\plan.txt"
    assert (canary.canary, canary.because) == ("document", (read.id,))
    assert (renamed.path, renamed.to) == (f"{PUBLIC}\\new.txt", f"{PUBLIC}\\old.txt")
    assert deleted.path == f"{PUBLIC}\\old.txt"


def test_looked_for_in_vain(windows):
    windows.windows_sample()
    ask(windows, f"{PUBLIC}\\tool.ini", READ, OPEN, result=0xC0000034)
    ask(windows, f"{PUBLIC}\\locked.txt", READ, OPEN, result=0xC0000022)
    (missing,) = windows.events("file.missing", "file.read")
    assert (missing.path, missing.ok) == (f"{PUBLIC}\\tool.ini", False)


def test_said_once_by_the_service_and_the_call(windows):
    windows.windows_sample()
    path = f"{PUBLIC}\\new.txt".replace("\\", "\\\\")
    windows.line(f'0009:Call kernelbase.DeleteFileA(00001000 "{path}") ret=140001000\n')
    ask(windows, f"{PUBLIC}\\new.txt", DELETE, OPEN, OPENED, options=0x1000)
    windows.line("0009:Ret  kernelbase.DeleteFileA() retval=00000001 ret=140001000\n")
    assert len(windows.events("file.delete")) == 1


def test_directories_and_devices(windows):
    windows.windows_sample()
    ask(windows, f"{PUBLIC}\\folder", READ, CREATE, MADE, options=1)
    ask(windows, f"{PUBLIC}\\folder", READ, OPEN, OPENED, options=1)
    windows.native(Native.CREATE_FILE, 0, 0x50, READ, OPEN, OPENED, strings=(wide("\\Device\\NamedPipe\\x"),))
    (made,) = windows.events("file.create", "file.read")
    assert made.directory


def test_what_a_library_looks_for_is_not_the_programs(windows):
    windows.windows_sample()
    windows.line('0009:Call user32.MessageBoxA(00000000,1000 "text",1010 "title",0) ret=140001000\n')
    ask(windows, f"{PUBLIC}\\theme.msstyles", READ, OPEN, OPENED)
    windows.native(Native.OPEN_KEY, 0, 0x20, strings=(wide("\\Registry\\Machine\\Software\\Oracle"),))
    windows.line("0009:Ret  user32.MessageBoxA() retval=00000001 ret=140001000\n")
    ask(windows, f"{PUBLIC}\\mine.txt", READ, OPEN, OPENED)
    (read,) = windows.events("file.read", "registry.query")
    assert read.path == f"{PUBLIC}\\mine.txt"


def test_variables_that_were_set_reach_the_child(windows):
    windows.windows_sample()
    for call in ('SetEnvironmentVariableA(1000 "MARK",1010 "seen")', 'SetEnvironmentVariableW(1000 L"OS",00000000)'):
        windows.line(f"0009:Call kernelbase.{call} ret=140001000\n")
        windows.line(f"0009:Ret  kernelbase.{call.partition('(')[0]}() retval=00000001 ret=140001000\n")
    windows.create_process(200, "C:\\windows\\system32\\cmd.exe", "cmd.exe", 0x30)
    assert windows.events("process.start")[1].environment == {"MARK": "seen", "OS": ""}
