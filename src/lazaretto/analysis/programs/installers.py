"""Where in a program file another file begins that it carries on purpose: archives, installers' data.

Only found here, not opened: each kind has an unpacker of its own.
"""

from __future__ import annotations

from lazaretto.analysis.programs.numbers import u32
from lazaretto.analysis.programs.pelayout import Layout

NSIS = b"\xef\xbe\xad\xdeNullsoftInst"
INNO = b"Inno Setup Setup Data ("
PYINSTALLER = b"MEI\x0c\x0b\x0a\x0b\x0e"
ZIP_END = b"PK\x05\x06"

# First bytes of archives that stand behind a program which opens them.
ARCHIVES: tuple[tuple[str, bytes], ...] = (
    ("7z", b"7z\xbc\xaf\x27\x1c"),
    ("rar", b"Rar!\x1a\x07"),
    ("zip", b"PK\x03\x04"),
    ("cab", b"MSCF\0\0\0\0"),
    ("xz", b"\xfd7zXZ\0"),
    ("gz", b"\x1f\x8b\x08"),
    ("zst", b"\x28\xb5\x2f\xfd"),
    ("squashfs", b"hsqs"),
    ("msi", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
)
_NEAR = 64 << 10  # behind the image: how far a configuration may push the archive


def carrier(data: bytes, layout: Layout) -> str:
    """What kind of contents the program carries behind its image; empty if none that is known."""
    start = layout.end(len(data))
    if nsis_at(data, start) >= 0:
        return "Nullsoft installer"
    if inno_at(data) >= 0:
        return "Inno Setup installer"
    if pyinstaller_at(data) >= 0:
        return "PyInstaller archive"
    kind, _ = archive_at(data, start)
    return f"{kind} archive" if kind else ""


def nsis_at(data: bytes, start: int = 0) -> int:
    """Where the installer's first header begins; -1 if there is none. It is on a boundary of 512 bytes in most."""
    found = data.find(NSIS, max(0, start))
    return found - 4 if found >= 4 else -1


def inno_at(data: bytes) -> int:
    """Where Inno's header block begins; -1 if there is none."""
    return data.find(INNO)


def pyinstaller_at(data: bytes) -> int:
    """Where the cookie at the end of PyInstaller's archive begins; -1 if there is none."""
    return data.rfind(PYINSTALLER, max(0, len(data) - (16 << 20)))


def archive_at(data: bytes, start: int) -> tuple[str, int]:
    """Kind and offset of an archive that begins at `start` or near it; an empty kind if there is none."""
    near = data[start : start + _NEAR]
    found = [(at, kind) for kind, mark in ARCHIVES if (at := near.find(mark)) >= 0 and _plausible(near, at, kind)]
    if not found:
        return "", -1
    at, kind = min(found)
    return kind, start + at


def _plausible(near: bytes, at: int, kind: str) -> bool:
    """Short marks are believed only at the very begin."""
    if kind in {"gz", "zst", "squashfs", "xz"}:
        return at == 0
    return kind != "zip" or u32(near, at + 4) & 0xFF <= 63
