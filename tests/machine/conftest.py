"""Tests that really detonate. What is detonated is harmless, and made from source in the test run."""

from lazaretto.testing.fixtures import guests, linux, programs, windows

__all__ = ["guests", "linux", "programs", "windows"]
