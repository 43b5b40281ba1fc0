"""Words of a text that may be the password of what lies beside it: a mail's text, a note in an archive.

What a password is called differs by language, so that is a hint by which words are put first; in a short text every
word is one that may be tried. Generous, since a wrong one costs little.
"""

from __future__ import annotations

import re

MOST = 40
_MOST_TEXT = 200_000  # characters

# "password" as people write it, with what may stand before the word itself
_SAID = re.compile(
    r"(?i)(?:pass\s?(?:word|code|phrase|wort)|\bpass\b|\bpwd?\b|\bpsw\b|\bpin\b|\bcode\b|kennwort|zugangscode|losung|"
    r"mot\s+de\s+passe|\bmdp\b|contrase[nñ]a|\bclave\b|\bsenha\b|palavra-passe|has[lł]o|heslo|jelsz[oó]|parola|"
    r"l[oö]senord|adgangskode|wachtwoord|salasana|lozink|парол[а-я]*|[şs]ifre|密码|密碼|口令|パスワード|暗証|비밀번호|암호|"
    r"סיסמ|كلمة\s+(?:المرور|السر)|รหัส|mật\s+khẩu)"
    r"(?P<rest>[^\n]{0,120}(?:\n[^\n]{0,80}){0,2})"
)
_QUOTED = re.compile(r"[\"'“”„‘’«»`*]([^\s\"'“”„‘’«»`*]{3,40})[\"'“”„‘’«»`*]")
_IN_QUOTES = re.compile(r"[\"'«“„`‘(\[]([^\s\"'«»“”„`’()\[\]]{3,64})[\"'»”`’)\]]")
_WORD = re.compile(r"[^\s,;\"'“”„«»<>()\[\]]{3,40}")
_AFTER = re.compile(
    r"^[^:=\n]{0,60}?(?:[:=：]|\bis\b|\bist\b|\best\b|\bes\b|\bè\b|->|=>)\s*[\"'“„«*]?([^\s\"'“”„«»<>]{2,40})"
)
_TAG = re.compile(r"<[^>]{0,2000}>")
_ANY = re.compile(r"\S{3,64}")
_EDGES = ".,;:!?\"'«»“”„`‘’()[]{}<>*_-"
_SHORT = 6_000  # characters: a message, not a book
_MOST_TRIED = 150
_COMMON = frozenset({
    "the", "for", "and", "your", "you", "with", "this", "that", "file", "files", "archive", "attached",
    "attachment", "document", "documents", "open", "please", "use", "protected", "password", "passwort", "der",
    "die", "das", "und", "für", "mit", "ist", "den", "dem", "ein", "eine", "is", "to", "of", "in", "pour", "le",
    "la", "les",
})  # fmt: skip


def candidates(text: str) -> list[str]:
    """What may be tried, the likeliest first, at most 150: what the text calls a password, what stands in quotes, and
    every word of a short text."""
    found = dict.fromkeys(passwords(text))
    for match in _IN_QUOTES.finditer(text):
        _add_both(found, match[1])
    if len(text) <= _SHORT:
        for word in sorted(_ANY.findall(text), key=lambda word: not _odd(word)):
            _add_both(found, word)
    return list(found)[:_MOST_TRIED]


def passwords(text: str) -> list[str]:
    """The words that a text calls a password, the likely ones first, at most 40, without repeats."""
    found: dict[str, None] = {}
    for said in _SAID.finditer(_TAG.sub(" ", text[:_MOST_TEXT])):
        rest = said["rest"]
        if direct := _AFTER.match(rest):
            _add(found, direct[1])
        for quoted in _QUOTED.finditer(rest):
            _add(found, quoted[1])
        for word in _WORD.finditer(rest):
            if _telling(word[0]):
                _add(found, word[0])
        if len(found) >= MOST:
            break
    return list(found)[:MOST]


def _add(found: dict[str, None], word: str) -> None:
    """The word as it stands, and without the sentence's own end."""
    for form in (word, word.rstrip(".,;:!?")):
        if len(form) > 2 and "://" not in form and form.lower() not in _COMMON:
            found.setdefault(form)


def _add_both(found: dict[str, None], word: str) -> None:
    """The word without what a sentence puts around it, and as it stands."""
    bare = word.strip(_EDGES)
    if len(bare) >= 3:
        found.setdefault(bare)
    if word != bare:
        found.setdefault(word)


def _odd(word: str) -> bool:
    """Not a word of a language: with digits or signs in it."""
    bare = word.strip(_EDGES)
    return not bare.isalpha() or not (bare.islower() or bare.istitle())


def _telling(word: str) -> bool:
    """Whether a word looks like a password rather than like a word."""
    return word.lower().strip(".,:;!?") not in _COMMON and (
        any(letter.isdigit() for letter in word) or not word.isalpha() or (word.isupper() and len(word) > 3)
    )
