"""Mail: a Thunderbird profile with folders of messages, an address list, and a few messages saved as files."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from lazaretto.sandbox.persona import prose
from lazaretto.sandbox.persona.item import Item, Kind, stream
from lazaretto.sandbox.persona.person import Person


def mail_items(person: Person, now: datetime, base: str, profiles: str) -> Iterator[Item]:
    """A Thunderbird folder at `base`, its profile in `base`/`profiles`, and two saved messages in Documents."""
    rng = stream(person.seed, "mail")
    folder = f"{profiles}{''.join(rng.choices('abcdefghijklmnopqrstuvwxyz0123456789', k=8))}.default-esr"
    store = f"{base}/{folder}/ImapMail/mail.{person.domain}"
    ini = (
        f"[Profile0]\nName=default-esr\nIsRelative=1\nPath={folder}\nDefault=1\n\n[General]\n"
        f"StartWithLastProfile=1\nVersion=2\n"
    )
    today = timedelta(days=0, minutes=rng.randrange(20, 200))
    yield Item(f"{base}/profiles.ini", ini.encode(), timedelta(days=500), None)
    yield Item(f"{base}/{folder}/prefs.js", _preferences(person).encode(), today, Kind.CREDENTIALS, 0o600)
    received = sorted(now - timedelta(days=90 * rng.random() ** 2, hours=2) for _ in range(40))
    yield Item(f"{store}/INBOX", b"".join(_mbox(person, rng, at, True) for at in received), today, Kind.MAIL, 0o600)
    sent = received[::3]
    yield Item(f"{store}/Sent", b"".join(_mbox(person, rng, at, False) for at in sent), today, Kind.MAIL, 0o600)
    people = "".join(_card(person, name) for name in person.colleagues)
    yield Item(f"{base}/{folder}/abook.vcf", people.encode(), timedelta(days=33), Kind.MAIL, 0o600)
    for number in (1, 2):
        age = timedelta(days=rng.randrange(5, 200), minutes=rng.randrange(400))
        content = _message(person, rng, now - age, True).as_bytes()
        yield Item(f"Documents/Letters/Order confirmation {number}.eml", content, age, Kind.MAIL)


def _message(person: Person, rng: random.Random, at: datetime, received: bool) -> EmailMessage:
    topic = rng.choice(prose.TOPICS)
    other = rng.choice(person.colleagues)
    addresses = [f"{other} <{person.mail_of(other)}>", f"{person.name} <{person.mail}>"]
    sender, recipient = addresses if received else addresses[::-1]
    message = EmailMessage()
    message["From"], message["To"] = sender, recipient
    message["Subject"] = rng.choice(("", "Re: ", "FW: ")) + topic.removeprefix("the ").capitalize()
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{rng.randbytes(12).hex()}@{person.domain}>"
    text = [f"Hi {recipient.split()[0]},", *prose.paragraphs(person, rng, topic, rng.randrange(3, 6))]
    message.set_content("\n\n".join([*text, f"Best regards\n{sender.split('<')[0].strip()}"]))
    return message


def _mbox(person: Person, rng: random.Random, at: datetime, received: bool) -> bytes:
    body = _message(person, rng, at, received).as_bytes().replace(b"\nFrom ", b"\n>From ")
    return f"From - {at:%a %b %d %H:%M:%S %Y}\nX-Mozilla-Status: 0001\n".encode() + body + b"\n"


def _preferences(person: Person) -> str:
    values = {
        "mail.accountmanager.accounts": "account1",
        "mail.identity.id1.fullName": person.name,
        "mail.identity.id1.useremail": person.mail,
        "mail.server.server1.hostname": f"mail.{person.domain}",
        "mail.server.server1.type": "imap",
        "mail.server.server1.userName": person.mail,
        "mail.smtpserver.smtp1.hostname": f"mail.{person.domain}",
    }
    return "".join(f'user_pref("{key}", "{value}");\n' for key, value in values.items())


def _card(person: Person, name: str) -> str:
    return (
        f"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:{name}\r\nEMAIL;PREF=1:{person.mail_of(name)}\r\n"
        f"ORG:{person.company}\r\nEND:VCARD\r\n"
    )
