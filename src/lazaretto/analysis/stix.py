"""A report as a STIX 2.1 bundle: the file, the analysis with its result, what it names, and what to look for.

Deterministic: ids are UUIDs of version 5 over what an object says (for observables as section 2.9 of the standard has
it), times are the report's own, so the same report gives the same bytes. Indicators, the objects by which other
systems raise alarms, are made only of a file that is suspicious or worse; a clean file's names are observables alone.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

import lazaretto
from lazaretto.analysis.attack import techniques
from lazaretto.analysis.indicators import HASH, WROTE, Told
from lazaretto.analysis.report import Report
from lazaretto.domain.verdict import Status

Object = dict[str, Any]

# Section 2.9 of STIX 2.1: the namespace of ids of cyber-observable objects.
OBSERVABLES = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
# Ours, for all other objects.
OWN = uuid.uuid5(uuid.NAMESPACE_URL, "https://lazaretto.invalid/stix")

_NO_TIME = "1970-01-01T00:00:00Z"  # a report from before reports had one
_RESULTS = {
    Status.UNKNOWN: "unknown",
    Status.CLEAN: "benign",
    Status.SUSPICIOUS: "suspicious",
    Status.HIGHLY_SUSPICIOUS: "suspicious",
    Status.MALICIOUS: "malicious",
}
# Low, medium, high: appendix A of STIX 2.1.
_CONFIDENCE = {Status.SUSPICIOUS: 15, Status.HIGHLY_SUSPICIOUS: 50, Status.MALICIOUS: 85}


def bundle(report: Report, indicators: Iterable[Told]) -> Object:
    """The bundle. `indicators` are those of `indicators.collect`."""
    told = tuple(indicators)
    time = _time(report.when or _NO_TIME)
    author = _own("identity", "lazaretto", time) | {"name": "Lazaretto", "identity_class": "system"}
    file = _file(report)
    seen = [made for one in told if (made := _observable(one)) and made["id"] != file["id"]]
    objects = [author, file, *seen, _analysis(report, file, seen, author, time)]
    if report.status.rank > Status.CLEAN.rank:
        objects += _warnings(report, told, author, time)
    once = {made["id"]: made for made in objects}
    name = msgspec.json.encode(sorted(once)).decode() + report.reason
    return {"type": "bundle", "id": f"bundle--{uuid.uuid5(OWN, name)}", "objects": list(once.values())}


def to_json(report: Report, indicators: Iterable[Told]) -> bytes:
    """The bundle as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(bundle(report, indicators)), indent=2) + b"\n"


def _own(kind: str, what: str, time: str, author: Mapping[str, Any] | None = None) -> Object:
    ident = uuid.uuid5(OWN, "\0".join((kind, what)))
    made: Object = {"type": kind, "spec_version": "2.1", "id": f"{kind}--{ident}"}
    if author:
        made["created_by_ref"] = author["id"]
    return made | {"created": time, "modified": time}


def _observed(kind: str, names: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> Object:
    """A cyber-observable object with the id that its naming properties give: their canonical JSON, RFC 8785.

    For texts alone, as here, that is sorted keys, no spaces, and what msgspec escapes.
    """
    canonical = msgspec.json.encode(dict(sorted(names.items())), order="sorted").decode()
    ident = f"{kind}--{uuid.uuid5(OBSERVABLES, canonical)}"
    return {"type": kind, "spec_version": "2.1", "id": ident, **names, **(more or {})}


def _file(report: Report) -> Object:
    name = report.file.rpartition("/")[2] or "unnamed"
    hashes = {"MD5": report.md5, "SHA-1": report.sha1, "SHA-256": report.sha256}
    # of several hashes the first of MD5, SHA-1, SHA-256, SHA-512 gives the id
    named = _observed("file", {"hashes": {"MD5": report.md5}, "name": name})
    return named | {"hashes": hashes, "size": report.size}


# Kind of indicator -> object of STIX and its property. STIX has none for wallets, and of a path only the file name.
_OBJECTS = {
    HASH: ("file", "hashes.'SHA-256'"),
    "url": ("url", "value"),
    "domain": ("domain-name", "value"),
    "onion": ("domain-name", "value"),
    "email": ("email-addr", "value"),
    "mutex": ("mutex", "name"),
    "ip4": ("ipv4-addr", "value"),
    "ip6": ("ipv6-addr", "value"),
}


_LABEL = r"(?!(?!xn)..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ANY = re.compile(".+", re.DOTALL)
_FORMS = {
    # RFC 1034; labels with two hyphens at their third place are reserved, but for `xn--`
    "domain-name": re.compile(rf"(?=.{{1,253}}$)({_LABEL}\.)*{_LABEL}", re.IGNORECASE),
    "email-addr": re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*"),
}
_AUTHORITY = re.compile(r"([\w.~%!$&'()*+,;=:-]*@)?([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(:\d*)?", re.ASCII)
_ALLOWED = "%/:@!$&'()*+,;=~-._?"
_STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})")


def _place(told: Told) -> tuple[str, str]:
    """Object and property; two empty texts where STIX has none."""
    kind = f"ip{_ip_version(told.value)}" if told.kind == "ip" else told.kind
    return _OBJECTS.get(kind, ("", ""))


def _observable(told: Told) -> Object | None:
    """The object that an indicator names; None where STIX has none, or where the text is not what its kind says."""
    kind, property_ = _place(told)
    value = _uri(told.value) if kind == "url" else told.value
    if not kind or not value or not _FORMS.get(kind, _ANY).fullmatch(value):
        return None
    return _observed(kind, {"hashes": {"SHA-256": value}} if told.kind == HASH else {property_: value})


def _uri(text: str) -> str:
    """The text as a URI of RFC 3986, what it does not allow percent-encoded; empty where it is none."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    if not parts.scheme or not _AUTHORITY.fullmatch(parts.netloc):
        return ""
    rest = (_STRAY.sub("%25", quote(part, safe=_ALLOWED)) for part in (parts.path, parts.query, parts.fragment))
    return urlunsplit((parts.scheme, parts.netloc, *rest))


def _analysis(report: Report, file: Object, seen: list[Object], author: Object, time: str) -> Object:
    refs = [made["id"] for made in seen]
    return (
        _own("malware-analysis", f"{report.sha256}\0{time}", time, author)
        | {
            "product": "lazaretto",
            "version": lazaretto.__version__,
            "analysis_engine_version": report.engines.get("scoring", ""),
            "analysis_definition_version": report.engines.get("behaviours", report.engines.get("findings", "")),
            "analysis_started": time,
            "result": _RESULTS[report.status],
            "result_name": report.status.value,
            "sample_ref": file["id"],
        }
        | ({"analysis_sco_refs": refs} if refs else {})
    )


def _warnings(report: Report, told: Iterable[Told], author: Object, time: str) -> Iterator[Object]:
    """What to look for, and which techniques the file's own hash stands for."""
    kinds = ["malicious-activity" if report.status is Status.MALICIOUS else "anomalous-activity"]
    own = None
    for one in told:
        pattern = _pattern(one) if _observable(one) else ""
        if not pattern or one.common or one.seen == WROTE:  # what harmless files carry along raises no alarm
            continue
        made = _own("indicator", f"{report.sha256}\0{pattern}", time, author) | {
            "name": f"{one.kind} {one.value}"[:250],
            "description": report.reason,
            "indicator_types": kinds,
            "confidence": _CONFIDENCE[report.status],
            "pattern": pattern,
            "pattern_type": "stix",
            "pattern_version": "2.1",
            "valid_from": time,
        }
        own = own or made
        yield made
    if own is None:
        return
    for name in report.techniques:
        if known := techniques().get(name):
            attack = _technique(known.stix, known.full_name, name, time)
            yield attack
            related = _own("relationship", f"{own['id']}\0{attack['id']}", time, author)
            yield related | {
                "relationship_type": "indicates",
                "source_ref": own["id"],
                "target_ref": attack["id"],
            }


def _technique(ident: str, title: str, name: str, time: str) -> Object:
    """MITRE's own object by its id, with as much of it as a reader without their data needs."""
    place = f"https://attack.mitre.org/techniques/{name.replace('.', '/')}"
    reference = {"source_name": "mitre-attack", "external_id": name, "url": place}
    made = _own("attack-pattern", ident, time) | {"id": f"attack-pattern--{ident}"}
    return made | {"name": title, "external_references": [reference]}


def _pattern(told: Told) -> str:
    """The STIX pattern that finds it; empty where there is none."""
    kind, property_ = _place(told)
    value = told.value.replace("\\", "\\\\").replace("'", "\\'")
    return f"[{kind}:{property_} = '{value}']" if kind else ""


def _ip_version(text: str) -> int:
    """4 or 6; 0 for what is no address."""
    try:
        return ipaddress.ip_address(text).version
    except ValueError:
        return 0


def _time(text: str) -> str:
    """STIX wants milliseconds: `2026-01-02T03:04:05.000Z`."""
    return f"{text.removesuffix('Z')}.000Z" if "." not in text else text
