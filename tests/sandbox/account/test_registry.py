from __future__ import annotations

import pytest

from lazaretto.sandbox.account.records import Native
from lazaretto.sandbox.account.registry import value_text

MACHINE = "\\Registry\\Machine"
USER = "\\Registry\\User\\S-1-5-21-1-2-3-1001"


def wide(text: str) -> bytes:
    return text.encode("utf-16-le")


def test_a_run_key_by_handles(windows):
    windows.windows_sample()
    windows.native(Native.OPEN_KEY, 0, 0x20, strings=(wide(USER),))
    windows.native(
        Native.CREATE_KEY, 0x20, 0x24, 2, strings=(wide("Software\\Microsoft\\Windows\\CurrentVersion\\Run"),)
    )
    windows.native(Native.SET_VALUE, 0x24, 1, 24, strings=(wide("Updater"), wide("C:\\evil.exe\0")))
    windows.native(Native.CLOSE, 0x24)
    windows.native(Native.SET_VALUE, 0x24, 4, 4, strings=(wide("x"), b"\x01\0\0\0"))
    first, second = windows.events("registry.set")
    assert first.key == "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run"
    assert (first.name, first.type, first.data) == ("Updater", "REG_SZ", "C:\\evil.exe")
    assert second.key == "?0x24"


def test_autostart_follows_from_the_value(windows):
    windows.windows_sample()
    key = f"{MACHINE}\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon"
    windows.native(Native.OPEN_KEY, 0, 0x20, strings=(wide(key),))
    windows.native(Native.SET_VALUE, 0x20, 1, 16, strings=(wide("Shell"), wide("evil.exe")))
    value, autostart = windows.events("registry.set", "autostart")
    assert (autostart.mechanism, autostart.command, autostart.because) == ("winlogon", "evil.exe", (value.id,))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (f"{MACHINE}\\Software\\Classes\\.x", "HKLM\\Software\\Classes\\.x"),
        (f"{USER}_Classes\\.x", "HKCU\\Software\\Classes\\.x"),
        (f"{USER}1\\X", "HKU\\S-1-5-21-1-2-3-10011\\X"),
        ("\\Registry\\User\\.Default\\X", "HKU\\.Default\\X"),
        ("\\REGISTRY\\MACHINE", "HKLM"),
    ],
)
def test_roots(windows, name, shown):
    windows.windows_sample()
    windows.native(Native.CREATE_KEY, 0, 0x20, 1, strings=(wide(name),))
    (event,) = windows.events("registry.create")
    assert event.key == shown


def test_queries_once_and_without_what_every_program_asks(windows):
    windows.windows_sample()
    for _ in range(2):
        windows.native(Native.OPEN_KEY, 0, 0x20, strings=(wide(f"{MACHINE}\\Software\\Oracle"),), result=0xC0000034)
    windows.native(
        Native.OPEN_KEY, 0, 0x24, strings=(wide(f"{MACHINE}\\System\\CurrentControlSet\\Control\\Session Manager\\X"),)
    )
    (event,) = windows.events("registry.query")
    assert (event.key, event.ok) == ("HKLM\\Software\\Oracle", False)


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        (1, wide("abc\0junk"), "abc"),
        (4, b"\x2a\0\0\0", "0x0000002a (42)"),
        (11, b"\x01" + b"\0" * 7, "0x0000000000000001 (1)"),
        (7, wide("a\0b\0\0"), "a\nb"),
        (3, b"\x4d\x5a\x90", "4d 5a 90"),
        (4, b"\x01", "01"),
        (1, b"\xff\xd8\x00", "\ufffd"),
    ],
)
def test_values_as_regedit_shows_them(kind, data, text):
    assert value_text(kind, data, len(data)) == text
