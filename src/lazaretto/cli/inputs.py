"""The files named on a command line: checked before anything runs, so that a typing mistake costs no time."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from lazaretto.cli.errors import WrongUsage
from lazaretto.domain.text import plain


def regular_files(paths: Iterable[Path]) -> list[Path]:
    """The same paths, each a readable regular file. Raises `WrongUsage` naming the first that is not."""
    checked = [_regular(path) for path in paths]
    if not checked:
        raise WrongUsage("no file is named", "name one: lazaretto analyze FILE")
    return checked


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
