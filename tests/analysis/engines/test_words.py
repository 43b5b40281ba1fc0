"""Words of a text that may open an archive."""

from __future__ import annotations

import time

import pytest

from lazaretto.analysis.engine import Indicator, Subject
from lazaretto.analysis.engines.words import examine
from lazaretto.analysis.formats.types import TYPES
from lazaretto.analysis.passwords import candidates, passwords


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


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("The password is: Qx7!pq", "Qx7!pq"),
        ("Password: infected2024", "infected2024"),
        ("archive password = 'hello'", "hello"),
        ("PW: 1234", "1234"),
        ("Das Passwort lautet „geheim“.", "geheim"),
        ("Kennwort: Sommer2025.", "Sommer2025"),
        ("Le mot de passe est : fleur99", "fleur99"),
        ("contraseña: Abc-123", "Abc-123"),
        ("hasło: zima22", "zima22"),
        ("Пароль: 5544", "5544"),
        ("密码：8899", "8899"),
        ("Password\nR3port-X\n", "R3port-X"),
        ("<p>Your <b>password</b> is <b>Inv0ice</b></p>", "Inv0ice"),
        ("use code 7788 to open", "7788"),
        ("mật khẩu: abc-77", "abc-77"),
        ("סיסמה: zx81", "zx81"),
        ("lozinka: more-9", "more-9"),
    ],
)
def test_words_that_a_text_calls_a_password(text: str, word: str) -> None:
    assert word in passwords(text)


def test_no_passwords() -> None:
    assert passwords("See you tomorrow at noon.") == []
    assert len(passwords("password: " + " ".join(f"a{n}" for n in range(1000)))) <= 40
    assert passwords("password " * 100_000) is not None


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
