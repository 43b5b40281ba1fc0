"""Lazaretto: an open, self-hosted dynamic threat defence."""

__version__ = "0.1.0"
