"""What a pretended server gives for a path: harmless recorders for programs and scripts, small plausible files else.

Every program, script and archive is unique to its URL (a mark is appended where the format allows it), so that the
host recognises it by its hash when it is run later.
"""

from __future__ import annotations

import functools
import hashlib
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import elf
from .jar import jar

PROGRAM_SIZE = 64 * 1024  # programs are padded to this: droppers check that they did not get an error page


@dataclass(frozen=True, kw_only=True)
class Item:
    """A body to serve. `category` as in `messages.Http.served`; `file` is the recorder used, if any."""

    body: bytes
    media_type: str
    category: str
    file: str = ""
    members: tuple[tuple[str, str], ...] = ()

    @functools.cached_property  # hashing is what a download costs on an emulated processor
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    @property
    def recorded(self) -> bool:
        """Whether running it later must be recognised."""
        return self.category in {"program", "script", "archive"}


def mark(url: str) -> str:
    """What makes the bytes unique to a URL: 32 hexadecimal digits."""
    return hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:32]


# Comment syntax by script extension: before and after the mark.
_COMMENTS = {
    "sh": ("# ", ""), "ps1": ("# ", ""), "py": ("# ", ""), "pl": ("# ", ""), "rb": ("# ", ""), "js": ("// ", ""),
    "vbs": ("' ", ""), "bat": ("REM ", ""), "hta": ("<!-- ", " -->"), "wsf": ("<!-- ", " -->"),
    "sct": ("<!-- ", " -->"), "php": ("<?php /* ", " */ ?>"), "lua": ("-- ", ""),
}  # fmt: skip
_SCRIPT_ALIASES = {
    "cmd": "bat", "psm1": "ps1", "psd1": "ps1", "bash": "sh", "jse": "js", "mjs": "js", "vbe": "vbs", "vb": "vbs",
    "pyw": "py", "xsl": "sct", "command": "sh", "ksh": "sh",
}  # fmt: skip
_SCRIPT_TYPES = {"js": "text/javascript", "hta": "application/hta", "sh": "text/x-sh", "py": "text/x-python"}

# Written here in case the folder of decoys holds none.
_SCRIPTS = {
    "sh": "#!/bin/sh\nexit 0\n",
    "ps1": "$null = 0\n",
    "py": "#!/usr/bin/env python3\npass\n",
    "pl": "#!/usr/bin/perl\nexit 0;\n",
    "rb": "#!/usr/bin/env ruby\nexit 0\n",
    "js": "(function () { var done = true; })();\n",
    "vbs": "Option Explicit\r\nDim done\r\ndone = True\r\n",
    "bat": "@echo off\r\nexit /b 0\r\n",
    "hta": "<html><head><title>Document</title></head><body></body></html>\r\n",
    "wsf": "<job><script language=\"JScript\">var done = true;</script></job>\r\n",
    "sct": "<?xml version=\"1.0\"?>\r\n<scriptlet></scriptlet>\r\n",
    "php": "<?php exit(0); ?>\n",
    "lua": "return 0\n",
}  # fmt: skip

_PROGRAMS = {
    "exe": "recorder32.exe", "scr": "recorder32.exe", "com": "recorder32.exe", "pif": "recorder32.exe",
    "dll": "recorder32.dll", "ocx": "recorder32.dll", "cpl": "recorder32.dll", "sys": "recorder64.exe",
    "msi": "recorder.msi", "elf": "recorder.elf", "so": "recorder.elf", "jar": "recorder.jar",
}  # fmt: skip
_ARCHIVES = {
    "zip": "application/zip", "rar": "application/zip", "7z": "application/zip", "cab": "application/zip",
    "nupkg": "application/zip", "apk": "application/vnd.android.package-archive", "xpi": "application/x-xpinstall",
}  # fmt: skip

# What a loader for many architectures asks for, and the recorder for it. Longest names first.
_ARCHITECTURES = {
    "x86_64": "recorder.elf", "x86-64": "recorder.elf", "amd64": "recorder.elf", "aarch64": "recorder-aarch64.elf",
    "arm64": "recorder-aarch64.elf", "mipsel": "recorder-mipsel.elf", "mpsl": "recorder-mipsel.elf",
    "mips": "recorder-mips.elf", "powerpc": "recorder-ppc.elf", "ppc": "recorder-ppc.elf",
    "armv7l": "recorder-arm.elf", "armv6l": "recorder-arm.elf", "armv5l": "recorder-arm.elf",
    "armv4l": "recorder-arm.elf", "arm7": "recorder-arm.elf", "arm6": "recorder-arm.elf", "arm5": "recorder-arm.elf",
    "arm": "recorder-arm.elf", "i686": "recorder32.elf", "i586": "recorder32.elf", "i486": "recorder32.elf",
    "i386": "recorder32.elf", "x86": "recorder32.elf", "x32": "recorder32.elf",
}  # fmt: skip
_ARCHITECTURE = re.compile(r"(?:^|[._-])(" + "|".join(map(re.escape, _ARCHITECTURES)) + r")(?:$|[._-])", re.IGNORECASE)

_SETUP_NAMES = {"install", "setup", "init", "run", "bootstrap", "script", "sh", "get", "update", "start", "load"}
_SERVER_SIDE = {"php", "asp", "aspx", "jsp", "cgi", "do", "action", "ashx", "htm", "html", "shtml", "cfm"}
_TOOLS = ("curl/", "wget", "busybox", "fetch", "libwww", "python", "go-http", "aria2")


def _png(width: int = 64, height: int = 64) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    row = b"\0" + b"".join(bytes((40 + 2 * x, 90, 200 - x)) for x in range(width))
    header = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(row * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _gif() -> bytes:
    return b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"


def _icon() -> bytes:
    image = _png(16, 16)
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 24, len(image), 22) + image


def _bitmap(width: int = 32, height: int = 32) -> bytes:
    pixels = bytes((180, 120, 60)) * (width * height)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + header + pixels


def _pdf(text: str = "Document") -> bytes:
    stream = f"BT /F1 18 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Font << /F1 5 0 R >> >>",
    )
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 7\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size 7 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(out)


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 3, 15, 10, 12, 4)), data)
    return buffer.getvalue()


def _docx() -> bytes:
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    package = "http://schemas.openxmlformats.org/package/2006"
    document = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    return _zip(
        {
            "[Content_Types].xml": f'{head}<Types xmlns="{package}/content-types"><Default Extension="rels" '
            f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override '
            f'PartName="/word/document.xml" ContentType="{main}"/></Types>'.encode(),
            "_rels/.rels": f'{head}<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
            f'Type="{document}" Target="word/document.xml"/></Relationships>'.encode(),
            "word/document.xml": f'{head}<w:document xmlns:w="{word}"><w:body><w:p><w:r><w:t>Document</w:t></w:r>'
            f"</w:p></w:body></w:document>".encode(),
        }
    )


_RTF = rb"{\rtf1\ansi\deff0{\fonttbl{\f0 Arial;}}\f0\fs24 Document\par}"
_Maker = Callable[[], bytes]
_PLAIN: dict[str, tuple[str, str, _Maker]] = {
    "png": ("image/png", "image", _png),
    "gif": ("image/gif", "image", _gif),
    "ico": ("image/x-icon", "image", _icon),
    "bmp": ("image/bmp", "image", _bitmap),
    "svg": ("image/svg+xml", "image", lambda: b'<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16"/>\n'),
    "pdf": ("application/pdf", "document", _pdf),
    "rtf": ("application/rtf", "document", lambda: _RTF),
    "doc": ("application/msword", "document", lambda: _RTF),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "document", _docx),
    "dotm": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "document", _docx),
    "txt": ("text/plain; charset=utf-8", "text", lambda: b"OK\n"),
    "log": ("text/plain; charset=utf-8", "text", lambda: b"OK\n"),
    "csv": ("text/csv", "text", lambda: b"id,name,value\n1,alpha,10\n2,beta,20\n"),
    "json": ("application/json", "json", lambda: b'{"status":"ok","version":"1.0.3","data":[]}\n'),
    "xml": ("application/xml", "text", lambda: b'<?xml version="1.0" encoding="UTF-8"?>\n<response status="ok"/>\n'),
    "css": ("text/css", "text", lambda: b"body{margin:0;font-family:sans-serif}\n"),
    "dat": ("application/octet-stream", "data", lambda: bytes(range(256)) * 16),
    "bin": ("application/octet-stream", "data", lambda: bytes(range(256)) * 16),
}


@functools.cache
def _plain(extension: str) -> Item:
    media, category, make = _PLAIN[extension]
    return Item(body=make(), media_type=media, category=category)


def page(host: str) -> Item:
    """A plausible start page."""
    title = re.sub(r"[^a-z0-9.-]", "", host.lower()).removeprefix("www.") or "Welcome"
    body = (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f'<link rel="stylesheet" href="/style.css">\n</head>\n<body>\n<h1>{title}</h1>\n'
        f'<p>Welcome. This site is being updated, please come back soon.</p>\n<p><a href="/contact.html">Contact</a>'
        f"</p>\n</body>\n</html>\n"
    )
    return Item(body=body.encode(), media_type="text/html; charset=utf-8", category="page")


def text(body: str, media_type: str = "text/plain; charset=utf-8", category: str = "text") -> Item:
    """A short text."""
    return Item(body=body.encode(), media_type=media_type, category=category)


def architecture(name: str) -> str:
    """The recorder for a file name that ends in an architecture (`bins/mips`, `bot.arm7`), "" if it names none."""
    found = _ARCHITECTURE.search(name)
    return _ARCHITECTURES[found[1].lower()] if found else ""


class Shelf:
    """The recorders, read once from their folder, and the decision what to give."""

    def __init__(self, folder: Path | None) -> None:
        self._files = {name: elf.program(target) for name, target in elf.TARGETS.items()}
        self._files["recorder.jar"] = jar()
        if folder is not None and folder.is_dir():
            self._files |= {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
        # What the padding of programs consists of: neither zeros nor random (which would look packed).
        self._padding = b"".join(struct.pack("<I", number * 2654435761 % 65536) for number in range(PROGRAM_SIZE // 4))

    def pick(self, path: str, url: str, host: str, *, agent: str = "", accept: str = "", api: bool = False) -> Item:
        """What to give for `path` (decoded, without query). `api`: the request carried JSON or the like."""
        name = path.rsplit("/", 1)[-1]
        extension = name.rsplit(".", 1)[-1].lower() if "." in name[1:] else ""
        known = self._by_extension(name, extension, url)
        if known is not None:
            return known
        found = architecture(name)
        if found:
            return self.program(found, url)
        if api or "json" in accept or "/api" in path:
            return _plain("json")
        if extension in _SERVER_SIDE or path in {"", "/"} or not name:
            return page(host)
        if not extension and agent.lower().startswith(_TOOLS):
            return self.script("sh", url) if name.lower() in _SETUP_NAMES else self.program("recorder.elf", url)
        if extension and re.fullmatch(r"[a-z0-9]{1,5}", extension):
            return _plain("bin")
        return page(host)

    def _by_extension(self, name: str, extension: str, url: str) -> Item | None:
        if extension in _PROGRAMS:
            file = _PROGRAMS[extension]
            wide = re.search(r"(?:x|win|amd)64|64[_-]?bit|64\.", name, re.IGNORECASE)
            return self.program(file.replace("32.", "64.") if wide else file, url)
        script = _SCRIPT_ALIASES.get(extension, extension)
        if script in _SCRIPTS and script != "php":
            return self.script(script, url)
        if extension in _ARCHIVES:
            return self.archive(name, extension, url)
        if extension in {"jpg", "jpeg"}:
            return Item(body=self._files.get("picture.jpg", _png()), media_type="image/jpeg", category="image")
        if extension in _PLAIN and extension != "bin":
            return _plain(extension)
        return None

    def program(self, file: str, url: str) -> Item:
        """A recorder program with the URL's mark behind its end, where no loader looks."""
        raw = self._files.get(file)
        if raw is None:
            raw = self._files.get("recorder32.exe" if file.endswith(("exe", "dll", "msi")) else "recorder.elf", b"")
        if file.endswith(".jar"):
            # The end of a zip holds its directory: the mark goes into the archive's comment instead.
            note = mark(url).encode()
            body = raw[:-2] + struct.pack("<H", len(note)) + note
        else:
            padding = self._padding[: max(0, PROGRAM_SIZE - len(raw))]
            body = raw + padding + mark(url).encode()
        media = "application/x-msdownload" if file.endswith(("exe", "dll")) else "application/octet-stream"
        return Item(body=body, media_type=media, category="program", file=file)

    def script(self, kind: str, url: str) -> Item:
        """A script that does nothing, with the URL's mark in a comment."""
        file = f"recorder.{kind}"
        raw = self._files.get(file, _SCRIPTS[kind].encode())
        before, after = _COMMENTS[kind]
        newline = b"\r\n" if b"\r\n" in raw else b"\n"
        body = raw.rstrip() + newline + f"{before}{mark(url)}{after}".encode() + newline
        return Item(body=body, media_type=_SCRIPT_TYPES.get(kind, "text/plain"), category="script", file=file)

    def archive(self, name: str, extension: str, url: str) -> Item:
        """A zip archive with a recorder inside, named after the archive."""
        stem = re.sub(r"[^A-Za-z0-9._-]", "_", name.rsplit(".", 1)[0])[:64] or "setup"
        program = self.program("recorder32.exe", url)
        members = {f"{stem}.exe": program, "readme.txt": text("Run the program to install.\r\n")}
        return Item(
            body=_zip({member: item.body for member, item in members.items()}),
            media_type=_ARCHIVES[extension],
            category="archive",
            file=program.file,
            members=tuple((member, item.sha256) for member, item in members.items()),
        )
