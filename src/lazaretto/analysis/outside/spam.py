"""A real spam filter's opinion of a mail: rspamd over HTTP, or SpamAssassin over spamd's protocol.

rspamd: POST /checkv2 with the mail as body, a JSON object back (rspamd documentation, "Protocol"). spamd: SYMBOLS of
SPAMC/1.5 (SpamAssassin, spamd/PROTOCOL). Only mails are sent there, as they are.
"""

from __future__ import annotations

import re
from functools import partial
from urllib.parse import urlsplit

import msgspec

from lazaretto.analysis.engine import Fact, Finding, Output, Subject, short
from lazaretto.analysis.outside.outside import Answer, NoAnswer, Outside
from lazaretto.analysis.outside.sockets import Address, address, connected
from lazaretto.analysis.settings import SpamSettings
from lazaretto.domain.errors import SettingsError

_MOST = 1 << 20  # bytes of an answer
_MOST_SYMBOLS = 100
_SURE = 2.0  # times the threshold: spamd knows no second one, so this stands for rspamd's "reject"


def engine(settings: SpamSettings) -> Outside:
    """As set up, or as absent. Raises `SettingsError` for two filters at once or an address that is none."""
    if settings.rspamd and settings.spamd:
        raise SettingsError("[spam]: set up rspamd or spamd, not both")
    ask = None
    if settings.rspamd:
        ask = partial(_rspamd, _web(settings.rspamd), settings.seconds)
    elif settings.spamd:
        ask = partial(_spamd, address(settings.spamd), settings.seconds)
    return Outside(
        name="spam-filter",
        version="1",
        wants=lambda kind: kind.name == "eml",
        sees="what rspamd or SpamAssassin says of a mail, where one is set up",
        ask=ask,
    )


class _Symbol(msgspec.Struct, frozen=True):
    """A test of rspamd's that matched."""

    score: float = 0.0
    description: str = ""


class _Checked(msgspec.Struct, frozen=True):
    """What is read of rspamd's answer."""

    score: float
    required_score: float
    action: str
    symbols: dict[str, _Symbol] = {}


_checked = msgspec.json.Decoder(_Checked)
_CERTAIN, _LIKELY = "spam-certain", "spam-likely"
_ACTIONS = {"reject": _CERTAIN, "add header": _LIKELY, "rewrite subject": _LIKELY}


def _web(url: str) -> Address:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or parts.path.strip("/"):
        raise SettingsError(f"{url!r} is not rspamd's address: give http://HOST:PORT")
    return parts.hostname, parts.port or 11333


def _rspamd(to: Address, seconds: float, subject: Subject) -> Answer:
    with connected(to, seconds) as stream:
        head = f"POST /checkv2 HTTP/1.0\r\nHost: rspamd\r\nContent-Length: {len(subject.data)}\r\n\r\n"
        stream.send(head.encode())
        stream.send(subject.data)
        head_, _, body = stream.read(_MOST).partition(b"\r\n\r\n")
    first, _, rest = head_.partition(b"\r\n")
    if not re.match(rb"HTTP/1\.[01] 200\b", first):
        raise NoAnswer(f"it said: {first[:100].decode('utf-8', 'replace')}" if first else "it ended without an answer")
    try:
        said = _checked.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NoAnswer(f"its answer is not understood: {error}") from error
    ranked = sorted(said.symbols.items(), key=lambda pair: (-pair[1].score, pair[0]))
    symbols = [f"{name} {symbol.score:+g}" for name, symbol in ranked]
    server = re.search(rb"(?im)^server: *(rspamd[^\r\n]*)", rest)
    version = server[1].decode("ascii", "replace") if server else "rspamd"
    return Answer(_said(_ACTIONS.get(said.action, ""), said.score, said.required_score, symbols), version)


_SPAM_LINE = re.compile(r"(?im)^Spam: *(\w+) *; *(-?[\d.]+) */ *(-?[\d.]+)")


def _spamd(to: Address, seconds: float, subject: Subject) -> Answer:
    with connected(to, seconds) as stream:
        stream.send(f"SYMBOLS SPAMC/1.5\r\nContent-length: {len(subject.data)}\r\n\r\n".encode())
        stream.send(subject.data)
        stream.finish()
        head, _, body = stream.read(_MOST).decode("utf-8", "replace").partition("\r\n\r\n")
    line = _SPAM_LINE.search(head)
    try:
        if not re.match(r"SPAMD/[\d.]+ 0 ", head) or line is None:
            raise ValueError(head[:100])
        score, most = float(line[2]), float(line[3])
    except ValueError as error:
        raise NoAnswer(f"its answer is not understood: {error}" if head else "it ended without an answer") from error
    is_spam = line[1].lower() in {"true", "yes"}
    kind = "" if not is_spam else _CERTAIN if score >= _SURE * most else _LIKELY
    return Answer(_said(kind, score, most, [word.strip() for word in body.split(",") if word.strip()]), "spamd")


def _said(kind: str, score: float, most: float, symbols: list[str]) -> tuple[Output, ...]:
    facts: tuple[Output, ...] = (
        Fact(name="spam.score", value=round(score, 2)),
        Fact(name="spam.threshold", value=round(most, 2)),
        Fact(name="spam.tests", value=tuple(short(symbol, 100) for symbol in symbols[:_MOST_SYMBOLS])),
    )
    if not kind:
        return facts
    return (Finding(id=kind, detail=f"{score:g} points of {most:g}: {', '.join(symbols[:8])}"), *facts)
