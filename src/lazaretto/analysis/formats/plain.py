"""Formats known by a mark at or near the beginning: documents, images, shortcuts, sound."""

from __future__ import annotations

import re

from lazaretto.analysis.formats.types import FileType, of

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x4c\0\0\0\x01\x14\x02\0", "lnk"),
    (b"{\\rt", "rtf"),  # readers take "{\rt" for "{\rtf1", and attackers know it
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "onenote"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"\0\0\x01\0", "ico"),
    (b"\0\0\x02\0", "ico"),
    (b"SQLite format 3\0", "sqlite"),
    (b"FWS", "swf"),
    (b"CWS", "swf"),
    (b"ZWS", "swf"),
    (b"\0\1\0\0Standard Jet DB\0", "access"),
    (b"\0\1\0\0Standard ACE DB\0", "access"),
    (b"AT&TFORM", "djvu"),
    (b"8BPS", "psd"),
    (b"regf", "registry-hive"),
    (b"ElfFile\0", "event-log"),
    (b"\xd4\xc3\xb2\xa1", "capture"),
    (b"\xa1\xb2\xc3\xd4", "capture"),
    (b"\x0a\x0d\x0d\x0a", "capture"),
    (b"MDMP", "dump"),
    (b"PAGEDU", "dump"),
    (b"FasdUAS ", "applescript"),
    (b"d8:announce", "torrent"),
    (b"%!PS", "postscript"),
    (b"\xc5\xd0\xd3\xc6", "postscript"),
    (b"ID3", "audio-video"),
    (b"fLaC", "audio-video"),
    (b"OggS", "audio-video"),
    (b"\x1a\x45\xdf\xa3", "audio-video"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "audio-video"),
    (b"\0\x01\0\0\0", "font"),
    (b"OTTO", "font"),
    (b"wOFF", "font"),
    (b"wOF2", "font"),
    (b"#@~^", "script-encoded"),
)
_RIFF = {b"WEBP": "webp", b"AVI ": "audio-video", b"WAVE": "audio-video"}
# Marks of active parts of a PDF, in plain text or with the usual #xx spelling of one letter.
_PDF_ACTIVE = re.compile(rb"/(?:J(?:ava)?S(?:cript)?|Launch|OpenAction|AA|EmbeddedFile|RichMedia|XFA)\b")


def marked(data: bytes) -> FileType | None:  # noqa: PLR0911 (one return a format reads best)
    """The type of a file with a mark of its own, or None."""
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return of(name)
    if data[:4] == b"RIFF" and data[8:12] in _RIFF:
        return of(_RIFF[data[8:12]])
    if data[4:8] == b"ftyp":
        return of("heic" if data[8:12] in {b"heic", b"heix", b"mif1", b"avif", b"heif"} else "audio-video")
    if data[:2] == b"BM" and data[6:10] == b"\0\0\0\0" and len(data) > 26:
        return of("bmp")
    if data[:1] in b"\xff" and data[1:2] in {b"\xfb", b"\xf3", b"\xf2"}:
        return of("audio-video")
    if len(data) > 8 and data[2:4] == b"\r\n" and data[:1] not in b" \t#" and data[1] in {0x0A, 0x0B, 0x0C, 0x0D}:
        return of("python-compiled")
    # Readers accept a PDF header anywhere in the first 1024 bytes.
    if b"%PDF-" in data[:1024]:
        return of("pdf", *(("active",) if _PDF_ACTIVE.search(data[: 1 << 20]) else ()))
    return None
