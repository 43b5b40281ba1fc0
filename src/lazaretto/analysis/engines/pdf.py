"""PDF: what acts, where it leads, and what it carries; scripts and attachments come out for the other engines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lazaretto.analysis.documents import portable
from lazaretto.analysis.documents.actions import Action, actions
from lazaretto.analysis.documents.markup import Element, parts
from lazaretto.analysis.documents.phishing import single_link
from lazaretto.analysis.documents.portable import Document, LockedError, Stream
from lazaretto.analysis.engine import Engine, Fact, Finding, Indicator, Member, Output, Shortfall, Subject
from lazaretto.analysis.identify import extension_of, identify
from lazaretto.domain.sample import Category

ENGINE = Engine(
    name="pdf",
    version="1",
    module="lazaretto.analysis.engines.pdf",
    wants=lambda kind: kind.name == "pdf",
    sees="scripts, actions and where they lead, attachments, disguised names and streams; opens encrypted files",
    loads=(
        "lazaretto.analysis.documents.portable", "lazaretto.analysis.documents.actions",
        "lazaretto.analysis.documents.phishing", *portable.LOADS,
    ),
    seconds=20.0,
    output=200 << 20,
    essential=True,
)  # fmt: skip

_MOST_ATTACHMENTS = 300
_MOST_SCRIPTS = 200
_MOST_STREAMS = 400
_MOST_LINKS = 300
_LOCKED = "it is encrypted, and none of the known passwords opens it"
# What Windows runs on a double click, whatever is inside.
_RUNNABLE = frozenset({
    "exe", "com", "scr", "pif", "bat", "cmd", "ps1", "vbs", "vbe", "js", "jse", "wsf", "hta", "lnk", "msi", "jar",
    "reg", "cpl", "chm", "url", "iso", "img", "vhd", "xll", "settingcontent-ms",
})  # fmt: skip


def examine(subject: Subject) -> Iterator[Output]:
    yield from _of_the_bytes(subject.data)
    try:
        document = Document(subject.data, [str(word) for word in subject.options.get("passwords", ())])
    except LockedError:
        yield Finding(id="pdf-encrypted")
        yield Shortfall(reason=_LOCKED)
        return
    except ValueError as error:
        yield Finding(id="pdf-broken", detail=str(error))
        yield Shortfall(reason="it is too broken to be read as a PDF")
        return
    if document.password and not subject.from_user(document.password):
        yield Finding(id="pdf-encrypted-opened", detail=document.password)
    if document.warnings:
        yield Finding(id="pdf-repaired", detail=f"{document.warnings} repairs")
    found = list(actions(document))
    yield from _scripts(document, found)
    yield from _leads(found)
    yield from _attachments(document, int(subject.options.get("room", 128 << 20)))
    yield from _others(document)
    yield from _look(document, found)


def _of_the_bytes(data: bytes) -> Iterator[Output]:
    names = portable.disguised_names(data)
    if names:
        yield Finding(id="pdf-disguised-names", detail=", ".join(f"/{name}" for name in names))
    rest = portable.after_end(data)
    if len(rest) >= 256 and b"%PDF-" not in rest[:16]:
        kind = identify(rest)
        if kind.category in {Category.EXECUTABLE, Category.ARCHIVE, Category.SCRIPT} or kind.name in {"html", "hta"}:
            yield Finding(id="pdf-second-file", detail=kind.title)
        yield Member(name="behind the end", data=rest, relation="overlay")
    begin = data.find(b"%PDF-")
    if begin > 64:
        kind = identify(data[:begin])
        if kind.category is not Category.OTHER:
            yield Finding(id="pdf-second-file", detail=f"before the PDF: {kind.title}")


# --- scripts and actions --------------------------------------------------------------------------------------------

_OPENS_ATTACHMENT = re.compile(r"exportDataObject\s*\([^)]*nLaunch\s*:\s*[12]", re.DOTALL)
_BYTES_AS_TEXT = re.compile(r"(?:(?:%u|\\u)[0-9A-Fa-f]{4}){64,}|(?:(?:%|\\x)[0-9A-Fa-f]{2}){256,}")


def _scripts(document: Document, found: list[Action]) -> Iterator[Output]:
    scripts = [
        (action.text, action.automatic) for action in found if action.kind == "JavaScript" and action.text.strip()
    ]
    scripts += [(text, False) for text in _forms(document)]
    seen: set[str] = set()
    for text, automatic in scripts:
        if automatic:
            yield Finding(id="pdf-javascript-automatic", detail=text)
        if text in seen or len(seen) >= _MOST_SCRIPTS:
            continue
        seen.add(text)
        yield Finding(id="pdf-javascript", detail=text)
        if _OPENS_ATTACHMENT.search(text):
            yield Finding(id="pdf-script-opens-attachment", detail=text)
        if _BYTES_AS_TEXT.search(text):
            yield Finding(id="pdf-script-carries-bytes")
        yield Member(name=f"script {len(seen)}.js", data=text.encode("utf-8", "replace"), relation="macro")


def _forms(document: Document) -> Iterator[str]:
    """Scripts in an XFA form (XML Forms Architecture): `script` elements in one stream or in several."""
    form = document.get(document.trailer, "/Root", "/AcroForm")
    xfa = form.get("/XFA") if isinstance(form, dict) else None
    if xfa is None:
        return
    pieces = document.resolve(xfa)
    references = pieces[1::2] if isinstance(pieces, list) else [xfa]
    data = b"".join(document.read(s) or b"" for one in references[:50] if (s := document.stream(one)))
    inside = False
    for part in parts(data):
        if isinstance(part, Element):
            inside = part.name == "script"
            if inside and "formcalc" in part.attributes.get("contentType", "").lower():
                inside = False
        elif isinstance(part, str):
            if inside and part.strip():
                yield part
        else:
            inside = False


_LEADING = {"Launch", "URI", "GoToR", "GoToE", "SubmitForm", "ImportData", "Thread"}


def _leads(found: list[Action]) -> Iterator[Output]:
    """Actions that lead out of the file."""
    links: dict[str, None] = {}
    for action in found:
        if action.kind not in _LEADING:
            continue
        target = action.target
        if action.kind == "Launch" and (target or action.text):
            yield _launched(action)
        if _is_share(target):
            yield Finding(id="pdf-share-automatic" if action.automatic else "pdf-share", detail=target)
        elif re.match(r"(?:https?|ftp):", target, re.IGNORECASE):
            links.setdefault(target)
            if action.automatic and action.kind in {"URI", "SubmitForm"}:
                yield Finding(id="pdf-address-automatic", detail=target)
        elif re.match(r"(?:javascript|data|vbscript|ms-\w+|search-ms):", target, re.IGNORECASE):
            yield Finding(id="pdf-odd-address", detail=target)
    for link in list(links)[:_MOST_LINKS]:
        yield Indicator(kind="url", value=link)


def _launched(action: Action) -> Finding:
    words = f"{action.target} {action.text}".strip()
    program = extension_of(action.target.replace("\\", "/").rpartition("/")[2]) in _RUNNABLE or bool(action.text)
    bare = not extension_of(action.target.rpartition("/")[2])
    return Finding(id="pdf-starts-program" if program or bare else "pdf-opens-file", detail=words)


def _is_share(target: str) -> bool:
    """A path on another machine: opening it tells that machine the user's name and a proof of the password."""
    return bool(re.match(r"(?:\\\\|//|file:/{4,5}|file://)(?!localhost|127\.|/)[\w.\-]+[\\/@]", target, re.IGNORECASE))


# --- what it carries ------------------------------------------------------------------------------------------------


def _attachments(document: Document, room: int) -> Iterator[Output]:
    named: dict[tuple[int, int], str] = {}
    for one in document.dictionaries():
        held = document.resolve(one.get("/EF"))
        if not isinstance(held, dict):
            continue
        name = document.text(one.get("/UF")) or document.text(one.get("/F")) or "attachment"
        for key in ("/UF", "/F", "/DOS", "/Unix", "/Mac"):
            stream = document.stream(held.get(key))
            if stream is not None:
                named.setdefault((stream.number, stream.generation), name)
    left = room
    count = 0
    for stream in document.streams():
        place = (stream.number, stream.generation)
        if place not in named and document.resolve(stream.dictionary.get("/Type")) != "/EmbeddedFile":
            continue
        count += 1
        if count > _MOST_ATTACHMENTS:
            yield Shortfall(reason=f"it has more than {_MOST_ATTACHMENTS} attachments")
            return
        name = re.split(r"[\\/]", named.get(place, f"attachment {count}"))[-1]
        data = document.read(stream)
        if data is None:
            yield Member(name=name, relation="attachment", closed="damaged")
            continue
        left -= len(data)
        if left < 0:
            yield Member(name=name, relation="attachment", closed="too large")
            continue
        yield from _attached(name, data)


def _attached(name: str, data: bytes) -> Iterator[Output]:
    kind = identify(data, name)
    if runs(kind.category, kind.name, name):
        yield Finding(id="pdf-carries-program", detail=name)
    else:
        yield Finding(id="pdf-attachment", detail=name)
    yield Member(name=name, data=data, relation="attachment")


def runs(category: Category, kind: str, name: str) -> bool:
    """Whether a double click on such a file runs what is in it."""
    if category is Category.EXECUTABLE or extension_of(name) in _RUNNABLE:
        return True
    return kind in {"lnk", "hta", "msi", "jscript", "vbscript", "wsf", "batch", "script-encoded", "chm"} and not (
        category is Category.SCRIPT and extension_of(name) in {"txt", "py", "md", "c", "h", "sh", "m", "tex"}
    )


_MAGIC = (b"MZ", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x7fELF", b"%PDF-", b"Rar!\x1a\x07")
_ORDINARY = frozenset({"/XObject", "/Font", "/Metadata", "/ObjStm", "/XRef", "/EmbeddedFile", "/Pattern", "/CMap"})


def _others(document: Document) -> Iterator[Output]:
    """Media that need a player, streams with odd chains of filters, files in streams that are no attachments."""
    shown: set[str] = set()
    for one in document.dictionaries():
        subtype = one.get("/Subtype")
        if subtype == "/RichMedia" and "media" not in shown:
            shown.add("media")
            yield Finding(id="pdf-media", detail="rich media")
        if "/XFA" in one and "xfa" not in shown:
            shown.add("xfa")
            yield Fact(name="form", value="XFA")
    for number, stream in enumerate(document.streams()):
        filters = _filters(document, stream)
        if len(filters) >= 4 or len(filters) != len(set(filters)):
            yield Finding(id="pdf-many-filters", detail=", ".join(filters))
        if number < _MOST_STREAMS and document.resolve(stream.dictionary.get("/Type")) not in _ORDINARY:
            yield from _file_in(document, stream)


def _filters(document: Document, stream: Stream) -> list[str]:
    found = document.resolve(stream.dictionary.get("/Filter"))
    return [str(document.resolve(one)) for one in (found if isinstance(found, list) else [found] if found else [])]


def _file_in(document: Document, stream: Stream) -> Iterator[Output]:
    if stream.dictionary.get("/Subtype") in {"/Image", "/Form", "/Type1C", "/CIDFontType0C", "/OpenType", "/XML"}:
        return
    if any(key in stream.dictionary for key in ("/Length1", "/FunctionType", "/N", "/ShadingType")):
        return  # fonts, functions, colour profiles
    data = document.read(stream)
    if data and data.startswith(_MAGIC) and identify(data).name not in {"data", "text"}:
        yield Finding(id="pdf-file-in-stream", detail=identify(data).title)
        yield Member(name=f"stream {stream.number}", data=data, relation="embedded")


def _look(document: Document, found: list[Action]) -> Iterator[Output]:
    link = single_link(document, [action.target for action in found if action.kind == "URI"])
    if link:
        yield Finding(id="pdf-picture-with-link", detail=link)
