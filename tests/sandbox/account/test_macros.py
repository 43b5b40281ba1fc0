"""What macros say of themselves, line by line; hostile lines included."""

from __future__ import annotations

import json

import pytest

from lazaretto.domain.trace import Source
from lazaretto.sandbox.account.macros import Asked, Call, parse
from lazaretto.sandbox.account.records import Kind


def say(guest, **what):
    guest.keeper("launcher", name="office", line=json.dumps(what))


def call(guest, thing, name, *arguments, result=""):
    say(guest, call={"object": thing, "name": name, "arguments": arguments, "result": result})


@pytest.fixture
def office(linux):
    """A program that ran before the sample was there, and opens it."""
    linux.keeper("machine", processes=[[100, "/usr/lib/libreoffice/program/soffice.bin"]])
    linux.record(Kind.JOIN, 1)
    return linux


def test_what_the_running_program_does_belongs_to_the_account(office):
    office.record(Kind.OPEN, 0x241, 1, 0o100644, strings=(b"/home/anna/x.txt",))
    trace = office.trace()
    assert [event.kind for event in trace.events] == ["file.create"]
    assert trace.processes[trace.events[0].process].image == "/usr/lib/libreoffice/program/soffice.bin"


def test_a_call_is_an_event_of_the_office(office):
    call(office, "WScript.Shell", "Run", "cmd /c ver", "0", result="0")
    (event,) = office.events("api")
    assert (event.module, event.function, event.arguments) == ("wscript.shell", "Run", ("cmd /c ver", "0"))
    assert event.source is Source.API


def test_the_registry_is_written_and_starts_something_by_itself(office):
    key = "HKEY_CURRENT_USER\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\updater"
    call(office, "WScript.Shell", "RegWrite", key, "C:\\a.vbs", "REG_SZ")
    written, autostart = office.events("registry.set", "autostart")
    assert written.key == "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run"
    assert (written.name, written.data, written.type) == ("updater", "C:\\a.vbs", "REG_SZ")
    assert (autostart.mechanism, autostart.command) == ("run-key", "C:\\a.vbs")


def test_a_message_is_a_window_with_its_text(office):
    call(office, "VBA", "MsgBox", "Run the update?", "4", "Question")
    (window,) = office.events("window")
    assert (window.title, window.text, window.dialog) == ("Question", "Run the update?", True)


def test_a_stand_in_that_was_not_seen_to_start(office):
    say(office, standin={"program": "wscript", "command_line": "a.vbs", "action": "script", "detail": "MsgBox 1"})
    (event,) = office.events("standin")
    assert (event.program, event.action, event.detail) == ("wscript", "run-script", "MsgBox 1")


def test_the_same_call_over_and_over_is_counted(office):
    for _ in range(500):
        call(office, "VBA", "Environ", "TEMP")
    events = office.events("api")
    assert len(events) == 100
    assert events[-1].result == "500 calls"


HOSTILE = (
    "", "{", "[]", "null", "1", "\x00", "{" * 999, '{"call": 1}', '{"call": {"object": 1, "name": []}}', '{"call": {}}',
    '{"call": {"object": "a", "name": "b", "arguments": {"c": 1}}}', '{"wait": 5}', '{"standin": {"program": null}}',
)  # fmt: skip


@pytest.mark.parametrize("line", HOSTILE)
def test_other_lines_are_nothing(office, line):
    assert parse(line) is None
    office.keeper("launcher", name="office", line=line)
    trace = office.trace()
    assert trace.events == ()
    assert trace.lost.total == 0


def test_lines_are_bounded(office):
    call(office, "A" * 4000, "b" * 4000, *["c" * 5000] * 50)
    (event,) = office.events("api")
    assert len(event.module) <= 128
    assert len(event.arguments) == 8


def test_lines_of_another_program_are_not_macros(office):
    office.keeper("launcher", name="desktop", line=json.dumps({"call": {"object": "a", "name": "b"}}))
    assert office.events("api") == []


def test_parse():
    assert parse('{"call": {"object": "a", "name": "b", "more": 1}}') == Call(object="a", name="b")
    assert parse('{"standin": {"program": "reg"}}') == Asked(program="reg")
