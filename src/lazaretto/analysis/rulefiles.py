"""What all files of rules share: YAML whose mappings know their line, and where the program's own files are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from lazaretto.domain.errors import CatalogueError

LINE = "__line__"  # key under which the reader leaves a mapping's line


class _Reader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the fast loader where there is one
    """YAML that keeps the line of every mapping and refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key is given twice", node.start_mark)
        mapping[LINE] = node.start_mark.line + 1
        return mapping


def parse(file: str, text: str) -> Any:
    """The YAML of one file. Raises `CatalogueError`."""
    try:
        return yaml.load(text, Loader=_Reader)  # noqa: S506 (a subclass of the safe loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise CatalogueError(file, line, "", "", error.problem or "not YAML") from error


def parse_documents(file: str, text: str) -> Iterator[Any]:
    """Each of the documents of one file. Raises `CatalogueError`, also after some of them."""
    try:
        yield from yaml.load_all(text, Loader=_Reader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise CatalogueError(file, line, "", "", error.problem or "not YAML") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:  # a date of month 13, a list as a key
        raise CatalogueError(file, 0, "", "", f"not YAML: {' '.join(str(error).split())}") from error


def default_folder() -> Path:
    """The catalogue that comes with the program: in the package when installed, beside `src` when developed."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "catalogue"
    return inside if inside.is_dir() else package.parents[1] / "catalogue"
