"""What a document does without macros: objects, links, templates, fields, controls, tricks of its format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lazaretto.analysis.documents import addresses, fields, kinds, objects, onenote, rtf, workbook
from lazaretto.analysis.documents.addresses import Place, place
from lazaretto.analysis.documents.contents import LOADS, Contents, contents
from lazaretto.analysis.documents.objects import Carried
from lazaretto.analysis.documents.package import Package
from lazaretto.analysis.engine import Engine, Fact, Finding, Indicator, Output, Subject
from lazaretto.analysis.engines.pdf import runs
from lazaretto.analysis.identify import identify

ENGINE = Engine(
    name="documents",
    version="2",
    module="lazaretto.analysis.engines.documents",
    wants=lambda kind: kind.name in kinds.OFFICE | {"rtf", "onenote"},
    sees="remote templates and objects, DDE, carried programs, controls, tricks of the format in Office, RTF, OneNote",
    loads=LOADS,
    seconds=20.0,
    essential=True,
)

_MOST_LINKS = 300


def examine(subject: Subject) -> Iterator[Output]:
    if subject.kind.name == "rtf":
        yield from _rich_text(subject.data)
    elif subject.kind.name == "onenote":
        yield from _carried(onenote.files(subject.data))
        yield from _named(onenote.names(subject.data))
    else:
        found = contents(subject.data, subject.kind)
        yield from _carried(found.carried)
        yield from _compounds(found)
        if found.package is not None:
            yield from _relations(found.package)
            yield from _parts(found.package)


def _carried(found: Iterable[Carried]) -> Iterator[Output]:
    for one in found:
        kind = identify(one.data, one.name)
        if runs(kind.category, kind.name, one.name):
            yield Finding(id="document-carries-program", detail=f"{one.name}: {kind.title}")


def _named(names: Iterable[str]) -> Iterator[Output]:
    listed = tuple(names)
    if listed:
        yield Fact(name="named files", value=listed)


# --- OLE ------------------------------------------------------------------------------------------------------------


def _compounds(found: Contents, *, rich: bool = False) -> Iterator[Output]:
    for name, file in found.compounds:
        trick = objects.equation_trick(file)
        if trick:
            yield Finding(id="document-equation", detail=f"{name}: {trick}".lstrip(": "))
        for address in objects.links(file):
            yield from _object(address, rich=rich)
        for path, data in file.streams.items():
            if path[-1] == "WordDocument":
                yield from _fields(fields.of_word_binary(data))
            elif path[-1] in {"Workbook", "Book"}:
                yield from _conversations(fields.conversation(words) for words in workbook.conversations(data))


def _object(address: str, *, rich: bool = False) -> Iterator[Output]:
    """Where an object is linked to. In rich text such a link is nobody's habit."""
    where = place(address)
    if where is Place.WEB and not rich and addresses.names_a_document(address):
        yield Finding(id="document-linked-file", detail=address)
    elif where in {Place.WEB, Place.COMMAND} or (where is Place.SHARE and addresses.over_the_internet(address)):
        yield Finding(id="document-remote-object", detail=address)
    elif where is Place.SHARE:
        yield Finding(id="document-share", detail=address)
    if where is Place.WEB:
        yield Indicator(kind="url", value=address)


def _fields(instructions: Iterable[str]) -> Iterator[Output]:
    listed = list(instructions)
    yield from _conversations(fields.conversations(listed))
    for address in fields.included(listed):
        where = place(address)
        if where is Place.WEB:
            yield Finding(id="document-remote-content", detail=address)
            yield Indicator(kind="url", value=address)
        elif where is Place.SHARE:
            yield Finding(id="document-share", detail=address)
        elif where is Place.COMMAND:
            yield Finding(id="document-remote-object", detail=address)


def _conversations(found: Iterable[fields.Conversation]) -> Iterator[Output]:
    for one in found:
        yield Finding(id="document-dde-program" if one.program else "document-dde", detail=one.words)


# --- packages -------------------------------------------------------------------------------------------------------

# What a relationship of this kind brings is loaded when the document is opened.
_LOADED = frozenset({"frame", "subDocument", "aFChunk", "control", "vmlDrawing", "customXml", "slide", "slideMaster"})
_OBJECTS = frozenset({"oleObject", "package"})
_ORDINARY = frozenset({"hyperlink", "externalLinkPath", "xlPathMissing", "xlStartup", "xlLibrary", "externalLink"})


def _relations(package: Package) -> Iterator[Output]:
    links = 0
    for relation in package.relations():
        if not relation.external:
            continue
        target, where = relation.target, place(relation.target)
        if where is Place.COMMAND:
            yield Finding(
                id="document-odd-address" if relation.kind == "hyperlink" else "document-remote-object", detail=target
            )
        elif relation.kind == "attachedTemplate":
            yield from _template(target)
        elif relation.kind in _OBJECTS:
            yield from _object(target)
        elif relation.kind in _LOADED and where is Place.WEB:
            yield Finding(id="document-remote-frame", detail=target)
        elif where is Place.SHARE and relation.kind not in _ORDINARY:
            yield Finding(id="document-share", detail=target)
        elif where is Place.WEB and relation.kind == "image":
            yield Finding(id="document-remote-content", detail=target)
        if where is Place.WEB and links < _MOST_LINKS:
            links += 1
            yield Indicator(kind="url", value=target)


def _template(target: str) -> Iterator[Output]:
    where = place(target)
    if where is Place.WEB or (where is Place.SHARE and addresses.over_the_internet(target)):
        yield Finding(id="document-remote-template", detail=target)
    elif where is Place.SHARE:
        yield Finding(id="document-share", detail=target)


# Controls that show web pages, play films or run scripts: others are what forms are made of.
_CONTROLS = {
    "8856f961-340a-11d0-a96b-00c04fd705a2": "a web browser",
    "eab22ac3-30c1-11cf-a7eb-0000c05bae0b": "a web browser",
    "d27cdb6e-ae6d-11cf-96b8-444553540000": "a Flash player",
    "0e59f1d5-1fbe-11d0-8ff2-00a0d10038bc": "a script engine",
    "3050f4d8-98b5-11cf-bb82-00aa00bdce0b": "an HTML application",
}


def _parts(package: Package) -> Iterator[Output]:
    for name in package.names:
        lower = name.lower()
        if lower.startswith("word/") and lower.endswith(".xml") and lower.count("/") == 1:
            yield from _fields(fields.of_word_xml(package.read(name)))
        elif "/activex/" in lower and lower.endswith(".xml"):
            text = package.read(name)[:4096].decode("utf-8", "replace").lower()
            for number in re.findall(r"classid=\"\{?([0-9a-f\-]{36})", text):
                if number in _CONTROLS:
                    yield Finding(id="document-active-control", detail=_CONTROLS[number])
        elif "/externallinks/" in lower and lower.endswith(".xml"):
            yield from _conversations(
                fields.conversation(words) for words in workbook.conversations_xml(package.read(name))
            )


# --- rich text ------------------------------------------------------------------------------------------------------


def _rich_text(data: bytes) -> Iterator[Output]:
    found = rtf.read(data)
    if not re.match(r"\{\\rtf", found.header):
        yield Finding(id="rtf-header", detail=found.header)
    if found.template:
        yield from _template(found.template)
    yield from _fields(found.fields)
    for one in found.objects:
        if one.odd:
            yield Finding(id="rtf-object-disguised", detail=", ".join(one.odd))
        if one.update:
            yield Finding(id="rtf-object-updates")
        yield from _rich_object(one)


def _rich_object(one: rtf.Object) -> Iterator[Output]:
    outer = objects.object1(one.data)
    if outer is None:
        return
    if outer.linked:
        yield from _object(outer.topic, rich=True)
        return
    packaged = objects.package(outer.data, sized=False)
    if packaged:
        yield from _carried([packaged])
    inner = objects.read_object(outer.data)
    if inner is not None:
        yield from _carried(objects.carried(inner, outer.name))
        yield from _compounds(Contents(compounds=[(outer.name, inner)]), rich=True)
    elif re.fullmatch(r"equation\.\d", outer.name, re.IGNORECASE):
        trick = objects.mtef(outer.data)
        if trick:
            yield Finding(id="document-equation", detail=trick)
