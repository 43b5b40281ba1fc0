"""Mail: who it claims to be from, what the receiving server said of that, where its links lead, what comes along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lazaretto.analysis.engine import PASSWORD, Brought, Engine, Fact, Indicator, Output, Shortfall, Subject, short
from lazaretto.analysis.mail import known as lists
from lazaretto.analysis.mail.authentication import Stamped, stamped
from lazaretto.analysis.mail.known import Known
from lazaretto.analysis.mail.message import Message


def _brings(options: Mapping[str, Any]) -> Brought:
    return lists.brought(options)


ENGINE = Engine(
    name="mail",
    version="1",
    module="lazaretto.analysis.engines.mail",
    wants=lambda kind: kind.name in {"eml", "msg"},
    sees="a mail's sender, authentication, links, forms and attachments",
    loads=(
        "olefile",
        "lazaretto.analysis.mail.reading",
        "lazaretto.analysis.mail.contents",
        "lazaretto.analysis.mail.senders",
        "lazaretto.analysis.mail.charsets",
    ),
    brings=_brings,
)

_known: list[Known] = []  # of this process: one


def take(data: bytes) -> None:
    """The lists, read once for all mails of this process."""
    _known[:] = [lists.decoded(data)]


def examine(subject: Subject) -> Iterator[Output]:
    from lazaretto.analysis.mail.contents import of_contents  # noqa: PLC0415  only in the cage
    from lazaretto.analysis.mail.reading import read  # noqa: PLC0415
    from lazaretto.analysis.mail.senders import of_senders  # noqa: PLC0415
    from lazaretto.analysis.passwords import passwords  # noqa: PLC0415

    known = _known[0]
    message = read(subject)
    stamp = stamped(message, known.trusted_servers)
    yield from _facts(message, stamp)
    yield from of_senders(message, stamp, known)
    yield from of_contents(message, known)
    yield from _indicators(message)
    yield from (Indicator(kind=PASSWORD, value=word) for word in passwords(message.subject))
    yield from (Shortfall(reason=f"of the mail, {problem}") for problem in message.problems)


def _facts(message: Message, stamp: Stamped | None) -> Iterator[Output]:
    for name in ("from", "reply-to", "to", "date", "message-id", "x-mailer", "user-agent"):
        if value := message.first(name):
            yield Fact(name=f"mail.{name}", value=short(value))
    if message.subject:
        yield Fact(name="mail.subject", value=short(message.subject))
    if way := message.all("received"):
        yield Fact(name="mail.received", value=tuple(short(value) for value in way[:20]))
    if stamp:
        said = tuple(f"{method}: {', '.join(results)}" for method, results in sorted(stamp.results.items()))
        yield Fact(name="mail.authentication", value=said)


def _indicators(message: Message) -> Iterator[Output]:
    for one in message.addresses("from", "reply-to", "return-path")[:10]:
        if one.domain:
            yield Indicator(kind="email", value=short(one.mail, 300))
