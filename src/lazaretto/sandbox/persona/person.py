"""Who the person is."""

from __future__ import annotations

import msgspec

from lazaretto.sandbox.persona.item import stream

_FIRST = (
    "Anna",
    "Julia",
    "Martin",
    "Claire",
    "Daniel",
    "Laura",
    "Thomas",
    "Emma",
    "Peter",
    "Sophie",
    "Robert",
    "Helen",
)
_LAST = (
    "Keller",
    "Marsh",
    "Lindqvist",
    "Hofmann",
    "Bennett",
    "Moreau",
    "Vogel",
    "Carter",
    "Winkler",
    "Doyle",
    "Brandt",
)
_TRADE = ("Logistics", "Engineering", "Foods", "Instruments", "Shipping", "Interiors", "Medical", "Packaging")
_TOWN = ("Hamburg", "Leeds", "Lyon", "Rotterdam", "Graz", "Aarhus", "Bristol", "Antwerp")
_ROLE = ("Accounts Payable", "Procurement", "Sales Operations", "Project Office", "Customer Service", "Controlling")
_SHOPS = ("amazon.com", "zalando.com", "ebay.com", "ikea.com", "booking.com", "etsy.com")
_NEWS = ("bbc.com", "reuters.com", "theguardian.com", "nytimes.com", "spiegel.de")
_WORDS = ("sunflower", "harbour", "tulip", "maple", "copper", "winter", "orchid", "pebble", "saffron", "comet")


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A made-up employee; every text, key and file of the machine follows from this and the seed."""

    seed: str
    first: str
    last: str
    user: str  # login name, lower case
    role: str
    company: str
    domain: str
    town: str
    host: str  # Windows computer name, DESKTOP-XXXXXXX
    phone: str
    password: str  # the one used everywhere, with variations
    colleagues: tuple[str, ...]
    customers: tuple[str, ...]
    sites: tuple[str, ...]  # host names visited most

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"

    @property
    def mail(self) -> str:
        return self.mail_of(self.name)

    @property
    def server(self) -> str:
        """The host name a Linux machine of this company would have."""
        return f"{self.town.lower()}-app01"

    def mail_of(self, colleague: str) -> str:
        """The company's mail address of a colleague given as "First Last"."""
        return colleague.lower().replace(" ", ".") + "@" + self.domain


def make_person(seed: str) -> Person:
    """The person of a seed: the same seed gives the same person, on every machine."""
    rng = stream(seed, "person")
    first, *others = rng.sample(_FIRST, 7)
    last, *names = rng.sample(_LAST, 9)
    trade = rng.choice(_TRADE)
    domain = f"{names[0]}{names[1]}-{trade}.com".lower()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return Person(
        seed=seed,
        first=first,
        last=last,
        user=first.lower(),
        role=rng.choice(_ROLE),
        company=f"{names[0]} & {names[1]} {trade}",
        domain=domain,
        town=rng.choice(_TOWN),
        host="DESKTOP-" + "".join(rng.choices(letters, k=7)),
        phone=f"+{rng.choice((31, 32, 33, 43, 44, 45, 49))} {rng.randrange(20, 99)} {rng.randrange(1000000, 9999999)}",
        password=rng.choice(_WORDS).capitalize() + str(rng.randrange(1982, 2012)) + rng.choice("!#$"),
        colleagues=tuple(f"{one} {other}" for one, other in zip(others, names, strict=False)),
        customers=tuple(f"{name} {rng.choice(_TRADE)}" for name in names[2:8]),
        sites=(
            "www.google.com", "mail.google.com", "www.linkedin.com", "outlook.office.com", "www.paypal.com",
            "github.com", "www.youtube.com", f"intranet.{domain}", f"portal.{domain}",
            *(f"www.{site}" for site in (*rng.sample(_SHOPS, 3), *rng.sample(_NEWS, 2))),
        ),
    )  # fmt: skip
