"""What the whole test suite agrees on: which tests need a machine, and what happens where there is none.

`@pytest.mark.machine("linux")` marks a test that really detonates in the guests it names (all, if it names none). At
home it is skipped where a guest is not built; with `CI` set a missing part is a failure, since nobody would see the
skip.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache

import pytest
import structlog
from hypothesis import settings

from lazaretto.domain.errors import LazarettoError
from lazaretto.sandbox.image import recipe
from lazaretto.sandbox.image.store import ImageStore
from lazaretto.sandbox.machine.lockdown import require_isolation

# No test asserts a wall time: a busy computer is no defect.
settings.register_profile("lazaretto", deadline=None)
settings.load_profile("lazaretto")


@cache
def missing(profile: str) -> str:
    """Why nothing can be detonated in this guest, "" where it can."""
    try:
        require_isolation()
        ImageStore().find(profile)
    except LazarettoError as error:
        return str(error)
    return ""


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """A test of the command sets up logging to its own captured stderr, which is closed when it ends."""
    yield
    structlog.reset_defaults()


def pytest_runtest_setup(item: pytest.Item) -> None:
    marker = item.get_closest_marker("machine")
    if marker is None:
        return
    reasons = [reason for profile in marker.args or recipe.PROFILES if (reason := missing(profile))]
    if not reasons:
        return
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(reasons[0], pytrace=False)
    pytest.skip(reasons[0])
