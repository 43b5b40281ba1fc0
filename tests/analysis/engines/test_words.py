"""Words of a text that may open an archive."""

from __future__ import annotations

import time

import pytest

from lazaretto.analysis.engine import Indicator, Subject
from lazaretto.analysis.engines.words import candidates, examine
from lazaretto.analysis.formats.types import TYPES


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("The password is: Tr0ub4dor", "Tr0ub4dor"),
        ("Passwort: 4711!", "4711!"),
        ("contraseña «abc9»", "abc9"),
        ("пароль: зима2024", "зима2024"),
        ("パスワード: himitsu", "himitsu"),
        ("Use 'open-it' to unpack.", "open-it"),
        ("password=1234.", "1234"),
    ],
)
def test_words_that_are_called_so_come_first(text: str, word: str) -> None:
    assert word in candidates("Dear all, please find the papers for our meeting attached.\n" + text)[:4]


def test_every_word_of_a_short_text() -> None:
    assert "lighthouse" in candidates("think of the lighthouse when you unpack it")
    assert len(candidates(" ".join(f"word{number}" for number in range(400)))) == 150
    assert not candidates("plain words " * 2_000)


def test_the_text_of_a_page() -> None:
    page = b"<html><style>p{color:red}</style><p>Password:&nbsp;<b>ab&amp;12</b></p></html>"
    words = [
        one.value for one in examine(Subject(data=page, name="", kind=TYPES["html"])) if isinstance(one, Indicator)
    ]
    assert words[0] == "ab&12"
    assert not any("color" in word for word in words)


@pytest.mark.parametrize("text", ["pass" * 60_000, "password " + "=" * 200_000, "<" * 200_000, "'" * 200_000])
def test_odd_texts_take_no_time(text: str) -> None:
    start = time.perf_counter()
    list(examine(Subject(data=text.encode(), name="", kind=TYPES["html"])))
    assert time.perf_counter() - start < 3
