"""Whether a Windows program carries the data of an installer behind its own end.

Only traits come of it: such a file is and stays a program. Marks: NSIS "firstheader" (`Source/exehead/fileform.h`),
Inno Setup "SetupLdr" offset table (`Projects/Src/Shared.Struct.pas`).
"""

from __future__ import annotations

import struct

_NSIS = b"\xef\xbe\xad\xdeNullsoftInst"
_INNO = b"rDlPtS"
_LOOKED_AT = 1 << 20  # bytes of the overlay's begin
_MOST_SECTIONS = 96


def carried(data: bytes, pe: int) -> list[str]:
    """Traits of a PE program whose header is at `pe`: installer-nsis, installer-inno."""
    end = _image_end(data, pe)
    overlay = data[end : end + _LOOKED_AT] if end < len(data) else b""
    nsis = ["installer-nsis"] if _NSIS in overlay else []
    return [*nsis, "installer-inno"] if _has_inno(data, overlay) else nsis


def _has_inno(data: bytes, overlay: bytes) -> bool:
    return data[0x30:0x34] == b"Inno" or overlay.startswith((b"zlb\x1a", b"idska32\x1a")) or _INNO in data[: 1 << 22]


def _image_end(data: bytes, pe: int) -> int:
    """Where the last section of the file ends; the file's own end where the table of sections makes no sense."""
    if pe + 24 > len(data):
        return len(data)
    count, optional = struct.unpack_from("<H", data, pe + 6)[0], struct.unpack_from("<H", data, pe + 20)[0]
    at, end = pe + 24 + optional, 0
    for number in range(min(count, _MOST_SECTIONS)):
        if at + 40 * number + 40 > len(data):
            break
        size, start = struct.unpack_from("<II", data, at + 40 * number + 16)
        end = max(end, start + size if size else 0)
    return min(end, len(data)) if end else len(data)
