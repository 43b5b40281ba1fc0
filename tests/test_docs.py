"""Tables of the documentation hold what the code has: no kind, ending, word or page is missing or left over."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from lazaretto.analysis.read import MAX_SIZE
from lazaretto.domain.detonation import DetonationRequest
from lazaretto.domain.trace import AnyEvent, Ending, Source
from lazaretto.sandbox import detonate, listen
from lazaretto.sandbox.account import calls, standins
from lazaretto.sandbox.artifacts import Limits
from lazaretto.sandbox.guest.internet import capture, channel
from lazaretto.sandbox.guest.keeper import collect, keeper, world
from lazaretto.sandbox.image import recipe
from lazaretto.sandbox.machine import frames, hardware, lockdown, medium
from lazaretto.testing import engine_table

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


def test_bounds_are_those_of_the_code() -> None:
    mib = 1 << 20
    bounds, limits = lockdown.Bounds(), Limits()
    defaults = {found.name: found.default for found in msgspec.structs.fields(DetonationRequest)}
    trace, kept, net = (listen.BUDGETS[port] // mib for port in ("trace", "keeper", "internet"))
    said = [
        f"{MAX_SIZE // mib} MiB for analysis, {medium.MOST_SAMPLE // mib} MiB on the medium",
        f"{defaults['guest_time_s']:.0f} s (`--guest-time`)",
        f"{defaults['wall_time_s']:.0f} s (`--wall-time`), then {detonate.HOMECOMING:.0f} s",
        f"{detonate.FIRST_WORD:.0f} s until the first word",
        f"{keeper.PATIENCE:.0f} s guest time, {keeper.EXTRA:.0f} s more",
        f"{bounds.memory >> 30} GiB (the guest has {hardware.MEMORY_MIB >> 10} GiB)",
        f"| {bounds.processor_time} s |",
        f"{bounds.file_size // mib} MiB, {bounds.descriptors}, {bounds.processes}; no core files",
        f"| one frame | {frames.MOST // mib} MiB |",
        f"{trace}, {kept}, {net} MiB a run",
        f"{limits.files} files, {limits.file // mib} MiB each, {limits.total // mib} MiB in all",
        f"{collect.MOST_FILES}, {collect.MOST_FILE // mib} MiB each, {collect.MOST_BYTES // mib} MiB in all",
        f"{collect.MOST_DUMPS} regions, {collect.MOST_DUMP // mib} MiB each",
        f"{collect.MOST_AT_ONCE // mib} MiB of one process at once",
        f"{keeper.CONSOLE_MOST >> 10} KiB a stream",
        f"memory of {world.SESSION_MEMORY // mib} MB and {world.SESSION_PROCESSES:,} processes",
        f"at most {world.WRITABLE.removesuffix('m')} MB",
        f"{channel.MESSAGES_LIMIT:,}; {channel.BLOBS_LIMIT} of {channel.BLOB_LIMIT // mib} MiB",
        f"{capture.PCAP_LIMIT // mib} MiB of pcap",
        f"{calls.REPEATS} events",
        f"an own uid ({lockdown.FIRST_UID}-{lockdown.FIRST_UID + lockdown.UIDS - 1}",
    ]
    assert [words for words in said if words not in SANDBOX] == []


def test_examples_of_extending_are_the_files_themselves() -> None:
    text = (DOCS / "extending.md").read_text()
    engine, findings, rule = re.findall(r"```(?:python|yaml)\n(.*?)```", text, re.DOTALL)
    assert engine == (ROOT / "src/lazaretto/analysis/engines/padding.py").read_text()
    assert findings == (ROOT / "catalogue/findings/padding.yaml").read_text()
    assert rule in (ROOT / "catalogue/behaviours/persistence.yaml").read_text()


def test_page_of_the_engines_is_current() -> None:
    """`make docs` writes it."""
    assert (DOCS / "judging" / engine_table.PAGE).read_text() == engine_table.page()
