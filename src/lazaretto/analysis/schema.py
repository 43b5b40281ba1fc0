"""The JSON Schema of the report, made from its types. `docs/schema/` has it as a file, which a test holds to this.

A reader takes fields that it does not know: within a version fields are only added. The schema allows them therefore.
"""

from __future__ import annotations

from typing import Any

import msgspec

from lazaretto.analysis.report import REPORT_VERSION, Report

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The schema of `Report`."""
    _, parts = msgspec.json.schema_components((Report,), ref_template="#/$defs/{name}")
    report = parts.pop(Report.__name__)
    return {
        "$schema": _DIALECT,
        "$id": f"https://lazaretto.invalid/schema/report-{REPORT_VERSION}.json",
        "title": f"Lazaretto report, version {REPORT_VERSION}",
        **{key: value for key, value in report.items() if key != "title"},
        "properties": {**report["properties"], "report_version": {"const": REPORT_VERSION}},
        "$defs": dict(sorted(parts.items())),
    }
