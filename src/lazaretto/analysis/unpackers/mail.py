"""The texts and attachments of a mail, the messages of a mail folder, what is in a winmail.dat."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Member, Output, Shortfall, Subject

ENGINE = Engine(
    name="mail-contents",
    version="1",
    module="lazaretto.analysis.unpackers.mail",
    wants=lambda kind: kind.name in {"eml", "msg", "mbox"},
    sees="opens mails: texts, attachments, mails inside mails, winmail.dat; mail folders",
    loads=("olefile", "lazaretto.analysis.mail.reading", "lazaretto.analysis.mail.charsets"),
    output=192 << 20,
    essential=True,
)

_MOST_MESSAGES = 500  # of a folder
_BEGIN = re.compile(rb"(?:\A|\r?\n)From [^\r\n]{3,200}\r?\n")


def examine(subject: Subject) -> Iterator[Output]:
    from lazaretto.analysis.mail.reading import read  # noqa: PLC0415  only in the cage

    if subject.kind.name == "mbox":
        yield from _folder(subject.data)
        return
    message = read(subject)
    for body in message.bodies:
        if body.text.strip():
            name = "body.html" if body.html else "body.txt"
            yield Member(name=name, data=body.text.encode("utf-8", "replace"), relation="body")
    for one in message.attachments:
        yield Member(name=one.name, data=one.data, relation="attachment")
    yield from (Shortfall(reason=f"of the mail, {problem}") for problem in message.problems)


def _folder(data: bytes) -> Iterator[Output]:
    """Each message of a folder, from one line that begins with "From " to the next (RFC 4155)."""
    begins = []
    for number, found in enumerate(_BEGIN.finditer(data)):
        if number >= _MOST_MESSAGES:
            yield Shortfall(reason=f"the mail folder has more than {_MOST_MESSAGES} messages")
            break
        begins.append((found.start(), found.end()))
    ends = [start for start, _ in begins[1:]] + [len(data)]
    for number, ((_, begin), end) in enumerate(zip(begins, ends, strict=True), start=1):
        yield Member(name=f"message-{number}.eml", data=data[begin:end], relation="attachment")
