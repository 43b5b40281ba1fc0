"""What a sample wrote cannot reach the terminal as anything but visible text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazaretto.domain.text import many, plain, seconds, shorten, size, utf8


@given(st.text(max_size=300), st.integers(1, 200))
def test_plain_is_visible_and_bounded(text: str, limit: int) -> None:
    shown = plain(text, limit)
    assert len(shown) <= limit
    assert all(unicodedata.category(character)[0] != "C" for character in shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("C:\\Users\\anna\\a b.exe", "C:\\Users\\anna\\a b.exe"),
        ("\x1b]52;c;cm0gLXJm\x07", "\\x1b]52;c;cm0gLXJm\\x07"),  # sets the clipboard of some terminals
        ("invoice\u202egpj.exe", "invoice\\u202egpj.exe"),  # reads "invoiceexe.jpg" where it is obeyed
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("Grüße 文書 😀", "Grüße 文書 😀"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
    ],
)
def test_plain(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_shorten_keeps_both_ends() -> None:
    assert shorten("C:\\a\\very\\long\\path\\to\\run.bat", 15) == "C:\\a\\ve…run.bat"
    assert [shorten("abcdef", n) for n in (1, 2, 3, 6)] == ["a", "a…", "a…f", "abcdef"]


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 bytes"), (1, "1 byte"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (5 << 40, "5120.0 GiB")]
)
def test_size(count: int, told: str) -> None:
    assert size(count) == told


@pytest.mark.parametrize(
    ("amount", "told"), [(0.26, "0.3 s"), (60, "1 min"), (250, "4 min 10 s"), (3900, "1 h 5 min"), (7200, "2 h")]
)
def test_seconds(amount: float, told: str) -> None:
    assert seconds(amount) == told


def test_many() -> None:
    assert [many(1, "file"), many(2, "file"), many(1200, "process", "processes")] == [
        "1 file",
        "2 files",
        "1,200 processes",
    ]


def test_names_that_are_no_text_can_be_stored() -> None:
    assert utf8("straße.pdf") == "straße.pdf"
    assert utf8(b"a\xff\xc3b".decode("utf-8", "surrogateescape")) == "a\\xff\\xc3b"
