"""Root certificates that are at hand offline: those that Debian's package ca-certificates brings.

They are Mozilla's, meant for web servers; many certificate authorities sign programs under the same roots, but not all,
and Microsoft's own root for Windows is not among them. So a chain that ends at an unknown root says nothing bad.
Loaded when the module is, which the cage's warden does before any sample is there: a child sees no files.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509

FOLDER = Path("/usr/share/ca-certificates/mozilla")
MOST_ROOTS = 1_000


def _load(folder: Path) -> dict[bytes, list[x509.Certificate]]:
    found: dict[bytes, list[x509.Certificate]] = {}
    for file in sorted(folder.glob("*.crt"))[:MOST_ROOTS]:
        add_pem(found, file.read_bytes())
    return found


def add_pem(known: dict[bytes, list[x509.Certificate]], pem: bytes) -> None:
    """Add the certificates of a text; one that cannot be read is left out."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about old certificates whose numbers break a rule
            certificates = x509.load_pem_x509_certificates(pem)
    except ValueError:
        return
    for certificate in certificates:
        known.setdefault(certificate.subject.public_bytes(), []).append(certificate)


ROOTS = _load(FOLDER)
"""By the encoded name of the subject."""


def with_more(pems: Iterable[str]) -> dict[bytes, list[x509.Certificate]]:
    """The roots and some more that the host names."""
    found = {name: list(certificates) for name, certificates in ROOTS.items()}
    for pem in pems:
        add_pem(found, pem.encode())
    return found
