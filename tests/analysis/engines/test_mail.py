"""Mails: every finding with a mail that has it and one that is near and has not."""

# ruff: noqa: E501  the cases read best one to a line

from __future__ import annotations

import contextlib
import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.cage.wire import End
from lazaretto.analysis.engine import Fact, Finding, Output, Subject
from lazaretto.analysis.engines import mail as engine
from lazaretto.analysis.formats.types import TYPES
from lazaretto.analysis.mail import known
from lazaretto.analysis.mail.lookalike import likeness, skeleton
from lazaretto.analysis.mail.message import addresses
from lazaretto.analysis.rulefiles import default_folder
from lazaretto.testing.mails import FROM, mail, msg

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
PE = (
    b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0\xb8".ljust(0x3C, b"\0")
    + b"\x80\0\0\0".ljust(0x44, b"\0")
    + b"PE\0\0\x64\x86\1\0"
    + bytes(12)
    + b"\xf0\0\x22\0\x0b\2"
    + bytes(600)
)
JSCRIPT = b'var s = new ActiveXObject("WScript.Shell");\r\ns.Run("calc.exe");\r\n'
LOGIN = b"<html><body><form action='http://x.ru/a'><input type=password></form></body></html>"
ISO = bytes(16 * 2048) + b"\1CD001\1" + bytes(2041)


def link(target: str, shown: str) -> str:
    return f'<html><body><p>Hello</p><a href="{target}">{shown}</a></body></html>'


def locked() -> bytes:
    """A ZIP whose one member is marked as encrypted."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("a.txt", b"x")
    data = bytearray(out.getvalue())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    return bytes(data)


def plain_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("a.txt", b"x")
    return out.getvalue()


AUTH = "Authentication-Results"
CASES: dict[str, tuple[list[bytes], list[bytes]]] = {
    "mail-gtube": ([mail(text=GTUBE), mail(html=f"<p>{GTUBE}</p>")], [mail(text=GTUBE[:-1])]),
    "mail-several-from": ([mail(top="From: x@other.example.net\r\n")], [mail(top="X-From: x@other.example.net\r\n")]),
    "mail-reply-elsewhere": (
        [mail({"From": "a@firma.com", "Reply-To": "b@sammler.net"})],
        [mail({"From": "a@firma.com", "Reply-To": "b@mail.firma.com"}),
         mail({"From": "a@firma.com", "Reply-To": "b@sammler.net", "List-Id": "<x.firma.com>"})],
    ),
    "mail-reply-to-free": (
        [mail({"From": "chef@firma.com", "Reply-To": "chef.firma@gmail.com"})],
        [mail({"From": "a@gmx.de", "Reply-To": "a@gmail.com"}), mail({"From": "a@firma.com", "Reply-To": "b@firma.com"})],
    ),
    "mail-bounce-elsewhere": (
        [mail({"From": "a@firma.com", "Return-Path": "<x@sender.net>"})], [mail({"From": "a@firma.com", "Return-Path": "<x@b.firma.com>"}), mail({"Return-Path": "<>"})]
    ),
    "mail-name-shows-other-address": (
        [mail({"From": '"chef@firma.com" <x@elsewhere.net>'}), mail({"From": "=?utf-8?b?Y2hlZkBmaXJtYS5jb20=?= <x@elsewhere.net>"})],
        [mail({"From": '"chef@firma.com" <chef@firma.com>'}), mail({"From": '"A@B" <x@elsewhere.net>'})],
    ),
    "mail-name-hidden-letters": ([mail({"From": "=?utf-8?b?UGF54oCLUGFs?= <a@b.com>"})], [mail({"From": "=?utf-8?b?w4RyenRl?= <a@b.com>"})]),
    "mail-name-of-a-company": (
        [mail({"From": '"PayPal Support" <a@sonstwo.net>'}), mail({"From": "DHL <dhl@sonstwo.net>"}), mail({"From": "Wells Fargo Online Security <a@b.com>"})],
        [mail({"From": "PayPal <service@paypal.de>"}), mail({"From": "Paypal Friends of Music <a@b.com>"}),
         mail({"From": "Chase Miller <chase@miller.com>"}), mail({"From": "Amazon <x@marketplace.amazon.co.uk>"})],
    ),
    "mail-sender-same-look": (
        [mail({"From": "x@paypa1.com"}), mail({"From": "x@xn--pypal-4ve.com"}), mail({"From": "x@rnicrosoft.com"}),
         mail({"From": "x@kunde-dort.net", "To": "anna@kunde-d0rt.net"})],
        [mail({"From": "x@paypal.com"}), mail({"From": "x@paypal.fr"}), mail({"From": "x@kunde-dort.net", "To": "a@kunde-dort.net"})],
    ),
    "mail-sender-near": (
        [mail({"From": "x@microsofft.com"}), mail({"From": "x@mircosoft.com"}), mail({"From": "x@netflx.com"})],
        [mail({"From": "x@visual.com"}), mail({"From": "x@soft.com"}), mail({"From": "x@slackk.com"})],
    ),
    "mail-sender-borrowed-name": (
        [mail({"From": "x@paypal-sicherheit.net"}), mail({"From": "x@paypal.com.login.ru"})], [mail({"From": "x@mypaypals.net"}), mail({"From": "x@chaseman.net"})]
    ),
    "mail-dmarc-failed": (
        [mail(top=f"{AUTH}: mx.a.net; dmarc=fail (p=NONE) header.from=b.com\r\n")],
        [mail(top=f"{AUTH}: mx.a.net; dmarc=pass\r\n{AUTH}: mx.b.net; dmarc=fail\r\n"), mail(top=f"{AUTH}: mx.a.net; dmarc=none (fail)\r\n")],
    ),
    "mail-spf-failed": ([mail(top=f"{AUTH}: mx.a.net 1;\r\n spf=fail smtp.mailfrom=b.com\r\n")], [mail(top=f"{AUTH}: mx.a.net; spf=softfail\r\n")]),
    "mail-dkim-failed": ([mail(top=f"{AUTH}: mx.a.net; dkim=fail\r\n")], [mail(top=f"{AUTH}: mx.a.net; dkim=fail; dkim=pass\r\n")]),
    "mail-link-other": (
        [mail(html=link("http://zaehler.net/x", "www.firma-berg.com")), mail(html=link("http://zaehler.net/x", "https://firma-berg.com/a"))],
        [mail(html=link("http://zaehler.net/x", "Read more")), mail(html=link("http://a.firma-berg.com/x", "www.firma-berg.com")),
         mail(html=link("http://zaehler.net/x", "anna@firma-berg.com")), mail(html=link("mailto:a@b.com", "www.b.com")), mail(html=link("http://z.net", "node.js"))],
    ),
    "mail-link-false-company": (
        [mail(html=link("http://sonstwo.net/x", "https://www.paypal.com/login")), mail(html=link("http://185.220.101.44/", "paypal.com"))],
        [mail({"From": "a@paypal.com"}, html=link("http://zaehler.net/x", "https://www.paypal.com/login")), mail(html=link("https://paypal.com/x", "www.paypal.com"))],
    ),
    "mail-link-same-look": ([mail(html=link("http://www.paypa1.com/", "here"))], [mail(html=link("http://www.paypal.com/", "here"))]),
    "mail-link-near": ([mail(html=link("http://www.microsofft.com/", "here"))], [mail(html=link("http://www.micro.com/", "here"))]),
    "mail-link-borrowed-name": ([mail(html=link("http://paypal.com.konto.ru/", "here"))], [mail(html=link("http://konto.ru/paypal.com", "here"))]),
    "mail-link-to-address": ([mail(html=link("http://185.220.101.44/a", "here")), mail(html=link("http://3118228780/", "x"))], [mail(html=link("http://192.168.1.1/a", "here"))]),
    "mail-link-pretends": ([mail(html=link("http://www.paypal.com@sonstwo.ru/", "here"))], [mail(html=link("http://user@sonstwo.ru/", "here"))]),
    "mail-link-active": ([mail(html=link("javascript:alert(1)", "x")), mail(html=link("data:text/html;base64,AA==", "x"))], [mail(html=link("#top", "x"))]),
    "mail-link-short": ([mail(html=link("https://bit.ly/abc", "x"))], [mail(html=link("https://habit.ly/abc", "x"))]),
    "mail-link-program": ([mail(html=link("https://a.net/x/setup.exe", "x")), mail(html=link("https://a.net/a.iso?x=1", "x")), mail(html=link("https://a.net/@a.exe", "x"))], [mail(html=link("https://a.net/exe", "x")), mail(html=link("https://a.net/leave/anna@example.com?x=1", "x")), mail(html=link("https://a.net/anna%40example.com", "x"))]),
    "mail-form": ([mail(html="<form action='http://a.net'><input name=q></form>")], [mail(html="<p>form</p>")]),
    "mail-form-password": ([mail(html="<form action='http://a.net'><input type=PASSWORD></form>")], [mail(html="<form><input type=text name=password></form>")]),
    "mail-script": ([mail(html="<script>alert(1)</script>")], [mail(html="<p>&lt;script&gt;</p>")]),
    "mail-haste": ([mail({"Subject": "Urgent: verify your account"}), mail(html="<p>Ihr Konto wurde <b>gesperrt</b>. Bestätigen Sie Ihr Passwort innerhalb von 24 Stunden</p>")],
                   [mail({"Subject": "Urgent"})]),
    "mail-attachment-starts": ([mail(files=[("a.js", JSCRIPT)])], [mail(files=[("a.txt", b"hello")])]),
    "mail-attachment-program": ([mail(files=[("a.pdf", PE)])], [mail(files=[("a.exe", b"hello, this is text")])]),
    "mail-attachment-script": ([mail(files=[("a.py", b"#!/usr/bin/python3\nimport os\nprint(1)\n")])], [mail(files=[("a.txt", b"import duties")])]),
    "mail-attachment-disc": ([mail(files=[("a.iso", ISO)])], [mail(files=[("a.iso", b"x" * 40000)])]),
    "mail-attachment-page": ([mail(files=[("a.html", b"<html><body><script>x()</script></body></html>")])], [mail(files=[("a.html", b"<html><body><p>x</p></body></html>")])]),
    "mail-attachment-login": ([mail(files=[("a.html", LOGIN)])], [mail(files=[("a.html", LOGIN.replace(b"password", b"text"))])]),
    "mail-attachment-encrypted": ([mail(files=[("a.zip", locked())])], [mail(files=[("a.zip", plain_zip())]), mail(text="password: abc123", files=[("a.zip", locked())])]),
    "mail-password-beside": (
        [mail(text="The password is abc123", files=[("a.zip", locked())]), mail(html="<p>Passwort: <b>abc123</b></p>", files=[("a.zip", locked())])],
        [mail(text="The password is abc123", files=[("a.zip", plain_zip())]), mail(files=[("a.zip", locked())])],
    ),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def lists() -> None:
    engine.take(known.brought({}).data)


def examined(data: bytes, kind: str = "eml") -> list[Output]:
    return list(engine.examine(Subject(data=data, name="a.eml", kind=TYPES[kind])))


def ids(data: bytes, kind: str = "eml") -> set[str]:
    return {output.id for output in examined(data, kind) if isinstance(output, Finding)}


def test_every_finding_has_its_cases() -> None:
    entries = yaml.safe_load((default_folder() / "findings" / "mail.yaml").read_text())
    assert [entry["id"] for entry in entries] == list(CASES)


@pytest.mark.parametrize("name", CASES)
def test_finds(name: str) -> None:
    for data in CASES[name][0]:
        assert name in ids(data), data.decode("latin-1")[:2000]


@pytest.mark.parametrize("name", CASES)
def test_does_not_find(name: str) -> None:
    for data in CASES[name][1]:
        assert name not in ids(data), data.decode("latin-1")[:2000]


def test_an_ordinary_mail_has_none() -> None:
    assert ids(mail()) == set()
    newsletter = mail(
        {"From": "Shop <news@shop.de>", "List-Unsubscribe": "<https://shop.de/u>", "Return-Path": "<b@shop.de>"},
        html=link("https://shop.de/angebote", "Angebote") + '<img src="https://shop.de/p" width="1" height="1">',
        top=f"{AUTH}: mx.kunde.org; spf=pass; dkim=pass; dmarc=pass\r\n",
    )
    assert ids(newsletter) == set()
    facts = {output.name: output.value for output in examined(newsletter) if isinstance(output, Fact)}
    assert facts["mail.tracking"] == ("https://shop.de/p",)
    assert facts["mail.authentication"] == ("dkim: pass", "dmarc: pass", "spf: pass")


def test_settings_of_the_company() -> None:
    options: Mapping[str, Any] = {
        "own_domains": ["musterwerk.com"], "trusted_servers": ["mx.musterwerk.com"], "brands": {"Hausbank": ["hausbank.de"]},
    }  # fmt: skip
    engine.take(known.brought(options).data)
    try:
        assert "mail-sender-near" in ids(mail({"From": "x@musterwerkk.com"}))
        assert "mail-name-of-a-company" in ids(mail({"From": "Hausbank Service <x@sonst.net>"}))
        forged = f"{AUTH}: mx.evil.net; dmarc=fail\r\n{AUTH}: in.mx.musterwerk.com; dmarc=pass\r\n"
        assert "mail-dmarc-failed" not in ids(mail(top=forged))
        real = f"{AUTH}: mx.evil.net; dmarc=pass\r\n{AUTH}: mx.musterwerk.com; dmarc=fail\r\n"
        assert "mail-dmarc-failed" in ids(mail(top=real))
    finally:
        engine.take(known.brought({}).data)


def test_outlook_messages_are_judged_alike() -> None:
    data = msg(
        {"007D": "From: PayPal Support <x@paypa1.com>\r\nTo: a@b.com\r\nSubject: Hello\r\n", "1000": "Hello",
         "1013": link("http://185.220.101.44/x", "paypal.com").encode()},
        [{"3707": "a.js", "3701": JSCRIPT}],
    )  # fmt: skip
    found = ids(data, "msg")
    assert {
        "mail-sender-same-look",
        "mail-name-of-a-company",
        "mail-link-to-address",
        "mail-attachment-starts",
    } <= found


def test_lookalikes() -> None:
    lists, _ = known.read({})
    assert skeleton("раураl") == skeleton("paypal")
    for domain in ("paypal.com", "paypal.co.uk", "mail.paypal.com", "apple.com", "ups.com", "cups.com", "gmail.com", "ing.com",
                   "king.com", "slack.com", "black.com", "debian.org", "purchase.com", "snapple.com", "sap.de", "x.com"):  # fmt: skip
        assert likeness(domain, lists) is None, domain
    like = likeness("xn--80ak6aa92e.com", lists)  # аррӏе
    assert like is not None
    assert (like.kind, like.of) == ("letters", "apple.com")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("a@b.c", [("", "a@b.c")]),
        ("A B <a@b.c>, d@e.f", [("A B", "a@b.c"), ("", "d@e.f")]),
        ('"Berg, Anna" <a@b.c>', [("Berg, Anna", "a@b.c")]),
        ('"x \\" <evil@x.y>" <a@b.c>', [('x " <evil@x.y>', "a@b.c")]),
        ("=?utf-8?q?J=C3=BCrgen?= <a@b.c>", [("Jürgen", "a@b.c")]),
        ("a@b.c (Anna)", [("", "a@b.c")]),
        ("<a@b.c", [("", "a@b.c")]),
        (",,;", []),
        ("", []),
    ],
)
def test_addresses(value: str, found: list[tuple[str, str]]) -> None:
    assert [(one.shown, one.mail) for one in addresses(value)] == found


@pytest.mark.slow
@given(st.binary(max_size=600), st.integers(0, 3000))
@settings(deadline=None, max_examples=150)
def test_damaged_mails_are_survived(rubbish: bytes, at: int) -> None:
    whole = mail(
        {"From": '"x@y.de" <a@b.com>'},
        html=link("http://a.b/c", "www.d.de"),
        files=[("a.zip", locked()), ("b.eml", mail())],
    )
    place = at % len(whole)
    for data in (whole[:place] + rubbish + whole[place:], whole[:place], whole[:place] + rubbish, rubbish):
        for output in examined(data):
            assert isinstance(output, Output)


@given(st.integers(0, 20_000), st.integers(0, 255))
@settings(deadline=None, max_examples=100)
def test_damaged_outlook_messages_are_survived(at: int, byte: int) -> None:
    whole = bytearray(
        msg({"0037": "x", "1000": "y" * 5000, "1009": b"z" * 40}, [{"3707": "a.js", "3701": JSCRIPT * 100}])
    )
    whole[at % len(whole)] = byte
    # what the library raises ends the run of this engine, and that is told
    with contextlib.suppress(OSError, ValueError, IndexError, AttributeError, TypeError):
        examined(bytes(whole), "msg")


@pytest.mark.slow
@pytest.mark.parametrize(
    "data",
    [
        b"From: " + b"a,<" * 300_000,
        b"From: " + b'"' * 900_000 + b"\r\n\r\n",
        b"Subject: " + b"=?utf-8?q?a?= " * 60_000 + b"\r\n\r\nx",
        b"From: a@b.c\r\n" * 100_000 + b"\r\nx",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 100_000,
        b"Authentication-Results: " + b"(" * 900_000 + b"; spf=fail\r\n\r\n",
        mail(html="<a href='http://a.b/'>" * 50_000),
        mail(html="<" * 400_000),
        mail(html="<!--" * 100_000),
        mail(html="<a " * 100_000),
        mail(html="<![CDATA[" * 60_000),
    ],
)
def test_hostile_mails_end(data: bytes) -> None:
    engine.take(known.brought({}).data)
    with Cage() as cage, sheet(data) as fd:
        done = cage.run(engine.ENGINE, fd, name="a.eml", kind=TYPES["eml"])
    assert done.end in {End.DONE, End.TIME}
    assert done.seconds < 13


def test_in_the_cage() -> None:
    data = mail(
        {"From": "=?koi8-r?b?8NLJ18XU?= <x@paypa1.com>"}, html=link("http://185.220.101.44/x", "paypal.com"),
        files=[("a.js", JSCRIPT)],
    )  # fmt: skip
    with Cage() as cage, sheet(data) as fd:
        done = cage.run(engine.ENGINE, fd, name="a.eml", kind=TYPES["eml"])
    assert done.end is End.DONE, done.detail
    found = {output.id for output in done.outputs if isinstance(output, Finding)}
    assert {"mail-sender-same-look", "mail-link-false-company", "mail-attachment-starts"} <= found


def test_no_finding_is_unknown_to_the_catalogue() -> None:
    """Every id in the code has its texts."""
    folder = Path(engine.__file__).parents[1] / "mail"
    code = "".join(file.read_text() for file in folder.glob("*.py"))
    assert set(re.findall(r'"(mail-[a-z-]+)"', code)) == set(CASES)
    assert FROM


def test_an_outlook_message_that_was_cut_costs_no_engine() -> None:
    whole = msg({"0037": "Tomorrow", "1000": "See you."})
    with Cage(at_once=1) as cage:
        for end in (len(whole) - 300, 1100, 600, 513):
            with sheet(whole[:end]) as fd:
                done = cage.run(engine.ENGINE, fd, name="a.msg", kind=TYPES["msg"])
            assert done.failed == "", (end, done.detail)
