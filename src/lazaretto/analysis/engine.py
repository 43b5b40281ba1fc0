"""What an engine is: one way of looking at a file's bytes, run in the cage, yielding outputs and never a verdict.

An engine is one module in `analysis/engines/` with a constant `ENGINE` and a function

    def examine(subject: Subject) -> Iterator[Output]

The host imports the module for `ENGINE` alone, so what is heavy is imported inside `examine`, and named in `loads`: the
engine's room in the cage imports it once, before any sample is there, and each run is a fork of that room. An output
that was yielded is kept even if the engine falls over the next byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from lazaretto.analysis.formats.types import FileType

if TYPE_CHECKING:
    from lazaretto.analysis.findings import Meaning

# The kind of an indicator that is no indicator: a word of a text, which may open an archive beside it.
PASSWORD = "password"  # noqa: S105
MAX_DETAIL = 400  # characters of a finding's detail, a fact's text, a member's name


class Output(msgspec.Struct, frozen=True, kw_only=True, tag_field="output"):
    """One thing that an engine says. It comes out of the cage: a sample may have written it."""


class Identified(Output, frozen=True, kw_only=True, tag="identified"):
    """What the bytes are."""

    kind: FileType


class Finding(Output, frozen=True, kw_only=True, tag="finding"):
    """Something that speaks for or against the file. `id` names an entry of the catalogue of findings, which has the
    texts, the weight, the family; `detail` is what exactly was found, in the sample's own words."""

    id: str
    detail: str = ""


class Fact(Output, frozen=True, kw_only=True, tag="fact"):
    """Something worth showing that says nothing by itself: an import hash, a signer, a list of sections."""

    name: str
    value: str | int | float | bool | tuple[str, ...]


class Indicator(Output, frozen=True, kw_only=True, tag="indicator"):
    """A name by which others can look for the same. `kind` is url, domain, ip, email, wallet, onion, path, mutex."""

    kind: str
    value: str


class Member(Output, frozen=True, kw_only=True, tag="member"):
    """A file that was inside. `relation` says how: member, attachment, stream, macro, embedded, overlay, decoded, body.

    A member that stayed closed (`closed` says why: encrypted, damaged, too large) has no data.
    """

    name: str
    data: bytes = b""
    relation: str = "member"
    closed: str = ""
    password: str = ""  # which one opened it


class Shortfall(Output, frozen=True, kw_only=True, tag="shortfall"):
    """What the engine did not look at and why, in words for the report. It forbids `clean`."""

    reason: str


AnyOutput = Identified | Finding | Fact | Indicator | Member | Shortfall


@dataclass(frozen=True)
class Subject:
    """What an engine is given: the bytes, the name it came by, what it is, and what else it may need to know.

    `options` are plain values that the host chose for this engine: passwords to try, names of brands, a budget.
    """

    data: bytes
    name: str
    kind: FileType
    options: Mapping[str, Any] = field(default_factory=dict)

    def from_user(self, password: str) -> bool:
        """Whether who asks named this password: then that it opens something does not say that many know it."""
        return password in self.options.get("given", ())


class Brought(NamedTuple):
    """What an engine is given once, before any sample: compiled rules, lists, a model. `version` names its content;
    `meanings` are those of findings that come from this content and not from the catalogue, by id."""

    data: bytes
    version: str
    meanings: Mapping[str, Meaning] = MappingProxyType({})


@dataclass(frozen=True)
class Engine:
    """An engine as the host knows it. Bounds are those of one run: seconds of wall time, bytes of memory and output.

    `essential`: where it fails something was not seen that must be, so the file is not called clean.

    `brings`: the host calls it once, with the engine's options, and its room calls the module's `take(data)` with
    what it gave, before it forks a child: so rules are compiled and read once. One cage, one set of options.

    `needs`: the option without which it does not look at anything; the report then says that it is not set up.
    """

    name: str
    version: str
    module: str
    wants: Callable[[FileType], bool]
    sees: str  # one sentence for the documentation's table
    loads: tuple[str, ...] = ()
    seconds: float = 10.0
    memory: int = 1 << 30
    output: int = 64 << 20
    essential: bool = False
    brings: Callable[[Mapping[str, Any]], Brought] | None = None
    needs: str = ""


def short(text: str, most: int = MAX_DETAIL) -> str:
    """Text of a sample, cut to what a report shows."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
