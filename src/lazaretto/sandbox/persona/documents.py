"""What lies in Documents, Desktop, Downloads and Pictures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from lazaretto.sandbox.persona import formats, images, prose
from lazaretto.sandbox.persona.item import Item, Kind, moment, stream, worked_on
from lazaretto.sandbox.persona.person import Person

_LETTERS = (
    "Documents/Contracts/Framework agreement {customer}.docx", "Documents/Letters/Reminder {customer}.docx",
    "Documents/Meeting notes week {week}.docx", "Documents/Meeting notes week {week2}.docx",
    "Documents/Projects/Warehouse move/Project plan.docx", "Documents/Projects/Warehouse move/Minutes kick-off.docx",
    "Documents/Personal/CV {name}.docx", "Documents/Personal/Cover letter.docx", "Documents/Quality report.docx",
    "Desktop/Handover notes.docx", "Documents/Travel policy.docx", "Documents/Job description {role}.docx",
)  # fmt: skip
_TABLES = (
    "Documents/Finance/Budget {year}.xlsx", "Documents/Finance/Open invoices.xlsx", "Desktop/Orders {year}.xlsx",
    "Documents/Finance/Travel expenses {name}.xlsx", "Documents/Suppliers/Supplier rating.xlsx",
    "Documents/Suppliers/Price list {customer}.xlsx", "Documents/Staff planning.xlsx", "Downloads/export_{number}.xlsx",
)  # fmt: skip
_PRINTS = (
    "Documents/Invoices/Invoice {number}.pdf", "Documents/Invoices/Invoice {number2}.pdf",
    "Documents/Invoices/Invoice {number3}.pdf", "Documents/Contracts/{customer} signed.pdf",
    "Downloads/Boarding pass.pdf", "Downloads/Statement {year}-03.pdf", "Documents/Personal/Tax return {year}.pdf",
    "Documents/Insurance/Policy {number}.pdf", "Desktop/Price list.pdf",
)  # fmt: skip
_SLIDES = ("Documents/Presentations/Kick-off {customer}.pptx", "Documents/Presentations/Quarterly review.pptx",
           "Desktop/Team meeting.pptx")  # fmt: skip
_PHOTOS = ("Pictures/Summer {year}/IMG_{photo}.jpg", "Pictures/Summer {year}/IMG_{photo2}.jpg",
           "Pictures/Summer {year}/IMG_{photo3}.jpg", "Pictures/Birthday/IMG_{photo4}.jpg", "Pictures/IMG_{photo5}.jpg",
           "Downloads/holiday.jpg")  # fmt: skip
_CHARTS = ("Pictures/Screenshots/Screenshot_{photo}.png", "Documents/Presentations/chart.png", "Pictures/Logo.png",
           "Desktop/Sales.png")  # fmt: skip


def document_items(person: Person, now: datetime) -> Iterator[Item]:
    """Some fifty files that a user would miss: all of them canaries, except the password list, which is a better
    one."""
    yield from (_letter(person, now, path) for path in _names(person, now, _LETTERS))
    yield from (_table(person, now, path) for path in _names(person, now, _TABLES))
    yield from (_print(person, now, path) for path in _names(person, now, _PRINTS))
    yield from (_slides(person, now, path) for path in _names(person, now, _SLIDES))
    yield from (_photo(person, now, path) for path in _names(person, now, _PHOTOS))
    yield from (_chart(person, path) for path in _names(person, now, _CHARTS))
    yield from _plain(person, now)


def _names(person: Person, now: datetime, templates: tuple[str, ...]) -> list[str]:
    rng = stream(person.seed, "names", templates[0])
    blanks: dict[str, object] = {"name": person.name, "role": person.role, "year": now.year - 1}
    for suffix in ("", "2", "3", "4", "5"):
        blanks |= {
            "week" + suffix: rng.randrange(2, 51),
            "number" + suffix: rng.randrange(20240000, 20249999),
            "photo" + suffix: f"{rng.randrange(20220101, 20221228)}_{rng.randrange(80000, 205959):06d}",
            "customer" + suffix: rng.choice(person.customers),
        }
    return [template.format(**blanks) for template in templates]


def _title(path: str) -> str:
    return path.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def _letter(person: Person, now: datetime, path: str) -> Item:
    rng = stream(person.seed, path)
    age = worked_on(rng)
    text = prose.paragraphs(person, rng, rng.choice(prose.TOPICS), rng.randrange(6, 22))
    content = formats.docx(_title(path), [*text, f"{person.name}, {person.role}"], person.name, moment(now, age))
    return Item(path, content, age, Kind.DOCUMENT)


def _table(person: Person, now: datetime, path: str) -> Item:
    rng = stream(person.seed, path)
    age = worked_on(rng, oldest=400)
    rows = prose.table(person, rng, rng.randrange(40, 260))
    return Item(path, formats.xlsx(_title(path), rows, person.name, moment(now, age)), age, Kind.DOCUMENT)


def _print(person: Person, now: datetime, path: str) -> Item:
    rng = stream(person.seed, path)
    age = worked_on(rng)
    lines = [
        f"{person.company}, {person.town}",
        f"Reference {rng.randrange(10000, 99999)}, {moment(now, age):%d %B %Y}",
        *prose.paragraphs(person, rng, rng.choice(prose.TOPICS), rng.randrange(4, 18)),
        f"Bank account: XX{rng.randrange(10, 99)} {rng.randrange(10**15, 10**16)}",
    ]
    return Item(path, formats.pdf(_title(path), lines, person.name, moment(now, age), rng), age, Kind.DOCUMENT)


def _slides(person: Person, now: datetime, path: str) -> Item:
    rng = stream(person.seed, path)
    age = worked_on(rng)
    slides = [
        (topic.capitalize(), prose.paragraphs(person, rng, topic, rng.randrange(3, 5)))
        for topic in rng.sample(prose.TOPICS, rng.randrange(4, 9))
    ]
    return Item(path, formats.pptx(_title(path), slides, person.name, moment(now, age)), age, Kind.DOCUMENT)


def _photo(person: Person, now: datetime, path: str) -> Item:
    rng = stream(person.seed, path)
    age = worked_on(rng, youngest=30)
    width, height = rng.choice(((1024, 768), (1280, 720), (800, 1000)))
    return Item(path, images.jpeg(width, height, rng, f"{moment(now, age):%Y:%m:%d %H:%M:%S}"), age, Kind.PICTURE)


def _chart(person: Person, path: str) -> Item:
    rng = stream(person.seed, path)
    return Item(path, images.png(rng.randrange(480, 900), rng.randrange(320, 600), rng), worked_on(rng), Kind.PICTURE)


def _plain(person: Person, now: datetime) -> Iterator[Item]:
    rng = stream(person.seed, "plain")
    rows = prose.table(person, rng, 180)
    csv = "\r\n".join(";".join(str(cell) for cell in row) for row in rows) + "\r\n"
    yield Item("Documents/Finance/orders_export.csv", csv.encode(), worked_on(rng), Kind.DOCUMENT)
    contacts = "Name;Mail;Phone\r\n" + "".join(
        f"{name};{person.mail_of(name)};{person.phone[:-3]}{rng.randrange(100, 999)}\r\n" for name in person.colleagues
    )
    yield Item("Documents/contacts.csv", contacts.encode(), worked_on(rng), Kind.DOCUMENT)
    for path in ("Desktop/todo.txt", "Documents/notes.txt", "Documents/Projects/Warehouse move/open points.txt"):
        text = "\r\n".join(f"- {line}" for line in prose.paragraphs(person, rng, rng.choice(prose.TOPICS), 7))
        yield Item(path, text.encode(), worked_on(rng, oldest=90), Kind.DOCUMENT)
    yield Item("Desktop/passwords.txt", _passwords(person).encode(), worked_on(rng, oldest=200), Kind.PASSWORD_LIST)
    members = {
        f"offer/{number}.txt": "\n".join(prose.paragraphs(person, rng, topic, 6)).encode()
        for number, topic in enumerate(rng.sample(prose.TOPICS, 3), 1)
    }
    age = timedelta(days=rng.randrange(3, 60), minutes=rng.randrange(400))
    yield Item("Downloads/offer.zip", formats.archive(members, moment(now, age)), age, Kind.DOCUMENT)


def _passwords(person: Person) -> str:
    rng = stream(person.seed, "passwords")
    lines = [f"{person.company} portal: {person.user} / {person.password}", f"mail: {person.mail} / {person.password}1"]
    lines += [
        f"{site.removeprefix('www.')}: {person.mail} / {password_for(person, site)}" for site in person.sites[3:11]
    ]
    lines += [f"bank PIN {rng.randrange(1000, 9999)}", f"wifi: {person.last}{rng.randrange(100, 999)}"]
    return "\r\n".join(lines) + "\r\n"


def password_for(person: Person, site: str) -> str:
    """The password of a site, as people make them: the usual word and something of the site."""
    rng = stream(person.seed, "password", site)
    return f"{person.password[:-1]}{site.removeprefix('www.')[:2]}{rng.randrange(10, 99)}"
