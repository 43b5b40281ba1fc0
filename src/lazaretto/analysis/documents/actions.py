"""Actions of a PDF (ISO 32000-2, 12.6): what each does, where it leads, and whether it happens by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lazaretto.analysis.documents.portable import Document

_MOST = 20_000
_MOST_PAGES = 2_000
_KINDS = frozenset({
    "JavaScript", "Launch", "URI", "GoToR", "GoToE", "SubmitForm", "ImportData", "Thread", "Rendition", "Named", "Hide",
})  # fmt: skip


@dataclass(frozen=True)
class Action:
    """`target` is a file or address, `text` a script or a program's parameters."""

    kind: str
    target: str
    text: str
    automatic: bool


def actions(document: Document) -> Iterator[Action]:
    """All actions, each once for how it is started."""
    automatic = {id(one) for one in _automatic(document)}
    count = 0
    for one in document.dictionaries():
        kind = document.resolve(one.get("/S"))
        if kind is None and "/JS" in one:
            kind = "/JavaScript"
        if not isinstance(kind, str) or kind[1:] not in _KINDS:
            continue
        if kind == "/JavaScript" and "/JS" not in one:
            continue
        count += 1
        if count > _MOST:
            return
        yield _action(document, kind[1:], one, automatic=id(one) in automatic)


def _action(document: Document, kind: str, one: dict[str, Any], *, automatic: bool) -> Action:
    if kind == "JavaScript":
        return Action(kind, "", document.text(one.get("/JS")), automatic)
    if kind == "URI":
        return Action(kind, document.text(one.get("/URI")).strip(), "", automatic)
    windows = document.resolve(one.get("/Win"))
    target = _file(document, one.get("/F"))
    text = ""
    if isinstance(windows, dict):
        target = target or _file(document, windows.get("/F"))
        text = document.text(windows.get("/P"))
    return Action(kind, target, text, automatic)


def _file(document: Document, value: Any) -> str:
    """A file specification: a string, or a dictionary with one."""
    found = document.resolve(value)
    if isinstance(found, dict):
        return document.text(found.get("/UF")) or document.text(found.get("/F")) or document.text(found.get("/DOS"))
    return document.text(value).strip()


def _automatic(document: Document) -> Iterator[dict[str, Any]]:
    """Actions of opening and closing the file and its pages, scripts of the name tree, and what comes after each."""
    root = document.get(document.trailer, "/Root")
    if not isinstance(root, dict):
        return
    waiting: list[Any] = [root.get("/OpenAction")]
    waiting += _values(document, root.get("/AA"))
    waiting += _tree(document, document.get(root, "/Names", "/JavaScript"))
    for page in _pages(document, root):
        waiting += _values(document, page.get("/AA"))
    seen: set[int] = set()
    while waiting and len(seen) < _MOST:
        one = document.resolve(waiting.pop())
        if isinstance(one, list):
            waiting += [item for item in one if isinstance(item, dict | str)]
        elif isinstance(one, dict) and id(one) not in seen:
            seen.add(id(one))
            yield one
            if "/Next" in one:
                waiting.append(one["/Next"])


def _values(document: Document, value: Any) -> list[Any]:
    found = document.resolve(value)
    return list(found.values()) if isinstance(found, dict) else []


def _tree(document: Document, node: Any) -> list[Any]:
    """The values of a name tree."""
    found: list[Any] = []
    waiting = [node]
    seen: set[int] = set()
    while waiting and len(found) < _MOST:
        one = document.resolve(waiting.pop())
        if not isinstance(one, dict) or id(one) in seen:
            continue
        seen.add(id(one))
        kids, names = document.resolve(one.get("/Kids")), document.resolve(one.get("/Names"))
        waiting += kids if isinstance(kids, list) else []
        found += names[1::2] if isinstance(names, list) else []
    return found


def _pages(document: Document, root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting = [root.get("/Pages")]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_PAGES:
        one = document.resolve(waiting.pop())
        if not isinstance(one, dict) or id(one) in seen:
            continue
        seen.add(id(one))
        kids = document.resolve(one.get("/Kids"))
        if isinstance(kids, list):
            waiting += kids
        else:
            yield one


def pages(document: Document) -> list[dict[str, Any]]:
    root = document.get(document.trailer, "/Root")
    return list(_pages(document, root)) if isinstance(root, dict) else []
