"""Who a PE file says it is: name, version information, signature, and whether they agree."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lazaretto.analysis.engine import Fact, Finding, Output, short
from lazaretto.analysis.programs.authenticode import Chain, Content, Known, Signed, signature
from lazaretto.analysis.programs.pe.image import Image
from lazaretto.analysis.programs.windows import HOST_TOOLS, MICROSOFT, SYSTEM_PROGRAMS, looks_like, maker, stem

_NO_NAME = re.compile(r"^[0-9a-f]{16,}$|^sample$|^file$|^unnamed$|^program (?:at|under) |^\d+-[0-9a-f]+$")
# Names that other makers use too, and that say little alone.
_COMMON = frozenset({"services", "lsm", "mmc", "taskhost", "cmd", "dwm"})


def identity(image: Image, known: Known) -> Iterator[Output]:
    signed = signature(image.parsed, known) if image.parsed is not None else None
    yield from _signature(signed)
    yield from _maker(image, signed)
    yield from _name(image)


def _signature(signed: Signed | None) -> Iterator[Output]:
    if signed is None:
        yield Fact(name="signature", value="none in the file")
        return
    checked = f"{signed.content.value}; the chain ends {signed.chain.value}; not asked whether it was revoked"
    yield Fact(name="signature", value=checked)
    yield Fact(name="signed by", value=short(" / ".join(filter(None, (signed.signer, signed.organisation)))))
    yield Fact(name="signer's chain", value=tuple(short(name, 120) for name in signed.path))
    if signed.when:
        yield Fact(name="signed on", value=signed.when.isoformat())
    named = short(signed.signer or signed.organisation)
    if signed.content is Content.CHANGED:
        yield Finding(id="pe-signature-other-file", detail=named)
    if signed.content is Content.BROKEN or signed.chain is Chain.BROKEN:
        yield Finding(id="pe-signature-broken", detail=named)
    if signed.chain is Chain.OWN:
        posing = maker(signed.organisation) or maker(signed.signer)
        yield Finding(id="pe-signature-of-false-maker" if posing else "pe-signature-self-made", detail=named)
    if not signed.for_code:
        yield Finding(id="pe-signature-not-for-programs", detail=named)
    if signed.valid_then is False:
        yield Finding(id="pe-signature-out-of-time", detail=named)


def _maker(image: Image, signed: Signed | None) -> Iterator[Output]:
    company = image.version.get("CompanyName", "")
    claimed = maker(company)
    if not claimed:
        return
    shown = (maker(signed.organisation) or maker(signed.signer)) if signed else ""
    if signed is not None and shown != claimed:
        yield Finding(id="pe-signed-by-another", detail=f"{company}; signed by {signed.signer}")
    elif signed is None and claimed == "Microsoft":
        yield Finding(id="pe-says-microsoft", detail=short(company))
    elif signed is None and not image.layout.is_library and not image.is_driver:
        yield Finding(id="pe-says-signing-maker", detail=short(company))


def _name(image: Image) -> Iterator[Output]:
    own = stem(image.name)
    company = image.version.get("CompanyName", "")
    if imitated := looks_like(image.name):
        yield Finding(id="pe-name-looks-like-system", detail=f"{short(image.name, 80)}, like {imitated}")
    if own in SYSTEM_PROGRAMS - _COMMON and not MICROSOFT.match(company) and image.name.lower().endswith(".exe"):
        yield Finding(
            id="pe-name-of-system-program", detail=short(f"{image.name}, made by {company or 'nobody named'}")
        )
    original = image.version.get("OriginalFilename", "").strip().lower().removesuffix(".mui")
    if original and not _NO_NAME.match(own) and own != stem(original) and "." in image.name:
        yield Finding(id="pe-other-name-inside", detail=short(f"{image.name} is called {original} inside", 200))
    if original in HOST_TOOLS and own != stem(original) and not _NO_NAME.match(own):
        yield Finding(id="pe-renamed-tool", detail=f"{short(image.name, 80)} is {original}")
