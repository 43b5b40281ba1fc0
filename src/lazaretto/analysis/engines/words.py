"""Words of a text that may open what lies beside it. They are for the unpackers and reach no report."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from lazaretto.analysis.engine import PASSWORD, Engine, Indicator, Output, Subject
from lazaretto.analysis.passwords import candidates

ENGINE = Engine(
    name="words",
    version="2",
    module="lazaretto.analysis.engines.words",
    wants=lambda kind: kind.name in {"text", "html"},
    sees="words of a text that may open the archives beside it",
    seconds=5.0,
)

_READ = 1 << 18
_TAGS = re.compile(r"<(?:script|style)\b.*?</(?:script|style)\s*>|<[^<>]{0,2000}>", re.IGNORECASE | re.DOTALL)


def examine(subject: Subject) -> Iterator[Output]:
    text = subject.data[:_READ].decode(_encoding(subject.data), "replace")
    if subject.kind.name == "html":
        text = html.unescape(_TAGS.sub(" ", text))
    for word in candidates(text):
        yield Indicator(kind=PASSWORD, value=word)


def _encoding(data: bytes) -> str:
    return "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8"
