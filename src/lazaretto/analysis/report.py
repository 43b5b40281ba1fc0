"""The report: what one analysis ends in, as a record and as JSON.

The JSON is the command contract: `lazaretto analyze --json` prints it, `report.json` holds it, other programs read it.
Fields are only added, with a default; a change that readers must know of raises `REPORT_VERSION`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from lazaretto.analysis.engine import Fact, Indicator
from lazaretto.analysis.tree import Looked
from lazaretto.domain.detonation import Artifact
from lazaretto.domain.errors import ReportError
from lazaretto.domain.evidence import Evidence
from lazaretto.domain.sample import Category
from lazaretto.domain.trace import Ending
from lazaretto.domain.verdict import State, Status

REPORT_VERSION = 2
REPORT_FILE = "report.json"
_LOCKED = {"archive-stays-closed", "document-encrypted", "pdf-encrypted"}  # ids of findings


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The detonation of which the report tells. Times are seconds."""

    profile: str
    image: str  # hash of the guest's image
    launch: str
    ending: Ending
    reason: str = ""
    guest_time_s: float = 0.0
    wall_time_s: float = 0.0
    events: int = 0
    processes: int = 0
    artifacts: tuple[Artifact, ...] = ()
    folder: str = ""  # of the trace and the artifacts, below the report's
    name: str = ""  # under which it ran in the guest


class Inside(msgspec.Struct, frozen=True, kw_only=True):
    """A file or part inside. `status`: of the file and what is inside it; unknown where nothing could be seen."""

    path: tuple[str, ...]
    relation: str  # member, attachment, embedded, dropped; of a part: macro, stream, decoded, body, overlay, memory
    sha256: str
    size: int  # bytes
    type: str
    type_title: str
    category: Category
    mismatch: str = ""
    closed: str = ""  # why nothing could be seen of it
    password: str = ""  # that opened it
    same_as: tuple[str, ...] = ()  # the path under which the same bytes are told of
    status: Status = Status.UNKNOWN
    score: int | None = None
    reason: str = ""
    evidence: tuple[Evidence, ...] = ()
    facts: tuple[Fact, ...] = ()
    looked: tuple[Looked, ...] = ()
    not_done: tuple[str, ...] = ()
    run: Run | None = None
    inside: tuple[Inside, ...] = ()
    parts: tuple[Inside, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One analysis of one file. `score` is None exactly where `status` is unknown."""

    report_version: int = REPORT_VERSION
    file: str  # as it was named by who asked
    sha256: str
    sha1: str
    md5: str
    size: int  # bytes
    category: Category
    type: str  # name of the type in formats.types
    type_title: str
    traits: tuple[str, ...] = ()
    mismatch: str = ""  # extension of the name, where it belongs to another type
    state: State
    status: Status
    score: int | None
    reason: str
    error: str = ""  # machine code of the error, where the state is failed
    evidence: tuple[Evidence, ...] = ()
    techniques: tuple[str, ...] = ()
    engines: dict[str, str] = {}
    not_done: tuple[str, ...] = ()  # what was not looked at and why
    run: Run | None = None
    lost_events: int = 0
    looked: tuple[Looked, ...] = ()  # the engines' work on the file and its parts
    facts: tuple[Fact, ...] = ()
    indicators: tuple[Indicator, ...] = ()  # of all files inside too
    parts: tuple[Inside, ...] = ()
    inside: tuple[Inside, ...] = ()
    when: str = ""  # the analysis began, UTC as in RFC 3339
    duration_s: float = 0.0
    stages: dict[str, float] = {}  # seconds
    run_asked: bool = True  # False: it was only to be looked at

    @property
    def stays_locked(self) -> bool:
        """Whether something in it could not be seen for want of a password."""
        waiting: list[Report | Inside] = [self]
        while waiting:
            one = waiting.pop()
            if any(finding.id in _LOCKED for finding in one.evidence):
                return True
            waiting += one.inside
        return False


_decoder = msgspec.json.Decoder(Report)


def report_to_json(report: Report, *, indent: int = 0) -> bytes:
    """The report as one JSON object: on one line, or indented by so many spaces."""
    plain = msgspec.json.encode(report)
    return msgspec.json.format(plain, indent=indent) if indent else plain


def report_from_json(data: bytes) -> Report:
    """The report that this JSON is. Raises `ReportError`."""
    try:
        report = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ReportError(f"not a report: {error}") from error
    if report.report_version > REPORT_VERSION:
        raise ReportError(f"a report of version {report.report_version}, this program knows {REPORT_VERSION}")
    return report


def write_report(report: Report, folder: Path) -> Path:
    """Writes `report.json` into the folder, whole or not at all; its path."""
    return write_whole(folder / REPORT_FILE, report_to_json(report, indent=2) + b"\n")


def read_report(folder: Path) -> Report:
    """The report of a folder. Raises `ReportError`."""
    try:
        return report_from_json((folder / REPORT_FILE).read_bytes())
    except OSError as error:
        raise ReportError(f"{folder / REPORT_FILE}: {error.strerror}") from error


def write_whole(path: Path, content: bytes) -> Path:
    """Writes a file whole or not at all, in place of an older one; its path."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    return partial.replace(path)
