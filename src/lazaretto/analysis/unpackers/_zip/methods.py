"""The methods of packing that ZIP has (APPNOTE 4.4.5), each into no more than the size that is allowed."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable
from typing import Protocol

_MOST_MEMORY = 256 << 20  # bytes of a dictionary, whose size the member says


class TooMuch(Exception):
    """It unpacks to more than may be."""


class Broken(Exception):
    """It cannot be unpacked to its end; `data` is what came before."""

    def __init__(self, why: str, data: bytes = b"") -> None:
        super().__init__(why)
        self.data = data


class _Decompressor(Protocol):
    def decompress(self, data: bytes, /, max_length: int = ...) -> bytes: ...


def inflate(packed: bytes, most: int) -> bytes:
    """Deflate without a header."""
    machine = zlib.decompressobj(-15)
    try:
        data = machine.decompress(packed, most + 1)
    except zlib.error as error:
        raise Broken(str(error), _salvaged(packed, most)) from error
    if len(data) > most:
        raise TooMuch
    if not machine.eof:
        raise Broken("it ends too early", data)
    return data


def _salvaged(packed: bytes, most: int) -> bytes:
    """What a broken stream gives before the place where it is broken."""
    machine = zlib.decompressobj(-15)
    found = bytearray()
    try:
        for at in range(0, len(packed), 256):
            piece = machine.decompress(packed[at : at + 256], most + 1 - len(found))
            found += piece
            if len(found) >= most or machine.eof:
                break
            if machine.unconsumed_tail:
                return bytes(found)
    except zlib.error:
        pass
    return bytes(found[:most])


def _stepwise(make: Callable[[], _Decompressor], errors: type[Exception] | tuple[type[Exception], ...]) -> _Method:
    def unpack(packed: bytes, most: int, _: int) -> bytes:
        try:
            machine = make()
            data = machine.decompress(packed, max_length=most + 1)
        except errors as error:
            raise Broken(str(error)) from error
        if len(data) > most:
            raise TooMuch
        if not getattr(machine, "eof", True):
            raise Broken("it ends too early", data)
        return data

    return unpack


def _lzma(packed: bytes, most: int, size: int) -> bytes:
    """LZMA with the header that ZIP gives it: version, length of the properties, properties."""
    if len(packed) < 9:
        raise Broken("it ends too early")
    length = struct.unpack_from("<H", packed, 2)[0]
    try:
        chosen = lzma._decode_filter_properties(lzma.FILTER_LZMA1, packed[4 : 4 + length])  # type: ignore[attr-defined]  # not in the stubs
        chosen["dict_size"] = min(chosen["dict_size"], _MOST_MEMORY)
        machine = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[chosen])
        data = machine.decompress(packed[4 + length :], max_length=most + 1)
    except (lzma.LZMAError, ValueError) as error:
        raise Broken(str(error)) from error
    if len(data) > most:
        raise TooMuch
    return data[:size] if size else data


def _deflate64(packed: bytes, most: int, _: int) -> bytes:
    import inflate64  # noqa: PLC0415  only in the cage

    machine = inflate64.Inflater()
    found = bytearray()
    try:
        for at in range(0, len(packed), 512):  # one byte becomes at most some 1,030
            found += machine.inflate(packed[at : at + 512])
            if len(found) > most:
                raise TooMuch
            if machine.eof:
                break
    except (ValueError, RuntimeError) as error:
        raise Broken(str(error), bytes(found)) from error
    return bytes(found)


def _zstd(packed: bytes, most: int, size: int) -> bytes:
    from backports import zstd  # noqa: PLC0415  only in the cage

    return _stepwise(zstd.ZstdDecompressor, zstd.ZstdError)(packed, most, size)


def _ppmd(packed: bytes, most: int, size: int) -> bytes:
    import pyppmd  # noqa: PLC0415  only in the cage

    if len(packed) < 2:
        raise Broken("it ends too early")
    word = struct.unpack_from("<H", packed)[0]
    order, memory, method = (word & 15) + 1, ((word >> 4) & 255) + 1, word >> 12
    if size > most:
        raise TooMuch
    if memory > 256 or order < 2:
        raise Broken("it asks for more memory than it may have")
    try:
        machine = pyppmd.Ppmd8Decoder(order, memory << 20, method)
        return bytes(machine.decode(packed[2:], size))
    except (ValueError, RuntimeError) as error:
        raise Broken(str(error)) from error


_Method = Callable[[bytes, int, int], bytes]

_METHODS: dict[int, _Method] = {
    8: lambda packed, most, _: inflate(packed, most),
    9: _deflate64,
    12: _stepwise(bz2.BZ2Decompressor, (OSError, ValueError)),
    14: _lzma,
    20: _zstd,
    93: _zstd,
    95: _stepwise(lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_MEMORY), lzma.LZMAError),
    98: _ppmd,
}


def unpacked(packed: bytes, method: int, size: int, most: int) -> bytes:
    """The bytes of a member packed by that method. Raises `TooMuch` or `Broken`."""
    if method == 0:
        if len(packed) > most:
            raise TooMuch
        return packed
    if method not in _METHODS:
        raise Broken(f"it is packed by method {method}, which is not known here")
    return _METHODS[method](packed, most, size)
