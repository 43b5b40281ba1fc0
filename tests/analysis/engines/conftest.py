"""Programs from source for tests of engines."""

from lazaretto.testing.fixtures import programs

__all__ = ["programs"]
