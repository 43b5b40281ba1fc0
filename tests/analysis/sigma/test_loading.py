"""A folder of rules, and what is kept of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lazaretto.analysis.sigma import load, loading
from lazaretto.domain.errors import CatalogueError
from lazaretto.testing.sigma_play import rule

FINE = rule("s: {CommandLine: x}\ncondition: s\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    base = tmp_path / "rules"
    (base / "deep/er").mkdir(parents=True)
    (base / "a.yml").write_text(FINE)
    (base / "deep/er/b.YAML").write_text(FINE)
    (base / "deep/broken.yml").write_text("title: [")
    (base / "readme.md").write_text("no rule")
    return base


def test_all_below_a_folder(folder: Path) -> None:
    sigma = load(folder)
    assert [one.about.file for one in sigma.rules] == ["a.yml", "deep/er/b.YAML"]
    assert [one.file for one in sigma.refused] == ["deep/broken.yml"]


def test_what_is_kept_is_the_same(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(folder, cache=tmp_path / "cache")
    monkeypatch.setattr(loading, "compiled", lambda _: pytest.fail("was read again"))
    again = load(folder, cache=tmp_path / "cache")
    assert (again.rules, again.refused, again.version) == (first.rules, first.refused, first.version)


def test_a_changed_text_is_read_anew(folder: Path, tmp_path: Path) -> None:
    first = load(folder, cache=tmp_path / "cache")
    (folder / "a.yml").write_text(FINE.replace("CommandLine: x", "CommandLine: y"))
    again = load(folder, cache=tmp_path / "cache")
    assert again.version != first.version
    assert again.rules[0].gates == ((("CommandLine", "y"),),)


@pytest.mark.parametrize("content", [b"", b"\x93\xc0\xc0\xc0", b"nonsense" * 100])
def test_a_kept_set_that_cannot_be_read_is_made_anew(folder: Path, tmp_path: Path, content: bytes) -> None:
    first = load(folder, cache=tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(content)
    assert load(folder, cache=tmp_path / "cache").rules == first.rules


def test_a_cache_that_cannot_be_written_does_not_matter(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert load(folder, cache=tmp_path / "file").rules


def test_only_some_sets_are_kept(folder: Path, tmp_path: Path) -> None:
    for number in range(12):
        (folder / "a.yml").write_text(FINE.replace("x", f"x{number}"))
        load(folder, cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 8


def test_a_folder_without_rules(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"has no \.yml or \.yaml files"):
        load(tmp_path)
