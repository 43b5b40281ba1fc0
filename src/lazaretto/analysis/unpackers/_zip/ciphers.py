"""The ciphers of ZIP: the old one of PKWARE (APPNOTE 6.1), and AES as WinZip made it (AE-1, AE-2)."""

from __future__ import annotations

import hashlib
import hmac
import zlib
from dataclasses import dataclass

from Cryptodome.Cipher import AES
from Cryptodome.Util import Counter

from lazaretto.analysis.unpackers._zip.directory import Entry, extra_field

_TABLE = tuple(zlib.crc32(bytes([byte]), 0xFFFFFFFF) ^ 0xFFFFFFFF for byte in range(256))
_STRENGTHS = {1: (16, 8), 2: (24, 12), 3: (32, 16)}  # bytes of the key, of the salt


@dataclass(frozen=True)
class Decrypted:
    data: bytes
    method: int  # of packing, which AES keeps beside


def is_aes(entry: Entry) -> bool:
    return entry.method == 99


def old_cipher(packed: bytes, entry: Entry, password: bytes, *, only_check: bool = False) -> Decrypted | None:
    """Decrypted, or None where the password is wrong; one in 256 wrong ones passes, and the check sum tells."""
    if len(packed) < 12:
        return None
    # The register as zlib takes it: every step of the cipher is a CRC of one byte over one key.
    table = _TABLE
    a, b, c = 0x12345678, 0x23456789, 0x34567890
    for byte in password:
        a = (a >> 8) ^ table[(a ^ byte) & 0xFF]
        b = ((b + (a & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        c = (c >> 8) ^ table[(c ^ (b >> 24)) & 0xFF]
    plain = bytearray()
    for byte in packed[:12] if only_check else packed:
        k = c | 2
        byte ^= ((k * (k ^ 1)) >> 8) & 0xFF  # noqa: PLW2901  as the cipher is written down
        a = (a >> 8) ^ table[(a ^ byte) & 0xFF]
        b = ((b + (a & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        c = (c >> 8) ^ table[(c ^ (b >> 24)) & 0xFF]
        plain.append(byte)
        if len(plain) == 12 and not _right(plain[11], entry):
            return None
    return Decrypted(bytes(plain[12:]), entry.method)


def _right(last: int, entry: Entry) -> bool:
    """The last byte of the header is the check sum's, or the time's where the check sum came later."""
    return bool(entry.flags & 8) or last == entry.crc >> 24


def aes(packed: bytes, entry: Entry, password: bytes) -> Decrypted | None:
    """Decrypted, or None where the password is wrong or the bytes were changed."""
    field = extra_field(entry.extra, 0x9901)
    if len(field) < 7 or field[4] not in _STRENGTHS:
        return None
    length, salted = _STRENGTHS[field[4]]
    if len(packed) < salted + 12:
        return None
    keys = hashlib.pbkdf2_hmac("sha1", password, packed[:salted], 1000, 2 * length + 2)
    if keys[-2:] != packed[salted : salted + 2]:
        return None
    body = packed[salted + 2 : -10]
    if not hmac.compare_digest(hmac.new(keys[length : 2 * length], body, "sha1").digest()[:10], packed[-10:]):
        return None
    cipher = AES.new(keys[:length], AES.MODE_CTR, counter=Counter.new(128, initial_value=1, little_endian=True))
    return Decrypted(cipher.decrypt(body), int.from_bytes(field[5:7], "little"))
