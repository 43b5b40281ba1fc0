"""Words of a text that may be the password of what lies beside it: a mail's text, a note in an archive.

What a password is called differs by language, so that is only a hint by which words are put first; in a short text
every word is one that may be tried. The words are for the unpackers and reach no report.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Indicator, Output, Subject

ENGINE = Engine(
    name="words",
    version="1",
    module="lazaretto.analysis.engines.words",
    wants=lambda kind: kind.name in {"text", "html"},
    sees="words of a text that may open the archives beside it",
    seconds=5.0,
)

_READ = 1 << 18
_SHORT = 6_000  # characters: a message, not a book
_MOST = 150
_TAGS = re.compile(r"<(?:script|style)\b.*?</(?:script|style)\s*>|<[^<>]{0,2000}>", re.IGNORECASE | re.DOTALL)
# "password", "Kennwort", "code", "PIN", ... then at most a few words, then a colon or the like, then the word itself.
_NAMED = re.compile(
    r"(?:pass|pwd|kennwort|\bpin\b|\bcode\b|\bkey\b|parol|contrase|clave|senha|has[lł]|heslo|şifre|sifre|lozink|jelsz|wachtw"
    r"|l[oö]sen|adgangs|salasana|парол|密码|密碼|口令|パスワード|暗証|비밀번호|암호|סיסמ|كلمة|รหัส|mật khẩu)"
    r"[^\n:=\"'«»“”„]{0,40}[\s:=\"'«»“”„]{1,12}(\S{3,64})",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"'«“„`‘(\[]([^\s\"'«»“”„`’()\[\]]{3,64})[\"'»”`’)\]]")
_WORD = re.compile(r"\S{3,64}")
_EDGES = ".,;:!?\"'«»“”„`‘’()[]{}<>*_-"


def examine(subject: Subject) -> Iterator[Output]:
    text = subject.data[:_READ].decode(_encoding(subject.data), "replace")
    if subject.kind.name == "html":
        text = html.unescape(_TAGS.sub(" ", text))
    for word in candidates(text):
        yield Indicator(kind="password", value=word)


def candidates(text: str) -> list[str]:
    """The words to try, the likeliest first, at most 150."""
    found: dict[str, None] = {}
    for pattern in (_NAMED, _QUOTED):
        for match in pattern.finditer(text):
            _add(found, match[1])
    if len(text) <= _SHORT:
        words = _WORD.findall(text)
        for word in sorted(words, key=lambda word: not _odd(word)):
            _add(found, word)
    return list(found)[:_MOST]


def _add(found: dict[str, None], word: str) -> None:
    """The word as it stands, and without what a sentence puts around it."""
    bare = word.strip(_EDGES)
    if len(bare) >= 3:
        found.setdefault(bare)
    if word != bare:
        found.setdefault(word)


def _odd(word: str) -> bool:
    """Not a word of a language: with digits or signs in it."""
    bare = word.strip(_EDGES)
    return not bare.isalpha() or not (bare.islower() or bare.istitle())


def _encoding(data: bytes) -> str:
    return "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8"
