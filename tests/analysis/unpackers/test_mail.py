"""What is inside mails: MIME, Outlook's messages, winmail.dat, folders."""

# ruff: noqa: E501  the cases read best one to a line

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.cage.wire import End
from lazaretto.analysis.engine import Member, Shortfall, Subject
from lazaretto.analysis.engines import mail as engine
from lazaretto.analysis.engines import words
from lazaretto.analysis.examine import Examiner
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.formats.types import TYPES
from lazaretto.analysis.mail import rtf, tnef
from lazaretto.analysis.mail.reading import read
from lazaretto.analysis.rulefiles import default_folder
from lazaretto.analysis.unpackers import mail as unpacker
from lazaretto.testing import mails
from lazaretto.testing.mails import mail, message_tree, msg


def members(data: bytes, kind: str = "eml") -> list[tuple[str, str, bytes]]:
    said = unpacker.examine(Subject(data=data, name="a", kind=TYPES[kind]))
    return [(one.relation, one.name, one.data) for one in said if isinstance(one, Member)]


def names(data: bytes, kind: str = "eml") -> list[str]:
    return [name for _, name, _ in members(data, kind)]


def test_bodies_and_attachments() -> None:
    data = mail(text="Grüße", html="<p>Grüße</p>", files=[("Bericht März.pdf", b"%PDF-1.7"), ("a.bin", bytes(300))])
    found = members(data)
    assert [(relation, name) for relation, name, _ in found] == [
        ("body", "body.txt"), ("body", "body.html"), ("attachment", "Bericht März.pdf"), ("attachment", "a.bin"),
    ]  # fmt: skip
    assert found[0][2].decode().strip() == "Grüße"
    assert (found[2][2], found[3][2]) == (b"%PDF-1.7", bytes(300))


def test_a_mail_without_structure() -> None:
    assert members(b"From: a@b.c\r\nTo: d@e.f\r\n\r\nhello\r\n") == [("body", "body.txt", b"hello\r\n")]


def test_character_sets() -> None:
    head = b"From: a@b.c\r\nContent-Type: text/plain; charset=%s\r\n\r\n"
    for charset, text in (
        ("koi8-r", "привет"),
        ("shift_jis", "こんにちは"),
        ("iso-8859-15", "10 €"),
        ("nonsense-9", "plain"),
    ):
        found = members(head % charset.encode() + text.encode(charset if charset != "nonsense-9" else "ascii"))
        assert found[0][2].decode() == text


def test_names_lose_their_paths() -> None:
    data = (
        b"From: a@b.c\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/x\r\n"
        b'Content-Disposition: attachment; filename="..\\..\\Windows\\x.exe"\r\n\r\nMZ\r\n--b\r\n'
        b'Content-Type: application/x; name*0="a"; name*1="b.exe"\r\n\r\nMZ\r\n--b--\r\n'
    )
    assert names(data) == ["x.exe", "ab.exe"]


def test_a_mail_inside() -> None:
    inner = mail({"Subject": "inner"}, files=[("x.js", b"var a")])
    data = (
        b"From: a@b.c\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
        + inner + b"\r\n--b--\r\n"
    )  # fmt: skip
    (found,) = members(data)
    assert found[:2] == ("attachment", "message.eml")
    assert names(found[2]) == ["body.txt", "x.js"]


def test_parts_nested_too_deep_are_told() -> None:
    data = b"From: a@b.c\r\n"
    for level in range(60):
        data += b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
    said = list(unpacker.examine(Subject(data=data + b"\r\nx", name="a", kind=TYPES["eml"])))
    assert any(isinstance(one, Shortfall) for one in said)


def test_an_outlook_message() -> None:
    data = msg(
        {"0037": "Invoice", "0C1A": "Anna", "5D01": "anna@firma.de", "0E04": "Bert", "1000": "Hello Bert",
         "1013": b"<p>Hello Bert</p>"},
        [{"3707": "long name.docx", "3704": "LONGNA~1.DOC", "3701": b"D" * 9000}, {"3704": "b.bin", "3701": b"x"}],
    )  # fmt: skip
    assert members(data, "msg") == [
        ("body", "body.txt", b"Hello Bert"), ("body", "body.html", b"<p>Hello Bert</p>"),
        ("attachment", "long name.docx", b"D" * 9000), ("attachment", "b.bin", b"x"),
    ]  # fmt: skip
    message = read(Subject(data=data, name="a", kind=TYPES["msg"]))
    assert (message.subject, message.addresses("from")[0].mail) == ("Invoice", "anna@firma.de")


def test_a_message_inside_an_outlook_message() -> None:
    inner = message_tree({"0037": "Inner", "1000": "secret", "5D01": "x@y.de"}, [{"3707": "x.js", "3701": b"var a"}])
    (_, name, data) = members(msg({"0037": "Outer"}, [{"3001": "Inner", "3701": inner}]), "msg")[0]
    assert name == "Inner.eml"
    assert members(data) == [("body", "body.txt", b"secret\n"), ("attachment", "x.js", b"var a")]
    message = read(Subject(data=data, name="a", kind=TYPES["eml"]))
    assert (message.subject, message.addresses("from")[0].mail) == ("Inner", "x@y.de")


def test_rich_text_of_outlook() -> None:
    # [MS-OXRTFCP] 4.1.1, an example of the format's authors
    example = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af3206865 6c090020627705b06c647d0a800fa0".replace(
            " ", ""
        )
    )
    assert rtf.decompressed(example) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    body = members(msg({"0037": "x", "1009": example}), "msg")[0]
    assert b"hello world" in body[2]
    assert rtf.decompressed(struct.pack("<II4sI", 20, 5, b"MELA", 0) + b"plain") == b"plain"
    assert rtf.decompressed(b"") == rtf.decompressed(b"x" * 40) == b""


def test_winmail() -> None:
    packed = mails.tnef([("Rechnung.exe", b"MZ" + bytes(50)), ("b.txt", b"hello")], html="<p>hi</p>")
    found = members(mail(files=[("winmail.dat", packed)]))
    assert [name for _, name, _ in found] == ["body.txt", "winmail.dat", "Rechnung.exe", "b.txt", "winmail-0.html"]
    assert found[2][2] == b"MZ" + bytes(50)
    assert tnef.attachments_of(b"no such thing") == []


@given(st.integers(0, 5000), st.integers(0, 255), st.booleans())
@settings(deadline=None)
def test_damaged_winmail_is_survived(at: int, byte: int, cut: bool) -> None:
    whole = bytearray(mails.tnef([("a" * 40, b"x" * 200), ("b", b"y")], html="<p>" * 30))
    whole[at % len(whole)] = byte
    tnef.attachments_of(bytes(whole[: at % len(whole)] if cut else whole))


@given(st.binary(max_size=300), st.integers(0, 0xFFFFFFFF))
@settings(deadline=None)
def test_damaged_rich_text_is_survived(data: bytes, size: int) -> None:
    assert len(rtf.decompressed(struct.pack("<II4sI", 0, size, b"LZFu", 0) + data)) <= size


def test_a_folder() -> None:
    data = (
        b"From a Mon\n" + mail({"Subject": "1"}) + b"\nFrom b Tue\n" + mail({"Subject": "2"}, text=">From here") + b"\n"
    )
    found = members(data, "mbox")
    assert [name for _, name, _ in found] == ["message-1.eml", "message-2.eml"]
    assert b"Subject: 2" in found[1][2]
    many = b"From a Mon\nSubject: x\n\nx\n" * 600
    said = list(unpacker.examine(Subject(data=many, name="a", kind=TYPES["mbox"])))
    assert len([one for one in said if isinstance(one, Member)]) == 500
    assert any(isinstance(one, Shortfall) for one in said)


@pytest.fixture(scope="module")
def cage() -> Iterator[Cage]:
    with Cage() as made:
        yield made


INNER = mail({"Subject": "inner"}, files=[("x.js", b"var a")])
CAGED = {
    "a character set": (b"From: =?shift_jis?b?grGC8YLJgr+CzQ==?= <a@b.c>\r\nContent-Type: text/plain; charset=gb18030\r\n\r\n\xc4\xe3", "eml"),
    "eight bits": ("From: a@b.c\r\nTo: x@y.z\r\nSubject: Grüße\r\n\r\nGrüße ☃".encode(), "eml"),
    "a mail inside": (b"From: a@b.c\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + INNER + b"\r\n--b--\r\n", "eml"),
    "winmail": (mail(files=[("winmail.dat", mails.tnef([("a", b"b")], html="<p>x</p>"))]), "eml"),
    "outlook": (msg({"0037": "x", "1000": "hello"}, [{"3707": "a.b", "3701": b"c"}]), "msg"),
    "a message inside": (msg({"0037": "x"}, [{"3001": "y", "3701": message_tree({"0037": "Inner", "1000": "ä", "1013": b"<p>"}, [{"3707": "ü.js", "3701": b"x"}])}]), "msg"),
    "a folder": (b"From a Mon\n" + INNER, "mbox"),
}  # fmt: skip


@pytest.mark.parametrize("case", CAGED)
def test_in_the_cage(cage: Cage, case: str) -> None:
    """Where no module and no character set can be loaded any more."""
    data, kind = CAGED[case]
    for one in (unpacker.ENGINE, engine.ENGINE):
        if one.wants(TYPES[kind]):
            with sheet(data) as fd:
                done = cage.run(one, fd, name="a", kind=TYPES[kind])
            assert done.end is End.DONE, done.detail
            assert done.outputs


def test_the_tree(cage: Cage) -> None:
    """The mail's words reach what lies beside; the body counts with the mail, the attachment for itself."""
    data = mail(
        text="The password is Qx77zz", files=[("inner.eml", mail({"Subject": "inner"}, files=[("x.txt", b"y")]))]
    )
    look = Examiner(cage, load_meanings(default_folder()), engines=[unpacker.ENGINE, words.ENGINE, engine.ENGINE])
    tree = look(data, "a.eml")
    assert [(node.path, node.relation) for node in tree.walk()] == [
        ((), ""), (("body.txt",), "body"), (("inner.eml",), "attachment"), (("inner.eml", "body.txt"), "body"),
        (("inner.eml", "x.txt"), "attachment"),
    ]  # fmt: skip
    body = tree.children[0]
    assert ("password", "Qx77zz") in {(one.kind, one.value) for one in body.indicators}
    assert [one.path for one in tree.files()] == [("inner.eml",)]
