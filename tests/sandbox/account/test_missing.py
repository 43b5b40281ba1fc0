from __future__ import annotations

import base64

from lazaretto.domain.trace import Source


def told(guest, text: str, stream: str = "err") -> None:
    guest.keeper("console", stream=stream, data=base64.b64encode(text.encode()).decode())


def test_what_cmd_does_not_find_was_asked_for(windows):
    windows.windows_sample("cmd.exe", "/c", "a.bat")
    told(windows, "Can't recognize 'tscon 2 /dest:console' as an internal or exter")
    told(windows, "nal command, or batch script.\r\n")
    told(windows, "Can't recognize 'hello' as an internal or external command, or batch script.\r\n")
    told(windows, "Can't recognize 'tree C:' as an internal or external command, or batch script.", stream="out")
    trace = windows.trace()
    (event,) = [event for event in trace.events if event.kind == "standin"]
    assert (event.program, event.command_line, event.action) == ("tscon", "tscon 2 /dest:console", "take-session")
    assert event.source is Source.DERIVED
    assert [trace.events[number].kind for number in event.because] == ["console"]


def test_what_a_shell_does_not_find_was_asked_for(linux):
    linux.sample("/bin/sh", "/bin/sh", "a.sh")
    told(linux, "/root/a.sh: 3: ")
    told(linux, "reboot: not found\n")
    told(linux, "a.sh: line 4: xclip: command not found\na.sh: 5: mytool: not found\n")
    asked = [(event.program, event.command_line, event.action) for event in linux.events("standin")]
    assert asked == [("reboot", "reboot", "shutdown"), ("xclip", "xclip", "")]
