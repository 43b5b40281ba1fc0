"""Each construct of a rule's detection: what it finds and what it does not."""

from __future__ import annotations

import base64

import pytest

from lazaretto.testing.sigma_play import START, fits, found, rule

ENCODED = base64.b64encode("iex (something)".encode("utf-16-le")).decode()
SHIFTED = [base64.b64encode(("x" * shift + "http://a.example/b").encode()).decode() for shift in range(3)]


def one(item: str) -> str:
    return f"s:\n  {item}\ncondition: s\n"


@pytest.mark.parametrize(
    ("item", "yes", "no"),
    [
        ("CommandLine: a.exe /x", ["a.exe /x", "A.EXE /X"], ["a.exe /x y", "b a.exe /x"]),
        ("CommandLine: '*foo*'", ["foo", "a FOO b"], ["fo o"]),
        ("CommandLine: 'prog?.exe'", ["progA.exe", "prog\\.exe"], ["prog.exe", "progAB.exe"]),
        ("CommandLine: 'a\\*b'", ["a*b"], ["axb", "a\\*b"]),
        ("CommandLine: 'a\\\\*b'", ["a\\b", "a\\xyzb"], ["a*b"]),
        ("CommandLine: 'a\\\\\\*b'", ["a\\*b"], ["a\\xb"]),
        ("CommandLine: 'c:\\x\\y'", ["C:\\X\\y"], ["c:xy"]),
        ("CommandLine: 'c:\\\\x'", ["c:\\x"], ["c:\\\\x"]),
        ("CommandLine: [one, two]", ["one", "TWO"], ["three", "one two"]),
        ("CommandLine|contains: foo", ["a foo b"], ["bar"]),
        ("CommandLine|contains: [foo, bar]", ["a foo b", "bar"], ["baz"]),
        ("CommandLine|contains|all: [foo, bar]", ["bar foo"], ["foo", "bar"]),
        ("CommandLine|startswith: foo", ["FOOx"], ["xfoo"]),
        ("CommandLine|endswith: '.exe'", ["a.EXE"], ["a.exe b"]),
        ("CommandLine|contains: 'a*b'", ["xx a__b yy"], ["b a"]),
        ("CommandLine|contains|cased: Foo", ["a Foo"], ["a foo", "a FOO"]),
        ("CommandLine|re: 'f[o0]{2,3}\\s+-x'", ["f0o  -x"], ["F0o -x", "fooooo -x"]),
        ("CommandLine|re|i: 'F[o0]+ -x'", ["foo -X"], ["fa -x"]),
        ("CommandLine|re|s: 'a.b'", ["a\nb"], ["ab"]),
        ("CommandLine|re: 'a.b'", ["axb"], ["a\nb"]),
        ("CommandLine|re|m: '^b$'", ["a\nb\nc"], ["abc"]),
        ("CommandLine|re|i|s: '^A.B$'", ["a\nB"], ["a\nbc"]),
        ("CommandLine|base64|contains: 'http://a'", [f"-e {base64.b64encode(b'http://a').decode()}"], ["http://a"]),
        ("CommandLine|base64offset|contains: 'http://a.example'", SHIFTED, ["http://a.example"]),
        ("CommandLine|wide|base64offset|contains: 'iex ('", [f"powershell -e {ENCODED}"], ["iex ("]),
        ("CommandLine|utf16le|base64offset|contains: something", [ENCODED], ["something"]),
        ("CommandLine|utf16be|base64|contains: ab", [base64.b64encode("ab".encode("utf-16-be")).decode()], ["ab"]),
        ("CommandLine|utf16|base64|contains: ab", [base64.b64encode("ab".encode("utf-16")).decode()], ["ab"]),
        (
            "CommandLine|contains|windash: ' -foo '",
            [" a -foo b", " a /FOO b", " a \u2013foo b", " a \u2015foo b"],
            [" a foo b"],
        ),
        ("CommandLine|windash|contains: '-param-name'", ["x /param-name"], ["x /param/name"]),
        ("CommandLine|windash|contains|all: [' -a ', ' -b ']", ["x /a -b y"], ["x /a y"]),
        ("CommandLine|neq: foo", ["bar"], ["foo", "FOO"]),
        ("CommandLine|neq: [foo, bar]", ["baz"], ["foo", "bar"]),
        ("ProcessId|gt: 101", ["x"], []),
        ("ProcessId|gte: 102", ["x"], []),
        ("ProcessId|lt: 103", ["x"], []),
        ("ProcessId|lte: 101", [], ["x"]),
        ("ProcessId|gt: 102", [], ["x"]),
        ("ProcessId|lt: 102", [], ["x"]),
        ("ProcessId: 102", ["x"], []),
        ("CommandLine|exists: true", ["x"], [""]),
        ("CommandLine|exists: false", [""], ["x"]),
        ("CommandLine: null", [""], ["x"]),
        ("CommandLine: ''", [""], ["x"]),
        ("CommandLine: ['', foo]", ["", "foo"], ["x"]),
        ("CommandLine: '*'", ["x"], [""]),
        ("CommandLine|fieldref: Image", ["C:\\Windows\\System32\\TOOL.exe"], ["tool.exe"]),
        ("CommandLine|fieldref|startswith: Image", ["c:\\windows\\system32\\tool.exe -x"], ["tool -x"]),
        ("CommandLine|fieldref|neq: Image", ["other"], ["C:\\Windows\\System32\\tool.exe"]),
        ("CommandLine|expand: 'no placeholder'", ["no placeholder"], ["x"]),
        ("CommandLine|contains: 12345", ["a 12345"], ["1234"]),
    ],
)  # fmt: skip
def test_a_value(item: str, yes: list[str], no: list[str]) -> None:
    for value in yes:
        assert fits(one(item), value), value
    for value in no:
        assert not fits(one(item), value), value


@pytest.mark.parametrize(
    ("network", "yes", "no"),
    [
        ("10.0.0.0/8", ["10.1.2.3"], ["11.0.0.1", "::1"]),
        ("[192.168.0.0/16, fe80::/10]", ["192.168.3.4", "fe80::1"], ["8.8.8.8", "nonsense"]),
    ],
)
def test_a_network(network: str, yes: list[str], no: list[str]) -> None:
    text = rule(one(f"DestinationIp|cidr: {network}"), category="network_connection")
    for wanted, addresses in ((True, yes), (False, no)):
        for address in addresses:
            event = {"kind": "net.connect", "protocol": "tcp", "address": address, "port": 443}
            assert bool(found(text, event)) is wanted, address


DETECTION = """
    sel_a: {CommandLine|contains: aa}
    sel_b: {CommandLine|contains: bb}
    filter_c: {CommandLine|contains: cc}
    _hidden: {CommandLine|contains: hh}
    condition: CONDITION
"""


@pytest.mark.parametrize(
    ("condition", "yes", "no"),
    [
        ("sel_a and sel_b", ["aabb"], ["aa", "bb"]),
        ("sel_a or sel_b", ["aa", "bb"], ["cc"]),
        ("sel_a and not filter_c", ["aa"], ["aacc", "cc"]),
        ("not sel_a", ["bb"], ["aa"]),
        ("not not sel_a", ["aa"], ["bb"]),
        ("sel_a or sel_b and filter_c", ["aa", "bbcc"], ["bb", "cc"]),
        ("(sel_a or sel_b) and filter_c", ["aacc", "bbcc"], ["aa", "cc"]),
        ("not (sel_a or sel_b)", ["cc"], ["aa", "bb"]),
        ("not sel_a and sel_b", ["bb"], ["aabb", "aa"]),
        ("1 of sel_*", ["aa", "bb"], ["cc"]),
        ("all of sel_*", ["aabb"], ["aa", "bb"]),
        ("1 of sel_* and not 1 of filter_*", ["aa"], ["aacc"]),
        ("any of sel_*", ["bb"], ["cc"]),
        ("1 of *", ["hh"], ["dd"]),
        ("1 of them", ["aa", "cc"], ["hh"]),
        ("all of them", ["aabbcc"], ["aabb"]),
        ("1 of s*_a", ["aa"], ["bb"]),
        ("SEL_A or sel_a AND NOT filter_c", None, None),
        ("sel_a AND NOT filter_c", ["aa"], ["aacc"]),
        ("[sel_a, sel_b]", ["aa", "bb"], ["cc"]),
    ],
)
def test_a_condition(condition: str, yes: list[str] | None, no: list[str] | None) -> None:
    detection = DETECTION.replace("CONDITION", condition)
    if yes is None or no is None:
        with pytest.raises(AssertionError, match="there is no search identifier 'SEL_A'"):
            fits(detection, "x")
        return
    for value in yes:
        assert fits(detection, value), value
    for value in no:
        assert not fits(detection, value), value


def test_a_list_of_maps_is_any_of_them() -> None:
    detection = """
        s:
          - Image|endswith: '\\tool.exe'
            CommandLine|contains: aa
          - CommandLine|contains: bb
        condition: s
    """
    assert fits(detection, "aa")
    assert fits(detection, "bb")
    assert not fits(detection, "cc")


@pytest.mark.parametrize(
    ("keywords", "yes", "no"),
    [
        ("k: [some words, other]", ["x some words y", "OTHER"], ["words some"]),
        ("k: {'|all': [some, words]}", ["words some"], ["words"]),
        ("k: ['s*e words']", ["some nice words"], ["words"]),
        ("k: single", ["a single one"], ["none"]),
        ("k: [tool.exe]", ["anything"], []),  # in the image, not in the command line
    ],
)
def test_keywords_are_looked_for_in_the_whole_event(keywords: str, yes: list[str], no: list[str]) -> None:
    detection = f"{keywords}\ncondition: k\n"
    assert all(fits(detection, value) for value in yes)
    assert not any(fits(detection, value) for value in no)


def test_what_is_not_known_is_neither_true_nor_false() -> None:
    """A filter that cannot be tested keeps a rule from matching; an alternative that cannot be is passed over."""
    unknown = "f: {IntegrityLevel: System}\n"
    seen = "s: {CommandLine|contains: aa}\n"
    assert fits(f"{seen}{unknown}condition: s or f\n", "aa")
    assert not fits(f"{seen}{unknown}condition: s or f\n", "bb")
    both = "f: {IntegrityLevel: System, CommandLine|contains: bb}\n"
    assert fits(f"{seen}{both}condition: s and not f\n", "aa")
    assert not fits(f"{seen}{both}condition: s and not f\n", "aabb")


def test_a_field_that_a_single_event_lacks_is_not_known_either() -> None:
    text = rule("s: {CommandLine|contains: aa}\nf: {ParentImage|endswith: '\\x.exe'}\ncondition: s and not f\n")
    assert found(text, {**START, "command_line": "aa"})
    assert not found(text, {**START, "command_line": "aa", "parent": 77})


def test_failed_calls_are_not_in_logs() -> None:
    text = rule("s: {TargetFilename|endswith: '.txt'}\ncondition: s\n", category="file_delete")
    event = {"kind": "file.delete", "path": "C:\\a.txt"}
    assert found(text, event)
    assert not found(text, {**event, "ok": False})


def test_the_start_of_the_sample_is_not_its_doing() -> None:
    text = rule("s: {Image|endswith: '.exe'}\ncondition: s\n")
    event = {**START, "process": 1, "parent": 0, "cause": "sample"}
    assert not found(text, event)
    assert found(text, event, {**START, "command_line": "x"})
