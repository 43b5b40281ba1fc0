"""Fixtures for tests that really detonate. A conftest.py takes them in by importing their names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Any

import pytest

from lazaretto.testing.machines import Machines, machines
from lazaretto.testing.observed import Observed
from lazaretto.testing.programs import Programs, ToolMissing

Run = Callable[..., Observed]


@pytest.fixture(scope="session")
def guests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """One sandbox for all tests of the run."""
    with machines(tmp_path_factory.mktemp("detonations")) as made:
        yield made


@pytest.fixture(scope="session")
def linux(guests: Machines) -> Run:
    """`linux(sample, "sh", **request)`: detonate in the Linux guest."""

    @wraps(guests.run)
    def run(sample: Any, launch: str, **request: Any) -> Observed:
        return guests.run(sample, "linux", launch, **request)

    return run


@pytest.fixture(scope="session")
def windows(guests: Machines) -> Run:
    """`windows(sample, "exe", **request)`: detonate in the Windows guest."""

    @wraps(guests.run)
    def run(sample: Any, launch: str, **request: Any) -> Observed:
        return guests.run(sample, "windows", launch, **request)

    return run


class _Programs(Programs):
    """Without a compiler a test is skipped at home and fails in CI."""

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return found if name.startswith("_") or not callable(found) else partial(_or_skip, found)


def _or_skip(make: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    try:
        return make(*arguments, **named)
    except ToolMissing as missing:
        text = f"{missing} is not installed"
        if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
            pytest.fail(text, pytrace=False)
        pytest.skip(text)


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest) -> Programs:
    """Builders of samples; what they make is kept in pytest's cache."""
    return _Programs(request.config.cache.mkdir("programs"))
