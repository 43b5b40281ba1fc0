"""Fields of Word documents: instructions that Word follows when it shows or updates them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lazaretto.analysis.documents.markup import Element, End, parts

_MOST_NESTED = 200
_DDE = re.compile(r"^\s*DDE(?:AUTO)?\b\s*(.*)", re.IGNORECASE | re.DOTALL)
_INCLUDE = re.compile(r"^\s*(?:INCLUDEPICTURE|INCLUDETEXT|INCLUDE|LINK|IMPORT)\b(.*)", re.IGNORECASE | re.DOTALL)
_OFFICE_SERVERS = re.compile(
    r"^\"?(?:excel|word|winword|powerpnt|msaccess|access|soffice|visio|outlook|mspub)(?:\.exe)?(?:\.\w+)*\"?(?:\s|\||$)",
    re.IGNORECASE,
)
_FOREIGN = re.compile(
    r"\.exe\b|[\\/]c\s|\b(?:cmd|powershell|pwsh|mshta|wscript|cscript|rundll32|regsvr32|msiexec|certutil|bitsadmin|curl)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Conversation:
    """A DDE field: what it speaks to. `program`: that is no office program but one that is started for it."""

    words: str
    program: bool


def of_word_xml(data: bytes) -> Iterator[str]:
    """The instructions of a part in WordprocessingML, inner ones first; QUOTE with numbers is written out."""
    stack: list[list[str]] = []
    inside = False
    for part in parts(data):
        if isinstance(part, Element):
            inside = part.name == "instrText"
            if part.name == "fldSimple":
                yield part.attributes.get("instr", "")
            elif part.name == "fldChar":
                kind = part.attributes.get("fldCharType", "")
                if kind == "begin" and len(stack) < _MOST_NESTED:
                    stack.append([])
                elif kind == "end" and stack:
                    text = "".join(stack.pop())
                    if stack:
                        stack[-1].append(_quoted(text))
                    yield text
        elif isinstance(part, End):
            inside = False
        elif inside and stack:
            stack[-1].append(part)


def _quoted(text: str) -> str:
    """What a QUOTE field with character codes shows; nothing for others."""
    match = re.match(r"\s*QUOTE\s+((?:\d{1,5}\s*){1,4000})", text, re.IGNORECASE)
    if not match:
        return ""
    return "".join(chr(int(code) & 0xFFFF) for code in match[1].split())


_NARROW = re.compile(rb"\x13([\x20-\x7e\x01]{4,2000}?)[\x14\x15]")
_WIDE = re.compile(rb"\x13\0((?:[\x20-\x7e\x01]\0){4,2000}?)[\x14\x15]\0")


def of_word_binary(stream: bytes) -> Iterator[str]:
    """The instructions in a `WordDocument` stream: between the marks of a field's begin and end."""
    for match in _NARROW.finditer(stream):
        yield match[1].decode("ascii")
    for match in _WIDE.finditer(stream):
        yield match[1].decode("utf-16-le")


def conversations(instructions: Iterable[str]) -> Iterator[Conversation]:
    for text in instructions:
        match = _DDE.match(text)
        if match:
            yield conversation(match[1])


def conversation(words: str) -> Conversation:
    """Programs of the office and tickers of brokers are asked for values; a command line is started. Where nothing is
    said, it comes from other fields, which is done to hide it."""
    plain = words.strip()
    office = _OFFICE_SERVERS.match(plain)
    rest = plain[office.end() :] if office else plain
    return Conversation(plain, program=not plain or bool(_FOREIGN.search(rest)))


def included(instructions: Iterable[str]) -> Iterator[str]:
    """Files and addresses that fields bring into the document."""
    for text in instructions:
        match = _INCLUDE.match(text)
        if match:
            quoted = re.search(r"\"([^\"]{3,1000})\"|(\S+[:\\]\S+)", match[1])
            if quoted:
                yield (quoted[1] or quoted[2]).replace("\\\\", "\\")
