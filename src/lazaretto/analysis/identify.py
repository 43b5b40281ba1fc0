"""What a file is, decided by its bytes.

Pure: bytes and a name in, a record out; nothing else is read. Only headers and directories are looked at, in bounded
pieces. The name never decides against the bytes: it breaks ties between kinds of text, and where its extension
belongs to another type than the content, `FileType.mismatch` says so.

Why not libmagic or a learned model: `docs/adr/0011-own-identification.md`.
"""

from __future__ import annotations

import msgspec

from lazaretto.analysis.formats.containers import container
from lazaretto.analysis.formats.packages import packed_package
from lazaretto.analysis.formats.plain import marked
from lazaretto.analysis.formats.programs import program
from lazaretto.analysis.formats.scripts import text_type
from lazaretto.analysis.formats.types import KNOWN_EXTENSIONS, TYPES, FileType, of
from lazaretto.domain.sample import Category

__all__ = ["FileType", "extension_of", "guest_name", "identify", "identify_packed"]

VERSION = "2"

# Types whose extension means little: anything may be text or data.
_VAGUE = {"text", "data", "empty", "xml", "json", "script-other", "zip", "ar", "ole-other", "ooxml-other"}
_MAX_NAME = 120
# A script under the name of a plain text does not run from it, and prose quotes code.
_PROSE = frozenset(TYPES["text"].extensions + TYPES["json"].extensions + TYPES["xml"].extensions)


def identify(data: bytes, name: str = "") -> FileType:
    """The type of a file with this content; `name` is its file name, if known."""
    extension = extension_of(name)
    return _named(_by_content(data, extension), extension)


def _named(found: FileType, extension: str) -> FileType:
    """With what the name says otherwise."""
    if extension not in KNOWN_EXTENSIONS or extension in found.extensions or found.name in _VAGUE:
        return found
    if found.category is Category.SCRIPT and extension in _PROSE:
        return found
    return msgspec.structs.replace(found, mismatch=extension)


def identify_packed(data: bytes, name: str = "") -> FileType:
    """The same, and of what is compressed also what is inside, where that makes it a package of a language.

    It decompresses the first piece, so it is only for the cage.
    """
    found = identify(data, name)
    if found.name not in {"gzip", "bzip2", "xz"}:
        return found
    package = packed_package(data, found.name)
    return found if package is None else _named(package, extension_of(name))


def extension_of(name: str) -> str:
    """The extension of a file name, lower case without the dot; empty if it has none."""
    stem, dot, extension = name.rpartition(".")
    return extension.strip().lower() if stem and dot else ""


def guest_name(name: str, kind: FileType) -> str:
    """The file name for the guest: the sample's own, with an extension that makes the guest treat it as its type.

    Programs on Linux need none. The name is cut to 120 characters, without path separators and control characters.
    """
    clean = "".join(c for c in name if c.isprintable() and c not in '/\\:*?"<>|').strip(". ") or "sample"
    extension = extension_of(clean)
    if kind.extensions and extension not in kind.extensions and kind.profile != "linux":
        extension = kind.extensions[0]
        return f"{clean[: _MAX_NAME - len(extension) - 1]}.{extension}"
    if len(clean) <= _MAX_NAME:
        return clean
    return f"{clean[: _MAX_NAME - len(extension) - 1]}.{extension}" if extension else clean[:_MAX_NAME]


def _by_content(data: bytes, extension: str) -> FileType:
    if not data:
        return of("empty")
    return program(data) or container(data) or marked(data) or text_type(data, extension) or of("data")
