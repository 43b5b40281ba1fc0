"""What a path of the guest is: how its user writes it, and what it is on that machine."""

from __future__ import annotations

import ntpath
import posixpath
from dataclasses import dataclass, replace
from typing import Final

from lazaretto.sandbox.account.autostart import file_mechanism
from lazaretto.sandbox.account.manifest import GuestManifest, PathSet, PathTable
from lazaretto.sandbox.account.text import clean

_CACHE: Final = 50_000


@dataclass(slots=True, frozen=True)
class Place:
    """One path, judged once."""

    path: str  # in the guest's file system, cleaned
    shown: str  # as the guest's user would write it
    noise: bool  # loaders and runtimes read it for every program
    host: bool  # the program that opens documents keeps it for itself
    scratch: bool  # Wine's server keeps shared memory there
    helper: bool  # a program that the machine starts beside others
    builtin: bool  # one of Wine's own modules
    canary: str  # which decoy, or ""
    mechanism: str  # by which the system or session starts what is there by itself, or ""
    program: str  # the system program whose arguments matter, or ""
    standin: bool  # that program is a recording stand-in


class PathMap:
    """Paths as the kernel gives them -> `Place`, by the manifest."""

    def __init__(self, manifest: GuestManifest) -> None:
        self._noise = PathSet(manifest.noise)
        self._builtin = PathSet(manifest.builtin, ignore_case=bool(manifest.drives))
        self._host = PathSet(manifest.host_files)
        self._scratch = PathSet(manifest.scratch)
        self._helpers = PathSet(manifest.helpers, ignore_case=True)
        self._canaries = PathTable(manifest.canaries, ignore_case=bool(manifest.drives))
        self._standins = PathTable(manifest.standins, ignore_case=bool(manifest.drives))
        self._programs = PathTable(manifest.programs, ignore_case=bool(manifest.drives))
        self._drives = sorted(((d.root.rstrip("/"), d.windows) for d in manifest.drives), key=lambda d: -len(d[0]))
        self._cache: dict[tuple[bytes, bool], Place] = {}

    def place(self, path: bytes, windows: bool) -> Place:
        """`windows`: whether the process that names it is a Windows program (only those see the root as a drive)."""
        found = self._cache.get((path, windows))
        if found is None:
            if len(self._cache) >= _CACHE:
                self._cache.clear()
            found = self._cache[path, windows] = self._judge(clean(path), windows)
        return found

    def _judge(self, path: str, windows: bool) -> Place:
        standin = self._standins.get(path)
        shown = self._shown(path, windows)
        return Place(
            path=path,
            shown=shown,
            noise=path in self._noise,
            host=path in self._host,
            scratch=path in self._scratch,
            helper=path in self._helpers,
            builtin=path in self._builtin,
            canary=self._canaries.get(path),
            program=standin or self._programs.get(path),
            standin=bool(standin),
            mechanism=file_mechanism(path, shown),
        )

    def _shown(self, path: str, windows: bool) -> str:
        for root, drive in self._drives:
            if (path == root or path.startswith(root + "/")) and (root or (windows and path.startswith("/"))):
                return drive + (path[len(root) :].replace("/", "\\") or "\\")
        return path

    def absolute(self, path: str, directory: str) -> str:
        """A path as a program gave it (Linux or Windows), made absolute against its working directory."""
        if path.startswith("/"):
            return posixpath.normpath(path)
        if directory.startswith("/"):
            return posixpath.normpath(posixpath.join(directory, path))
        return ntpath.normpath(ntpath.join(directory or "C:\\", path.removeprefix("\\??\\").removeprefix("\\\\?\\")))

    def of_windows(self, path: str, directory: str = "") -> Place:
        """The place of a Windows path as a program wrote it. Case is kept: the guest's own is not known here."""
        shown = self.absolute(path.replace("/", "\\"), directory if not directory.startswith("/") else "")
        folded = shown.casefold()
        for root, drive in self._drives:
            if folded.startswith(drive.casefold() + "\\"):
                linux = root + shown[len(drive) :].replace("\\", "/")
                judged = self.place(linux.encode("utf-8", "replace"), True)
                return replace(judged, shown=clean(shown))
        shown = clean(shown)
        return Place(
            path=shown, shown=shown, noise=False, host=False, scratch=False, helper=False, builtin=False, canary="",
            mechanism="", program="", standin=False,
        )  # fmt: skip
