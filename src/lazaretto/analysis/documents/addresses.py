"""What kind of place an address in a document leads to."""

from __future__ import annotations

import enum
import re


class Place(enum.Enum):
    WEB = "web"
    SHARE = "share"  # a file on another machine
    COMMAND = "command"  # a scheme by which the system starts something
    LOCAL = "local"


_WEB = re.compile(r"\s*(?:https?|ftp)://", re.IGNORECASE)
_COMMAND = re.compile(
    r"\s*(?:mhtml:|javascript:|vbscript:|ms-(?:msdt|officecmd|search|appinstaller|cxh|its)|search-ms:|script(?:let)?:|"
    r"its:|mk:@|x-usc:|shell:)",
    re.IGNORECASE,
)
# file:///\\host\path, file://host/path, \\host\path, also with the port or @SSL of WebDAV
_SHARE = re.compile(r"\s*(?:file:/*)?(?:\\\\|//)(?!localhost\b|127\.|\?|\.\\)[\w.\-]+(?:@[\w@]+)?[\\/]", re.IGNORECASE)
_FILE_HOST = re.compile(r"\s*file://(?!localhost\b|127\.|/)[\w.\-]+/", re.IGNORECASE)


def place(address: str) -> Place:
    if _COMMAND.match(address) or "!x-usc:" in address.lower() or address.lower().rstrip().endswith(".sct"):
        return Place.COMMAND
    if _WEB.match(address):
        return Place.WEB
    if _SHARE.match(address) or _FILE_HOST.match(address):
        return Place.SHARE
    return Place.LOCAL


# https, a host with a name, and a path that ends as workbooks, presentations and texts of today do
_DOCUMENT = re.compile(
    r"\s*https://(?![\d.]+[:/])(?!\[)[\w-]+(?:\.[\w-]+)+(?::\d+)?/[^?#!\\]*\.(?:xls[xmb]?|ods|csv|pptx?|docx|vsdx?|pdf)"
    r"(?:[?#!]|\s*$)",
    re.IGNORECASE,
)


def names_a_document(address: str) -> bool:
    """Whether an address of the web is that of a document as document servers have them. Older kinds of texts are left
    out: they were much used to hand out something else under their name."""
    return bool(_DOCUMENT.match(address)) and "x-usc:" not in address.lower()


def over_the_internet(address: str) -> bool:
    """A share that is reached like a web page: WebDAV names a port or SSL, and bare numbers are no server of a firm
    unless they are of a private network."""
    host = re.match(r"\s*(?:file:)?[\\/]+([\w.\-]+)(@?)", address, re.IGNORECASE)
    if not host:
        return False
    private = re.match(r"(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01])|169\.254)\.", host[1])
    return bool(host[2]) or (bool(re.fullmatch(r"\d+(?:\.\d+){3}", host[1])) and not private)
