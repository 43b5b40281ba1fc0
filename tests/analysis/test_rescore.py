"""Stored reports judged anew: the same rules give the same report, other rules say what made the difference."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from lazaretto.analysis.analyze import analyze
from lazaretto.analysis.behaviours import Catalogue, default_folder, load
from lazaretto.analysis.cage.host import Cage
from lazaretto.analysis.examine import Examiner
from lazaretto.analysis.findings import Meanings
from lazaretto.analysis.material import MATERIAL_FILE, read_material
from lazaretto.analysis.report import read_report
from lazaretto.analysis.rescore import rescore
from lazaretto.domain.errors import ReportError
from lazaretto.domain.evidence import Weight
from lazaretto.domain.verdict import State, Status
from lazaretto.testing.reports import MEANINGS, example

CATALOGUE = load(default_folder())
NO_RULES = Catalogue((), {}, "none")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    example(tmp_path, catalogue=CATALOGUE)
    return tmp_path


def test_the_same_rules_give_the_same_report(folder: Path) -> None:
    made = rescore(folder, CATALOGUE, MEANINGS)
    assert made.after == made.before == read_report(folder)
    assert made.difference.same_verdict
    assert made.difference.findings == ()
    assert made.difference.engines == {}


def test_without_the_rules_only_what_was_found_in_the_file_is_left(folder: Path) -> None:
    made = rescore(folder, NO_RULES, MEANINGS)
    assert (made.difference.status_before, made.difference.status) == (Status.MALICIOUS, Status.UNKNOWN)
    gone = [one for one in made.difference.findings if one.after is None]
    assert gone == list(made.difference.findings)
    assert gone[0].before is Weight.DECISIVE
    assert made.difference.engines == {"behaviours": (CATALOGUE.version, "none")}
    left = {finding.id for one in made.after.inside for finding in one.evidence}
    assert left == {"script-hidden-command", "name-double-extension", "own-rule-orders"}


def test_another_weight_is_told(folder: Path) -> None:
    heavier = msgspec.structs.replace(MEANINGS.by_id["archive-encrypted"], weight=Weight.STRONG, title="It is closed")
    other = Meanings((heavier, MEANINGS.by_id["script-hidden-command"]), "1")
    made = rescore(folder, CATALOGUE, other)
    (changed,) = made.difference.findings
    assert (changed.id, changed.before, changed.after) == ("archive-encrypted", Weight.WEAK, Weight.STRONG)
    assert changed.title == "It is closed"
    assert made.difference.same_verdict  # malicious by the script inside, before and after


def test_a_finding_that_the_catalogue_no_longer_has_is_gone(folder: Path) -> None:
    made = rescore(folder, CATALOGUE, Meanings((), "empty"))
    assert {one.id for one in made.difference.findings} == {"archive-encrypted", "script-hidden-command"}
    assert all(one.after is None for one in made.difference.findings)
    assert "own-rule-orders" in {finding.id for finding in made.after.inside[0].evidence}  # never was in it


@pytest.mark.parametrize("name", ["report.json", MATERIAL_FILE])
def test_what_is_missing_is_named(folder: Path, name: str) -> None:
    folder.joinpath(name).unlink()
    with pytest.raises(ReportError, match=name):
        rescore(folder, CATALOGUE, MEANINGS)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"material_version":1}', b"[" * 100_000])
def test_torn_material_is_refused(folder: Path, content: bytes) -> None:
    folder.joinpath(MATERIAL_FILE).write_bytes(content)
    with pytest.raises(ReportError):
        rescore(folder, CATALOGUE, MEANINGS)


def test_newer_material_is_refused(folder: Path) -> None:
    path = folder / MATERIAL_FILE
    path.write_bytes(path.read_bytes().replace(b'"material_version":1', b'"material_version":99'))
    with pytest.raises(ReportError, match="version 99"):
        rescore(folder, CATALOGUE, MEANINGS)


def test_an_account_that_lost_events_is_refused(folder: Path) -> None:
    (trace,) = folder.glob("inside/*/trace.jsonl")
    lines = trace.read_bytes().splitlines(keepends=True)
    trace.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(ReportError, match="events"):
        rescore(folder, CATALOGUE, MEANINGS)
    trace.unlink()
    with pytest.raises(ReportError, match=r"trace\.jsonl"):
        rescore(folder, CATALOGUE, MEANINGS)


def test_nothing_outside_the_folder_is_read(folder: Path) -> None:
    path = folder / MATERIAL_FILE
    (out,) = {kept.out for kept in read_material(folder).ran}
    path.write_bytes(path.read_bytes().replace(out.encode(), b"../../../../etc"))
    with pytest.raises(ReportError, match="does not lie in the folder"):
        rescore(folder, CATALOGUE, MEANINGS)


def test_material_of_another_file_is_refused(folder: Path) -> None:
    path = folder / "report.json"
    sha256 = read_report(folder).sha256
    path.write_bytes(path.read_bytes().replace(sha256.encode(), b"0" * 64))
    with pytest.raises(ReportError, match="different files"):
        rescore(folder, CATALOGUE, MEANINGS)


def test_what_an_analysis_keeps_is_enough(tmp_path: Path) -> None:
    """Also where nothing was run, and of a file whose name is no text."""
    file = tmp_path / "Rechnung\udcff.pdf.js"
    file.write_bytes(b"var shell = new ActiveXObject('WScript.Shell');\n")
    out = tmp_path / "out"
    with Cage() as cage:
        examiner = Examiner(cage, MEANINGS, engines=())
        report = analyze(file, examiner=examiner, detonate=None, catalogue=CATALOGUE, out=out)
    assert "\\xff" in report.file
    assert report.when.endswith("Z")
    assert (report.state, report.status) == (State.FINISHED, Status.UNKNOWN)
    assert [finding.id for finding in report.evidence] == ["name-double-extension"]
    made = rescore(out, CATALOGUE, MEANINGS)
    assert made.after == report
