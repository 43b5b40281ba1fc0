"""The published schema is that of the code, and takes what the code writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from lazaretto.analysis.report import report_from_json, report_to_json
from lazaretto.testing.reports import example
from lazaretto.testing.schema import EXAMPLE, SCHEMA, published

FOLDER = Path(__file__).parents[2] / "docs/schema"


def validator() -> Draft202012Validator:
    schema = json.loads(published())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_file_is_that_of_the_code() -> None:
    assert (FOLDER / SCHEMA).read_bytes() == published(), "make docs"


def test_the_published_example_fits() -> None:
    content = (FOLDER / EXAMPLE).read_bytes()
    validator().validate(json.loads(content))
    assert report_from_json(content).inside


@pytest.mark.parametrize("hostile", [False, True])
def test_what_is_written_fits(tmp_path: Path, hostile: bool) -> None:
    validator().validate(json.loads(report_to_json(example(tmp_path, hostile=hostile))))


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    report = json.loads(report_to_json(example(tmp_path)))
    schema = validator()
    assert schema.is_valid(report | {"a field of later": 1})
    for change in ({"status": "evil"}, {"report_version": 3}, {"evidence": [{"id": "a"}]}, {"score": "100"}):
        assert not schema.is_valid(report | change), change
    assert not schema.is_valid({key: value for key, value in report.items() if key != "sha256"})
