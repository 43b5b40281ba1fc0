"""Tables of the documentation hold what the code has: no kind, ending, word or page is missing or left over."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from lazaretto.domain.trace import AnyEvent, Ending, Source
from lazaretto.sandbox.account import standins
from lazaretto.sandbox.image import recipe

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SANDBOX = (DOCS / "sandbox.md").read_text()
PAGES = sorted(DOCS.rglob("*.md"))


def section(title: str) -> str:
    found = re.search(rf"^##+ {re.escape(title)}\n(.*?)(?=^##|\Z)", SANDBOX, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def first_cells(text: str) -> set[str]:
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


def test_every_kind_of_event_is_in_the_table() -> None:
    kinds = {kind.__struct_config__.tag for kind in get_args(AnyEvent)}
    assert first_cells(section("What is seen, and by whom")) == kinds


def test_sources_are_those_of_the_trace() -> None:
    rows = [line for line in section("What is seen, and by whom").splitlines() if line.startswith("| `")]
    words = {word for row in rows for word in re.findall(r"[a-z]+", row.split("|")[3])}
    assert {source.value for source in Source} - {"managed"} <= words


def test_every_ending_is_in_the_table() -> None:
    assert first_cells(section("Endings and outcomes")) == {ending.value for ending in Ending}
    complete = {
        word
        for line in section("Endings and outcomes").splitlines()
        if line.endswith("| yes |")
        for word in re.findall(r"`([^`]+)`", line.split("|")[1])
    }
    assert complete == {ending.value for ending in Ending if ending.complete}


def test_every_word_of_the_stand_ins_is_listed() -> None:
    assert standins.__doc__ is not None
    listed = re.search(r"lists them\): (.*?)\.$", standins.__doc__, re.DOTALL)
    assert listed
    words = {word.strip() for word in listed[1].split(",")}
    text = section("What stand-ins understand")
    assert set(re.findall(r"`([a-z-]+)`", text)) - {"action", "standin"} == words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert broken == []


def test_every_page_can_be_found() -> None:
    """From the first page, or from the list of decisions."""
    index = (DOCS / "index.md").read_text() + (DOCS / "adr/README.md").read_text()
    assert [page.name for page in PAGES if page.name not in index and page.name != "index.md"] == []


def test_tables_of_a_profile_are_explained() -> None:
    """Whoever adds a profile finds each table of the others on the page."""
    images = (DOCS / "images.md").read_text()
    for name in recipe.PROFILES:
        settings = tomllib.loads((recipe.GUEST / name / "profile.toml").read_text())
        missing = [table for table in settings if f"[{table}" not in images and f"`{table}" not in images]
        assert missing == [], name
