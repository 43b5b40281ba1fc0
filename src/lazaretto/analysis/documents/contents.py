"""What a document holds that is code or a file of its own, whatever its format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lazaretto.analysis.documents import compound, objects, ovba, powerpoint
from lazaretto.analysis.documents.compound import Compound
from lazaretto.analysis.documents.kinds import ODF
from lazaretto.analysis.documents.markup import Element, parts
from lazaretto.analysis.documents.objects import Carried
from lazaretto.analysis.documents.ovba import Module
from lazaretto.analysis.documents.package import Package
from lazaretto.analysis.formats.types import FileType
from lazaretto.analysis.identify import identify
from lazaretto.domain.sample import Category

# For an engine's `loads`: code pages of projects and ZIP files cannot be loaded any more once the cage is closed.
LOADS = (
    "lazaretto.analysis.documents.contents", "zipfile", "encodings.cp437", "encodings.cp1250", "encodings.cp1251",
    "encodings.cp1252", "encodings.cp1253", "encodings.cp1254", "encodings.cp1255", "encodings.cp1256",
    "encodings.cp1257", "encodings.cp1258", "encodings.cp874", "encodings.cp932", "encodings.gbk", "encodings.cp949",
    "encodings.cp950", "encodings.mac_roman", "encodings.utf_16_le", "encodings.utf_16_be", "encodings.latin_1",
)  # fmt: skip

_INERT_ENDINGS = (
    ".xml", ".rels", ".vml", ".png", ".jpg", ".jpeg", ".gif", ".emf", ".wmf", ".svg", ".tif", ".tiff", ".bmp",
    ".odttf", ".fntdata", ".rdf", ".xsd",
)  # fmt: skip
_ACTIVE_OTHERS = frozenset({"html", "lnk", "url", "reg", "hta", "msi", "jar", "chm", "swf", "eml", "msg"})


@dataclass
class Contents:
    """`scripts` are programs in other languages than Basic, by name. `bound` are procedures that the document itself
    starts at an event (OpenDocument says so in its content)."""

    modules: list[Module] = field(default_factory=list)
    scripts: list[tuple[str, bytes]] = field(default_factory=list)
    bound: list[tuple[str, str]] = field(default_factory=list)  # event, what it starts
    carried: list[Carried] = field(default_factory=list)
    compounds: list[tuple[str, Compound]] = field(default_factory=list)  # all that were met, by name
    package: Package | None = None
    unread: list[str] = field(default_factory=list)


def contents(data: bytes, kind: FileType) -> Contents:
    """Everything of a document in one of the formats of `kinds.OFFICE`."""
    found = Contents()
    if data[:8] == compound.MAGIC:
        _of_compound(found, data, "")
    elif data[:2] == b"PK":
        try:
            found.package = Package(data)
        except ValueError as error:
            found.unread.append(str(error))
            return found
        _of_package(found, found.package, odf=kind.name in ODF)
        found.unread += [f"{name} could not be read" for name in found.package.unread[:20]]
        if found.package.cut:
            found.unread.append("it has more members than are looked at")
    return found


def _of_compound(found: Contents, data: bytes, name: str) -> None:
    """The outermost file (without a name), or an object inside."""
    file = compound.read(data)
    if file is None:
        found.unread.append(f"{name or 'the compound file'} could not be read")
        return
    found.compounds.append((name, file))
    known: set[tuple[str, ...]] = set()
    modules: list[Module] = []
    for storage, listed in ovba.projects(file):
        known.add(compound.lowered(storage))
        modules += listed
    modules += ovba.loose_modules(file, known)
    found.modules += modules
    carried = list(objects.carried(file, name or "object"))
    found.carried += carried
    if name and not modules and not carried:
        found.carried.append(Carried(name, data))
    for path, stream in file.streams.items():
        if path[-1] == "PowerPoint Document":
            for number, inner in enumerate(powerpoint.objects(stream), 1):
                if inner[:8] == compound.MAGIC and len(found.compounds) < 200:
                    _of_compound(found, inner, f"object {number}")


def _of_package(found: Contents, package: Package, *, odf: bool) -> None:
    for name in package.names:
        head = package.head(name)
        short = name.rpartition("/")[2]
        if head[:8] == compound.MAGIC:
            _of_compound(found, package.read(name), short)
        elif odf and name.startswith("Scripts/"):
            found.scripts.append((short, package.read(name)))
        elif odf and name.startswith("Basic/"):
            found.modules += _basic(package.read(name))
        elif odf and name in {"content.xml", "styles.xml"}:
            found.bound += _listeners(package.read(name))
        elif not name.lower().endswith(_INERT_ENDINGS) or head[:2] in {b"MZ", b"PK"}:
            _of_member(found, package, name, short)


def _of_member(found: Contents, package: Package, name: str, short: str) -> None:
    data = package.read(name)
    kind = identify(data, short)
    if kind.name == "text" and not _known_chunk(name):
        return
    if kind.category is not Category.OTHER or kind.name in _ACTIVE_OTHERS or _known_chunk(name):
        found.carried.append(Carried(short, data, packaged=kind.category is Category.EXECUTABLE))


def _known_chunk(name: str) -> bool:
    return "afchunk" in name.lower() or "/embeddings/" in name


def _basic(data: bytes) -> Iterator[Module]:
    """A module of OpenOffice's Basic: an element `script:module` whose text is the source."""
    name, text = "", []
    for part in parts(data):
        if isinstance(part, Element) and part.name == "module":
            if part.attributes.get("language", "StarBasic").lower() != "starbasic":
                return
            name = part.attributes.get("name", "module")
        elif isinstance(part, str) and name:
            text.append(part)
    if name and "".join(text).strip():
        yield Module(name, "".join(text).replace("\r\n", "\n"))


def _listeners(data: bytes) -> Iterator[tuple[str, str]]:
    for part in parts(data):
        if isinstance(part, Element) and part.name == "event-listener":
            event = part.attributes.get("event-name", "")
            target = part.attributes.get("href") or part.attributes.get("macro-name", "")
            if event and target:
                yield event, target
