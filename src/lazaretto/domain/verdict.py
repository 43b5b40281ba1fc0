"""States, statuses and the verdict: where a sample is in the workflow, and what it is held to be."""

from __future__ import annotations

import enum

import msgspec


class State(enum.StrEnum):
    """Where a submission is in the workflow. Says nothing about what the file is."""

    QUEUED = "queued"  # taken in, waiting for a worker
    ANALYZING = "analyzing"  # a worker has it
    FINISHED = "finished"  # there is a verdict
    RE_ANALYZING = "re-analyzing"  # there is a verdict, and a new analysis may change it
    FAILED = "failed"  # the analysis could not be done; the verdict is unknown, with the reason


class Status(enum.StrEnum):
    """What the file is held to be. Says nothing about the workflow."""

    UNKNOWN = "unknown"  # no score
    CLEAN = "clean"  # 1-74
    SUSPICIOUS = "suspicious"  # 75-89
    HIGHLY_SUSPICIOUS = "highly suspicious"  # 90-99
    MALICIOUS = "malicious"  # 100

    @property
    def rank(self) -> int:
        """Order for thresholds: unknown and clean are 0, malicious is 3."""
        return _RANK[self]


_RANK = {
    Status.UNKNOWN: 0,
    Status.CLEAN: 0,
    Status.SUSPICIOUS: 1,
    Status.HIGHLY_SUSPICIOUS: 2,
    Status.MALICIOUS: 3,
}

# Lowest and highest score of each status that has one.
BANDS: dict[Status, tuple[int, int]] = {
    Status.CLEAN: (1, 74),
    Status.SUSPICIOUS: (75, 89),
    Status.HIGHLY_SUSPICIOUS: (90, 99),
    Status.MALICIOUS: (100, 100),
}


def status_of_score(score: int) -> Status:
    """The status in whose band the score lies. Raises `ValueError` outside 1-100."""
    for status, (low, high) in BANDS.items():
        if low <= score <= high:
            return status
    raise ValueError(f"a score is between 1 and 100, not {score}")


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A status with its score and the reason in words. `score` is None exactly for `unknown`."""

    status: Status
    score: int | None
    reason: str

    def __post_init__(self) -> None:
        expected = Status.UNKNOWN if self.score is None else status_of_score(self.score)
        if expected is not self.status:
            raise ValueError(f"status {self.status} does not go with score {self.score}")
        if not self.reason:
            raise ValueError("a verdict has a reason")
