from __future__ import annotations

from lazaretto.sandbox.account.records import Kind

USER32 = b"/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/user32.dll"


def call(windows, function, arguments="", value="1", module="user32", ret="00401000"):
    windows.line(f"0024:Call {module}.{function}({arguments}) ret={ret}")
    windows.line(f"0024:Ret  {module}.{function}() retval={value} ret={ret}")


def test_a_message_box_is_a_window(windows):
    windows.windows_sample()
    call(windows, "MessageBoxA", '00,00a0 "All your files",00a4 "Ransom",0')
    (window,) = windows.events("window")
    assert (window.title, window.text, window.dialog, window.source) == ("Ransom", "All your files", True, "api")


def test_a_call_and_its_return_are_one_event_where_it_began(windows):
    windows.windows_sample()
    windows.line('0024:Call wininet.InternetOpenUrlA(1,00a0 "http://x/",0) ret=00401000')
    windows.connect("10.1.2.3", 80, 40000)
    windows.line("0024:Ret  wininet.InternetOpenUrlA() retval=00000000 ret=00401000")
    api, _ = windows.events("api", "net.connect")
    assert (api.module, api.function, api.arguments) == ("wininet", "InternetOpenUrlA", ("0x1", "http://x/", "0x0"))
    assert (api.result, api.ok) == ("0x0", False)


def test_calls_between_wines_own_modules_are_left_out(windows):
    windows.windows_sample()
    windows.record(Kind.MODULE_MAP, 0x7B000000, 0x100000, 5, strings=(USER32,))
    call(windows, "CreateEventA", module="kernel32", ret="7b000123")
    call(windows, "CreateEventA", module="kernel32", ret="00401000")
    call(windows, "CreateEventA", module="kernel32", ret="10001000")  # a DLL of the sample, or unpacked code
    assert len(windows.events("api")) == 2


def test_without_any_mapping_nesting_decides(windows):
    windows.windows_sample()
    windows.line("0024:Call KERNEL32.CreateThing(1) ret=00401000")
    call(windows, "CreateThing", module="kernelbase", ret="7b012345")
    windows.line("0024:Ret  KERNEL32.CreateThing() retval=1 ret=00401000")
    windows.line("0024:Call user32.DispatchMessageA(1) ret=00401000")
    call(windows, "Beep", module="kernel32", ret="00402000")
    windows.line("0024:Ret  user32.DispatchMessageA() retval=1 ret=00401000")
    assert [event.function for event in windows.events("api")] == ["CreateThing", "DispatchMessageA", "Beep"]


def test_hooks_and_polling(windows):
    windows.windows_sample()
    call(windows, "SetWindowsHookExW", "0000000d,00401234,0,0")
    call(windows, "SetWindowsHookExW", "00000005,00401234,0,0")
    for _ in range(50):
        call(windows, "GetAsyncKeyState", "41", "0")
    call(windows, "RegisterRawInputDevices", "1,1,10")
    events = windows.events("input.hook", "api")
    assert [getattr(event, "how", event.kind) for event in events] == ["hook", "api", "key-state", "raw-input"]


def test_screen_capture_only_from_the_screen(windows):
    windows.windows_sample()
    call(windows, "GetDC", "00000000", "0100")
    call(windows, "GetDC", "00010020", "0200")
    call(windows, "BitBlt", "1,0,0,a,a,0200,0,0,cc0020", module="gdi32")
    call(windows, "BitBlt", "1,0,0,a,a,0100,0,0,cc0020", module="gdi32")
    call(windows, "GetDesktopWindow", "", "10010")
    call(windows, "GetWindowDC", "00010010", "0300")
    call(windows, "StretchBlt", "1,0,0,a,a,0300,0,0,cc0020", module="gdi32")
    assert [event.how for event in windows.events("screen.capture")] == ["bitblt", "stretchblt"]


def test_clipboard(windows):
    windows.windows_sample()
    call(windows, "GetClipboardData", "d")
    call(windows, "SetClipboardData", "d,1")
    call(windows, "AddClipboardFormatListener", "1")
    assert [event.action for event in windows.events("clipboard")] == ["read", "write", "watch"]


def test_services(windows):
    windows.windows_sample()
    arguments = '1,00a0 L"Evil",00a4 L"Evil Service",f01ff,10,2,1,00a8 L"C:\\\\evil.exe",0,0,0,0,0'
    call(windows, "CreateServiceW", arguments, "0500", "advapi32")
    call(windows, "StartServiceW", "0500,0,0", "1", "advapi32")
    call(windows, "OpenServiceA", '1,00a0 "WinDefend",f01ff', "0600", "advapi32")
    call(windows, "ControlService", "0600,1,00a0", "1", "advapi32")
    call(windows, "DeleteService", "0600", "0", "advapi32")
    create, autostart, start, stop, delete = windows.events("service", "autostart")
    assert (create.action, create.name, create.image, create.start) == ("create", "Evil", "C:\\evil.exe", "auto")
    assert (autostart.mechanism, autostart.because) == ("service", (create.id,))
    assert (start.action, start.name) == ("start", "Evil")
    assert (stop.action, stop.name) == ("stop", "WinDefend")
    assert (delete.action, delete.ok) == ("delete", False)


def test_a_service_that_was_not_created_is_no_autostart(windows):
    windows.windows_sample()
    call(windows, "CreateServiceW", '1,00a0 L"Evil",0,f01ff,10,2,1,00a8 L"C:\\\\evil.exe"', "0", "advapi32")
    assert [event.kind for event in windows.events("service", "autostart")] == ["service"]


def test_repeats_end_in_one_event_that_counts(windows):
    windows.windows_sample()
    for _ in range(350):
        call(windows, "IsDebuggerPresent", "", "0", "kernel32")
    events = windows.events("api")
    assert len(events) == 101
    assert events[-1].result == "350 calls"


def test_a_return_past_others_closes_them(windows):
    windows.windows_sample()
    windows.line("0024:Call KERNEL32.One() ret=00401000")
    windows.line("0024:Call KERNEL32.RaiseException(1) ret=00401000")
    windows.line("0024:Ret  KERNEL32.One() retval=7 ret=00401000")
    call(windows, "Two", "", "8", "kernel32")
    results = {event.function: event.result for event in windows.events("api")}
    assert results["One"] == "0x7"
    assert results["Two"] == "0x8"
