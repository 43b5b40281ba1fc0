"""Windows images, made in the test, and small ones of our own files that wimlib packed."""

from __future__ import annotations

import base64
import random
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from lazaretto.analysis.identify import identify
from lazaretto.analysis.unpackers._microsoft import lzx, xpress
from lazaretto.analysis.unpackers._microsoft.huffman import Broken
from lazaretto.testing import microsoft
from lazaretto.testing.opened import open_with

NUMBERS = "".join(f"{number}\n" for number in range(1, 401)).encode()
CODE = b"call \xe8\x10\x00\x00\x00 " * 30
FILES = {"d/n.txt": NUMBERS, "code": CODE, "h.exe": b"MZ-hidden"}
# Made by wimlib 1.13 of these files; deflated here.
PACKED = {
    "LZX": (
        "eNrzDQ739GVgYLgAxAy8jAxNDCwMDA0MDPzzcjfqFhQfnMmX18X9Q5CRkQEEGRhOMIAB00FmCAPKZ2CB8Jk6WVD4dAciCgyLQXSIqAKD"
        "E9/sibnKt3/kKG/qPWnWOWmmTYrR5JM+akYzPdK2zQSpYgZCAab9/bXzD3yEupuBn+X///d/z21Vyjf1XPPfONV31uG0A4VFj+ZaLufb"
        "mfzpgW2V//zvR9VaFI0vzDDImqESq8DgADbLycjhopVwv/yXuv0MTxkYOIBiPAJ7nS0tRU4/+g1znzzT//+P/vhE+J71O+dz3rC2u9PH"
        "IDlNOvjJjLTj+raPLmlGp+rtvjJpevy3F85iScYszrxPCvit//p0GhvNfuYTnD7T+vyT2rQvpmrXLq6Zaeq7NjsvdvKXWZfvz65I2Zx2"
        "z/zrvp3ffC/n+80vShI+N2fmsyuWz29a+p23/nu708+q/Nnu4Cdz09/b1n77skbd9uPbmXn+k6vn3VX89/i7O+9cvao91/5ZyDwsaD8s"
        "w7fWNCp767WOFR0dfR07Y54WTT8do1ey6/JLv+VWc9+WbL99N69s9+23/cdt5D5WHH8c11+19/XX9df3xf2sef55/vl6u7CTa7eCTMhe"
        "ey2KdNaKrR0kgr6OX3UMDL5RuhmZKSmpeaoKDI3A1MgQ4GDAEBu/sn1DkcxpXetJCTqHV1/z2vFmh7t9Hx/3TicRDsFLrm8i2mqdzgrq"
        "TAw+fslQFxRJUsCUzijE1xgr6Ldw7tbZUgHSEZL5W/79B+cABiEGSQULBgfbEhc9veun77/32GZf+PWITB/jRJ84TutpLYLL408vmR/C"
        "fMVK/3dE5YteT6O3XHMWfTSqXlvh6801dwnzHU5Om8ZGtbZD5x6tfTgttX9Pal+5YNwPX88n372j0uP00i4G2aQ+dWqOYJRlecjCt7s6"
        "sS7YfIvhVImjXafzTvtpfc+VPRauteDQHAUeBs1XkHTFdp0JwoiA0pDsWhIooScRzfDkt2bwxq0VJg5B8/MMiqAp/QI0SXoxIuuIYtr1"
        "vLDOROX0/WV3+hSWJlXWLVnVA1HB4gRVeYUVWYfd7eiaSd287y/UTpPgXJo6d5dYTAkn1OxzUNfA+BAdSz+u8J5Z8/AyT/QT3vsWCfwl"
        "C1vM/v+zYQhn8GTwZbBjsAHTjgzuDK4MCkC2H4MLkBXBYMugxGAIxCAVfkB5X6CoHUMxQy5DIkMOENow6COJ2wB1eTIEMTgz+DOEAsVD"
        "gGJGYDWY4jYMbkAxH6A+ZFFjsGpsMjZA0h+IHYEyTgyRQJYrQzBQ3JDBAqjLEKwPuwobBg+gWBDQDT5gn3mjyBqAdeJTYQN0RxCQ7QgU"
        "8QTa4AemYT72ALLdgWQA2IQQsIkVQGwINM2FwRyo1wjoH4gd6CptgPb5A+MAXa8F0GwzoG5TILYA60VXBxLD5yofoHgwUMQXKAMKe1CI"
        "Og+AD5yAppjg9AEprtRHSqH4UoMh0F78qUEfnuq5GADN8f3m"
    ),
    "XPRESS": (
        "eNrzDQ739GVgYLgAxAy8jAxNDEwMDA0MDMWZPNx2v16fSfLfIcCr9vUZIwMIMjCcYAADJl52CAPKZ2BhhohfZUfh0x0wwdwDpQk5w8GA"
        "GFX4AQsONhZgQGv/K1UzvvljxcDw35oRl//NjNPSQukQFZxEqmNFU88BpZOgApFQOoGTNPu1smJ3Xtfj7v6g6Tc7WN3u6dvJwvaVh1qD"
        "J0ot9yrRylq+rOKUiNaev1dDl8c9fTtVNH7noQ8x2Tt3znj69/mp80vnZ1uIP405VLru5atF+9d94Xi761Ep9+t1a2J/3Nl6NVb7/rH9"
        "62Rj/5Q/fD71GHf3nj2nKp9+vlT/6Uy3kf6hjRGHRbunJk/ri7C++6en9cOaa5vOJj2NXJp+bV5kTS0zMx/LDxYLlgqWHaw/WC1YK1h3"
        "XPrRZu/+y2551dyX5cufz99XV2WocJ7VJEKwcU1HkpuQ9SSJZUc2qt43LEmybeTpSgoUmbziRthRQ+3PsdPe6k7INezpTooV/3zghtgx"
        "O8Pbe9kuGYfNNeTpTc6UCr5x4/qxA/ccZh1/YCl21rCnL7lUdvOHGzf+eGy/IXf8h/21v4Y8E1IaFYTN7l0KS+PY5DxRsUsnOkVS+YTU"
        "3Off5v9r8FzgweHkJCDUMkGlRVGRg3PlN85LCJFbahnSs/67Rc2+9TZr29rb+3KkBSa1TNjd8rK2hUVRhVMRpvJ5i2/RBIWWFoTY3Amz"
        "84SWTBBAiAkL3d3btEXICVlsT+WEf04eyGL5PksmIlwDkrMWfv/j79NJPyeItC7RVPFU9OByChKdxPuH5aVKq6Iml2eQxyQnkBzHfMdZ"
        "EFmRSfsnxPPW887n3f7xh8eP/B8FPwp/FKkUg1THeajWNW2B6ICZ9vHrknoRoGMR5u0X7+2boIBQITJp34SOGnQbTx6fcA3Ghqj8E/Nn"
        "Y8Emh/0MDL5RuhmZKSmpeSXA8rKMLb0ASLGDik52BnABWg7iwsQYCqApOp2Ngb08HaSivJyBjaEMqBOsvgCkrYC9gAEE09mhBjEAlUBM"
        "KwBJA9kF5QkFIK1AEaiRBWwgVgFDAizTsMMZbFBGApJwQgEb2CqgPnawCQnsEMcVkFtIWAj4eD4zd8n33vCWl8XWydo4VONLKQOXoaqz"
        "oazsvpqJFv1sghrzJTM3zV3v9CDrXl+eRW/47QehMo0tquoN8sdSDKYnMq5hzVZjOx4pyPzJXkJ2Bd+TXWzPrI5l1F5RVNZmWpNUd5F1"
        "fc7v6o+/j548KtDQV6TnlZrrbHd02mbh9u8JIiys6705NRusspVuMDD0QspMtgZokRQBrU0gVZ9Wm6rh4bLfie9Y6xuztiz/WpuwXJ0b"
        "ooPlAtQ7XozIOqKYdj0vrDNROX1/2Z0+haVJlXVLVs2BlMgst6Eqr7Ai67C7HV0zqZv3/YXaaRKcS1Pn7hKLKYEVe+WsqOUkRMfSjyu8"
        "Z9Y8vMwT/YT3vkUCf8nCFrP//2wYwhk8GXwZ7BhswLQjgzuDK4MCkO3H4AJkRTDYMigxGAIxSIUfUN4XKGrHUMyQy5DIkAOENgz6SOI2"
        "QF2eDEEMzgz+DKFA8RCgmBFYDaa4DYMbUMwHqA9Z1BisGpuMDZD0B2JHoIwTQySQ5coQDBQ3ZLAA6jIE68OuwobBAygWBHSDD9hn3iiy"
        "BmCd+FTYAN0RBGQ7AkU8gTb4gWmYjz2AbHcgGQA2IQRsYgUQGwJNc2EwB+o1AvoHYge6Shugff7AOEDXawE02xJoggHQBEj4oasDieFz"
        "lQ9QPBgo4guUAYU9KESdB8AHZgymDCY4fUCKK/WRUiju1GAEtNsAaCe+1KAPT/VcDADjdCRU"
    ),
}
PACKED_IMAGES = {name: zlib.decompress(base64.b64decode(text)) for name, text in PACKED.items()}
PLAIN = microsoft.wim({"a.exe": b"MZ content", "note.txt": b"text", "empty": b""}, hidden=("a.exe",))


@pytest.mark.parametrize("packing", PACKED)
def test_packed_images(packing: str) -> None:
    data = PACKED_IMAGES[packing]
    assert identify(data, "a.wim").name == "wim"
    opened = open_with("wim", data)
    assert opened.files == FILES
    assert not opened.short
    assert not opened.findings


def test_not_packed_and_hidden() -> None:
    opened = open_with("wim", PLAIN)
    assert opened.files == {"a.exe": b"MZ content", "note.txt": b"text", "empty": b""}
    assert opened.details("data-hidden-program") == ["a.exe"]


@pytest.mark.skipif(shutil.which("wimcapture") is None, reason="no wimlib")
@pytest.mark.parametrize("packing", [("LZX", "32K"), ("LZX", "2M"), ("XPRESS", "64K")])
def test_larger_ones(tmp_path: Path, packing: tuple[str, str]) -> None:
    folder = tmp_path / "files" / "sub"
    folder.mkdir(parents=True)
    program = Path("/proc/self/exe").read_bytes()[: 3 << 20]
    (folder / "program").write_bytes(program)
    (folder / "noise").write_bytes(random.Random(1).randbytes(99_999))
    command = ["wimcapture", "files", "a.wim", f"--compress={packing[0]}", f"--chunk-size={packing[1]}"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    opened = open_with("wim", (tmp_path / "a.wim").read_bytes())
    assert opened.files == {"sub/program": program, "sub/noise": random.Random(1).randbytes(99_999)}


def test_the_same_packing_as_compiled_help_has_it() -> None:
    """The head of a block is larger there: 1 bit for calls, 3 of kind, 24 of size, instead of 3, 1, and 16 of size."""
    packed = _packed("LZX", len(NUMBERS))
    words = struct.unpack(f"<{len(packed) // 2}H", packed)
    bits = "".join(f"{word:016b}" for word in words)
    assert bits[3] == "0"
    assert int(bits[4:20], 2) == len(NUMBERS)
    bits = f"0{bits[:3]}{len(NUMBERS):024b}{bits[20:]}"
    bits += "0" * (-len(bits) % 16)
    again = b"".join(struct.pack("<H", int(bits[at : at + 16], 2)) for at in range(0, len(bits), 16))
    assert lzx.unpacked(again, len(NUMBERS), 15) == NUMBERS
    help_ = microsoft.chm_of([again], len(NUMBERS), {"/n.txt": (0, len(NUMBERS))}, {}, window=1)
    assert open_with("help", help_).files == {"n.txt": NUMBERS}


def _packed(packing: str, size: int) -> bytes:
    """The packed bytes of the resource of that size."""
    data = PACKED_IMAGES[packing]
    table, length = struct.unpack_from("<QQ", data, 56)
    for at in range(table, table + length, 50):
        packed, place, unpacked = struct.unpack_from("<QQQ", data, at)
        if unpacked == size:
            return data[place : place + (packed & (1 << 56) - 1)]
    raise AssertionError(size)


def test_calls_are_made_relative_again() -> None:
    assert CODE in lzx.unpacked(_packed("LZX", len(CODE)), len(CODE), 15, image=True)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (microsoft.wim({"a": b"text"}, part=2), "another part"),
        (b"WLPWM\0\0\0" + PLAIN[8:], "pipe"),
        (PLAIN[:150], "damaged"),
    ],
)
def test_what_stays_closed_is_said(data: bytes, why: str) -> None:
    opened = open_with("wim", data, kind="wim")
    assert not opened.files
    assert why in next(iter(opened.closed.values()))
    assert opened.short


def test_too_much_is_left_alone() -> None:
    assert "too large" in open_with("wim", PACKED_IMAGES["LZX"], room=1000).closed["d/n.txt"]


@pytest.mark.parametrize("unpacked", [xpress.unpacked, lambda data, size: lzx.unpacked(data, size, 15, image=True)])
def test_noise_is_refused(unpacked: object) -> None:
    chance = random.Random(3)
    for _ in range(200):
        try:
            assert len(unpacked(chance.randbytes(chance.randrange(2000)), 30_000)) == 30_000  # type: ignore[operator]
        except Broken as broken:
            assert len(broken.data) < 32_768 + 300


def test_damage_ends_in_outputs() -> None:
    chance = random.Random(5)
    for original in (*PACKED_IMAGES.values(), PLAIN):
        for _ in range(150):
            broken = bytearray(original[: chance.randrange(100, len(original) + 1)])
            for _ in range(chance.randrange(8)):
                broken[chance.randrange(8, len(broken))] = chance.randrange(256)
            open_with("wim", bytes(broken), kind="wim", room=1 << 20)
