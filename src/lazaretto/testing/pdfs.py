"""Makes PDF files for tests out of objects written as text."""

from __future__ import annotations

import io
from collections.abc import Mapping


def pdf(objects: Mapping[int, str | bytes], root: str = "", page: str = "", contents: bytes = b"") -> bytes:
    """A file with one page. Numbers 1 to 4 are the catalogue, the pages, the page and its contents: `root` and `page`
    are entries for the first and the third, `objects` are further ones by number, each as it is written."""
    resources = "" if "/Resources" in page else "/Resources << >>"
    whole: dict[int, str | bytes] = {
        1: f"<< /Type /Catalog /Pages 2 0 R {root} >>",
        2: "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] {resources} /Contents 4 0 R {page} >>",
        4: stream(contents),
        **objects,
    }
    out = io.BytesIO(b"%PDF-1.7\n")
    out.seek(0, io.SEEK_END)
    places = {}
    for number, text in whole.items():
        places[number] = out.tell()
        body = text.encode("latin-1") if isinstance(text, str) else text
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    begin = out.tell()
    size = max(places) + 1
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % size)
    for number in range(1, size):
        out.write(b"%010d 00000 n \n" % places[number] if number in places else b"0000000000 65535 f \n")
    out.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, begin))
    return out.getvalue()


def stream(data: bytes, entries: str = "") -> bytes:
    """A stream with these bytes."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), entries.encode("latin-1"), data)
