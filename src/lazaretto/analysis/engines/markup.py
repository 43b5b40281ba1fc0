"""Web pages, HTML applications, SVG images and Windows script files: their scripts as parts, and what the page does
without a script: forms that send passwords elsewhere, redirects, files carried in links."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes

from lazaretto.analysis.engine import Engine, Fact, Finding, Indicator, Member, Output, Shortfall, Subject, short

ENGINE = Engine(
    name="markup",
    version="1",
    module="lazaretto.analysis.engines.markup",
    wants=lambda kind: kind.name in {"html", "hta", "svg", "wsf", "scriptlet"},
    sees="scripts inside pages as parts of their own; password forms, redirects, hidden files, started programs",
    loads=(
        "html.parser",
        "_markupbase",
        "lazaretto.analysis.engines.scripts",
        "lazaretto.analysis.scripting.judge",
        "lazaretto.analysis.scripting.warm",
    ),
    seconds=15.0,
    essential=True,
)
MOST = 8 << 20  # bytes of a page that are read
_MOST_SCRIPTS = 2_000
_MOST_FILES = 40
_MOST_OBJECTS = 200
_MOST_COMMANDS = 20
_DATA = re.compile(r"\s*data:([\w/+.-]*)((?:;[^,;]{1,60})*),(.*)", re.DOTALL | re.IGNORECASE)
_HEADS = (
    b"MZ",
    b"\x7fELF",
    b"PK\x03\x04",
    b"Rar!",
    b"7z\xbc\xaf",
    b"L\0\0\0\x01\x14\x02",
    b"MSCF",
    b"\xd0\xcf\x11\xe0",
)
_SCHEMES = ("ms-msdt:", "search-ms:", "ms-appinstaller:", "ms-officecmd:")
_SECRET_FIELDS = re.compile(r"passw|pwd|\bpin\b|passcode|cardnumber|cvv", re.IGNORECASE)


class _Page(HTMLParser):
    """Collects what a page is made of, in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[tuple[str, str]] = []  # language, source
        self.forms: list[tuple[str, bool]] = []  # where it is sent, whether it asks for a password
        self.refresh: list[str] = []
        self.links: list[tuple[str, str, str]] = []  # tag, target, name it is saved under
        self.objects = 0
        self.settings: list[dict[str, str]] = []  # of each object, names in lower case; its own id is under ""
        self._in_script = ""
        self._text: list[str] = []
        self.default = "javascript"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name.lower(): value or "" for name, value in attrs}
        if tag == "script":
            kind = (given.get("language", "") + given.get("type", "")).lower()
            known = not kind or re.search(r"script|module|ecma|jse|vbs", kind)
            self._in_script = "vbscript" if "vbs" in kind else "javascript" if known else "data"
            self._text = []
            if given.get("src", "").startswith("data:") or given.get("href", given.get("xlink:href", "")).startswith(
                "data:"
            ):
                self._data_script(given.get("src") or given.get("href") or given.get("xlink:href", ""))
        elif tag == "form":
            self.forms.append((given.get("action", ""), False))
        elif (
            tag == "input"
            and self.forms
            and (given.get("type", "").lower() == "password" or _SECRET_FIELDS.search(given.get("name", "")))
        ):
            self.forms[-1] = (self.forms[-1][0], True)
        elif tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            self.refresh.append(given.get("content", ""))
        elif tag in {"object", "embed", "applet"}:
            self.objects += 1
            if len(self.settings) < _MOST_OBJECTS:
                self.settings.append({"": given.get("id") or given.get("name", "")})
        elif tag == "param" and self.settings and len(self.settings[-1]) < _MOST_OBJECTS:
            self.settings[-1].setdefault(given.get("name", "").lower() or "-", given.get("value", ""))
        target = given.get("href") or given.get("xlink:href") or given.get("src") or given.get("data") or ""
        if (
            target
            and tag in {"a", "area", "iframe", "embed", "object", "frame", "image", "base"}
            and len(self.links) < _MOST_SCRIPTS
        ):
            self.links.append((tag, target, given.get("download", "")))
        for name, value in given.items():
            if name.startswith("on") and value and len(self.scripts) < _MOST_SCRIPTS:
                self.scripts.append(("javascript", value))
        if target.strip().lower().startswith(("javascript:", "vbscript:")) and len(self.scripts) < _MOST_SCRIPTS:
            scheme, _, code = target.strip().partition(":")
            self.scripts.append((scheme.lower(), code))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag == "script":
            self._in_script = ""

    def _data_script(self, target: str) -> None:
        data = data_of(target)
        if data:
            self.scripts.append(("javascript", data.decode("utf-8", "replace")))

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script" and self._in_script:
            self.close_script()

    def close_script(self) -> None:
        source = re.sub(r"^\s*(?:<!\[CDATA\[|<!--)|(?:\]\]>|-->)\s*$", "", "".join(self._text))
        if self._in_script and self._in_script != "data" and source.strip() and len(self.scripts) < _MOST_SCRIPTS:
            self.scripts.append((self._in_script, source))
        self._in_script, self._text = "", []

    def unknown_decl(self, data: str) -> None:
        if self._in_script and data.startswith("CDATA["):
            self._text.append(data[6:])


def data_of(target: str) -> bytes:
    """The bytes of a `data:` address; empty if it is none."""
    found = _DATA.match(target[:MOST])
    if not found:
        return b""
    raw = unquote_to_bytes(found[3])
    if "base64" not in found[2].lower():
        return raw
    try:
        return base64.b64decode(re.sub(rb"[^A-Za-z0-9+/]", b"", raw) + b"==")
    except (ValueError, binascii.Error):
        return b""


def examine(subject: Subject) -> Iterator[Output]:
    from lazaretto.analysis.engines.scripts import to_utf8  # noqa: PLC0415  only in the cage

    text = to_utf8(subject.data[:MOST]).decode("utf-8", "replace")
    page = _Page()
    try:
        page.feed(text)
        page.close()
    except (AssertionError, ValueError, RecursionError):
        yield Shortfall(reason="the page is broken and was read only in part")
    page.close_script()
    yield from _scripts(page, subject)
    yield from _forms(page)
    yield from _targets(page)
    yield from _commands(page)
    if len(subject.data) > MOST:
        yield Shortfall(reason=f"only the first {MOST >> 20} MiB of the page were read")


def _scripts(page: _Page, subject: Subject) -> Iterator[Output]:
    """All scripts of a language as one part: they share their variables."""
    for language, extension in (("javascript", "js"), ("vbscript", "vbs")):
        sources = [source for kind, source in page.scripts if kind == language]
        if sources:
            yield Member(
                name=f"scripts.{extension}",
                data="\n;\n".join(sources).encode() if extension == "js" else "\n".join(sources).encode(),
                relation="decoded",
            )
    if page.scripts:
        yield Fact(name="page-scripts", value=len(page.scripts))
        if subject.kind.name == "svg":
            yield Finding(id="image-with-script", detail=f"{len(page.scripts)}")
    if subject.kind.name == "hta" and (page.scripts or page.objects):
        yield Finding(id="page-is-program", detail=f"{len(page.scripts)} scripts")


def _forms(page: _Page) -> Iterator[Output]:
    for action, asks in page.forms:
        if asks and re.match(r"\s*(?:https?:)?//", action, re.IGNORECASE):
            yield Finding(id="page-sends-password-elsewhere", detail=action.strip())
            yield Indicator(kind="url", value=short(action.strip()))


def _targets(page: _Page) -> Iterator[Output]:
    for content in page.refresh:
        delay, _, rest = content.partition(";")
        url = html.unescape(rest.partition("=")[2].strip("'\" "))
        if (
            re.match(r"https?://", url, re.IGNORECASE)
            and re.fullmatch(r"\s*[\d.]{1,6}\s*", delay)
            and float(delay.strip(". ") or 0) <= 5
        ):
            yield Finding(id="page-redirects", detail=url)
            yield Indicator(kind="url", value=short(url))
        elif url.lower().startswith("data:"):
            yield Finding(id="page-redirects", detail=url[:100])
    given = 0
    for tag, target, saved in page.links:
        if target.strip().lower().startswith(_SCHEMES):
            yield Finding(id="page-abuses-scheme", detail=target)
        data = data_of(target) if target.lstrip()[:5].lower() == "data:" else b""
        if data and given < _MOST_FILES and (saved or tag in {"a", "iframe", "embed", "object"}):
            given += 1
            if data.startswith(_HEADS):
                yield Finding(id="page-carries-program", detail=f"{saved or tag}: {len(data)} bytes")
            yield Member(name=saved or f"{tag} {given}", data=data, relation="embedded")


def _commands(page: _Page) -> Iterator[Output]:
    """Programs that the help viewer's control starts: its command is a short cut, its first item says
    `window, program, arguments` (Microsoft HTML Help Workshop, "ShortCut"). A script can press it by itself."""
    from lazaretto.analysis.engines.scripts import judged  # noqa: PLC0415  only in the cage

    pressed = "\n".join(source for _, source in page.scripts)
    told = 0
    for settings in page.settings:
        parts = [part.strip() for part in settings.get("item1", "").split(",", 2)]
        if settings.get("command", "").partition(",")[0].strip().lower() != "shortcut" or len(parts) < 2:
            continue
        told += 1
        if not parts[1] or told > _MOST_COMMANDS:
            continue
        line = " ".join(parts[1:])
        name = re.escape(settings[""])
        by_itself = name and re.search(rf"\b{name}\s*[.)\]'\"]{{1,4}}\s*\.?\s*(?:HH)?Click\b", pressed, re.IGNORECASE)
        yield Finding(id="page-starts-program-by-itself" if by_itself else "page-starts-program", detail=line)
        yield from judged(line.encode("utf-8", "replace"), "batch", line=True)
