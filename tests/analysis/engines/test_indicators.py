"""Strings, indicators and what they say; the cage."""

from __future__ import annotations

import base64
import hashlib
import random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazaretto.analysis.addresses import world
from lazaretto.analysis.addresses.find import host_address, urls
from lazaretto.analysis.addresses.texts import texts
from lazaretto.analysis.addresses.wallets import keccak256
from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.cage.wire import End
from lazaretto.analysis.engine import Finding, Indicator, Output, Subject
from lazaretto.analysis.engines import indicators
from lazaretto.analysis.formats.types import TYPES

GENESIS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
P2SH = "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"  # BIP 173
TAPROOT = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"  # BIP 350
ETHER = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # EIP-55
MONERO = "4" + "8" + "A" * 93
_KEY = hashlib.sha256(b"a key").digest()
_CHECK = hashlib.sha3_256(b".onion checksum" + _KEY + b"\x03").digest()[:2]
ONION = base64.b32encode(_KEY + _CHECK + b"\x03").decode().lower() + ".onion"


@pytest.fixture(scope="module", autouse=True)
def lists() -> None:
    indicators.take(world.brought().data)


def examined(data: bytes, kind: str) -> list[Output]:
    return list(indicators.examine(Subject(data=data, name="a", kind=TYPES[kind])))


def found(text: str | bytes, kind: str = "text") -> set[tuple[str, str]]:
    data = text.encode() if isinstance(text, str) else text
    said = [output for output in examined(data, kind) if isinstance(output, Indicator)]
    return {(one.kind, one.value) for one in said}


def ids(text: str, kind: str) -> set[str]:
    return {output.id for output in examined(text.encode(), kind) if isinstance(output, Finding)}


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("see http://evil-site.ru/a?b=c.", "url", "http://evil-site.ru/a?b=c"),
        ("(http://evil-site.ru/a_(b))", "url", "http://evil-site.ru/a_(b)"),
        ("hxxps://evil-site.ru/x", "url", "https://evil-site.ru/x"),
        ("http://203.0.114.9:8080/x", "url", "http://203.0.114.9:8080/x"),
        (f"http://{ONION}/pay", "url", f"http://{ONION}/pay"),
        (f"go to {ONION}", "onion", ONION),
        (f"pay {GENESIS} now", "wallet", GENESIS),
        (f"pay {P2SH} now", "wallet", P2SH),
        (f"pay {SEGWIT} now", "wallet", SEGWIT),
        (f"pay {TAPROOT} now", "wallet", TAPROOT),
        (f"pay {ETHER} now", "wallet", ETHER),
        (f"pay {MONERO} now", "wallet", MONERO),
        ("host 185.220.101.44 is it", "ip", "185.220.101.44"),
        ("write to boss@evil-site.ru please", "email", "boss@evil-site.ru"),
        ("the server evil-site.ru answers", "domain", "evil-site.ru"),
        ("www.firma.bank too", "domain", "www.firma.bank"),
        (r"HKEY_CURRENT_USER\Software\Evil\Run", "registry", r"HKEY_CURRENT_USER\Software\Evil\Run"),
        (r"HKLM\SYSTEM\Setup x", "registry", r"HKLM\SYSTEM\Setup x"),
    ],
)
def test_finds(text: str, kind: str, value: str) -> None:
    assert (kind, value) in found(text)
    assert (kind, value) in found(text, "pe-exe") or kind == "domain"  # a bare name in a program is mostly none
    assert (kind, value) in found(b"\xff\xfe\x01\0" + text.encode("utf-16-le"), "data") or kind == "domain"


@pytest.mark.parametrize(
    "text",
    [
        "http://schemas.microsoft.com/x http://www.w3.org/1999/xhtml http://crl.globalsign.com/a.crl",
        "http://localhost/x http://192.168.1.1/x http://127.0.0.1:80/ http://intranet/x http://[::1]/",
        "http:// https://x http://.ru/ ://evil-site.ru",
        f"{GENESIS[:-1]}b {SEGWIT[:-1]}q {ETHER.lower()} {ETHER[:-1]}D {ONION.replace('onion', 'exit')}",
        "a" * 56 + ".onion",
        "version 1.2.3.4, 2.0.50.727, 10.0.0.1, 999.1.1.1, 1.3.6.1.4.1.311, 01.22.33.44, 8.8.8.8.8",
        "os.path.join self.name foo.bar setup.py README.md a.b index.ts main.rs e.g. i.e.",
        "user@host user@localhost @mention a@b.c.notatld x@example.com",
        r"C:\Windows\System32 \\server\share HKLM HKEY_X\Software",
    ],
)
def test_leaves_out(text: str) -> None:
    assert found(text) == set()
    assert found(text, "pe-exe") == set()


def test_names_in_programs_need_to_stand_alone() -> None:
    assert ("domain", "evil-site.ru") in found('x = "evil-site.ru"', "python")
    assert found("evil.site.ru(x); a.site.ru = 1; b=site.ru.x", "python") == set()
    assert found('x = "foo.name"; y = "utypes.ao"', "python") == set()


FINDINGS = {
    "indicators-onion": (ONION, "the onion network"),
    "indicators-wallet": (GENESIS, GENESIS[:-1] + "b"),
    "indicators-program-from-address": (
        "http://185.220.101.44/a.exe",
        "http://185.220.101.44/a.html http://10.0.0.1/a.exe",
    ),
    "indicators-address-disguised": ("http://3118228780/x", "http://185.220.101.44/x http://0x7f000001/"),
    "indicators-drop": ("https://pastebin.com/raw/abcd", "https://pastebin.com/ https://example.ru/raw/x"),
}


@pytest.mark.parametrize("name", FINDINGS)
def test_findings(name: str) -> None:
    positive, negative = FINDINGS[name]
    assert ids(f"x = '{positive}'", "python") == {name}
    assert ids(f"x = '{negative}'", "python") == set()


def test_texts_only_tell() -> None:
    """A document may speak of such things without doing them."""
    assert ids(f"{ONION} {GENESIS} http://185.220.101.44/a.exe", "text") == set()


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("3118228780", "185.220.101.44"), ("0xb9dc652c", "185.220.101.44"), ("0271.0334.0145.054", "185.220.101.44"),
        ("185.220.25900", "185.220.101.44"), ("185.220.101.44", "185.220.101.44"), ("127.1", "127.0.0.1"),
        ("a.b", None), ("999999999999", None), ("1.2.3.4.5", None), ("256.1.1.1", None), ("09.1.1.1", None), ("", None),
    ],
)  # fmt: skip
def test_spellings_of_addresses(host: str, address: str | None) -> None:
    known = host_address(host)
    assert (str(known) if known else None) == address


def test_keccak() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"abc").hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_texts_are_those_of_a_plain_search(data: bytes) -> None:
    runs = [one.replace(b"\t", b" ").decode() for one in re.findall(rb"[\t\x20-\x7e]{5,}", data)]
    assert texts(data).split("\n")[: len(runs)] == (runs or texts(data).split("\n")[:0])


def test_wide_texts_at_both_alignments() -> None:
    for before in (b"\xff\xff", b"\xff\xff\xff"):
        assert "hello wide" in texts(before + "hello wide".encode("utf-16-le") + b"\xff\xff")


@given(st.text(max_size=300), st.sampled_from(["text", "pe-exe", "html", "python"]))
@settings(deadline=None)
def test_anything_is_survived(text: str, kind: str) -> None:
    for output in examined(f"http://{text}@{text}.ru {text}\\{text} 0x{text}.onion".encode(errors="replace"), kind):
        assert isinstance(output, Output)


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        b"a.",
        b"http://",
        b"1.1.",
        b"a@",
        b"@",
        b"\\",
        b"HKLM\\",
        b"\xff",
        b"A\0",
        b"pw: x ",
        b"-.-.",
        b"9" * 50,
        b"bc1q",
        b"1" * 34 + b" ",
    ],
)
def test_hostile_repetition_is_bounded(piece: bytes) -> None:
    began = time.monotonic()
    for kind in ("text", "pe-exe"):
        examined(piece * (2_000_000 // len(piece)), kind)
    assert time.monotonic() - began < 20


def test_random_bytes_have_nearly_none() -> None:
    """A few letters, a dot and the name of a country happen by chance, now and then."""
    chance = random.Random(3)
    assert len(found(chance.randbytes(20_000_000), "data")) <= 3


def test_addresses_in_a_row() -> None:
    assert list(urls("http://a.ru/1,http://b.ru/2;<http://c.ru>")) == [
        "http://a.ru/1,http://b.ru/2", "http://b.ru/2", "http://c.ru",
    ]  # fmt: skip


def test_registered_names() -> None:
    known, _ = world.read()
    for name, registered in {
        "a.b.example.co.uk": "example.co.uk", "www.example.com": "example.com", "x.github.io": "x.github.io",
        "a.x.github.io": "x.github.io", "com": "com", "x.y.de": "y.de",
    }.items():  # fmt: skip
        assert known.registered(name) == registered


def test_in_the_cage() -> None:
    with Cage() as cage, sheet(f"http://evil-site.ru/x {GENESIS} {ONION}".encode()) as fd:
        done = cage.run(indicators.ENGINE, fd, name="a.txt", kind=TYPES["text"])
    assert done.end is End.DONE, done.detail
    kinds = {output.kind for output in done.outputs if isinstance(output, Indicator)}
    assert kinds == {"url", "wallet", "onion"}
