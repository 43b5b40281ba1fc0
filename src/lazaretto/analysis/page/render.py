"""From the view to HTML: the template, the policy, and the one place where text becomes markup."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from lazaretto.analysis.accounts import Account
from lazaretto.analysis.page.view import view_of
from lazaretto.analysis.report import Report
from lazaretto.domain.text import many, plain, seconds, size

_FOLDER = Path(__file__).parent
_MOST_TEXT = 2_000  # characters of one value


def page(report: Report, accounts: Iterable[Account] = ()) -> str:
    """The whole page. `accounts` are those of the report's runs, as far as they are there."""
    style, script = _own("page.css"), _own("page.js")
    view = view_of(report, tuple(accounts))
    return _template().render(
        view=view,
        report=report,
        style=Markup(style),  # noqa: S704  base64 has no markup  this package's own file
        script=Markup(script),  # noqa: S704  base64 has no markup  this package's own file
        policy=policy(style, script),
        csv=_data_url("text/csv", view.csv),
        stix=_data_url("application/json", view.stix),
    )


def prepare() -> None:
    """Has ready what every page needs, so that the first one does not wait for it."""
    _template()


def policy(style: str, script: str) -> str:
    """What the page may do: show pictures that are in it, use this style, run this script; nothing else."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _own(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(size=size, seconds=seconds, many=many, picture=_picture)
    return environment.get_template("page.html.j2")


def _visible(value: object) -> object:
    """Called for every value before it is escaped: a text of the sample shows each of its characters."""
    return value if isinstance(value, Markup) else plain(str(value), _MOST_TEXT)


def _picture(content: bytes) -> Markup:
    return _data_url("image/png", content)


def _data_url(kind: str, content: bytes) -> Markup:
    """Base64 has no character that HTML knows."""
    return Markup(f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}")  # noqa: S704  base64 has no markup
