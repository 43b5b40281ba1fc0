"""The files around the code (set-up, documentation, lock file, samples) are checked too, since they rot first."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from lazaretto.cli.checks import packages
from lazaretto.cli.reference import TABLES, filled

ROOT = Path(__file__).parents[1]
SCRIPTS = ("setup.sh", "try", "check", ".ci/run")
PAGES = sorted([ROOT / "README.md", ROOT / "samples/README.md", *ROOT.glob("docs/**/*.md")])

_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_can_be_run_by_a_bare_shell(name: str) -> None:
    script = ROOT / name
    assert script.read_text().startswith("#!/bin/sh\n")
    assert script.stat().st_mode & 0o111
    subprocess.run(["sh", "-n", str(script)], check=True)


def test_set_up_reads_the_list_that_doctor_reads() -> None:
    """The awk line of setup.sh, as written there, gives the names that the table gives."""
    text = (ROOT / "setup.sh").read_text()
    found = re.search(r"\$\((awk [^)]+)\)", text)
    table = re.search(r"^packages=\S+$", text, re.MULTILINE)
    assert found
    assert table
    script = f"{table[0]}; {found[1]}"
    said = subprocess.run(["sh", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.split() == [package.name for package in packages()]


def test_continuous_integration_calls_the_second_command() -> None:
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("exec ./check")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in _LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_tables_made_from_code_are_fresh(page: Path) -> None:
    """Mend with: make docs."""
    text = page.read_text()
    assert filled(text) == text


def test_every_table_is_on_some_page() -> None:
    text = "".join(page.read_text() for page in PAGES)
    assert [name for name in TABLES if f"<!-- made: {name} -->" not in text] == []


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", (ROOT / "README.md").read_text())) == targets


def test_the_lock_file_names_the_public_index_only() -> None:
    hosts = set(re.findall(r"https?://[^/\"]+", (ROOT / "uv.lock").read_text()))
    assert hosts <= {"https://pypi.org", "https://files.pythonhosted.org"}


def test_the_shipped_sample_cannot_reach_anybody() -> None:
    """Its only address is in the domain that is reserved for examples (RFC 2606)."""
    text = (ROOT / "samples/invoice.js").read_text()
    hosts = re.findall(r"https?://([^/\"]+)", text)
    assert hosts
    assert all(host.endswith(".example") for host in hosts)
    assert set(re.findall(r"ActiveXObject\(\"([^\"]+)\"\)", text)) == {
        "WScript.Shell",
        "Scripting.FileSystemObject",
        "MSXML2.XMLHTTP",
    }
