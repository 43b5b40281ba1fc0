"""Character sets by the names that files give them: what they claim may not exist."""

from __future__ import annotations


def known(name: str, otherwise: str) -> str:
    """The name, if bytes can be decoded by it; else the other one."""
    try:
        b" ".decode(name)  # of no bytes at all Python would not even look the name up
    except (LookupError, ValueError):
        return otherwise
    return name
