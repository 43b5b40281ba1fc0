"""A folder of Sigma rules, read once: what was made of the texts is kept under their hash.

Kept sets are records in MessagePack in the user's cache folder; nothing in them is code, and one that cannot be read is
made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

import msgspec

from lazaretto.analysis.sigma import correlating, reading
from lazaretto.analysis.sigma.channels import CHANNELS
from lazaretto.analysis.sigma.model import Correlation, Refusal, Rule, RuleSet
from lazaretto.analysis.sigma.ruleset import Sigma
from lazaretto.domain.errors import CatalogueError

_ENDINGS = frozenset({".yml", ".yaml"})
_MOST_FILES = 100_000
_MOST_KEPT = 8  # sets in the cache

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(RuleSet)

Texts = list[tuple[str, bytes]]


def load(folder: Path, *, cache: Path | None = None) -> Sigma:
    """The rules of a folder and all below it. `cache`: where sets are kept. Raises `CatalogueError`."""
    texts = _texts(folder)
    digest = _digest(texts)
    kept = cache / f"{digest}.rules" if cache else None
    rules = _kept(kept) if kept else None
    if rules is None:
        rules = compiled(texts)
        if kept:
            _keep(kept, rules)
    return Sigma(rules, digest[:16])


def default_cache() -> Path:
    """`$XDG_CACHE_HOME/lazaretto/sigma`, by default below `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lazaretto" / "sigma"


def compiled(texts: Texts) -> RuleSet:
    """All that these files (name, content) hold, in their order."""
    rules: list[Rule] = []
    correlations: list[Correlation] = []
    refused: list[Refusal] = []
    ids: dict[str, str] = {}
    for name, content in texts:
        for one in _read(name, content):
            if isinstance(one, Refusal):
                refused.append(one)
                continue
            if one.about.id in ids:
                refused.append(_twice(one, ids[one.about.id]))
                continue
            if one.about.id:
                ids[one.about.id] = name
            if isinstance(one, Rule):
                rules.append(one)
            else:
                correlations.append(one)
    usable, lacking = correlating.resolved(correlations, rules)
    return RuleSet(rules=tuple(rules), correlations=usable, refused=(*refused, *lacking))


def _read(name: str, content: bytes) -> list[Rule | Correlation | Refusal]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return [Refusal(file=name, line=0, problem="is not UTF-8", remedy="store it as UTF-8", broken=True)]
    return list(reading.read(name, text))


def _twice(one: Rule | Correlation, other: str) -> Refusal:
    about = one.about
    return Refusal(
        file=about.file, line=about.line, title=about.title, id=about.id,
        problem=f"id {about.id} is already in {other}", broken=True,
        remedy="give one of the two another id, or take it away",
    )  # fmt: skip


def _texts(folder: Path) -> Texts:
    """Names below the folder and contents, in order of the names."""
    try:
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS and path.is_file())
        if not files:
            raise CatalogueError(str(folder), 0, "", "", "has no .yml or .yaml files")
        if len(files) > _MOST_FILES:
            raise CatalogueError(str(folder), 0, "", "", f"has {len(files):,} files of rules, too many")
        return [(path.relative_to(folder).as_posix(), path.read_bytes()) for path in files]
    except OSError as error:
        raise CatalogueError(str(error.filename or folder), 0, "", "", f"cannot be read: {error.strerror}") from error


def _digest(texts: Texts) -> str:
    """Of the texts, of what reading makes of them, and of the log sources as they are known now."""
    shape = [reading.VERSION, *(f"{name}:{','.join(one.fields)}" for name, one in sorted(CHANNELS.items()))]
    whole = hashlib.sha256("\n".join(shape).encode())
    for name, content in texts:
        whole.update(f"\0{name}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()


def _kept(path: Path) -> RuleSet | None:
    try:
        return _decoder.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None


def _keep(path: Path, rules: RuleSet) -> None:
    """Best effort: a cache that cannot be written costs time and nothing else."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(_encoder.encode(rules))
        Path(file.name).replace(path)
        old = sorted(path.parent.glob("*.rules"), key=lambda one: one.stat().st_mtime)
        for one in old[:-_MOST_KEPT]:
            one.unlink(missing_ok=True)
