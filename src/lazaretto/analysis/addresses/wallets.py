"""Addresses of digital money that check themselves.

Bitcoin: Base58Check, and Bech32 (BIP 173) with its amendment Bech32m (BIP 350). Ethereum: the capital letters of EIP-55
are its checksum. Monero: 95 characters of Base58 that begin with 4 or 8, by form.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
# What stands before is asked after the first letters: so the search goes for those, which is several times as fast.
_FORMS = {
    "bitcoin": re.compile(r"[13](?<![A-Za-z0-9].)[1-9A-HJ-NP-Za-km-z]{25,34}(?![A-Za-z0-9])"),
    "bech32": re.compile(r"bc1(?<![A-Za-z0-9]...)[02-9ac-hj-np-z]{11,71}(?![A-Za-z0-9])"),
    "ethereum": re.compile(r"0x(?<![A-Za-z0-9]..)[0-9a-fA-F]{40}(?![A-Za-z0-9])"),
    "monero": re.compile(r"[48](?<![A-Za-z0-9].)[0-9AB][1-9A-HJ-NP-Za-km-z]{93}(?![A-Za-z0-9])"),
}
_MOST_TRIED = 5_000  # of a form: a checksum costs


def wallets(text: str) -> Iterator[str]:
    """Each address in the text whose checksum is right."""
    for form, pattern in _FORMS.items():
        for tried, found in enumerate(pattern.finditer(text)):
            if tried >= _MOST_TRIED:
                break
            if _CHECKS[form](found[0]):
                yield found[0]


def is_base58check(text: str) -> bool:
    """Whether the last four bytes are the double SHA-256 of the rest, and the version is one of Bitcoin's two."""
    number = 0
    for letter in text:
        number = number * 58 + _BASE58.index(letter)
    if number >= 1 << 200:
        return False
    raw = number.to_bytes(25, "big")
    if raw[0] not in {0, 5}:
        return False
    return hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def is_bech32(text: str) -> bool:
    """Whether the checksum is that of Bech32 or Bech32m."""
    prefix, _, rest = text.partition("1")
    values = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    values += [_BECH32.index(letter) for letter in rest]
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if (top >> bit) & 1 else 0
    return check in {1, 0x2BC830A3}


def is_eip55(text: str) -> bool:
    """Whether the capitals are those that EIP-55 wants. All small or all capital letters carry no checksum: no."""
    digits = text[2:]
    if digits in {digits.lower(), digits.upper()}:
        return False
    nibbles = keccak256(digits.lower().encode()).hex()
    return all(
        digit == (digit.upper() if int(nibble, 16) >= 8 else digit.lower())
        for digit, nibble in zip(digits, nibbles, strict=False)
    )


def _by_form(_: str) -> bool:
    return True


_CHECKS: dict[str, Callable[[str], bool]] = {
    "bitcoin": is_base58check,
    "bech32": is_bech32,
    "ethereum": is_eip55,
    "monero": _by_form,
}

_ROUNDS = (
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000, 0x000000000000808B,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008A, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000A, 0x000000008000808B, 0x800000000000008B, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
)  # fmt: skip
_MASK = (1 << 64) - 1


def keccak256(data: bytes) -> bytes:
    """Keccak-256 as Ethereum uses it (the padding from before FIPS 202), of fewer than 136 bytes."""
    block = bytearray(data + b"\x01" + bytes(135 - len(data)))
    block[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for at in range(17):
        lanes[at % 5][at // 5] = int.from_bytes(block[at * 8 : at * 8 + 8], "little")
    for constant in _ROUNDS:
        _round(lanes, constant)
    return b"".join(lanes[at % 5][at // 5].to_bytes(8, "little") for at in range(4))


def _round(a: list[list[int]], constant: int) -> None:
    c = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
    for x in range(5):
        d = c[(x - 1) % 5] ^ _rotated(c[(x + 1) % 5], 1)
        for y in range(5):
            a[x][y] ^= d
    x, y, lane = 1, 0, a[1][0]
    for step in range(24):
        x, y = y, (2 * x + 3 * y) % 5
        lane, a[x][y] = a[x][y], _rotated(lane, (step + 1) * (step + 2) // 2 % 64)
    for y in range(5):
        row = [a[x][y] for x in range(5)]
        for x in range(5):
            a[x][y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5] & _MASK)
    a[0][0] ^= constant


def _rotated(lane: int, by: int) -> int:
    return ((lane << by) | (lane >> (64 - by))) & _MASK if by else lane
