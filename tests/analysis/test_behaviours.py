"""The rules engine: the language, its errors, its bounds, and that it gives the same answer every time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazaretto.analysis.behaviours import Catalogue, SampleFacts, default_folder, load
from lazaretto.analysis.behaviours.conditions import Problem, check_regex, glob
from lazaretto.analysis.behaviours.rehearse import trace_of
from lazaretto.analysis.behaviours.rules import read
from lazaretto.domain.errors import CatalogueError
from lazaretto.domain.evidence import MAX_EVENTS
from lazaretto.domain.trace import Cause, Ending, FileWrite, NetConnect, Process, ProcessStart, Trace

TEXTS = """
  title: T
  explanation: E
  benign_cause: B
  malicious_cause: M
  weight: weak
  family: execution
"""


def catalogue(match: str, platforms: str = "[windows, linux, office]", lists: Any = None) -> Catalogue:
    text = f"- id: r{TEXTS}  platforms: {platforms}\n{match}\n"
    return Catalogue(read("r.yaml", text), lists or {}, "v")


def events_found(match: str, events: Any, platform: str = "windows", **facts: str) -> tuple[int, ...] | None:
    trace, sample = trace_of({**facts, "profile": platform, "events": events}, platform)
    found = catalogue(match).match(trace, sample).evidence
    return found[0].events if found else None


def write(path: str, **more: Any) -> dict[str, Any]:
    return {"kind": "file.write", "path": path, **more}


def start(image: str, process: int = 2, parent: int = 1, **more: Any) -> dict[str, Any]:
    return {"kind": "process.start", "image": image, "process": process, "parent": parent, **more}


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("{path: 'c:\\A.TXT'}", True),
        ("{path: 'c:\\b.txt'}", False),
        ("{path: ['c:\\b.txt', 'c:\\a.txt']}", True),
        ("{path|contains: A.}", True),
        ("{path|startswith: 'C:'}", True),
        ("{path|endswith: .txt}", True),
        ("{path|glob: 'c:*.t*t'}", True),
        ("{path|glob: '*.tx'}", False),
        ("{'path|regex': '[a-z]\\.txt$'}", True),
        ("{path|ext: [exe, txt]}", True),
        ("{path|basename: a.txt}", True),
        ("{path|dirname: 'c:'}", True),
        ("{path|length: 8}", True),
        ("{path|length|ge: 9}", False),
        ("{size|gt: 9, size|lt: 11, size|ge: 10, size|le: 10}", True),
        ("{size|bits: 2}", True),
        ("{size|bits: 5}", False),
        ("{overwritten: true}", True),
        ("{sha256|exists: false}", True),
        ("{head|startswith: mz}", True),
        ("{'path|not|ext': [exe]}", True),
        ("{'path|not|ext': [txt]}", False),
        ("[{path|ext: exe}, {size: 10}]", True),
        ("{actor.image|endswith: sample.exe}", True),
        ("{actor.cause: sample}", True),
    ],
)
def test_conditions_on_windows(where: str, found: bool) -> None:
    event = write("C:\\a.txt", size=10, overwritten=True, head="MZ")
    assert (events_found(f"  match: {{event: file.write, where: {where}}}", [event]) is not None) is found


def test_case_matters_on_linux_only() -> None:
    match = "  match: {event: file.write, where: {path: /TMP/a}}"
    assert events_found(match, [write("/tmp/a")], "linux") is None
    assert events_found(match, [write("/TMP/a")], "linux") == (0,)
    assert events_found(match, [write("/tmp/a")], "windows") == (0,)


def test_exclusion() -> None:
    match = "  match: {event: file.write, not: {path|ext: tmp}}"
    assert events_found(match, [write("C:\\a.tmp"), write("C:\\a.txt")]) == (1,)


def test_sequence_with_a_shared_variable() -> None:
    match = """
  match:
    sequence:
      - {event: file.write, bind: {f: path, writer: process}}
      - {event: process.start, where: {image: $f, parent: $writer}}
"""
    assert events_found(match, [write("C:\\a.exe"), start("c:\\A.exe")]) == (0, 1)
    assert events_found(match, [start("C:\\a.exe"), write("C:\\a.exe")]) is None
    assert events_found(match, [write("C:\\a.exe"), start("C:\\a.exe", 3, parent=2)]) is None


def test_sequence_within_a_time() -> None:
    match = """
  match:
    sequence: [{event: file.write}, {event: file.delete}]
    within: 10s
"""
    gone = {"kind": "file.delete", "path": "C:\\a"}
    assert events_found(match, [write("C:\\a", at=1), {**gone, "at": 9}]) == (0, 1)
    assert events_found(match, [write("C:\\a", at=1), {**gone, "at": 20}]) is None


def test_together_does_not_ask_for_an_order() -> None:
    match = """
  match:
    together:
      - {event: file.write, bind: {f: path}}
      - {event: autostart, where: {command|contains: $f}}
"""
    entry = {"kind": "autostart", "mechanism": "run-key", "location": "x", "command": '"C:\\a.exe" -q'}
    assert events_found(match, [entry, write("C:\\a.exe")]) == (0, 1)
    assert events_found(match, [write("C:\\a.exe"), entry]) == (0, 1)


def test_what_a_step_binds_may_be_transformed() -> None:
    match = """
  match:
    sequence:
      - {event: file.write, bind: {folder: path|dirname, name: path|basename}}
      - {event: file.delete, where: {path|dirname: $folder, 'path|basename|not': $name}}
"""
    gone = {"kind": "file.delete", "path": "C:\\d\\b"}
    assert events_found(match, [write("C:\\d\\a"), gone]) == (0, 1)
    assert events_found(match, [write("C:\\e\\a"), gone]) is None
    assert events_found(match, [write("C:\\d\\b"), gone]) is None


def test_a_chain_that_must_happen_several_times() -> None:
    match = """
  match:
    sequence:
      - {event: file.write, bind: {f: path}}
      - {event: file.delete, where: {path: $f}}
    at_least: 2
    distinct: path
"""
    first = [write("C:\\a"), {"kind": "file.delete", "path": "C:\\a"}]
    second = [write("C:\\b"), {"kind": "file.delete", "path": "C:\\b"}]
    assert events_found(match, first) is None
    assert events_found(match, first + first) is None
    assert events_found(match, first + second) == (0, 1, 2, 3)
    assert events_found(match.replace("    distinct: path\n", ""), first + first) == (0, 1, 2, 3)


def test_transforms_of_a_list_are_made_of_each_of_its_texts() -> None:
    call = {"kind": "api", "module": "m", "function": "f", "arguments": ["7", "C:\\d\\A.exe"]}
    assert events_found("  match: {event: api, where: {arguments|basename: a.exe}}", [call]) == (0,)
    assert events_found("  match: {event: api, where: {arguments|ext: exe}}", [call]) == (0,)
    assert events_found("  match: {event: api, where: {arguments|first: '7'}}", [call]) == (0,)
    assert events_found("  match: {event: api, where: {arguments|first: '8'}}", [call]) is None
    assert events_found("  match: {event: api, where: {arguments|length: 2}}", [call]) == (0,)
    numbers = {"kind": "syscall", "name": "prctl", "arguments": [4, 0, 9]}
    assert events_found("  match: {event: syscall, where: {arguments|first: 4, arguments|last: 9}}", [numbers]) == (0,)
    assert events_found("  match: {event: syscall, where: {arguments|basename: 4}}", [numbers]) == (0,)


@pytest.mark.parametrize(
    ("head", "least", "most"),
    [("", 0, 0), ("aaaa", 0, 0), ("abab", 1, 1), ("".join(map(chr, range(64))), 5.1, 6), ("plain text " * 6, 2, 4)],
)
def test_entropy(head: str, least: float, most: float) -> None:
    match = f"  match: {{event: file.write, where: {{head|entropy|ge: {least}, head|entropy|le: {most + 0.001}}}}}"
    assert events_found(match, [write("C:\\a", head=head)], "linux") == (0,)


def test_absence_between_and_after() -> None:
    match = """
  match:
    sequence:
      - {event: file.write, bind: {f: path}}
      - {event: file.delete, where: {path: $f}, absent: true}
      - {event: process.start}
"""
    gone = {"kind": "file.delete", "path": "C:\\a"}
    assert events_found(match, [write("C:\\a"), start("C:\\b")]) == (0, 1)
    assert events_found(match, [write("C:\\a"), gone, start("C:\\b")]) is None
    assert events_found(match, [write("C:\\a"), start("C:\\b"), gone]) == (0, 1)
    last = """
  match:
    sequence: [{event: file.write, bind: {f: path}}, {event: file.delete, where: {path: $f}, absent: true}]
"""
    assert events_found(last, [write("C:\\a"), gone]) is None
    assert events_found(last, [write("C:\\a"), start("C:\\b")]) == (0,)


def test_without() -> None:
    match = "  match: {event: file.write}\n  without: [{event: window}]"
    assert events_found(match, [write("C:\\a")]) == (0,)
    assert events_found(match, [write("C:\\a"), {"kind": "window", "title": "x"}]) is None


@pytest.mark.parametrize(
    ("relation", "found"), [("same", False), ("started", True), ("descendant", True), ("other", True)]
)
def test_relations_between_processes(relation: str, found: bool) -> None:
    match = f"  match: {{sequence: [{{event: process.start}}, {{event: file.write, process: {relation}}}]}}"
    events = [start("C:\\b.exe"), write("C:\\a", process=2)]
    assert (events_found(match, events) is not None) is found


def test_the_actor_of_a_start_is_who_started_it() -> None:
    match = "  match: {sequence: [{event: file.write}, {event: process.start, process: same}]}"
    assert events_found(match, [write("C:\\a"), start("C:\\b")]) == (0, 1)


def test_counts() -> None:
    match = "  match: {count: {event: file.write, at_least: 3, within: 10s, distinct: path, per: process}}"
    three = [write(f"C:\\{n}", at=n) for n in range(3)]
    assert events_found(match, three) == (0, 1, 2)
    assert events_found(match, [write("C:\\same", at=n) for n in range(9)]) is None
    assert events_found(match, [write(f"C:\\{n}", at=n * 9) for n in range(3)]) is None
    others = [start("C:\\x", 2), *[write(f"C:\\{n}", at=n, process=1 + n % 2) for n in range(3)]]
    assert events_found(match, others) is None


def test_a_burst_is_found_after_quiet_beginnings() -> None:
    match = "  match: {count: {event: file.write, at_least: 3, within: 2s, distinct: path}}"
    events = [write("C:\\a", at=0), write("C:\\b", at=100), write("C:\\c", at=101), write("C:\\d", at=101.5)]
    assert events_found(match, events) == (1, 2, 3)


def test_all_and_any() -> None:
    parts = "[{event: file.write}, {event: file.delete}]"
    gone = {"kind": "file.delete", "path": "C:\\a"}
    assert events_found(f"  match: {{all: {parts}}}", [write("C:\\a")]) is None
    assert events_found(f"  match: {{all: {parts}}}", [write("C:\\a"), gone]) == (0, 1)
    assert events_found(f"  match: {{any: {parts}}}", [gone]) == (0,)


def test_dropped_follows_renames_and_shows_who_wrote() -> None:
    match = "  match: {event: process.start, where: {image|dropped: true}}"
    events = [
        write("C:\\a.tmp"),
        {"kind": "file.rename", "path": "C:\\a.tmp", "to": "C:\\a.exe"},
        start("C:\\a.exe"),
    ]
    assert events_found(match, events) == (1, 2)
    assert events_found(match, [start("C:\\a.exe"), write("C:\\a.exe")]) is None


@pytest.mark.parametrize(
    "command",
    [
        '"C:\\Users\\My Files\\a.dll",Start',
        "rundll32 /x=C:\\b.dll",
        "C:\\b.dll,#1",
        "sub\\b.dll",
    ],
)
def test_dropped_files_are_found_in_command_lines(command: str) -> None:
    match = "  match: {event: process.start, where: {command_line|mentions_dropped: true}}"
    events = [
        write("C:\\Users\\My Files\\a.dll"),
        write("C:\\b.dll"),
        write("C:\\w\\sub\\b.dll"),
        start("C:\\r.exe", command_line=command, working_directory="C:\\w"),
    ]
    assert events_found(match, events) is not None


def test_the_sample_and_its_copies() -> None:
    match = "  match: {event: file.delete, where: {path|sample: true}}"
    gone = {"kind": "file.delete", "path": "C:\\copy.exe"}
    assert events_found(match, [write("C:\\copy.exe", sha256="aa"), gone], sha256="aa") == (1,)
    assert events_found(match, [write("C:\\copy.exe", sha256="bb"), gone], sha256="aa") is None
    own = {"kind": "file.delete", "path": "C:\\Users\\Anna\\Downloads\\SAMPLE.exe"}
    assert events_found(match, [own]) == (0,)


def test_what_the_machine_does_is_not_the_samples_doing() -> None:
    machine = Process(key=7, pid=7, cause=Cause.MACHINE)
    trace = Trace(
        profile="windows", ending=Ending.EXITED, processes={7: machine}, events=(FileWrite(process=7, path="C:\\a"),)
    )
    assert not catalogue("  match: {event: file.write}").match(trace).evidence


def test_rules_of_other_platforms_are_not_asked() -> None:
    trace, facts = trace_of([write("/a")], "office")
    assert catalogue("  match: {event: file.write}", "[office]").match(trace, facts).evidence
    assert catalogue("  match: {event: file.write}", "[linux]").match(trace, facts).evidence
    assert not catalogue("  match: {event: file.write}", "[windows]").match(trace, facts).evidence


# --- errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "field", "problem"),
    [
        ("  match: {event: file.wrote}", "event", "no kind"),
        ("  match: {event: file.write, where: {paht: a}}", "paht", "no field"),
        ("  match: {event: file.write, where: {path|like: a}}", "path|like", "unknown operator"),
        ("  match: {event: file.write, where: {path: '@nowhere'}}", "path", "no list"),
        ("  match: {event: file.write, where: {path: $f}}", "path", "no earlier step"),
        ("  match: {event: file.write, where: {'path|regex': '(a+)+'}}", "path|regex", "repetition"),
        ("  match: {event: file.write, where: {'path|regex': '('}}", "path|regex", "not a regular"),
        ("  match: {event: file.write, wehre: {path: a}}", "match.wehre", "not known"),
        ("  match: {event: file.write, process: sibling}", "process", "one of"),
        ("  match: {count: {event: file.write, at_least: 1}}", "at_least", "2 or more"),
        ("  match: {count: {event: file.write, at_least: 2, within: soon}}", "within", "a time like"),
        ("  match: {count: {event: file.write, at_least: 2, distinct: nothing}}", "distinct", "no field"),
        ("  match: {sequence: []}", "sequence", "empty"),
        ("  match: {sequence: [{event: window}], at_least: 17}", "at_least", "1 to 16"),
        ("  match: {sequence: [{event: window}], distinct: path}", "distinct", "no field"),
        ("  match: {sequence: [{event: window, bind: {t: title|upper}}]}", "t", "unknown operator or transform"),
        ("  match: {event: window}\n  fixed: [a]", "fixed", "a mapping of a reason"),
        ("  match: {event: window}\n  fixed: {Because it is so: a}", "Because it is so", "a list of names"),
        ("  match: {sequence: [{event: file.write, absent: true}]}", "sequence", "absent"),
        ("  match: {event: file.write, sequence: []}", "match", "exactly one"),
        ("  match: {event: file.write, where: {path|dropped: maybe}}", "path|dropped", "true, false or ever"),
        ("  match: {event: file.write}\n  techniques: [T1]", "techniques", "ATT&CK"),
        ("  match: {event: file.write}\n  colour: red", "colour", "not known"),
    ],
)
def test_errors_name_file_line_rule_and_field(match: str, field: str, problem: str) -> None:
    with pytest.raises(CatalogueError) as raised:
        catalogue(match).rules()
    error = raised.value
    assert (error.file, error.rule, error.field) == ("r.yaml", "r", field)
    assert problem in str(error)
    assert error.line > 0


def test_a_rule_without_texts_is_refused() -> None:
    with pytest.raises(CatalogueError, match="is missing"):
        Catalogue(read("r.yaml", "- {id: r, match: {event: window}}"), {}, "v").rules()


def test_broken_yaml_and_double_keys_and_ids() -> None:
    with pytest.raises(CatalogueError, match=r"r\.yaml:1: a key is given twice"):
        read("r.yaml", "- id: r\n  id: s\n")
    with pytest.raises(CatalogueError):
        read("r.yaml", "- [")
    with pytest.raises(CatalogueError, match="a list of mappings"):
        read("r.yaml", "id: r")
    rules = read("r.yaml", "- {id: r}\n- {id: r}\n")
    with pytest.raises(CatalogueError, match="is already in"):
        Catalogue(rules, {}, "v")


@pytest.mark.parametrize("pattern", ["(a*)*", "(?=a)", r"(a)\1", "a*b*c*", "(?:a|b+)+", "(a{1,99})*"])
def test_slow_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(Problem):
        check_regex(pattern)


@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
def test_glob_is_what_a_regular_expression_says(pattern: str, text: str) -> None:
    wanted = re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text) is not None
    assert glob(text, pattern) is wanted


# --- bounds ---------------------------------------------------------------------------------------------------------


def flood(count: int) -> Trace:
    sample = Process(key=1, pid=1, image="C:\\s.exe", cause=Cause.SAMPLE)
    events = tuple(FileWrite(id=n, time=n, process=1, path=f"C:\\{n}") for n in range(count))
    return Trace(profile="windows", ending=Ending.EXITED, processes={1: sample}, events=events)


def test_evidence_is_bounded() -> None:
    found = catalogue("  match: {event: file.write}").match(flood(1000)).evidence
    assert len(found[0].events) == MAX_EVENTS


def test_a_rule_that_runs_out_of_work_says_so() -> None:
    match = """
  match:
    sequence:
      - {event: file.write, bind: {f: path}}
      - {event: file.write, where: {'path|not|contains': $f}}
      - {event: file.write, where: {path|contains: $f}}
"""
    findings = catalogue(match).match(flood(2000))
    assert findings.unfinished == ("r",)
    assert not findings.evidence


def test_long_fields_are_cut_before_they_are_compared() -> None:
    trace, facts = trace_of([write("C:\\" + "a" * 10_000_000 + ".exe")], "windows")
    assert catalogue("  match: {event: file.write, where: {path|ext: exe}}").match(trace, facts).evidence == ()


def test_a_loop_of_parents_ends() -> None:
    loop = {1: Process(key=1, pid=1, parent=2), 2: Process(key=2, pid=2, parent=1)}
    events = (ProcessStart(id=0, process=1, parent=2, image="a"), FileWrite(id=1, process=2, path="b"))
    trace = Trace(profile="linux", ending=Ending.EXITED, processes=loop, events=events)
    match = "  match: {sequence: [{event: process.start}, {event: file.write, process: descendant}]}"
    assert catalogue(match).match(trace).evidence


# --- the catalogue that is shipped ----------------------------------------------------------------------------------


def test_same_trace_same_rules_same_bytes() -> None:
    sample = Process(key=1, pid=1, image="C:\\s.exe", cause=Cause.SAMPLE)
    events = (
        FileWrite(id=0, process=1, path="C:\\a.exe", head=b"MZ"),
        ProcessStart(id=1, process=2, parent=1, image="C:\\a.exe"),
        NetConnect(id=2, process=2, protocol="tcp", address="203.0.113.9", port=4444),
    )
    trace = Trace(profile="windows", ending=Ending.EXITED, processes={1: sample}, events=events)
    results = {msgspec.json.encode(load(default_folder()).match(trace, SampleFacts("s.exe"))) for _ in range(3)}
    assert len(results) == 1
    assert b"execution-dropped-program" in results.pop()


def test_the_version_changes_with_the_rules(tmp_path: Path) -> None:
    (tmp_path / "behaviours").mkdir()
    file = tmp_path / "behaviours" / "a.yaml"
    file.write_text("[]")
    first = load(tmp_path).version
    file.write_text("[] # changed")
    assert load(tmp_path).version != first
    file.unlink()
    with pytest.raises(CatalogueError, match="no behaviours"):
        load(tmp_path)
