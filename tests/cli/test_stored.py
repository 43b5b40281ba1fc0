"""`explain` and `rescore` over stored reports: what they say, contracts, clear errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lazaretto.analysis.arithmetic import explain
from lazaretto.analysis.findings import Meanings
from lazaretto.analysis.report import read_report
from lazaretto.cli.errors import Exit
from lazaretto.cli.explain import rendered
from lazaretto.cli.main import run
from lazaretto.testing.reports import MEANINGS, example

EXPLANATION = [
    "file", "sha256", "status", "score", "reason", "decided_by", "families", "raw", "ceiling", "bounded", "incomplete",
    "evidence", "changes",
]  # fmt: skip
DIFFERENCE = [
    "folder", "same_verdict", "file", "sha256", "state", "status_before", "score_before", "status", "score",
    "reason_before", "reason", "findings", "engines",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "out" / "aa"
    place.mkdir(parents=True)
    example(place)
    return place


@pytest.fixture
def meanings(monkeypatch: pytest.MonkeyPatch) -> Callable[[Meanings], None]:
    def put(chosen: Meanings) -> None:
        monkeypatch.setattr("lazaretto.analysis.findings.load_meanings", lambda _folder: chosen)

    put(MEANINGS)
    return put


def test_an_explanation_for_a_person(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (folder, folder / "report.json", folder.parent):
        assert run(["explain", str(name)]) == Exit.DONE
        out, err = capsys.readouterr()
        text = " ".join(out.split())
        assert "MALICIOUS score 100 of 100 Rechnung.zip" in text
        assert "as bad as the worst file inside: Rechnung_2026.pdf.js" in text
        assert "Harmless: Installers that fetch the real program" in text
        assert "100 for “It changed several of the user's documents” (decisive), 18 of 75 for" in text
        assert "clean 1-74, suspicious 75-89, highly suspicious 90-99, malicious 100" in text
        assert err == ""


def test_an_explanation_for_a_program(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "--json", str(folder)]) == Exit.DONE
    told = json.loads(capsys.readouterr().out)
    assert list(told) == EXPLANATION
    assert told["raw"] == sum(family["points"] for family in told["families"])


@pytest.mark.parametrize("width", [60, 80, 120])
def test_an_explanation_fits_and_is_plain(draw: Callable[..., str], tmp_path: Path, width: int) -> None:
    drawn = draw(rendered(explain(example(tmp_path, hostile=True))), width)
    assert max(map(len, drawn.splitlines())) <= width
    assert "\x1b" not in drawn
    assert "\u202e" not in drawn


def test_the_same_rules_change_nothing(
    folder: Path, meanings: Callable[[Meanings], None], capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "report.json").read_bytes()
    assert run(["rescore", "--json", str(folder.parent)]) == Exit.DONE
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert list(told) == DIFFERENCE
    assert told["same_verdict"]
    assert run(["rescore", "--write", str(folder)]) == Exit.DONE
    assert (folder / "report.json").read_bytes() == before
    assert {path.name for path in folder.iterdir()} >= {"report-before.json", "report.html", "stix.json"}


def test_other_rules_say_what_made_the_difference(
    folder: Path, meanings: Callable[[Meanings], None], capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "report.json").read_bytes()
    meanings(Meanings((), "empty"))
    assert run(["rescore", str(folder)]) == Exit.DONE
    out = capsys.readouterr().out
    assert "The archive has files that a password closes" in out
    assert "weak" in out
    assert "findings 0000000000000000 -> empty" in " ".join(out.split())
    assert (folder / "report.json").read_bytes() == before  # nothing without --write
    assert run(["rescore", "--write", "--quiet", str(folder)]) == Exit.DONE
    assert (folder / "report-before.json").read_bytes() == before
    assert read_report(folder).engines["findings"] == "empty"


def test_one_torn_report_does_not_stop_the_others(
    folder: Path, meanings: Callable[[Meanings], None], capsys: pytest.CaptureFixture[str]
) -> None:
    torn = folder.parent / "ab"
    torn.mkdir()
    (torn / "report.json").write_bytes((folder / "report.json").read_bytes())
    assert run(["rescore", "--json", str(folder.parent)]) == Exit.FAILED
    out, err = capsys.readouterr()
    good, bad = map(json.loads, out.splitlines())
    assert good["same_verdict"]
    assert bad["error"] == "report-invalid"
    assert "material.json" in err
    assert "analyse the file again" in err


@pytest.mark.parametrize("command", ["explain", "rescore"])
def test_wrong_usage_is_told(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("")
    for name, told in (
        (tmp_path, "no report.json in"),
        (tmp_path / "none", "no report"),
        (tmp_path / "a.txt", "no stored"),
    ):
        assert run([command, str(name)]) == Exit.USAGE
        assert told in " ".join(capsys.readouterr().err.split())


def test_explain_is_about_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = folder.parent / "ab"
    other.mkdir()
    example(other)
    assert run(["explain", str(folder.parent)]) == Exit.USAGE
    assert "2 reports" in capsys.readouterr().err
    (other / "report.json").write_bytes(b"[]")
    assert run(["explain", str(other)]) == Exit.FAILED
    assert "not a report" in capsys.readouterr().err
