"""XPRESS with Huffman codes: the quicker packing of Windows images. Source: [MS-XCA], 2.2."""

from __future__ import annotations

from lazaretto.analysis.unpackers._microsoft.huffman import Broken, table

_CODE = 256  # bytes of lengths, four bits each
_SHORTEST, _MORE = 3, 15


def unpacked(packed: bytes, size: int) -> bytes:
    """`size` bytes, at most 64 KiB. Raises `Broken`."""
    if len(packed) < _CODE + 4:
        raise Broken("it ends too early")
    lengths = [half for byte in packed[:_CODE] for half in (byte & 15, byte >> 4)]
    entries, width = table(lengths)
    out = bytearray()
    try:
        _symbols(packed + bytes(8), entries, width, size, out)
    except (IndexError, ValueError, Broken) as error:
        raise Broken(str(error) if isinstance(error, Broken) else "it ends too early", bytes(out)) from error
    return bytes(out[:size])


def _symbols(data: bytes, entries: list[int], width: int, size: int, out: bytearray) -> None:
    at = _CODE + 4
    held = data[_CODE + 1] << 24 | data[_CODE] << 16 | data[_CODE + 3] << 8 | data[_CODE + 2]  # the next 32 bits
    spare = 16  # how many of them may go before more are needed
    shift = 32 - width
    done = 0
    while done < size:
        entry = entries[held >> shift]
        if entry == 31:
            raise Broken("a code that is none")
        used, symbol = entry & 31, entry >> 5
        held = held << used & 0xFFFFFFFF
        spare -= used
        if spare < 0:
            held |= (data[at + 1] << 8 | data[at]) << -spare
            spare += 16
            at += 2
        if symbol < 256:
            out.append(symbol)
            done += 1
            continue
        length, bits = symbol & 15, symbol - 256 >> 4
        if length == _MORE:
            length = data[at] + _MORE
            at += 1
            if length == 255 + _MORE:
                length = data[at + 1] << 8 | data[at]
                at += 2
                if length < _MORE:
                    raise Broken("a length that makes no sense")
        length += _SHORTEST
        distance = (1 << bits) + (held >> 32 - bits)
        held = held << bits & 0xFFFFFFFF
        spare -= bits
        if spare < 0:
            held |= (data[at + 1] << 8 | data[at]) << -spare
            spare += 16
            at += 2
        start = done - distance
        if start < 0:
            raise Broken("it points before its own begin")
        if distance >= length:
            out += out[start : start + length]
        else:
            out += (out[start:] * (length // distance + 1))[:length]
        done += length
