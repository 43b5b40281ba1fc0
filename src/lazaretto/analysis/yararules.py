"""YARA rules: the program's own (`catalogue/yara/`) and a folder of the user's, compiled once on the host.

A rule says in its `meta` what a match means. Of the program's own all of these are there; a user's rule may have any:

    title, explanation, benign, malicious      the four texts
    weight                                     informational, weak, moderate, strong, decisive; unknown: weak
    family                                     as in `domain.evidence.Family`; unknown: execution
    techniques                                 ATT&CK ids, separated by commas
    description, author, reference             shown where there are no texts
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lazaretto.analysis.engine import Brought, short
from lazaretto.analysis.findings import Meaning
from lazaretto.analysis.rulefiles import default_folder
from lazaretto.domain.errors import CatalogueError, SettingsError
from lazaretto.domain.evidence import Family, Weight

if TYPE_CHECKING:
    import yara_x

OWN = "own"  # namespace of the program's own rules
_SUFFIXES = {".yar", ".yara"}
_WEIGHTS: Mapping[str, Weight] = {weight.value: weight for weight in Weight}
_FAMILIES: Mapping[str, Family] = {family.value: family for family in Family}


def finding_id(namespace: str, rule: str) -> str:
    """The id of the finding that a match of this rule is."""
    plain = rule.lower().replace("_", "-")
    return f"yara-{plain}" if namespace == OWN else f"yara-user-{namespace}-{plain}"


def compiled(folder: str = "", own: Path | None = None) -> Brought:
    """The rules of the catalogue and of the user's `folder`, serialized for the warden, with what matches mean.

    Raises `CatalogueError` with file and line of the first mistake, `SettingsError` if the folder cannot be read.
    """
    made = _compiled(
        [(file, namespace, _text(file)) for file, namespace in _files(own or default_folder() / "yara", folder)]
    )
    if isinstance(made, CatalogueError):
        raise made
    return made


def _compiled(sources: Iterable[tuple[Path, str, str]]) -> Brought | CatalogueError:
    """Gives the mistake instead of raising it: an error keeps what its function held, and a compiler may not be thrown
    away by another thread than its own."""
    import yara_x  # noqa: PLC0415  a large library, not needed before the first file

    compiler = yara_x.Compiler()
    compiler.enable_includes(False)
    digest = hashlib.sha256()
    for file, namespace, text in sources:
        digest.update(f"{namespace}\0{len(text)}\0{text}".encode())
        compiler.new_namespace(namespace)
        try:
            compiler.add_source(text, origin=str(file))
        except yara_x.CompileError as error:
            return _mistake(file, compiler.errors(), str(error))
    rules = compiler.build()
    stream = io.BytesIO()
    rules.serialize_into(stream)
    meanings = {meaning.id: meaning for meaning in map(_meaning, rules)}
    return Brought(stream.getvalue(), digest.hexdigest()[:12], meanings)


def _files(own: Path, folder: str) -> Iterator[tuple[Path, str]]:
    """Each file with its namespace: the program's own share one, each of the user's has its own."""
    yield from ((file, OWN) for file in _in(own))
    if folder:
        if not Path(folder).is_dir():
            raise SettingsError(f"[yara] rules: {folder} is not a folder")
        yield from ((file, "-".join(file.relative_to(folder).with_suffix("").parts)) for file in _in(Path(folder)))


def _in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix in _SUFFIXES and file.is_file())


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise CatalogueError(str(file), 0, "", "", error.strerror or "cannot be read") from error
    except UnicodeDecodeError as error:
        raise CatalogueError(str(file), 0, "", "", "is not UTF-8") from error


def _mistake(file: Path, errors: Iterable[Mapping[str, Any]], raised: str) -> CatalogueError:
    first = next(iter(errors), None)
    if first is None:
        return CatalogueError(str(file), 0, "", "", raised)
    labels = " - ".join(str(label["text"]) for label in first.get("labels", []) if label.get("text"))
    return CatalogueError(str(file), int(first["line"]), "", "", f"{first['title']}{f': {labels}' if labels else ''}")


def _meaning(rule: yara_x.Rule) -> Meaning:
    said = {str(name): str(value).strip() for name, value in rule.metadata}
    title = said.get("title") or said.get("description") or f"The rule {rule.identifier} matches"
    source = ", ".join(said[name] for name in ("author", "reference") if said.get(name))
    return Meaning(
        id=finding_id(rule.namespace, rule.identifier),
        title=short(title),
        explanation=said.get("explanation")
        or short(f"The rule {rule.identifier} of the file {rule.namespace} matches{f' ({source})' if source else ''}."),
        benign_cause=said.get("benign") or "The rule does not say.",
        malicious_cause=said.get("malicious") or "The rule does not say.",
        weight=_WEIGHTS.get(said.get("weight", "").lower(), Weight.WEAK),
        family=_FAMILIES.get(said.get("family", "").lower(), Family.EXECUTION),
        techniques=tuple(word.strip() for word in said.get("techniques", "").split(",") if word.strip()),
    )
