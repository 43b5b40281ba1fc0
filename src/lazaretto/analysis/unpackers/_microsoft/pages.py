"""Which pages of a help can do nothing: text, pictures and links to other pages.

Help of a thousand pages is common, and each page would cost a file of the tree's budget. So those of which it is
certain that they are plain are shown together. Whatever is not certain is not plain.
"""

from __future__ import annotations

import re

# All that a plain page is made of: an element that is not among these may do something.
_PLAIN = frozenset(
    b"html head title body meta p br hr a b i u em strong tt code pre div span font center h1 h2 h3 h4 h5 h6 ul ol li "
    b"dl dt dd menu dir table caption thead tbody tfoot tr td th col colgroup img sub sup small big blockquote address "
    b"cite dfn kbd samp var link nobr abbr acronym strike s del ins !doctype ![cdata[ nav main section article header "
    b"footer figure figcaption".split()
)
_ELEMENT = re.compile(rb"<\s*/?\s*([^\s<>/]{0,40})([^<>]*)")
_HANDLER = re.compile(rb"[\s\"'/](?:on\w{1,30}|style|srcdoc|formaction|http-equiv|dynsrc)\s*=", re.IGNORECASE)
_KIND = re.compile(rb"http-equiv\s*=\s*[\"']?content-(?:type|language)\b", re.IGNORECASE)
_VALUE = re.compile(rb"=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_HARMLESS = re.compile(rb"(?:(?:https?|ftp|mailto):)?[^:\x00-\x1f]*(?::\d+(?:/[^\x00-\x1f]*)?)?", re.IGNORECASE)


def plain(page: bytes) -> bool:
    """Whether a page is text with links, in bytes that every browser reads the same way."""
    head = page[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head.startswith(b"<") or b"\0" in page or b"utf-7" in page.lower() or b"\x1b" in page:
        return False
    return all(_harmless(found[1].lower(), found[2]) for found in _ELEMENT.finditer(page))


def _harmless(name: bytes, attributes: bytes) -> bool:
    if name.startswith(b"!--") or (not name and not attributes.strip()):
        return b"[if" not in attributes  # a comment that old browsers read as a condition
    if name not in _PLAIN:
        return False
    if _HANDLER.search(attributes) and not (name == b"meta" and _KIND.search(attributes)):
        return False
    return name == b"meta" or all(_points_nowhere_odd(b"".join(found)) for found in _VALUE.findall(attributes))


def _points_nowhere_odd(value: bytes) -> bool:
    value = value.strip()
    return b"&#" not in value and not value.startswith((b"\\\\", b"//")) and bool(_HARMLESS.fullmatch(value))
