"""Sides of a PE file, each a module with a function from `Image` to outputs."""
