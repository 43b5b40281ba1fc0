"""Benign material, on a Debian computer anyway or gathered: collections of files, each by where it comes from.

What is not installed or was not gathered is an empty collection, and the table says so. Nothing is fetched here.
Symbolic links and repeated contents are left out, so that a number counts different files.
"""

from __future__ import annotations

import hashlib
import os
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lazaretto.testing.quality.gather.listed import Registry
from lazaretto.testing.quality.gather.take import Kind

MOST_SIZE = 16 << 20  # bytes


@dataclass(frozen=True)
class Collection:
    """Files of one origin; `wanted` is asked with the path and the first bytes."""

    name: str
    roots: tuple[str, ...]
    wanted: Callable[[Path, bytes], bool]

    def files(self, most: int) -> list[Path]:
        """At most `most` of them, spread evenly over all that there are, sorted."""
        found = sorted(set(self._found()))
        once = list(_different(found))
        step = max(len(once) / most, 1.0) if most else 1.0
        return [once[int(number * step)] for number in range(int(len(once) / step))]

    def _found(self) -> Iterator[Path]:
        for root in self.roots:
            for folder, _, names in os.walk(root):
                for name in names:
                    path = Path(folder, name)
                    if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_SIZE:
                        continue
                    try:
                        with path.open("rb") as file:
                            head = file.read(8)
                    except OSError:
                        continue
                    if self.wanted(path, head):
                        yield path


def _different(paths: Iterable[Path]) -> Iterator[Path]:
    seen = set()
    for path in paths:
        digest = hashlib.sha256(path.read_bytes()).digest()
        if digest not in seen:
            seen.add(digest)
            yield path


def _ends(*endings: str) -> Callable[[Path, bytes], bool]:
    return lambda path, _: path.name.lower().endswith(endings)


def _elf(_: Path, head: bytes) -> bool:
    return head[:4] == b"\x7fELF"


def _script(_: Path, head: bytes) -> bool:
    return head[:2] == b"#!"


def _windows(_: Path, head: bytes) -> bool:
    return head[:2] == b"MZ"


def _maintainer(path: Path, _: bytes) -> bool:
    return path.suffix in {".preinst", ".postinst", ".prerm", ".postrm"}


_PACKAGES = sysconfig.get_paths()["purelib"]
_MINGW = ("/usr/x86_64-w64-mingw32", "/usr/i686-w64-mingw32")
_OFFICE = (
    ".pdf", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".ott", ".ots", ".otp", ".otg", ".doc", ".xls", ".ppt",
    ".rtf",
)  # fmt: skip
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".gz", ".xz", ".bz2", ".cab", ".7z")
_NODE = ("/usr/share/nodejs", "/usr/lib/node_modules", "/usr/share/javascript", "/usr/share/doc")

COLLECTIONS = (
    Collection("programs of /usr/bin and /usr/sbin", ("/usr/bin", "/usr/sbin"), _elf),
    Collection("scripts of /usr/bin and /usr/sbin", ("/usr/bin", "/usr/sbin"), _script),
    Collection("libraries of the system", ("/usr/lib/x86_64-linux-gnu",), _elf),
    Collection("maintainer scripts of the installed packages", ("/var/lib/dpkg/info",), _maintainer),
    Collection("Windows programs and libraries", ("/usr/lib", "/usr/share", _PACKAGES, *_MINGW), _windows),
    Collection("Python modules", (_PACKAGES, "/usr/lib/python3"), _ends(".py")),
    Collection("JavaScript", _NODE, _ends(".js", ".mjs")),
    Collection(
        "packages of PyPI, npm, Java and Debian",
        ("/usr/share", "/root/.cache", "/var/cache/apt"),
        _ends(".whl", ".tgz", ".jar", ".deb"),
    ),
    Collection("documents, templates and PDFs", ("/usr/share", "/usr/lib/libreoffice", _PACKAGES), _ends(*_OFFICE)),
    Collection("archives", ("/usr/share", "/usr/lib"), _ends(*_ARCHIVES)),
    Collection("pages and pictures with markup", ("/usr/share",), _ends(".html", ".htm", ".svg")),
)


def _every(_: Path, __: bytes) -> bool:
    return True


def gathered(folder: Path) -> tuple[Collection, ...]:
    """The collections of what `gather` left in the folder."""
    debian = folder / Registry.DEBIAN
    others = (folder / Registry.PYPI, folder / Registry.NPM)

    def of(name: str, kind: Kind, *places: Path) -> Collection:
        return Collection(name, tuple(str(place / kind) for place in places), _every)

    return (
        of("office files of Debian packages", Kind.OFFICE, debian),
        of("office files of sdists and npm packages", Kind.OFFICE, *others),
        of("PDFs of Debian packages", Kind.PDF, debian),
        of("PDFs of sdists and npm packages", Kind.PDF, *others),
        of("mails of all packages", Kind.MAIL, debian, *others),
        of("Windows programs of all packages", Kind.PROGRAM, debian, *others),
    )
