"""Who a mail says it is from, and what speaks against that."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lazaretto.analysis.engine import Finding
from lazaretto.analysis.mail.authentication import Stamped
from lazaretto.analysis.mail.known import Known
from lazaretto.analysis.mail.lookalike import likeness, unicode_form
from lazaretto.analysis.mail.message import Address, Message

_MAIL_IN_NAME = re.compile(r"[\w.+-]{1,64}@((?:[\w-]{1,63}\.){1,6}[a-zA-Z]{2,20})")
_LIKENESS = {
    "letters": "mail-sender-same-look",
    "spelling": "mail-sender-near",
    "inside": "mail-sender-borrowed-name",
}


def of_senders(message: Message, stamp: Stamped | None, known: Known) -> Iterator[Finding]:
    """Findings about the people in the header."""
    senders = message.addresses("from")
    if len(message.all("from")) > 1:
        yield Finding(id="mail-several-from", detail=", ".join(one.mail for one in senders))
    yield from _elsewhere(message, senders, known)
    receivers = {
        known.world.registered(one.domain) for one in message.addresses("to", "cc", "delivered-to") if one.domain
    }
    for sender in senders[:5]:
        yield from _name(sender, known)
        yield from _domain(sender, receivers, known)
    if stamp:
        yield from _authentication(stamp)


def _elsewhere(message: Message, senders: list[Address], known: Known) -> Iterator[Finding]:
    """Answers and bounces that go to somebody else."""
    own = {known.world.registered(one.domain) for one in senders if one.domain}
    if not own or message.first("list-id") or message.first("list-post"):
        return  # mailing lists pass on what others write
    for one in message.addresses("reply-to"):
        there = known.world.registered(one.domain)
        if there and there not in own:
            free = there in known.free_mail and not own & known.free_mail
            yield Finding(id="mail-reply-to-free" if free else "mail-reply-elsewhere", detail=one.mail)
    for one in message.addresses("return-path", "x-envelope-from"):
        there = known.world.registered(one.domain)
        if there and there not in own:
            yield Finding(id="mail-bounce-elsewhere", detail=one.mail)


def _name(sender: Address, known: Known) -> Iterator[Finding]:
    """The name that is shown, against the address that is not."""
    if not sender.shown or not sender.domain:
        return
    own = known.world.registered(sender.domain)
    for found in _MAIL_IN_NAME.finditer(sender.shown[:500]):
        if known.world.is_domain(found[1]) and known.world.registered(found[1]) != own:
            yield Finding(id="mail-name-shows-other-address", detail=f"{sender.shown} <{sender.mail}>")
    if any(letter in sender.shown for letter in "\u202a\u202b\u202d\u202e\u2066\u2067\u200b\u2060"):
        yield Finding(id="mail-name-hidden-letters", detail=sender.shown)
    if (brand := brand_of(sender.shown, known)) and not belongs(sender.domain, brand, known):
        yield Finding(id="mail-name-of-a-company", detail=f"{sender.shown} <{sender.mail}>")


def brand_of(shown: str, known: Known) -> str:
    """The company whose name this is, alone or with words like "support" beside it; empty if it is none."""
    words = re.sub(r"[^\w.@ -]", " ", shown.lower()).split()
    for brand in known.brands:
        parts = brand.lower().split()
        rest = [word.strip("-.") for word in words[len(parts) :]]
        if (
            words[: len(parts)] == parts
            and len(rest) <= 3
            and all(word in known.company_words or not word for word in rest)
        ):
            return brand
    return ""


def belongs(domain: str, brand: str, known: Known) -> bool:
    """Whether a domain is that company's, also below another top-level domain."""
    registered = known.world.registered(domain)
    label = registered.partition(".")[0]
    return any(
        registered == known.world.registered(own) or label == known.world.registered(own).partition(".")[0]
        for own in known.brands.get(brand, ())
    )


def _domain(sender: Address, receivers: set[str], known: Known) -> Iterator[Finding]:
    own = known.world.registered(sender.domain) if sender.domain else ""
    if not own or own in receivers or own in known.own_domains:
        return
    if like := likeness(sender.domain, known, receivers - known.free_mail):
        yield Finding(id=_LIKENESS[like.kind], detail=f"{unicode_form(sender.domain)} for {like.of}")


def _authentication(stamp: Stamped) -> Iterator[Finding]:
    by = f"said by {stamp.server}" if stamp.server else ""
    if stamp.failed("dmarc"):
        yield Finding(id="mail-dmarc-failed", detail=by)
    if stamp.failed("spf"):
        yield Finding(id="mail-spf-failed", detail=by)
    if stamp.failed("dkim"):
        yield Finding(id="mail-dkim-failed", detail=by)
