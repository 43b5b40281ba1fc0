"""A model that the user trained: no model, no engine, and the report says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lazaretto.analysis.engine import Brought, Engine, Fact, Finding, Output, Subject
from lazaretto.analysis.model.file import Model, decoded, load
from lazaretto.domain.sample import Category

FEATURES = "features"
"""The option that asks for a file's numbers instead of a judgement, for training."""


def _brings(options: Mapping[str, Any]) -> Brought:
    if options.get(FEATURES):
        return Brought(b"", "features")
    data, version = load(Path(str(options["file"])))
    return Brought(data, version)


ENGINE = Engine(
    name="model",
    version="1",
    module="lazaretto.analysis.engines.model",
    wants=lambda kind: kind.category is not Category.ARCHIVE and kind.name != "empty",
    sees="likeness to files that you labelled, where you trained a model from them",
    loads=("lief", "lazaretto.analysis.model.features"),
    seconds=20.0,
    brings=_brings,
    needs="file",
)

_REASONS = 5  # numbers that are told with a finding
_model: list[Model] = []  # of this process: one


def take(data: bytes) -> None:
    """The model, read once for all files of this process."""
    _model[:] = [decoded(data)] if data else []


def examine(subject: Subject) -> Iterator[Output]:
    from lazaretto.analysis.model.features import features  # noqa: PLC0415  only in the cage

    found = features(subject)
    if subject.options.get(FEATURES):
        yield Fact(name=FEATURES, value=tuple(f"{name}={value!r}" for name, value in found.items()))
        return
    model = _model[0]
    row = model.row(found)
    fitted = model.fitted
    probability = fitted.probability(row)
    yield Fact(name="model.probability", value=round(probability, 4))
    if probability >= model.maybe:
        kind = "model-likely-harmful" if probability >= model.likely else "model-maybe-harmful"
        yield Finding(id=kind, detail=f"{probability:.2f}, most for: {', '.join(_reasons(model, row))}")


def _reasons(model: Model, row: list[float]) -> list[str]:
    parts = sorted(zip(model.fitted.contributions(row), model.names, strict=True), reverse=True)
    return [name for share, name in parts[:_REASONS] if share > 0]
