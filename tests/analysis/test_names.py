"""What a name says against its content."""

from __future__ import annotations

import pytest

from lazaretto.analysis.identify import identify
from lazaretto.analysis.names import evidence_of_name

PROGRAM = bytes.fromhex("7f454c46") + bytes(60)
BATCH = b"@echo off\r\nset A=1\r\n"
PDF = b"%PDF-1.4\n"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    ("name", "data", "found"),
    [
        ("invoice.pdf", PROGRAM, "name-other-than-content"),
        ("invoice.pdf.bat", BATCH, "name-double-extension"),
        ("a\u202efdp.bat", BATCH, "name-hidden-characters"),
        ("a\u200b.bat", BATCH, "name-hidden-characters"),
        ("a\x07.bat", BATCH, "name-hidden-characters"),
        ("invoice                          .bat", BATCH, "name-padded"),
        ("invoice______________.bat", BATCH, "name-padded"),
        ("invoice\u3000\u3000\u3000\u3000\u3000\u3000\u3000\u3000\u3000.bat", BATCH, "name-padded"),
        ("report.docx", PDF, "name-of-another-type"),
        ("setup-1.2.bat", BATCH, ""),
        ("my long name of a file.bat", BATCH, ""),
        ("report.pdf", PDF, ""),
        ("picture.jpg", PNG, ""),
        ("überprüfung_2024_final.pdf", PDF, ""),
    ],
)
def test_names(name: str, data: bytes, found: str) -> None:
    assert [one.id for one in evidence_of_name(name, identify(data, name))] == ([found] if found else [])
