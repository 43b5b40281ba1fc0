"""Authenticode: who signed a PE file, whether the file is still what was signed, and how far the chain can be followed.

Microsoft, "Windows Authenticode Portable Executable Signature Format". LIEF compares the digests and the signature; the
chain is followed here. What cannot be checked offline: whether a certificate was revoked, and roots that are not at
hand. No clock is asked, so that the same bytes always give the same answer: a certificate is held against the time that
the signature itself names.
"""

from __future__ import annotations

import enum
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

MOST_LINKS = 8  # certificates in a chain
MOST_CERTIFICATES = 64

Known = Mapping[bytes, Sequence[x509.Certificate]]


class Content(enum.Enum):
    """What the signature says of the file."""

    RIGHT = "the file is what was signed"
    CHANGED = "the file is not what was signed"
    BROKEN = "the signature does not fit the certificate"
    UNREADABLE = "the signature cannot be read"


class Chain(enum.Enum):
    """Where the chain of certificates ends."""

    ROOT = "at a root that is known here"
    OWN = "at the signer itself"
    UNKNOWN = "at a root that is not known here"
    OPEN = "before a root: a certificate is missing"
    BROKEN = "at a certificate that the next one did not sign"


@dataclass(frozen=True)
class Signed:
    """One signature. `when` is the time that it names, None if it names none that could be read."""

    content: Content
    chain: Chain
    signer: str = ""
    organisation: str = ""
    path: tuple[str, ...] = field(default=())
    when: datetime | None = None
    valid_then: bool | None = None
    for_code: bool = True


def signature(binary: Any, known: Known) -> Signed | None:
    """What the first signature of a file that LIEF has parsed says; None if it has none."""
    import lief  # noqa: PLC0415  only in the cage

    signatures = list(binary.signatures)[:1]
    if not signatures:
        return None
    signers = list(signatures[0].signers)[:1]
    leaf = _certificate(signers[0].cert) if signers else None
    if leaf is None:
        return Signed(Content.UNREADABLE, Chain.OPEN)
    flags = binary.verify_signature(lief.PE.Signature.VERIFICATION_CHECKS.SKIP_CERT_TIME)
    carried = [one for one in map(_certificate, list(signatures[0].certificates)[:MOST_CERTIFICATES]) if one]
    chain, path = _followed(leaf, carried, known)
    when = _when(signers[0])
    return Signed(
        content=_content(flags, lief.PE.Signature.VERIFICATION_FLAGS),
        chain=chain,
        signer=_name(leaf.subject, NameOID.COMMON_NAME),
        organisation=_name(leaf.subject, NameOID.ORGANIZATION_NAME),
        path=tuple(path),
        when=when,
        valid_then=None if when is None else leaf.not_valid_before_utc <= when <= leaf.not_valid_after_utc,
        for_code=_for_code(leaf),
    )


def _content(flags: Any, names: Any) -> Content:
    """LIEF says BAD_SIGNATURE together with BAD_DIGEST: the file's digest is the narrower reason."""
    value = int(flags.value)
    if value == 0:
        return Content.RIGHT
    if value & int(names.BAD_DIGEST.value):
        return Content.CHANGED
    unreadable = (names.UNSUPPORTED_ALGORITHM, names.CERT_NOT_FOUND, names.INVALID_SIGNER)
    return Content.UNREADABLE if any(value & int(one.value) for one in unreadable) else Content.BROKEN


def _certificate(parsed: Any) -> x509.Certificate | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return x509.load_der_x509_certificate(bytes(parsed.raw))
    except (ValueError, TypeError, AttributeError, UnsupportedAlgorithm):
        return None


def _followed(leaf: x509.Certificate, carried: Sequence[x509.Certificate], known: Known) -> tuple[Chain, list[str]]:
    """From the signer upwards: to a known root, as far as the certificates go."""
    path = [_title(leaf)]
    here = leaf
    for _ in range(MOST_LINKS):
        own = here.subject == here.issuer
        if own and any(here == root for root in known.get(_encoded(here.subject), ())):
            return Chain.ROOT, path
        if own:
            return Chain.OWN if here is leaf else Chain.UNKNOWN, path
        named = list(known.get(_encoded(here.issuer), ()))
        if any(_issued(here, root) for root in named):
            return Chain.ROOT, [*path, _title(named[0])]
        above = [one for one in carried if one.subject == here.issuer]
        if not above:
            return Chain.OPEN, path
        found = next((one for one in above if _issued(here, one)), None)
        if found is None:
            return Chain.BROKEN, path
        here = found
        path.append(_title(here))
    return Chain.OPEN, path


def _issued(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _encoded(name: x509.Name) -> bytes:
    return name.public_bytes()


def _title(certificate: x509.Certificate) -> str:
    return _name(certificate.subject, NameOID.COMMON_NAME) or _name(certificate.subject, NameOID.ORGANIZATION_NAME)


def _name(name: x509.Name, kind: Any) -> str:
    return next((str(one.value) for one in name.get_attributes_for_oid(kind)), "")


def _for_code(leaf: x509.Certificate) -> bool:
    """Whether the certificate may sign programs: it says so, or it does not say what it is for."""
    try:
        uses = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    except (ValueError, TypeError):
        return True
    return ExtendedKeyUsageOID.CODE_SIGNING in uses or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in uses


def _when(signer: Any) -> datetime | None:
    """The time a counter-signature names; else the one that the signer claims itself."""
    stamps = [*list(signer.unauthenticated_attributes)[:16], *list(signer.authenticated_attributes)[:16]]
    for attribute in stamps:
        if found := _time_of(attribute):
            return found
    return None


def _time_of(attribute: Any) -> datetime | None:
    nested = []
    if type(attribute).__name__ == "PKCS9CounterSignature":
        nested = [attribute.signer]
    elif type(attribute).__name__ == "MsCounterSign":
        nested = list(attribute.signers)[:4]
    for signer in nested:
        for inner in list(signer.authenticated_attributes)[:16]:
            if found := _time_of(inner):
                return found
    if type(attribute).__name__ == "PKCS9SigningTime":
        try:
            year, month, day, hour, minute, second = (int(part) for part in attribute.time[:6])
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except (ValueError, TypeError):
            return None
    return None
