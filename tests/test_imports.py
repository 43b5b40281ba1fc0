"""Imports go one way, and what runs inside a guest brings nothing of the host with it (docs/design.md, section 3)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[1]
GUEST = ROOT / "src/lazaretto/sandbox/guest"


def test_rooms_import_one_way(capsys: pytest.CaptureFixture[str]) -> None:
    """The contracts are in pyproject.toml; what the linter says is shown where one is broken."""
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def imported(source: str) -> set[str]:
    """Names of all modules that a source file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
    return names


def test_guest_programs_stand_alone() -> None:
    """A guest has Python's standard library and what lies beside the program, not the package of the host."""
    files = list(GUEST.rglob("*.py"))
    assert files
    strangers = {
        str(file.relative_to(ROOT)): sorted(
            name for name in imported(file.read_text()) if name.split(".")[0] == "lazaretto"
        )
        for file in files
    }
    assert {file: names for file, names in strangers.items() if names} == {}


def test_the_walk_sees_an_import_in_a_function() -> None:
    """The check can fail: a late import is found too."""
    assert "lazaretto.domain" in imported("def f():\n    from lazaretto.domain import trace\n")
