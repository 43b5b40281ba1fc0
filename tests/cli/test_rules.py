"""`lazaretto rules check` and `analyze --sigma`, as they are called."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lazaretto.cli.errors import Exit
from lazaretto.cli.main import run
from lazaretto.testing.sigma_play import rule


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    base = tmp_path / "rules"
    base.mkdir()
    (base / "used.yml").write_text(rule("s:\n  - CommandLine: x\n  - Company: y\ncondition: s\n", more="level: high"))
    (base / "refused.yml").write_text(rule("s: {GrantedAccess: x}\ncondition: s\n", category="process_access"))
    return base


def test_a_person_reads_what_is_refused_and_why(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "check", str(folder)]) == Exit.DONE
    said = capsys.readouterr().out
    assert "field GrantedAccess (1): leave the rule out" in said
    assert re.search(r"^  refused\.yml:\d+$", said, re.MULTILINE)
    assert "Company (1)" in said
    assert said.splitlines()[-1] == "1 rule used, 1 refused, 0 broken"


def test_a_program_reads_one_object_a_rule(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "check", "--json", str(folder)]) == Exit.DONE
    used, refused = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert list(used) == list(refused)
    assert (used["state"], used["file"], used["logs"], used["not_seen"]) == (
        "used",
        "used.yml",
        ["process"],
        ["Company"],
    )
    assert (refused["state"], refused["problem"]) == ("refused", "field GrantedAccess")


def test_a_broken_rule_is_a_failure(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken.yml").write_text("title: [")
    assert run(["rules", "check", str(folder)]) == Exit.FAILED
    assert "1 rule broken" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["rules", "check"], ["analyze", "/etc/hostname", "--sigma"]])
def test_a_folder_that_is_not_there(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, str(tmp_path / "none")]) == Exit.USAGE
    assert "there is no folder" in capsys.readouterr().err


def test_a_folder_without_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "check", str(tmp_path)]) == Exit.FAILED
    assert "has no .yml or .yaml files" in capsys.readouterr().err
