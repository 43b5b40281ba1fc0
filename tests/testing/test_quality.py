"""The measures of quality: what they count, and that the set of emulations is sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from lazaretto.analysis.identify import identify
from lazaretto.testing.programs import Programs
from lazaretto.testing.quality import measures
from lazaretto.testing.quality.damage import damaged
from lazaretto.testing.quality.emulations import HALVES, Emulation, load
from lazaretto.testing.quality.seeds import seeds
from lazaretto.testing.quality.work import Line, Results

EMULATIONS = load(Path(__file__).parents[2] / "quality" / "emulations")
TACTICS = {
    "execution", "persistence", "privilege-escalation", "defense-evasion", "credential-access", "discovery",
    "lateral-movement", "collection", "command-and-control", "exfiltration", "impact",
}  # fmt: skip


def emulation(half: str = "open", techniques: tuple[str, ...] = ("T1059.004",)) -> Emulation:
    return Emulation(
        id="a", platform="linux", half=half, tactic="execution", techniques=techniques, language="sh", source="echo\n"
    )


def test_the_set_is_large_and_covers_every_tactic_on_both_systems():
    assert len(EMULATIONS) >= 120
    assert len({one.key for one in EMULATIONS}) == len(EMULATIONS)
    for half in HALVES:
        own = [one for one in EMULATIONS if one.half == half]
        assert len(own) >= 60
        for platform in ("windows", "linux"):
            assert {one.tactic for one in own if one.platform == platform} | {"execution"} == TACTICS


def test_no_two_are_the_same_file(tmp_path):
    scripts = [one for one in EMULATIONS if one.language != "c"]
    made = [one.made(Programs(tmp_path)).read_bytes() for one in scripts]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize(
    ("found", "right"),
    [("T1059.004", True), ("T1059", True), ("T1059.001", False), ("T1105", False), ("T10590", False)],
)
def test_a_technique_its_parent_or_child_is_right(found, right):
    assert emulation().recognised((found,)) is right
    assert emulation(techniques=("T1059",)).recognised(("T1059.001",))


def test_recall_counts_by_half_and_names_what_was_missed_of_the_open_one():
    right, wrong = ("T1059",), ("T1105",)
    lines = [
        Line(key="open/linux/a", status="suspicious", techniques=right),
        Line(key="held/linux/a", techniques=wrong),
    ]
    section = measures.recall([emulation("open"), emulation("held")], lines)
    assert section.rows[-1] == ("all", "2", "1 of 1 (100 %)", "0 of 1 (0 %)", "1 of 2 (50 %)")
    assert section.notes == ()
    missed = measures.recall([emulation("open")], [Line(key="open/linux/a", status="clean", techniques=wrong)])
    assert missed.notes == ("`open/linux/a` (T1059.004): clean",)


def test_stability_tells_verdicts_and_findings_that_differ():
    same = {"status": "clean", "score": 1}
    lines = [Line(key="a#0", evidence=(("x", "weak", ""),), **same), Line(key="a#1", **same), Line(key="b#0", **same)]
    (first, second) = measures.stable(lines).rows
    assert first == ("a", "2", "clean 1", "1", "2", "x")
    assert second[3:5] == ("1", "1")


def test_robustness_counts_what_failed():
    lines = [Line(key="a", type="pdf", failed=("pdf: killed",)), Line(key="b", trouble="ValueError: x")]
    section = measures.robust(lines)
    assert [row[:4] for row in section.rows] == [("(no report)", "1", "1", "0"), ("pdf", "1", "0", "1")]


def test_damage_is_the_same_every_time():
    content = bytes(range(256)) * 8
    assert list(damaged(content, 3, 20)) == list(damaged(content, 3, 20))
    assert all(changed != content for _, changed in damaged(content, 3, 20))
    assert list(damaged(b"", 1, 5)) == []


def test_results_that_were_cut_keep_their_whole_lines(tmp_path):
    results = Results(tmp_path / "recall.jsonl", "abc")
    results.add(Line(key="a"))
    results.add(Line(key="b"))
    results.path.write_bytes(results.path.read_bytes()[:-5])
    results.mend()
    results.add(Line(key="c"))
    assert [line.key for line in results.lines()] == ["a", "c"]
    assert Results(tmp_path / "recall.jsonl", "def").lines() == []


def test_seeds_are_files_of_many_formats_each_whole():
    kinds = {name: identify(content, name).name for name, content in seeds().items()}
    assert len(set(kinds.values())) >= 45
    assert not [name for name, kind in kinds.items() if kind in {"data", "unknown", "empty"}]


def test_damaged_files_are_written_with_the_name_of_what_was_done(tmp_path):
    tasks = measures.robust_tasks([("a.js", b"x" * 50), ("b.pdf", b"y" * 50)], tmp_path, 2)
    assert [task.key for task in tasks] == ["0-cut-0-a.js", "0-flipped-1-a.js", "1-cut-0-b.pdf", "1-flipped-1-b.pdf"]
    assert all(Path(task.path).is_file() for task in tasks)
