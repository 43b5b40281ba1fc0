"""Names by which others can look for the same: what stands in the file, what it asked for when it ran, what it left.

As a table for a spreadsheet (`as_csv`) and, in `analysis.stix`, for machines. The same report gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import ipaddress
from collections.abc import Iterable, Iterator
from functools import cache
from urllib.parse import urlsplit

import msgspec

from lazaretto.analysis.accounts import Account
from lazaretto.analysis.engine import short
from lazaretto.analysis.report import Inside, Report
from lazaretto.analysis.rulefiles import default_folder
from lazaretto.domain import trace as t
from lazaretto.domain.verdict import Status

MOST = 2_000
FILE, RUN = "in the file", "when it ran"
WROTE, STARTED = "a file that it wrote", "a program that it wrote and started"
HASH = "sha256"  # the kind of an indicator that is a file's hash

_NOT_TOLD = frozenset({"password"})  # words beside an archive: no name of anything
# Names inside the machine's own network, where a resolver looks for what it does not find elsewhere.
_AT_HOME = (".arpa", ".fritz.box", ".home", ".internal", ".lan", ".local", ".localdomain", ".speedport.ip")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet begins to compute


class Told(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One indicator. `seen` says how it was come by, `about` what it is a name of, where that is known."""

    kind: str  # sha256, url, domain, ip, email, wallet, onion, path, mutex
    value: str
    seen: str
    about: str = ""
    common: bool = False  # every computer asks for it: worth showing, no reason for an alarm


def collect(report: Report, accounts: Iterable[Account] = ()) -> tuple[Told, ...]:
    """All indicators of a report, each once, the file's own hash first."""
    found: dict[tuple[str, str], Told] = {}
    for told in _all(report, accounts):
        if told.value and len(found) < MOST:
            common = told.kind in {"domain", "ip"} and is_common(told.value)
            found.setdefault((told.kind, told.value), msgspec.structs.replace(told, common=common))
    return tuple(found.values())


def is_common(name: str) -> bool:
    """Whether every computer asks for this name or address (`catalogue/well-known.txt`)."""
    parts = name.lower().split(".")
    return any(".".join(parts[place:]) in _well_known() for place in range(len(parts)))


@cache
def _well_known() -> frozenset[str]:
    text = (default_folder() / "well-known.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def as_csv(indicators: Iterable[Told], report: Report) -> str:
    """The indicators as CSV with a head, every cell quoted.

    A cell that a spreadsheet would take for a formula gets an apostrophe before it: the values are the sample's.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(("kind", "value", "seen", "about", "common", "status", "file_sha256"))
    for told in indicators:
        cells = (
            told.kind,
            told.value,
            told.seen,
            told.about,
            "yes" if told.common else "no",
            report.status.value,
            report.sha256,
        )
        writer.writerow([_cell(cell) for cell in cells])
    return stream.getvalue()


def _cell(text: str) -> str:
    one_line = text.replace("\r", "\\r").replace("\n", "\\n").replace("\0", "\\0")
    return f"'{one_line}" if one_line.startswith(_FORMULA) else one_line


def _all(report: Report, accounts: Iterable[Account]) -> Iterator[Told]:
    yield Told(kind=HASH, value=report.sha256, seen="the file", about=report.type_title)
    yield from _bad_files(report.inside)
    for one in report.indicators:
        if one.kind not in _NOT_TOLD:
            yield Told(kind=one.kind, value=one.value, seen=FILE)
    for account in accounts:
        yield from _of_the_run(account)


def _bad_files(inside: Iterable[Inside]) -> Iterator[Told]:
    """Hashes of the files inside that are bad themselves; of the others nobody needs to be warned."""
    for one in inside:
        if one.sha256 and one.status.rank > Status.CLEAN.rank:
            yield Told(kind=HASH, value=one.sha256, seen="a file inside", about=short("/".join(one.path)))
        yield from _bad_files(one.inside)


def _of_the_run(account: Account) -> Iterator[Told]:
    events = account.trace.events
    started = {event.image.lower() for event in events if isinstance(event, t.ProcessStart)}
    written = {event.sha256: event.path for event in events if isinstance(event, t.FileWrite) and event.sha256}
    for artifact in account.run.artifacts:
        if artifact.kind == "dropped":
            path = written.get(artifact.sha256, artifact.name)
            seen = STARTED if path.lower() in started else WROTE
            yield Told(kind=HASH, value=artifact.sha256, seen=seen, about=short(path))
    for event in events:
        match event:
            case t.NetHttp(url=url):
                yield Told(kind="url", value=short(url, 2_000), seen=RUN)
                yield from _host(_host_of(url))
            case t.NetDns(name=name):
                yield from _host(name)
            case t.NetConnect(protocol="tcp" | "udp", address=address, host=""):
                yield from _host(address)
            case t.NetMail(recipients=recipients):
                yield from (Told(kind="email", value=short(one), seen=RUN) for one in recipients)
            case _:
                pass


def _host_of(url: str) -> str:
    """The host of a URL; empty where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _host(name: str) -> Iterator[Told]:
    """A domain, or an address that is one on the internet."""
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        plain = short(name.rstrip(".").lower(), 300)
        if "." in plain and not plain.endswith(_AT_HOME):
            yield Told(kind="onion" if plain.endswith(".onion") else "domain", value=plain, seen=RUN)
        return
    if address.is_global:
        yield Told(kind="ip", value=str(address), seen=RUN)
