"""The engines outside that this program knows, set up or not."""

from __future__ import annotations

from lazaretto.analysis.outside import capa, clamav, spam
from lazaretto.analysis.outside.outside import Outside
from lazaretto.analysis.settings import Settings


def outside(settings: Settings) -> tuple[Outside, ...]:
    """All of them, by name. Raises `SettingsError` for an address that is none."""
    return (capa.engine(settings.capa), clamav.engine(settings.clamav), spam.engine(settings.spam))


def not_set_up() -> tuple[Outside, ...]:
    """All of them, none set up."""
    return outside(Settings())
