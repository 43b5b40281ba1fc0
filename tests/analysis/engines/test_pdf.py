"""What is found in PDF files, and what is not."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.engine import Finding, Member
from lazaretto.analysis.engines import pdf as engine
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.identify import identify
from lazaretto.analysis.rulefiles import default_folder
from lazaretto.testing.documents import facts, ids, indicators, look, members, shortfalls
from lazaretto.testing.pdfs import pdf, stream

PLAIN = pdf({}, contents=b"BT (Hello, this is a letter.) Tj ET")
PROGRAM = b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0\x64\x86" + bytes(200)


def found(data: bytes) -> set[str]:
    return ids(look(engine.examine, data, "a.pdf"))


def test_a_letter_has_nothing() -> None:
    outputs = look(engine.examine, PLAIN, "a.pdf")
    assert (ids(outputs), shortfalls(outputs), members(outputs)) == (set(), [], {})


def test_scripts_come_out_and_automatic_ones_are_told() -> None:
    form = pdf(
        {5: "<< /S /JavaScript /JS (AFNumber_Format\\(2\\);) >>"}, page="/Annots [<< /Subtype /Widget /A 5 0 R >>]"
    )
    outputs = look(engine.examine, form)
    assert ids(outputs) == {"pdf-javascript"}
    assert members(outputs)["script 1.js"].data == b"AFNumber_Format(2);"
    assert members(outputs)["script 1.js"].relation == "macro"
    opening = pdf({5: "<< /S /JavaScript /JS 6 0 R >>", 6: stream(b"this.print();")}, "/OpenAction 5 0 R")
    assert found(opening) == {"pdf-javascript", "pdf-javascript-automatic"}
    named = pdf(
        {5: "<< /Names [(a) << /S /JavaScript /JS <746869732e7072696e7428293b> >>] >>"},
        "/Names << /JavaScript 5 0 R >>",
    )
    assert found(named) == {"pdf-javascript", "pdf-javascript-automatic"}


def test_what_comes_after_an_automatic_action_is_automatic() -> None:
    chained = pdf(
        {5: "<< /S /Named /N /NextPage /Next 6 0 R >>", 6: "<< /S /JavaScript /JS (x\\(\\)) /Next 5 0 R >>"},
        "/OpenAction 5 0 R",
    )
    assert "pdf-javascript-automatic" in found(chained)


@pytest.mark.parametrize(
    ("script", "finding"),
    [
        ("this.exportDataObject({cName: 'a', nLaunch: 2});", "pdf-script-opens-attachment"),
        ("var s = unescape('" + "%u9090" * 100 + "');", "pdf-script-carries-bytes"),
    ],
)
def test_scripts_that_do_more(script: str, finding: str) -> None:
    assert finding in found(pdf({5: "<< /S /JavaScript /JS 6 0 R >>", 6: stream(script.encode())}, "/OpenAction 5 0 R"))
    harmless = "this.exportDataObject({cName: 'a'}); var s = unescape('%20%u00e4');"
    assert finding not in found(pdf({5: "<< /S /JavaScript /JS 6 0 R >>", 6: stream(harmless.encode())}))


@pytest.mark.parametrize(
    ("action", "finding"),
    [
        ("<< /S /Launch /Win << /F (cmd.exe) /P (/c calc) >> >>", "pdf-starts-program"),
        ("<< /S /Launch /F (setup.exe) >>", "pdf-starts-program"),
        ("<< /S /Launch /F (part2.pdf) >>", "pdf-opens-file"),
        ("<< /S /GoToR /F (\\\\\\\\files.example\\\\share\\\\a.pdf) /D [0 /Fit] >>", "pdf-share"),
        ("<< /S /URI /URI (file://files.example/share/a.doc) >>", "pdf-share"),
        ("<< /S /URI /URI (javascript:alert\\(1\\)) >>", "pdf-odd-address"),
    ],
)
def test_actions_on_a_click(action: str, finding: str) -> None:
    page = f"/Annots [<< /Subtype /Link /Rect [0 0 10 10] /A {action} >>]"
    assert found(pdf({}, page=page)) == {finding}


def test_links_to_the_web_and_to_other_parts_are_ordinary() -> None:
    links = "".join(
        f"<< /Subtype /Link /Rect [0 0 9 9] /A {action} >>"
        for action in (
            "<< /S /URI /URI (https://example.org/a) >>", "<< /S /GoToR /F (part2.pdf) /D [0 /Fit] >>",
            "<< /S /SubmitForm /F (https://example.org/form) >>", "<< /S /URI /URI (mailto:a@example.org) >>",
        )
    )  # fmt: skip
    outputs = look(engine.examine, pdf({}, page=f"/Annots [{links}]"))
    assert ids(outputs) == set()
    assert indicators(outputs, "url") == {"https://example.org/a", "https://example.org/form"}


def test_what_opening_does_weighs_more() -> None:
    share = pdf({}, "/OpenAction << /S /GoToE /F (\\\\\\\\host.example\\\\s\\\\a.pdf) /D [0 /Fit] >>")
    assert found(share) == {"pdf-share-automatic"}
    address = pdf({}, page="/AA << /O << /S /URI /URI (https://example.org/) >> >>")
    assert found(address) == {"pdf-address-automatic"}


def attached(name: str, data: bytes) -> bytes:
    return pdf(
        {
            5: f"<< /Type /Filespec /F ({name}) /UF ({name}) /EF << /F 6 0 R >> >>",
            6: stream(data, "/Type /EmbeddedFile"),
        },
        f"/Names << /EmbeddedFiles << /Names [({name}) 5 0 R] >> >>",
    )


def test_attachments_are_files_of_their_own() -> None:
    outputs = look(engine.examine, attached("factur-x.xml", b"<?xml version='1.0'?><a/>"))
    assert ids(outputs) == {"pdf-attachment"}
    assert members(outputs)["factur-x.xml"] == Member(
        name="factur-x.xml", data=b"<?xml version='1.0'?><a/>", relation="attachment"
    )
    assert found(attached("a.exe", PROGRAM)) == {"pdf-carries-program"}
    assert found(attached("a.dat", PROGRAM)) == {"pdf-carries-program"}
    assert found(attached("figure.py", b"import os\nprint('a')\n")) == {"pdf-attachment"}


def test_a_file_in_an_ordinary_stream_is_found() -> None:
    outputs = look(engine.examine, pdf({5: stream(PROGRAM)}))
    assert ids(outputs) == {"pdf-file-in-stream"}
    assert members(outputs)["stream 5"].relation == "embedded"
    assert found(pdf({5: stream(b"just some bytes, MZ inside")})) == set()


def test_names_that_hide_letters() -> None:
    hidden = pdf({5: "<< /S /J#61vaScript /JS (x\\(\\)) >>"}, "/Open#41ction 5 0 R")
    assert found(hidden) == {"pdf-disguised-names", "pdf-javascript", "pdf-javascript-automatic"}
    assert found(pdf({5: "<< /A#20B 1 /Lime#20Green /DeviceN >>"})) == set()


def test_something_behind_or_before_the_pdf() -> None:
    zipped = io.BytesIO()

    with zipfile.ZipFile(zipped, "w") as file:
        file.writestr("a.txt", "a" * 500)
    outputs = look(engine.examine, PLAIN + zipped.getvalue())
    assert ids(outputs) == {"pdf-second-file"}
    assert members(outputs)["behind the end"].relation == "overlay"
    assert found(PLAIN + b"\n\0\0\0\n") == set()


def test_many_encodings() -> None:
    data = zlib.compress(zlib.compress(b"x"))
    assert "pdf-many-filters" in found(pdf({5: stream(data, "/Filter [/FlateDecode /FlateDecode]")}))
    assert (
        found(pdf({5: stream(zlib.compress(b"x").hex().encode() + b">", "/Filter [/ASCIIHexDecode /FlateDecode]")}))
        == set()
    )


def test_media_and_forms() -> None:
    assert "pdf-media" in found(pdf({}, page="/Annots [<< /Subtype /RichMedia /Rect [0 0 1 1] >>]"))
    xfa = stream(b"<x><script contentType='application/x-javascript'>app.alert('a')</script><script contentType="
                 b"'application/x-formcalc'>a = 1</script></x>")  # fmt: skip
    outputs = look(engine.examine, pdf({5: xfa}, "/AcroForm << /XFA 5 0 R /Fields [] >>"))
    assert [member.data for member in members(outputs).values()] == [b"app.alert('a')"]
    assert facts(outputs)["form"] == "XFA"


def pictured(rectangle: str, text: bytes) -> bytes:
    image = stream(
        b"\0", "/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray"
    )
    link = f"<< /Subtype /Link /Rect [{rectangle}] /A << /S /URI /URI (https://example.org/login) >> >>"
    return pdf({5: image}, page=f"/Resources << /XObject << /I 5 0 R >> >> /Annots [{link}]", contents=text)


def test_a_picture_to_click_on() -> None:
    assert found(pictured("50 300 550 500", b"q /I Do Q")) == {"pdf-picture-with-link"}
    assert found(pictured("50 300 90 310", b"q /I Do Q")) == set()  # a small link below a picture
    assert found(pictured("50 300 550 500", b"BT (" + b"A whole page of text. " * 30 + b") Tj ET")) == set()


def encrypted(password: str) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(attached("a.exe", PROGRAM))) as file:
        file.save(out, encryption=pikepdf.Encryption(owner="owner", user=password))
    return out.getvalue()


def test_encrypted_files() -> None:
    assert found(encrypted("")) == {"pdf-carries-program"}  # only protected against changes
    closed = look(engine.examine, encrypted("secret"))
    assert ids(closed) == {"pdf-encrypted"}
    assert shortfalls(closed)
    opened = look(engine.examine, encrypted("secret"), options={"passwords": ["infected", "secret"]})
    assert ids(opened) == {"pdf-encrypted-opened", "pdf-carries-program"}


def test_broken_files_are_repaired_or_said_to_be_broken() -> None:
    moved = PLAIN.replace(b"startxref\n", b"startxref\n9")
    assert found(moved) == {"pdf-repaired"}
    broken = look(engine.examine, b"%PDF-1.7\nnothing at all")
    assert ids(broken) == {"pdf-broken"}
    assert shortfalls(broken)


FULL = pdf(
    {
        5: "<< /S /JavaScript /JS (x\\(\\)) /Next [5 0 R 6 0 R] >>", 6: "<< /S /Launch /F (a.exe) /Next 5 0 R >>",
        7: "<< /Kids [7 0 R] /Names [(a) 5 0 R] >>", 8: stream(PROGRAM, "/Type /EmbeddedFile /Filter 8 0 R"),
    },
    "/OpenAction 5 0 R /Names << /JavaScript 7 0 R >>",
)  # fmt: skip


def test_loops_end() -> None:
    assert {"pdf-javascript", "pdf-javascript-automatic", "pdf-starts-program"} <= found(FULL)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(FULL) - 1), st.binary(min_size=1, max_size=6))
def test_changed_bytes_end_in_outputs(place: int, other: bytes) -> None:
    look(engine.examine, FULL[:place] + other + FULL[place + len(other) :], "a.pdf")
    look(engine.examine, FULL[:place], "a.pdf")


def test_in_the_cage_and_all_have_a_meaning() -> None:
    meanings = load_meanings(default_folder()).by_id
    with Cage(at_once=1) as cage:
        for data in (FULL, encrypted(""), pictured("50 300 550 500", b"q")):
            with sheet(data) as fd:
                outcome = cage.run(engine.ENGINE, fd, name="a.pdf", kind=identify(data, "a.pdf"))
            assert outcome.failed == "", outcome.detail
            assert outcome.outputs == tuple(look(engine.examine, data, "a.pdf"))
            said = {output.id for output in outcome.outputs if isinstance(output, Finding)}
            assert said
            assert said <= set(meanings)


def test_every_finding_of_the_catalogue_is_tested_here() -> None:
    text = Path(__file__).read_text()
    listed = [name for name in load_meanings(default_folder()).by_id if name.startswith("pdf-")]
    assert [name for name in listed if f'"{name}"' not in text] == []
