"""A model's file: JSON, data and nothing that could be run."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from lazaretto.analysis.model.features import VERSION
from lazaretto.analysis.model.regression import Figures, Fitted, Row, area, at_threshold, fit, held_out, threshold_for
from lazaretto.domain.errors import ModelError

FORMAT = 1
LEAST = 20  # files of each label
_BLAMED_LIKELY, _BLAMED_MAYBE = 0.005, 0.03  # shares of harmless files that may be blamed, by cross-validation


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A trained model. `area`, `figures` are from cross-validation: of files that the model had not seen.

    From `likely` on a file is told to be likely harmful, from `maybe` on more like harmful ones.
    """

    format: int = FORMAT
    features: int  # version of what it was trained on
    made: str  # date, ISO 8601
    names: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    likely: float
    maybe: float
    harmful: int  # files it was trained on
    harmless: int
    area: float
    figures: tuple[Figures, ...]

    @property
    def fitted(self) -> Fitted:
        return Fitted(self.means, self.scales, self.weights, self.bias)

    def row(self, features: Mapping[str, float]) -> list[float]:
        """The numbers in the model's order."""
        return [features.get(name, 0.0) for name in self.names]


def train(rows: Sequence[Mapping[str, float]], labels: Sequence[bool], made: datetime.date) -> Model:
    """A model of these files, True for harmful. Raises `ModelError` where they are too few."""
    harmful = sum(labels)
    harmless = len(labels) - harmful
    if min(harmful, harmless) < LEAST:
        raise ModelError(f"{harmful} harmful and {harmless} harmless files: at least {LEAST} of each are needed")
    names = tuple(rows[0])
    table: list[Row] = [[row[name] for name in names] for row in rows]
    scores = held_out(table, labels)
    likely = threshold_for(scores, labels, _BLAMED_LIKELY)
    maybe = min(likely, threshold_for(scores, labels, _BLAMED_MAYBE))
    fitted = fit(table, labels)
    return Model(
        features=VERSION, made=made.isoformat(), names=names, means=fitted.means, scales=fitted.scales,
        weights=fitted.weights, bias=fitted.bias, likely=likely, maybe=maybe, harmful=harmful, harmless=harmless,
        area=area(scores, labels),
        figures=tuple(at_threshold(scores, labels, threshold) for threshold in (0.5, maybe, likely)),
    )  # fmt: skip


def encoded(model: Model) -> bytes:
    """The file's content."""
    return msgspec.json.format(msgspec.json.encode(model), indent=1) + b"\n"


_decoder = msgspec.json.Decoder(Model)


def decoded(data: bytes, name: str = "the model") -> Model:
    """The model in these bytes. Raises `ModelError`."""
    try:
        model = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{name}: not a model: {error}") from error
    if model.format != FORMAT or model.features != VERSION:
        raise ModelError(f"{name}: made for features {model.features}, this program has {VERSION}: train it again")
    if not len(model.names) == len(model.means) == len(model.scales) == len(model.weights):
        raise ModelError(f"{name}: not a model: its columns are not equally long")
    return model


def load(file: Path) -> tuple[bytes, str]:
    """A model file's bytes, checked, and its version: the day it was made and its hash. Raises `ModelError`."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file}: {error.strerror}") from error
    model = decoded(data, str(file))
    return data, f"{model.made} {hashlib.sha256(data).hexdigest()[:12]}"
