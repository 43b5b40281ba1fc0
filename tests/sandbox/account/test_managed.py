from __future__ import annotations

import base64

from lazaretto.sandbox.account import managed

LINE = (
    "[0x7f3c2b7fe740: 0.00123 2] ENTER:c System.IO.File:WriteAllText (string,string)"
    "([STRING:0x7f3c2a000ab8:C:\\x, y.txt], [STRING:0x7f3c2a000b00:evil], )"
)


def test_a_call():
    call = managed.parse(LINE)
    assert call == ("system.io.file", "WriteAllText", ("C:\\x, y.txt", "evil"))


def test_this_is_no_argument_and_old_form():
    call = managed.parse("[(nil): 0.00001 0] ENTER: X:Y ()()")
    assert call is None
    call = managed.parse(
        "[0x1: 0.00001 0] ENTER: System.Net.WebClient:DownloadFile (string,int)"
        "(this:0x7f00[System.Net.WebClient a.exe], [STRING:0x1:http://x/], 42, )"
    )
    assert call == ("system.net.webclient", "DownloadFile", ("http://x/", "42"))


def test_in_the_console_they_are_calls_and_not_output(linux):
    linux.sample()
    text = f"hello\n{LINE}\n[0x7f3c2b7fe740: 0.00125 2] LEAVE:c System.IO.File:WriteAllText (string,string)\nworld\n"
    half = len(text) // 2
    for part in (text[:half], text[half:]):
        linux.keeper("console", stream="out", data=base64.b64encode(part.encode()).decode())
    events = linux.events("api", "console")
    assert [(event.kind, event.source) for event in events] == [
        ("console", "session"), ("api", "managed"), ("console", "session"),
    ]  # fmt: skip
    assert events[0].text == "hello"
    assert events[1].arguments == ("C:\\x, y.txt", "evil")
