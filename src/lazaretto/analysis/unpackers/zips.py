"""ZIP and what is made of it: JAR, APK, wheels, browser extensions, app packages, books.

Read by the structures themselves (PKWARE APPNOTE 6.3.10; WinZip AE-1/AE-2) and not by a library, because what matters
here are the files that are not as they should be: a directory that is missing, lies, or leaves members out.
"""

from __future__ import annotations

from collections.abc import Iterator

from lazaretto.analysis.engine import Engine, Output, Subject
from lazaretto.analysis.unpackers._unpacking import MOST_OUTPUT

_OPENS = frozenset({"zip", "jar", "apk", "wheel", "browser-extension", "appx", "epub", "nuget", "python-sdist-zip"})

ENGINE = Engine(
    name="unpack-zip",
    version="1",
    module="lazaretto.analysis.unpackers.zips",
    wants=lambda kind: kind.name in _OPENS,
    sees="the files in ZIP archives and the formats made of them, also encrypted, damaged or hidden ones",
    loads=(
        "Cryptodome.Cipher._mode_ctr",
        "inflate64",
        "pyppmd",
        "backports.zstd",
        "lazaretto.analysis.unpackers._zip.opening",
        "lazaretto.analysis.unpackers._zip.ciphers",
        "lazaretto.analysis.unpackers._zip.methods",
    ),
    seconds=40.0,
    output=MOST_OUTPUT,
    essential=True,
)


def examine(subject: Subject) -> Iterator[Output]:
    from lazaretto.analysis.unpackers._zip.opening import unpack  # noqa: PLC0415  only in the cage

    return unpack(subject)
