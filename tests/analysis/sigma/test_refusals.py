"""What is not supported is refused by its name, with the place and what to do; nothing is passed over in silence."""

from __future__ import annotations

import pytest

from lazaretto.analysis.sigma.loading import compiled
from lazaretto.testing.sigma_play import refused, rule, rules

FINE = "s: {CommandLine: x}\ncondition: s\n"


@pytest.mark.parametrize(
    ("detection", "problem", "broken"),
    [
        ("s: {CommandLine|fuzzy: x}\ncondition: s\n", "modifier 'fuzzy'", True),
        ("s: {CommandLine|hour: 3}\ncondition: s\n", "modifier 'hour'", False),
        ("s: {CommandLine|expand: '%Servers%'}\ncondition: s\n", "placeholder %Servers%", False),
        ("s: {CommandLine|re: '(?=x)y'}\ncondition: s\n", "regular expression", False),
        ("s: {CommandLine|re: '(a)\\1'}\ncondition: s\n", "regular expression", False),
        ("s: {CommandLine|re: '(a'}\ncondition: s\n", "regular expression", False),
        ("s: {CommandLine|i: x}\ncondition: s\n", "modifier 'i' without re", True),
        ("s: {CommandLine|re|contains: x}\ncondition: s\n", "modifier 'contains' with re", True),
        ("s: {CommandLine|base64: 'a*'}\ncondition: s\n", "modifier 'base64' with a wildcard", True),
        ("s: {CommandLine|contains: null}\ncondition: s\n", "modifier 'contains' with null", True),
        ("s: {CommandLine|cidr: x}\ncondition: s\n", "is not a network", True),
        ("s: {CommandLine|gt: x}\ncondition: s\n", "is not a number", True),
        ("s: {CommandLine|exists: maybe}\ncondition: s\n", "exists is true or false", True),
        ("s: {CommandLine|fieldref: 3}\ncondition: s\n", "fieldref names a field", True),
        ("s: {CommandLine: {a: b}}\ncondition: s\n", "a mapping as value", True),
        ("s: {CommandLine: []}\ncondition: s\n", "an empty list", True),
        ("s: {CommandLine: [[a]]}\ncondition: s\n", "a value that is a list", True),
        ("s: []\ncondition: s\n", "s is empty", True),
        ("s: {}\ncondition: s\n", "s is empty", True),
        ("s: [null]\ncondition: s\n", "a keyword that is no text", True),
        ("s: {'|re': [x]}\ncondition: s\n", "modifier 're' of keywords", False),
        ("s: {CommandLine: x}\n", "detection has no condition", True),
        ("s: {CommandLine: x}\ncondition: t\n", "there is no search identifier 't'", True),
        ("s: {CommandLine: x}\ncondition: s and\n", "ends too early", True),
        ("s: {CommandLine: x}\ncondition: (s\n", "ends too early", True),
        ("s: {CommandLine: x}\ncondition: s s\n", "'s' is out of place", True),
        ("s: {CommandLine: x}\ncondition: and s\n", "'and' is out of place", True),
        ("s: {CommandLine: x}\ncondition: 1 of t*\n", "no search identifier fits 't*'", True),
        ("s: {CommandLine: x}\ncondition: 2 of s*\n", "'2' of in the condition", False),
        ("s: {CommandLine: x}\ncondition: s | count() by Image > 3\n", "aggregation 'count'", False),
        ("s: {CommandLine: x}\ncondition: s | near s\n", "aggregation 'near'", False),
        ("s: {CommandLine: x}\ntimeframe: 5m\ncondition: s\n", "timeframe", False),
        ("s: {CommandLine: x}\ncondition: []\n", "condition is empty", True),
        ("s: {CommandLine: x}\nunused: {CommandLine|fuzzy: x}\ncondition: s\n", "modifier 'fuzzy'", True),
        (f"s: {{CommandLine: x}}\ncondition: {'(' * 80}s{')' * 80}\n", "too many brackets", False),
        ("s: {IntegrityLevel: System}\ncondition: s\n", "field IntegrityLevel", False),
        ("s: {CommandLine: x, Signed: 'false'}\ncondition: s\n", "field Signed", False),
        ("s: {CommandLine|fieldref: LogonGuid}\ncondition: s\n", "field", False),
        ("s: {CommandLine: x}\nf: {Company: y}\ncondition: s and not f\n", "field Company", False),
    ],
)
def test_a_detection(detection: str, problem: str, broken: bool) -> None:
    refusal = refused(rule(detection))
    assert problem in refusal.problem
    assert refusal.broken is broken
    assert refusal.remedy
    assert refusal.file == "rule0.yml"
    assert refusal.line > 1
    assert refusal.title == "A rule"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("{category: process_creation, product: macos}", "product 'macos'"),
        ("{product: aws, service: cloudtrail}", "product 'aws'"),
        ("{category: pipe_created, product: windows}", "category 'pipe_created'"),
        ("{category: registry_rename, product: windows}", "category 'registry_rename'"),
        ("{category: webserver}", "category 'webserver'"),
        ("{category: registry_set, product: linux}", "category 'registry_set' of linux"),
        ("{product: windows, service: applocker}", "service 'applocker'"),
        ("{product: linux, service: auditd}", "service 'auditd'"),
        ("{product: windows}", "product 'windows' without category or service"),
        ("{category: process_creation, service: security}", "with service 'security'"),
        ("{}", "logsource is empty"),
    ],
)
def test_a_log_source(source: str, problem: str) -> None:
    assert problem in refused(rule(FINE, source=source)).problem


def test_a_number_of_a_record_that_no_account_has() -> None:
    detection = "s: {EventID: [4624, 4625], LogonType: 3}\ncondition: s\n"
    assert refused(rule(detection, source="{product: windows, service: security}")).problem == "EventID 4624, 4625"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("title: A\nlogsource: {category: process_creation}\n", "detection is not there"),
        ("title: A\ndetection: {s: {CommandLine: x}, condition: s}\n", "logsource is not there"),
        ("title: A\nlogsource: x\ndetection: {s: {CommandLine: x}, condition: s}\n", "logsource is not a mapping"),
        ("logsource: {category: process_creation}\ndetection: {s: {CommandLine: x}, condition: s}\n", "no title"),
        ("title: A\naction: global\nlogsource: {category: process_creation}\n", "rule collection (action: global)"),
        ("title: A\nfilter: {rules: [x]}\nlogsource: {category: process_creation}\n", "Sigma filter"),
        ("title: A\ntaxonomy: ecs\n", "taxonomy 'ecs'"),
        ("title: A\nstatus: deprecated\n", "status 'deprecated'"),
        ("title: A\nstatus: unsupported\n", "status 'unsupported'"),
        ("title: A\nlevel: huge\n", "level 'huge'"),
        ("- a\n- b\n", "is not a rule"),
        ("", "the file is empty"),
        ("title: [\n", ""),
        ("title: A\ntitle: B\n", "a key is given twice"),
        ("title: A\ndate: 2024-13-45\n", "not YAML"),
        ("? [a, b]\n: c\n", ""),
    ],
)
def test_a_document(text: str, problem: str) -> None:
    assert problem in refused(text).problem


def test_the_place_is_that_of_the_search_identifier() -> None:
    text = rule("sel:\n  CommandLine: x\nother:\n  Image: y\n  CommandLine|fuzzy: z\ncondition: sel\n")
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "Image: y" in line)
    assert refused(text).line == line


def test_one_broken_document_leaves_the_others() -> None:
    fine = rule(FINE)
    sigma = rules(f"{fine}---\ntitle: B\n---\n{fine}", fine)
    assert len(sigma.rules) == 3
    assert [refusal.problem for refusal in sigma.refused] == ["logsource is not there"]


def test_an_id_is_there_once() -> None:
    twice = rule(FINE, more="id: 11111111-1111-4111-8111-111111111111")
    sigma = rules(twice, twice)
    assert len(sigma.rules) == 1
    assert "already in rule0.yml" in sigma.refused[0].problem


def test_a_field_that_is_only_sometimes_needed_is_told() -> None:
    sigma = rules(rule("s:\n  - CommandLine: x\n  - Description: y\ncondition: s\n"))
    assert sigma.refused == ()
    assert sigma.rules[0].unknown == ("Description",)


def test_what_cannot_be_text() -> None:
    assert compiled([("a.yml", b"\xff\xfe\x00")]).refused[0].problem == "is not UTF-8"
    assert "too many" in compiled([("a.yml", b"a" * (2 << 20))]).refused[0].problem
