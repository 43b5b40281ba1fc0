"""Documents as bytes: Word, Excel and PowerPoint (ECMA-376 packages) and PDF (1.4), valid and as small as they can
be."""

from __future__ import annotations

import io
import random
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from xml.sax.saxutils import escape

Cell = str | int | float

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SLIDE = "http://schemas.openxmlformats.org/presentationml/2006/main"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"


def docx(title: str, paragraphs: Sequence[str], author: str, made: datetime) -> bytes:
    """A Word document: the title as a heading, then the paragraphs."""
    heading = (
        f'<w:p><w:pPr><w:spacing w:after="240"/></w:pPr><w:r><w:rPr><w:b/><w:sz w:val="36"/'
        f"></w:rPr>{_run(title)}</w:r></w:p>"
    )
    body = "".join(
        f'<w:p><w:pPr><w:spacing w:after="160"/></w:pPr><w:r>{_run(text)}</w:r></w:p>' for text in paragraphs
    )
    page = (
        '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1417" w:right="1417" '
        'w:bottom="1134" w:left="1417"/></w:sectPr>'
    )
    document = f'<w:document xmlns:w="{_WORD}"><w:body>{heading}{body}{page}</w:body></w:document>'
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return _package("word/document.xml", main, {"word/document.xml": document}, {}, title, author, made)


def _run(text: str) -> str:
    return f'<w:t xml:space="preserve">{escape(text)}</w:t>'


def xlsx(title: str, rows: Sequence[Sequence[Cell]], author: str, made: datetime) -> bytes:
    """An Excel workbook with one sheet; numbers are numbers, all else is inline text."""
    lines = "".join(
        f'<row r="{number}">{"".join(_cell(column, number, value) for column, value in enumerate(row))}</row>'
        for number, row in enumerate(rows, 1)
    )
    parts = {
        "xl/workbook.xml": f'<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}/relationships"><sheets>'
        f'<sheet name="{escape(title[:28])}" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relations([(f"{_OFFICE}/relationships/worksheet", "worksheets/sheet1.xml")]),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_SHEET}"><sheetData>{lines}</sheetData></worksheet>',
    }
    base = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    types = {"xl/worksheets/sheet1.xml": f"{base}.worksheet+xml"}
    return _package("xl/workbook.xml", f"{base}.sheet.main+xml", parts, types, title, author, made)


def _cell(column: int, row: int, value: Cell) -> str:
    name = f"{chr(65 + column)}{row}"
    if isinstance(value, str):
        return f'<c r="{name}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{name}"><v>{value}</v></c>'


def pptx(title: str, slides: Sequence[tuple[str, Sequence[str]]], author: str, made: datetime) -> bytes:
    """A presentation: each slide is a heading and its points, on one empty master."""
    base = "application/vnd.openxmlformats-officedocument.presentationml"
    spaces = f'xmlns:a="{_DRAWING}" xmlns:r="{_OFFICE}/relationships" xmlns:p="{_SLIDE}"'
    tree = '<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
    empty = f"<p:cSld><p:spTree>{tree}</p:spTree></p:cSld>"
    colours = '<p:clrMap bg1="lt1" tx1="dk1" bg2="lt2" tx2="dk2" ' + " ".join(
        f'{name}="{name}"'
        for name in ("accent1", "accent2", "accent3", "accent4", "accent5", "accent6", "hlink", "folHlink")
    )
    relation = f"{_OFFICE}/relationships"
    ids = "".join(f'<p:sldId id="{256 + number}" r:id="rId{number + 2}"/>' for number in range(len(slides)))
    parts = {
        "ppt/presentation.xml": f"<p:presentation {spaces}><p:sldMasterIdLst><p:sldMasterId "
        f'id="2147483648" r:id="rId1"/>'
        f'</p:sldMasterIdLst><p:sldIdLst>{ids}</p:sldIdLst><p:sldSz cx="9144000" cy="6858000"/>'
        '<p:notesSz cx="6858000" cy="9144000"/></p:presentation>',
        "ppt/_rels/presentation.xml.rels": _relations(
            [(f"{relation}/slideMaster", "slideMasters/slideMaster1.xml")]
            + [(f"{relation}/slide", f"slides/slide{number}.xml") for number in range(1, len(slides) + 1)]
        ),
        "ppt/slideMasters/slideMaster1.xml": f"<p:sldMaster {spaces}>{empty}{colours}/>"
        '<p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst></p:sldMaster>',
        "ppt/slideMasters/_rels/slideMaster1.xml.rels": _relations(
            [
                (f"{relation}/slideLayout", "../slideLayouts/slideLayout1.xml"),
                (f"{relation}/theme", "../theme/theme1.xml"),
            ]
        ),
        "ppt/slideLayouts/slideLayout1.xml": f"<p:sldLayout {spaces}>{empty}</p:sldLayout>",
        "ppt/slideLayouts/_rels/slideLayout1.xml.rels": _relations(
            [(f"{relation}/slideMaster", "../slideMasters/slideMaster1.xml")]
        ),
        "ppt/theme/theme1.xml": _theme(),
    }
    types = {
        "ppt/slideMasters/slideMaster1.xml": f"{base}.slideMaster+xml",
        "ppt/slideLayouts/slideLayout1.xml": f"{base}.slideLayout+xml",
        "ppt/theme/theme1.xml": "application/vnd.openxmlformats-officedocument.theme+xml",
    }
    for number, (heading, points) in enumerate(slides, 1):
        shapes = _shape(2, 457200, 1143000, 3200, [heading]) + _shape(3, 1600200, 4525963, 2000, points)
        parts[f"ppt/slides/slide{number}.xml"] = (
            f"<p:sld {spaces}><p:cSld><p:spTree>{tree}{shapes}</p:spTree></p:cSld></p:sld>"
        )
        parts[f"ppt/slides/_rels/slide{number}.xml.rels"] = _relations(
            [(f"{relation}/slideLayout", "../slideLayouts/slideLayout1.xml")]
        )
        types[f"ppt/slides/slide{number}.xml"] = f"{base}.slide+xml"
    return _package("ppt/presentation.xml", f"{base}.presentation.main+xml", parts, types, title, author, made)


def _shape(number: int, top: int, height: int, size: int, lines: Sequence[str]) -> str:
    text = "".join(
        f'<a:p><a:r><a:rPr lang="en-US" sz="{size}"/><a:t>{escape(line)}</a:t></a:r></a:p>' for line in lines
    )
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="{number}" name="Text {number}"/><p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr>'
        f'<p:spPr><a:xfrm><a:off x="457200" y="{top}"/><a:ext cx="8229600" cy="{height}"/></a:xfrm>'
        f'<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr><p:txBody><a:bodyPr/>{text}</p:txBody></p:sp>'
    )


def _theme() -> str:
    colours = {
        "dk1": "000000", "lt1": "FFFFFF", "dk2": "1F497D", "lt2": "EEECE1", "accent1": "4F81BD", "accent2": "C0504D",
        "accent3": "9BBB59", "accent4": "8064A2", "accent5": "4BACC6", "accent6": "F79646", "hlink": "0000FF",
        "folHlink": "800080",
    }  # fmt: skip
    scheme = "".join(f'<a:{name}><a:srgbClr val="{value}"/></a:{name}>' for name, value in colours.items())
    font = '<a:latin typeface="Calibri"/><a:ea typeface=""/><a:cs typeface=""/>'
    fill = '<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>'
    effect = "<a:effectStyle><a:effectLst/></a:effectStyle>"
    return (
        f'<a:theme xmlns:a="{_DRAWING}" name="Office"><a:themeElements><a:clrScheme '
        f'name="Office">{scheme}</a:clrScheme>'
        f'<a:fontScheme name="Office"><a:majorFont>{font}</a:majorFont><a:minorFont>{font}</a:minorFont></a:fontScheme>'
        f'<a:fmtScheme name="Office"><a:fillStyleLst>{fill * 3}</a:fillStyleLst>'
        f"<a:lnStyleLst>{f'<a:ln>{fill}</a:ln>' * 3}</a:lnStyleLst><a:effectStyleLst>{effect * 3}</a:effectStyleLst>"
        f"<a:bgFillStyleLst>{fill * 3}</a:bgFillStyleLst></a:fmtScheme></a:themeElements></a:theme>"
    )


def _relations(targets: Iterable[tuple[str, str]]) -> str:
    lines = "".join(
        f'<Relationship Id="rId{number}" Type="{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_RELATIONS}">{lines}</Relationships>'


def _package(  # noqa: PLR0917 - as many as the thing has parts
    main: str, main_type: str, parts: dict[str, str], types: dict[str, str], title: str, author: str, made: datetime
) -> bytes:
    stamp = made.strftime("%Y-%m-%dT%H:%M:%SZ")
    core = (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{escape(title)}</dc:title><dc:creator>{escape(author)}</dc:creator>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{stamp}</dcterms:created></cp:coreProperties>'
    )
    overrides = {
        main: main_type,
        "docProps/core.xml": "application/vnd.openxmlformats-package.core-properties+xml",
        **types,
    }
    listed = "".join(f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, kind in overrides.items())
    everything = {
        "[Content_Types].xml": f'<Types xmlns="{_TYPES}"><Default Extension="rels" ContentType="application/vnd.openxml'
        'formats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        + listed
        + "</Types>",
        "_rels/.rels": _relations(
            [
                (f"{_OFFICE}/relationships/officeDocument", main),
                (f"{_RELATIONS}/metadata/core-properties", "docProps/core.xml"),
            ]
        ),
        "docProps/core.xml": core,
        **parts,
    }
    return archive({name: (_XML + text).encode() for name, text in everything.items()}, made)


def archive(members: dict[str, bytes], made: datetime) -> bytes:
    """A zip archive of the members, in their order, with one time stamp."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, made.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, content)
    return out.getvalue()


def pdf(title: str, paragraphs: Sequence[str], author: str, made: datetime, rng: random.Random) -> bytes:
    """A PDF of A4 pages: the title, then the paragraphs in Helvetica, 46 lines a page."""
    lines = [line for text in paragraphs for line in [*_wrapped(text, 88), ""]]
    pages = [lines[start : start + 46] for start in range(0, len(lines), 46)] or [[]]
    stamp = made.strftime("D:%Y%m%d%H%M%SZ")
    bodies: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    bodies.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    bodies.append(f"<< /Title ({_text(title)}) /Author ({_text(author)}) /CreationDate ({stamp}) >>".encode("latin-1"))
    kids = []
    for number, page in enumerate(pages):
        head = f"/F1 20 Tf 60 780 Td ({_text(title)}) Tj 0 -40 Td" if number == 0 else "60 790 Td"
        rows = "".join(f"({_text(line)}) Tj 0 -15 Td\n" for line in page)
        content = zlib.compress(f"BT {head} /F1 11 Tf\n{rows}ET".encode("latin-1"))
        bodies.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(content), content))
        kids.append(f"{len(bodies) + 1} 0 R")
        bodies.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {len(bodies)} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
    bodies[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(kids)}] >>".encode()
    out, offsets = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    identity = rng.randbytes(16).hex()
    out += f"trailer\n<< /Size {len(bodies) + 1} /Root 1 0 R /Info 4 0 R /ID [<{identity}> <{identity}>] >>\n".encode()
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def _text(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _wrapped(text: str, width: int) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return [*lines, line]
