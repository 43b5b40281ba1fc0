"""Regular expressions of rules, run by RE2: over text of a sample their time must not grow faster than the text."""

from __future__ import annotations

from collections.abc import Callable


def problem(pattern: str) -> str:
    """Why the pattern is not taken, in the engine's words; empty if it is."""
    import re2  # type: ignore[import-untyped]  # noqa: PLC0415  few rules have any

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options=options)
    except re2.error as error:
        said = error.args[0] if error.args else b""
        return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return ""


def finder(pattern: str) -> Callable[[str], bool]:
    """Whether the pattern is somewhere in a text."""
    import re2  # noqa: PLC0415  only where a rule has an expression

    search = re2.compile(pattern).search
    return lambda text: search(text.encode("utf-8", "replace").decode("utf-8")) is not None
