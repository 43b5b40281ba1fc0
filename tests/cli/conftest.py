"""What the tests of the command share."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console, RenderableType

Draw = Callable[..., str]


@pytest.fixture
def draw() -> Draw:
    """Draws as a terminal of that width without colour shows it."""

    def drawn(renderable: RenderableType, width: int = 80) -> str:
        stream = io.StringIO()
        Console(file=stream, width=width, color_system=None, markup=False, highlight=False).print(renderable)
        return stream.getvalue()

    return drawn
