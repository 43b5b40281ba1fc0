"""Documents without macros, and what a page can do by itself: opened, read, over soon."""

from __future__ import annotations

import io
import zipfile

import pytest

from lazaretto.domain.trace import Ending

pytestmark = pytest.mark.machine("office")

RTF = rb"{\rtf1\ansi A letter to nobody in particular.\par}"
URL = "http://forms.example.com/order.html"
SCRIPTED = b"<< /S /JavaScript /JS (app.alert\\(1\\); this.exportDataObject\\({cName: 'a.exe', nLaunch: 2}\\);) >>"


@pytest.fixture
def opened(tmp_path, guests):
    def run(name, content, launch, **request):
        path = tmp_path / name
        path.write_bytes(content)
        return guests.run(path, "office", launch, **request)

    return run


def docx(text):
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    members = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/d.xml" ContentType="{kind}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="a" Type="{office}" '
        'Target="d.xml"/></Relationships>',
        "d.xml": f'<w:document xmlns:w="{word}"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return out.getvalue()


def pdf(*, link=b"", action=b"", attached=b""):
    """One page; `link`: a big button leads there; `action`: done when it is opened; `attached`: a file within it."""
    draw = b"0.1 0.3 0.9 rg 100 300 400 300 re f 1 1 1 rg BT /F1 36 Tf 130 440 Td (OPEN DOCUMENT) Tj ET"
    annotation = b"/Annots [<< /Type /Annot /Subtype /Link /Rect [100 300 500 600] /Border [0 0 0] /A << /S /URI /URI ("
    annotation += link + b") >> >>]"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R " + (b"/OpenAction " + action if action else b"")
        + (b"/Names << /EmbeddedFiles << /Names [(setup.exe) 6 0 R] >> >>" if attached else b"") + b" >>",
        b"<< /Type /Pages /Count 1 /Kids [5 0 R] >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(draw), draw),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 3 0 R >> >> "
        + (annotation if link else b"") + b" >>",
        b"<< /Type /Filespec /F (setup.exe) /UF (setup.exe) /EF << /F 7 0 R >> >>",
        b"<< /Type /EmbeddedFile /Length %d >>\nstream\n%s\nendstream" % (len(attached), attached),
    ]  # fmt: skip
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    tail = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return bytes(out) + tail % (len(objects) + 1, table, len(objects) + 1, len(out))


@pytest.mark.parametrize(
    ("name", "content", "launch"), [("letter.rtf", RTF, "rtf"), ("letter.docx", docx("A letter."), "doc")]
)
def test_plain_document(opened, name, content, launch):
    observed = opened(name, content, launch)
    assert observed.ending is Ending.EXITED, observed.story()
    assert observed.trace.guest_time < 60
    assert [start.image for start in observed.events("process.start")] == ["/usr/bin/soffice"]
    assert observed.one("file.read", path=f"/home/claire/Downloads/{name}")
    assert observed.one("window", title=lambda title: name in title)
    assert not observed.kinds() & {"net.dns", "net.http", "canary", "autostart", "standin", "api"}
    assert not [write for write in observed.events("file.write") if write.path != f"/home/claire/Downloads/{name}"]
    assert observed.artifacts("screenshot")


def test_link_in_a_pdf_is_followed(opened):
    observed = opened("order.pdf", pdf(link=URL.encode()), "pdf")
    assert observed.one("process.start", image="/usr/bin/xpdf.real")
    start = observed.one("process.start", command_line=lambda line: URL in line)
    assert observed.one("net.dns", name="forms.example.com").time > start.time
    assert observed.one("net.http", url=URL)


@pytest.mark.parametrize(
    "what",
    [{"action": SCRIPTED}, {"action": b"<< /S /URI /URI (" + URL.encode() + b") >>"}, {"attached": b"MZ" + bytes(900)}],
    ids=["script", "address", "file"],
)
def test_what_a_pdf_holds_is_not_done_by_itself(opened, what):
    """The viewer has no JavaScript, follows links by a click only, and lets files be: it is shown, and that is all."""
    observed = opened("order.pdf", pdf(**what), "pdf")
    assert observed.ending is Ending.EXITED, observed.story()
    assert observed.one("file.read", path="/home/claire/Downloads/order.pdf")
    assert observed.one("window", title=lambda title: "order.pdf" in title)
    assert observed.artifacts("screenshot")
    assert [start.image for start in observed.events("process.start")] == ["/usr/bin/xpdf.real"]
    assert not observed.kinds() & {"net.dns", "net.http", "canary", "process.exit"}


def test_page_loads_what_it_names(opened):
    page = b'<html><body><h1>Order</h1><img src="http://pictures.example.com/logo.png"></body></html>'
    observed = opened("order.html", page, "html")
    assert observed.one("process.start", image="/usr/bin/dillo")
    assert observed.one("net.http", url="http://pictures.example.com/logo.png")
    assert observed.ending is Ending.EXITED, observed.story()
