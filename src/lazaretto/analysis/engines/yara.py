"""YARA-X over the bytes of every file and part."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lazaretto.analysis.engine import Brought, Engine, Finding, Output, Shortfall, Subject
from lazaretto.analysis.yararules import compiled, finding_id

if TYPE_CHECKING:
    import yara_x

_SECONDS = 12  # after which a scan ends
_MOST_MATCHES = 8  # of one pattern: the first ones show enough
_MOST_FINDINGS = 200
_SHOWN = 48  # bytes of a match


def _brings(options: Mapping[str, Any]) -> Brought:
    return compiled(str(options.get("rules", "")))


ENGINE = Engine(
    name="yara",
    version="1",
    module="lazaretto.analysis.engines.yara",
    wants=lambda kind: kind.name != "empty",
    sees="what rules describe: the program's own, and those of your folder",
    loads=("yara_x",),
    seconds=_SECONDS + 3.0,
    brings=_brings,
)

_rules: list[yara_x.Rules] = []  # of this process: one set


def take(data: bytes) -> None:
    """The compiled rules, read once for all scans of this process."""
    import yara_x  # noqa: PLC0415  only in the cage

    _rules[:] = [yara_x.Rules.deserialize_from(io.BytesIO(data))]


def examine(subject: Subject) -> Iterator[Output]:
    import yara_x  # noqa: PLC0415  only in the cage

    scanner = yara_x.Scanner(_rules[0])
    scanner.set_timeout(_SECONDS)
    scanner.max_matches_per_pattern(_MOST_MATCHES)
    try:
        found = scanner.scan(subject.data)
    except yara_x.TimeoutError:
        yield Shortfall(reason=f"the rules of YARA were not done after {_SECONDS} seconds")
        return
    for rule in found.matching_rules[:_MOST_FINDINGS]:
        yield Finding(id=finding_id(rule.namespace, rule.identifier), detail=_shown(subject.data, rule))


def _shown(data: bytes, rule: yara_x.Rule) -> str:
    """The first match of each pattern: where it is, and what is there."""
    told = []
    for pattern in rule.patterns:
        for match in pattern.matches[:1]:
            piece = data[match.offset : match.offset + min(match.length, _SHOWN)]
            text = piece.replace(b"\0", b"")
            shown = text.decode("ascii") if text.isascii() and text.decode("ascii").isprintable() else piece.hex(" ")
            told.append(f"{shown} at {match.offset:#x}")
    return "; ".join(told[:4])
