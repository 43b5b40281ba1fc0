"""ClamAV over its own protocol, and what becomes of a daemon that does not keep to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lazaretto.analysis.cage.host import Outcome
from lazaretto.analysis.engine import Finding, Subject
from lazaretto.analysis.formats.types import TYPES
from lazaretto.analysis.outside import clamav
from lazaretto.analysis.settings import ClamavSettings
from lazaretto.domain.errors import SettingsError
from lazaretto.testing import filters

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def look(at: str, data: bytes, seconds: float = 5.0) -> Outcome:
    engine = clamav.engine(ClamavSettings(socket=at, seconds=seconds))
    return engine.look(Subject(data=data, name="a", kind=TYPES["data"]))


def ids(outcome: Outcome) -> list[str]:
    return [output.id for output in outcome.outputs if isinstance(output, Finding)]


def test_a_known_file(tmp_path: Path) -> None:
    with filters.clamd(tmp_path / "s") as server:
        done = look(server.at, EICAR)
        assert ids(done) == ["clamav-known"]
        assert not done.failed
        assert done.brought is not None
        assert done.brought.version == "ClamAV 1.4.6/27430"
        assert server.got == [EICAR]


def test_an_unknown_file_in_many_pieces(tmp_path: Path) -> None:
    data = bytes(range(256)) * 20_000
    with filters.clamd(tmp_path / "s") as server:
        done = look(server.at, data)
        assert (ids(done), done.failed) == ([], "")
        assert server.got == [data]


@pytest.mark.parametrize(
    ("signature", "finding"),
    [
        ("Win.Trojan.Agent-123", "clamav-known"),
        ("PUA.Win.Packer.X", "clamav-unwanted"),
        ("Heuristics.Phishing.Email.SpoofedDomain", "clamav-heuristic"),
        ("Ours.Sig.UNOFFICIAL", "clamav-unofficial"),
    ],
)
def test_what_a_name_says(tmp_path: Path, signature: str, finding: str) -> None:
    with filters.clamd(tmp_path / "s") as server:
        server.signature = signature
        assert ids(look(server.at, EICAR)) == [finding]
        assert ids(look(server.at, b"harmless")) == []


@pytest.mark.parametrize(
    ("misbehave", "told"),
    [
        (filters.CLOSING, "without an answer"),
        (filters.SILENT, "timed out"),
        (b"INSTREAM size limit exceeded. ERROR\0", "size limit"),
        (b"\xff\xfe garbage\0", "it said"),
        (b"x" * 100_000, "it said"),
    ],
)
def test_no_answer_costs_nothing_else(tmp_path: Path, misbehave: bytes, told: str) -> None:
    with filters.clamd(tmp_path / "s", misbehave) as server:
        done = look(server.at, EICAR, seconds=0.5)
    assert (done.outputs, done.failed) == ((), "did not answer")
    assert told in done.detail or misbehave == filters.CLOSING  # a closed socket may also be told by the system


def test_nobody_there(tmp_path: Path) -> None:
    assert look(str(tmp_path / "none"), b"x").failed == "did not answer"
    assert look("tcp:127.0.0.1:1", b"x").failed == "did not answer"


@pytest.mark.parametrize("at", ["localhost", "tcp:host", "host:port", "host:99999", ":3310"])
def test_an_address_that_is_none(at: str) -> None:
    with pytest.raises(SettingsError, match="not an address"):
        clamav.engine(ClamavSettings(socket=at))


def test_absent_unless_set_up() -> None:
    assert clamav.engine(ClamavSettings()).ask is None
