"""Attributes of what LIEF parsed. Texts that are none and numbers that its enums do not know make it raise."""

from __future__ import annotations

from typing import Any


def text(thing: Any, name: str) -> str:
    """An attribute as text; empty where it is not there or is none."""
    try:
        value = getattr(thing, name)
        return value if isinstance(value, str) else bytes(value).decode("latin-1")
    except (UnicodeDecodeError, SystemError, TypeError, AttributeError):
        return ""


def label(thing: Any, name: str) -> str:
    """The name of an enum's value in small letters; `unknown` where it has none."""
    try:
        return str(getattr(thing, name)).rpartition(".")[2].lower()
    except (SystemError, AttributeError, ValueError, RuntimeWarning):
        return "unknown"


def number(thing: Any, name: str) -> int:
    """An attribute as a number; 0 where its enum does not know it."""
    try:
        value = getattr(thing, name)
        return int(getattr(value, "value", value))
    except (SystemError, AttributeError, ValueError, TypeError, RuntimeWarning):
        return 0
