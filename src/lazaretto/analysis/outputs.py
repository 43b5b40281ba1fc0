"""What lies in a report's folder beside `report.json`: the page for people, the indicators for other systems.

All are made from the report and its accounts alone, so they can be made again at any time.
"""

from __future__ import annotations

from pathlib import Path

import structlog

from lazaretto.analysis import indicators, stix
from lazaretto.analysis.accounts import Account, read_accounts
from lazaretto.analysis.page import page
from lazaretto.analysis.report import Report, write_whole
from lazaretto.domain.errors import ReportError

log = structlog.get_logger(__name__)

PAGE, CSV, STIX = "report.html", "indicators.csv", "stix.json"


def publish(report: Report, folder: Path) -> tuple[Path, ...]:
    """Writes page, table and bundle into the folder, each whole or not at all; their paths."""
    accounts = accounts_of(report, folder)
    told = indicators.collect(report, accounts)
    made = {
        CSV: indicators.as_csv(told, report).encode(),
        STIX: stix.to_json(report, told),
        PAGE: page(report, accounts).encode(),
    }
    return tuple(write_whole(folder / name, content) for name, content in made.items())


def page_of(report: Report, folder: Path) -> bytes:
    """The page of the report whose accounts lie in the folder."""
    return page(report, accounts_of(report, folder)).encode()


def accounts_of(report: Report, folder: Path) -> tuple[Account, ...]:
    """The accounts; none where they are not there any more: a report can be shown without them."""
    try:
        return read_accounts(report, folder)
    except ReportError as error:
        log.warning("report.no_account", folder=str(folder), error=str(error))
        return ()
