"""Pages: scripts as parts, forms, redirects, files in links."""

# ruff: noqa: E501  a row of a table is one line

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazaretto.analysis.cage.host import Cage, sheet
from lazaretto.analysis.engine import Finding, Member, Output, Subject
from lazaretto.analysis.engines import markup
from lazaretto.analysis.findings import load_meanings
from lazaretto.analysis.formats.types import of

MEANINGS = load_meanings(Path(__file__).parents[3] / "catalogue").by_id
ARCHIVE = base64.b64encode(b"PK\x03\x04" + bytes(100)).decode()


def look(text: str, kind: str = "html") -> list[Output]:
    return list(markup.examine(Subject(data=text.encode(), name=f"a.{kind}", kind=of(kind))))


def ids(text: str, kind: str = "html") -> set[str]:
    return {one.id for one in look(text, kind) if isinstance(one, Finding)}


# A button of the help viewer's control, as Microsoft's "HTML Help Workshop" writes it.
BUTTON = (
    "<object id=b classid='clsid:adb880a6-d8ff-11cf-9377-00aa003b7a11'><param name='Command' value='{}'>"
    "<param name='Item1' value='{}'></object>"
)
CASES: list[tuple[str, str, str, str]] = [
    ("page-is-program", "hta", "<script>a()</script>", "<p>text</p>"),
    ("image-with-script", "svg", "<svg onload='a()'/>", "<svg><rect/></svg>"),
    ("page-sends-password-elsewhere", "html", "<form action='https://example.org/x'><input type=password></form>", "<form action='/login'><input type=password></form>"),
    ("page-redirects", "html", "<meta http-equiv=refresh content='0; url=https://example.org'>", "<meta http-equiv=refresh content='0; url=index.html'>"),
    ("page-abuses-scheme", "html", "<a href='search-ms:query=a'>x</a>", "<a href='mailto:a@example.org'>x</a>"),
    ("page-carries-program", "html", f"<a download=a.zip href='data:application/zip;base64,{ARCHIVE}'>x</a>", "<a href='data:text/plain,hello'>x</a>"),
    ("page-starts-program", "html", BUTTON.format("ShortCut", ",control.exe,main.cpl"), BUTTON.format("Related Topics", ",control.exe,main.cpl")),
    ("page-starts-program-by-itself", "html", BUTTON.format("ShortCut", ",cmd.exe,/c x") + "<script>b.Click();</script>", BUTTON.format("ShortCut", ",cmd.exe,/c x") + "<script>a.Click();</script>"),
]  # fmt: skip


@pytest.mark.parametrize(("id_", "kind", "bad", "good"), CASES, ids=[case[0] for case in CASES])
def test_finding(id_: str, kind: str, bad: str, good: str) -> None:
    assert id_ in ids(bad, kind)
    assert id_ not in ids(good, kind)


def test_every_finding_has_a_case() -> None:
    assert {name for name in MEANINGS if name.startswith(("page-", "image-"))} == {case[0] for case in CASES}


def test_scripts_of_a_language_are_one_part() -> None:
    told = look(
        "<script>a=1</script><body onload='b()'><script language=vbscript>c</script><script type='application/json'>{}</script>"
    )
    assert Member(name="scripts.js", data=b"a=1\n;\nb()", relation="decoded") in told
    assert Member(name="scripts.vbs", data=b"c", relation="decoded") in told


def test_windows_script_files_and_comments_and_cdata() -> None:
    told = look("<job><script language='JScript'><![CDATA[a('<b>')]]></script></job>", "wsf")
    assert Member(name="scripts.js", data=b"a('<b>')", relation="decoded") in told


@given(st.binary(max_size=300), st.integers(0, 400))
@settings(max_examples=150, deadline=None)
def test_broken_pages_end(middle: bytes, cut: int) -> None:
    whole = b"<html><script>a</script><form action='http://x'>" + middle + b"<input type=password></form><svg><script>"
    list(markup.examine(Subject(data=whole[: max(1, len(whole) - cut)], name="a", kind=of("html"))))


def test_a_page_of_nothing_but_brackets_ends() -> None:
    look("<" * 100_000)
    look("<script>" * 20_000)


def test_in_the_cage() -> None:
    with Cage(at_once=1) as cage, sheet(CASES[5][2].encode() + b"<script>a()</script>") as fd:
        done = cage.run(markup.ENGINE, fd, name="a.html", kind=of("html"))
    assert not done.failed, done.detail
    assert {one.relation for one in done.outputs if isinstance(one, Member)} == {"decoded", "embedded"}
