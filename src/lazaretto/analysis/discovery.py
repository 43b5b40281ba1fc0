"""Which engines there are: every module in `analysis/engines/` and `analysis/unpackers/`; nothing is registered."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from lazaretto.analysis import engines, unpackers
from lazaretto.analysis.engine import Engine


@cache
def all_engines() -> tuple[Engine, ...]:
    """All engines, by name."""
    found = [
        importlib.import_module(f"{package.__name__}.{module.name}").ENGINE
        for package in (engines, unpackers)
        for module in pkgutil.iter_modules(package.__path__)
        if not module.name.startswith("_")
    ]
    return tuple(sorted(found, key=lambda engine: engine.name))
