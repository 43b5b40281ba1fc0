"""What a program was made with, from marks that compilers leave."""

from __future__ import annotations

MOST_SEARCHED = 12 << 20

# Marks are bytes that the language's run time has in every program of it.
_MARKS: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("Go", (b"\xff Go buildinf:", b'Go build ID: "', b"runtime.goexit")),
    ("Rust", (b"/rustc/", b"rust_begin_unwind", b"rust_panic", b"core::panicking")),
    ("Nim", (b"fatal.nim", b"@m..@s..@s", b"nimFrame", b"system.nim")),
    ("Delphi or Free Pascal", (b"SOFTWARE\\Borland\\Delphi", b"Embarcadero", b"FPC ")),
    ("Visual Basic", (b"MSVBVM60.DLL",)),
    ("AutoIt", (b"AU3!EA06", b"AutoIt v3")),
    ("MinGW", (b"Mingw-w64 runtime failure", b"Mingw runtime failure")),
    ("PyInstaller", (b"MEI\x0c\x0b\x0a\x0b\x0e", b"_MEIPASS2", b"_PYI_ARCHIVE_FILE")),
    ("Nullsoft installer", (b"NullsoftInst",)),
    ("Inno Setup", (b"Inno Setup Setup Data", b"rDlPtS")),
    ("Electron", (b"electron.asar", b"ELECTRON_RUN_AS_NODE")),
)


def languages(data: bytes) -> tuple[str, ...]:
    """Names of what made it, in the order of the table. Only the first MOST_SEARCHED bytes are looked at."""
    searched = data[:MOST_SEARCHED]
    return tuple(name for name, marks in _MARKS if any(mark in searched for mark in marks))
