"""Signatures of Windows programs for tests (Authenticode), with certificates made on the spot.

Layout: Microsoft, "Windows Authenticode Portable Executable Signature Format"; RFC 2315.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Signer:
    """A certificate with its key, and the one who vouches for it; None: nobody does."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey
    above: Signer | None = None

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def signer(
    name: str, organisation: str = "", *, above: Signer | None = None, use: ObjectIdentifier | None = None,
    days: int = 3650, claims: str = "",
) -> Signer:  # fmt: skip
    """A new signer. `claims` names an issuer that did not sign it."""
    key = rsa.generate_private_key(65537, 2048)
    subject = _name(name, organisation)
    issuer = above.certificate.subject if above else _name(claims, "") if claims else subject
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW - timedelta(days=30) + timedelta(days=days))
        .add_extension(x509.ExtendedKeyUsage([use or ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
    )  # fmt: skip
    return Signer(made.sign((above.key if above else key), hashes.SHA256()), key, above)


def _name(name: str, organisation: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organisation:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(parts)


def sign(program: bytes, by: Signer, when: datetime = NOW) -> bytes:
    """The program with a signature behind it."""
    program += bytes(-len(program) % 8)
    new = struct.unpack_from("<I", program, 0x3C)[0]
    wide = struct.unpack_from("<H", program, new + 24)[0] == 0x20B
    entry = new + 24 + (112 if wide else 96) + 32
    digest = hashlib.sha256(program[: new + 88] + program[new + 92 : entry] + program[entry + 8 :]).digest()
    blob = _signed_data(digest, by, when)
    table = struct.pack("<IHH", 8 + len(blob), 0x200, 2) + blob
    table += bytes(-len(table) % 8)
    out = bytearray(program)
    struct.pack_into("<II", out, entry, len(program), len(table))
    return bytes(out) + table


def _signed_data(digest: bytes, by: Signer, when: datetime) -> bytes:
    algorithm = _seq(_oid("2.16.840.1.101.3.4.2.1"), _tlv(5, b""))
    image = _seq(_oid("1.3.6.1.4.1.311.2.1.15"), _seq(b"\x03\x01\x00", _tlv(0xA0, _tlv(0xA2, _tlv(0x80, b"")))))
    content = image + _seq(algorithm, _tlv(4, digest))
    attributes = b"".join(sorted([
        _seq(_oid("1.2.840.113549.1.9.3"), _tlv(0x31, _oid("1.3.6.1.4.1.311.2.1.4"))),
        _seq(_oid("1.2.840.113549.1.9.4"), _tlv(0x31, _tlv(4, hashlib.sha256(content).digest()))),
        _seq(_oid("1.2.840.113549.1.9.5"), _tlv(0x31, _tlv(0x17, when.strftime("%y%m%d%H%M%SZ").encode()))),
    ]))  # fmt: skip
    signature = by.key.sign(_tlv(0x31, attributes), padding.PKCS1v15(), hashes.SHA256())
    serial = by.certificate.serial_number
    number = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
    info = _seq(
        _tlv(2, b"\1"), _seq(by.certificate.issuer.public_bytes(), _tlv(2, number)), algorithm, _tlv(0xA0, attributes),
        _seq(_oid("1.2.840.113549.1.1.1"), _tlv(5, b"")), _tlv(4, signature),
    )  # fmt: skip
    chain, here = by.certificate.public_bytes(serialization.Encoding.DER), by.above
    while here is not None:
        chain += here.certificate.public_bytes(serialization.Encoding.DER)
        here = here.above
    data = _seq(
        _tlv(2, b"\1"), _tlv(0x31, algorithm), _seq(_oid("1.3.6.1.4.1.311.2.1.4"), _tlv(0xA0, _seq(content))),
        _tlv(0xA0, chain), _tlv(0x31, info),
    )  # fmt: skip
    return _seq(_oid("1.2.840.113549.1.7.2"), _tlv(0xA0, data))


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = (
        bytes([size]) if size < 128 else bytes([0x80 | (n := (size.bit_length() + 7) // 8)]) + size.to_bytes(n, "big")
    )
    return bytes([tag]) + length + content


def _seq(*parts: bytes) -> bytes:
    return _tlv(0x30, b"".join(parts))


def _oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    out = bytes([first * 40 + second])
    for number in rest:
        piece = [number & 0x7F]
        while number := number >> 7:
            piece.append(number & 0x7F | 0x80)
        out += bytes(reversed(piece))
    return _tlv(6, out)
