"""The page as text: whole, bounded, the same every time, and nothing of a sample in it but text."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazaretto.analysis.accounts import Account, read_accounts
from lazaretto.analysis.engine import Fact
from lazaretto.analysis.outputs import publish
from lazaretto.analysis.page import page, run, view
from lazaretto.analysis.report import Inside, Report
from lazaretto.domain import trace as t
from lazaretto.domain.sample import Category
from lazaretto.domain.verdict import State, Status
from lazaretto.testing.reports import HOSTILE, example

# What the page is made of. A sample's text that became markup would bring another element or attribute, or a handler.
ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "header", "div", "span", "h1", "h2", "h3", "b", "svg", "rect",
    "section", "ol", "ul", "li", "p", "strong", "dl", "dt", "dd", "code", "nav", "a", "main", "small", "table", "thead",
    "tbody", "tr", "th", "td", "form", "input", "select", "option", "label", "button", "output", "figure", "img",
    "figcaption", "details", "summary", "footer", "script",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "id", "aria-labelledby", "aria-label", "role",
    "viewbox", "preserveaspectratio", "x", "y", "width", "height", "href", "rel", "download", "scope", "colspan",
    "hidden", "type", "placeholder", "value", "data-process", "data-group", "data-minor", "data-head", "src", "alt",
}  # fmt: skip


class Parsed(HTMLParser):
    """Elements and attributes of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data


def bare(**more: object) -> Report:
    fields = {
        "file": "/tmp/a.exe", "sha256": "a" * 64, "sha1": "b" * 40, "md5": "c" * 32, "size": 5,
        "category": Category.EXECUTABLE, "type": "pe-exe", "type_title": "Windows program", "state": State.FINISHED,
        "status": Status.CLEAN, "score": 1, "reason": "Nothing.",
    }  # fmt: skip
    return Report(**(fields | more))  # type: ignore[arg-type]  # of any kind


@pytest.fixture
def hostile(tmp_path: Path) -> str:
    report = example(tmp_path, hostile=True)
    return page(report, read_accounts(report, tmp_path))


def test_the_brief_form_comes_first(tmp_path: Path) -> None:
    report = example(tmp_path)
    text = " ".join(Parsed(page(report, read_accounts(report, tmp_path))).text.split())
    told = ("malicious", "Rechnung.zip", "100", "Why", "It changed several of the user's documents", "What to do")
    places = [text.index(word, text.index("malicious Rechnung.zip")) for word in told]
    assert places == sorted(places)
    assert max(places) < text.index("Behaviours")
    assert text.index("take the computer off the network") < text.index("Behaviours")


def test_everything_is_on_it(tmp_path: Path) -> None:
    report = example(tmp_path)
    made = page(report, read_accounts(report, tmp_path))
    text = Parsed(made).text
    for words in (
        "What was found", "What it means", "Harmless cause", "Harmful cause", "wscript.exe", "asks for",
        "files.download-center.test", "198.51.100.7:80", report.md5, report.inside[0].sha256, "encrypted, and none",
        "opened with “infected”", "the same as Bitte lesen.txt", "Inhibit System Recovery", "T1490", "STIX 2.1",
        "did not come to its end in time", "the file Anlagen.7z stayed closed", "every computer asks for it",
    ):  # fmt: skip
        assert words in text, words
    assert made.count("data:image/png;base64,") == 2


def test_a_sample_adds_no_markup(hostile: str) -> None:
    parsed = Parsed(hostile)
    assert {tag for tag, _ in parsed.elements} <= ELEMENTS
    assert {name for _, attributes in parsed.elements for name in attributes} <= ATTRIBUTES
    assert sum(tag == "script" for tag, _ in parsed.elements) == 1
    for tag, attributes in parsed.elements:
        target = attributes.get("href", "") + attributes.get("src", "")
        assert target.startswith(("#", "data:", "https://attack.mitre.org/")) or not target, (tag, target)
    assert "<script>document.title='taken'</script>" in parsed.text
    assert "{{ 7 * 7 }}" in parsed.text


def test_no_character_of_a_sample_is_invisible(hostile: str) -> None:
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\x00-\x08\x0b-\x1f\x7f]", hostile)
    assert "photo\\u202egpj.exe\\u200b\\x1b[31m\\x07" in Parsed(hostile).text


def test_the_policy_allows_the_own_style_and_script_alone(hostile: str) -> None:
    (policy,) = [
        a["content"] for tag, a in Parsed(hostile).elements if a.get("http-equiv") == "Content-Security-Policy"
    ]
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", hostile, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


def test_the_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    report = example(tmp_path, hostile=True)
    accounts = read_accounts(report, tmp_path)
    assert page(report, accounts) == page(report, accounts)


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_its_page(status: Status) -> None:
    score = {Status.UNKNOWN: None, Status.SUSPICIOUS: 80, Status.HIGHLY_SUSPICIOUS: 95, Status.MALICIOUS: 100}.get(
        status, 1
    )
    text = Parsed(page(bare(status=status, score=score, not_done=("the file stayed closed",)))).text
    assert status.value in text
    assert "The picture is not complete: the file stayed closed." in text
    assert ("no score" in text) is (score is None)


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=80), st.text(max_size=40))
def test_any_text_is_text(name: str, value: str) -> None:
    name, value = (text.encode("utf-8", "replace").decode() for text in (name, value))
    made = page(
        bare(file=f"/tmp/{name}", reason=value or "x", facts=(Fact(name=name, value=(value, name)),), not_done=(value,))
    )
    parsed = Parsed(made)
    assert {tag for tag, _ in parsed.elements} <= ELEMENTS
    assert {attribute for _, attributes in parsed.elements for attribute in attributes} <= ATTRIBUTES


def an_account(folder: Path, report: Report, *events: t.AnyEvent, processes: dict[int, t.Process]) -> Account:
    (known,) = read_accounts(report, folder)
    numbered = tuple(msgspec.structs.replace(event, id=number) for number, event in enumerate(events))
    trace = msgspec.structs.replace(known.trace, events=numbered, processes=processes)
    return msgspec.structs.replace(known, trace=trace)


@pytest.mark.slow
def test_a_flood_is_bounded_and_what_findings_rest_on_is_shown(tmp_path: Path) -> None:
    report = example(tmp_path)
    processes = {
        key: t.Process(key=key, pid=key, parent=key - 1, image=f"C:\\{key}.exe", command_line="x" * 5_000)
        for key in range(1, 3_000)
    }
    flood = [t.FileWrite(process=number % 2_999 + 1, path=f"C:\\{number}", size=1) for number in range(30_000)]
    flood += [t.NetDns(process=1, name=f"{number}.test") for number in range(5_000)]
    last = t.FileRead(process=1, path="C:\\needed.txt")  # tells least of all, but a finding rests on it
    needed = msgspec.structs.replace(report.evidence[0], events=(len(flood),))
    report = msgspec.structs.replace(report, evidence=(needed, *report.evidence[1:] * 100))
    made = page(report, [an_account(tmp_path, report, *flood, last, processes=processes)])
    assert len(made) < 6 << 20
    assert made.count("<tr id=") == run.MOST_EVENTS
    assert "reads C:\\needed.txt" in made
    assert f'<a href="#r0-e{len(flood)}">' in made
    assert "more; all are in report.json" in made


def test_a_deep_tree_is_bounded(tmp_path: Path) -> None:
    one = None
    for depth in reversed(range(60)):
        path = tuple(f"{number}.zip" for number in range(depth + 1))
        one = Inside(
            path=path, relation="member", sha256="a" * 64, size=1, type="zip", type_title="ZIP archive",
            category=Category.ARCHIVE, inside=(one,) * 1 if one else (),
        )  # fmt: skip
    assert one
    many = tuple(msgspec.structs.replace(one, path=(f"{number}",), inside=()) for number in range(2_000))
    made = page(bare(inside=(one, *many)))
    assert made.count('class="d') <= view.MOST_INSIDE + 10
    assert f'class="d{view.MOST_DEPTH}"' in made
    assert f'class="d{view.MOST_DEPTH + 1}"' not in made


def test_pictures_are_pictures_and_lie_in_the_folder(tmp_path: Path) -> None:
    report = example(tmp_path)
    (account,) = read_accounts(report, tmp_path)
    shots = [artifact for artifact in account.run.artifacts if artifact.kind == "screenshot"]
    account.folder.joinpath(shots[0].path).write_bytes(b"<svg onload=alert(1)>")
    tmp_path.joinpath("secret.png").write_bytes(account.folder.joinpath(shots[1].path).read_bytes())
    for path in ("../../secret.png", "/etc/hostname", "a\0b", "missing.png"):
        moved = msgspec.structs.replace(shots[1], path=path)
        changed = msgspec.structs.replace(account.run, artifacts=(shots[0], moved))
        made = page(report, [msgspec.structs.replace(account, run=changed)])
        assert "data:image/png" not in made, path


def test_a_folder_gets_page_table_and_bundle(tmp_path: Path) -> None:
    report = example(tmp_path)
    made = publish(report, tmp_path)
    assert {path.name for path in made} == {"report.html", "indicators.csv", "stix.json"}
    first = [path.read_bytes() for path in made]
    publish(report, tmp_path)
    assert [path.read_bytes() for path in made] == first
    html = (tmp_path / "report.html").read_text()
    for name, kind in (("indicators.csv", "text/csv"), ("stix.json", "application/json")):
        (content,) = re.findall(rf'download="{name}" href="data:{kind};base64,([^"]*)"', html)
        assert base64.b64decode(content) == (tmp_path / name).read_bytes()


def test_without_the_account_there_is_still_a_page(tmp_path: Path) -> None:
    report = example(tmp_path)
    for trace in tmp_path.glob("inside/*/trace.jsonl"):
        trace.unlink()
    publish(report, tmp_path)
    assert "Timeline" not in (tmp_path / "report.html").read_text().split("<script>")[0].split("</style>")[1]


def test_every_kind_of_event_belongs_to_a_group() -> None:
    kinds = {kind.__struct_config__.tag for kind in t.AnyEvent.__args__}
    other = {str(kind) for kind in kinds if str(kind).partition(".")[0] not in run.GROUPS}
    assert other == {"api", "syscall", "standin", "recorder"}


def test_hostile_texts_are_all_used(hostile: str) -> None:
    text = Parsed(hostile).text
    for words in HOSTILE[:-1]:
        assert words in text
