"""Domains that are made to be read as another one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from lazaretto.analysis.mail.known import Known

# Letters that look like another one, beside those that Unicode takes apart into a letter and its accent. Cyrillic,
# Greek, Armenian, Latin letters of other languages; the usual choice of those who register such names (Unicode UTS 39).
_LIKE = str.maketrans(
    "аеорсухіјѕԁԛԝһґгѵмтнквӏαεικνορτυχωօսռցıłøđħŧɑɡɩʟƅ0135",
    "aeopcyxijsdqwhrrvmthkblaeikvoptuxwoungilodhtagilboles",
)
_GROUPS = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_LEAST = 5  # letters of a name for which a single difference is no accident
_LEAST_INSIDE = 5  # letters of a name that is looked for inside another


@dataclass(frozen=True)
class Likeness:
    """`kind`: letters (it reads the same), spelling (one letter differs), inside (the name is a part of it)."""

    kind: str
    of: str  # the domain that it resembles


def unicode_form(domain: str) -> str:
    """A domain with its punycode labels (RFC 3492) as they are shown."""
    return ".".join(_shown(label) for label in domain.lower().split("."))


def _shown(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:63].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        return label


def skeleton(label: str) -> str:
    """What a label looks like at a glance."""
    plain = unicodedata.normalize("NFKD", label.lower())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter)).translate(_LIKE)
    for group, letter in _GROUPS:
        plain = plain.replace(group, letter)
    return plain.replace("i", "l")


def likeness(domain: str, known: Known, more: Iterable[str] = ()) -> Likeness | None:
    """Which domain this one is made to look like; None for an honest one. `more`: domains of the people written to."""
    domain = domain.lower().strip(".")
    registered = known.world.registered(domain)
    label = unicode_form(registered).partition(".")[0]
    targets = _targets(known, more)
    if registered in targets or label in targets.values():
        return None  # it is one of them, or one of them below another top-level domain
    found = [one for target, name in targets.items() if (one := _alike(domain, label, target, name))]
    return min(found, key=lambda one: ("letters", "spelling", "inside").index(one.kind), default=None)


def _targets(known: Known, more: Iterable[str]) -> dict[str, str]:
    """Registered domains and their first labels."""
    domains = [*known.own_domains, *more, *(domain for domains in known.brands.values() for domain in domains)]
    registered = [known.world.registered(domain) for domain in domains if "." in domain]
    return {domain: domain.partition(".")[0] for domain in registered if domain not in known.free_mail}


def _alike(domain: str, label: str, target: str, name: str) -> Likeness | None:
    if len(name) >= 4 and skeleton(label) == skeleton(name):
        return Likeness("letters", target)
    if len(name) > _LEAST and abs(len(label) - len(name)) <= 1 and _one_apart(label, name):
        return Likeness("spelling", target)
    rest = f".{domain}."
    if f".{target}." in rest and not domain.endswith(target):
        return Likeness("inside", target)
    if len(name) >= _LEAST_INSIDE and name in label.split("-") and name != label:
        return Likeness("inside", target)
    return None


def _one_apart(a: str, b: str) -> bool:
    """Whether one letter was changed, added or left out, or two neighbours changed places."""
    if a == b:
        return False
    begin = 0
    while begin < min(len(a), len(b)) and a[begin] == b[begin]:
        begin += 1
    a, b = a[begin:], b[begin:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[:2][::-1] and a[2:] == b[2:])
