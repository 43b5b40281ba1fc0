"""Files that are not what they should be: each gets an outcome, and says why where nothing ran."""

from __future__ import annotations

import pytest

from lazaretto.domain.errors import LazarettoError
from lazaretto.domain.trace import Ending
from lazaretto.sandbox.machine import medium

pytestmark = pytest.mark.machine("linux")

ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00\x01\x00\x00\x00"


def test_empty(linux, programs):
    observed = linux(programs.file("empty", b""), "sh")
    assert observed.ending is Ending.EXITED
    assert observed.process("empty").exit_code == 0


@pytest.mark.parametrize(
    "content", [b"", ELF, ELF + bytes(200), b"MZ" + bytes(300)], ids=["empty", "head", "cut", "exe"]
)
def test_no_program_after_all(linux, programs, content):
    """The guest refuses to start it, and that is the account's reason."""
    observed = linux(programs.file("broken", content), "elf")
    assert observed.ending is Ending.REFUSED, observed.story()
    assert observed.trace.reason
    assert not observed.events("process.start")


def test_truncated_program(linux, programs):
    whole = programs.c("int main(void) { return 0; }").read_bytes()
    observed = linux(programs.file("half", whole[: len(whole) // 2]), "elf")
    assert observed.ending in {Ending.EXITED, Ending.REFUSED}
    assert observed.trace.reason or observed.one("process.exit").signal


def test_wrong_extension(linux, programs):
    """The guest starts what it is told to start, whatever its name."""
    observed = linux(programs.file("holiday.jpg.exe", "echo a script after all"), "sh")
    assert observed.console == "a script after all\n"


def test_large(linux, programs):
    """64 MiB are carried over and started."""
    head = b"#!/bin/sh\nstat -c %s $0\nexit 0\n"
    observed = linux(programs.big("large.sh", head, 64 << 20), "sh")
    assert observed.ending is Ending.EXITED
    assert observed.console == f"{64 << 20}\n"


def test_larger_than_the_medium(linux, programs):
    with pytest.raises(LazarettoError):
        linux(programs.big("huge.sh", b"#!/bin/sh\n", medium.MOST_SAMPLE + 1), "sh")


def test_unknown_kind(linux, programs):
    with pytest.raises(LazarettoError, match="starts no 'floppy' files"):
        linux(programs.file("a.img", b"x"), "floppy")


def test_no_text_at_all(linux, programs):
    """Bytes that mean nothing to the interpreter: it complains, and that is all."""
    observed = linux(programs.file("noise.py", bytes(range(256)) * 40), "python")
    assert observed.ending is Ending.EXITED
    assert observed.process("noise.py").exit_code == 1
    assert "SyntaxError" in observed.console


@pytest.mark.parametrize(
    "name", ["-rf", "a\nb.sh", "../../etc/passwd", "$(reboot).sh", "x" * 300 + ".sh", "ünïcode.sh", ""]
)
def test_names_that_mean_harm(linux, programs, name):
    observed = linux(programs.file("plain.sh", 'echo "$0"'), "sh", name=name)
    assert observed.ending is Ending.EXITED
    assert observed.console.startswith("/root/Downloads/")
    assert observed.console.count("\n") == 1
    assert ".." not in observed.console
