"""Logging of the command: structured lines on stderr, each led by a stable action name such as `machine.restore`.

Without `-v` only warnings and errors are shown. Action names are for scripts and support: they are never reworded.
"""

from __future__ import annotations

import logging
import sys

import structlog

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


def configure(verbosity: int, *, as_json: bool) -> None:
    """Show warnings (0), what happens (1), or every step (2 and more); as JSON lines where stdout is JSON too."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=24)
    )
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[min(verbosity, len(_LEVELS) - 1)]),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
