"""Programs from source for tests of unpackers."""

from lazaretto.testing.fixtures import programs

__all__ = ["programs"]
