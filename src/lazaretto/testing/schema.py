"""Writes the published schema of the report and an example: `python -m lazaretto.testing.schema docs/schema`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from lazaretto.analysis.report import REPORT_VERSION, report_to_json
from lazaretto.analysis.schema import schema
from lazaretto.testing.reports import example

SCHEMA, EXAMPLE = f"report-{REPORT_VERSION}.json", f"report-{REPORT_VERSION}.example.json"


def published() -> bytes:
    """The schema as its file has it."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2) + b"\n"


def main(arguments: Sequence[str]) -> None:
    """Write both into the folder that is named."""
    (folder,) = map(Path, arguments)
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath(SCHEMA).write_bytes(published())
    with tempfile.TemporaryDirectory(prefix="lazaretto-") as made:
        report = example(Path(made))
    folder.joinpath(EXAMPLE).write_bytes(report_to_json(report, indent=2) + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
