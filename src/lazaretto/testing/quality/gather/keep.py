"""Gathering: each package of the list once, its files into FOLDER/REGISTRY/KIND, and what came of it into a list."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from lazaretto.testing.quality.gather.fetch import NotFetchedError, fetched
from lazaretto.testing.quality.gather.listed import Package
from lazaretto.testing.quality.gather.take import Taken, take

_LIST = "gathered.jsonl"


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """A gathered file: its path in the folder, and the path it had in its package."""

    file: str
    path: str


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a package."""

    package: str  # its key
    archive: str = ""  # its name, which has the version that was had
    files: tuple[Origin, ...] = ()
    trouble: str = ""  # why nothing was gathered


def gather(packages: Sequence[Package], folder: Path, tell: Callable[[str], None]) -> list[Gathered]:
    """Fetches what was not gathered yet; what failed is tried again. All outcomes, in the order of the list."""
    folder.mkdir(parents=True, exist_ok=True)
    known = {one.package: one for one in gathered(folder) if not one.trouble}
    for package in packages:
        if package.key in known:
            continue
        one = _one(package, folder)
        tell(f"{package.key}: {one.trouble or f'{len(one.files)} files'}")
        known[package.key] = one
        _write(folder, known.values())
    return [known[package.key] for package in packages]


def gathered(folder: Path) -> list[Gathered]:
    """What is in the folder. Empty if nothing was gathered."""
    path = folder / _LIST
    return (
        [msgspec.json.decode(line, type=Gathered) for line in path.read_bytes().splitlines()] if path.exists() else []
    )


def _write(folder: Path, outcomes: Iterable[Gathered]) -> None:
    fresh = folder / f"{_LIST}.new"
    fresh.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in outcomes))
    fresh.replace(folder / _LIST)


def _one(package: Package, folder: Path) -> Gathered:
    try:
        with fetched(package) as archive:
            files = tuple(_kept(package, taken, folder) for taken in take(archive, package.mails))
            name = archive.name
    except (NotFetchedError, tarfile.TarError, zipfile.BadZipFile, OSError, EOFError) as error:
        return Gathered(package=package.key, trouble=str(error)[:300] or type(error).__name__)
    return Gathered(package=package.key, archive=name, files=files)


def _kept(package: Package, taken: Taken, folder: Path) -> Origin:
    name = hashlib.sha256(taken.content).hexdigest() + taken.ending
    path = folder / package.registry / taken.kind / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(taken.content)
    path.chmod(0o444)
    return Origin(file=str(path.relative_to(folder)), path=taken.path)


def origins(folder: Path) -> dict[str, str]:
    """The name of each gathered file to its package and path there; the first one, if several packages have it."""
    named: dict[str, str] = {}
    for one in gathered(folder):
        for file in one.files:
            named.setdefault(Path(file.file).name, f"{one.package}: {file.path}")
    return named


def remarks(packages: Sequence[Package], folder: Path) -> list[str]:
    """What who reads a number of gathered files must know: what is not there, and what is not an ordinary document."""
    known = {one.package: one for one in gathered(folder)}
    if not known:
        return ["nothing was gathered: documents, mails and Windows programs of packages are not counted"]
    missing = [f"{one.registry} {one.name}" for one in packages if one.key not in known or known[one.key].trouble]
    others = [
        f"{one.registry} {one.name} was gathered as `{known[one.key].archive}`, not as {one.version}"
        for one in packages
        if one.key in known and not _of_version(known[one.key].archive, one.version)
    ]
    odd = [
        f"{one.registry} {one.name}: {one.odd}"
        for one in packages
        if one.odd and one.key in known and known[one.key].files
    ]
    return [*([f"not gathered: {', '.join(missing)}"] if missing else []), *others, *odd]


def _of_version(archive: str, version: str) -> bool:
    return not archive or version.rpartition(":")[2] in archive  # the epoch is written otherwise in a name
