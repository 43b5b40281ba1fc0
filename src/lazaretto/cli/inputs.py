"""The files named on a command line: checked before anything runs, so that a typing mistake costs no time."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from lazaretto.cli.errors import WrongUsage
from lazaretto.domain.text import plain


def regular_files(paths: Iterable[Path]) -> list[Path]:
    """The same paths, each a readable regular file. Raises `WrongUsage` naming the first that is not."""
    checked = [_regular(path) for path in paths]
    if not checked:
        raise WrongUsage("no file is named", "name one: lazaretto analyze FILE")
    return checked


def files_below(paths: Iterable[Path], apart: Path | None = None) -> list[Path]:
    """The files that are named, and all regular files below the folders that are, in a stable order.

    Links below a folder are not followed, and what lies in the folder `apart` is left out: results are no samples.
    Raises `WrongUsage` for a name that is nothing, and where there is no file at all.
    """
    named = list(paths)
    if not named:
        raise WrongUsage("no file is named", "name one: lazaretto analyze FILE")
    found: list[Path] = []
    for path in named:
        found += _below(path, apart.resolve() if apart else None) if path.is_dir() else [_regular(path)]
    if not found:
        raise WrongUsage(f"there is no file in {plain(str(named[0]))}", "name a folder with files, or files")
    return found


def _below(folder: Path, apart: Path | None) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if apart is None or Path(place, name).resolve() != apart)
        for name in sorted(names):
            path = Path(place, name)
            with contextlib.suppress(OSError):  # gone meanwhile
                if stat.S_ISREG(path.lstat().st_mode):
                    yield path


def new_file(path: Path) -> Path:
    """`path` as a file that can be written. Raises `WrongUsage` where it cannot be."""
    shown = plain(str(path))
    if path.is_dir():
        raise WrongUsage(f"{shown} is a folder", f"name a file: {shown.rstrip('/')}/report.html")
    if not path.parent.is_dir():
        raise WrongUsage(f"there is no folder {plain(str(path.parent))}", "make it, or name another place")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise WrongUsage(f"{shown} cannot be written by this user", "name a file in a place where you may write")
    return path


def _regular(path: Path) -> Path:
    shown = plain(str(path))
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise WrongUsage(f"there is no file {shown}", "check the name; quote names with spaces in them") from None
    except OSError as error:
        raise WrongUsage(f"{shown}: {error.strerror}", "check the name and the permissions of its folder") from None
    if stat.S_ISDIR(mode):
        raise WrongUsage(f"{shown} is a folder", f"name the files in it: {shown.rstrip('/')}/*")
    if not stat.S_ISREG(mode):
        raise WrongUsage(f"{shown} is not a file but a device, pipe or socket", "copy its content into a file first")
    if not os.access(path, os.R_OK):
        raise WrongUsage(f"{shown} may not be read by this user", "change its permissions, or run as its owner")
    return path


def out_directory(path: Path) -> Path:
    """`path` as a folder that exists, made where it does not. Raises `WrongUsage` where it cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        shown = plain(str(path))
        raise WrongUsage(f"{shown}: {error.strerror}", "name a folder in a place where you may write") from None
    return path


def replace_directory(made: Path, target: Path) -> Path:
    """Move the folder `made` to `target` on the same disk, in place of an older one; `made` is left empty."""
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    made.rename(target)
    made.mkdir()  # whoever made it will remove it
    return target
