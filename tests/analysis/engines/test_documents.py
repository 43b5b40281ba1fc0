"""What documents do without macros."""

from __future__ import annotations

import struct
import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.documents import objects
from lazaretto.analysis.documents.addresses import Place, place
from lazaretto.analysis.engine import Finding
from lazaretto.analysis.engines import documents as engine
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.identify import identify
from lazaretto.analysis.rulefiles import default_folder
from lazaretto.analysis.unpackers import office
from lazaretto.domain.evidence import Weight
from lazaretto.testing.documents import (
    PROGRAM,
    details,
    facts,
    ids,
    indicators,
    look,
    members,
    object1,
    packaged,
    word,
    zipped,
)
from lazaretto.testing.vba import compound

MEANINGS = load_meanings(default_folder())


def found(data: bytes, name: str = "") -> set[str]:
    return ids(look(engine.examine, data, name))


def test_an_ordinary_document_has_nothing() -> None:
    ordinary = [
        ("hyperlink", "https://example.org/"),
        ("hyperlink", "\\\\server\\share\\a.docx"),
        ("attachedTemplate", "file:///C:\\Users\\Anna\\Templates\\Letter.dotm"),
        ("externalLinkPath", "https://firm.example/sites/a/Book1.xlsx"),
        ("oleObject", "file:///C:\\Data\\Book1.xlsx"),
    ]
    outputs = look(engine.examine, word(relations=ordinary))
    assert ids(outputs) == set()
    assert "https://example.org/" in indicators(outputs, "url")


@pytest.mark.parametrize(
    ("kind", "target", "finding"),
    [
        ("attachedTemplate", "https://templates.example/a.dotm", "document-remote-template"),
        ("attachedTemplate", "\\\\203.0.113.5@80\\a\\b.dotm", "document-remote-template"),
        ("attachedTemplate", "file:///\\\\server\\templates\\b.dotx", "document-share"),
        ("oleObject", "http://objects.example/a.html", "document-remote-object"),
        (
            "oleObject",
            "mhtml:http://objects.example/a.html!x-usc:http://objects.example/a.html",
            "document-remote-object",
        ),
        ("frame", "https://frames.example/a.htm", "document-remote-frame"),
        ("image", "https://pictures.example/a.png", "document-remote-content"),
        ("image", "\\\\server\\pictures\\a.png", "document-share"),
        ("hyperlink", "ms-msdt:/id PCWDiagnostic", "document-odd-address"),
    ],
)
def test_relationships_that_lead_out(kind: str, target: str, finding: str) -> None:
    assert found(word(relations=[(kind, target)])) == {finding}


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ("https://a.example/x", Place.WEB), ("file:///C:/a.doc", Place.LOCAL), ("media/a.png", Place.LOCAL),
        ("\\\\host\\share\\a", Place.SHARE), ("file://host/share/a", Place.SHARE),
        ("file:///\\\\host\\a\\b", Place.SHARE),
        ("\\\\?\\C:\\a", Place.LOCAL), ("javascript:a()", Place.COMMAND), ("mailto:a@b.example", Place.LOCAL),
        ("//127.0.0.1/a", Place.LOCAL), ("\\\\host@SSL\\dav\\a", Place.SHARE), ("#Sheet1!A1", Place.LOCAL),
    ],
)  # fmt: skip
def test_places(address: str, where: Place) -> None:
    assert place(address) is where


# --- fields ---------------------------------------------------------------------------------------------------------


def field(instruction: str) -> str:
    texts = "".join(f"<w:r><w:instrText>{part}</w:instrText></w:r>" for part in instruction.split("|"))
    return (
        f'<w:r><w:fldChar w:fldCharType="begin"/></w:r>{texts}<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
        '<w:r><w:t>1</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )


@pytest.mark.parametrize(
    ("instruction", "finding"),
    [
        ("DDE|AUTO c:\\\\windows\\\\system32\\\\cmd.exe &quot;/k calc.exe&quot;", "document-dde-program"),
        ("DDEAUTO " + field("QUOTE 99 109 100 32 47 99 32 97"), "document-dde-program"),
        ("DDEAUTO " + field("REF a"), "document-dde-program"),
        ("DDEAUTO Excel.Sheet.8 &quot;C:\\\\a.xls&quot; &quot;R1C1&quot; \\a", "document-dde"),
        ("INCLUDEPICTURE &quot;https://a.example/b.png&quot;", "document-remote-content"),
        ("INCLUDETEXT &quot;\\\\\\\\server\\\\share\\\\b.doc&quot;", "document-share"),
    ],
)
def test_fields_that_act(instruction: str, finding: str) -> None:
    assert found(word(body=field(instruction))) == {finding}


def test_ordinary_fields() -> None:
    ordinary = field("PAGE \\* MERGEFORMAT") + field("HYPERLINK &quot;http://a.example&quot;") + field("TOC \\o")
    assert found(word(body=ordinary + '<w:fldSimple w:instr=" DATE "/>')) == set()
    assert found(word(body='<w:fldSimple w:instr="DDE cmd.exe a"/>')) == {"document-dde-program"}


def test_fields_of_old_word_documents() -> None:
    text = '\x13 DDEAUTO c:\\\\windows\\\\cmd.exe "/c a" \x14 1 \x15'.encode("utf-16-le")
    assert found(compound({"WordDocument": bytes(600) + text})) == {"document-dde-program"}
    assert found(compound({"WordDocument": bytes(600) + b"\x13 PAGE \x14 1 \x15"})) == set()


def supbook(text: str) -> bytes:
    body = struct.pack("<HHB", 1, len(text), 0) + text.encode("ascii")
    return struct.pack("<HH", 0x1AE, len(body)) + body


def test_links_of_workbooks_to_programs() -> None:
    assert found(compound({"Workbook": supbook("cmd\x03/c calc")})) == {"document-dde-program"}
    assert found(compound({"Workbook": supbook("Word.Document.8\x03C:\\a.doc")})) == {"document-dde"}
    assert found(compound({"Workbook": supbook("\x01\x02Book1.xls")})) == set()
    link = '<externalLink><ddeLink ddeService="cmd" ddeTopic="/c calc"/></externalLink>'
    parts = {
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.xml": "<workbook/>",
        "xl/externalLinks/externalLink1.xml": link,
    }
    assert found(zipped(parts)) == {"document-dde-program"}


# --- objects --------------------------------------------------------------------------------------------------------


def test_carried_programs() -> None:
    for name, data in (
        ("a.exe", PROGRAM),
        ("invoice.pdf", PROGRAM),
        ("a.js", b"x"),
        ("a.lnk", b"L\0\0\0\x01\x14\x02\0" + bytes(80)),
    ):
        holder = compound({"\x01Ole10Native": packaged(name, data)})
        assert found(word({"word/embeddings/o.bin": holder})) == {"document-carries-program"}, name
    for name in ("a.txt", "a.pdf", "a.csv"):
        holder = compound({"\x01Ole10Native": packaged(name, b"just a text")})
        assert found(word({"word/embeddings/o.bin": holder})) == set()


def linked(address: str) -> bytes:
    return compound({"\x01Ole": b"\x01\0\0\x02" + bytes(20) + address.encode("utf-16-le") + b"\0\0"})


def test_linked_objects() -> None:
    outputs = look(engine.examine, word({"word/embeddings/o.bin": linked("http://a.example/b.hta")}))
    assert ids(outputs) == {"document-remote-object"}
    assert indicators(outputs, "url") == {"http://a.example/b.hta"}
    assert found(word({"word/embeddings/o.bin": linked("\\\\server\\share\\b.xls")})) == {"document-share"}
    assert found(word({"word/embeddings/o.bin": linked("C:\\Data\\b.xls")})) == set()


@pytest.mark.parametrize(
    ("address", "finding"),
    [
        ("https://firm.sharepoint.example/sites/a/Shared%20Documents/plan.xlsx", "document-linked-file"),
        ("https://files.firm.example:8443/a/b.pptx?web=1", "document-linked-file"),
        ("https://firm.example/a/plan.xlsx!Sheet1!R1C1:R5C9", "document-linked-file"),
        ("http://firm.example/a/plan.xlsx", "document-remote-object"),
        ("https://203.0.113.9/a/plan.xlsx", "document-remote-object"),
        ("https://a.example/letter.doc", "document-remote-object"),
        ("https://a.example/letter.rtf", "document-remote-object"),
        ("https://a.example/plan.xlsx.hta", "document-remote-object"),
        ("https://a.example/get?plan.xlsx", "document-remote-object"),
        ("https://plan.xlsx", "document-remote-object"),
    ],
)
def test_a_table_on_a_document_server_is_no_object_of_anybody(address: str, finding: str) -> None:
    assert found(word({"word/embeddings/o.bin": linked(address)})) == {finding}
    assert found(word(relations=[("oleObject", address)])) == {finding}
    assert found(rich(object1("OLE2Link", linked(address)))) == {"document-remote-object"}
    weighed = MEANINGS.by_id[finding].weight
    assert weighed is (Weight.MODERATE if finding == "document-linked-file" else Weight.STRONG)


def equation(font: bytes, *, name: str = "Equation Native") -> bytes:
    head = struct.pack("<HIHIIIII", 0x1C, 0x20000, 0xC1BE, 100, 0, 0, 0, 0) + b"\x03\x01\x01\x03\x0a"
    return head + b"\x0a\x01\x08\x5a\x5a" + font + b"\0" + bytes(20)


def with_class(data: bytes, number: str) -> bytes:
    """The compound file with this class at its root: the first entry of the directory."""
    place_of = data.find("Root Entry".encode("utf-16-le")) + 80
    return data[:place_of] + uuid.UUID(number).bytes_le + data[place_of + 16 :]


def test_equations() -> None:
    bad = compound({"Equation Native": equation(b"A" * 44)})
    assert found(word({"word/embeddings/o.bin": bad})) == {"document-equation"}
    good = compound({"Equation Native": equation(b"Times New Roman")})
    assert found(word({"word/embeddings/o.bin": good})) == set()
    odd = with_class(compound({"\x01Ole10Native": struct.pack("<I", 60) + bytes(60)}), objects.EQUATION)
    assert found(word({"word/embeddings/o.bin": odd})) == {"document-equation"}


def test_controls() -> None:
    def control(number: str) -> bytes:
        return word({"word/activeX/activeX1.xml": f'<ax:ocx ax:classid="{{{number}}}" xmlns:ax="a"/>'})

    assert found(control("D27CDB6E-AE6D-11CF-96B8-444553540000")) == {"document-active-control"}
    assert found(control("8BD21D10-EC42-11CE-9E0D-00AA006002F3")) == set()  # a text box


# --- rich text ------------------------------------------------------------------------------------------------------


def rich(data: bytes, before: str = "", wrap: str = "{}") -> bytes:
    return ("{\\rtf1\\ansi {\\object\\objemb" + before + "{\\*\\objdata " + wrap.format(data.hex()) + "}}}").encode()


def test_objects_of_rich_text() -> None:
    plain = object1("Package", packaged("a.exe", PROGRAM, sized=False))
    assert found(rich(plain)) == {"document-carries-program"}
    assert found(rich(object1("Package", packaged("a.txt", b"hello", sized=False)))) == set()
    assert found(rich(object1("Excel.Sheet.8", compound({"Workbook": b"x" * 100})))) == set()
    assert found(rich(object1("OLE2Link", linked("http://a.example/b.hta")))) == {"document-remote-object"}
    assert found(rich(object1("Equation.3", compound({"Equation Native": equation(b"A" * 80)})))) == {
        "document-equation"
    }
    assert found(rich(object1("Equation.3", equation(b"A" * 80)))) == {"document-equation"}
    assert found(rich(plain, before="\\objupdate")) == {"document-carries-program", "rtf-object-updates"}


def test_riddled_objects_are_read_and_told() -> None:
    data = object1("Package", packaged("a.exe", PROGRAM, sized=False))
    digits = data.hex()
    for riddled in (digits[:9] + "\\par " + digits[9:], digits[:9] + "{\\*\\abcdef 41}" + digits[9:],
                    digits[:9] + "\\bin0 " + digits[9:], digits[:9] + "{}" + digits[9:]):  # fmt: skip
        text = b"{\\rtf1 {\\object{\\*\\objdata " + riddled.encode() + b"}}}"
        assert found(text) == {"document-carries-program", "rtf-object-disguised"}, riddled[:40]
        assert members(look(office.examine, text))["a.exe"].data == PROGRAM
    lines = "\r\n".join(digits[at : at + 64] for at in range(0, len(digits), 64))
    assert found(b"{\\rtf1 {\\object{\\*\\objdata \n" + lines.encode() + b"\n}}}") == {"document-carries-program"}


def test_raw_bytes_in_rich_text() -> None:
    data = object1("Package", packaged("a.exe", PROGRAM, sized=False))
    text = b"{\\rtf1 {\\object{\\*\\objdata \\bin%d " % len(data) + data + b"}}}"
    assert found(text) == {"document-carries-program"}


def test_templates_fields_and_headers_of_rich_text() -> None:
    assert found(b"{\\rtf1{\\*\\template http://a.example/b.dot}}") == {"document-remote-template"}
    assert found(b"{\\rtf1{\\*\\template C:\\\\Templates\\\\Normal.dot}}") == set()
    dde = b'{\\rtf1 {\\field{\\*\\fldinst {DDE}{AUTO c:\\\\\\\\windows\\\\\\\\cmd.exe "/c a"}}{\\fldrslt 1}}}'
    assert found(dde) == {"document-dde-program"}
    assert found(b"{\\rtf1 {\\field{\\*\\fldinst PAGE}{\\fldrslt 1}}}") == set()
    assert found(b"{\\rtvpn hello}") == {"rtf-header"}
    assert found(b"{\\rtf1\\ansi hello\\par}") == set()


# --- OneNote --------------------------------------------------------------------------------------------------------


def section(*files: tuple[str, bytes]) -> bytes:
    mark = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")
    names = b"".join(b"\x01\0" + name.encode("utf-16-le") + b"\0\0" for name, _ in files)
    stored = b"".join(mark + struct.pack("<QIQ", len(data), 0, 0) + data + bytes(16) for _, data in files)
    return bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3") + bytes(200) + names + stored


def test_onenote() -> None:
    data = section(("invoice.hta", b"<script>x</script>"))
    outputs = look(engine.examine, data)
    assert ids(outputs) == {"document-carries-program"}
    assert facts(outputs)["named files"] == ("invoice.hta",)
    assert members(look(office.examine, data))["invoice.hta"].data == b"<script>x</script>"
    assert found(section(("notes.txt", b"hello"))) == set()
    assert found(section(("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(20)))) == set()
    assert details(look(engine.examine, section(("a.txt", PROGRAM))), "document-carries-program")


# --- hostile input --------------------------------------------------------------------------------------------------

_RICH = rich(object1("Package", packaged("a.exe", PROGRAM, sized=False)), before="\\objupdate")
_NOTE = section(("invoice.hta", b"<script>x</script>"), ("a.txt", b"b"))
_OLE = compound({"WordDocument": b"\x13 DDEAUTO cmd.exe \x15" + bytes(600), "ObjectPool": {"_1": {
    "\x01Ole10Native": packaged("a.exe", PROGRAM), "Equation Native": equation(b"A" * 44)}}})  # fmt: skip


@pytest.mark.parametrize("data", [_RICH, _NOTE, _OLE, word(relations=[("oleObject", "http://a.example")])])
def test_changed_bytes_end_in_outputs(data: bytes) -> None:
    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, len(data) - 1), st.binary(min_size=1, max_size=8))
    def changed(where: int, other: bytes) -> None:
        for examine in (engine.examine, office.examine):
            look(examine, data[:where] + other + data[where + len(other) :])
            look(examine, data[:where])

    changed()


def test_endless_nesting_ends() -> None:
    assert found(b"{\\rtf1 " + b"{" * 100_000 + b"}" * 100_000) == set()
    assert found(b"{\\rtf1 {\\*\\objdata " * 2_000) == set()
    assert found(word(body="<w:r>" * 5_000)) == set()
    entities = '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;&b;">]><w:document>&d;</w:document>'
    assert found(word({"word/document.xml": entities})) == set()


def test_in_the_cage_and_all_have_a_meaning() -> None:
    with Cage(at_once=1) as cage:
        for data in (_RICH, _NOTE, _OLE, word(relations=[("oleObject", "http://a.example")])):
            with sheet(data) as fd:
                outcome = cage.run(engine.ENGINE, fd, name="a", kind=identify(data, "a"))
            assert outcome.failed == "", outcome.detail
            assert outcome.outputs == tuple(look(engine.examine, data, "a"))
            said = {output.id for output in outcome.outputs if isinstance(output, Finding)}
            assert said
            assert said <= set(MEANINGS.by_id)


def test_every_finding_of_the_catalogue_is_tested_here() -> None:
    text = Path(__file__).read_text()
    listed = [name for name in MEANINGS.by_id if name.startswith(("document-", "rtf-"))]
    assert [name for name in listed if f'"{name}"' not in text and "encrypted" not in name] == []
