"""Indicators as a table and as STIX 2.1: valid, the same bytes every time, no alarm on everybody, no formula."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from stix2validator import ValidationOptions, validate_instance

from lazaretto.analysis import indicators, stix
from lazaretto.analysis.accounts import read_accounts
from lazaretto.analysis.engine import Indicator
from lazaretto.analysis.indicators import STARTED, Told, as_csv, collect, is_common
from lazaretto.analysis.report import Report
from lazaretto.domain.verdict import Status
from lazaretto.testing.reports import example

HOSTILE = (
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    'a\r\nb,"c',
    "'; drop",
    "\\' OR 1=1",
    "]",
    "%zz%41#a#b",
    "ü",
    "\0",
)


@pytest.fixture(params=[False, True], ids=["plain", "hostile"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Report, tuple[Told, ...]]:
    report = example(tmp_path, hostile=request.param)
    report = msgspec.structs.replace(
        report,
        indicators=(
            *report.indicators,
            Indicator(kind="ip", value="198.51.100.7"),
            Indicator(kind="ip", value="2001:db8::1"),
            Indicator(kind="ip", value="no address"),
            Indicator(kind="onion", value=f"{'a' * 56}.onion"),
            Indicator(kind="email", value="a@example.test"),
            Indicator(kind="wallet", value="bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh"),
            *(
                Indicator(kind=kind, value=f"{before}{text}")
                for text in HOSTILE
                for kind in ("mutex", "url", "domain", "email", "ip", "path", "unheard-of")
                for before in ("", "http://a.test/", "a@b.test", "http://[::1")
                if request.param
            ),
        ),
    )
    return report, collect(report, read_accounts(report, tmp_path))


def test_what_is_collected(tmp_path: Path) -> None:
    report = example(tmp_path)
    told = {(one.kind, one.value): one for one in collect(report, read_accounts(report, tmp_path))}
    assert next(iter(told)) == ("sha256", report.sha256)
    assert told["url", "http://files.download-center.test/b/update.exe"].seen == "in the file"
    assert told["domain", "files.download-center.test"].seen == "when it ran"
    assert told["domain", "www.microsoft.com"].common
    assert STARTED in {one.seen for one in told.values()}
    assert "infected" not in {value for _, value in told}
    assert report.inside[0].sha256 in {value for _, value in told}  # the bad one
    assert report.inside[2].sha256 not in {value for _, value in told}  # a harmless text


def test_names_that_everybody_asks_for() -> None:
    assert is_common("www.Google.com")
    assert is_common("8.8.8.8")
    assert not is_common("notgoogle.com")
    assert not is_common("google.com.evil.test")


def test_the_table_can_be_read_and_computes_nothing(made: tuple[Report, tuple[Told, ...]]) -> None:
    report, told = made
    head, *rows = csv.reader(io.StringIO(as_csv(told, report), newline=""))
    assert head == ["kind", "value", "seen", "about", "common", "status", "file_sha256"]
    assert len(rows) == len(told)
    for row in rows:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
        assert not any("\n" in cell for cell in row)


def test_the_bundle_is_stix(made: tuple[Report, tuple[Told, ...]]) -> None:
    bundle = json.loads(stix.to_json(*made))
    result = validate_instance(bundle, ValidationOptions(version="2.1"))
    assert result.is_valid, [str(error) for error in result.errors]
    refs = {made["id"] for made in bundle["objects"]}
    assert len(refs) == len(bundle["objects"])
    for one in bundle["objects"]:
        for key, value in one.items():
            if key.endswith("_ref"):
                assert value in refs
            if key.endswith("_refs"):
                assert set(value) <= refs


def test_the_same_report_gives_the_same_bytes(made: tuple[Report, tuple[Told, ...]]) -> None:
    assert stix.to_json(*made) == stix.to_json(*made)


def _types(bundle: dict[str, Any]) -> set[str]:
    return {one["type"] for one in bundle["objects"]}


def test_alarms_are_made_of_bad_files_alone(made: tuple[Report, tuple[Told, ...]]) -> None:
    report, told = made
    bad = stix.bundle(report, told)
    patterns = {one["pattern"] for one in bad["objects"] if one["type"] == "indicator"}
    assert f"[file:hashes.'SHA-256' = '{report.sha256}']" in patterns
    assert "[domain-name:value = 'files.download-center.test']" in patterns
    assert not any("microsoft" in pattern for pattern in patterns)
    assert "attack-pattern" in _types(bad)
    clean = msgspec.structs.replace(report, status=Status.CLEAN, score=1)
    assert _types(stix.bundle(clean, told)) & {"indicator", "attack-pattern", "relationship"} == set()
    assert [one["result"] for one in stix.bundle(clean, told)["objects"] if one["type"] == "malware-analysis"] == [
        "benign"
    ]


@pytest.mark.parametrize(
    ("kind", "names", "ident"),
    [
        ("url", {"value": 'http://example.com/?a="é<'}, "url--c9ab54ed-62a4-5449-bc27-9c6b492a4e31"),
        ("domain-name", {"value": "example.com"}, "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7"),
        ("mutex", {"name": "a\\b"}, "mutex--82beb11b-950b-50f5-8224-e15412b861ae"),
        ("file", {"hashes": {"MD5": "c" * 32}, "name": 'Ünder "x".zip'}, "file--57dc5618-b052-59fc-a328-8757679b61ba"),
        ("file", {"hashes": {"SHA-256": "a" * 64}}, "file--75cb38d5-2055-5354-b75a-8299a2d670b5"),
        ("ipv4-addr", {"value": "198.51.100.7"}, "ipv4-addr--12592121-be4c-5a93-a813-5a5af16e50db"),
    ],
)
def test_ids_of_observables_are_those_of_the_standard(kind: str, names: dict[str, Any], ident: str) -> None:
    """Worked out by another implementation, the `stix2` library, for the same objects."""
    assert stix._observed(kind, names)["id"] == ident


def test_a_flood_of_indicators_is_bounded(made: tuple[Report, tuple[Told, ...]]) -> None:
    many = tuple(Indicator(kind="url", value=f"http://{number}.test/") for number in range(20_000))
    report = msgspec.structs.replace(made[0], indicators=many)
    assert len(collect(report)) == indicators.MOST
