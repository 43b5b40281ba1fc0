"""Links, forms and hidden pictures of a mail's marked-up text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import SplitResult

from lazaretto.analysis.addresses.find import split

MOST_TEXT = 600_000  # characters of a page that are read
_MOST_LINKS = 2_000
_MOST_SHOWN = 300  # characters of a link's text

# A link's text that promises a place: an address, or a name of the internet alone.
_PROMISE = re.compile(
    r"(?i)^\s*(?:https?://)?(?:[a-z0-9-]{1,40}@)?((?:[a-z0-9\u0080-\uffff](?:[a-z0-9\u0080-\uffff-]{0,61})\.){1,6}[a-z]{2,18})(?:[:/?#]\S*)?\s*$"
)


@dataclass(frozen=True)
class Link:
    """Where it leads, and what is shown."""

    target: str
    shown: str

    @property
    def parts(self) -> SplitResult | None:
        """None where the target is no address of a server."""
        return split(self.target) if self.target.lower().startswith(("http:", "https:", "ftp:")) else None

    @property
    def promised(self) -> str:
        """The name of a server that the text shows, lower case; empty if it shows none."""
        found = _PROMISE.match(self.shown)
        return found[1].lower() if found and "@" not in self.shown.partition("/")[0] else ""


@dataclass(frozen=True)
class Form:
    """Something to be filled in. `password`: with a field that hides what is typed."""

    target: str
    password: bool


@dataclass
class Page:
    """What a page has that matters."""

    links: list[Link] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    pixels: list[str] = field(default_factory=list)  # addresses of pictures too small to be seen
    text: str = ""
    scripts: bool = False


def read_page(html: str) -> Page:
    """The page's links and forms; of a page that is cut or broken as far as they can be read."""
    reader = _Reader()
    reader.feed(html[:MOST_TEXT])
    return reader.done()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._page = Page()
        self._target: str | None = None
        self._shown: list[str] = []
        self._form: str | None = None
        self._password = False
        self._text: list[str] = []
        self._silent = 0  # inside a script or style sheet

    def done(self) -> Page:
        self.close()
        self._end_link()
        self._end_form()
        self._page.text = " ".join("".join(self._text).split())
        return self._page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: (value or "").strip() for name, value in attrs}
        if tag in {"a", "area"} and known.get("href"):
            self._end_link()
            self._target = known["href"]
            if tag == "area":
                self._end_link()
        elif tag == "form":
            self._end_form()
            self._form = known.get("action", "")
        elif tag == "input" and known.get("type", "").lower() == "password":
            self._password = True
            if self._form is None:
                self._form = ""
        elif tag == "img" and _unseen(known) and known.get("src", "").lower().startswith("http"):
            self._page.pixels.append(known["src"])
        elif tag in {"script", "style"}:
            self._silent += 1
            self._page.scripts |= tag == "script"
        elif tag in {"p", "br", "div", "td", "tr", "li"}:
            self._text.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._end_link()
        elif tag == "form":
            self._end_form()
        elif tag in {"script", "style"}:
            self._silent = max(0, self._silent - 1)

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self._text.append(data)
        if self._target is not None and len(self._shown) < 200:
            self._shown.append(data)

    def _end_link(self) -> None:
        if self._target is not None and len(self._page.links) < _MOST_LINKS:
            self._page.links.append(Link(self._target, "".join(self._shown).strip()[:_MOST_SHOWN]))
        self._target, self._shown = None, []

    def _end_form(self) -> None:
        if self._form is not None and len(self._page.forms) < 100:
            self._page.forms.append(Form(self._form, self._password))
        self._form, self._password = None, False


def _unseen(known: dict[str, str]) -> bool:
    return known.get("width", "").rstrip("px") in {"0", "1"} and known.get("height", "").rstrip("px") in {"0", "1"}
