"""A certificate authority that the guest trusts, and a server certificate for every name on demand.

The authority and the keys that all servers share are made once, when an image is built (`make_ca`): making keys is slow
on an emulated processor, signing is not.
"""

# mypy: disable-error-code="import-not-found"
# python3-cryptography is a package of the guest, not one of the host.

from __future__ import annotations

import argparse
import datetime
import ipaddress
import re
import ssl
import sys
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_NAME, CA_ORGANIZATION = "Meridian Global Root R3", "Meridian Trust Services"
_ISSUED = datetime.datetime(2021, 3, 16, tzinfo=datetime.UTC)
_DAY = datetime.timedelta(days=1)
CERTIFICATE_FILE, KEY_FILE = "ca.pem", "ca.key"
SERVER_KEYS = {True: "server-ecdsa.key", False: "server-rsa.key"}  # by whether the client knows ECDSA
CACHE_LIMIT = 256
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?")


def make_ca(folder: Path) -> None:
    """Write `ca.pem` (for the guest's trust stores, PEM), `ca.der` (the same for Windows stores), and private keys."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, CA_ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, CA_NAME),
        ]
    )
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    unsigned = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_ISSUED)
        .not_valid_after(_ISSUED + 25 * 365 * _DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    certificate = _signed(unsigned, key)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CERTIFICATE_FILE).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "ca.der").write_bytes(certificate.public_bytes(serialization.Encoding.DER))
    keys: dict[str, Key] = {
        KEY_FILE: key,
        SERVER_KEYS[True]: ec.generate_private_key(ec.SECP256R1()),
        SERVER_KEYS[False]: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    }
    for name_of_file, private_key in keys.items():
        private = folder / name_of_file
        private.touch(mode=0o600)
        private.write_bytes(_pem(private_key))


Key: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def _pem(key: Key) -> bytes:
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem


def _load(pem: bytes) -> Key:
    key = load_pem_private_key(pem, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    return key


class Certificates:
    """Server-side TLS contexts by name, made when first asked for."""

    def __init__(self, authority: Path, work: Path, now: datetime.datetime) -> None:
        """`authority` is the folder that `make_ca` wrote; `work` a folder in memory for the key log.

        `now` only dates the certificates: a week before it they were issued.
        """
        self._issuer = x509.load_pem_x509_certificate((authority / CERTIFICATE_FILE).read_bytes())
        self._issuer_key = _load((authority / KEY_FILE).read_bytes())
        self._issued = now - 7 * _DAY
        self._work = work
        work.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.key_log = work / "keys.log"
        self._pem = {modern: (authority / name).read_bytes() for modern, name in SERVER_KEYS.items()}
        self._public = {modern: _load(pem).public_key() for modern, pem in self._pem.items()}
        self._contexts: dict[tuple[str, bool], ssl.SSLContext] = {}

    def context(self, name: str, *, modern: bool) -> ssl.SSLContext:
        """A context with a certificate for `name` (a host name or an address). `modern`: with an ECDSA key."""
        name = name.lower().rstrip(".")
        if not _HOST.fullmatch(name) and ":" not in name:
            name = "localhost"
        context = self._contexts.get((name, modern))
        if context is None:
            if len(self._contexts) >= CACHE_LIMIT:
                self._contexts.pop(next(iter(self._contexts)))
            context = self._contexts[name, modern] = self._make(name, modern)
        return context

    def _make(self, name: str, modern: bool) -> ssl.SSLContext:
        # The ssl module only takes files; the folder is in memory.
        file = self._work / "certificate.pem"
        file.write_bytes(self._certificate(name, modern) + self._pem[modern])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # Old programs are the point here: everything that OpenSSL still knows is allowed.
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.load_cert_chain(file)
        context.set_alpn_protocols(["http/1.1"])
        context.num_tickets = 0
        context.keylog_filename = str(self.key_log)
        return context

    def _certificate(self, name: str, modern: bool) -> bytes:
        alternatives: list[x509.GeneralName] = []
        try:
            alternatives.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            alternatives.append(x509.DNSName(name))
            if name.startswith("www."):
                alternatives.append(x509.DNSName(name[4:]))
        authority_key = self._issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        unsigned = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])]))
            .issuer_name(self._issuer.subject)
            .public_key(self._public[modern])
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._issued)
            .not_valid_after(self._issued + 90 * _DAY)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority_key), critical=False
            )
        )
        pem: bytes = _signed(unsigned, self._issuer_key).public_bytes(serialization.Encoding.PEM)
        return pem


def _signed(unsigned: x509.CertificateBuilder, key: Key) -> x509.Certificate:
    """Signed so that both numbers of the signature need all their 32 bytes: Wine holds one with a shorter number, which
    is one of 128, for wrong."""
    while True:
        certificate = unsigned.sign(key, hashes.SHA256())
        if all(number.bit_length() > 248 for number in decode_dss_signature(certificate.signature)):
            return certificate


def main(arguments: list[str] | None = None) -> int:
    """`python3 -m internet.certificates FOLDER`: make the authority there."""
    parser = argparse.ArgumentParser(prog="internet.certificates", description="Make a certificate authority.")
    parser.add_argument("folder", type=Path)
    make_ca(parser.parse_args(arguments).folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
