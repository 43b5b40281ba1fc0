"""Stub."""

from pathlib import Path


def image_faults(home: Path) -> dict[str, str]:
    return {}
