"""What a file's name says against its content: an engine of its own, small and pure."""

from __future__ import annotations

import re
import unicodedata

from lazaretto.analysis.formats.types import FileType
from lazaretto.analysis.identify import extension_of
from lazaretto.domain.evidence import Evidence, Family, Weight
from lazaretto.domain.sample import Category

VERSION = "2"
SOURCE = "names"

# What people open without a thought.
_HARMLESS_LOOKING = frozenset(
    {"pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "rtf", "txt", "csv", "html", "htm", "zip"}
    | {"jpg", "jpeg", "png", "gif", "bmp", "tif", "tiff", "mp3", "mp4", "avi", "mov"}
)
_ACTIVE = {Category.EXECUTABLE, Category.SCRIPT}
_ACTIVE_TYPES = {
    "lnk", "msi", "jar", "reg", "url", "chm", "scf", "settings-shortcut", "msc", "clickonce", "jnlp", "desktop",
}  # fmt: skip
_LOOSE = {Category.DOCUMENT, Category.ARCHIVE}
_PADDING = re.compile(r"[\s\u00a0\u2000-\u200a\u3000\u2800\u3164_]{8,}\.\w{1,12}\s*$|\s{12,}")
# Characters that make a name read other than it is: direction overrides and isolates, zero-width characters.
_TRICKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200c\u200d\u2060\ufeff")


def evidence_of_name(name: str, kind: FileType) -> tuple[Evidence, ...]:
    """Findings about the name of a file of this type. `name` is the file name without a path."""
    active = kind.category in _ACTIVE or kind.name in _ACTIVE_TYPES
    found = []
    if active and kind.mismatch in _HARMLESS_LOOKING:
        found.append(_disguised(kind))
    if active and not kind.mismatch and extension_of(_stem(name)) in _HARMLESS_LOOKING:
        found.append(_double(extension_of(_stem(name))))
    if not active and kind.mismatch in _HARMLESS_LOOKING and kind.category in _LOOSE:
        found.append(_other_kind(kind))
    if any(character in _TRICKS or unicodedata.category(character) == "Cc" for character in name):
        found.append(_trick(active=active))
    if _PADDING.search(name):
        found.append(_padded(active=active))
    return tuple(found)


def _stem(name: str) -> str:
    # Spaces before the last extension push it out of the window in which the name is shown.
    return name.rpartition(".")[0].rstrip()


def _disguised(kind: FileType) -> Evidence:
    return Evidence(
        id="name-other-than-content",
        title=f"The name ends in .{kind.mismatch}, the content is a {kind.title}",
        explanation="The name promises a file that only shows something; the content is one that does something.",
        benign_cause="Programs are renamed to get them through a mail filter, or stored under a wrong name by mistake.",
        malicious_cause="People open what looks like a document or a picture, and simple filters let it pass.",
        family=Family.IDENTITY,
        weight=Weight.MODERATE,
        techniques=("T1036.008",),
        source=SOURCE,
    )


def _other_kind(kind: FileType) -> Evidence:
    return Evidence(
        id="name-of-another-type",
        title=f"The name ends in .{kind.mismatch}, the content is a {kind.title}",
        explanation="The file is of another type than its name says. Some programs open it all the same.",
        benign_cause="Programs export one format under the name of another, and people rename files by hand.",
        malicious_cause="Checks that go by the name apply the wrong rules, while the real program knows what to do.",
        family=Family.IDENTITY,
        weight=Weight.WEAK,
        techniques=("T1036.008",),
        source=SOURCE,
    )


def _padded(*, active: bool) -> Evidence:
    return Evidence(
        id="name-padded",
        title="The name has a long gap in it, which pushes its end out of sight",
        explanation="Where names are shown, long ones are cut: the real extension is then not seen.",
        benign_cause="Names that a program puts together from fields of a fixed width.",
        malicious_cause="What is seen of the name is that of a harmless file.",
        family=Family.IDENTITY,
        weight=Weight.STRONG if active else Weight.WEAK,
        techniques=("T1036.007",),
        source=SOURCE,
    )


def _double(extension: str) -> Evidence:
    return Evidence(
        id="name-double-extension",
        title=f"The name has .{extension} before its real extension",
        explanation="Where extensions are hidden, as Windows does at first, the file looks like a harmless kind.",
        benign_cause="A converter or a user added the second extension without thinking of it.",
        malicious_cause="The name is meant to be read as a document or a picture.",
        family=Family.IDENTITY,
        weight=Weight.MODERATE,
        techniques=("T1036.007",),
        source=SOURCE,
    )


def _trick(*, active: bool) -> Evidence:
    return Evidence(
        id="name-hidden-characters",
        title="The name contains characters that change how it reads",
        explanation="Invisible characters or a reversed reading direction make the name look other than it is.",
        benign_cause="Names in scripts written from right to left may carry such marks.",
        malicious_cause="The real extension is hidden behind a harmless one.",
        family=Family.IDENTITY,
        weight=Weight.STRONG if active else Weight.WEAK,
        techniques=("T1036.002",),
        source=SOURCE,
    )
