"""A PDF that is nothing but a picture to click on."""

from __future__ import annotations

import re
from typing import Any

from lazaretto.analysis.documents.actions import pages
from lazaretto.analysis.documents.portable import Document

_MOST_PAGES = 2
_LITTLE_TEXT = 250  # characters on all pages
_LARGE = 0.12  # of the page's area that the link covers
_SHOWN = re.compile(rb"\(((?:[^()\\]|\\.){0,2000})\)|<([0-9A-Fa-f\s]{2,4000})>")


def single_link(document: Document, links: list[str]) -> str:
    """The one address to which one or two pages lead that show a picture and little text; else empty."""
    targets = {link for link in links if re.match(r"https?:", link, re.IGNORECASE)}
    all_pages = pages(document)
    if len(targets) != 1 or not 0 < len(all_pages) <= _MOST_PAGES:
        return ""
    picture = any(_has_picture(document, page) for page in all_pages)
    large = any(_share_of_links(document, page) >= _LARGE for page in all_pages)
    if not picture or not large or sum(_characters(document, page) for page in all_pages) > _LITTLE_TEXT:
        return ""
    return next(iter(targets))


def _has_picture(document: Document, page: dict[str, Any]) -> bool:
    objects = document.get(page, "/Resources", "/XObject")
    if not isinstance(objects, dict):
        return False
    return any(document.get(one, "/Subtype") == "/Image" for one in list(objects.values())[:50])


def _share_of_links(document: Document, page: dict[str, Any]) -> float:
    """The largest part of the page that one link covers."""
    annotations = document.resolve(page.get("/Annots"))
    box = _area(document, document.resolve(page.get("/MediaBox"))) or 612 * 792
    areas = [
        _area(document, document.get(one, "/Rect"))
        for one in (annotations[:200] if isinstance(annotations, list) else [])
        if document.get(one, "/Subtype") == "/Link"
    ]
    return max(areas, default=0.0) / box


def _area(document: Document, box: Any) -> float:
    numbers = [document.resolve(one) for one in box[:4]] if isinstance(box, list) else []
    if len(numbers) != 4 or not all(isinstance(one, int | float) for one in numbers):
        return 0.0
    x0, y0, x1, y1 = numbers
    return float(abs(x1 - x0) * abs(y1 - y0))


def _characters(document: Document, page: dict[str, Any]) -> int:
    """About how many characters the page shows as text."""
    held = page.get("/Contents")
    resolved = document.resolve(held)
    references = resolved if isinstance(resolved, list) else [held]
    count = 0
    for reference in references[:50]:
        stream = document.stream(reference)
        data = (document.read(stream) or b"")[: 1 << 20] if stream else b""
        for block in re.findall(rb"\bBT\b(.*?)\bET\b", data, re.DOTALL)[:2_000]:
            count += sum(len(a) + len(b) // 4 for a, b in _SHOWN.findall(block))
    return count
