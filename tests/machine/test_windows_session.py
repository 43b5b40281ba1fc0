"""Windows, input, clipboard, screen: what is shown to the person, and what is taken from them."""

from __future__ import annotations

import pytest

from lazaretto.domain.trace import Ending, Source

pytestmark = pytest.mark.machine("windows")

ASKS = r"""
#include <windows.h>
int main(void)
{
    return MessageBoxA(0, "Some files are damaged. Repair them?", "Disk check", MB_YESNO | MB_ICONWARNING);
}
"""


@pytest.mark.parametrize("bits", [64, 32])
def test_message_box_is_answered(windows, programs, bits):
    observed = windows(programs.pe(ASKS, bits=bits, name=f"asks{bits}.exe"), "exe")
    assert observed.ending is Ending.EXITED, observed.story()
    box = observed.one("window", title="Disk check", source=Source.API)
    assert (box.text, box.dialog) == ("Some files are damaged. Repair them?", True)
    assert observed.process(f"asks{bits}.exe").exit_code == 6  # IDYES
    assert observed.trace.guest_time < 60
    pictures = observed.artifacts("screenshot")
    assert pictures
    assert observed.content(pictures[0]).startswith(b"\x89PNG")


WATCHES = r"""
#include <windows.h>
static LRESULT CALLBACK hook(int code, WPARAM w, LPARAM l) { return CallNextHookEx(0, code, w, l); }
int main(void)
{
    MSG message;
    DWORD style = WS_OVERLAPPEDWINDOW | WS_VISIBLE;
    HWND window = CreateWindowExA(0, "STATIC", "Tax office", style, 50, 50, 300, 200, 0, 0, 0, 0);
    while (PeekMessageA(&message, 0, 0, 0, PM_REMOVE)) DispatchMessageA(&message);
    SetWindowsHookExA(WH_KEYBOARD_LL, hook, GetModuleHandleA(0), 0);
    for (int i = 0; i < 300; i++) { for (int key = 8; key < 190; key++) GetAsyncKeyState(key); Sleep(20); }
    HGLOBAL text = GlobalAlloc(GMEM_MOVEABLE, 32);
    strcpy(GlobalLock(text), "bc1q-another-address");
    GlobalUnlock(text);
    OpenClipboard(window);
    GetClipboardData(CF_TEXT);
    EmptyClipboard();
    SetClipboardData(CF_TEXT, text);
    CloseClipboard();
    HDC screen = GetDC(0), memory = CreateCompatibleDC(screen);
    HBITMAP picture = CreateCompatibleBitmap(screen, 200, 200);
    SelectObject(memory, picture);
    BitBlt(memory, 0, 0, 200, 200, screen, 0, 0, SRCCOPY);
    return 0;
}
"""


@pytest.mark.parametrize("bits", [64, 32])
def test_person_is_watched(windows, programs, bits):
    observed = windows(programs.pe(WATCHES, "-lgdi32", bits=bits, name=f"watches{bits}.exe"), "exe")
    assert observed.ending is Ending.EXITED, observed.story()
    steps = [
        observed.one("window", title="Tax office"),
        observed.one("input.hook", how="hook"),
        observed.one("input.hook", how="key-state"),
        observed.one("clipboard", action="read"),
        observed.one("clipboard", action="write"),
        observed.one("screen.capture"),
    ]
    assert [step.id for step in steps] == sorted(step.id for step in steps), observed.story()
    assert len(observed.events("input.hook", how="key-state")) == 1
    assert observed.artifacts("screenshot")
