from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazaretto.sandbox.account import relay


def test_a_call_with_its_strings():
    line = relay.parse(
        '0024:Call KERNEL32.CreateFileW(00a0 L"C:\\\\x \\"y\\" (1), z",80000000,00000001) ret=00401036\n'
    )
    assert line is not None
    assert (line.windows_pid, line.windows_tid, line.returned) == (0, 0x24, False)
    assert (line.module, line.function, line.caller) == ("kernel32", "CreateFileW", 0x401036)
    assert line.arguments[0] == (0xA0, 'C:\\x "y" (1), z')
    assert line.arguments[1] == (0x80000000, None)


def test_a_return_with_time_and_pid():
    line = relay.parse("  12.345:0020:0024:Ret  KERNEL32.CreateFileW() retval=0000004c ret=00401036")
    assert line is not None
    assert (line.windows_pid, line.returned, line.value, line.caller) == (0x20, True, 0x4C, 0x401036)


@pytest.mark.parametrize(
    ("quoted", "text"),
    [
        ('L"a\\nb"', "a\nb"),
        ('"\\\\\\\\server\\\\x"', "\\\\server\\x"),
        ('L"\\x00e4\\x4e2d"', "ä中"),
        ('L"\\xd83d\\xde00"', "😀"),
        ('L"\\xd83d"', "\ufffd"),
        ('"long"...', "long…"),
        ('"\\033[0m"', "\ufffd[0m"),
        ('L""', ""),
    ],
)
def test_debug_strings(quoted, text):
    assert relay.unquote(quoted) == text


def test_text_of_the_sample_does_not_end_the_call():
    line = relay.parse('0024:Call user32.MessageBoxA(00,00a0 "x) ret=7b000000",00a4 "t",0) ret=00401000')
    assert line is not None
    assert line.caller == 0x401000
    assert [str(argument) for argument in line.arguments] == ["0x0", "x) ret=7b000000", "t", "0x0"]


@pytest.mark.parametrize("text", ["", "0024:trace:ntdll:x", "Call x", "0024:Call (", "0024:Starting thread proc 0x1"])
def test_other_lines_are_none(text):
    assert relay.parse(text) is None


def test_a_line_that_was_cut():
    line = relay.parse('0024:Call user32.MessageBoxW(00,00a0 L"abc')
    assert line is not None
    assert line.arguments[1].text == "abc"
    assert line.caller == 0


def test_ordinals_and_decorated_names():
    line = relay.parse("0024:Call msvcp60.??0Init@ios_base@std@@QAE@XZ() ret=00401000")
    assert line is not None
    assert line.function == "??0Init@ios_base@std@@QAE@XZ"
    line = relay.parse("0024:Call comctl32.17() ret=00401000")
    assert line is not None
    assert line.function == "17"


@given(st.text(alphabet='0123456789abcdef:CallRet .(),"\\xL=\n', max_size=200))
def test_never_raises(text):
    relay.parse("0024:Call a.b(" + text)
    relay.parse(text)
