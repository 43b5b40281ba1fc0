"""Logistic regression, and how well it does: plain Python, the same result for the same input.

A sum of weighted numbers says the probability, so each weight can be read: what it leans on can be told to people. It
is trained with the adaptive steps of AdaGrad (Duchi, Hazan, Singer 2011) and a penalty on large weights.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

Row = Sequence[float]

_ROUNDS = 60
_STEP = 0.3
_PENALTY = 1e-3
_MOST_DEVIATION = 8.0  # standard deviations that one number counts at most


@dataclass(frozen=True)
class Fitted:
    """`means` and `scales` bring each number to the same size before it is weighed."""

    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float

    def probability(self, row: Row) -> float:
        """That a file with these numbers is harmful, 0 to 1, as far as the model goes."""
        return _sigmoid(self.bias + sum(self.contributions(row)))

    def contributions(self, row: Row) -> list[float]:
        """What each number adds to the sum."""
        scaled = _scaled(row, self.means, self.scales)
        return [weight * value for weight, value in zip(self.weights, scaled, strict=True)]


def fit(rows: Sequence[Row], labels: Sequence[bool]) -> Fitted:
    """The model of these rows; both labels weigh the same, however many rows each has."""
    columns = list(zip(*rows, strict=True))
    means = tuple(sum(column) / len(column) for column in columns)
    scales = tuple(
        max(1e-9, math.sqrt(sum((value - mean) ** 2 for value in column) / len(column)))
        for column, mean in zip(columns, means, strict=True)
    )
    scaled = [_scaled(row, means, scales) for row in rows]
    harmful = sum(labels)
    importance = {True: len(labels) / (2 * harmful), False: len(labels) / (2 * (len(labels) - harmful))}
    weights, squares = [0.0] * len(means), [1e-8] * (len(means) + 1)
    bias = 0.0
    order = list(range(len(rows)))
    chance = random.Random(0)  # noqa: S311  not a secret: the same rows give the same model
    for _ in range(_ROUNDS):
        chance.shuffle(order)
        for index in order:
            row, label = scaled[index], labels[index]
            guess = _sigmoid(bias + sum(weight * value for weight, value in zip(weights, row, strict=True)))
            error = (guess - label) * importance[label]
            for at, value in enumerate(row):
                slope = error * value + _PENALTY * weights[at]
                squares[at] += slope * slope
                weights[at] -= _STEP * slope / math.sqrt(squares[at])
            squares[-1] += error * error
            bias -= _STEP * error / math.sqrt(squares[-1])
    return Fitted(means, scales, tuple(weights), bias)


def held_out(rows: Sequence[Row], labels: Sequence[bool], folds: int = 5) -> list[float]:
    """For each row the probability from a model that has not seen it."""
    parts = _parts(labels, folds)
    found = [0.0] * len(rows)
    for part in parts:
        inside = [index for other in parts if other is not part for index in other]
        model = fit([rows[index] for index in inside], [labels[index] for index in inside])
        for index in part:
            found[index] = model.probability(rows[index])
    return found


def _parts(labels: Sequence[bool], folds: int) -> list[list[int]]:
    """Indices in so many parts, each with its share of both labels."""
    chance = random.Random(1)  # noqa: S311  no secret: always the same parts
    parts: list[list[int]] = [[] for _ in range(folds)]
    for label in (False, True):
        indices = [index for index, one in enumerate(labels) if one is label]
        chance.shuffle(indices)
        for number, index in enumerate(indices):
            parts[number % folds].append(index)
    return parts


@dataclass(frozen=True)
class Figures:
    """Shares at a threshold, 0 to 1: of the harmful that are found, of the harmless that are blamed."""

    threshold: float
    found: float
    blamed: float


def at_threshold(scores: Sequence[float], labels: Sequence[bool], threshold: float) -> Figures:
    """How a threshold does."""
    harmful = [score for score, label in zip(scores, labels, strict=True) if label]
    harmless = [score for score, label in zip(scores, labels, strict=True) if not label]
    return Figures(
        threshold,
        sum(score >= threshold for score in harmful) / max(1, len(harmful)),
        sum(score >= threshold for score in harmless) / max(1, len(harmless)),
    )


def threshold_for(scores: Sequence[float], labels: Sequence[bool], blamed: float) -> float:
    """The lowest threshold, at least one half, at which no more than this share of the harmless is blamed."""
    harmless = sorted((score for score, label in zip(scores, labels, strict=True) if not label), reverse=True)
    allowed = int(len(harmless) * blamed)
    above = harmless[allowed] if allowed < len(harmless) else 0.0
    return max(0.5, min(0.999999, above + 1e-6))


def area(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """The probability that a harmful file has a higher score than a harmless one (area under the ROC curve)."""
    ranked = sorted(zip(scores, labels, strict=True))
    harmful = sum(labels)
    pairs = harmful * (len(labels) - harmful)
    below, total, at = 0, 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        same = [label for _, label in ranked[at:end]]
        total += sum(same) * (below + (len(same) - sum(same)) / 2)
        below += len(same) - sum(same)
        at = end
    return total / max(1, pairs)


def _scaled(row: Row, means: Row, scales: Row) -> list[float]:
    return [
        max(-_MOST_DEVIATION, min(_MOST_DEVIATION, (value - mean) / scale))
        for value, mean, scale in zip(row, means, scales, strict=True)
    ]


def _sigmoid(value: float) -> float:
    if value >= 0:
        return 1 / (1 + math.exp(-min(value, 700.0)))
    grown = math.exp(max(value, -700.0))
    return grown / (1 + grown)
