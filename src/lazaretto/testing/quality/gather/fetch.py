"""A package's archive, by its registry's own client. Nothing in the archive is run."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lazaretto.testing.quality.gather.listed import Package, Registry

_SECONDS = 600  # a package
_PIP = "pip==25.3"  # sdists.py replaces names of this one
_UV = Path(__file__).parents[5] / ".uv" / "bin" / "uv"  # where setup.sh puts it if the computer has none


class NotFetchedError(Exception):
    """The client said no, and with what words; or there is no such client."""


@contextmanager
def fetched(package: Package) -> Iterator[Path]:
    """The archive, which is gone afterwards. Raises NotFetchedError."""
    with tempfile.TemporaryDirectory(prefix="lazaretto-package-") as folder:
        Path(folder).chmod(0o755)  # apt fetches as a user of its own
        _fetch(package, folder)
        archives = [path for path in Path(folder).iterdir() if path.is_file()]
        if len(archives) != 1:
            raise NotFetchedError(f"{len(archives)} files came of it")
        yield archives[0]


def _fetch(package: Package, folder: str) -> None:
    try:
        _call(_command(package, folder), folder)
    except NotFetchedError:
        if package.registry is not Registry.DEBIAN:
            raise
        # Debian keeps only the newest version of a release: the list's may have been mended since.
        _call(("apt-get", "download", "-qq", package.name), folder)


def _command(package: Package, folder: str) -> Sequence[str]:
    match package.registry:
        case Registry.DEBIAN:
            return ("apt-get", "download", "-qq", f"{package.name}={package.version}")
        case Registry.PYPI:
            driver = str(Path(__file__).with_name("sdists.py"))
            pip = (_uv(), "run", "--quiet", "--no-project", "--isolated", "--with", _PIP, "python", driver)
            what = ("--no-deps", "--no-binary", ":all:", "--dest", folder, f"{package.name}=={package.version}")
            return (*pip, "download", "--quiet", *what)
        case Registry.NPM:
            return ("npm", "pack", "--silent", "--ignore-scripts", f"{package.name}@{package.version}")


def _uv() -> str:
    return shutil.which("uv") or str(_UV)


def _call(command: Sequence[str], folder: str) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False
        )
    except FileNotFoundError as error:
        raise NotFetchedError(f"there is no {command[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise NotFetchedError(f"not done after {_SECONDS} s") from error
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise NotFetchedError(lines[-1] if lines else f"{command[0]} ended with {done.returncode}")
