"""The workbook in a document, whichever of the formats it has."""

from __future__ import annotations

from lazaretto.analysis.documents.contents import Contents
from lazaretto.analysis.documents.excel4 import binary, packaged
from lazaretto.analysis.documents.excel4.sheets import Book


def book_of(found: Contents) -> Book | None:
    """None where there is no workbook."""
    if found.package is not None:
        return packaged.read(found.package) if any(name.startswith("xl/") for name in found.package.names) else None
    for _, file in found.compounds[:1]:
        for name in ("Workbook", "Book"):
            stream = file.find(name)
            if stream is not None:
                return binary.read(stream)
    return None
