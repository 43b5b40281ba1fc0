"""rspamd and spamd over their own protocols."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from lazaretto.analysis.cage.host import Outcome
from lazaretto.analysis.engine import Fact, Finding, Subject
from lazaretto.analysis.formats.types import TYPES
from lazaretto.analysis.outside import spam
from lazaretto.analysis.settings import SpamSettings
from lazaretto.domain.errors import SettingsError
from lazaretto.testing import filters

MAIL = b"From: a@example.com\r\nSubject: x\r\n\r\n%s\r\n"
FILTERS: dict[str, Callable[..., AbstractContextManager[filters.Filter]]] = {
    "rspamd": filters.rspamd,
    "spamd": filters.spamd,
}


def look(name: str, at: str, text: bytes, seconds: float = 5.0) -> Outcome:
    settings = SpamSettings(**{name: at}, seconds=seconds)  # type: ignore[arg-type]  # of the two addresses
    return spam.engine(settings).look(Subject(data=MAIL % text, name="a.eml", kind=TYPES["eml"]))


def ids(outcome: Outcome) -> list[str]:
    return [output.id for output in outcome.outputs if isinstance(output, Finding)]


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize(
    ("text", "found"), [(filters.GTUBE, ["spam-certain"]), (b"buy now", ["spam-likely"]), (b"see you at noon", [])]
)
def test_opinions(name: str, text: bytes, found: list[str]) -> None:
    with FILTERS[name]() as server:
        done = look(name, server.at, text)
        assert ids(done) == found
        assert server.got == [MAIL % text]
    facts = {output.name: output.value for output in done.outputs if isinstance(output, Fact)}
    assert set(facts) == {"spam.score", "spam.threshold", "spam.tests"}
    assert done.brought is not None
    assert done.brought.version in {"rspamd/3.4", "spamd"}


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize(
    "misbehave",
    [
        filters.CLOSING,
        filters.SILENT,
        b"HTTP/1.1 500 Internal error\r\n\r\n{}",
        b'HTTP/1.1 200 OK\r\n\r\n{"score": "high"}',
        b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000,
        b"SPAMD/1.1 76 Bad header line\r\n\r\n",
        b"SPAMD/1.1 0 EX_OK\r\nSpam: True ; --- / 5\r\n\r\n",
        b"\xff" * 3_000_000,
    ],
)
def test_no_answer_costs_nothing_else(name: str, misbehave: bytes) -> None:
    with FILTERS[name](misbehave) as server:
        done = look(name, server.at, b"x", seconds=1.0)
    assert (done.outputs, done.failed) == ((), "did not answer")


def test_settings() -> None:
    assert spam.engine(SpamSettings()).ask is None
    with pytest.raises(SettingsError, match="not both"):
        spam.engine(SpamSettings(rspamd="http://127.0.0.1:1", spamd="127.0.0.1:1"))
    with pytest.raises(SettingsError, match="rspamd's address"):
        spam.engine(SpamSettings(rspamd="https://127.0.0.1/x"))
    assert not spam.engine(SpamSettings()).wants(TYPES["pe-exe"])
